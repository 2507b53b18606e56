/* What gateways count together (policy/shared): a new message is asked about before it is decided upon, and
 * waits meanwhile like a message whose change is not committed.
 *
 * While the server is away, or has not been told yet what we counted, we go on with our part of each rate.
 * What is counted so is owed to the others; when the server is there again it is told first, and only then is
 * anything asked. Mailboxes keep their order: what is told before a question is known when it is judged.
 */
#include "pipeline/core_parts.h"

#include "base/clock.h"

enum {
    HELLO_EVERY_US = 250 * 1000,
    TELLING_MAX = 8, /* calls with debts under way, while many are to be told */
    PATIENCE_MIN_US = 100 * 1000,
};

/* ---- lists ---- */

static void append(struct askings *l, struct asking *x) {
    x->older = l->newest;
    x->newer = NULL;
    if (l->newest)
        l->newest->newer = x;
    else
        l->oldest = x;
    l->newest = x;
    l->n++;
}

static void unlink_from(struct askings *l, struct asking *x) {
    *(x->older ? &x->older->newer : &l->oldest) = x->newer;
    *(x->newer ? &x->newer->older : &l->newest) = x->older;
    l->n--;
}

void core_asking_free(struct asking *x) {
    free(x->call.debts);
    free(x);
}

struct asking *core_asking_new(const struct core *c, enum shared_kind kind) {
    struct asking *x = calloc(1, sizeof *x);
    ASSERT(x);
    x->call.kind = kind;
    x->call.epoch = c->shared.epoch;
    x->settings = c->settings;
    x->asked_at = c->now;
    return x;
}

/* False: there is no room; x is the caller's still. */
static bool hand_over(struct core *c, struct askings *to, struct asking *x) {
    void *item = &x->call;
    if (c->shared.takes.n + c->shared.others.n >= CORE_SHARED_MAX ||
        mailbox_put(c->mail.shared, &item, 1) == 0)
        return false;
    append(to, x);
    return true;
}

bool core_asking_hand_over(struct core *c, struct asking *x) {
    return hand_over(c, &c->shared.others, x);
}

/* ---- alone, or together ---- */

uint32_t core_shared_parts(const struct core *c) {
    uint32_t expected = c->settings->redis.nodes_expected;
    return c->nodes.alive > expected ? c->nodes.alive : expected;
}

bool core_shared_alone(struct core *c, struct limits *l, const struct rate *rates, size_t n,
                       const struct limit_subject *s, struct limit_answer *out) {
    if (!c->mail.shared)
        return limits_take(l, rates, n, s, c->now, out);
    meter_add(c->world->meters, COUNT_SHARED_PARTS, 1);
    return limits_take_part(l, rates, n, s, c->now, core_shared_parts(c), out);
}

static void alone(struct core *c) {
    if (c->shared.together)
        log_warn(c->world->log, "shared.alone", kv_int("parts", core_shared_parts(c)),
                 kv_name("meaning", "each rate holds with one part in so many, until Redis is there again"));
    c->shared.together = false;
    c->shared.epoch = 0;
}

static void together_when_all_is_told(struct core *c) {
    if (c->shared.together || !c->shared.epoch || !c->shared.settled || limits_owing(c->limits) ||
        limits_owing(c->code_limits) || limits_owing(c->lane_limits))
        return;
    c->shared.together = true;
    log_info(c->world->log, "shared.together",
             kv_name("meaning", "rates are counted together with the other gateways"));
}

static bool tell_some(struct core *c, struct limits *l) {
    struct asking *x = core_asking_new(c, SHARED_OWED);
    struct limit_debt *d = calloc(SHARED_DEBTS_MAX, sizeof *d);
    ASSERT(d);
    x->call.debts = d;
    x->limits = l;
    while (x->call.n < SHARED_DEBTS_MAX && limits_next_debt(l, c->now, &d[x->call.n]))
        x->call.n++;
    if (x->call.n && hand_over(c, &c->shared.others, x))
        return true;
    for (size_t i = 0; i < x->call.n; i++)
        limits_owe_again(l, &d[i]);
    core_asking_free(x);
    return false;
}

/* The last of them may be many at once: what is asked after them must not be answered before. */
static void tell(struct core *c) {
    struct limits *all[] = {c->limits, c->code_limits, c->lane_limits};
    size_t owing = limits_owing(all[0]) + limits_owing(all[1]) + limits_owing(all[2]);
    bool last = owing <= (size_t)TELLING_MAX * SHARED_DEBTS_MAX;
    for (size_t i = 0; c->shared.epoch && i < 3; i++)
        while (limits_owing(all[i]) && (last || c->shared.others.n < TELLING_MAX))
            if (!tell_some(c, all[i]))
                break;
    together_when_all_is_told(c);
}

