/* What APNs' reasons mean: Apple's table of error strings. */
#include "provider/apns.h"

#define DEVICE FATE_REJECTED, LANE_FINE, REASON_INVALID_NUMBER, 0
/* The token is one, but of another app: nothing is wrong with the device itself. */
#define SENDER FATE_REJECTED, LANE_FINE, REASON_SENDER_REJECTED, 0
#define REQUEST FATE_REJECTED, LANE_FINE, REASON_REQUEST_REJECTED, 0
#define CONTENT FATE_REJECTED, LANE_FINE, REASON_CONTENT_REJECTED, 0
#define AUTH FATE_RETRY, LANE_BROKEN, REASON_CREDENTIALS, 0
#define LANE_CONFIG FATE_RETRY, LANE_BROKEN, REASON_SENDER_REJECTED, 0
/* Too many for one device; the lane has others. */
#define OF_DEVICE FATE_RETRY, LANE_FINE, REASON_THROTTLED, 30000
#define RATE FATE_RETRY, LANE_SLOW_DOWN, REASON_THROTTLED, 60000
/* It says that it does not work, instead of taking the notification. */
#define AWAY FATE_RETRY, LANE_DOWN, REASON_PROVIDER_DOWN, 0
#define INTERNAL FATE_UNKNOWN, LANE_DOWN, REASON_PROVIDER_DOWN, 0

static const struct apns_error rows[] = {
    {"BadDeviceToken", DEVICE},
    {"Unregistered", DEVICE},
    {"ExpiredToken", DEVICE},
    {"DeviceTokenNotForTopic", SENDER},
    {"MissingDeviceToken", REQUEST},
    {"BadCollapseId", REQUEST},
    {"BadExpirationDate", REQUEST},
    {"BadMessageId", REQUEST},
    {"BadPriority", REQUEST},
    {"DuplicateHeaders", REQUEST},
    {"InvalidPushType", REQUEST},
    {"PayloadEmpty", REQUEST},
    {"PayloadTooLarge", CONTENT},
    {"BadTopic", LANE_CONFIG},
    {"MissingTopic", LANE_CONFIG},
    {"TopicDisallowed", LANE_CONFIG},
    {"BadPath", LANE_CONFIG},
    {"MethodNotAllowed", LANE_CONFIG},
    {"BadCertificate", AUTH},
    {"BadCertificateEnvironment", AUTH},
    {"ExpiredProviderToken", AUTH},
    {"InvalidProviderToken", AUTH},
    {"MissingProviderToken", AUTH},
    {"UnrelatedKeyIdInToken", AUTH},
    {"BadEnvironmentKeyIdInToken", AUTH},
    {"Forbidden", AUTH},
    {"TooManyRequests", OF_DEVICE},
    {"TooManyProviderTokenUpdates", RATE},
    {"IdleTimeout", AWAY},
    {"ServiceUnavailable", AWAY},
    {"Shutdown", AWAY},
    {"InternalServerError", INTERNAL},
};

const struct apns_error *apns_error_find(struct sv reason) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (sv_eq(reason, sv_of(rows[i].reason)))
            return &rows[i];
    return NULL;
}

bool apns_code(size_t i, struct adapter_code *out) {
    if (i >= sizeof rows / sizeof rows[0])
        return false;
    *out = (struct adapter_code){
        .fate = rows[i].fate, .hint = rows[i].hint, .reason = rows[i].says, .pause_ms = rows[i].pause_ms};
    snprintf(out->code, sizeof out->code, "%s", rows[i].reason);
    return true;
}
