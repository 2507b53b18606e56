/* vault: short texts that must be readable again, but by nobody who has only the place where they are kept.
 *
 * AES-256-GCM (NIST SP 800-38D): what was sealed with another key, or changed since, does not open. A nonce
 * must never be used twice with one key: 96 random bits for each text. Pure: the nonce is handed in, so that
 * randomness stays the world's.
 */
#ifndef HY_BASE_VAULT_H
#define HY_BASE_VAULT_H

#include "base/buf.h"
#include "base/err.h"

enum { VAULT_KEY_BYTES = 32, VAULT_NONCE_BYTES = 12, VAULT_HEAD_BYTES = 28 };

struct vault_key {
    uint8_t bytes[VAULT_KEY_BYTES];
};

/* Nonce, tag and ciphertext; out has room for plain.n + VAULT_HEAD_BYTES, which is as many as are written. */
void vault_seal_bytes(const uint8_t key[VAULT_KEY_BYTES], const uint8_t nonce[VAULT_NONCE_BYTES],
                      struct sv plain, uint8_t *out);
/* out has room for sealed.n - VAULT_HEAD_BYTES; false, and nothing is in it: another key, or not what was
 * sealed. Precondition: sealed is not shorter than VAULT_HEAD_BYTES. */
MUST_USE bool vault_open_bytes(const uint8_t key[VAULT_KEY_BYTES], struct sv sealed, char *out);

/* Appends plain, sealed, in base64. False, out untouched or in overflow, when out is too small. */
MUST_USE bool vault_seal(const struct vault_key *key, const uint8_t nonce[VAULT_NONCE_BYTES], struct sv plain,
                         struct buf *out);
/* Appends what was sealed; false: another key, or not what was sealed. */
MUST_USE bool vault_open(const struct vault_key *key, struct sv sealed, struct buf *out);

#endif
