/* twilio_errors: what Twilio's error codes mean for a message and for the lane.
 *
 * One number space serves two places: the answer to a send (then fate and hint count) and the error_code of a
 * message or receipt (then only reason counts). Source: Twilio's error dictionary and API reference
 * (twilio.com/docs/api/errors); the dictionary gives titles, the classes are our own reading of them. Twilio
 * may refine codes at any time, so a code without a row is normal: fall back by HTTP class.
 */
#ifndef HY_PROVIDER_TWILIO_ERRORS_H
#define HY_PROVIDER_TWILIO_ERRORS_H

#include "model/verdict.h"
#include "provider/adapter.h"

/* "Never processed, always safe to retry" by its dictionary entry, whatever the HTTP status around it. */
enum { TWILIO_TOO_MANY_REQUESTS = 20429 };

struct twilio_error {
    int32_t code;
    enum fate fate;
    enum lane_hint hint;
    enum reason reason;
    int32_t pause_ms; /* how long to wait where Twilio names no time; 0: the caller's own back-off */
};

/* The row of a code, or NULL. */
const struct twilio_error *twilio_error_find(int64_t code);
/* The whole table, by rising code. */
const struct twilio_error *twilio_error_table(size_t *n);
/* The same for people (adapter.h). */
bool twilio_error_row(size_t i, struct adapter_code *out);

#endif
