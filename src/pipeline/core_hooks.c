#include "pipeline/core_hooks.h"

#include "base/clock.h"
#include "store/consent_news.h"

/* Webhooks out: what is owed is read, called, and written down. */

enum {
    PREFETCH = 256,   /* rows read at once */
    READY_LOW = 64,   /* fewer than these at hand: read more */
    CALLS_MAX = 1500, /* under way in all: providers' calls have the rest */
    JOBS_MAX = 10000, /* uncommitted work at which nothing new is begun: later than requests wait for it */
    TROUBLED_AT = 5,  /* failures in a row from which on an endpoint is only probed */
    PROBE_FIRST_MS = 1000,
    PROBE_MAX_MS = 60 * 1000,
    AGAIN_FIRST_MS = 2000,
    AGAIN_MAX_MS = 2 * 3600 * 1000,
    PAUSE_S_MAX = 3600, /* that an endpoint is left alone because it asked for it */
    REPLAY_PAGE = 200,
    PRUNE_PAGE = 2000,
    PRUNE_EVERY_US = 60 * 1000 * 1000,
    PRUNE_STEP_US = 50 * 1000,
    TELL_EVERY_US = 1000 * 1000,
};

uint64_t core_hook_event_key(const struct delivery_key *k) {
    return (uint64_t)k->hook_id * UINT64_C(0x9E3779B97F4A7C15) ^ (uint64_t)k->subject_id;
}

void core_hook_busy(struct core *c, struct endpoint *p) {
    if (p->busy)
        return;
    p->busy = true;
    p->next_busy = NULL;
    if (c->hooks.last)
        c->hooks.last->next_busy = p;
    else
        c->hooks.first = p;
    c->hooks.last = p;
}

void core_hook_wake(struct core *c, int64_t at) {
    if (at && (c->hooks.next_at == 0 || at < c->hooks.next_at))
        c->hooks.next_at = at;
}

void core_hook_event_free(struct hook_event *ev) {
    delivery_done(&ev->delivery);
    free(ev);
}

/* ---- what is owed ---- */

void core_hooks_owed(struct core *c, const struct hooked *h) {
    core_hooks_wake(c, h->ids, h->n); /* one that is not there is new, and being read; or another node's */
}

void core_hooks_wake(struct core *c, const int64_t *ids, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        struct endpoint *p = map_get(&c->hooks.endpoints, (uint64_t)ids[i]);
        if (!p)
            continue;
        p->behind = true;
        core_hook_busy(c, p);
    }
}

static void scan(struct core *c, struct endpoint *p) {
    struct work *w = core_work(c, FOR_HOOK_SCAN, JOB_HOOK_SCAN, NULL);
    w->job.id = p->id;
    w->job.after_due_at = p->from;
    w->job.limit = p->n_held + PREFETCH; /* those in memory may be among the rows: ask for more than them */
    p->scanning = true;
    p->behind = false;
    core_record(c, w);
}

static void hold(struct core *c, struct endpoint *p, struct delivery_due *d) {
    struct hook_event *held = map_get(&c->hooks.events, core_hook_event_key(&d->key));
    if (held) {
        held->again |=
            held->delivery.key.event != d->key.event || held->delivery.key.subject_id != d->key.subject_id;
        return;
    }
    struct hook_event *ev = calloc(1, sizeof *ev);
    ASSERT(ev);
    ev->delivery = *d;
    ev->of = p;
    d->message = NULL; /* the event's now */
    d->data = NULL;
    map_put(&c->hooks.events, core_hook_event_key(&ev->delivery.key), ev);
    if (p->ready_last)
        p->ready_last->next = ev;
    else
        p->ready = ev;
    p->ready_last = ev;
    p->n_ready++;
    p->n_held++;
}

