#include "base/vault.h"

#include "base/codec.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

enum { TAG_BYTES = 16, PLAIN_BYTES_MAX = 1024 * 1024 };
_Static_assert(VAULT_HEAD_BYTES == VAULT_NONCE_BYTES + TAG_BYTES, "what stands before the ciphertext");

void vault_seal_bytes(const uint8_t key[VAULT_KEY_BYTES], const uint8_t nonce[VAULT_NONCE_BYTES],
                      struct sv plain, uint8_t *out) {
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, rest = 0;
    ASSERT(ctx);
    memcpy(out, nonce, VAULT_NONCE_BYTES);
    bool ok = EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
              EVP_EncryptUpdate(ctx, out + VAULT_HEAD_BYTES, &n, (const uint8_t *)(plain.n ? plain.p : ""),
                                (int)plain.n) == 1 &&
              EVP_EncryptFinal_ex(ctx, out + VAULT_HEAD_BYTES + n, &rest) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, out + VAULT_NONCE_BYTES) == 1;
    ASSERT(ok); /* there is nothing in it that depends on the outside */
    EVP_CIPHER_CTX_free(ctx);
}

bool vault_open_bytes(const uint8_t key[VAULT_KEY_BYTES], struct sv sealed, char *out) {
    const uint8_t *p = (const uint8_t *)sealed.p;
    size_t length = sealed.n - VAULT_HEAD_BYTES;
    uint8_t tag[TAG_BYTES];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, rest = 0;
    ASSERT(ctx && sealed.n >= VAULT_HEAD_BYTES);
    memcpy(tag, p + VAULT_NONCE_BYTES, sizeof tag);
    bool ok = EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, p) == 1 &&
              EVP_DecryptUpdate(ctx, (uint8_t *)out, &n, p + VAULT_HEAD_BYTES, (int)length) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1 &&
              EVP_DecryptFinal_ex(ctx, (uint8_t *)out + n, &rest) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (!ok)
        OPENSSL_cleanse(out, length); /* what was not proven is not handed out */
    return ok;
}

bool vault_seal(const struct vault_key *key, const uint8_t nonce[VAULT_NONCE_BYTES], struct sv plain,
                struct buf *out) {
    if (plain.n > PLAIN_BYTES_MAX)
        return false;
    uint8_t *all = malloc(VAULT_HEAD_BYTES + plain.n);
    ASSERT(all);
    vault_seal_bytes(key->bytes, nonce, plain, all);
    base64_add(out, all, VAULT_HEAD_BYTES + plain.n);
    free(all);
    return !out->overflow;
}

bool vault_open(const struct vault_key *key, struct sv sealed, struct buf *out) {
    BUF_AUTO struct buf all = BUF_INIT(2 * PLAIN_BYTES_MAX);
    if (!base64_parse(sealed, &all) || all.n < VAULT_HEAD_BYTES)
        return false;
    size_t length = all.n - VAULT_HEAD_BYTES;
    char *to = buf_room(out, length + 1);
    if (!to || !vault_open_bytes(key->bytes, buf_sv(&all), to))
        return false;
    out->n += length;
    out->p[out->n] = '\0';
    return true;
}
