#include "pipeline/core_parts.h"

#include "base/clock.h"

enum {
    TAKE_MAX = 1024,           /* of each inbox, a turn */
    ASKS_JOBS_MAX = 8192,      /* uncommitted work at which new requests wait in their mailbox */
    RECEIPTS_JOBS_MAX = 12288, /* and receipts: later, since a provider repeats them only for so long */
};

struct core *core_new(const struct world *w, const struct settings *s, const struct core_mail *mail,
                      int64_t last_id, int64_t backlog, struct err *e) {
    struct core *c = calloc(1, sizeof *c);
    struct call **out_calls = calloc(CORE_CALLS_MAX, sizeof *out_calls);
    struct limits *limits = limits_new(w->id_key, s->limits.rate_keys_max);
    struct sip_key codes_key = {.k0 = w->id_key.k0,
                                .k1 = ~w->id_key.k1}; /* others may count with us: apart */
    struct limits *codes = limits_new(codes_key, s->limits.rate_keys_max);
    struct limits *begun = limits_new(w->id_key, s->limits.rate_keys_max);
    if (!c || !out_calls || !limits || !codes || !begun) {
        free(c);
        free(out_calls);
        limits_free(limits);
        limits_free(codes);
        limits_free(begun);
        err_set(e, ERR_OUTSIDE, "out of memory for the core");
        return NULL;
    }
    c->world = w;
    c->mail = *mail;
    c->out_calls = out_calls;
    c->limits = limits;
    c->code_limits = codes;
    c->lane_limits = begun;
    c->ids.node = w->node;
    c->ids.last = w->node ? id_after(last_id, w->node) : last_id;
    c->backlog = backlog;
    c->owed.behind = true;
    c->hooks.unread = true;
    queue_init(&c->queue, core_window(s));
    struct ask reload = {.kind = ASK_RELOAD, .settings = s};
    core_ask(c, &reload);
    return c;
}

/* A crash answers nobody. */
static void lose(struct ask *a) {
    if (a && a->lost)
        a->lost(a);
}

static void free_live(struct live *l) {
    message_free(l->m);
    free(l);
}

void core_free(struct core *c) {
    if (!c)
        return;
    for (size_t i = 0; i < c->live.cap; i++) {
        struct live *l = c->live.slots[i].value;
        if (!l)
            continue;
        for (struct parked *p = l->first; p;) {
            struct parked *next = p->next;
            lose(p->ask);
            if (p->call)
                core_forget_call(p->call);
            free(p);
            p = next;
        }
        free_live(l);
    }
    core_find_lost(c);
    core_shared_lost(c);
    for (size_t i = 0; i < c->n_out_calls; i++) /* before the owings, of which calls are parts */
        core_forget_call(c->out_calls[i]);
    for (size_t i = 0; i < c->owing.cap; i++) {
        struct owing *o = c->owing.slots[i].value;
        if (o) {
            message_free(o->callback.message);
            free(o);
        }
    }
    for (struct work *w = c->out_first; w;) {
        struct work *next = w->next_out;
        core_forget_job(&w->job);
        w = next;
    }
    for (size_t i = 0; i < c->n_lanes; i++)
        core_lane_free(c->lanes[i]);
    for (size_t i = 0; i < c->gone.cap; i++)
        core_lane_free(c->gone.slots[i].value);
    core_hooks_done(c);
    core_nodes_done(c);
    map_done(&c->gone);
    map_done(&c->live);
    map_done(&c->owing);
    map_done(&c->keys);
    queue_done(&c->queue);
    limits_free(c->limits);
    limits_free(c->code_limits);
    limits_free(c->lane_limits);
    guard_free(c->guard);
    core_routes_done(c);
    quiet_hours_free(c->quiet);
    tallies_free(c->tallies);
    free(c->out_calls);
    free(c);
}

