#include "world.h"

#include "base/clock.h"
#include "model/id.h"

#include <string.h>

void sim_journal_step(struct sim *s) {
    struct job *jobs[64], *done[64 + CORE_CALLS_MAX];
    size_t max = 1 + sim_random(s) % 64;
    size_t n = mailbox_take(s->p->mail.journal, (void **)jobs, max);
    size_t k = journal_apply(s->p->journal, jobs, n, done);
    size_t took = mailbox_put(s->p->mail.committed, (void *const *)done, k);
    ASSERT(took == k);
    if (!s->db_fails && !s->p->cut && !atomic_load(&s->p->lease.lost) &&
        journal_trouble(s->p->journal)->kind != ERR_NONE)
        sim_broken(s, "I1", "the journal fails by itself: %s", journal_trouble(s->p->journal)->text);
    sim_push_watch(s);
    if (n || k)
        sim_say(s, "journal %zu of %zu, held %zu", k, n, journal_held(s->p->journal));
}

static bool no_account(void *ctx, int64_t id, struct sv *sid, struct sv *token) {
    (void)ctx;
    (void)id;
    *sid = SV("AC00000000000000000000000000000001");
    *token = SV("token");
    return true;
}

static void fly(struct sim *s, struct call *c, const struct signer *signer) {
    struct flying *f = &s->p->flying[s->p->n_flying++];
    f->call = c;
    f->answered = false;
    f->since = s->now;
    arena_init(&f->mem, 1 << 20);
    bool built = call_build(f->call, &s->p->world, signer, &f->mem, &f->request);
    ASSERT(built);
    if (call_has_lane(f->call))
        lanes_check_window(s, f->call);
}

void sim_sender_step(struct sim *s) {
    if (!lease_holds(s->p->world.lease))
        return;
    struct signer signer = {.account = no_account, .open = hooks_open_secret};
    for (unsigned i = 0; i < s->p->mail.n_senders; i++) {
        struct call *calls[FLYING_MAX];
        size_t n = batches_take(s, s->p->mail.senders[i], calls, FLYING_MAX - s->p->n_flying);
        for (size_t k = 0; k < n; k++)
            fly(s, calls[k], &signer);
    }
}

void sim_give_back(struct sim *s, size_t i) {
    struct call *c = s->p->flying[i].call;
    arena_done(&s->p->flying[i].mem);
    s->p->flying[i] = s->p->flying[--s->p->n_flying];
    for (struct call *next; c; c = next) {
        next = c->joined; /* it is the core's from then on */
        void *item = c;
        size_t took = mailbox_put(s->p->mail.called, &item, 1);
        ASSERT(took == 1);
    }
}

/* Where nobody stepped on it for long it has timed out, and leaves no more. */
static bool timed_out(const struct sim *s, const struct flying *f) {
    int64_t timeout_us = (int64_t)(f->call->lane ? f->call->lane->timeout_ms : 5000) * US_PER_MS;
    return s->n_procs > 1 && s->now - f->since > timeout_us;
}

static void answer(struct sim *s, const struct flying *f, struct http_response *r) {
    if (timed_out(s, f)) {
        *r = (struct http_response){.transport = HTTP_CUT, .elapsed_us = s->now - f->since};
        if (f->call->kind == CALL_CALLBACK) /* a try like any other, which its reader did not hear of */
            client_missed(s, f->call);
        return;
    }
    for (const struct call *c = f->call; c; c = c->joined)
        oracle_call(s, c);
    if (f->call->kind == CALL_CALLBACK) {
        client_callback(s, f->call, r);
        return;
    }
    if (f->call->kind == CALL_HOOK) {
        hooks_answer(s, f->call, r);
        return;
    }
    struct sv bodies = f->request.body;
    for (const struct call *c = f->call; c; c = c->joined)
        sim_codes_check_call(s, c, f->call->joined ? sv_cut(&bodies, '\n') : bodies);
    if (sim_push_refuses(s, f->call, r))
        return;
    size_t before = s->provider.n_taken;
    provider_answer(&s->provider, &f->request, s->now, r);
    sim_push_answered(s, f->call, r);
    for (size_t i = before; i < s->provider.n_taken; i++) {
        struct taken *t = &s->provider.taken[i];
        unsigned attempt;
        bool ours = token_parse(s->p->world.id_key, sv_of(t->token), &t->message_id, &attempt);
        ASSERT(ours);
    }
}

