#include "model/code.h"

#include "model/world.h"

#include <string.h>

static const struct {
    const char *name, *characters;
} alphabets[CODE_ALPHABETS] = {
    [CODE_DIGITS] = {"digits", "0123456789"},
    [CODE_ALPHANUMERIC] = {"alphanumeric", "23456789ABCDEFGHJKMNPQRSTUVWXYZ"},
};

const char *code_alphabet_name(enum code_alphabet a) {
    ASSERT(a < CODE_ALPHABETS);
    return alphabets[a].name;
}

bool code_alphabet_find(struct sv name, enum code_alphabet *out) {
    for (int i = 0; i < CODE_ALPHABETS; i++)
        if (sv_eq(name, sv_of(alphabets[i].name))) {
            *out = (enum code_alphabet)i;
            return true;
        }
    return false;
}

void code_draw(const struct world *w, enum code_alphabet a, unsigned n, char out[CODE_CHARS_MAX + 1]) {
    ASSERT(n >= CODE_CHARS_MIN && n <= CODE_CHARS_MAX && a < CODE_ALPHABETS);
    const char *characters = alphabets[a].characters;
    uint64_t bound = strlen(characters);
    for (unsigned i = 0; i < n;) {
        /* A byte out of the middle: of those that would make some characters likelier, none counts. */
        uint64_t drawn = w->random(w->ctx) >> 16 & 0xff;
        if (drawn < 256 / bound * bound)
            out[i++] = characters[drawn % bound];
    }
    out[n] = '\0';
}

void code_read(struct sv typed, char out[CODE_CHARS_MAX + 1]) {
    size_t n = 0;
    for (size_t i = 0; i < typed.n; i++) {
        char c = typed.p[i];
        if (c == ' ' || c == '-')
            continue;
        bool digit = c >= '0' && c <= '9', small = c >= 'a' && c <= 'z', capital = c >= 'A' && c <= 'Z';
        if (n == CODE_CHARS_MAX || (!digit && !small && !capital)) {
            n = 0;
            break;
        }
        out[n++] = (char)(small ? c - 'a' + 'A' : c);
    }
    out[n] = '\0';
}

void code_hash(const struct vault_key *key, const uint8_t salt[CODE_SALT_BYTES], struct sv code,
               uint8_t out[SHA256_BYTES]) {
    char all[CODE_SALT_BYTES + CODE_CHARS_MAX];
    ASSERT(code.n <= CODE_CHARS_MAX);
    memcpy(all, salt, CODE_SALT_BYTES);
    if (code.n)
        memcpy(all + CODE_SALT_BYTES, code.p, code.n);
    hmac_sha256(sv_make((const char *)key->bytes, sizeof key->bytes), sv_make(all, CODE_SALT_BYTES + code.n),
                out);
}
