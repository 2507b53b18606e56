/* A stand-in for the thread that asks Redis (app/sharing), to drive what the core does with its answers: late
 * ones, none, a server that is away or has forgotten everything. It keeps the order of calls, as the thread
 * does, and judges nothing: that the scripts count right is seen with a real server (tests/stages). One seed
 * in four has it; nothing else is drawn for the others. */
#include "world.h"

#include "base/clock.h"
#include "policy/shared.h"

enum { STEP_MAX = 20 };

bool shared_has(const struct sim *s) {
    return s->seed % 4 == 3 && !s->skewed && !s->plain;
}

/* High enough that nothing is refused: what callers are told stays as it is. */
void shared_make(const struct sim *s, struct settings *set) {
    if (!shared_has(s))
        return;
    set->limits.rate_keys_max = 1000;
    set->limits.rates[0] = (struct rate){.max = RATE_COUNT_MAX,
                                         .period_us = 60 * US_PER_S,
                                         .scopes = 1u << RATE_ACCOUNT,
                                         .text = SV("1000000/min per account")};
    set->limits.n_rates = 1;
    set->redis.timeout_ms = 250;
    set->redis.nodes_expected = 2;
}

void shared_open(struct sim *s) {
    struct err e;
    if (!shared_has(s))
        return;
    s->p->mail.shared = mailbox_new(CORE_SHARED_MAX, &e);
    s->p->mail.shared_back = mailbox_new(CORE_SHARED_MAX, &e);
    ASSERT(s->p->mail.shared && s->p->mail.shared_back);
    s->shared.epoch = s->shared.epoch ? s->shared.epoch : 1;
}

/* Calls are the core's: they are freed with it. */
void shared_close(struct sim *s) {
    mailbox_free(s->p->mail.shared);
    mailbox_free(s->p->mail.shared_back);
}

static void take(struct sim *s, struct shared_call *c) {
    bool slice = c->units > 0; /* the lanes' own limits are looked at all the same */
    c->result = slice && sim_chance(s, 20) ? SHARED_REFUSED : SHARED_DONE;
    c->tightest = 0;
    c->left = c->result == SHARED_DONE ? 1 : 0;
    c->wait_us = (int64_t)(sim_random(s) % 50000);
    c->granted = slice ? c->least + (uint32_t)(sim_random(s) % (c->units - c->least + 1)) : 1;
    c->at = s->now;
}

static void answer(struct sim *s, struct shared_call *c) {
    c->result = SHARED_AWAY;
    if (s->shared.away || (c->kind != SHARED_HELLO && c->epoch != s->shared.epoch))
        return;
    c->result = SHARED_DONE;
    if (c->kind == SHARED_HELLO) {
        c->epoch = s->shared.epoch;
        c->settled = s->now - s->shared.born_at >= SHARED_SETTLE_US;
    } else if (c->kind == SHARED_TAKE) {
        take(s, c);
    } else if (c->kind == SHARED_OWED) {
        for (size_t i = 0; i < c->n && i < SHARED_SPANS_MAX; i++)
            c->span_used[i] = c->debts[i].period_us ? 0 : c->debts[i].by_age[1];
    } else if (c->kind == SHARED_CLOSED && sim_chance(s, 2)) { /* by calls of another gateway */
        c->wait_us += (int64_t)(sim_random(s) % (3 * US_PER_S));
    }
}

static void trouble(struct sim *s) {
    unsigned dice = (unsigned)(sim_random(s) % 1000);
    if (dice < 5) {
        s->shared.away = !s->shared.away;
    } else if (dice < 8) { /* emptied */
        s->shared.epoch++;
        s->shared.born_at = s->now;
    } else if (dice < 12) {
        s->shared.hangs_until = s->now + (int64_t)(sim_random(s) % (3 * US_PER_S));
    }
}

void shared_step(struct sim *s) {
    void *items[STEP_MAX];
    if (!s->p->mail.shared)
        return;
    if (s->mended_at)
        s->shared.away = false;
    else
        trouble(s);
    if (s->now < s->shared.hangs_until)
        return;
    size_t n = mailbox_take(s->p->mail.shared, items, 1 + sim_random(s) % STEP_MAX);
    for (size_t i = 0; i < n; i++)
        answer(s, items[i]);
    size_t took = mailbox_put(s->p->mail.shared_back, items, n);
    ASSERT(took == n);
}
