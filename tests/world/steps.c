#include "world.h"

#include "base/clock.h"
#include "model/id.h"

#include <string.h>

/* ---- the clients ---- */

static void lost(struct ask *a) {
    if (a->kind == ASK_SUBMIT)
        free(a->owner);
    free(a);
}

static void submit(struct sim *s) {
    char to[24], body[64] = "", key[16] = "", meta[32] = "";
    unsigned who = (unsigned)(sim_random(s) % 40);
    snprintf(to, sizeof to, "+8613800138%03u", who);
    /* Some texts are the same, to the same number, on purpose: they must not be taken for each other. */
    unsigned serial = sim_chance(s, 15) ? 7 : ++s->serial;
    snprintf(body, sizeof body, "order %u is ready", serial);
    int k = sim_chance(s, 30) ? (int)(sim_random(s) % KEYS_MAX) : -1;
    if (k >= 0) { /* a key always comes with the same request */
        snprintf(key, sizeof key, "key-%d", k);
        memset(body, 0, sizeof body);
        snprintf(body, sizeof body, "keyed %d", k);
        snprintf(to, sizeof to, "+8613900139%03d", k);
    }
    struct sv text[TEXT_COUNT] = {[TEXT_TO] = sv_of(to),
                                  [TEXT_BODY] = sv_of(body),
                                  [TEXT_METADATA] = sv_of(meta),
                                  [TEXT_IDEMPOTENCY_KEY] = sv_of(key)};
    struct message *m = message_new(text);
    ASSERT(m);
    m->account_id = 1;
    m->priority = (enum priority)(sim_random(s) % PRIORITY_COUNT);
    m->delivery = sim_chance(s, 20) ? DELIVERY_AT_LEAST_ONCE : DELIVERY_AT_MOST_ONCE;
    if (k >= 0)
        m->delivery = k % 5 == 0 ? DELIVERY_AT_LEAST_ONCE : DELIVERY_AT_MOST_ONCE;
    m->segments = 1;
    m->created_at = s->now;
    if (sim_chance(s, 10))
        m->send_at = s->now + (int64_t)(sim_random(s) % (60 * US_PER_S));
    m->expires_at = s->now + (int64_t)(sim_chance(s, 10) ? 5 + sim_random(s) % 20 : 600) * US_PER_S;
    memcpy(m->fingerprint, body, FINGERPRINT_BYTES);
    struct ask *a = calloc(1, sizeof *a);
    ASSERT(a);
    *a = (struct ask){.kind = ASK_SUBMIT, .reply_to = s->replies, .lost = lost, .message = m};
    struct promise *p = calloc(1, sizeof *p);
    ASSERT(p);
    p->delivery = m->delivery;
    p->key = k;
    memcpy(p->body, body, sizeof body);
    a->owner = p;
    void *item = a;
    if (mailbox_put(s->mail.asks, &item, 1) == 0) { /* pushed back: 503, nothing promised */
        message_free(m);
        free(p);
        free(a);
        return;
    }
    s->submitted++;
    sim_say(s, "submit %s to %s key %d", body, to, k);
}

static void command(struct sim *s) {
    if (!s->n_promises)
        return;
    struct ask *a = calloc(1, sizeof *a);
    ASSERT(a);
    enum ask_kind kinds[] = {ASK_CANCEL, ASK_CANCEL, ASK_REDACT};
    *a = (struct ask){.kind = kinds[sim_random(s) % 3],
                      .reply_to = s->replies,
                      .lost = lost,
                      .id = s->promises[sim_random(s) % s->n_promises].id,
                      .account_id = sim_chance(s, 5) ? 2 : 1};
    if (a->kind == ASK_REDACT && !sim_chance(s, 10))
        a->kind = ASK_CANCEL;
    void *item = a;
    if (mailbox_put(s->mail.asks, &item, 1) == 0)
        free(a);
}

static void promised(struct sim *s, const struct ask *a, int64_t id) {
    struct promise *p = a->owner;
    p->id = id;
    if (p->key >= 0) {
        if (s->key_ids[p->key] && s->key_ids[p->key] != id)
            sim_broken(s, "I2", "key %d made two messages", p->key);
        s->key_ids[p->key] = id;
    }
    if (a->result == ASK_DONE && s->n_promises < PROMISES_MAX)
        s->promises[s->n_promises++] = *p;
}