/* An answer takes a while to come back, in which anything may happen. */
static void provider_step(struct sim *s) {
    if (!s->p->n_flying)
        return;
    size_t i = sim_random(s) % s->p->n_flying;
    struct flying *f = &s->p->flying[i];
    if (!f->answered) {
        struct http_response r;
        answer(s, f, &r);
        sim_say(s, "call kind %d message %llx attempt %u -> %d/%d", f->call->kind,
                (unsigned long long)(f->call->message ? f->call->message->id : 0), f->call->attempt,
                r.transport, r.status);
        call_judge(f->call, &s->p->world, &r);
        f->answered = true;
        if (sim_chance(s, 30) || sim_is_paused(s))
            return;
    }
    if (!sim_is_paused(s))
        sim_give_back(s, i);
}

void sim_receipt_step(struct sim *s) {
    struct report rep;
    if (mailbox_fill(s->p->mail.receipts) == mailbox_capacity(s->p->mail.receipts) ||
        !provider_report(&s->provider, s->now, &rep))
        return;
    const struct taken *t = &s->provider.taken[rep.taken];
    struct ask *a = calloc(1, sizeof *a);
    ASSERT(a);
    a->kind = ASK_RECEIPT;
    a->reply_to = s->p->replies;
    a->lost = client_forget;
    a->receipt.state = rep.state;
    a->receipt.reason = rep.state == STATE_UNDELIVERED ? REASON_UNREACHABLE : REASON_NONE;
    a->receipt.code = rep.state == STATE_UNDELIVERED ? 30005 : 0;
    memcpy(a->receipt.provider_id, t->provider_id, sizeof t->provider_id);
    bool ours = token_parse(s->p->world.id_key, sv_of(t->token), &a->id, &a->attempt);
    ASSERT(ours);
    if (sim_chance(s, 10)) { /* a provider that does not give our token back */
        a->id = 0;
        a->attempt = 0;
        snprintf(a->number, sizeof a->number, "%s", t->to);
    }
    sim_say(s, "receipt %s for %llx", state_name(rep.state), (unsigned long long)a->id);
    void *item = a;
    size_t took = mailbox_put(s->p->mail.receipts, &item, 1);
    ASSERT(took == 1);
}

void sim_core_step(struct sim *s) {
    s->p->core_wants_at = core_turn(s->p->core) - s->p->skew_us;
    lanes_watch_breakers(s);
    const struct core_stats st = core_stats(s->p->core);
    if (st.in_flight > CORE_CALLS_MAX)
        sim_broken(s, "I8", "%zu calls in flight", st.in_flight);
}

/* The process dies. What its senders had begun may reach the provider all the same, whose answer nobody
 * hears. */
static void crash(struct sim *s) {
    for (size_t i = 0; i < s->p->n_flying; i++) {
        struct http_response r;
        if (s->p->flying[i].answered || !sim_chance(s, 50))
            continue;
        answer(s, &s->p->flying[i], &r);
    }
    s->crashes++;
    sim_restart(s, "crash");
}

static bool quiet(struct sim *s) {
    return s->p->n_flying == 0 && core_is_idle(s->p->core) && mailbox_fill(s->p->mail.committed) == 0 &&
           mailbox_fill(s->p->mail.asks) == 0 && mailbox_fill(s->p->mail.receipts) == 0 &&
           mailbox_fill(s->p->mail.called) == 0;
}

/* Its rest is the others' at once; or it has no time to say so. */
static void leave(struct sim *s) {
    struct err e = ERR_INIT;
    if (s->n_procs == 1 || sim_chance(s, 30))
        return;
    if (nodes_leave(s->db, &s->p->self, &e))
        s->left++;
}

