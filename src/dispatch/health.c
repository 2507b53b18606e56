#include "dispatch/health.h"

#include "base/clock.h"

static const int64_t calls_us = 300 * US_PER_S, receipts_us = 3600 * US_PER_S;
/* As if so many had gone well before: one bad call of a quiet lane is no verdict. */
static const double calls_before = 4, receipts_before = 10;

void health_note(struct health *h, const struct verdict *v, int64_t now) {
    bool fault = v->hint == LANE_DOWN || v->hint == LANE_BROKEN || v->fate == FATE_UNKNOWN;
    if (fault)
        window_count(&h->bad, 1, calls_us, now);
    else if (v->fate == FATE_SENT)
        window_count(&h->good, 1, calls_us, now);
}

void health_receipt(struct health *h, bool delivered, int64_t now) {
    window_count(delivered ? &h->delivered : &h->undelivered, 1, receipts_us, now);
}

static uint32_t sum(struct window *w, int64_t period_us, int64_t now) {
    return UINT32_MAX - window_left(w, UINT32_MAX, period_us, now);
}

struct health_seen health_of(struct health *h, int64_t now) {
    struct health_seen s = {.good = sum(&h->good, calls_us, now),
                            .bad = sum(&h->bad, calls_us, now),
                            .delivered = sum(&h->delivered, receipts_us, now),
                            .undelivered = sum(&h->undelivered, receipts_us, now)};
    double calls = (s.good + calls_before) / ((double)s.good + s.bad + calls_before);
    double receipts =
        (s.delivered + receipts_before) / ((double)s.delivered + s.undelivered + receipts_before);
    s.score = calls * receipts;
    return s;
}

void health_resume(struct health *h, const struct health_seen *seen, int64_t at) {
    window_count(&h->good, seen->good, calls_us, at);
    window_count(&h->bad, seen->bad, calls_us, at);
    window_count(&h->delivered, seen->delivered, receipts_us, at);
    window_count(&h->undelivered, seen->undelivered, receipts_us, at);
}