static void free_rows(struct job *j) {
    for (unsigned i = 0; i < j->n_rows; i++)
        message_free(j->rows[i]);
    free(j->rows);
    free(j->attempts);
    for (unsigned i = 0; i < j->n_callbacks; i++)
        message_free(j->callbacks[i].message);
    free(j->callbacks);
    message_free(j->loaded);
    free(j->use);
    free(j->accounts);
    free(j->senders);
    hook_list_free(j->hook_list);
    for (unsigned i = 0; i < j->n_deliveries; i++)
        delivery_done(&j->deliveries[i]);
    free(j->deliveries);
    free(j->lapsed);
    free(j->parcels);
    free(j->woken);
}

void core_free_work(struct work *w) {
    free_rows(&w->job);
    free(w->job.parts);
    free(w->answer);
    free(w->own);
    free((void *)(uintptr_t)w->job.tally);
    free(w);
}

void core_forget_job(struct job *j) {
    struct work *w = (struct work *)j;
    if (w->purpose == FOR_KEY) /* no live message owns it */
        message_free(w->ask->message);
    if (w->purpose == FOR_EVENT)
        core_event_forget(w);
    lose(w->ask);
    core_free_work(w);
}

void core_forget_call(struct call *call) {
    if (call->kind != CALL_CALLBACK) /* a callback's call is part of its owing */
        free(call);
}

/* ---- shared by the core's files ---- */

struct work *core_work(struct core *c, enum purpose purpose, enum job_kind kind, struct live *l) {
    struct work *w = calloc(1, sizeof *w);
    ASSERT(w);
    w->purpose = purpose;
    w->live = l;
    w->job.kind = kind;
    w->job.now = c->now;
    if (l) {
        ASSERT(!l->work);
        l->work = w;
        l->covered = false;
        w->job.message = l->m;
        w->job.id = l->id;
        if (l->m)
            w->job.change = change_of(l->m);
        w->job.invalid_until = c->settings->consent.invalid_days
                                   ? c->now + (int64_t)c->settings->consent.invalid_days * 86400 * US_PER_S
                                   : 0;
    }
    c->n_jobs++;
    return w;
}

void core_record(struct core *c, struct work *w) {
    if (c->tallies && w->live && w->job.message)
        core_tally(c, w);
    if (c->out_last)
        c->out_last->next_out = w;
    else
        c->out_first = w;
    c->out_last = w;
}

void core_answer(struct core *c, struct ask *a, enum ask_result result) {
    a->result = result;
    if (a->parcel) {
        core_parcel_done(c, a, result);
        return;
    }
    if (!a->reply_to)
        return;
    void *item = a;
    size_t took = mailbox_put(a->reply_to, &item, 1);
    ASSERT(took == 1); /* a front's mailbox holds as many as it may have connections */
}

struct live *core_live_new(struct core *c, int64_t id, struct message *m) {
    struct live *l = calloc(1, sizeof *l);
    ASSERT(l);
    l->id = id;
    l->m = m;
    if (m)
        l->item.priority = m->priority;
    map_put(&c->live, (uint64_t)id, l);
    return l;
}

struct live *core_live_get(struct core *c, int64_t id) {
    struct live *l = map_get(&c->live, (uint64_t)id);
    if (l)
        return l;
    l = core_live_new(c, id, NULL);
    struct work *w = core_work(c, FOR_LOAD, JOB_LOAD, l);
    core_nodes_load(c, w);
    core_record(c, w);
    return l;
}

void core_park(struct live *l, struct ask *a, struct call *call) {
    struct parked *p = calloc(1, sizeof *p);
    ASSERT(p);
    p->ask = a;
    p->call = call;
    if (l->last)
        l->last->next = p;
    else
        l->first = p;
    l->last = p;
}

static struct parked *unpark(struct live *l) {
    struct parked *p = l->first;
    if (!p)
        return NULL;
    l->first = p->next;
    if (!l->first)
        l->last = NULL;
    return p;
}

