/* What is asked of the core: commands and receipts for stored messages, what it has no part in, and other
 * settings. */
#include "pipeline/core_parts.h"

#include "base/clock.h"
#include "dispatch/plan.h"
#include "dispatch/poll.h"
#include "receipt/join.h"

/* ---- what is asked of stored messages ---- */

static struct work *command(struct core *c, struct live *l, struct ask *a, enum job_kind kind) {
    struct work *w = core_work(c, FOR_COMMAND, kind, l);
    w->ask = a;
    return w;
}

static bool may_cancel(const struct message *m) {
    return state_may_move(m->head.state, STATE_CANCELED);
}

static void cancel(struct core *c, struct live *l, struct ask *a) {
    struct message *m = l->m;
    if (!may_cancel(m)) {
        a->head = m->head;
        core_answer(c, a, m->head.state == STATE_CANCELED ? ASK_DONE : ASK_REFUSED);
        return;
    }
    if (l->item.queued)
        queue_remove(&c->queue, &l->item);
    struct work *w = command(c, l, a, JOB_MOVE);
    change_move(&w->job.change, STATE_CANCELED, REASON_CANCELED, c->now);
    core_owe(c, m, &w->job.change);
    core_record(c, w);
}

static bool is_over(const struct message *m) {
    return state_is_terminal(m->head.state) || m->head.done_at != 0;
}

/* Redaction and deletion are refused while something is still to be done with the text. */
static void erase(struct core *c, struct live *l, struct ask *a) {
    const struct message *m = l->m;
    if (l->call || !(is_over(m) || (m->head.state == STATE_SENT && !plan_has_next(m, &m->head)))) {
        a->head = m->head;
        core_answer(c, a, ASK_REFUSED);
        return;
    }
    if (l->item.queued) /* it was to be asked about: it is found again on disk */
        queue_remove(&c->queue, &l->item);
    struct work *w = command(c, l, a, a->kind == ASK_DELETE ? JOB_DELETE : JOB_REDACT);
    w->job.change.next.updated_at = c->now;
    core_record(c, w);
}

static void receipt(struct core *c, struct live *l, struct ask *a) {
    struct message *m = l->m;
    struct lane *lane = core_lane(c, m->head.lane);
    int64_t window_us = poll_first_us(lane ? lane->config : NULL);
    struct change ch = change_of(m);
    if (m->direction == DIRECTION_IN ||
        join_receipt(m, &a->receipt, a->attempt, &l->attempt, window_us, c->now, &ch) == JOINED_NOTHING_NEW) {
        a->head = m->head;
        core_answer(c, a, ASK_DONE);
        return;
    }
    plan_apply(m, c->now, &ch);
    if (l->item.queued) /* it was to be tried again, and turns out to have arrived */
        queue_remove(&c->queue, &l->item);
    struct work *w = core_work(c, FOR_RECEIPT, JOB_MOVE, l);
    w->ask = a;
    w->job.change = ch;
    core_save_route(c, l, &w->job.change);
    core_owe(c, m, &w->job.change);
    core_record(c, w);
}

void core_ask_live(struct core *c, struct live *l, struct ask *a) {
    ASSERT(l->m && !l->work);
    bool whose = a->kind == ASK_RECEIPT || a->account_id == l->m->account_id;
    if (!whose) {
        core_answer(c, a, ASK_ABSENT);
        return;
    }
    switch (a->kind) {
    case ASK_CANCEL: cancel(c, l, a); break;
    case ASK_DELETE:
    case ASK_REDACT: erase(c, l, a); break;
    case ASK_RELEASE:
    case ASK_DROP: core_guard_settle(c, l, a); break;
    case ASK_RECEIPT: receipt(c, l, a); break;
    case ASK_SUBMIT:
    case ASK_RELOAD:
    case ASK_LANES:
    case ASK_ROUTES:
    case ASK_WRITE:
    case ASK_EXPLAIN:
    case ASK_EXPECT:
    case ASK_HOOK:
    case ASK_VERIFY:
    case ASK_UNFLAG:
    case ASK_EVENT:
    case ASK_DIGEST:
    case ASK_KINDS: BUG("asks about stored messages only");
    }
}

void core_command_done(struct core *c, struct work *w) {
    struct live *l = w->live;
    struct ask *a = w->ask;
    if (w->job.result == JOB_ABSENT) {
        core_answer(c, a, ASK_ABSENT);
        core_parked_absent(c, l);
        core_settled(c, l);
        return;
    }
    if (w->job.result != JOB_DONE) {
        a->err = w->job.err;
        core_answer(c, a, ASK_FAILED);
        /* A queued message was taken from the list for this: it is found again on disk, when that works. */
        queue_pause(&c->queue, l->item.priority, c->now + US_PER_S);
        core_settled(c, l);
        return;
    }
    if (w->job.kind == JOB_DELETE)
        w->job.change.next.due_at = 0;
    core_adopt(c, l, &w->job.change);
    a->head = l->m->head;
    core_answer(c, a, ASK_DONE);
    if (w->job.kind == JOB_DELETE)
        core_parked_absent(c, l);
    core_settled(c, l);
}

