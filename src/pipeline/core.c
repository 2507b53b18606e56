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
    c->far.last_id = last_id;
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
        core_live_free(l);
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

void core_write(struct core *c, enum purpose purpose, struct store_write *own, struct ask *a) {
    struct work *w = core_work(c, purpose, JOB_WRITE, NULL);
    w->ask = a;
    w->own = w->job.write = own;
    core_record(c, w);
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

/* ---- what came back from the journal ---- */

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
    case FOR_LOAD: core_load_done(c, w); break;
    case FOR_FIND: core_find_done(c, w); break;
    case FOR_CLAIM: core_claim_done(c, w); break;
    case FOR_OUTCOME: core_outcome_done(c, w); break;
    case FOR_LOOKUP: core_lookup_done(c, w); break;
    case FOR_HOUSE: core_house_done(c, w); break;
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
    case FOR_FAR: core_far_written(c, w); break;
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
                                                   core_retention_next_at(c)};
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
    core_far_turn(c);
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
