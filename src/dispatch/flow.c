#include "dispatch/flow.h"

#include "base/clock.h"

#include <math.h>

static const int64_t half_minute_us = 30 * US_PER_S;
/* Slower than this is too slow: so many times the fastest, and so much more. The second part keeps a gateway
 * that is busy itself, or a network that wavers, from being taken for a provider in trouble. */
static const double slow_times = 2, slow_more_us = 100000;
static const double cut_throttled = 0.5, cut_unanswered = 0.7, cut_slow_min = 0.5;

uint32_t flow_window(const struct flow *f, uint32_t max) {
    if (f->window == 0 || f->window >= max)
        return max;
    return f->window < 1 ? 1 : (uint32_t)f->window;
}

static void cut_to(struct flow *f, double window, int64_t now) {
    f->quick_up_to = window;
    f->window = window < 1 ? 1 : window;
    f->changed_at = now;
}

static void time_it(struct flow *f, int64_t elapsed_us, int64_t now) {
    if (elapsed_us <= 0)
        return;
    if (now - f->fastest_since >= half_minute_us || now < f->fastest_since) {
        f->fastest_before_us = f->fastest_us;
        f->fastest_us = 0;
        f->fastest_since = now;
    }
    if (f->fastest_us == 0 || elapsed_us < f->fastest_us)
        f->fastest_us = elapsed_us;
    f->latency_us += f->latency_us > 0 ? ((double)elapsed_us - f->latency_us) / 8 : (double)elapsed_us;
}

/* The latency that is still fine; INFINITY: not known. */
static double bearable_us(const struct flow *f) {
    int64_t fastest = f->fastest_us;
    if (fastest == 0 || (f->fastest_before_us && f->fastest_before_us < fastest))
        fastest = f->fastest_before_us;
    return fastest ? slow_times * (double)fastest + slow_more_us : INFINITY;
}

/* In proportion, and never to nothing: a provider that is slow for all is not made faster by waiting. */
static double slowed(const struct flow *f) {
    double share = bearable_us(f) / f->latency_us;
    return f->window * (share < cut_slow_min ? cut_slow_min : share) + sqrt(f->window);
}

void flow_note(struct flow *f, const struct flow_call *c, uint32_t max, int64_t now) {
    const struct verdict *v = c->verdict;
    bool counts = c->began_at >= f->changed_at;
    bool answered = v->fate != FATE_UNKNOWN && v->hint != LANE_DOWN;
    if (f->window == 0 || f->window > max)
        f->window = f->quick_up_to = max;
    if (v->hint == LANE_SLOW_DOWN) {
        if (counts)
            cut_to(f, f->window * cut_throttled, now);
        return;
    }
    if (!answered) {
        if (counts && v->hint != LANE_BROKEN)
            cut_to(f, f->window * cut_unanswered, now);
        return;
    }
    time_it(f, c->elapsed_us, now);
    bool used = c->in_flight * 2.0 >= f->window;
    if (!used || !counts)
        return;
    if (f->latency_us > bearable_us(f)) {
        double window = slowed(f);
        if (window < f->window)
            cut_to(f, window, now);
        return;
    }
    f->window += f->window < f->quick_up_to ? 1 : 1 / f->window;
    if (f->window > max)
        f->window = max;
}
