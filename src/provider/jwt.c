#include "provider/jwt.h"

#include "base/codec.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

enum { RSA_BITS_MIN = 2048, SIGNATURE_BYTES_MAX = 1024, TOKEN_BYTES_MAX = 8192, EC_HALF = 32 };

struct jwt_key {
    enum jwt_kind kind;
    EVP_PKEY *key; /* owned */
};

/* A passphrase is never asked for on a terminal. */
static int no_passphrase(char *out, int size, int writing, void *ctx) {
    (void)out;
    (void)size;
    (void)writing;
    (void)ctx;
    return 0;
}

static bool fits(enum jwt_kind kind, const EVP_PKEY *key) {
    char group[32] = "";
    size_t n = 0;
    if (kind == JWT_RS256)
        return EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= RSA_BITS_MIN;
    return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, &n) == 1 &&
           (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0);
}

struct jwt_key *jwt_key_new(enum jwt_kind kind, struct sv pem, struct err *e) {
    BIO *bio = pem.n && pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    struct jwt_key *k = key && fits(kind, key) ? calloc(1, sizeof *k) : NULL;
    BIO_free(bio);
    if (k) {
        *k = (struct jwt_key){kind, key};
        return k;
    }
    err_set(e, ERR_INVALID,
            key                 ? kind == JWT_RS256 ? "the private key is not RSA of %d bits at least"
                                                    : "the private key is not one of the curve P-256"
            : kind == JWT_RS256 ? "no private key can be read: a PEM text that begins with -----BEGIN "
                                  "PRIVATE KEY-----, of %d bits, without a passphrase"
                                : "no private key can be read: the text of the .p8 file, which begins with "
                                  "-----BEGIN PRIVATE KEY-----",
            RSA_BITS_MIN);
    EVP_PKEY_free(key);
    return NULL;
}

void jwt_key_free(struct jwt_key *k) {
    if (!k)
        return;
    EVP_PKEY_free(k->key);
    free(k);
}

/* What OpenSSL writes (DER) to what tokens hold: RFC 7518 section 3.4. */
static bool ec_plain(const uint8_t *der, size_t n, uint8_t out[2 * EC_HALF]) {
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
    bool ok = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, EC_HALF) == EC_HALF &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + EC_HALF, EC_HALF) == EC_HALF;
    ECDSA_SIG_free(sig);
    return ok;
}

static bool sign(const struct jwt_key *k, struct sv text, uint8_t out[SIGNATURE_BYTES_MAX], size_t *n) {
    uint8_t plain[2 * EC_HALF];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    *n = SIGNATURE_BYTES_MAX;
    bool ok = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k->key) == 1 &&
              EVP_DigestSign(ctx, out, n, (const uint8_t *)text.p, text.n) == 1;
    EVP_MD_CTX_free(ctx);
    if (!ok || k->kind == JWT_RS256)
        return ok;
    if (!ec_plain(out, *n, plain))
        return false;
    memcpy(out, plain, sizeof plain);
    *n = sizeof plain;
    return true;
}

bool jwt_sign(const struct jwt_key *k, struct sv header, struct sv claims, struct buf *out, struct err *e) {
    struct buf BUF_AUTO text = BUF_INIT(TOKEN_BYTES_MAX);
    uint8_t signature[SIGNATURE_BYTES_MAX];
    size_t n;
    base64url_add(&text, header.p, header.n);
    buf_addc(&text, '.');
    base64url_add(&text, claims.p, claims.n);
    if (text.overflow || !sign(k, buf_sv(&text), signature, &n))
        return err_set(e, ERR_INTERNAL, "a token could not be signed");
    buf_addc(&text, '.');
    base64url_add(&text, signature, n);
    buf_add(out, buf_sv(&text));
    return (!text.overflow && !out->overflow) || err_set(e, ERR_TOO_LARGE, "a token is too long");
}
