/* Whose turn it is: messages in the queue in memory, and the lanes they wait for. */
#include "pipeline/core_parts.h"

#include "provider/view.h"

size_t core_window(const struct settings *s) {
    return s->limits.live_max / 4 + 1;
}

struct queue_key core_key(const struct live *l) {
    return (struct queue_key){.due_at = l->m->head.due_at, .id = l->id};
}

static uint64_t bit_of(const struct core *c, const struct lane *lane) {
    for (size_t i = 0; i < c->n_lanes; i++)
        if (c->lanes[i] == lane)
            return UINT64_C(1) << i;
    return 0;
}

/* The lanes of its route that can carry it at all. */
static uint64_t lanes_of(const struct core *c, const struct message *m) {
    uint64_t lanes = 0;
    struct choice choice;
    core_choose(c, m, &choice);
    size_t n = choice.all ? c->n_lanes : choice.order.n;
    for (size_t k = 0; k < n; k++) {
        size_t i = choice.all ? k : choice.order.lanes[k];
        if (core_refused(c, choice.route, m, c->lanes[i]->config) == REASON_NONE)
            lanes |= UINT64_C(1) << i;
    }
    return lanes;
}

void core_set_item(struct core *c, struct live *l) {
    struct queue_item *i = &l->item;
    _Static_assert(SETTINGS_LANES_MAX <= 64, "a set of lanes is 64 bits");
    i->priority = l->m->priority;
    i->account = l->m->account_id;
    enum state s = l->m->head.state;
    i->kind = s == STATE_UNKNOWN ? QUEUE_LOOKUP : s == STATE_SENT ? QUEUE_POLL : QUEUE_ATTEMPT;
    i->lanes = i->kind != QUEUE_ATTEMPT ? bit_of(c, core_lane_to_ask(c, l)) : lanes_of(c, l->m);
}

void core_enqueue(struct core *c, struct live *l) {
    if (queue_takes(&c->queue, l->m->priority)) {
        core_set_item(c, l);
        l->covered = !queue_offer(&c->queue, &l->item, core_key(l));
    }
    core_settled(c, l);
}

struct lane *core_lane_at_once(struct core *c, struct live *l) {
    const struct queue_lane *own = &c->queue.lanes[l->m->priority];
    if (!lease_holds(c->world->lease))
        return NULL;
    if (c->queue.n == 0 && own->n_missing == 0)
        return own->behind ? NULL : core_open_lane(c, l->m);
    core_set_item(c, l);
    uint64_t lanes = queue_free_lanes(&c->queue, &l->item);
    return lanes ? core_open_lane_of(c, l->m, lanes) : NULL;
}

/* ---- a pass over the queue ---- */

struct turn {
    struct core *c;
    uint64_t held; /* lanes that a message waits for which came before: nothing of them is taken from it */
    struct lane *lane;
    int64_t later;
};

/* Is any of these lanes open? Asked before their order, which costs more. */
static bool any_open(struct core *c, const struct message *m, uint64_t lanes) {
    for (; lanes; lanes &= lanes - 1) {
        struct lane *lane = c->lanes[__builtin_ctzll(lanes)];
        if (lane_is_open(lane, core_load_of(c, lane->config, m), c->now))
            return true;
    }
    return false;
}

static bool may_go(const struct queue_item *i, void *ctx) {
    struct turn *t = ctx;
    struct core *c = t->c;
    const struct message *m = ((const struct live *)i)->m;
    t->lane = NULL;
    t->later = 0;
    if (i->kind != QUEUE_ATTEMPT) {
        struct lane *lane = i->lanes ? c->lanes[__builtin_ctzll(i->lanes)] : NULL;
        return !lane || (lane_is_open(lane, (struct lane_load){0}, c->now) &&
                         (i->kind == QUEUE_LOOKUP || lane_may_poll(lane, c->now)));
    }
    uint64_t lanes = i->lanes & ~t->held;
    if (any_open(c, m, lanes))
        t->lane = core_open_lane_of(c, m, lanes);
    if (!t->lane)
        t->later = core_postponed_to(c, m);
    if (t->lane || t->later)
        return true;
    t->held |= i->lanes;
    return false;
}

void core_claims(struct core *c) {
    struct turn t = {.c = c};
    if (c->draining || c->queue.n == 0 || !lease_holds(c->world->lease))
        return;
    queue_begin_pass(&c->queue);
    while (c->n_jobs < CORE_JOBS_MAX / 2 && c->n_calls < CORE_CALLS_MAX) {
        struct live *l = (struct live *)queue_next(&c->queue, may_go, &t);
        if (!l)
            return;
        core_turn_of(c, l, t.lane, t.later);
    }
}

struct queue_item *core_unqueue_all(struct core *c) {
    return queue_clear(&c->queue);
}

void core_settle_all(struct core *c, struct queue_item *chain) {
    for (struct queue_item *next; chain; chain = next) {
        next = chain->next;
        chain->next = NULL;
        core_settled(c, (struct live *)chain);
    }
}
