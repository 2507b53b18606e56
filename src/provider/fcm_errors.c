/* What FCM's error codes mean: the reference of ErrorCode, and the canonical codes of google.rpc.Code that
 * stand in their place. */
#include "provider/fcm.h"

#define DEVICE FATE_REJECTED, LANE_FINE, REASON_INVALID_NUMBER, 0
#define REQUEST FATE_REJECTED, LANE_FINE, REASON_REQUEST_REJECTED, 0
/* Registered with another project: nothing is wrong with the device itself. */
#define SENDER FATE_REJECTED, LANE_FINE, REASON_SENDER_REJECTED, 0
/* What Firebase needs to reach Apple's or the web's push services: Android devices do not mind. */
#define THIRD_PARTY FATE_REJECTED, LANE_FINE, REASON_CREDENTIALS, 0
#define AUTH FATE_RETRY, LANE_BROKEN, REASON_CREDENTIALS, 0
/* Without Retry-After a minute at least ("Scale Fcm": retries of 429). */
#define RATE FATE_RETRY, LANE_SLOW_DOWN, REASON_THROTTLED, 60000
/* The server is overloaded: it says so instead of taking the message. */
#define OVERLOAD FATE_RETRY, LANE_DOWN, REASON_PROVIDER_DOWN, 10000
#define INTERNAL FATE_UNKNOWN, LANE_DOWN, REASON_PROVIDER_DOWN, 0

static const struct fcm_error rows[] = {
    {"UNREGISTERED", DEVICE},
    {"NOT_FOUND", DEVICE}, /* the same without details, as Google's own SDK reads it */
    {"INVALID_ARGUMENT", REQUEST},
    {"SENDER_ID_MISMATCH", SENDER},
    {"QUOTA_EXCEEDED", RATE},
    {"RESOURCE_EXHAUSTED", RATE},
    {"UNAVAILABLE", OVERLOAD},
    {"INTERNAL", INTERNAL},
    {"THIRD_PARTY_AUTH_ERROR", THIRD_PARTY},
    {"APNS_AUTH_ERROR", THIRD_PARTY},
    {"UNAUTHENTICATED", AUTH},
    {"PERMISSION_DENIED", AUTH},
};

const struct fcm_error *fcm_error_find(struct sv code) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (sv_eq(code, sv_of(rows[i].code)))
            return &rows[i];
    return NULL;
}

bool fcm_code(size_t i, struct adapter_code *out) {
    if (i >= sizeof rows / sizeof rows[0])
        return false;
    *out = (struct adapter_code){
        .fate = rows[i].fate, .hint = rows[i].hint, .reason = rows[i].says, .pause_ms = rows[i].pause_ms};
    snprintf(out->code, sizeof out->code, "%s", rows[i].code);
    return true;
}
