/* health: how well a lane serves, as one number from 0 to 1, from the outcomes of its calls over the last
 * minutes and the receipts over the last hour. What the provider refuses for the message's sake, and a
 * throttle, say nothing about its health. Pure: the time is handed in.
 */
#ifndef HY_DISPATCH_HEALTH_H
#define HY_DISPATCH_HEALTH_H

#include "base/window.h"
#include "model/verdict.h"

struct health { /* all zero: nothing seen, as good as any */
    struct window good, bad, delivered, undelivered;
};

/* A call ended. */
void health_note(struct health *h, const struct verdict *v, int64_t now);
/* A receipt said how a message ended. */
void health_receipt(struct health *h, bool delivered, int64_t now);

struct health_seen {
    uint32_t good, bad;              /* calls */
    uint32_t delivered, undelivered; /* receipts */
    double score;
};
struct health_seen health_of(struct health *h, int64_t now);

/* What was counted up to `at`, in a process before. */
void health_resume(struct health *h, const struct health_seen *seen, int64_t at);

#endif
