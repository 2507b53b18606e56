#include "provider/tencent_errors.h"

#include "provider/adapter.h"

#include <stdlib.h>
#include <string.h>

/* The classes, as fate, hint, reason, pause. */

/* This message never. */
#define NUMBER FATE_REJECTED, LANE_FINE, REASON_INVALID_NUMBER, 0
#define OPTOUT FATE_REJECTED, LANE_FINE, REASON_OPTED_OUT, 0
#define CONTENT FATE_REJECTED, LANE_FINE, REASON_CONTENT_REJECTED, 0
#define REQUEST FATE_REJECTED, LANE_FINE, REASON_REQUEST_REJECTED, 0
#define REFUSED FATE_REJECTED, LANE_FINE, REASON_REJECTED, 0
/* Template, sign and country are the message's own: one that is not approved does not stop the lane. */
#define SENDER FATE_REJECTED, LANE_FINE, REASON_SENDER_REJECTED, 0

/* Another lane may take it at once; this one needs a person. */
#define AUTH FATE_RETRY, LANE_BROKEN, REASON_CREDENTIALS, 0
#define CLOCK FATE_RETRY, LANE_BROKEN, REASON_CREDENTIALS, 0 /* theirs and ours are more than 5 min apart */
#define BALANCE FATE_RETRY, LANE_BROKEN, REASON_QUOTA, 0

/* Later. Limits of one number do not concern the lane. */
#define RATE FATE_RETRY, LANE_SLOW_DOWN, REASON_THROTTLED, 0
#define QUOTA FATE_RETRY, LANE_SLOW_DOWN, REASON_QUOTA, 3600000
#define HALF_MINUTE FATE_RETRY, LANE_FINE, REASON_THROTTLED, 30000
#define HOUR FATE_RETRY, LANE_FINE, REASON_THROTTLED, 3600000
#define DAY FATE_RETRY, LANE_FINE, REASON_THROTTLED, 86400000
/* Marketing goes out from 8 to 22 o'clock in Beijing. */
#define WINDOW FATE_RETRY, LANE_FINE, REASON_THROTTLED, 3600000

/* It may have gone out. */
#define INTERNAL FATE_UNKNOWN, LANE_DOWN, REASON_PROVIDER_DOWN, 0

