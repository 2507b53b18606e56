#include "policy/limits.h"

#include "base/map.h"

enum { LOOKED_AT = 4, SAMPLE = 8 }; /* counters looked at with each message, and when one must go */

struct counter {
    int64_t empty_at, period_us;
    struct window window;
    struct window *owed; /* owned; NULL: nothing of it, but for what told says */
    uint32_t told;       /* the round in which all of it was told to others, or owed no more */
};

struct limits {
    struct sip_key key;
    size_t keys_max;
    struct map counters; /* owns struct counter */
    size_t at;           /* where in the map to look for empty ones next */
    uint64_t dropped;

    uint32_t round;  /* how often everything was owed anew */
    uint64_t *owing; /* owned: counters that may owe something */
    size_t n_owing, owing_cap;
};

struct limits *limits_new(struct sip_key key, size_t keys_max) {
    struct limits *l = calloc(1, sizeof *l);
    if (l)
        *l = (struct limits){.key = key, .keys_max = keys_max};
    return l;
}

static void counter_free(struct counter *c) {
    if (c)
        free(c->owed);
    free(c);
}

void limits_free(struct limits *l) {
    if (!l)
        return;
    for (size_t i = 0; i < l->counters.cap; i++)
        counter_free(l->counters.slots[i].value);
    map_done(&l->counters);
    free(l->owing);
    free(l);
}

void limits_bound(struct limits *l, size_t keys_max) {
    l->keys_max = keys_max;
}

size_t limits_keys(const struct limits *l) {
    return l->counters.n;
}

uint64_t limits_dropped(const struct limits *l) {
    return l->dropped;
}

/* False when the rule does not apply. Accounts are counted apart, or one could use up another's; a caller's
 * address alone is nobody's in particular. The rule's own text is part of the key: after a change it counts
 * anew.
 */
static bool key_of(const struct limits *l, const struct rate *r, const struct limit_subject *s,
                   uint64_t *out) {
    if (r->topic.n && !sv_eq(r->topic, s->parts[RATE_TOPIC]))
        return false;
    uint64_t h = siphash(l->key, r->text);
    unsigned scopes = r->scopes == 1u << RATE_SOURCE ? r->scopes : r->scopes | 1u << RATE_ACCOUNT;
    for (int i = 0; i < RATE_SCOPES; i++) {
        if (!(scopes & 1u << i))
            continue;
        if (s->parts[i].n == 0)
            return false;
        h = siphash((struct sip_key){.k0 = l->key.k0 ^ h, .k1 = l->key.k1}, s->parts[i]);
    }
    *out = h;
    return true;
}

static void drop(struct limits *l, uint64_t key) {
    counter_free(map_take(&l->counters, key));
}

/* A few at a time, so that no message pays for all. */
static void drop_empty(struct limits *l, int64_t now) {
    for (int i = 0; i < LOOKED_AT && l->counters.cap; i++) {
        struct map_slot *slot = &l->counters.slots[l->at++ % l->counters.cap];
        const struct counter *c = slot->value;
        if (c && c->empty_at <= now)
            drop(l, slot->key);
    }
}

static void drop_one(struct limits *l) {
    const struct map_slot *first = NULL;
    for (size_t seen = 0; seen < SAMPLE;) {
        const struct map_slot *slot = &l->counters.slots[l->at++ % l->counters.cap];
        if (!slot->value)
            continue;
        seen++;
        if (!first || ((struct counter *)slot->value)->empty_at < ((struct counter *)first->value)->empty_at)
            first = slot;
    }
    drop(l, first->key);
    l->dropped++;
}

static struct counter *counter_for(struct limits *l, uint64_t key, int64_t period_us) {
    struct counter *c = map_get(&l->counters, key);
    if (c)
        return c;
    while (l->counters.n >= l->keys_max)
        drop_one(l);
    c = calloc(1, sizeof *c);
    ASSERT(c);
    c->period_us = period_us;
    c->told = l->round;
    map_put(&l->counters, key, c);
    return c;
}

static bool is_tighter(const struct limit_answer *than, const struct limit_answer *a) {
    if (!than->rate || a->left != than->left)
        return !than->rate || a->left < than->left;
    return a->wait_us > than->wait_us;
}

static void owe(struct limits *l, uint64_t key) {
    if (l->n_owing == l->owing_cap) {
        l->owing_cap = l->owing_cap ? 2 * l->owing_cap : 64;
        l->owing = reallocarray(l->owing, l->owing_cap, sizeof *l->owing);
        ASSERT(l->owing);
    }
    l->owing[l->n_owing++] = key;
}

void limits_add(struct limits *l, uint64_t key, int64_t period_us, uint32_t units, int64_t now, bool owed) {
    struct counter *c = counter_for(l, key, period_us);
    window_count(&c->window, units, period_us, now);
    c->empty_at = window_empty_at(&c->window, period_us);
    if (!owed)
        return;
    if (!c->owed) {
        c->owed = calloc(1, sizeof *c->owed);
        ASSERT(c->owed);
        owe(l, key);
    }
    window_count(c->owed, units, period_us, now);
}

