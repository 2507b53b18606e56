#include "base/vault.h"

#include "base/codec.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

enum { TAG_BYTES = 16, PLAIN_BYTES_MAX = 1024 * 1024 };

/* Kept as nonce, tag, text. */
enum { HEAD_BYTES = VAULT_NONCE_BYTES + TAG_BYTES };

bool vault_seal(const struct vault_key *key, const uint8_t nonce[VAULT_NONCE_BYTES], struct sv plain,
                struct buf *out) {
    if (plain.n > PLAIN_BYTES_MAX)
        return false;
    uint8_t *all = malloc(HEAD_BYTES + plain.n + 1);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, rest = 0;
    ASSERT(all && ctx);
    memcpy(all, nonce, VAULT_NONCE_BYTES);
    bool ok = EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, nonce) == 1 &&
              EVP_EncryptUpdate(ctx, all + HEAD_BYTES, &n, (const uint8_t *)(plain.n ? plain.p : ""),
                                (int)plain.n) == 1 &&
              EVP_EncryptFinal_ex(ctx, all + HEAD_BYTES + n, &rest) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, all + VAULT_NONCE_BYTES) == 1;
    ASSERT(ok); /* there is nothing in it that depends on the outside */
    EVP_CIPHER_CTX_free(ctx);
    base64_add(out, all, HEAD_BYTES + (size_t)n + (size_t)rest);
    free(all);
    return !out->overflow;
}

bool vault_open(const struct vault_key *key, struct sv sealed, struct buf *out) {
    BUF_AUTO struct buf all = BUF_INIT(2 * PLAIN_BYTES_MAX);
    if (!base64_parse(sealed, &all) || all.n < HEAD_BYTES)
        return false;
    size_t length = all.n - HEAD_BYTES;
    char *to = buf_room(out, length + 1);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, rest = 0;
    ASSERT(ctx);
    bool ok =
        to && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, (const uint8_t *)all.p) == 1 &&
        EVP_DecryptUpdate(ctx, (uint8_t *)to, &n, (const uint8_t *)all.p + HEAD_BYTES, (int)length) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, all.p + VAULT_NONCE_BYTES) == 1 &&
        EVP_DecryptFinal_ex(ctx, (uint8_t *)to + n, &rest) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (ok) {
        out->n += length;
        out->p[out->n] = '\0';
    } else if (to) {
        OPENSSL_cleanse(to, length); /* what was not proven is not handed out */
    }
    return ok;
}