/* What happens to a node of several. */
static void node_trouble(struct sim *s) {
    unsigned dice = (unsigned)(sim_random(s) % 400);
    if (dice == 0) {
        s->p->paused_until = s->now + (int64_t)(sim_random(s) % (8 * US_PER_S));
        s->pauses++;
        sim_say(s, "node %u is paused", s->p->self.id);
    } else if (dice == 1) {
        s->p->cut = !s->p->cut;
        s->cuts += s->p->cut;
        sim_say(s, "node %u and the database: cut %d", s->p->self.id, s->p->cut);
    }
}

/* Another node has taken over: the process ends. */
static void end_lost(struct sim *s) {
    if (s->n_procs == 1 || !atomic_load(&s->p->lease.lost))
        return;
    s->lost++;
    crash(s);
}

/* A stop takes a while: it ends when nothing is in flight any more, or when it has lasted too long. */
static void drain_step(struct sim *s) {
    enum { STEPS_MAX = 400 };
    if (!s->p->draining)
        return;
    if (quiet(s)) {
        oracle_stopped(s);
        s->stops++;
        leave(s);
        sim_restart(s, "stopped");
    } else if (++s->p->drained_for > STEPS_MAX) {
        crash(s);
    }
}

static void drain(struct sim *s) {
    sim_say(s, "drain");
    core_drain(s->p->core);
    s->p->draining = true;
}

/* What goes on while the process of this step does not run. */
static void step_outside(struct sim *s) {
    if (sim_chance(s, 20))
        provider_step(s);
    s->now += (int64_t)(sim_random(s) % 3000);
}

/* Fronts look once a second. */
static void look_for_digests(struct sim *s) {
    if (!sim_events_has(s) || s->now < s->digest_at || s->p->draining)
        return;
    s->digest_at = s->now + US_PER_S;
    sim_events_digest(s);
}

void sim_step(struct sim *s) {
    if (s->n_procs > 1) {
        sim_turn_to(s, (unsigned)(sim_random(s) % s->n_procs));
        if (sim_is_paused(s)) {
            step_outside(s);
            return;
        }
        node_trouble(s);
    }
    unsigned dice = (unsigned)(sim_random(s) % 1000);
    shared_step(s);
    if (dice < 250)
        sim_core_step(s);
    else if (dice < 450)
        sim_journal_step(s);
    else if (dice < 570)
        sim_sender_step(s);
    else if (dice < 690)
        provider_step(s);
    else if (dice < 760)
        sim_receipt_step(s);
    else if (dice < 860)
        client_submit(s);
    else if (dice < 875)
        client_command(s);
    else if (dice < 880)
        s->db_fails = !s->db_fails;
    else if (dice < 884)
        crash(s);
    else if (dice < 886)
        drain(s);
    else if (dice < 888)
        lanes_trouble(s);
    else if (dice < 891)
        lanes_reload(s, false);
    else if (dice < 894)
        consent_change(s);
    else if (dice < 895)
        hooks_change(s);
    else if (dice < 897)
        s->now += (int64_t)(sim_random(s) % (10 * US_PER_S));
    else if (dice < 907 && sim_events_has(s))
        sim_events_post(s);
    else if (dice >= 907 && dice < 917 && sim_codes_has(s))
        sim_codes_act(s);
    else
        s->now += (int64_t)(sim_random(s) % 3000);
    if (sim_push_has(s) && !s->p->draining && sim_chance(s, 5))
        sim_push_act(s);
    client_hear(s);
    look_for_digests(s);
    drain_step(s);
    end_lost(s);
}

/* One round of everybody, in which something may happen. */
static void round_of_one(struct sim *s) {
    shared_step(s);
    sim_core_step(s);
    sim_journal_step(s);
    sim_sender_step(s);
    provider_step(s);
    sim_receipt_step(s);
    client_hear(s);
    look_for_digests(s);
    end_lost(s);
}

static void round_of_all(struct sim *s) {
    for (unsigned i = 0; i < s->n_procs; i++) {
        sim_turn_to(s, i);
        round_of_one(s);
    }
}

static bool all_quiet(struct sim *s) {
    bool is = true;
    for (unsigned i = 0; i < s->n_procs; i++) {
        sim_turn_to(s, i);
        is &= quiet(s);
    }
    return is;
}

