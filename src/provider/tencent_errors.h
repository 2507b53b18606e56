/* tencent_errors: what Tencent Cloud SMS's error codes mean for a message and for the lane.
 *
 * API 3.0 names them ("LimitExceeded.PhoneNumberDailyLimit"), the app-key API numbers them; most have both,
 * so a verdict's code is the number in either case. Source: cloud.tencent.com/document/product/382/59177 and
 * 382/3771; the classes are our own reading. Codes without a row are normal: fall back by what stands before
 * the name's point, or treat the number as a refusal.
 */
#ifndef HY_PROVIDER_TENCENT_ERRORS_H
#define HY_PROVIDER_TENCENT_ERRORS_H

#include "model/verdict.h"

struct tencent_error {
    const char *name; /* API 3.0; NULL: the app-key API alone has it */
    int32_t code;     /* the app-key API's number; 0: it has none */
    enum fate fate;
    enum lane_hint hint;
    enum reason reason;
    int32_t pause_ms; /* how long to wait; 0: the caller's own back-off */
};

/* The row of a name, of what stands before its point ("FailedOperation"), or NULL. */
const struct tencent_error *tencent_error_named(struct sv name);
/* The row of a number, or NULL. */
const struct tencent_error *tencent_error_numbered(int64_t code);
struct adapter_code;
/* Row i for people: by name, else number. False behind the last. */
bool tencent_code(size_t i, struct adapter_code *out);
/* Row i of those that have a number. */
bool tencent_appkey_code(size_t i, struct adapter_code *out);
/* The whole table. */
const struct tencent_error *tencent_error_table(size_t *n);

#endif