void core_about_stored(struct core *c, struct ask *a) {
    struct live *l = core_live_get(c, a->id);
    if (!l->m || l->work) {
        core_park(l, a, NULL);
        return;
    }
    core_ask_live(c, l, a);
    core_settled(c, l);
}

/* ---- what the core has no part in ---- */

static void write_for_front(struct core *c, struct ask *a) {
    struct work *w = core_work(c, FOR_WRITE, JOB_WRITE, NULL);
    w->ask = a;
    w->job.write = a->write;
    core_record(c, w);
}

void core_write_done(struct core *c, struct work *w) {
    struct ask *a = w->ask;
    a->err = w->job.err;
    core_answer(c, a, w->job.result == JOB_DONE ? ASK_DONE : ASK_FAILED);
}

/* ---- settings ---- */

/* A lane that comes back goes on with what it was: calls in flight, and what its rates have counted. */
static struct lane *come_back(struct core *c, const char *name) {
    for (size_t i = 0; i < c->gone.cap; i++) {
        struct lane *l = c->gone.slots[i].value;
        if (l && strcmp(l->config->name, name) == 0)
            return map_take(&c->gone, (uint64_t)(uintptr_t)l);
    }
    struct lane *l = calloc(1, sizeof *l);
    ASSERT(l);
    lane_start(l);
    return l;
}

/* Those with a call in flight, or with something that a rate still counts, are kept. */
static void forget_gone(struct core *c) {
    struct map still = {0};
    for (size_t i = 0; i < c->gone.cap; i++) {
        struct lane *l = c->gone.slots[i].value;
        if (l && !lane_is_fresh(l, c->now))
            map_put(&still, (uint64_t)(uintptr_t)l, l);
        else
            core_lane_free(l);
    }
    map_done(&c->gone);
    c->gone = still;
}

/* Lanes keep what they know of their provider by name; one that is gone lets its calls end. */
static void reload(struct core *c, const struct settings *s) {
    struct lane *kept[SETTINGS_LANES_MAX];
    struct queue_item *waiting = core_unqueue_all(c);
    size_t n = 0;
    for (size_t i = 0; i < s->n_lanes; i++) {
        struct lane *l = core_lane(c, s->lanes[i].name);
        if (!l)
            l = come_back(c, s->lanes[i].name);
        lane_configure(l, &s->lanes[i]);
        l->meters = lane_meters_of(&c->world->meters->board, l->config->name);
        kept[n++] = l;
    }
    for (size_t i = 0; i < c->n_lanes; i++) {
        bool still = false;
        for (size_t k = 0; k < n && !still; k++)
            still = kept[k] == c->lanes[i];
        if (!still)
            map_put(&c->gone, (uint64_t)(uintptr_t)c->lanes[i], c->lanes[i]);
    }
    memcpy(c->lanes, kept, n * sizeof kept[0]);
    c->n_lanes = n;
    core_load_routes(c, s); /* while the old settings are known */
    c->hooks.unread = true; /* doors out have theirs among them */
    core_load_times(c, s);
    core_load_guard(c, s);
    c->settings = s;
    limits_bound(c->limits, s->limits.rate_keys_max);
    limits_bound(c->code_limits, s->limits.rate_keys_max);
    queue_bound(&c->queue, core_window(s));
    queue_share(&c->queue, s->limits.urgent_run);
    core_settle_all(c, waiting);
    forget_gone(c);
}

void core_ask(struct core *c, struct ask *a) {
    switch (a->kind) {
    case ASK_SUBMIT: core_submit(c, a); break;
    case ASK_RELOAD:
        reload(c, a->settings);
        core_answer(c, a, ASK_DONE);
        break;
    case ASK_RECEIPT:
        meter_add(c->world->meters, COUNT_RECEIPTS, 1);
        if (a->id == 0) {
            core_find(c, a);
            break;
        }
        core_about_stored(c, a);
        break;
    case ASK_CANCEL:
    case ASK_DELETE:
    case ASK_RELEASE:
    case ASK_DROP:
    case ASK_REDACT: core_about_stored(c, a); break;
    case ASK_UNFLAG: core_guard_unflag(c, a); break;
    case ASK_LANES: core_report_lanes(c, a); break;
    case ASK_ROUTES: core_report_routes(c, a); break;
    case ASK_WRITE: write_for_front(c, a); break;
    case ASK_EXPLAIN: core_explain(c, a); break;
    case ASK_EXPECT: core_answer_expect(c, a); break;
    case ASK_HOOK: core_hooks_write(c, a); break;
    case ASK_VERIFY: core_verify(c, a); break;
    case ASK_EVENT:
    case ASK_DIGEST: core_event(c, a); break;
    case ASK_KINDS: BUG("not an ask");
    }
}