static void told_not(struct core *c, const struct asking *x) {
    for (size_t i = 0; x->limits && i < x->call.n; i++)
        limits_owe_again(x->limits, &x->call.debts[i]);
    alone(c);
}

static void greet(struct core *c) {
    if (c->shared.greeting || c->now < c->shared.hello_at)
        return;
    struct asking *x = core_asking_new(c, SHARED_HELLO);
    c->shared.hello_at = c->now + HELLO_EVERY_US;
    c->shared.greeting = hand_over(c, &c->shared.others, x);
    if (!c->shared.greeting)
        core_asking_free(x);
}

static void greeted(struct core *c, const struct shared_call *call) {
    c->shared.greeting = false;
    if (call->result != SHARED_DONE) {
        alone(c);
        return;
    }
    if (call->epoch != c->shared.told_epoch) { /* it knows nothing of what we counted */
        alone(c);
        limits_owe_all(c->limits);
        limits_owe_all(c->code_limits);
        limits_owe_all(c->lane_limits);
        c->shared.told_epoch = call->epoch;
    }
    c->shared.epoch = call->epoch;
    c->shared.settled = call->settled;
}

/* ---- messages ---- */

static void add_rules(struct shared_call *call, const struct limits *l, const struct rate *rates, size_t n,
                      const struct limit_subject *s, uint32_t group) {
    uint64_t counters[RATES_MAX];
    uint32_t which[RATES_MAX];
    size_t found = limits_counters(l, rates, n, s, counters, which);
    for (size_t i = 0; i < found; i++)
        call->rules[call->n++] = (struct shared_rule){.counter = counters[i],
                                                      .period_us = rates[which[i]].period_us,
                                                      .max = rates[which[i]].max,
                                                      .group = group,
                                                      .rule = which[i]};
}

/* Codes in group 0: what is told of a message that may be sent are the rates of all messages. */
static void add_all_rules(struct core *c, struct shared_call *call, const struct ask *a,
                          const struct message *m) {
    const struct settings *s = c->settings;
    if (m->direction == DIRECTION_IN)
        return;
    if (a->verification) {
        struct limit_subject codes = core_verify_subject(a, m);
        add_rules(call, c->code_limits, s->verifications.rates, s->verifications.n_rates, &codes, 0);
    }
    struct limit_subject subject = core_subject(a, m);
    add_rules(call, c->limits, s->limits.rates, s->limits.n_rates, &subject, 1);
}

static bool has_rules(const struct core *c, const struct ask *a) {
    return c->settings->limits.n_rates || (a->verification && c->settings->verifications.n_rates);
}

bool core_shared_ask(struct core *c, struct ask *a, struct ask *whole) {
    if (!c->shared.together || !has_rules(c, a))
        return false;
    struct asking *x = core_asking_new(c, SHARED_TAKE);
    x->ask = a;
    x->whole = whole;
    add_all_rules(c, &x->call, a, a->message);
    if (x->call.n && hand_over(c, &c->shared.takes, x))
        return true;
    core_asking_free(x);
    return false;
}

static void send_back(struct core *c, struct asking *x) {
    x->call.kind = SHARED_GIVE_BACK;
    if (!hand_over(c, &c->shared.others, x))
        core_asking_free(x); /* at worst it counts for nothing */
}

void core_shared_give_back(struct core *c, const struct ask *a, const struct message *m) {
    if (!a->shared_at || !c->shared.together)
        return;
    struct asking *x = core_asking_new(c, SHARED_GIVE_BACK);
    x->call.at = a->shared_at;
    add_all_rules(c, &x->call, a, m);
    send_back(c, x);
}

/* It counts here, too: what we remember is all that is left when the server forgets. */
static void note(struct core *c, const struct asking *x) {
    const struct settings *s = x->settings;
    struct ask *a = x->ask;
    if (a->verification) {
        struct limit_subject codes = core_verify_subject(a, a->message);
        limits_note(c->code_limits, s->verifications.rates, s->verifications.n_rates, &codes, c->now);
    }
    struct limit_subject subject = core_subject(a, a->message);
    limits_note(c->limits, s->limits.rates, s->limits.n_rates, &subject, c->now);
    a->shared_at = x->call.at;
}

