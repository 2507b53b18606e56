/* code: one-time codes: what they are made of, how they are drawn, read and kept.
 *
 * A code is drawn evenly from its alphabet with the world's randomness. What is kept of it is an HMAC-SHA256
 * with the installation's key over a salt of its own and the code: of a stolen database alone nothing can be
 * tried out.
 */
#ifndef HY_MODEL_CODE_H
#define HY_MODEL_CODE_H

#include "base/codec.h"
#include "base/vault.h"

enum { CODE_CHARS_MIN = 4, CODE_CHARS_MAX = 10, CODE_SALT_BYTES = 16 };

enum code_alphabet {
    CODE_DIGITS,
    CODE_ALPHANUMERIC, /* capitals and digits without those that look alike: 0 O, 1 I L */
    CODE_ALPHABETS
};
const char *code_alphabet_name(enum code_alphabet a);
bool code_alphabet_find(struct sv name, enum code_alphabet *out);

struct world;
/* n characters, and a NUL. Precondition: n is from CODE_CHARS_MIN to CODE_CHARS_MAX. */
void code_draw(const struct world *w, enum code_alphabet a, unsigned n, char out[CODE_CHARS_MAX + 1]);
/* As people type it: spaces and dashes do not count, small letters are capitals. The empty string when it
 * cannot be a code. */
void code_read(struct sv typed, char out[CODE_CHARS_MAX + 1]);
void code_hash(const struct vault_key *key, const uint8_t salt[CODE_SALT_BYTES], struct sv code,
               uint8_t out[SHA256_BYTES]);

#endif
