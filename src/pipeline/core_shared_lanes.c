/* What lanes of several gateways begin by the same limits (dispatch/lane_share): together, units are had in
 * slices that everybody counts before the first of them begins; a slice ends after a sixteenth of the
 * shortest rate, and everybody counts for that much longer, so no interval holds more than the rate. Quotas
 * are counted by the day and the month that the slice begins in.
 *
 * A lane that calls of one gateway closed (its provider is down) is closed for all while that lasts; each
 * then tries it with one call at a time. What the provider told one gateway to wait, all wait.
 *
 * What a lane begins alone is owed to the others like messages are; of its quotas, they are told how much
 * this process has begun, and that it is at least as much as the database knew.
 */
#include "pipeline/core_parts.h"

#include "base/clock.h"

enum {
    TELL_EVERY_US = 500 * 1000,
    REFUSED_US_MAX = 100 * 1000,
    USED_UP_US = 5 * 1000 * 1000,
    UNLIMITED = 1000
};

/* ---- counters ---- */

static uint64_t counter_of(const struct core *c, const char *what, const char *lane, int64_t which) {
    char name[LANE_NAME_MAX + 64];
    int n = snprintf(name, sizeof name, "%s %s %lld", what, lane, (long long)which);
    ASSERT(n > 0 && (size_t)n < sizeof name);
    return siphash(c->world->id_key, sv_make(name, (size_t)n));
}

static int64_t counted_us(const struct lane *l, uint32_t i) {
    return l->rates[i].period_us + lane_slice_us(l);
}

static uint64_t rate_counter(const struct core *c, const struct lane *l, uint32_t i) {
    return counter_of(c, "rate", l->config->name, counted_us(l, i));
}

static uint64_t span_counter(const struct core *c, const struct lane *l, bool day) {
    const struct quota_count *q = day ? &l->quota.day : &l->quota.month;
    return counter_of(c, day ? "day" : "month", l->config->name, q->span.begins_at);
}

void core_shared_began(struct core *c, const struct lane *l, uint32_t units) {
    for (uint32_t i = 0; c->mail.shared && !l->shared.together && units && i < l->n_rates; i++)
        limits_add(c->lane_limits, rate_counter(c, l, i), counted_us(l, i), units, c->now, true);
}

void core_shared_began_not(struct core *c, const struct lane *l, uint32_t units, int64_t then) {
    for (uint32_t i = 0; c->mail.shared && !l->shared.together && units && i < l->n_rates; i++)
        limits_remove(c->lane_limits, rate_counter(c, l, i), counted_us(l, i), units, then);
}

/* ---- quotas are told ---- */

static void add_span(const struct core *c, const struct lane *l, bool day, struct shared_call *call) {
    const struct quota_count *q = day ? &l->quota.day : &l->quota.month;
    struct limit_debt *d = &call->debts[call->n++];
    bool knows = l->shared.told_epoch == c->shared.told_epoch;
    *d = (struct limit_debt){.counter = span_counter(c, l, day)};
    d->by_age[0] = knows ? q->owed : q->own;
    d->by_age[1] = q->used;
}

static bool has_news(const struct core *c, const struct lane *l) {
    const struct quota *q = &l->quota;
    return q->config && (l->shared.told_epoch != c->shared.told_epoch || q->day.owed || q->month.owed ||
                         c->now >= l->shared.tell_at);
}

/* False: not told, not even on its way. */
static bool tell_quotas(struct core *c, struct lane *l) {
    if (!has_news(c, l))
        return true;
    quota_share(&l->quota, l->shared.parts, l->shared.together, c->now); /* of this day */
    struct asking *x = core_asking_new(c, SHARED_OWED);
    memcpy(x->lane, l->config->name, sizeof x->lane);
    x->call.debts = calloc(2, sizeof *x->call.debts);
    ASSERT(x->call.debts);
    add_span(c, l, true, &x->call);
    add_span(c, l, false, &x->call);
    if (!core_asking_hand_over(c, x)) {
        core_asking_free(x);
        return false;
    }
    l->shared.told_epoch = c->shared.told_epoch;
    l->shared.tell_at = c->now + TELL_EVERY_US; /* and be told how much everybody has begun */
    l->quota.day.owed = l->quota.month.owed = 0;
    return true;
}

/* ---- pauses ---- */

enum { PAUSE_CLOSED, PAUSE_SLOWED }; /* of which kind: shared_rule.rule */

static void tell_pause(struct core *c, const struct lane *l, uint32_t kind, int64_t until) {
    static const char *const names[] = {[PAUSE_CLOSED] = "closed", [PAUSE_SLOWED] = "slowed"};
    struct asking *x = core_asking_new(c, SHARED_CLOSED);
    memcpy(x->lane, l->config->name, sizeof x->lane);
    x->call.wait_us = until > c->now ? until - c->now : 0;
    x->call.rules[x->call.n++] =
        (struct shared_rule){.counter = counter_of(c, names[kind], l->config->name, 0), .rule = kind};
    if (!core_asking_hand_over(c, x))
        core_asking_free(x);
}

/* Only what calls of ours have found out is told: what was heard would else be told on, a little later each
 * time. */
