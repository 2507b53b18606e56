/* hook_signature: is a post signed by the Standard Webhooks scheme (1.0.0, github.com/standard-webhooks,
 * spec/standard-webhooks.md): HMAC-SHA-256 of `webhook-id.webhook-timestamp.body`, in base64, as `v1,...`,
 * several by spaces. How old it may be is the caller's to judge.
 */
#ifndef HY_MODEL_HOOK_SIGNATURE_H
#define HY_MODEL_HOOK_SIGNATURE_H

#include "base/buf.h"
#include "base/err.h"

struct hook_signed {
    struct sv id, time, body; /* as they came */
    struct sv signatures;
};

/* secrets: `whsec_` and base64, several by spaces, of which one is enough. Compares in constant time. */
MUST_USE bool hook_signature_fits(struct sv secrets, const struct hook_signed *s);

#endif
