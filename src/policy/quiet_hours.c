#include "policy/quiet_hours.h"

#include "base/clock.h"
#include "base/err.h"
#include "text/phone_zones.h"
#include "text/zone_clocks.h"

#include <stdlib.h>

/* STEPS_MAX: ends of quiet times that are followed one after the other, holidays among them, before the rest
 * is left for the next time it is asked. */
enum { STEPS_MAX = 40, THURSDAY = 3 };

static const int64_t minute_us = 60 * US_PER_S, day_us = INT64_C(86400) * US_PER_S;

struct quiet_hours {
    const struct quiet_rule *rules;
    uint32_t n;
    struct zone_clocks *clocks;
    int utc, fallback, fixed[QUIET_RULES_MAX]; /* clocks */
    int *of_phone;                             /* by number of phone_zones: a clock + 1; 0: not asked yet */
};

/* One that is not known counts as UTC; the settings were checked. */
static int clock_of(struct quiet_hours *q, struct sv zone) {
    int clock = zone_clocks_find(q->clocks, zone);
    return clock == ZONE_CLOCKS_NONE ? q->utc : clock;
}

struct quiet_hours *quiet_hours_new(const struct quiet_rule *rules, uint32_t n, struct sv fallback) {
    struct quiet_hours *q = calloc(1, sizeof *q);
    ASSERT(q && n <= QUIET_RULES_MAX);
    *q = (struct quiet_hours){.rules = rules, .n = n, .clocks = zone_clocks_new()};
    q->utc = zone_clocks_find(q->clocks, SV("UTC"));
    q->of_phone = calloc(phone_zone_count(), sizeof *q->of_phone);
    ASSERT(q->utc != ZONE_CLOCKS_NONE && q->of_phone);
    q->fallback = clock_of(q, fallback);
    for (uint32_t i = 0; i < n; i++)
        q->fixed[i] = clock_of(q, rules[i].zone);
    return q;
}

void quiet_hours_free(struct quiet_hours *q) {
    if (!q)
        return;
    zone_clocks_free(q->clocks);
    free(q->of_phone);
    free(q);
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

/* Monday is 0. */
static unsigned weekday_of(int64_t date) {
    return (unsigned)(((date + THURSDAY) % 7 + 7) % 7);
}

static bool is_on(const struct quiet_rule *r, int64_t date, struct quiet_answer *out) {
    const struct calendar *c = r->calendar;
    unsigned weekday = weekday_of(date);
    if (r->days >> weekday & 1)
        return true;
    if (!(r->days & ~(unsigned)QUIET_EVERY_DAY))
        return false;
    if (c && date > c->last)
        out->calendar_ended = c;
    bool holiday = c && calendar_is_holiday(c, date);
    bool worked = !holiday && (weekday < 5 || (c && calendar_is_workday(c, date)));
    return ((r->days & QUIET_HOLIDAYS) && holiday) || ((r->days & QUIET_WORKDAYS) && worked) ||
           ((r->days & QUIET_RESTDAYS) && !worked);
}

/* When a clock that shows local_at shows the end of r's hours; 0: it is not within them. */
static int64_t local_end(const struct quiet_rule *r, int64_t local_at, struct quiet_answer *out) {
    int64_t date = floor_div(local_at, day_us);
    int64_t in_day = local_at - date * day_us, from = r->from * minute_us, to = r->to * minute_us;
    if (from < to)
        return in_day >= from && in_day < to && is_on(r, date, out) ? date * day_us + to : 0;
    if (in_day >= from && is_on(r, date, out))
        return (date + 1) * day_us + to;
    return in_day < to && is_on(r, date - 1, out) ? date * day_us + to : 0;
}

/* The end of the quiet time that `at` lies in by that rule and clock; 0: in none. */
static int64_t end_of(struct quiet_hours *q, const struct quiet_rule *r, int zone, int64_t at,
                      struct quiet_answer *out) {
    struct zone_reading now = zone_clocks_read(q->clocks, zone, at);
    int64_t end = local_end(r, now.local_at, out);
    if (!end)
        return 0;
    end = at + (end - now.local_at);
    return end < now.until ? end : now.until; /* there the clock is changed: look again */
}

struct zones {
    int at[PHONE_ZONES_MAX];
    size_t n;
};

static void zones_of(struct quiet_hours *q, const struct quiet_subject *s, struct zones *out) {
    int own = s->zone.n ? zone_clocks_find(q->clocks, s->zone) : ZONE_CLOCKS_NONE;
    struct phone_zones of_phone = own == ZONE_CLOCKS_NONE ? phone_zones_of(s->to) : (struct phone_zones){0};
    for (out->n = 0; out->n < of_phone.n; out->n++) {
        uint16_t zone = of_phone.at[out->n];
        if (!q->of_phone[zone])
            q->of_phone[zone] = clock_of(q, sv_of(phone_zone_name(zone))) + 1;
        out->at[out->n] = q->of_phone[zone] - 1;
    }
    if (!out->n)
        out->at[out->n++] = own == ZONE_CLOCKS_NONE ? q->fallback : own;
}

struct quiet_answer quiet_hours_ask(struct quiet_hours *q, const struct quiet_subject *s, int64_t at) {
    struct quiet_answer out = {0};
    struct zones own = {0};
    bool holds[QUIET_RULES_MAX], any = false;
    for (uint32_t i = 0; i < q->n; i++)
        any |= holds[i] = message_kind_is(&q->rules[i].kind, &s->facts);
    if (!any)
        return out;
    bool moved = true;
    int64_t until = at;
    for (unsigned steps = 0; moved && steps < STEPS_MAX; steps++) {
        moved = false;
        for (uint32_t i = 0; i < q->n; i++) {
            const struct quiet_rule *r = &q->rules[i];
            if (!holds[i])
                continue;
            if (!r->zone.n && !own.n)
                zones_of(q, s, &own);
            const struct zones fixed = {.at = {q->fixed[i]}, .n = 1}, *zones = r->zone.n ? &fixed : &own;
            for (size_t k = 0; k < zones->n; k++) {
                int64_t end = end_of(q, r, zones->at[k], until, &out);
                if (!end)
                    continue;
                until = end;
                out.rule = r;
                moved = true;
            }
        }
    }
    out.until = until > at ? until : 0;
    return out;
}
