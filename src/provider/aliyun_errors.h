/* aliyun_errors: what the words of Alibaba Cloud SMS mean for a message and for the lane: the Code of an
 * answer, and the err_code of a receipt or of QuerySendDetails (then only reason counts).
 *
 * Source: help.aliyun.com, "API error codes" and "codes of receipts"; the classes are our own reading of
 * them. New words come at any time, so one without a row is normal: then its beginning tells
 * (isv.SMS_SIGN...), else the HTTP class.
 */
#ifndef HY_PROVIDER_ALIYUN_ERRORS_H
#define HY_PROVIDER_ALIYUN_ERRORS_H

#include "model/verdict.h"
#include "provider/adapter.h"

struct aliyun_error {
    const char *code;
    enum fate fate;
    enum lane_hint hint;
    enum reason reason;
    int32_t pause_ms; /* how long to wait where nothing names a time; 0: the caller's own back-off */
};

/* The row of a code, or of its beginning; NULL. */
const struct aliyun_error *aliyun_error_find(struct sv code);
/* The table for people (adapter.h): codes in the order of their bytes, then beginnings, which end with '*'.
 */
bool aliyun_code(size_t i, struct adapter_code *out);

/* What a receipt's err_code means; REASON_REJECTED for one that is not known. */
enum reason aliyun_receipt_reason(struct sv err_code);

#endif
