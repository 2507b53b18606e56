#include "provider/aliyun_errors.h"

#include <stdlib.h>
#include <string.h>

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 3600 * 1000 };

/* The classes, as fate, hint, reason, pause. */

/* This message never. */
#define NUMBER FATE_REJECTED, LANE_FINE, REASON_INVALID_NUMBER, 0
#define OPTOUT FATE_REJECTED, LANE_FINE, REASON_OPTED_OUT, 0
#define CONTENT FATE_REJECTED, LANE_FINE, REASON_CONTENT_REJECTED, 0
#define REQUEST FATE_REJECTED, LANE_FINE, REASON_REQUEST_REJECTED, 0
#define REFUSED FATE_REJECTED, LANE_FINE, REASON_REJECTED, 0
/* Signature and template may be the message's own choice, so one bad signature does not stop the lane. */
#define SENDER FATE_REJECTED, LANE_FINE, REASON_SENDER_REJECTED, 0

/* Another lane may take it at once; this one needs a person. */
#define AUTH FATE_RETRY, LANE_BROKEN, REASON_CREDENTIALS, 0

/* Later. The limit of one number concerns it alone: the lane goes on, the message does not fail over. */
#define RATE FATE_RETRY, LANE_SLOW_DOWN, REASON_THROTTLED, 0
#define NUMBER_LIMIT FATE_RETRY, LANE_FINE, REASON_THROTTLED, MINUTE_MS
#define QUOTA FATE_RETRY, LANE_SLOW_DOWN, REASON_QUOTA, HOUR_MS
/* Out of money: nothing goes until somebody pays. */
#define BALANCE FATE_RETRY, LANE_BROKEN, REASON_QUOTA, 0

/* It may have gone out. */
#define INTERNAL FATE_UNKNOWN, LANE_DOWN, REASON_PROVIDER_DOWN, 0
#define TWICE FATE_UNKNOWN, LANE_FINE, REASON_OUTCOME_UNKNOWN, 0

static const struct aliyun_error rows[] = {
    {"AMOUNT_NOT_ENOUGH", BALANCE},
    {"Forbidden.RAM", AUTH},
    {"INVALID_SENDERID", SENDER},
    {"IncompleteSignature", AUTH},
    {"InternalError", INTERNAL},
    {"InvalidAccessKeyId.Inactive", AUTH},
    {"InvalidAccessKeyId.NotFound", AUTH},
    {"InvalidAction.NotFound", REQUEST},
    {"InvalidSecurityToken.Expired", AUTH},
    {"InvalidSecurityToken.Malformed", AUTH},
    {"InvalidSecurityToken.MismatchWithAccessKey", AUTH},
    {"InvalidTimeStamp.Expired", AUTH}, /* a clock that is wrong: never processed */
    {"InvalidTimeStamp.Format", AUTH},
    {"InvalidVersion", REQUEST},
    {"MOBILE_NUMBER_ILLEGAL", NUMBER},
    {"MissingAccessKeyId", AUTH},
    {"MissingParameter", REQUEST},
    {"NOT_SUPPORTED_COUNTRY", NUMBER},
    {"OUT_OF_SERVICE", BALANCE},
    {"PRODUCT_NOT_SUBSCRIBED", AUTH},
    {"QPS_LIMIT_CONTROL", RATE},
    {"RAM_PERMISSION_DENY", AUTH},
    {"SMS_CONTENT_CODE_ILLEGAL", SENDER},
    {"SMS_CONTENT_ILLEGAL", CONTENT},
    {"SMS_SECURITY_INTERCEPTED", CONTENT},
    {"SMS_SIGN_NAME_ILLEGAL", SENDER},
    {"ServiceUnavailable", INTERNAL},
    {"SignatureDoesNotMatch", AUTH},
    {"SignatureNonceUsed", TWICE}, /* the first with this nonce may have gone through */
    {"Throttling", RATE},
    {"Throttling.Api", RATE},
    {"Throttling.User", RATE},
    {"isp.GATEWAY_ERROR", INTERNAL},
    {"isp.RAM_PERMISSION_DENY", AUTH},
    {"isp.SYSTEM_ERROR", INTERNAL},
    {"isv.ACCOUNT_ABNORMAL", AUTH},
    {"isv.ACCOUNT_NOT_EXISTS", AUTH},
    {"isv.AMOUNT_NOT_ENOUGH", BALANCE},
    {"isv.BLACK_KEY_CONTROL_LIMIT", CONTENT},
    {"isv.BUSINESS_LIMIT_CONTROL", NUMBER_LIMIT}, /* its message says which window: aliyun.c */
    {"isv.CUSTOMER_REFUSED", OPTOUT},
    {"isv.DAY_LIMIT_CONTROL", QUOTA},
    {"isv.DENY_IP_RANGE", AUTH},
    {"isv.DOMESTIC_NUMBER_NOT_SUPPORTED", SENDER},
    {"isv.EXTEND_CODE_ERROR", SENDER},
    {"isv.INVALID_JSON_PARAM", CONTENT},
    {"isv.INVALID_PARAMETERS", CONTENT},
    {"isv.MOBILE_COUNT_OVER_LIMIT", REQUEST},
    {"isv.MOBILE_NUMBER_ILLEGAL", NUMBER},
    {"isv.MONTH_LIMIT_CONTROL", QUOTA},
    {"isv.OUT_OF_SERVICE", BALANCE},
    {"isv.PARAM_LENGTH_LIMIT", CONTENT},
    {"isv.PARAM_NOT_SUPPORT_URL", CONTENT},
    {"isv.PRODUCT_UNSUBSCRIBE", AUTH},
    {"isv.PRODUCT_UN_SUBSCRIPT", AUTH},
    {"isv.SIGN_NAME_ILLEGAL", SENDER},
    {"isv.SIGN_STATE_ILLEGAL", SENDER},
    {"isv.SMS_CONTENT_ILLEGAL", CONTENT},
    {"isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE", CONTENT},
    {"isv.SMS_SIGNATURE_ILLEGAL", SENDER},
    {"isv.SMS_SIGNATURE_SCENE_ILLEGAL", SENDER},
    {"isv.SMS_SIGN_ILLEGAL", SENDER},
    {"isv.SMS_TEMPLATE_ILLEGAL", CONTENT},
    {"isv.TEMPLATE_MISSING_PARAMETERS", CONTENT},
    {"isv.TEMPLATE_PARAMS_ILLEGAL", CONTENT},
    {"isv.UNSUPPORTED_CONTENT", CONTENT},
};