void core_settled(struct core *c, struct live *l) {
    while (!l->work) {
        struct parked *p = unpark(l);
        if (!p)
            break;
        struct ask *a = p->ask;
        struct call *call = p->call;
        free(p);
        if (a)
            core_ask_live(c, l, a);
        else
            core_called_live(c, l, call);
    }
    if (l->work || l->call || l->item.queued || l->first)
        return;
    if (l->m && l->m->head.due_at && !l->covered)
        queue_note_due(&c->queue, l->m->priority, core_key(l), c->now);
    map_take(&c->live, (uint64_t)l->id);
    free_live(l);
}

void core_parked_absent(struct core *c, struct live *l) {
    for (struct parked *p; (p = unpark(l)) != NULL; free(p)) {
        if (p->ask)
            core_answer(c, p->ask, ASK_ABSENT);
        else
            free(p->call);
    }
}

struct settle core_settle(struct core *c) {
    return (struct settle){.settings = c->settings,
                           .world = c->world,
                           .now = c->now,
                           .other_lane_open = c->n_lanes > 1 && core_open_lane(c, NULL) != NULL};
}

bool core_is_exempt(const struct core *c, const struct message *m) {
    if (m->face == FACE_ANSWER)
        return true;
    const struct sv_list *topics = &c->settings->consent.exempt_topics;
    for (uint32_t i = 0; i < topics->n; i++)
        if (sv_eq(m->text[TEXT_TOPIC], topics->at[i]))
            return true;
    return false;
}

bool core_needs_consent(const struct core *c, const struct message *m) {
    const struct sv_list *topics = &c->settings->consent.required_topics;
    for (uint32_t i = 0; i < topics->n && m->face != FACE_ANSWER; i++)
        if (sv_eq(m->text[TEXT_TOPIC], topics->at[i]))
            return true;
    return false;
}

void core_lane_free(struct lane *l) {
    if (!l)
        return;
    lane_done(l);
    free(l);
}

struct lane *core_lane(struct core *c, const char *name) {
    for (size_t i = 0; i < c->n_lanes; i++)
        if (strcmp(c->lanes[i]->config->name, name) == 0)
            return c->lanes[i];
    return NULL;
}

static bool counts_as_failed(enum state s) {
    return s == STATE_FAILED || s == STATE_UNDELIVERED || s == STATE_EXPIRED || s == STATE_SUPPRESSED;
}

static void count(struct core *c, const struct message *m, const struct event *ev) {
    struct meters *meters = c->world->meters;
    meter_state(meters, ev->state);
    if (counts_as_failed(ev->state))
        meter_failed(meters, ev->reason);
    switch ((int)ev->state) {
    case STATE_ACCEPTED: meter_add(meters, COUNT_ACCEPTED, 1); break;
    case STATE_RECEIVED: meter_add(meters, COUNT_INBOUND, 1); break;
    case STATE_UNKNOWN: meter_add(meters, COUNT_UNKNOWN, 1); break;
    case STATE_SENT:
        meter_add(meters, COUNT_SENT, 1);
        meter_add(meters, COUNT_SEGMENTS_SENT, m->segments);
        break;
    case STATE_UNDELIVERED: core_lane_receipt(c, m, ev); break;
    case STATE_DELIVERED:
        core_lane_receipt(c, m, ev);
        if (m->head.sent_at)
            meter_time(meters, HIST_DELIVERY, ev->at - m->head.sent_at);
        break;
    default: break;
    }
}

static void tell(struct core *c, const struct message *m, const struct change *ch) {
    const struct log *log = c->world->log;
    struct sid sid = sid_message(c->world->id_key, m->id);
    for (unsigned i = 0; i < ch->n_events; i++) {
        const struct event *ev = &ch->events[i];
        if (!ev->note)
            count(c, m, ev);
        char name[48];
        snprintf(name, sizeof name, "message.%s%s", state_name(ev->state), ev->note ? ".noted" : "");
        log_info(log, name, kv_word("id", sid_sv(&sid)), kv_phone("to", m->text[TEXT_TO]),
                 ev->reason ? kv_name("reason", reason_name(ev->reason)) : kv_opt("reason", SV_NONE),
                 ev->attempt ? kv_int("attempt", ev->attempt) : kv_opt("attempt", SV_NONE),
                 kv_opt("lane", sv_of(ch->next.lane)),
                 ev->code ? kv_int("code", ev->code) : kv_opt("code", SV_NONE),
                 kv_opt("trace", m->text[TEXT_TRACEPARENT]));
    }
}

