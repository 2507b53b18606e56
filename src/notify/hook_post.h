/* hook_post: the request that delivers one event to one webhook: {type, timestamp, data} as JSON, signed by
 * the Standard Webhooks scheme (standardwebhooks.com, specification 1.0.0: webhook-id, webhook-timestamp,
 * webhook-signature "v1,BASE64" of HMAC-SHA256 over "id.timestamp.body", several with a space between).
 *
 * The id is made of what names the event, so that it is the same over retries, crashes and replays. The body
 * is made anew at each try; it says the same as long as nobody redacts the message.
 */
#ifndef HY_NOTIFY_HOOK_POST_H
#define HY_NOTIFY_HOOK_POST_H

#include "base/arena.h"
#include "model/http.h"
#include "model/id.h"
#include "model/world.h"
#include "store/deliveries.h"

struct hook_post {
    const struct delivery_due *delivery;
    struct sv url;
    struct sv secrets[2]; /* secret; the second may be empty */
};
/* Builds the post in mem. ERR_TOO_LARGE when it does not fit. */
MUST_USE bool hook_post_build(const struct world *w, const struct hook_post *p, struct arena *mem,
                              struct http_request *out, struct err *e);

/* The webhook-id of an event. */
enum { HOOK_EVENT_ID_MAX = SID_BYTES + 8 };
void hook_event_id(struct sip_key key, const struct delivery_key *k, char out[HOOK_EVENT_ID_MAX]);

#endif