static const struct aliyun_error beginnings[] = {
    {"isv.SMS_SIGN*", SENDER},
    {"isv.SIGN*", SENDER},
    {"isv.TEMPLATE*", CONTENT},
    {"isv.PARAM*", CONTENT},
    {"isv.MOBILE*", NUMBER},
    {"isv.AMOUNT*", BALANCE},
    {"isv.*", REFUSED},
    {"isp.*", INTERNAL},
    {"InvalidSecurityToken.*", AUTH},
    {"InvalidAccessKeyId*", AUTH},
    {"Throttling.*", RATE},
};

/* Codes of receipts. What carriers add of their own (MK:0001, -1012, UNDELIV) says too little. */
static const struct {
    struct sv code;
    enum reason reason;
} receipts[] = {
    {{"MOBILE_NOT_ON_SERVICE", 21}, REASON_UNREACHABLE}, {{"INVALID_NUMBER", 14}, REASON_INVALID_NUMBER},
    {{"MOBILE_IN_BLACK", 15}, REASON_OPTED_OUT},         {{"MOBILE_SEND_LIMIT", 17}, REASON_THROTTLED},
    {{"CONTENT_KEYWORD", 15}, REASON_CONTENT_REJECTED},  {{"IS_CLOSE", 8}, REASON_PROVIDER_DOWN},
};

enum { ROWS = sizeof rows / sizeof rows[0], BEGINNINGS = sizeof beginnings / sizeof beginnings[0] };

static int by_code(const void *key, const void *row) {
    return sv_cmp(*(const struct sv *)key, sv_of(((const struct aliyun_error *)row)->code));
}

const struct aliyun_error *aliyun_error_find(struct sv code) {
    const struct aliyun_error *row = bsearch(&code, rows, ROWS, sizeof rows[0], by_code);
    for (size_t i = 0; i < BEGINNINGS && !row; i++) {
        struct sv start = sv_of(beginnings[i].code);
        if (sv_starts(code, sv_sub(start, 0, start.n - 1)))
            row = &beginnings[i];
    }
    return row;
}

bool aliyun_code(size_t i, struct adapter_code *out) {
    if (i >= ROWS + BEGINNINGS)
        return false;
    const struct aliyun_error *row = i < ROWS ? &rows[i] : &beginnings[i - ROWS];
    *out = (struct adapter_code){
        .fate = row->fate, .hint = row->hint, .reason = row->reason, .pause_ms = row->pause_ms};
    snprintf(out->code, sizeof out->code, "%s", row->code);
    return true;
}

enum reason aliyun_receipt_reason(struct sv err_code) {
    for (size_t i = 0; i < sizeof receipts / sizeof receipts[0]; i++)
        if (sv_eq(err_code, receipts[i].code))
            return receipts[i].reason;
    return REASON_REJECTED;
}
