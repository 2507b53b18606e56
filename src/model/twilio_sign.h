/* twilio_sign: X-Twilio-Signature, which we check on callbacks from Twilio and put on callbacks to callers of
 * the Twilio-compatible API. Source: twilio.com/docs/usage/security (Validating requests); the vectors of the
 * tests were made with the official SDK.
 */
#ifndef HY_MODEL_TWILIO_SIGN_H
#define HY_MODEL_TWILIO_SIGN_H

#include "model/form.h"

/* base64 of HMAC-SHA1(token, url + for each distinct key in byte order, each distinct value in byte order:
 * key + value), appended to out. form may be NULL (GET, JSON). url is the full URL as requested, without
 * fragment. */
void twilio_sign(struct sv token, struct sv url, const struct form *form, struct buf *out);

/* True when signature is right for url, for url without its port, or for url with the scheme's standard port
 * where it names none (Twilio's back ends sign either). Constant-time. */
bool twilio_sign_check(struct sv token, struct sv url, const struct form *form, struct sv signature);

#endif
