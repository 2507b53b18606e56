/* Error codes of both APIs, and event types. Source: the API references ("Errors" of Publish and
 * SendTextMessage, "Common errors"), the enumerations of the vendor's SDK. */
#include "provider/aws.h"

/* The classes, as fate, hint, reason, pause. */
#define NUMBER FATE_REJECTED, LANE_FINE, REASON_INVALID_NUMBER, 0
#define OPTOUT FATE_REJECTED, LANE_FINE, REASON_OPTED_OUT, 0
#define BLOCKED FATE_REJECTED, LANE_FINE, REASON_BLOCKED, 0
#define REQUEST FATE_REJECTED, LANE_FINE, REASON_REQUEST_REJECTED, 0
#define SENDER FATE_REJECTED, LANE_FINE, REASON_SENDER_REJECTED, 0
/* The sandbox reaches verified numbers only: the lane works for those. */
#define SANDBOX FATE_REJECTED, LANE_FINE, REASON_CREDENTIALS, 0
#define AUTH FATE_RETRY, LANE_BROKEN, REASON_CREDENTIALS, 0
#define LANE_CONFIG FATE_RETRY, LANE_BROKEN, REASON_SENDER_REJECTED, 0
#define RATE FATE_RETRY, LANE_SLOW_DOWN, REASON_THROTTLED, 0
#define QUOTA FATE_RETRY, LANE_SLOW_DOWN, REASON_QUOTA, 3600000
#define DAY_OF_NUMBER FATE_RETRY, LANE_FINE, REASON_QUOTA, 3600000
/* It may have gone out. */
#define INTERNAL FATE_UNKNOWN, LANE_DOWN, REASON_PROVIDER_DOWN, 0

/* Rows with a reason stand before the row of their code alone. */
static const struct aws_error rows[] = {
    {"Throttling", NULL, RATE},
    {"Throttled", NULL, RATE},
    {"RequestLimitExceeded", NULL, RATE},
    {"TooManyRequests", NULL, RATE},
    {"KMSThrottling", NULL, RATE},
    {"AuthorizationError", NULL, AUTH},
    {"InvalidSecurity", NULL, AUTH},
    {"SignatureDoesNotMatch", NULL, AUTH},
    {"InvalidClientTokenId", NULL, AUTH},
    {"UnrecognizedClient", NULL, AUTH},
    {"InvalidSignature", NULL, AUTH},
    {"ExpiredToken", NULL, AUTH},
    {"RequestExpired", NULL, AUTH},
    {"IncompleteSignature", NULL, AUTH},
    {"MissingAuthenticationToken", NULL, AUTH},
    {"AccessDenied", NULL, AUTH},
    {"OptInRequired", NULL, AUTH},
    {"UserError", NULL, SANDBOX},
    {"Verification", NULL, SANDBOX},
    {"OptedOut", NULL, OPTOUT},
    {"InternalError", NULL, INTERNAL},
    {"InternalFailure", NULL, INTERNAL},
    {"InternalServer", NULL, INTERNAL},
    {"ServiceUnavailable", NULL, INTERNAL},
    {"EndpointDisabled", NULL, LANE_CONFIG},
    {"PlatformApplicationDisabled", NULL, LANE_CONFIG},
    {"NotFound", NULL, LANE_CONFIG},
    {"ResourceNotFound", NULL, LANE_CONFIG},
    {"InvalidParameter", NULL, REQUEST},
    {"InvalidParameterValue", NULL, REQUEST},
    {"ParameterValueInvalid", NULL, REQUEST},
    {"ValidationError", NULL, REQUEST},
    {"Conflict", "DESTINATION_PHONE_NUMBER_OPTED_OUT", OPTOUT},
    {"Conflict", "DESTINATION_PHONE_NUMBER_NOT_VERIFIED", SANDBOX},
    {"Conflict", "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION", BLOCKED},
    {"Conflict", "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE", BLOCKED},
    {"Conflict", NULL, SENDER},
    {"ServiceQuotaExceeded", "DAILY_DESTINATION_CALL_LIMIT", DAY_OF_NUMBER},
    {"ServiceQuotaExceeded", NULL, QUOTA},
    {"Validation", "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY", SENDER},
    {"Validation", "INTERNATIONAL_SENDING_NOT_SUPPORTED", SENDER},
    {"Validation", "CHANNEL_NOT_ENABLED", SENDER},
    {"Validation", "COUNTRY_NOT_ENABLED", SENDER},
    {"Validation", "DESTINATION_COUNTRY_BLOCKED", BLOCKED},
    {"Validation", NULL, REQUEST},
};

