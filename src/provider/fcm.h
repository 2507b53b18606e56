/* fcm: notifications to Android, web and Apple devices by Firebase Cloud Messaging, HTTP v1 API. Sources: the
 * REST reference of FCM v1 (projects.messages.send, Message, AndroidConfig, ErrorCode), "REST error codes for
 * the HTTP v1 API", Google's "Using OAuth 2.0 for server to server applications"; the requests of Google's
 * own SDK (firebase-admin), which the cases are made with.
 *
 * An access token is had for a signed assertion (adapter.grant) and goes with every message for an hour; one
 * that is refused before its time is fetched anew, and the message with it sent once more.
 *
 * There is no reference to look a message up by, no idempotency key and no receipt: `sent` is the last that
 * is known of it. A notification carries a tag of its message, so that one that arrives twice shows once.
 */
#ifndef HY_PROVIDER_FCM_H
#define HY_PROVIDER_FCM_H

#include "provider/jwt.h"
#include "provider/push.h"

extern const struct adapter fcm_adapter;

enum fcm_field {
    FCM_SERVICE_ACCOUNT,
    FCM_PROJECT_ID,
    FCM_PRIORITY,
    FCM_ANDROID_CHANNEL,
    FCM_SOUND,
    FCM_VALIDATE_ONLY,
    FCM_CA_FILE,
    FCM_BASE_URL,
    FCM_TOKEN_URL,
    FCM_FIELDS
};

/* What an error means. code: FcmError.errorCode, or the canonical status of google.rpc.Code. */
struct fcm_error {
    const char *code;
    enum fate fate;
    enum lane_hint hint;
    enum reason says;
    int32_t pause_ms;
};
const struct fcm_error *fcm_error_find(struct sv code); /* NULL: not known */
bool fcm_code(size_t i, struct adapter_code *out);      /* as adapter.code */

#endif
