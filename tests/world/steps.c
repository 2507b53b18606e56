#include "world.h"

#include "base/clock.h"
#include "model/id.h"

#include <string.h>

static void journal_step(struct sim *s) {
    struct job *jobs[64], *done[64 + CORE_CALLS_MAX];
    size_t max = 1 + sim_random(s) % 64;
    size_t n = mailbox_take(s->mail.journal, (void **)jobs, max);
    size_t k = journal_apply(s->journal, jobs, n, done);
    size_t took = mailbox_put(s->mail.committed, (void *const *)done, k);
    ASSERT(took == k);
    if (!s->db_fails && journal_trouble(s->journal)->kind != ERR_NONE)
        sim_broken(s, "I1", "the journal fails by itself: %s", journal_trouble(s->journal)->text);
    if (n || k)
        sim_say(s, "journal %zu of %zu, held %zu", k, n, journal_held(s->journal));
}

static bool no_account(void *ctx, int64_t id, struct sv *sid, struct sv *token) {
    (void)ctx;
    (void)id;
    *sid = SV("AC00000000000000000000000000000001");
    *token = SV("token");
    return true;
}

static void sender_step(struct sim *s) {
    struct signer signer = {.account = no_account, .open = hooks_open_secret};
    void *item;
    for (unsigned i = 0; i < s->mail.n_senders; i++) {
        if (s->n_flying == FLYING_MAX || !mailbox_take(s->mail.senders[i], &item, 1))
            continue;
        struct flying *f = &s->flying[s->n_flying++];
        f->call = item;
        f->answered = false;
        arena_init(&f->mem, 1 << 20);
        bool built = call_build(f->call, &s->world, &signer, &f->mem, &f->request);
        ASSERT(built);
        if (call_has_lane(f->call))
            lanes_check_window(s, f->call);
    }
}

static void give_back(struct sim *s, size_t i) {
    void *item = s->flying[i].call;
    arena_done(&s->flying[i].mem);
    s->flying[i] = s->flying[--s->n_flying];
    size_t took = mailbox_put(s->mail.called, &item, 1);
    ASSERT(took == 1);
}

static void answer(struct sim *s, const struct flying *f, struct http_response *r) {
    oracle_call(s, f->call);
    if (f->call->kind == CALL_CALLBACK) {
        client_callback(s, f->call, r);
        return;
    }
    if (f->call->kind == CALL_HOOK) {
        hooks_answer(s, f->call, r);
        return;
    }
    sim_codes_check_call(s, f->call, f->request.body);
    size_t before = s->provider.n_taken;
    provider_answer(&s->provider, &f->request, s->now, r);
    for (size_t i = before; i < s->provider.n_taken; i++) {
        struct taken *t = &s->provider.taken[i];
        unsigned attempt;
        bool ours = token_parse(s->world.id_key, sv_of(t->token), &t->message_id, &attempt);
        ASSERT(ours);
    }
}

/* An answer takes a while to come back, in which anything may happen. */
static void provider_step(struct sim *s) {
    if (!s->n_flying)
        return;
    size_t i = sim_random(s) % s->n_flying;
    struct flying *f = &s->flying[i];
    if (!f->answered) {
        struct http_response r;
        answer(s, f, &r);
        sim_say(s, "call kind %d message %llx attempt %u -> %d/%d", f->call->kind,
                (unsigned long long)(f->call->message ? f->call->message->id : 0), f->call->attempt,
                r.transport, r.status);
        call_judge(f->call, &s->world, &r);
        f->answered = true;
        if (sim_chance(s, 30))
            return;
    }
    give_back(s, i);
}

static void receipt_step(struct sim *s) {
    struct report rep;
    if (mailbox_fill(s->mail.receipts) == mailbox_capacity(s->mail.receipts) ||
        !provider_report(&s->provider, s->now, &rep))
        return;
    const struct taken *t = &s->provider.taken[rep.taken];
    struct ask *a = calloc(1, sizeof *a);
    ASSERT(a);
    a->kind = ASK_RECEIPT;
    a->reply_to = s->replies;
    a->lost = client_forget;
    a->receipt.state = rep.state;
    a->receipt.reason = rep.state == STATE_UNDELIVERED ? REASON_UNREACHABLE : REASON_NONE;
    a->receipt.code = rep.state == STATE_UNDELIVERED ? 30005 : 0;
    memcpy(a->receipt.provider_id, t->provider_id, sizeof t->provider_id);
    bool ours = token_parse(s->world.id_key, sv_of(t->token), &a->id, &a->attempt);
    ASSERT(ours);
    if (sim_chance(s, 10)) { /* a provider that does not give our token back */
        a->id = 0;
        a->attempt = 0;
        snprintf(a->number, sizeof a->number, "%s", t->to);
    }
    sim_say(s, "receipt %s for %llx", state_name(rep.state), (unsigned long long)a->id);
    void *item = a;
    size_t took = mailbox_put(s->mail.receipts, &item, 1);
    ASSERT(took == 1);
}