void core_hooks_scanned(struct core *c, struct work *w) {
    struct job *j = &w->job;
    struct endpoint *p = map_get(&c->hooks.endpoints, (uint64_t)j->id);
    ASSERT(p); /* one that is being read stays */
    p->scanning = false;
    core_hook_busy(c, p);
    if (j->result != JOB_DONE) {
        p->behind = true;
        p->from = 0;
        p->pause_until = c->now + US_PER_S;
        return;
    }
    if (p->status != HOOK_ENABLED)
        return;
    for (unsigned i = 0; i < j->n_deliveries; i++)
        hold(c, p, &j->deliveries[i]);
    p->behind |= j->more;
    if (!j->more)
        p->from = 0;
    else if (j->n_deliveries)
        p->from = j->deliveries[j->n_deliveries - 1].due_at;
    p->next_due_at = j->next_due_at;
    core_hook_wake(c, p->next_due_at);
}

static void replay(struct core *c, struct endpoint *p) {
    struct work *w = core_work(c, FOR_HOOK_REPLAY, JOB_HOOK_REPLAY, NULL);
    w->job.id = p->id;
    w->job.limit = REPLAY_PAGE;
    p->replaying = true;
    core_record(c, w);
}

void core_hooks_replayed(struct core *c, struct work *w) {
    struct endpoint *p = map_get(&c->hooks.endpoints, (uint64_t)w->job.id);
    ASSERT(p);
    p->replaying = false;
    if (w->job.result == JOB_DONE) {
        if (!w->job.more)
            p->replay_until = 0;
        p->behind = true;
    } else {
        p->pause_until = c->now + US_PER_S;
    }
    core_hook_busy(c, p);
}

/* ---- deliveries ---- */

static unsigned window_of(const struct core *c, const struct endpoint *p) {
    return p->failures >= TROUBLED_AT ? 1 : c->settings->webhooks.window;
}

static bool has_room(const struct core *c) {
    return c->hooks.n_calls < CALLS_MAX && c->n_calls < CORE_CALLS_MAX && c->n_jobs < JOBS_MAX;
}

static void start(struct core *c, struct endpoint *p) {
    struct hook_event *ev = p->ready;
    p->ready = ev->next;
    if (!p->ready)
        p->ready_last = NULL;
    ev->next = NULL;
    p->n_ready--;
    p->n_flying++;
    ev->target = p->target;
    ev->target->used++;
    struct call *call = calloc(1, sizeof *call);
    ASSERT(call);
    call->kind = CALL_HOOK;
    call->owner = ev;
    call->settings = c->settings;
    call->message = ev->delivery.message;
    call->target = &ev->target->to;
    call->delivery = &ev->delivery;
    c->n_calls++;
    c->hooks.n_calls++;
    c->out_calls[c->n_out_calls++] = call;
}

/* Does what can be done for one endpoint. False: it must be looked at again, when other calls have ended. */
static bool serve(struct core *c, struct endpoint *p) {
    if (p->status != HOOK_ENABLED)
        return true;
    if (c->now < p->pause_until) {
        core_hook_wake(c, p->pause_until);
        return true;
    }
    while (p->ready && p->n_flying < window_of(c, p)) {
        if (!has_room(c))
            return false;
        start(c, p);
    }
    if (c->n_jobs >= JOBS_MAX)
        return false;
    if (p->behind && !p->scanning && p->n_ready < READY_LOW)
        scan(c, p);
    if (p->replay_until && !p->replaying && !p->behind && !p->scanning && !p->ready)
        replay(c, p);
    return true;
}

static void look_at_all(struct core *c) {
    c->hooks.next_at = 0;
    for (size_t i = 0; i < c->hooks.endpoints.cap; i++) {
        struct endpoint *p = c->hooks.endpoints.slots[i].value;
        if (!p || p->status != HOOK_ENABLED)
            continue;
        if (p->next_due_at && p->next_due_at <= c->now) {
            p->next_due_at = 0;
            p->behind = true;
        }
        if ((p->behind || p->ready || p->replay_until) && c->now >= p->pause_until)
            core_hook_busy(c, p);
        else if (p->behind || p->ready || p->replay_until)
            core_hook_wake(c, p->pause_until);
        core_hook_wake(c, p->next_due_at);
    }
}