static void hear(struct sim *s) {
    void *item;
    while (mailbox_take(s->replies, &item, 1)) {
        struct ask *a = item;
        sim_say(s, "answer kind %d result %d state %d", a->kind, a->result, a->head.state);
        if (a->kind == ASK_SUBMIT) {
            if (a->result == ASK_DONE)
                promised(s, a, a->id);
            else if (a->result == ASK_DUPLICATE)
                promised(s, a, a->dup_id);
            else if (a->result == ASK_MISMATCH)
                sim_broken(s, "I2", "the same request is called another");
            free(a->owner);
        } else if (a->kind == ASK_CANCEL && a->result == ASK_DONE && a->account_id == 2) {
            sim_broken(s, "I12", "another account's message was canceled");
        } else if (a->kind == ASK_CANCEL && a->result == ASK_DONE && a->head.state != STATE_CANCELED) {
            sim_broken(s, "I6", "canceled, but the state is %s", state_name(a->head.state));
        }
        free(a);
    }
}

/* ---- journal, senders, provider ---- */

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
    struct signer signer = {.account = no_account};
    void *item;
    for (unsigned i = 0; i < s->mail.n_senders; i++) {
        if (s->n_flying == FLYING_MAX || !mailbox_take(s->mail.senders[i], &item, 1))
            continue;
        struct flying *f = &s->flying[s->n_flying++];
        f->call = item;
        arena_init(&f->mem, 1 << 20);
        bool built = call_build(f->call, &s->world, &signer, &f->mem, &f->request);
        ASSERT(built);
    }
}

static void give_back(struct sim *s, size_t i) {
    void *item = s->flying[i].call;
    arena_done(&s->flying[i].mem);
    s->flying[i] = s->flying[--s->n_flying];
    size_t took = mailbox_put(s->mail.called, &item, 1);
    ASSERT(took == 1);
}

static void provider_step(struct sim *s) {
    if (!s->n_flying)
        return;
    size_t i = sim_random(s) % s->n_flying;
    struct flying *f = &s->flying[i];
    struct http_response r;
    oracle_call(s, f->call);
    provider_answer(&s->provider, &f->request, s->now, &r);
    sim_say(s, "call kind %d message %llx attempt %u -> %d/%d", f->call->kind,
            (unsigned long long)f->call->message->id, f->call->attempt, r.transport, r.status);
    call_judge(f->call, &s->world, &r);
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
    a->lost = lost;
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
        if (!sim_chance(s, 50))
            continue;
        oracle_call(s, s->flying[i].call);
        provider_answer(&s->provider, &s->flying[i].request, s->now, &r);
    }
    sim_crash(s);
}

void sim_step(struct sim *s) {
    unsigned dice = (unsigned)(sim_random(s) % 1000);
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
        submit(s);
    else if (dice < 875)
        command(s);
    else if (dice < 880)
        s->db_fails = !s->db_fails;
    else if (dice < 884)
        crash(s);
    else if (dice < 890)
        s->now += (int64_t)(sim_random(s) % (10 * US_PER_S));
    else
        s->now += (int64_t)(sim_random(s) % 3000);
    hear(s);
}

/* One round of everybody, in which something may happen. */
static void round_of_all(struct sim *s) {
    core_step(s);
    journal_step(s);
    sender_step(s);
    provider_step(s);
    receipt_step(s);
    hear(s);
}

static bool quiet(struct sim *s) {
    return s->n_flying == 0 && core_is_idle(s->core) && mailbox_fill(s->mail.committed) == 0 &&
           mailbox_fill(s->mail.asks) == 0 && mailbox_fill(s->mail.receipts) == 0 &&
           mailbox_fill(s->mail.called) == 0;
}

void sim_settle(struct sim *s) {
    enum { ROUNDS_MAX = 400000 };
    s->db_fails = false;
    s->provider.lies = (struct lies){.no_receipt = 20};
    int64_t end = s->now + (int64_t)1500 * US_PER_S;
    for (unsigned i = 0; s->now < end; i++) {
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
