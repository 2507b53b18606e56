#include "base/certificate.h"

#include "base/clock.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

enum { PEM_BYTES_MAX = 64 * 1024, KEY_BITS_MIN = 2048 };

static bool verifies(EVP_PKEY *key, enum hash_kind hash, struct sv text, struct sv signature) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const EVP_MD *md = hash == HASH_SHA1 ? EVP_sha1() : EVP_sha256();
    bool ok = ctx && EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) == 1 &&
              EVP_DigestVerify(ctx, (const unsigned char *)signature.p, signature.n,
                               (const unsigned char *)text.p, text.n) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static bool was_valid(const X509 *x, int64_t at) {
    time_t t = (time_t)(at / US_PER_S);
    return X509_cmp_time(X509_get0_notBefore(x), &t) < 0 && X509_cmp_time(X509_get0_notAfter(x), &t) > 0;
}

static bool check(const X509 *x, enum hash_kind hash, struct sv text, struct sv signature, int64_t at,
                  struct err *e) {
    EVP_PKEY *key = X509_get0_pubkey(x);
    if (!key || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) < KEY_BITS_MIN)
        return err_set(e, ERR_AUTH, "the signer's certificate has no RSA key of %d bits", KEY_BITS_MIN);
    if (!was_valid(x, at))
        return err_set(e, ERR_AUTH, "the signer's certificate was not valid then");
    return verifies(key, hash, text, signature) ||
           err_set(e, ERR_AUTH, "the signature is not that of the certificate's key");
}

bool certificate_signed(struct sv pem, enum hash_kind hash, struct sv text, struct sv signature, int64_t at,
                        struct err *e) {
    ASSERT(hash == HASH_SHA1 || hash == HASH_SHA256);
    BIO *bio = pem.n && pem.n <= PEM_BYTES_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    bool ok = x ? check(x, hash, text, signature, at, e)
                : err_set(e, ERR_AUTH, "what the signer's address holds is no certificate");
    X509_free(x);
    BIO_free(bio);
    return ok;
}