const struct aws_error *aws_error_find(struct sv code, struct sv reason) {
    size_t hash = sv_find_char(code, '#');
    code = sv_from(code, hash == SIZE_MAX ? 0 : hash + 1);
    size_t colon = sv_find_char(code, ':');
    code = sv_sub(code, 0, colon == SIZE_MAX ? code.n : colon);
    if (sv_ends(code, SV("Exception")))
        code.n -= 9;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (sv_eq(code, sv_of(rows[i].code)) && (!rows[i].reason || sv_eq(reason, sv_of(rows[i].reason))))
            return &rows[i];
    return NULL;
}

bool aws_code(size_t i, struct adapter_code *out) {
    if (i >= sizeof rows / sizeof rows[0])
        return false;
    *out = (struct adapter_code){
        .fate = rows[i].fate, .hint = rows[i].hint, .reason = rows[i].says, .pause_ms = rows[i].pause_ms};
    snprintf(out->code, sizeof out->code, "%s%s%s", rows[i].code, rows[i].reason ? " " : "",
             rows[i].reason ? rows[i].reason : "");
    return true;
}

bool aws_event_find(struct sv type, enum state *state, enum reason *reason) {
    static const struct {
        const char *type;
        enum state state;
        enum reason reason;
    } events[] = {
        {"TEXT_PENDING", STATE_SENDING, REASON_NONE},
        {"TEXT_QUEUED", STATE_QUEUED, REASON_NONE},
        {"TEXT_SENT", STATE_SENT, REASON_NONE},
        {"TEXT_SUCCESSFUL", STATE_SENT,
         REASON_NONE}, /* the carrier took it; DELIVERED is the handset's word */
        {"TEXT_DELIVERED", STATE_DELIVERED, REASON_NONE},
        {"TEXT_INVALID", STATE_UNDELIVERED, REASON_INVALID_NUMBER},
        {"TEXT_INVALID_MESSAGE", STATE_FAILED, REASON_CONTENT_REJECTED},
        {"TEXT_UNREACHABLE", STATE_UNDELIVERED, REASON_UNREACHABLE},
        {"TEXT_CARRIER_UNREACHABLE", STATE_UNDELIVERED, REASON_UNREACHABLE},
        {"TEXT_BLOCKED", STATE_UNDELIVERED, REASON_BLOCKED},
        {"TEXT_CARRIER_BLOCKED", STATE_UNDELIVERED, REASON_BLOCKED},
        {"TEXT_SPAM", STATE_UNDELIVERED, REASON_CONTENT_REJECTED},
        {"TEXT_UNKNOWN", STATE_UNDELIVERED, REASON_UNREACHABLE},
        {"TEXT_TTL_EXPIRED", STATE_UNDELIVERED, REASON_EXPIRED},
        {"TEXT_PROTECT_BLOCKED", STATE_FAILED, REASON_BLOCKED},
        {"VOICE_INITIATED", STATE_SENDING, REASON_NONE},
        {"VOICE_RINGING", STATE_SENT, REASON_NONE},
        {"VOICE_ANSWERED", STATE_SENT, REASON_NONE},
        {"VOICE_COMPLETED", STATE_DELIVERED, REASON_NONE},
        {"VOICE_BUSY", STATE_UNDELIVERED, REASON_UNREACHABLE},
        {"VOICE_NO_ANSWER", STATE_UNDELIVERED, REASON_UNREACHABLE},
        {"VOICE_FAILED", STATE_FAILED, REASON_REJECTED},
        {"VOICE_TTL_EXPIRED", STATE_UNDELIVERED, REASON_EXPIRED},
    };
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (sv_eq(type, sv_of(events[i].type))) {
            *state = events[i].state;
            *reason = events[i].reason;
            return true;
        }
    return false;
}
