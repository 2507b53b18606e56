#include "store/seal.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

enum { IV_BYTES = 12, TAG_BYTES = 16 };
_Static_assert(SEAL_BYTES == IV_BYTES + TAG_BYTES, "what stands before the ciphertext");

bool seal_random(void *out, size_t n, struct err *e) {
    return RAND_bytes(out, (int)n) == 1 || err_set(e, ERR_OUTSIDE, "the system gives no random bytes");
}

bool seal(const struct master_key *mk, struct sv text, uint8_t *out, struct err *e) {
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int k = 0, rest = 0;
    bool ok = ctx && seal_random(out, IV_BYTES, e) &&
              EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, mk->bytes, out) == 1 &&
              EVP_EncryptUpdate(ctx, out + SEAL_BYTES, &k, (const uint8_t *)text.p, (int)text.n) == 1 &&
              EVP_EncryptFinal_ex(ctx, out + SEAL_BYTES + k, &rest) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, out + IV_BYTES) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok || err_set(e, ERR_OUTSIDE, "cannot encrypt a secret");
}

bool unseal(const struct master_key *mk, struct sv sealed, char *out) {
    if (sealed.n <= SEAL_BYTES)
        return false;
    const uint8_t *p = (const uint8_t *)sealed.p;
    uint8_t tag[TAG_BYTES];
    memcpy(tag, p + IV_BYTES, sizeof tag);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int k = 0, rest = 0;
    bool ok = ctx && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, mk->bytes, p) == 1 &&
              EVP_DecryptUpdate(ctx, (uint8_t *)out, &k, p + SEAL_BYTES, (int)sealed.n - SEAL_BYTES) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1 &&
              EVP_DecryptFinal_ex(ctx, (uint8_t *)out + k, &rest) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}