/* By name, those without one at the end. */
static const struct tencent_error rows[] = {
    {"AuthFailure", 0, AUTH},
    {"AuthFailure.InvalidAuthorization", 0, AUTH},
    {"AuthFailure.InvalidSecretId", 0, AUTH},
    {"AuthFailure.MFAFailure", 0, AUTH},
    {"AuthFailure.RequestLimitExceeded", 0, RATE},
    {"AuthFailure.SecretIdNotFound", 0, AUTH},
    {"AuthFailure.SignatureExpire", 0, CLOCK},
    {"AuthFailure.SignatureFailure", 0, AUTH},
    {"AuthFailure.TokenFailure", 0, AUTH},
    {"AuthFailure.UnauthorizedOperation", 0, AUTH},
    {"DryRunOperation", 0, REFUSED},
    {"FailedOperation", 0, REFUSED},
    {"FailedOperation.ContainSensitiveWord", 1002, CONTENT},
    {"FailedOperation.FailResolvePacket", 1004, REQUEST},
    {"FailedOperation.InsufficientBalanceInSmsPackage", 1031, BALANCE},
    {"FailedOperation.JsonParseFail", 0, REQUEST},
    {"FailedOperation.MarketingSendTimeConstraint", 1029, WINDOW},
    {"FailedOperation.PhoneNumberInBlacklist", 1015, OPTOUT},
    {"FailedOperation.SignatureIncorrectOrUnapproved", 1012, SENDER},
    {"FailedOperation.TemplateIncorrectOrUnapproved", 0, SENDER},
    {"FailedOperation.TemplateParamSetNotMatchApprovedTemplate", 1014, CONTENT},
    {"FailedOperation.TemplateUnapprovedOrNotExist", 0, SENDER},
    {"InternalError", 0, INTERNAL},
    {"InternalError.OtherError", 1007, INTERNAL},
    {"InternalError.RequestTimeException", 1021, CLOCK},
    {"InternalError.RestApiInterfaceNotExist", 1011, REQUEST},
    {"InternalError.SendAndRecvFail", 0, INTERNAL},
    {"InternalError.SigFieldMissing", 1003, AUTH},
    {"InternalError.SigVerificationFail", 1001, AUTH},
    {"InternalError.Timeout", 1008, INTERNAL},
    {"InternalError.UnknownError", 0, INTERNAL},
    {"InvalidAction", 0, REQUEST},
    {"InvalidParameter", 0, REQUEST},
    {"InvalidParameterValue", 0, REQUEST},
    {"InvalidParameterValue.ContentLengthLimit", 1017, CONTENT},
    {"InvalidParameterValue.IncorrectPhoneNumber", 1016, NUMBER},
    {"InvalidParameterValue.ProhibitedUseUrlInTemplateParameter", 1048, CONTENT},
    {"InvalidParameterValue.SdkAppIdNotExist", 1019, AUTH},
    {"InvalidParameterValue.TemplateParameterFormatError", 1038, CONTENT},
    {"InvalidParameterValue.TemplateParameterLengthLimit", 1036, CONTENT},
    {"IpInBlacklist", 0, AUTH},
    {"IpNotInWhitelist", 0, AUTH},
    {"LimitExceeded", 0, RATE},
    {"LimitExceeded.AppCountryOrRegionDailyLimit", 0, QUOTA},
    {"LimitExceeded.AppCountryOrRegionInBlacklist", 0, SENDER},
    {"LimitExceeded.AppDailyLimit", 1022, QUOTA},
    {"LimitExceeded.AppGlobalDailyLimit", 1047, QUOTA},
    {"LimitExceeded.AppMainlandChinaDailyLimit", 0, QUOTA},
    {"LimitExceeded.DailyLimit", 0, QUOTA},
    {"LimitExceeded.DeliveryFrequencyLimit", 1013, HALF_MINUTE},
    {"LimitExceeded.GlobalSmsSendingRateLimit", 0, RATE},
    {"LimitExceeded.PhoneNumberCountLimit", 1046, REQUEST},
    {"LimitExceeded.PhoneNumberDailyLimit", 1025, DAY},
    {"LimitExceeded.PhoneNumberOneHourLimit", 1024, HOUR},
    {"LimitExceeded.PhoneNumberSameContentDailyLimit", 1026, DAY},
    {"LimitExceeded.PhoneNumberThirtySecondLimit", 1023, HALF_MINUTE},
    {"MissingParameter", 0, REQUEST},
    {"NoSuchVersion", 0, REQUEST},
    {"RequestLimitExceeded", 0, RATE},
    {"RequestLimitExceeded.GlobalRegionUinLimitExceeded", 0, RATE},
    {"RequestLimitExceeded.IPLimitExceeded", 0, RATE},
    {"RequestLimitExceeded.UinLimitExceeded", 0, RATE},
    {"ResourceInsufficient", 0, BALANCE},
    {"ResourceUnavailable", 0, REFUSED},
    {"ServiceUnavailable", 0, INTERNAL},
    {"UnauthorizedOperation", 0, AUTH},
    {"UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny", 1032, SENDER},
    {"UnauthorizedOperation.RequestIpNotInWhitelist", 1009, AUTH},
    {"UnauthorizedOperation.RequestPermissionDeny", 1006, AUTH},
    {"UnauthorizedOperation.SdkAppIdIsDisabled", 1020, AUTH},
    {"UnauthorizedOperation.ServiceSuspendDueToArrears", 1033, BALANCE},
    {"UnknownParameter", 0, REQUEST},
    {"UnsupportedOperation", 0, REQUEST},
    {"UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone", 0, REQUEST},
    {"UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber", 1034, REQUEST},
    {"UnsupportedOperation.GlobalTemplateToChineseMainlandPhone", 0, REQUEST},
    {"UnsupportedOperation.UnsupportedRegion", 1045, SENDER},
    {NULL, 1030, REQUEST},
    {NULL, 60008, INTERNAL},
};

enum { ROWS = sizeof rows / sizeof rows[0], UNNAMED = 2 };

static int by_name(const void *key, const void *row) {
    return sv_cmp(*(const struct sv *)key, sv_of(((const struct tencent_error *)row)->name));
}

static const struct tencent_error *find(struct sv name) {
    return bsearch(&name, rows, ROWS - UNNAMED, sizeof rows[0], by_name);
}

const struct tencent_error *tencent_error_named(struct sv name) {
    const struct tencent_error *row = find(name);
    struct sv rest = name;
    return row ? row : find(sv_cut(&rest, '.'));
}

const struct tencent_error *tencent_error_numbered(int64_t code) {
    for (size_t i = 0; i < ROWS && code; i++)
        if (rows[i].code == code)
            return &rows[i];
    return NULL;
}

const struct tencent_error *tencent_error_table(size_t *n) {
    *n = ROWS;
    return rows;
}

static void write_row(const struct tencent_error *row, struct adapter_code *out) {
    *out = (struct adapter_code){
        .fate = row->fate, .hint = row->hint, .reason = row->reason, .pause_ms = row->pause_ms};
}

bool tencent_code(size_t i, struct adapter_code *out) {
    if (i >= ROWS - UNNAMED)
        return false;
    write_row(&rows[i], out);
    snprintf(out->code, sizeof out->code, "%s", rows[i].name);
    return true;
}

bool tencent_appkey_code(size_t i, struct adapter_code *out) {
    size_t seen = 0;
    for (size_t k = 0; k < ROWS; k++) {
        if (!rows[k].code || seen++ < i)
            continue;
        write_row(&rows[k], out);
        snprintf(out->code, sizeof out->code, "%d", (int)rows[k].code);
        return true;
    }
    return false;
}