static void tell_limit(const struct asking *x) {
    const struct shared_call *call = &x->call;
    if (call->tightest >= call->n)
        return;
    const struct shared_rule *r = &call->rules[call->tightest];
    const struct rate *rates = r->group ? x->settings->limits.rates : x->settings->verifications.rates;
    x->ask->limit =
        (struct limit_answer){.rate = &rates[r->rule], .left = call->left, .wait_us = call->wait_us};
}

static void judged(struct core *c, struct ask *a, struct ask *whole, enum ask_judged how) {
    if (!whole) {
        core_submit_judged(c, a, how);
        return;
    }
    a->judged = how;
    if (--whole->n_waiting == 0)
        core_event_judged(c, whole);
}

static void taken(struct core *c, struct asking *x) {
    struct ask *a = x->ask;
    if (x->call.result == SHARED_AWAY) {
        alone(c);
        judged(c, a, x->whole, ASK_NOT_JUDGED);
        return;
    }
    tell_limit(x);
    if (x->call.result == SHARED_DONE)
        note(c, x);
    judged(c, a, x->whole, x->call.result == SHARED_DONE ? ASK_WITHIN : ASK_OVER);
}

static void came_back(struct core *c, struct asking *x) {
    bool waited_for = x->call.kind == SHARED_TAKE && x->ask;
    unlink_from(waited_for ? &c->shared.takes : &c->shared.others, x);
    if (x->lane[0]) {
        if (!core_shared_lane_back(c, x))
            alone(c);
        core_asking_free(x);
        return;
    }
    switch (x->call.kind) {
    case SHARED_HELLO: greeted(c, &x->call); break;
    case SHARED_TAKE:
        if (waited_for) {
            taken(c, x);
        } else if (x->call.result == SHARED_DONE) { /* too late: it was judged alone, and is owed */
            send_back(c, x);
            return;
        }
        break;
    case SHARED_OWED:
        if (x->call.result != SHARED_DONE)
            told_not(c, x);
        break;
    case SHARED_GIVE_BACK: break; /* at worst it counts for nothing */
    case SHARED_CLOSED: BUG("a lane's");
    }
    core_asking_free(x);
}

static int64_t patience_us(const struct core *c) {
    return PATIENCE_MIN_US + 4 * (int64_t)c->settings->redis.timeout_ms * US_PER_MS;
}

/* The thread that asks may hang in the look-up of a host name. */
static void lose_patience(struct core *c) {
    for (struct asking *x; (x = c->shared.takes.oldest) && c->now - x->asked_at > patience_us(c);) {
        struct ask *a = x->ask;
        unlink_from(&c->shared.takes, x);
        append(&c->shared.others, x);
        x->ask = NULL;
        alone(c);
        judged(c, a, x->whole, ASK_NOT_JUDGED);
    }
}

void core_shared_turn(struct core *c) {
    void *items[256];
    if (!c->mail.shared) {
        core_shared_lanes_turn(c);
        return;
    }
    size_t n = mailbox_take(c->mail.shared_back, items, sizeof items / sizeof items[0]);
    for (size_t i = 0; i < n; i++)
        came_back(c, items[i]);
    c->more |= n == sizeof items / sizeof items[0];
    lose_patience(c);
    greet(c);
    tell(c);
    core_shared_lanes_turn(c);
}

int64_t core_shared_next_at(const struct core *c) {
    if (!c->mail.shared)
        return 0;
    int64_t at = c->shared.hello_at;
    const struct asking *oldest = c->shared.takes.oldest;
    if (oldest && oldest->asked_at + patience_us(c) < at)
        at = oldest->asked_at + patience_us(c) + 1;
    return at;
}

/* A whole event is lost once, with all of its parts. */
static void lose(struct asking *x) {
    struct ask *a = x->whole ? x->whole : x->ask;
    if (!a)
        return;
    for (struct asking *y = x->newer; y && x->whole; y = y->newer)
        if (y->whole == x->whole)
            y->whole = y->ask = NULL;
    ask_drop_messages(a);
    if (a->lost)
        a->lost(a);
}

void core_shared_lost(struct core *c) {
    for (struct asking *x = c->shared.takes.oldest, *next; x; x = next) {
        next = x->newer;
        lose(x);
        core_asking_free(x);
    }
    for (struct asking *x = c->shared.others.oldest, *next; x; x = next) {
        next = x->newer;
        core_asking_free(x);
    }
}
