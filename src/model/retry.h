/* retry: how often and how soon a message is tried again after one kind of refusal: one item of
 * `retry.classes`, as data.
 *
 * Written `throttled first=5s max=10min attempts=20`, `network attempts=3`. The first word is the reason that
 * attempts show (throttled, quota, provider_down, unreachable ...), or `network` (no answer at all, and
 * surely nothing sent) or `server_error` (an HTTP status of 500 or more).
 */
#ifndef HY_MODEL_RETRY_H
#define HY_MODEL_RETRY_H

#include "base/err.h"
#include "model/verdict.h"

enum { RETRY_CLASSES_MAX = 32 };

struct retry_class {
    struct sv text; /* as it was written */
    bool network, server_error;
    enum reason reason;                      /* when it is neither */
    uint32_t first_ms, max_ms, attempts_max; /* 0: as for all others */
};

/* Views of text are kept in out. ERR_INVALID ("must be ..."). */
MUST_USE bool retry_parse(struct sv text, struct retry_class *out, struct err *e);
/* The first of the classes that v belongs to; NULL: none. */
const struct retry_class *retry_find(const struct retry_class *classes, uint32_t n, const struct verdict *v);

#endif
