#include "policy/tallies.h"

#include "base/clock.h"
#include "text/phone_zones.h"
#include "text/zone_clocks.h"

#include <stdlib.h>

enum { THURSDAY = 3 };

struct tallies {
    const struct tally_rule *rules;
    uint32_t n;
    struct sip_key key;
    struct zone_clocks *clocks;
    int fallback;
};

static int clock_of(struct tallies *t, struct sv zone, int otherwise) {
    int clock = zone.n ? zone_clocks_find(t->clocks, zone) : ZONE_CLOCKS_NONE;
    return clock == ZONE_CLOCKS_NONE ? otherwise : clock;
}

struct tallies *tallies_new(const struct tally_rule *rules, uint32_t n, struct sv fallback,
                            struct sip_key key) {
    struct tallies *t = calloc(1, sizeof *t);
    ASSERT(t && n <= 2 * TALLY_RULES_MAX);
    *t = (struct tallies){.rules = rules, .n = n, .key = key, .clocks = zone_clocks_new()};
    t->fallback = clock_of(t, fallback, zone_clocks_find(t->clocks, SV("UTC")));
    return t;
}

void tallies_free(struct tallies *t) {
    if (!t)
        return;
    zone_clocks_free(t->clocks);
    free(t);
}

/* Of the recipient within its account, and of what is counted: rules for the same kind share their counts. */
static int64_t hash_of(const struct tallies *t, const struct tally_rule *r, const struct tally_subject *s) {
    struct sip_key key = t->key;
    key.k0 ^= (uint64_t)s->account_id;
    key.k1 ^= siphash(t->key, r->kind_text) + (uint64_t)r->by;
    uint64_t hash = siphash(key, s->to);
    key.k0 = hash;
    if (r->by != TALLY_ALL)
        hash = siphash(key, r->by == TALLY_TEXT ? s->body : s->template);
    return (int64_t)(hash >> 1);
}

static int zone_of(struct tallies *t, const struct tally_rule *r, const struct tally_subject *s) {
    struct phone_zones own = r->zone.n || s->zone.n ? (struct phone_zones){0} : phone_zones_of(s->to);
    struct sv zone = r->zone.n   ? r->zone
                     : s->zone.n ? s->zone
                     : own.n     ? sv_of(phone_zone_name(own.at[0]))
                                 : SV_NONE;
    return clock_of(t, zone, t->fallback);
}

/* When the clock there shows local_at, by its offset at about that time. */
static int64_t utc_of(struct tallies *t, int zone, int64_t local_at) {
    int64_t guess = local_at;
    for (int i = 0; i < 2; i++)
        guess = local_at - (zone_clocks_read(t->clocks, zone, guess).local_at - guess);
    return guess;
}

static void find_window(struct tallies *t, const struct tally_rule *r, const struct tally_subject *s,
                        int64_t at, struct tally_ask *out) {
    if (r->window == TALLY_SLIDING) {
        out->since_at = at - r->period_us;
        out->period_us = r->period_us;
        return;
    }
    int zone = zone_of(t, r, s);
    int64_t local_at = zone_clocks_read(t->clocks, zone, at).local_at;
    int64_t date = local_at / US_PER_DAY - (local_at % US_PER_DAY < 0), days = 1;
    if (r->window == TALLY_WEEK) {
        date -= (date + THURSDAY) % 7; /* its Monday */
        days = 7;
    }
    out->since_at = utc_of(t, zone, date * US_PER_DAY) - 1;
    out->ends_at = utc_of(t, zone, (date + days) * US_PER_DAY);
}

struct tally *tallies_of(struct tallies *t, const struct tally_subject *s, int64_t at, bool only_text) {
    struct tally *out = NULL;
    for (uint32_t i = 0; i < t->n; i++) {
        const struct tally_rule *r = &t->rules[i];
        if ((only_text && r->by == TALLY_ALL) || (r->by == TALLY_TEMPLATE && !s->template.n) ||
            !message_kind_is(&r->kind, &s->facts))
            continue;
        if (!out) {
            out = calloc(1, sizeof *out + t->n * sizeof out->asks[0]);
            ASSERT(out);
            out->at = at;
        }
        struct tally_ask *a = &out->asks[out->n++];
        *a = (struct tally_ask){
            .hash = hash_of(t, r, s), .max = r->max, .waits = r->waits, .duplicate = r->by != TALLY_ALL};
        find_window(t, r, s, at, a);
    }
    return out;
}
