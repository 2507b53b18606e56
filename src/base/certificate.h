/* certificate: whether a text was signed with the key of an X.509 certificate. OpenSSL's work; pure. Who the
 * certificate belongs to is not asked: the caller knows where it has it from.
 */
#ifndef HY_BASE_CERTIFICATE_H
#define HY_BASE_CERTIFICATE_H

#include "base/codec.h"
#include "base/err.h"

/* True when signature is an RSA signature (PKCS #1 v1.5) of text, made with the key of the first certificate
 * in pem, of 2048 bits or more, at a time (microseconds since 1970) within the certificate's own. hash: SHA-1
 * or SHA-256. ERR_AUTH otherwise. */
MUST_USE bool certificate_signed(struct sv pem, enum hash_kind hash, struct sv text, struct sv signature,
                                 int64_t at, struct err *e);

#endif