static void core_step(struct sim *s) {
    s->core_wants_at = core_turn(s->core);
    const struct core_stats st = core_stats(s->core);
    if (st.in_flight > CORE_CALLS_MAX)
        sim_broken(s, "I8", "%zu calls in flight", st.in_flight);
}

/* The process dies. What its senders had begun may reach the provider all the same, whose answer nobody
 * hears. */
static void crash(struct sim *s) {
    for (size_t i = 0; i < s->n_flying; i++) {
        struct http_response r;
        if (s->flying[i].answered || !sim_chance(s, 50))
            continue;
        answer(s, &s->flying[i], &r);
    }
    s->crashes++;
    sim_restart(s, "crash");
}

static bool quiet(struct sim *s) {
    return s->n_flying == 0 && core_is_idle(s->core) && mailbox_fill(s->mail.committed) == 0 &&
           mailbox_fill(s->mail.asks) == 0 && mailbox_fill(s->mail.receipts) == 0 &&
           mailbox_fill(s->mail.called) == 0;
}

/* A stop takes a while: it ends when nothing is in flight any more, or when it has lasted too long. */
static void drain_step(struct sim *s) {
    enum { STEPS_MAX = 400 };
    if (!s->draining)
        return;
    if (quiet(s)) {
        oracle_stopped(s);
        s->stops++;
        sim_restart(s, "stopped");
    } else if (++s->drained_for > STEPS_MAX) {
        crash(s);
    }
}

static void drain(struct sim *s) {
    sim_say(s, "drain");
    core_drain(s->core);
    s->draining = true;
}

/* Fronts look once a second. */
static void look_for_digests(struct sim *s) {
    if (!sim_events_has(s) || s->now < s->digest_at || s->draining)
        return;
    s->digest_at = s->now + US_PER_S;
    sim_events_digest(s);
}

void sim_step(struct sim *s) {
    unsigned dice = (unsigned)(sim_random(s) % 1000);
    shared_step(s);
    if (dice < 250)
        core_step(s);
    else if (dice < 450)
        journal_step(s);
    else if (dice < 570)
        sender_step(s);
    else if (dice < 690)
        provider_step(s);
    else if (dice < 760)
        receipt_step(s);
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
    client_hear(s);
    look_for_digests(s);
    drain_step(s);
}

/* One round of everybody, in which something may happen. */
static void round_of_all(struct sim *s) {
    shared_step(s);
    core_step(s);
    journal_step(s);
    sender_step(s);
    provider_step(s);
    receipt_step(s);
    client_hear(s);
    look_for_digests(s);
}

/* A refusal of the old settings' credentials that comes back after the reload must not count against the new.
 */
static void refuse_late(struct sim *s) {
    enum { ROUNDS_MAX = 300, SUBMITS_MAX = 20 }; /* a rate of 1/s must get through with what waits */
    for (unsigned i = 0; i < HOSTS; i++)
        s->provider.locked[i] = true;
    for (unsigned i = 0; i < ROUNDS_MAX; i++) {
        for (size_t k = 0; k < s->n_flying; k++)
            if (s->flying[k].answered && s->flying[k].call->kind == CALL_ATTEMPT &&
                s->flying[k].call->verdict.hint == LANE_BROKEN)
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
    if (s->draining)
        crash(s);
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
    while ((mended || one_locked) && mailbox_fill(s->mail.asks) == mailbox_capacity(s->mail.asks)) {
        core_step(s);
        journal_step(s);
        client_hear(s);
    }
    if (mended || one_locked)
        lanes_reload(s, true);
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
        if (!quiet(s) || s->core_wants_at <= s->now || (report_at && report_at <= s->now)) {
            s->now += 200;
            continue;
        }
        int64_t to = s->core_wants_at;
        if (report_at && report_at < to)
            to = report_at;
        s->now = to < s->now + US_PER_S ? (to > s->now ? to : s->now + 1) : s->now + US_PER_S;
    }
}
