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

const char *expect_held_by(enum reason r) {
    return r == REASON_QUIET_HOURS     ? "quiet_hours"
           : r == REASON_FREQUENCY_CAP ? "frequency_cap"
           : r == REASON_SPEND_CEILING ? "spend_ceiling"
                                       : NULL;
}

const char *expect_waiting_for(const struct head *h) {
    if (h->due_at == 0)
        return NULL;
    const char *held = expect_held_by(h->reason);
    switch (h->state) {
    case STATE_SCHEDULED: return held ? held : "send_at";
    case STATE_ACCEPTED: return "lane";
    case STATE_QUEUED:
        if (h->reason == REASON_NO_ROUTE)
            return "route";
        if (held)
            return held;
        if (h->reason == REASON_FRAUD_HOLD)
            return "fraud_hold";
        return h->reason == REASON_LANE_FULL || h->reason == REASON_LANE_RATE ||
                       h->reason == REASON_NO_LANE || h->reason == REASON_LANE_QUOTA ||
                       h->reason == REASON_WARM_UP || h->reason == REASON_NO_TEMPLATE_CODE ||
                       h->reason == REASON_PRICE_CEILING
                   ? "lane"
                   : "retry";
    case STATE_SENDING: return "provider";
    case STATE_UNKNOWN: return "reconciliation";
    case STATE_SENT: return "receipt";
    case STATE_NONE:
    case STATE_DELIVERED:
    case STATE_UNDELIVERED:
    case STATE_FAILED:
    case STATE_EXPIRED:
    case STATE_CANCELED:
    case STATE_SUPPRESSED:
    case STATE_RECEIVED:
    case STATE_COUNT: break;
    }
    return NULL;
}

struct expectation expect_of_head(const struct head *h) {
    static const enum expect_kind kinds[STATE_COUNT] = {[STATE_SCHEDULED] = EXPECT_SET,
                                                        [STATE_SENDING] = EXPECT_LATEST,
                                                        [STATE_UNKNOWN] = EXPECT_SET,
                                                        [STATE_SENT] = EXPECT_LATEST};
    struct expectation x = {.reason = h->reason};
    if (!h->due_at || kinds[h->state] == EXPECT_UNKNOWN)
        return x;
    x.waiting_for = expect_waiting_for(h);
    x.at = head_expected_at(h);
    x.kind = kinds[h->state];
    return x;
}