static void count_cost(struct core *c, const struct attempt *a) {
    struct lane *lane = core_lane(c, a->lane);
    if (lane && (a->fate == FATE_SENT || a->fate == FATE_UNKNOWN))
        lane_meter_cost(lane->meters, a->currency, a->price);
}

void core_adopt(struct core *c, struct live *l, const struct change *ch) {
    struct message *m = l->m;
    bool first = l->attempt.ended_at == 0; /* a receipt and the answer may both end it */
    c->backlog += (ch->next.due_at != 0) - (m->head.due_at != 0);
    m->head = ch->next;
    if (ch->attempt_begins || ch->attempt_ends)
        l->attempt = ch->attempt;
    for (unsigned i = 0; i < ch->n_saved; i++)
        meter_saved(c->world->meters, &ch->saved[i]);
    if (ch->attempt_ends && ch->attempt.currency[0] && first)
        count_cost(c, &ch->attempt);
    tell(c, m, ch);
    core_owe_done(c, m, ch);
}

/* ---- what came back from the journal ---- */

static void load_done(struct core *c, struct work *w) {
    struct live *l = w->live;
    struct job *j = &w->job;
    ASSERT(l);
    if (j->result == JOB_DONE) {
        ASSERT(!l->m);
        l->m = j->loaded;
        j->loaded = NULL;
        c->backlog += j->adopted && l->m->head.due_at;
        l->attempt = j->attempt;
        l->item.priority = l->m->priority;
        core_settled(c, l);
        return;
    }
    if (j->result == JOB_ABSENT)
        core_parked_absent(c, l);
    if (j->result == JOB_ELSEWHERE) {
        for (struct parked *p; (p = unpark(l)) != NULL; free(p))
            core_parcel_send(c, p->ask, l->id, j->owner_node);
        core_settled(c, l);
        return;
    }
    for (struct parked *p; (p = unpark(l)) != NULL; free(p)) {
        ASSERT(p->ask); /* calls exist for loaded messages only */
        p->ask->err = j->err;
        core_answer(c, p->ask, ASK_FAILED);
    }
    /* A page that passed by meanwhile left the row out, for it was being loaded; its priority is not known.
     */
    if (j->result != JOB_ABSENT)
        for (int p = 0; p < PRIORITY_COUNT; p++)
            queue_note_due(&c->queue, (enum priority)p, (struct queue_key){.due_at = 1}, c->now);
    core_settled(c, l);
}

static void house_done(struct core *c, struct work *w) {
    struct live *l = w->live;
    ASSERT(l);
    if (w->job.result == JOB_DONE)
        core_adopt(c, l, &w->job.change);
    else
        queue_pause(&c->queue, l->item.priority, c->now + RETRY_SCAN_US);
    core_settled(c, l);
}

