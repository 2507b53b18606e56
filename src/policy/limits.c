#include "policy/limits.h"

#include "base/map.h"
#include "base/window.h"

enum { LOOKED_AT = 4, SAMPLE = 8 }; /* counters looked at with each message, and when one must go */

struct counter {
    int64_t empty_at;
    struct window window;
};

struct limits {
    struct sip_key key;
    size_t keys_max;
    struct map counters; /* owns struct counter */
    size_t at;           /* where in the map to look for empty ones next */
    uint64_t dropped;
};

struct limits *limits_new(struct sip_key key, size_t keys_max) {
    struct limits *l = calloc(1, sizeof *l);
    if (l)
        *l = (struct limits){.key = key, .keys_max = keys_max};
    return l;
}

void limits_free(struct limits *l) {
    if (!l)
        return;
    for (size_t i = 0; i < l->counters.cap; i++)
        free(l->counters.slots[i].value);
    map_done(&l->counters);
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
    free(map_take(&l->counters, key));
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

static struct counter *counter_for(struct limits *l, uint64_t key) {
    struct counter *c = map_get(&l->counters, key);
    if (c)
        return c;
    while (l->counters.n >= l->keys_max)
        drop_one(l);
    c = calloc(1, sizeof *c);
    ASSERT(c);
    map_put(&l->counters, key, c);
    return c;
}

static bool is_tighter(const struct limit_answer *than, const struct limit_answer *a) {
    if (!than->rate || a->left != than->left)
        return !than->rate || a->left < than->left;
    return a->wait_us > than->wait_us;
}

bool limits_take(struct limits *l, const struct rate *rates, size_t n, const struct limit_subject *s,
                 int64_t now, struct limit_answer *out) {
    *out = (struct limit_answer){0};
    drop_empty(l, now);
    uint64_t keys[RATES_MAX];
    bool applies[RATES_MAX];
    for (size_t i = 0; i < n; i++) {
        applies[i] = key_of(l, &rates[i], s, &keys[i]);
        struct counter *c = applies[i] ? map_get(&l->counters, keys[i]) : NULL;
        struct limit_answer a = {.rate = &rates[i], .left = rates[i].max, .wait_us = rates[i].period_us};
        if (c) {
            a.left = window_left(&c->window, rates[i].max, rates[i].period_us, now);
            a.wait_us = window_wait_us(&c->window, rates[i].period_us, now);
        }
        if (applies[i] && is_tighter(out, &a))
            *out = a;
    }
    if (!out->rate)
        return true;
    if (out->left == 0)
        return false;
    out->left--;
    for (size_t i = 0; i < n; i++) {
        if (!applies[i])
            continue;
        struct counter *c = counter_for(l, keys[i]);
        window_count(&c->window, 1, rates[i].period_us, now);
        c->empty_at = window_empty_at(&c->window, rates[i].period_us);
    }
    return true;
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

void limits_give_back(struct limits *l, const struct rate *rates, size_t n, const struct limit_subject *s,
                      int64_t then) {
    uint64_t key;
    for (size_t i = 0; i < n; i++) {
        struct counter *c = key_of(l, &rates[i], s, &key) ? map_get(&l->counters, key) : NULL;
        if (c)
            window_give_back(&c->window, 1, rates[i].period_us, then);
    }
}
