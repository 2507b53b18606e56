/* A lane whose limits other gateways begin by, too. */
#include "dispatch/lane.h"

#include "base/clock.h"

enum { SLICE_US_MIN = 20 * 1000, SLICE_US_MAX = 1000 * 1000 };

/* Has it a limit that everybody counts by? */
static bool shares(const struct lane *l) {
    const struct lane_config *c = l->config;
    return c && (c->n_rates || c->quota.day || c->quota.month || warm_up_is_on(&c->warm_up));
}

void lane_share(struct lane *l, uint32_t parts, bool together, int64_t now) {
    struct lane_shared *s = &l->shared;
    together = together && shares(l);
    if (!s->stale && s->parts == parts && s->together == together)
        return;
    if (s->together && !together)
        s->units = s->short_of = 0;
    s->stale = false;
    s->parts = parts;
    s->together = together;
    quota_share(&l->quota, parts, s->together, now);
}

int64_t lane_slice_us(const struct lane *l) {
    int64_t us = SLICE_US_MAX;
    for (uint32_t i = 0; i < l->n_rates; i++)
        if (window_slot_us(l->rates[i].period_us) < us)
            us = window_slot_us(l->rates[i].period_us);
    return us > SLICE_US_MIN ? us : SLICE_US_MIN;
}

/* More than its part of a rate at once would leave the others without. */
static uint32_t size_max(const struct lane *l) {
    uint32_t max = 1000, parts = l->shared.parts ? l->shared.parts : 1;
    for (uint32_t i = 0; i < l->n_rates; i++)
        if (l->rates[i].max / parts < max)
            max = l->rates[i].max / parts;
    return max ? max : 1;
}

uint32_t lane_slice_wanted(const struct lane *l, int64_t now, uint32_t *least) {
    const struct lane_shared *s = &l->shared;
    if (!s->together || !s->short_of || s->asking || l->unread || now < s->retry_at)
        return 0;
    uint32_t max = size_max(l), size = s->size < max ? s->size : max;
    *least = s->short_of;
    return size > s->short_of ? size : s->short_of;
}

void lane_slice(struct lane *l, uint32_t units, int64_t until) {
    struct lane_shared *s = &l->shared;
    s->size = s->size < 1000 ? 2 * s->size + 1 : s->size; /* it is used up: the next may be larger */
    s->units = units;
    s->until = until;
    s->short_of = 0;
    s->retry_at = s->used_up_at = 0;
}

void lane_slice_refused(struct lane *l, int64_t again_at, bool by_quota) {
    l->shared.short_of = 0;
    l->shared.retry_at = again_at;
    l->shared.used_up_at = by_quota ? again_at : 0;
}

uint32_t lane_slice_rest(struct lane *l, int64_t now) {
    struct lane_shared *s = &l->shared;
    uint32_t rest = now >= s->until ? s->units : 0;
    if (rest) {
        s->units = 0;
        s->size = s->size > rest ? s->size - rest : 1;
    }
    return rest;
}
