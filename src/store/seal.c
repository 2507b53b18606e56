#include "store/seal.h"

#include <openssl/rand.h>

bool seal_random(void *out, size_t n, struct err *e) {
    return RAND_bytes(out, (int)n) == 1 || err_set(e, ERR_OUTSIDE, "the system gives no random bytes");
}

bool seal(const struct master_key *mk, struct sv text, uint8_t *out, struct err *e) {
    uint8_t nonce[VAULT_NONCE_BYTES];
    if (!seal_random(nonce, sizeof nonce, e))
        return false;
    vault_seal_bytes(mk->bytes, nonce, text, out);
    return true;
}

bool unseal(const struct master_key *mk, struct sv sealed, char *out) {
    return sealed.n > SEAL_BYTES && vault_open_bytes(mk->bytes, sealed, out);
}