/* nodes of 0: nobody else counts. */
static bool take(struct limits *l, const struct rate *rates, size_t n, const struct limit_subject *s,
                 int64_t now, uint32_t nodes, struct limit_answer *out) {
    *out = (struct limit_answer){0};
    drop_empty(l, now);
    uint64_t keys[RATES_MAX];
    bool applies[RATES_MAX];
    for (size_t i = 0; i < n; i++) {
        uint32_t part = nodes ? rates[i].max / nodes : rates[i].max, max = part ? part : 1;
        applies[i] = key_of(l, &rates[i], s, &keys[i]);
        struct counter *c = applies[i] ? map_get(&l->counters, keys[i]) : NULL;
        struct limit_answer a = {.rate = &rates[i], .left = max, .wait_us = rates[i].period_us};
        if (c) {
            a.left = window_left(&c->window, max, rates[i].period_us, now);
            int64_t wait_us = window_wait_us(&c->window, rates[i].period_us, now);
            a.wait_us = wait_us ? wait_us : a.wait_us;
        }
        if (applies[i] && is_tighter(out, &a))
            *out = a;
    }
    if (!out->rate)
        return true;
    if (out->left == 0)
        return false;
    out->left--;
    for (size_t i = 0; i < n; i++)
        if (applies[i])
            limits_add(l, keys[i], rates[i].period_us, 1, now, nodes != 0);
    return true;
}

bool limits_take(struct limits *l, const struct rate *rates, size_t n, const struct limit_subject *s,
                 int64_t now, struct limit_answer *out) {
    return take(l, rates, n, s, now, 0, out);
}

bool limits_take_part(struct limits *l, const struct rate *rates, size_t n, const struct limit_subject *s,
                      int64_t now, uint32_t nodes, struct limit_answer *out) {
    return take(l, rates, n, s, now, nodes ? nodes : 1, out);
}

size_t limits_counters(const struct limits *l, const struct rate *rates, size_t n,
                       const struct limit_subject *s, uint64_t *counters, uint32_t *rules) {
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        if (key_of(l, &rates[i], s, &counters[found]))
            rules[found++] = (uint32_t)i;
    return found;
}

void limits_note(struct limits *l, const struct rate *rates, size_t n, const struct limit_subject *s,
                 int64_t now) {
    uint64_t key;
    drop_empty(l, now);
    for (size_t i = 0; i < n; i++)
        if (key_of(l, &rates[i], s, &key))
            limits_add(l, key, rates[i].period_us, 1, now, false);
}

bool limits_look(const struct limits *l, const struct rate *rate, const struct limit_subject *s, int64_t now,
                 struct limit_answer *out) {
    uint64_t key;
    *out = (struct limit_answer){.rate = rate, .left = rate->max};
    if (!key_of(l, rate, s, &key))
        return false;
    const struct counter *c = map_get(&l->counters, key);
    if (c) {
        struct window w = c->window; /* to look moves it */
        out->left = window_left(&w, rate->max, rate->period_us, now);
        out->wait_us = out->left ? 0 : window_wait_us(&w, rate->period_us, now);
    }
    return true;
}

void limits_remove(struct limits *l, uint64_t key, int64_t period_us, uint32_t units, int64_t then) {
    struct counter *c = map_get(&l->counters, key);
    if (c)
        window_give_back(&c->window, units, period_us, then);
    if (c && c->owed)
        window_give_back(c->owed, units, period_us, then);
}

void limits_give_back(struct limits *l, const struct rate *rates, size_t n, const struct limit_subject *s,
                      int64_t then) {
    uint64_t key;
    for (size_t i = 0; i < n; i++)
        if (key_of(l, &rates[i], s, &key))
            limits_remove(l, key, rates[i].period_us, 1, then);
}

/* ---- debts ---- */

void limits_owe_all(struct limits *l) {
    l->round++;
    l->n_owing = 0;
    for (size_t i = 0; i < l->counters.cap; i++)
        if (l->counters.slots[i].value)
            owe(l, l->counters.slots[i].key);
}

size_t limits_owing(const struct limits *l) {
    return l->n_owing;
}

bool limits_next_debt(struct limits *l, int64_t now, struct limit_debt *out) {
    while (l->n_owing) {
        uint64_t key = l->owing[--l->n_owing];
        struct counter *c = map_get(&l->counters, key);
        if (!c || (c->told == l->round && !c->owed))
            continue;
        *out = (struct limit_debt){.counter = key, .period_us = c->period_us, .at = now, .round = l->round};
        bool any = window_by_age(c->told == l->round ? c->owed : &c->window, c->period_us, now, out->by_age);
        c->told = l->round;
        free(c->owed);
        c->owed = NULL;
        if (any)
            return true;
    }
    return false;
}

void limits_owe_again(struct limits *l, const struct limit_debt *d) {
    if (d->round != l->round)
        return; /* all was owed anew since */
    struct counter *c = counter_for(l, d->counter, d->period_us);
    if (!c->owed) {
        c->owed = calloc(1, sizeof *c->owed);
        ASSERT(c->owed);
        owe(l, d->counter);
    }
    (void)window_left(c->owed, 0, d->period_us, d->at); /* moves it there */
    for (int age = 0; age < WINDOW_SLOTS; age++)
        window_count_at(c->owed, d->by_age[age], d->period_us, d->at - age * window_slot_us(d->period_us));
}
