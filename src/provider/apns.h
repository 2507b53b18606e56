/* apns: notifications to Apple's devices by the Apple Push Notification service, with tokens signed by a key
 * of the developer's team. Sources: Apple's "Sending notification requests to APNs", "Establishing a
 * token-based connection to APNs", "Handling notification responses from APNs", "Generating a remote
 * notification"; the requests of @parse/node-apn, which the cases are made with.
 *
 * One provider token (adapter.mint) serves all requests for three quarters of an hour: Apple refuses those
 * over an hour old, and more than one new one in 20 minutes. Requests go over HTTP/2, as streams of few
 * connections.
 *
 * apns-id is made of the attempt's token, so that a notification can be known again at Apple; it stops no
 * double. There is no look-up and no receipt. What arrives twice shows once: both carry one apns-collapse-id.
 */
#ifndef HY_PROVIDER_APNS_H
#define HY_PROVIDER_APNS_H

#include "provider/jwt.h"
#include "provider/push.h"

extern const struct adapter apns_adapter;

enum apns_field {
    APNS_KEY,
    APNS_KEY_ID,
    APNS_TEAM_ID,
    APNS_TOPIC,
    APNS_ENVIRONMENT,
    APNS_SOUND,
    APNS_CA_FILE,
    APNS_BASE_URL,
    APNS_FIELDS
};

/* What the reason of an answer means. */
struct apns_error {
    const char *reason;
    enum fate fate;
    enum lane_hint hint;
    enum reason says;
    int32_t pause_ms;
};
const struct apns_error *apns_error_find(struct sv reason); /* NULL: not known */
bool apns_code(size_t i, struct adapter_code *out);         /* as adapter.code */

#endif
