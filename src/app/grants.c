#include "app/grants.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

/* A token is not used in its last SPARE_S; another is asked for up to RENEW_S before that. */
enum { SPARE_S = 60, RENEW_S = 240, AGAIN_S = 30 };

void grants_init(struct grants *g) {
    map_init(&g->by_lane);
}

void grants_done(struct grants *g) {
    for (size_t i = 0; i < g->by_lane.cap; i++) {
        struct grant_entry *e = g->by_lane.slots[i].value;
        ASSERT(!e || !e->first);
        if (e) {
            explicit_bzero(&e->held, sizeof e->held);
            explicit_bzero(&e->step, sizeof e->step);
        }
        free(e);
    }
    map_done(&g->by_lane);
}

struct grant_entry *grants_of(struct grants *g, const struct lane_config *lane, int64_t now) {
    struct grant_entry *e = map_get(&g->by_lane, lane->credentials);
    if (!e) {
        e = calloc(1, sizeof *e);
        ASSERT(e);
        map_put(&g->by_lane, lane->credentials, e);
    }
    if (e->ready && now > e->held.expires_at - SPARE_S * US_PER_S)
        grant_forget(e);
    return e;
}

bool grant_is_due(const struct grant_entry *e, int64_t now) {
    return e->ready && !e->fetching && now >= e->renew_at;
}

static void forget_step(struct grant_entry *e) {
    e->fetching = false;
    explicit_bzero(&e->step, sizeof e->step);
}

void grant_take(struct grant_entry *e, int64_t now) {
    int64_t end = e->step.expires_at - SPARE_S * US_PER_S, quarter = (end - now) / 4,
            ahead = RENEW_S * US_PER_S;
    e->held = e->step;
    e->ready = true;
    e->number++;
    e->renew_at = end - (quarter < ahead ? quarter : ahead);
    forget_step(e);
}

bool grant_failed(struct grant_entry *e, int64_t now) {
    forget_step(e);
    e->renew_at = now + AGAIN_S * US_PER_S;
    return e->ready;
}

void grant_wait(struct grant_entry *e, struct call *c) {
    c->waits_behind = NULL;
    if (e->last)
        e->last->waits_behind = c;
    else
        e->first = c;
    e->last = c;
}

struct call *grant_next(struct grant_entry *e) {
    struct call *c = e->first;
    if (!c)
        return NULL;
    e->first = c->waits_behind;
    if (!e->first)
        e->last = NULL;
    return c;
}

bool grant_refused(struct grant_entry *e, uint32_t number, int64_t now) {
    if (e->ready && e->number == number) {
        if (now < e->held.renewable_at)
            return false;
        grant_forget(e);
    }
    return true;
}

void grant_forget(struct grant_entry *e) {
    e->ready = false;
    explicit_bzero(&e->held, sizeof e->held);
}