static void tell_pauses(struct core *c, struct lane *l) {
    if (c->now < l->shared.look_at)
        return;
    l->shared.look_at = c->now + TELL_EVERY_US;
    tell_pause(c, l, PAUSE_CLOSED, l->shared.closed_until);
    tell_pause(c, l, PAUSE_SLOWED, l->shared.slowed_until);
}

/* ---- slices ---- */

static void add_rules(const struct core *c, const struct lane *l, struct shared_call *call) {
    const struct quota *q = &l->quota;
    const struct quota_count *spans[] = {&q->day, &q->month};
    for (uint32_t i = 0; i < l->n_rates; i++)
        call->rules[call->n++] = (struct shared_rule){.counter = rate_counter(c, l, i),
                                                      .period_us = counted_us(l, i),
                                                      .max = l->rates[i].max,
                                                      .group = 1};
    for (int i = 0; q->config && i < 2; i++)
        if (spans[i]->max != UINT32_MAX)
            call->rules[call->n++] =
                (struct shared_rule){.counter = span_counter(c, l, i == 0), .max = spans[i]->max, .group = 1};
}

static void give_back(struct core *c, const struct lane *l, uint32_t units, int64_t counted_at) {
    for (uint32_t i = 0; i < l->n_rates; i++)
        limits_remove(c->lane_limits, rate_counter(c, l, i), counted_us(l, i), units, c->now);
    if (!c->shared.together)
        return;
    struct asking *x = core_asking_new(c, SHARED_GIVE_BACK);
    add_rules(c, l, &x->call);
    x->call.units = units;
    x->call.at = counted_at;
    if (x->call.n == 0 || !core_asking_hand_over(c, x))
        core_asking_free(x); /* at worst they count for nothing */
}

static void ask_slice(struct core *c, struct lane *l) {
    uint32_t least, units = lane_slice_wanted(l, c->now, &least);
    if (units == 0)
        return;
    quota_share(&l->quota, l->shared.parts, true, c->now); /* of this day */
    struct asking *x = core_asking_new(c, SHARED_TAKE);
    memcpy(x->lane, l->config->name, sizeof x->lane);
    x->call.units = units;
    x->call.least = least;
    add_rules(c, l, &x->call);
    if (x->call.n == 0) { /* its warm-up is over, and it has nothing else */
        lane_slice(l, UNLIMITED, c->now + lane_slice_us(l));
        core_asking_free(x);
        return;
    }
    l->shared.asking = core_asking_hand_over(c, x);
    if (!l->shared.asking)
        core_asking_free(x);
}

static void had(struct core *c, struct lane *l, const struct asking *x) {
    const struct shared_call *call = &x->call;
    uint32_t rest = lane_slice_rest(l, INT64_MAX);
    if (rest)
        give_back(c, l, rest, l->shared.counted_at);
    for (uint32_t i = 0; i < l->n_rates; i++) /* ours: all that is left when the server forgets */
        limits_add(c->lane_limits, rate_counter(c, l, i), counted_us(l, i), call->granted, c->now, false);
    l->shared.counted_at = call->at;
    lane_slice(l, call->granted, x->asked_at + lane_slice_us(l));
}

static void know(struct lane *l, int64_t day, int64_t month) {
    l->quota.day.known = (uint32_t)day;
    l->quota.month.known = (uint32_t)month;
}

static void had_not(const struct core *c, struct lane *l, const struct shared_call *call) {
    bool by_quota = call->tightest < call->n && call->rules[call->tightest].period_us == 0;
    int64_t wait_us = by_quota ? USED_UP_US : call->wait_us < REFUSED_US_MAX ? call->wait_us : REFUSED_US_MAX;
    lane_slice_refused(l, c->now + wait_us, by_quota);
}

bool core_shared_lane_back(struct core *c, const struct asking *x) {
    const struct shared_call *call = &x->call;
    struct lane *l = core_lane(c, x->lane);
    if (l && call->kind == SHARED_TAKE)
        l->shared.asking = false;
    if (call->result == SHARED_AWAY) {
        if (l && call->kind == SHARED_OWED)
            l->shared.told_epoch = 0; /* all of it again: at worst some of it counts twice */
        return false;
    }
    if (l && call->kind == SHARED_CLOSED && call->rules[0].rule == PAUSE_SLOWED)
        lane_slowed_by_others(l, call->wait_us, c->now);
    else if (l && call->kind == SHARED_CLOSED)
        lane_closed_by_others(l, call->wait_us, c->now);
    if (l && call->kind == SHARED_OWED)
        know(l, call->span_used[0], call->span_used[1]);
    if (!l || call->kind != SHARED_TAKE || !l->shared.together)
        return true; /* what nobody takes counts for nothing */
    if (call->result == SHARED_DONE)
        had(c, l, x);
    else
        had_not(c, l, call);
    return true;
}

void core_shared_lanes_turn(struct core *c) {
    uint32_t parts = core_shared_parts(c);
    for (size_t i = 0; i < c->n_lanes; i++) {
        struct lane *l = c->lanes[i];
        bool together = c->shared.together && !l->unread && tell_quotas(c, l);
        lane_share(l, parts, together, c->now);
        if (c->shared.together)
            tell_pauses(c, l);
        if (!l->shared.together)
            continue;
        uint32_t rest = lane_slice_rest(l, c->now);
        if (rest)
            give_back(c, l, rest, l->shared.counted_at);
        ask_slice(c, l);
    }
}