static int64_t wants_at(const struct sim *s) {
    int64_t at = INT64_MAX;
    for (unsigned i = 0; i < s->n_procs; i++)
        if (s->procs[i].core_wants_at < at)
            at = s->procs[i].core_wants_at;
    return at;
}

/* Every process gets the same settings, in which all lanes are there. */
static void mend_lanes(struct sim *s) {
    for (unsigned i = 0; i < s->n_procs; i++) {
        sim_turn_to(s, i);
        while (mailbox_fill(s->p->mail.asks) == mailbox_capacity(s->p->mail.asks)) {
            sim_core_step(s);
            sim_journal_step(s);
            client_hear(s);
        }
        if (i == 0)
            lanes_reload(s, true);
        else
            lanes_tell(s);
    }
}

/* A refusal of the old settings' credentials that comes back after the reload must not count against the new.
 */
static void refuse_late(struct sim *s) {
    enum { ROUNDS_MAX = 300, SUBMITS_MAX = 20 }; /* a rate of 1/s must get through with what waits */
    for (unsigned i = 0; i < HOSTS; i++)
        s->provider.locked[i] = true;
    for (unsigned i = 0; i < ROUNDS_MAX; i++) {
        for (size_t k = 0; k < s->p->n_flying; k++)
            if (s->p->flying[k].answered && s->p->flying[k].call->kind == CALL_ATTEMPT &&
                s->p->flying[k].call->verdict.hint == LANE_BROKEN)
                return;
        if (i < SUBMITS_MAX)
            client_submit(s);
        round_of_all(s);
    }
}

void sim_settle(struct sim *s) {
    enum { ROUNDS_MAX = 400000 };
    s->db_fails = false;
    s->provider.lies = (struct lies){.no_receipt = 20};
    for (unsigned i = 0; i < s->n_procs; i++) {
        sim_turn_to(s, i);
        s->p->paused_until = 0;
        s->p->cut = false;
        if (s->p->draining)
            crash(s);
    }
    for (unsigned i = 0; i < HOSTS; i++)
        s->provider.away[i] = false;
    bool mended = sim_chance(s, 75); /* else lanes stay broken or unconfigured for good */
    bool all_locked = !mended && sim_chance(s, 50);
    for (unsigned i = 0; i < HOSTS; i++)
        s->provider.locked[i] |= all_locked;
    s->client_fails = sim_chance(s, 90) ? 0 : 100;
    int64_t end = s->now + (int64_t)1500 * US_PER_S, alive_at = s->now + (int64_t)300 * US_PER_S,
            timely_at = s->now + (int64_t)30 * US_PER_S;
    if (mended && sim_chance(s, 30))
        refuse_late(s);
    bool one_locked =
        !mended && !all_locked && s->hosts > 1 && routes_has(s); /* for good, and all others open */
    if (mended || one_locked)
        mend_lanes(s);
    s->mended_at = mended ? s->now : 0;
    s->provider.locked[0] |= one_locked;
    for (unsigned i = 0; one_locked && i < 50; i++) {
        client_submit(s);
        round_of_all(s);
    }
    for (unsigned i = 0; s->now < end && !s->failure[0]; i++) {
        if (s->now >= timely_at) {
            oracle_timely(s);
            timely_at += (int64_t)50 * US_PER_S;
        }
        if (mended && s->now >= alive_at) {
            oracle_alive(s);
            alive_at = end;
        }
        if (one_locked && !s->has_quotas && s->now >= alive_at) {
            routes_check_flow(s);
            alive_at = end;
        }
        if (i == ROUNDS_MAX) {
            sim_broken(s, "I9", "no end in sight: something turns without getting on");
            return;
        }
        round_of_all(s);
        int64_t report_at = provider_next_report_at(&s->provider);
        int64_t core_at = wants_at(s);
        if (!all_quiet(s) || core_at <= s->now || (report_at && report_at <= s->now)) {
            s->now += 200;
            continue;
        }
        int64_t to = core_at;
        if (report_at && report_at < to)
            to = report_at;
        s->now = to < s->now + US_PER_S ? (to > s->now ? to : s->now + 1) : s->now + US_PER_S;
    }
}