static void keep_house(struct core *c) {
    if (c->hooks.endpoints.n == 0 || c->hooks.pruning || c->now < c->hooks.prune_at || !core_nodes_keeps(c))
        return;
    struct work *w = core_work(c, FOR_HOOK_PRUNE, JOB_HOOK_PRUNE, NULL);
    w->job.due_at = c->now - (int64_t)c->settings->webhooks.keep_s * US_PER_S;
    w->job.limit = PRUNE_PAGE;
    c->hooks.pruning = true;
    core_record(c, w);
}

void core_hooks_pruned(struct core *c, struct work *w) {
    c->hooks.pruning = false;
    c->hooks.prune_at = c->now + (w->job.result == JOB_DONE && w->job.more ? PRUNE_STEP_US : PRUNE_EVERY_US);
}

/* Other processes write consents, too: it is looked for what is new. */
static void tell_consents(struct core *c) {
    if (c->hooks.endpoints.n == 0 || c->hooks.telling || c->now < c->hooks.tell_at)
        return;
    struct work *w = core_work(c, FOR_CONSENT_NEWS, JOB_CONSENT_NEWS, NULL);
    int64_t *ids = calloc(CONSENT_NEWS_MAX, sizeof *ids);
    ASSERT(ids);
    for (int i = 0; i < CONSENT_NEWS_MAX; i++)
        ids[i] = id_next(&c->ids, c->now);
    w->own = ids;
    w->job.notice_ids = ids;
    c->hooks.telling = true;
    core_record(c, w);
}

void core_consents_told(struct core *c, struct work *w) {
    c->hooks.telling = false;
    c->hooks.tell_at = c->now + (w->job.result == JOB_DONE && w->job.more ? 0 : TELL_EVERY_US);
}

void core_hooks_turn(struct core *c) {
    if (c->draining)
        return;
    core_hook_read_list(c);
    keep_house(c);
    tell_consents(c);
    if (c->hooks.next_at && c->now >= c->hooks.next_at)
        look_at_all(c);
    struct endpoint *p = c->hooks.first;
    c->hooks.first = c->hooks.last = NULL;
    while (p) {
        struct endpoint *next = p->next_busy;
        p->busy = false;
        if (!serve(c, p))
            core_hook_busy(c, p);
        p = next;
    }
}

int64_t core_hooks_next_at(const struct core *c) {
    int64_t at = c->hooks.next_at;
    const int64_t others[] = {c->hooks.reread_at,
                              c->hooks.unread && !c->hooks.reading ? c->hooks.retry_at : 0,
                              c->hooks.endpoints.n && !c->hooks.pruning ? c->hooks.prune_at : 0,
                              c->hooks.endpoints.n && !c->hooks.telling ? c->hooks.tell_at : 0};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i] && (at == 0 || others[i] < at))
            at = others[i];
    return at;
}

/* ---- what came of them ---- */

static void succeeded(struct core *c, struct endpoint *p) {
    meter_add(c->world->meters, COUNT_HOOKS_OK, 1);
    p->failures = 0;
    p->failing_since = 0;
    p->pause_until = 0;
    if (p->noted)
        core_hook_note_failing(c, p, 0);
}

static void failed(struct core *c, struct endpoint *p, const struct call *call) {
    meter_add(c->world->meters, COUNT_HOOKS_FAILED, 1);
    p->failures++;
    if (!p->failing_since)
        p->failing_since = c->now;
    if (p->failures >= TROUBLED_AT && !p->noted)
        core_hook_note_failing(c, p, p->failing_since);
    if (p->failures >= TROUBLED_AT)
        p->pause_until = c->now + settle_backoff_ms(c->world, PROBE_FIRST_MS, PROBE_MAX_MS,
                                                    p->failures - TROUBLED_AT + 1) *
                                      US_PER_MS;
    int64_t asked_s = call->retry_after_s < PAUSE_S_MAX ? call->retry_after_s : PAUSE_S_MAX;
    if (c->now + asked_s * US_PER_S > p->pause_until)
        p->pause_until = c->now + asked_s * US_PER_S;
    if (call->status == 410)
        core_hook_disable(c, p, HOOK_GONE);
    else if (p->noted && c->now - p->failing_since >= (int64_t)c->settings->webhooks.disable_s * US_PER_S)
        core_hook_disable(c, p, HOOK_FAILING);
}

