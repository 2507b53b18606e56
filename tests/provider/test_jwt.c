/* jwt: what is signed with a key is verified with its other half, by OpenSSL's own functions; and which keys
 * are none. */
#include "provider/jwt.h"

#include "base/codec.h"
#include "provider/adapter.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void write_pem(EVP_PKEY *key, struct buf *out) {
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    long n = BIO_get_mem_data(bio, &text);
    buf_add(out, sv_make(text, (size_t)n));
    BIO_free(bio);
}

static void decode(struct sv part, struct buf *out) {
    struct buf BUF_AUTO text = BUF_INIT(4096);
    for (size_t i = 0; i < part.n; i++) {
        assert_true(part.p[i] != '=' && part.p[i] != '+' && part.p[i] != '/');
        buf_addc(&text, part.p[i] == '-' ? '+' : part.p[i] == '_' ? '/' : part.p[i]);
    }
    while (text.n % 4)
        buf_addc(&text, '=');
    assert_true(base64_parse(buf_sv(&text), out));
}

static bool verify(EVP_PKEY *key, struct sv text, const uint8_t *signature, size_t n) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
              EVP_DigestVerify(ctx, signature, n, (const uint8_t *)text.p, text.n) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static void test_es256__is_verified_by_the_public_key(void **state) {
    (void)state;
    struct err e = ERR_INIT;
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    struct buf BUF_AUTO pem = BUF_INIT(4096);
    write_pem(pair, &pem);
    struct jwt_key *key = jwt_key_new(JWT_ES256, buf_sv(&pem), &e);
    assert_non_null(key);
    for (int i = 0; i < 300; i++) { /* r and s begin with a zero byte now and then */
        struct buf BUF_AUTO token = BUF_INIT(4096), BUF_AUTO plain = BUF_INIT(4096),
                            BUF_AUTO claims = BUF_INIT(64);
        buf_addf(&claims, "{\"iat\":%d}", i);
        assert_true(jwt_sign(key, SV("{\"alg\":\"ES256\"}"), buf_sv(&claims), &token, &e));
        struct sv rest = buf_sv(&token), head = sv_cut(&rest, '.'), body = sv_cut(&rest, '.');
        decode(rest, &plain);
        assert_int_equal(plain.n, 64);
        ECDSA_SIG *sig = ECDSA_SIG_new();
        const uint8_t *p = (const uint8_t *)plain.p;
        assert_int_equal(ECDSA_SIG_set0(sig, BN_bin2bn(p, 32, NULL), BN_bin2bn(p + 32, 32, NULL)), 1);
        uint8_t der[128], *end = der;
        size_t n = (size_t)i2d_ECDSA_SIG(sig, &end);
        assert_true(verify(pair, sv_sub(buf_sv(&token), 0, head.n + 1 + body.n), der, n));
        ECDSA_SIG_free(sig);
        buf_reset(&plain);
        decode(body, &plain);
        assert_true(sv_eq(buf_sv(&plain), buf_sv(&claims)));
    }
    jwt_key_free(key);
    EVP_PKEY_free(pair);
}

static void test_key__of_another_kind_is_refused(void **state) {
    (void)state;
    struct err e = ERR_INIT;
    EVP_PKEY *ec = EVP_EC_gen("P-384"), *rsa = EVP_RSA_gen(1024), *p256 = EVP_EC_gen("P-256");
    struct buf BUF_AUTO a = BUF_INIT(8192), BUF_AUTO b = BUF_INIT(8192), BUF_AUTO c = BUF_INIT(8192);
    write_pem(ec, &a);
    write_pem(rsa, &b);
    write_pem(p256, &c);
    assert_null(jwt_key_new(JWT_ES256, buf_sv(&a), &e));
    assert_null(jwt_key_new(JWT_ES256, buf_sv(&b), &e));
    assert_null(jwt_key_new(JWT_RS256, buf_sv(&b), &e)); /* too short */
    assert_null(jwt_key_new(JWT_RS256, buf_sv(&c), &e));
    assert_null(jwt_key_new(JWT_ES256, SV_NONE, &e));
    assert_int_equal(e.kind, ERR_INVALID);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(p256);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_es256__is_verified_by_the_public_key),
        cmocka_unit_test(test_key__of_another_kind_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
