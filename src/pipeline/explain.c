#include "pipeline/explain.h"

const char *explain_says_name(enum explain_says s) {
    static const char *const names[] = {"passes", "waits", "stops", "refused"};
    return names[s];
}

const char *expect_kind_name(enum expect_kind k) {
    static const char *const names[] = {[EXPECT_UNKNOWN] = NULL,
                                        [EXPECT_SET] = "set",
                                        [EXPECT_EARLIEST] = "earliest",
                                        [EXPECT_LATEST] = "latest",
                                        [EXPECT_ESTIMATE] = "estimate"};
    return names[k];
}

struct explain_step *explain_add(struct explain *x, const char *name) {
    ASSERT(x->n_steps < EXPLAIN_STEPS_MAX);
    struct explain_step *s = &x->steps[x->n_steps++];
    *s = (struct explain_step){.name = name};
    return s;
}

static struct expectation at(const struct head *h, const char *what, enum expect_kind kind) {
    return (struct expectation){.reason = h->reason, .waiting_for = what, .at = h->due_at, .kind = kind};
}

struct expectation expect_of_head(const struct head *h) {
    if (h->due_at)
        switch (h->state) {
        case STATE_SCHEDULED:
            return at(h,
                      h->reason == REASON_QUIET_HOURS     ? "quiet_hours"
                      : h->reason == REASON_FREQUENCY_CAP ? "frequency_cap"
                                                          : "send_at",
                      EXPECT_SET);
        case STATE_SENDING: return at(h, "provider", EXPECT_LATEST);
        case STATE_UNKNOWN: return at(h, "reconciliation", EXPECT_SET);
        case STATE_SENT: return at(h, "receipt", EXPECT_LATEST);
        case STATE_NONE:
        case STATE_ACCEPTED:
        case STATE_QUEUED:
        case STATE_DELIVERED:
        case STATE_UNDELIVERED:
        case STATE_FAILED:
        case STATE_EXPIRED:
        case STATE_CANCELED:
        case STATE_SUPPRESSED:
        case STATE_RECEIVED:
        case STATE_COUNT: break;
        }
    return (struct expectation){.reason = h->reason};
}
