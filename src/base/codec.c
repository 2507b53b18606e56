#include "base/codec.h"

#include "base/err.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

void hex_add(struct buf *out, const void *bytes, size_t n) {
    const uint8_t *b = bytes;
    char *at = buf_room(out, n * 2);
    if (!at)
        return;
    for (size_t i = 0; i < n; i++) {
        at[i * 2] = hex_digits[b[i] >> 4];
        at[i * 2 + 1] = hex_digits[b[i] & 15];
    }
    out->n += n * 2;
    out->p[out->n] = '\0';
}

void hex_u64(char out[16], uint64_t x) {
    for (int i = 15; i >= 0; i--, x >>= 4)
        out[i] = hex_digits[x & 15];
}

int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool hex_parse(struct sv text, void *out, size_t n) {
    if (text.n != n * 2)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (hex_value(text.p[i]) < 0)
            return false;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = (uint8_t)(hex_value(text.p[i * 2]) * 16 + hex_value(text.p[i * 2 + 1]));
    return true;
}

void base64_add(struct buf *out, const void *bytes, size_t n) {
    char *at = buf_room(out, (n + 2) / 3 * 4);
    if (!at)
        return;
    out->n += (size_t)EVP_EncodeBlock((unsigned char *)at, bytes, (int)n);
}

bool base64_parse(struct sv text, struct buf *out) {
    if (text.n % 4 != 0 || text.n > INT32_MAX)
        return false;
    size_t pad = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
                     c == '/';
        if (c == '=')
            pad++;
        else if (!plain || pad)
            return false;
    }
    if (pad > 2)
        return false;
    if (text.n == 0)
        return true;
    char *at = buf_room(out, text.n / 4 * 3);
    if (!at)
        return false;
    int n = EVP_DecodeBlock((unsigned char *)at, (const unsigned char *)text.p, (int)text.n);
    if (n < 0)
        return false;
    out->n += (size_t)n - pad;
    out->p[out->n] = '\0';
    return true;
}

void base64url_add(struct buf *out, const void *bytes, size_t n) {
    size_t from = out->n;
    base64_add(out, bytes, n);
    while (out->n > from && out->p[out->n - 1] == '=')
        out->p[--out->n] = '\0';
    for (size_t i = from; i < out->n; i++)
        out->p[i] = (char)(out->p[i] == '+' ? '-' : out->p[i] == '/' ? '_' : out->p[i]);
}

bool base64url_parse(struct sv text, struct buf *out) {
    struct buf BUF_AUTO padded = BUF_INIT(text.n + 4);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '+' || c == '/' || c == '=')
            return false;
        buf_addc(&padded, (char)(c == '-' ? '+' : c == '_' ? '/' : c));
    }
    while (padded.n % 4 > 1)
        buf_addc(&padded, '=');
    return base64_parse(buf_sv(&padded), out);
}

/* Found once: looking an algorithm up by name costs three times as much as hashing an API key with it. */
static EVP_MD *sha256_found;

static void find_sha256(void) {
    sha256_found = EVP_MD_fetch(NULL, "SHA256", NULL);
    ASSERT(sha256_found);
}

static const EVP_MD *sha256_md(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_sha256);
    return sha256_found;
}

void sha256(struct sv data, uint8_t out[SHA256_BYTES]) {
    int ok = EVP_Digest(data.n ? data.p : "", data.n, out, NULL, sha256_md(), NULL);
    ASSERT(ok);
}

static void hmac(const EVP_MD *md, struct sv key, struct sv data, uint8_t *out) {
    unsigned n = 0;
    const unsigned char *ok = HMAC(md, key.n ? key.p : "", (int)key.n,
                                   (const unsigned char *)(data.n ? data.p : ""), data.n, out, &n);
    ASSERT(ok);
}

/* RFC 2104 by hand, for what is short: OpenSSL's own makes and frees three contexts, which costs as much as
 * five hashes. */
enum { HMAC_BLOCK = 64, HMAC_SHORT_MAX = 2048 };

