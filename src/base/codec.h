/* codec: hex, base64, and the hashes the field asks for. Pure; the heavy lifting is OpenSSL's. */
#ifndef HY_BASE_CODEC_H
#define HY_BASE_CODEC_H

#include "base/buf.h"

void hex_add(struct buf *out, const void *bytes, size_t n); /* lower case */
void hex_u64(char out[16], uint64_t x);                     /* 16 digits, no NUL */
int hex_value(char c);                                      /* of one digit of either case; else -1 */
/* Exactly n bytes from 2n hex digits of either case; false on anything else. */
bool hex_parse(struct sv text, void *out, size_t n);

void base64_add(struct buf *out, const void *bytes, size_t n); /* RFC 4648 section 4, padded */
bool base64_parse(struct sv text, struct buf *out);            /* strict: padding required, no white space */
void base64url_add(struct buf *out, const void *bytes, size_t n); /* section 5, without padding */
bool base64url_parse(struct sv text, struct buf *out);            /* strict: no padding, no white space */

enum { SHA256_BYTES = 32, SHA1_BYTES = 20 };
void sha256(struct sv data, uint8_t out[SHA256_BYTES]);
void hmac_sha256(struct sv key, struct sv data, uint8_t out[SHA256_BYTES]);
void hmac_sha1(struct sv key, struct sv data, uint8_t out[SHA1_BYTES]);

/* The hashes that providers sign with, chosen by name in a configuration. MD5 and SHA-1 are broken as
 * signatures of files; some providers take nothing else. */
enum hash_kind { HASH_MD5, HASH_SHA1, HASH_SHA256, HASH_SHA512, HASH_COUNT };
enum { HASH_BYTES_MAX = 64 };
bool hash_find(struct sv name, enum hash_kind *out); /* "md5", "sha1", "sha256", "sha512" */
/* Both return how many bytes of out they filled. */
size_t hash_data(enum hash_kind kind, struct sv data, uint8_t out[HASH_BYTES_MAX]);
size_t hmac_data(enum hash_kind kind, struct sv key, struct sv data, uint8_t out[HASH_BYTES_MAX]);

/* SipHash-2-4 (Aumasson, Bernstein 2012) with a 128-bit key: for id checksums and hash tables, where a full
 * HMAC per message would cost more than the rest of the work. */
struct sip_key {
    uint64_t k0, k1;
};
uint64_t siphash(struct sip_key key, struct sv data);

#endif
