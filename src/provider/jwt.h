/* jwt: JSON Web Tokens (RFC 7519, compact form of RFC 7515) signed with a private key: RS256 for Google's
 * service accounts, ES256 for Apple's keys. The key is read once, and kept by whoever reads it; it is used by
 * several threads at a time and never written anywhere.
 */
#ifndef HY_PROVIDER_JWT_H
#define HY_PROVIDER_JWT_H

#include "base/buf.h"
#include "base/err.h"

enum jwt_kind {
    JWT_RS256, /* RSA of at least 2048 bits, PKCS #1 v1.5, SHA-256 */
    JWT_ES256  /* P-256, SHA-256; the signature is r and s, 32 bytes each */
};

struct jwt_key;

/* pem: PKCS #8 or the older forms, without a passphrase. NULL with ERR_INVALID, which names no byte of it,
 * when it is no such key. */
struct jwt_key *jwt_key_new(enum jwt_kind kind, struct sv pem, struct err *e);
void jwt_key_free(struct jwt_key *k); /* or NULL */
/* header and claims are JSON, taken as they are. Adds to out; ERR_INTERNAL when OpenSSL or memory fails. */
MUST_USE bool jwt_sign(const struct jwt_key *k, struct sv header, struct sv claims, struct buf *out,
                       struct err *e);

#endif
