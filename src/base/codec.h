/* codec: hex, base64, and the three hashes the field asks for. Pure; the heavy lifting is OpenSSL's. */
#ifndef HY_BASE_CODEC_H
#define HY_BASE_CODEC_H

#include "base/buf.h"

void hex_add(struct buf *out, const void *bytes, size_t n); /* lower case */
void hex_u64(char out[16], uint64_t x);                     /* 16 digits, no NUL */
/* Exactly n bytes from 2n hex digits of either case; false on anything else. */
bool hex_parse(struct sv text, void *out, size_t n);

void base64_add(struct buf *out, const void *bytes, size_t n); /* RFC 4648 section 4, padded */
bool base64_parse(struct sv text, struct buf *out);            /* strict: padding required, no white space */

enum { SHA256_BYTES = 32, SHA1_BYTES = 20 };
void sha256(struct sv data, uint8_t out[SHA256_BYTES]);
void hmac_sha256(struct sv key, struct sv data, uint8_t out[SHA256_BYTES]);
void hmac_sha1(struct sv key, struct sv data, uint8_t out[SHA1_BYTES]);

/* SipHash-2-4 (Aumasson, Bernstein 2012) with a 128-bit key: for id checksums and hash tables, where a full
 * HMAC per message would cost more than the rest of the work. */
struct sip_key {
    uint64_t k0, k1;
};
uint64_t siphash(struct sip_key key, struct sv data);

#endif