static void committed(struct core *c, struct work *w) {
    c->n_jobs--;
    if (w->live) {
        ASSERT(w->live->work == w);
        w->live->work = NULL;
    }
    if (w->job.hooked.n)
        core_hooks_owed(c, &w->job.hooked);
    switch (w->purpose) {
    case FOR_PUT: core_put_done(c, w); break;
    case FOR_LOAD: load_done(c, w); break;
    case FOR_FIND: core_find_done(c, w); break;
    case FOR_CLAIM: core_claim_done(c, w); break;
    case FOR_OUTCOME: core_outcome_done(c, w); break;
    case FOR_LOOKUP: core_lookup_done(c, w); break;
    case FOR_HOUSE: house_done(c, w); break;
    case FOR_COMMAND:
    case FOR_RECEIPT: core_command_done(c, w); break;
    case FOR_SCAN: core_scanned(c, w); break;
    case FOR_SWEEP: core_swept(c, w); break;
    case FOR_OWED_SCAN: core_owed_scanned(c, w); break;
    case FOR_OWED: core_owed_done(c, w); break;
    case FOR_KEY: core_key_done(c, w); break;
    case FOR_LANE_USE: core_use_done(c, w); break;
    case FOR_LANE_STATE: break; /* at worst a restart tries it with one call, or with many */
    case FOR_PRUNE: core_pruned(c, w); break;
    case FOR_ACCOUNTS: core_accounts_done(c, w); break;
    case FOR_WRITE: core_write_done(c, w); break;
    case FOR_HOOK: core_hooks_written(c, w); break;
    case FOR_HOOKS: core_hooks_listed(c, w); break;
    case FOR_HOOK_SCAN: core_hooks_scanned(c, w); break;
    case FOR_HOOK_TRIED: core_hook_tried(c, w); break;
    case FOR_HOOK_REPLAY: core_hooks_replayed(c, w); break;
    case FOR_HOOK_PRUNE: core_hooks_pruned(c, w); break;
    case FOR_VERIFY: core_verify_done(c, w); break;
    case FOR_GUARD: core_guard_done(c, w); break;
    case FOR_TRIAL: core_trial_done(c, w); break;
    case FOR_EVENT: core_event_done(c, w); break;
    case FOR_GOSSIP: core_gossip_done(c, w); break;
    case FOR_RETENTION: core_retention_done(c, w); break;
    case FOR_NODES: core_nodes_looked(c, w); break;
    case FOR_PARCEL: core_parcel_sent(c, w); break;
    case FOR_PARCEL_END: break;
    case FOR_CONSENT_NEWS: core_consents_told(c, w); break;
    }
    core_free_work(w);
}

/* ---- the turn ---- */

static bool take_committed(struct core *c) {
    void *items[TAKE_MAX];
    size_t n = mailbox_take(c->mail.committed, items, TAKE_MAX);
    for (size_t i = 0; i < n; i++)
        committed(c, items[i]);
    return n == TAKE_MAX;
}

static bool take_called(struct core *c) {
    void *items[TAKE_MAX];
    size_t n = mailbox_take(c->mail.called, items, TAKE_MAX);
    for (size_t i = 0; i < n; i++)
        core_called(c, items[i]);
    return n == TAKE_MAX;
}

static bool take_asks(struct core *c, struct mailbox *from, size_t jobs_max) {
    size_t busy = c->n_jobs + c->shared.takes.n;
    if (c->out_first || busy >= jobs_max)
        return false; /* they wait in their mailbox, and push back from there when it is full */
    void *items[TAKE_MAX];
    size_t room = jobs_max - busy;
    size_t n = mailbox_take(from, items, room < TAKE_MAX ? room : TAKE_MAX);
    for (size_t i = 0; i < n; i++)
        core_ask(c, items[i]);
    return n == TAKE_MAX;
}

static void hand_out_jobs(struct core *c) {
    while (c->out_first) {
        void *items[TAKE_MAX];
        size_t n = 0;
        for (struct work *w = c->out_first; w && n < TAKE_MAX; w = w->next_out)
            items[n++] = &w->job;
        /* What is handed over belongs to the journal: read the links before, not after. */
        struct work *rest[TAKE_MAX + 1];
        for (size_t i = 0; i < n; i++)
            rest[i] = items[i];
        rest[n] = rest[n - 1]->next_out;
        size_t took = mailbox_put(c->mail.journal, items, n);
        c->out_first = rest[took];
        if (!c->out_first)
            c->out_last = NULL;
        if (took < n)
            return; /* full: the rest waits here, and no new requests are taken */
    }
}

