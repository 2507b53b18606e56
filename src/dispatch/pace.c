#include "dispatch/pace.h"

#include "base/clock.h"

static const double first_rate = 5, rate_min = 0.2, rate_max = 100000;
static const double step_up = 1.15, step_down = 0.85, close_enough = 0.02, raise_first = 0.05,
                    raise_max = 0.4;
static const double refused_share = 0.005, calls_max = 200000;
/* Units may leave in bursts of that much time: a core that wakes for each would do little else. */
static const double burst_us = 20000;
static const int64_t step_us = 500 * US_PER_MS, hold_us = 2 * US_PER_S, again_us = 60 * US_PER_S,
                     second_us = US_PER_S;

double pace_rate(const struct pace *p) {
    return p->rate > 0 ? p->rate : first_rate;
}

int64_t pace_opens_at(const struct pace *p) {
    return (int64_t)(p->free_at - burst_us) + 1;
}

bool pace_lets(struct pace *p, int64_t now) {
    bool lets = p->free_at - (double)now <= burst_us;
    p->held |= !lets;
    return lets;
}

static void change(struct pace *p, double rate, int64_t now) {
    p->rate = rate < rate_min ? rate_min : rate > rate_max ? rate_max : rate;
    p->changed_at = now;
    p->held = false;
}

/* May a try be paid for, that costs what the last one did? */
static bool may_try(const struct pace *p) {
    return p->refused + p->cost <= refused_share * p->calls;
}

static void search(struct pace *p, int64_t now) {
    bool found = p->good > 0 && p->bad - p->good <= close_enough * p->bad;
    if (!found) {
        p->searched_at = 0;
        double up = p->good + (p->bad - p->good) / 2;
        if (p->good > 0 && up > p->rate && may_try(p))
            change(p, up, now);
        return;
    }
    if (!p->searched_at)
        p->searched_at = now;
    else if (now - p->searched_at >= again_us && may_try(p)) {
        p->raise = p->raise > 0 ? 2 * p->raise : raise_first; /* nothing was refused since the last */
        if (p->raise > raise_max)
            p->raise = raise_max;
        p->bad *= 1 + p->raise;
        p->searched_at = 0;
    }
}

/* Only a pace that holds messages back is known to be borne by the provider. */
static void grow(struct pace *p, int64_t now) {
    int64_t since = now - p->changed_at;
    if (!p->held || since < step_us)
        return;
    if (p->bad <= 0) {
        p->good = pace_rate(p);
        change(p, pace_rate(p) * step_up, now);
    } else if (since >= hold_us) {
        p->good = p->rate;
        search(p, now);
    }
}

/* In its first second the provider may still count what a process before began, and `begun` does not: what is
 * throttled then says nothing. */
static void resume_at(struct pace *p, int64_t now) {
    p->changed_at = now + second_us;
    p->resumed = false;
}

void pace_begin(struct pace *p, uint32_t units, int64_t now) {
    if (p->resumed)
        resume_at(p, now);
    if (p->free_at < (double)now)
        p->free_at = (double)now;
    p->free_at += units * (double)US_PER_S / pace_rate(p);
    window_count(&p->begun, units, second_us, now);
    grow(p, now);
}

/* It may have been a burst, or somebody else with the same account: what was really begun counts. */
static void cut(struct pace *p, int64_t now) {
    double seen = UINT32_MAX - window_left(&p->begun, UINT32_MAX, second_us, now);
    double rate = pace_rate(p);
    if (seen < 1)
        seen = 1;
    p->bad = rate < seen ? rate : seen;
    if (p->good >= p->bad * (1 - close_enough)) /* it held before, and does not any more */
        p->good = 0;
    double down = p->good > 0 && p->good > p->bad * step_down ? p->good : p->bad * step_down;
    if (p->good > 0 && p->good < down)
        p->good = 0;
    p->cost = p->raise = 0;
    p->searched_at = 0;
    change(p, down, now);
}

void pace_note(struct pace *p, const struct verdict *v, int64_t began_at, int64_t now) {
    bool throttled = v->hint == LANE_SLOW_DOWN && v->reason != REASON_QUOTA;
    p->calls++;
    if (p->calls > calls_max) {
        p->calls /= 2;
        p->refused /= 2;
    }
    if (!throttled)
        return;
    p->refused++;
    if (began_at >= p->changed_at)
        cut(p, now);
    p->cost++;
}

void pace_resume(struct pace *p, int64_t good_milli, int64_t bad_milli) {
    p->good = (double)good_milli / 1000;
    p->bad = (double)bad_milli / 1000;
    p->rate = p->good > 0 ? p->good : p->bad * step_down;
    p->resumed = p->rate > 0;
}

int64_t pace_good(const struct pace *p) {
    return (int64_t)(p->good * 1000);
}

int64_t pace_bad(const struct pace *p) {
    return (int64_t)(p->bad * 1000);
}
