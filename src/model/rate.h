/* rate: how many messages may come in over a time, counted apart for whom they are for or from: one rule of
 * `limits.rates`, as data.
 *
 * Written `60/min per recipient`, `5/h per recipient+template`, `100/s per account for topic marketing`.
 */
#ifndef HY_MODEL_RATE_H
#define HY_MODEL_RATE_H

#include "base/err.h"
#include "base/sv.h"

enum rate_scope {
    RATE_ACCOUNT,
    RATE_KEY, /* the API key */
    RATE_RECIPIENT,
    RATE_TEMPLATE,
    RATE_TOPIC,
    RATE_SOURCE, /* the caller's network address */
    RATE_SCOPES
};

struct rate {
    uint32_t max;      /* messages in any interval of period_us */
    int64_t period_us; /* from 1 s to 31 days */
    unsigned scopes;   /* 1 << scope, at least one: counted apart for each combination */
    struct sv topic;   /* only messages of this topic; empty: all */
    struct sv text;    /* as it was written */
};

enum { RATES_MAX = 32, RATE_COUNT_MAX = 1000000 };

/* Views of text are kept in out. ERR_INVALID ("must be ...") when it is no rule. */
MUST_USE bool rate_parse(struct sv text, struct rate *out, struct err *e);
/* "min", "10min", "7d": from 1 s to `max_us`. */
MUST_USE bool rate_parse_period(struct sv text, int64_t max_us, int64_t *us);
/* The same for a rule of one lane, `10/s`: without scopes. */
MUST_USE bool rate_parse_plain(struct sv text, struct rate *out, struct err *e);

#endif