static void hand_out_calls(struct core *c) {
    for (unsigned tries = 0; c->n_out_calls && tries < c->mail.n_senders; tries++) {
        struct mailbox *to = c->mail.senders[c->next_sender];
        c->next_sender = (c->next_sender + 1) % c->mail.n_senders;
        size_t share = (c->n_out_calls + c->mail.n_senders - 1 - tries) / (c->mail.n_senders - tries);
        size_t took = mailbox_put(to, (void *const *)c->out_calls, share);
        c->n_out_calls -= took;
        memmove(c->out_calls, c->out_calls + took, c->n_out_calls * sizeof *c->out_calls);
    }
}

static int64_t next_turn_at(const struct core *c) {
    if (c->more)
        return c->now;
    if (c->out_first || c->n_out_calls)
        return c->now + US_PER_MS; /* a mailbox was full: look again soon */
    int64_t at = c->sweep.next_at < c->prune_at ? c->sweep.next_at : c->prune_at;
    int64_t others[11 + 2 * SETTINGS_LANES_MAX] = {queue_next_due_at(&c->queue, c->now),
                                                   c->owed.next_due_at,
                                                   c->use_at,
                                                   c->accounts.ask_at,
                                                   core_find_again_at(c),
                                                   core_hooks_next_at(c),
                                                   c->nodes.look_at,
                                                   core_shared_next_at(c),
                                                   c->gossip.at,
                                                   c->settings->messages.keep_days ? c->retention.at : 0};
    size_t n = 10;
    if (c->queue.n)
        others[n++] = c->sift_at;
    for (size_t i = 0; i < c->n_lanes && c->queue.n; i++) {
        others[n++] = lane_opens_at(c->lanes[i], c->now);
        others[n++] = lane_may_poll_at(c->lanes[i], c->now);
    }
    for (size_t i = 0; i < n; i++)
        if (others[i] > c->now && others[i] < at) /* what is past waits for something else */
            at = others[i];
    return at;
}

static void publish(struct core *c) {
    struct meters *m = c->world->meters;
    int64_t oldest_us = c->queue.n && c->oldest_due_at ? c->now - c->oldest_due_at : 0;
    meter_set(m, GAUGE_OLDEST_DUE, oldest_us / US_PER_S);
    meter_set(m, GAUGE_BACKLOG, c->backlog);
    meter_set(m, GAUGE_LIVE, (int64_t)c->live.n);
    meter_set(m, GAUGE_READY, (int64_t)c->queue.n);
    meter_set(m, GAUGE_LIMIT_KEYS, (int64_t)limits_keys(c->limits));
    meter_set(m, GAUGE_IN_FLIGHT, (int64_t)c->n_calls);
}

int64_t core_turn(struct core *c) {
    c->now = world_now(c->world);
    log_batch_begin(c->world->log);
    c->more = take_committed(c);
    c->more |= take_called(c);
    core_find_again(c);
    core_shared_turn(c);
    c->more |= take_asks(c, c->mail.receipts, RECEIPTS_JOBS_MAX);
    c->more |= take_asks(c, c->mail.asks, ASKS_JOBS_MAX);
    core_accounts_news(c);
    core_claims(c);
    core_ask_for_use(c);
    core_ask_for_accounts(c);
    core_ask_for_trials(c);
    core_ask_for_pages(c);
    core_owed_scan(c);
    core_hooks_turn(c);
    core_nodes_turn(c);
    core_gossip_turn(c);
    core_retention_turn(c);
    core_keep_house(c);
    hand_out_jobs(c);
    hand_out_calls(c);
    publish(c);
    core_publish_lanes(c);
    log_batch_end(c->world->log);
    return next_turn_at(c);
}

void core_drain(struct core *c) {
    c->draining = true;
}

bool core_is_idle(const struct core *c) {
    return c->n_jobs == 0 && c->n_calls == 0 && c->early.n == 0 && c->shared.takes.n == 0;
}

struct core_stats core_stats(const struct core *c) {
    return (struct core_stats){.live = c->live.n,
                               .ready = c->queue.n,
                               .in_flight = c->n_calls,
                               .jobs = c->n_jobs,
                               .callbacks = c->owing.n};
}
