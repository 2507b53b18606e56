#include "check.h"

#include "base/codec.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static void test_codec__hex_there_and_back(void **state) {
    (void)state;
    struct buf BUF_AUTO b = BUF_INIT(100);
    uint8_t out[4] = {0};
    hex_add(&b, "\x00\x7f\x80\xff", 4);
    assert_sv(buf_sv(&b), "007f80ff");
    assert_true(hex_parse(SV("007F80fF"), out, 4));
    assert_memory_equal(out, "\x00\x7f\x80\xff", 4);
    assert_false(hex_parse(SV("007f80f"), out, 4));
    assert_false(hex_parse(SV("007f80ff0"), out, 4));
    assert_false(hex_parse(SV("007f80fg"), out, 4));
    char digits[16];
    hex_u64(digits, 0x0123456789abcdef);
    assert_memory_equal(digits, "0123456789abcdef", 16);
}

/* RFC 4648, section 10. */
static void test_codec__base64_vectors(void **state) {
    (void)state;
    static const struct {
        const char *plain, *coded;
    } rows[] = {{"", ""},
                {"f", "Zg=="},
                {"fo", "Zm8="},
                {"foo", "Zm9v"},
                {"foob", "Zm9vYg=="},
                {"fooba", "Zm9vYmE="},
                {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf BUF_AUTO b = BUF_INIT(100), back = BUF_INIT(100);
        base64_add(&b, rows[i].plain, strlen(rows[i].plain));
        assert_sv(buf_sv(&b), rows[i].coded);
        assert_true(base64_parse(buf_sv(&b), &back));
        assert_sv(buf_sv(&back), rows[i].plain);
    }
}

static void test_codec__base64url_comes_back_and_takes_nothing_sloppy(void **state) {
    (void)state;
    static const uint8_t bytes[] = {0xfb, 0xff, 0xbf, 0x00, 0x7e};
    static const char *const written[] = {"", "-w", "-_8", "-_-_", "-_-_AA", "-_-_AH4"};
    for (size_t n = 0; n <= sizeof bytes; n++) {
        struct buf BUF_AUTO text = BUF_INIT(64), BUF_AUTO back = BUF_INIT(64);
        base64url_add(&text, bytes, n);
        assert_true(sv_eq(buf_sv(&text), sv_of(written[n])));
        assert_true(base64url_parse(buf_sv(&text), &back));
        assert_true(back.n == n && (n == 0 || memcmp(back.p, bytes, n) == 0));
    }
    static const char *const sloppy[] = {"+w", "/w", "-w==", "-", "-_8 ", "-_-_A"};
    for (size_t i = 0; i < sizeof sloppy / sizeof sloppy[0]; i++) {
        struct buf BUF_AUTO out = BUF_INIT(64);
        assert_false(base64url_parse(sv_of(sloppy[i]), &out));
    }
}

static void test_codec__base64_takes_nothing_sloppy(void **state) {
    (void)state;
    static const char *const rows[] = {
        "Zg",       "Zg=",      "Zg===", "Z===", "====",       "Zm9v\n", " Zm9v",
        "Zm9v====", "Zg==Zg==", "Z=g=",  "Zm-_", "\xc3\xa9==", "Zm9"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf BUF_AUTO out = BUF_INIT(100);
        if (base64_parse(sv_of(rows[i]), &out) || out.n)
            fail_msg("%s is taken", rows[i]);
    }
    struct buf BUF_AUTO small = BUF_INIT(2);
    assert_false(base64_parse(SV("Zm9v"), &small));
}

static void test_codec__hashes_match_the_standards(void **state) {
    (void)state;
    uint8_t mac[SHA256_BYTES];
    struct buf BUF_AUTO b = BUF_INIT(100);
    sha256(SV("abc"), mac); /* FIPS 180-4 */
    hex_add(&b, mac, SHA256_BYTES);
    assert_sv(buf_sv(&b), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    buf_reset(&b);
    sha256(SV_NONE, mac);
    hex_add(&b, mac, SHA256_BYTES);
    assert_sv(buf_sv(&b), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    buf_reset(&b);
    hmac_sha256(SV("Jefe"), SV("what do ya want for nothing?"), mac); /* RFC 4231, case 2 */
    hex_add(&b, mac, SHA256_BYTES);
    assert_sv(buf_sv(&b), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    buf_reset(&b);
    hmac_sha1(SV("Jefe"), SV("what do ya want for nothing?"), mac); /* RFC 2202, case 2 */
    hex_add(&b, mac, SHA1_BYTES);
    assert_sv(buf_sv(&b), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    hmac_sha256(SV_NONE, SV_NONE, mac);
}

static void test_codec__hmac_sha256_is_openssls_for_keys_and_texts_of_every_size(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 31, 32, 63, 64, 65, 127, 128, 2047, 2048, 2049, 5000};
    enum { SIZES = sizeof sizes / sizeof sizes[0], MAX = 5000 };
    static char key[MAX], data[MAX];
    for (size_t i = 0; i < MAX; i++) {
        key[i] = (char)(i * 7 + 1);
        data[i] = (char)(i * 13 + 5);
    }
    for (size_t k = 0; k < SIZES; k++) {
        for (size_t d = 0; d < SIZES; d++) {
            uint8_t ours[SHA256_BYTES], right[SHA256_BYTES];
            unsigned n = 0;
            hmac_sha256(sv_make(key, sizes[k]), sv_make(data, sizes[d]), ours);
            HMAC(EVP_sha256(), key, (int)sizes[k], (const unsigned char *)data, sizes[d], right, &n);
            assert_memory_equal(ours, right, sizeof right);
        }
    }
}

/* OpenSSL has a SipHash of its own: the other implementation. */
static uint64_t siphash_openssl(const uint8_t key[16], const uint8_t *data, size_t n) {
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    assert_non_null(mac);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    size_t size = 8, written = 0;
    uint8_t out[8];
    OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
                           OSSL_PARAM_construct_end()};
    assert_true(EVP_MAC_init(ctx, key, 16, params) && EVP_MAC_update(ctx, data, n) &&
                EVP_MAC_final(ctx, out, &written, sizeof out) && written == 8);
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    uint64_t x = 0;
    for (int i = 7; i >= 0; i--)
        x = x << 8 | out[i];
    return x;
}

/* The key and inputs of the authors' vectors (reference implementation, vectors_sip64): key 00..0f, input of
 * n bytes 00..n-1. */
static void test_codec__siphash_vectors(void **state) {
    (void)state;
    uint8_t key[16], data[64];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    struct sip_key k = {.k0 = 0x0706050403020100, .k1 = 0x0f0e0d0c0b0a0908};
    for (size_t n = 0; n < sizeof data; n++)
        assert_true(siphash(k, sv_make((const char *)data, n)) == siphash_openssl(key, data, n));
    assert_true(siphash(k, SV_NONE) == 0x726fdb47dd0e0e31);
    assert_true(siphash(k, sv_make((const char *)data, 15)) == 0xa129ca6149be45e5); /* the paper's example */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec__hex_there_and_back),
        cmocka_unit_test(test_codec__base64_vectors),
        cmocka_unit_test(test_codec__base64url_comes_back_and_takes_nothing_sloppy),
        cmocka_unit_test(test_codec__base64_takes_nothing_sloppy),
        cmocka_unit_test(test_codec__hmac_sha256_is_openssls_for_keys_and_texts_of_every_size),
        cmocka_unit_test(test_codec__hashes_match_the_standards),
        cmocka_unit_test(test_codec__siphash_vectors),
    };
    return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