static void hmac_sha256_short(struct sv key, struct sv data, uint8_t out[SHA256_BYTES]) {
    uint8_t inner[HMAC_BLOCK + HMAC_SHORT_MAX], outer[HMAC_BLOCK + SHA256_BYTES];
    uint8_t block[HMAC_BLOCK] = {0};
    if (key.n > sizeof block)
        sha256(key, block);
    else if (key.n)
        memcpy(block, key.p, key.n);
    for (size_t i = 0; i < sizeof block; i++) {
        inner[i] = block[i] ^ 0x36;
        outer[i] = block[i] ^ 0x5c;
    }
    if (data.n)
        memcpy(inner + HMAC_BLOCK, data.p, data.n);
    sha256(sv_make((const char *)inner, HMAC_BLOCK + data.n), outer + HMAC_BLOCK);
    sha256(sv_make((const char *)outer, sizeof outer), out);
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(inner, HMAC_BLOCK);
    OPENSSL_cleanse(outer, HMAC_BLOCK);
}

void hmac_sha256(struct sv key, struct sv data, uint8_t out[SHA256_BYTES]) {
    if (data.n <= HMAC_SHORT_MAX)
        hmac_sha256_short(key, data, out);
    else
        hmac(sha256_md(), key, data, out);
}

void hmac_sha1(struct sv key, struct sv data, uint8_t out[SHA1_BYTES]) {
    hmac(EVP_sha1(), key, data, out);
}

bool hash_find(struct sv name, enum hash_kind *out) {
    static const char *const names[HASH_COUNT] = {"md5", "sha1", "sha256", "sha512"};
    for (int i = 0; i < HASH_COUNT; i++)
        if (sv_eq(name, sv_of(names[i]))) {
            *out = (enum hash_kind)i;
            return true;
        }
    return false;
}

static const EVP_MD *md_of(enum hash_kind kind) {
    switch (kind) {
    case HASH_MD5: return EVP_md5();
    case HASH_SHA1: return EVP_sha1();
    case HASH_SHA256: return EVP_sha256();
    case HASH_SHA512: return EVP_sha512();
    case HASH_COUNT: break;
    }
    BUG("a hash is one of those");
}

size_t hash_data(enum hash_kind kind, struct sv data, uint8_t out[HASH_BYTES_MAX]) {
    unsigned n = 0;
    if (kind == HASH_SHA256) {
        sha256(data, out);
        return SHA256_BYTES;
    }
    int ok = EVP_Digest(data.n ? data.p : "", data.n, out, &n, md_of(kind), NULL);
    ASSERT(ok);
    return n;
}

size_t hmac_data(enum hash_kind kind, struct sv key, struct sv data, uint8_t out[HASH_BYTES_MAX]) {
    if (kind == HASH_SHA256) {
        hmac_sha256(key, data, out);
        return SHA256_BYTES;
    }
    hmac(md_of(kind), key, data, out);
    return (size_t)EVP_MD_get_size(md_of(kind));
}

static uint64_t rotl(uint64_t x, int b) {
    return (x << b) | (x >> (64 - b));
}

static void sip_round(uint64_t v[4]) {
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

uint64_t siphash(struct sip_key key, struct sv data) {
    uint64_t v[4] = {key.k0 ^ 0x736f6d6570736575u, key.k1 ^ 0x646f72616e646f6du, key.k0 ^ 0x6c7967656e657261u,
                     key.k1 ^ 0x7465646279746573u};
    size_t whole = data.n & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8) {
        uint64_t m;
        memcpy(&m, data.p + i, 8);
        v[3] ^= m;
        sip_round(v);
        sip_round(v);
        v[0] ^= m;
    }
    uint64_t last = (uint64_t)(data.n & 0xff) << 56;
    for (size_t i = whole; i < data.n; i++)
        last |= (uint64_t)(unsigned char)data.p[i] << (8 * (i - whole));
    v[3] ^= last;
    sip_round(v);
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