static int64_t again_at(const struct core *c, const struct call *call, unsigned tries) {
    int64_t own =
        c->now +
        (AGAIN_FIRST_MS / 2 + settle_backoff_ms(c->world, AGAIN_FIRST_MS, AGAIN_MAX_MS, tries)) * US_PER_MS;
    int64_t asked = c->now + call->retry_after_s * US_PER_S;
    return asked > own ? asked : own;
}

static void tell(struct core *c, const struct hook_event *ev) {
    const struct delivery_try *t = &ev->tried;
    bool given_up = t->outcome == DELIVERY_GIVEN_UP;
    struct sid sid = sid_hook(c->world->id_key, t->key.hook_id);
    if (given_up)
        meter_add(c->world->meters, COUNT_HOOKS_GIVEN_UP, 1);
    log_warn(c->world->log, given_up ? "webhook.given_up" : "webhook.failed", kv_word("id", sid_sv(&sid)),
             kv_opt("type", sv_of(hook_type_name(ev->delivery.type))), kv_int("status", t->status),
             kv_int("tries", t->tries));
}

void core_hook_called(struct core *c, struct call *call) {
    struct hook_event *ev = call->owner;
    struct endpoint *p = ev->of;
    const struct delivery_due *d = &ev->delivery;
    c->hooks.n_calls--;
    p->n_flying--;
    ev->target->used--;
    core_hook_target_drop(ev->target);
    ev->target = NULL;
    if (call->taken)
        succeeded(c, p);
    else
        failed(c, p, call);
    bool late = c->now - d->created_at >= (int64_t)c->settings->webhooks.give_up_s * US_PER_S;
    ev->tried = (struct delivery_try){
        .key = d->key,
        .outcome = call->taken ? DELIVERY_TAKEN
                   : late      ? DELIVERY_GIVEN_UP
                               : DELIVERY_OWED,
        .tries = d->tries + 1,
        .status = call->status,
        .tried_at = c->now,
        .duration_us = call->elapsed_us,
    };
    memcpy(ev->tried.error, call->error, sizeof ev->tried.error);
    if (!call->taken) {
        ev->tried.due_at = again_at(c, call, ev->tried.tries);
        tell(c, ev);
    }
    free(call);
    struct work *w = core_work(c, FOR_HOOK_TRIED, JOB_HOOK_TRIED, NULL);
    w->hook_event = ev;
    w->job.tried = &ev->tried;
    core_record(c, w);
    core_hook_busy(c, p);
}

void core_hook_tried(struct core *c, struct work *w) {
    struct hook_event *ev = w->hook_event;
    struct endpoint *p = ev->of;
    bool stored = w->job.result == JOB_DONE;
    map_take(&c->hooks.events, core_hook_event_key(&ev->delivery.key));
    p->n_held--;
    p->behind |= w->job.released || ev->again || !stored;
    if (!stored) { /* still due: it will go out once more */
        p->from = 0;
        p->pause_until = c->now + US_PER_S;
    } else if (ev->tried.outcome == DELIVERY_OWED &&
               (p->next_due_at == 0 || ev->tried.due_at < p->next_due_at)) {
        p->next_due_at = ev->tried.due_at;
        core_hook_wake(c, p->next_due_at);
    }
    core_hook_event_free(ev);
    core_hook_busy(c, p);
}

void core_hooks_done(struct core *c) {
    for (size_t i = 0; i < c->hooks.events.cap; i++) {
        struct hook_event *ev = c->hooks.events.slots[i].value;
        if (!ev)
            continue;
        if (ev->target) {
            ev->target->used--;
            core_hook_target_drop(ev->target);
        }
        core_hook_event_free(ev);
    }
    for (size_t i = 0; i < c->hooks.endpoints.cap; i++) {
        struct endpoint *p = c->hooks.endpoints.slots[i].value;
        if (p)
            free(p->target);
        free(p);
    }
    map_done(&c->hooks.events);
    map_done(&c->hooks.endpoints);
}
