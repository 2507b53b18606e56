#include "dispatch/quota.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>

enum { ALARM_PERCENT = 80, DAY_S = 86400 };

bool quota_is_on(const struct lane_config *config) {
    return config->quota.day || config->quota.month || warm_up_is_on(&config->warm_up) ||
           warm_up_is_on(&config->sender_warm_up);
}

static void forget_senders(struct quota *q) {
    for (size_t i = 0; i < q->senders.cap; i++)
        free(q->senders.slots[i].value);
    map_done(&q->senders);
    map_init(&q->senders);
}

void quota_done(struct quota *q) {
    forget_senders(q);
}

static uint32_t limit_of(uint32_t configured) {
    return configured ? configured : UINT32_MAX;
}

static void set_limit(struct quota_count *c, uint32_t max) {
    if (c->max != max)
        c->told = 0;
    c->max = max;
}

static void set_limits(struct quota *q) {
    const struct lane_config *c = q->config;
    uint32_t ceiling = warm_up_ceiling(&c->warm_up, q->date - q->start_date + 1);
    uint32_t day = limit_of(c->quota.day);
    q->day.warming = ceiling < day;
    set_limit(&q->day, q->day.warming ? ceiling : day);
    set_limit(&q->month, limit_of(c->quota.month));
}

bool quota_configure(struct quota *q, const struct lane_config *config) {
    bool on = quota_is_on(config), was_on = q->config != NULL;
    bool by_sender = warm_up_is_on(&config->sender_warm_up);
    bool anew = on && (!was_on || !sv_eq(config->time_zone, q->config->time_zone) ||
                       (by_sender && !warm_up_is_on(&q->config->sender_warm_up)));
    if (!on || anew) {
        forget_senders(q);
        *q = (struct quota){.parts = q->parts, .together = q->together};
    }
    if (!on)
        return false;
    int64_t start;
    q->config = config;
    if (clock_parse_day(config->warm_up.start, &start))
        q->start_date = start / (DAY_S * US_PER_S);
    set_limits(q);
    return anew;
}

static void roll_count(struct quota_count *c, struct zone_span span) {
    *c = (struct quota_count){.span = span, .max = c->max};
}

static void set_ceiling(struct quota_count *c, uint32_t parts) {
    uint32_t known = c->known > c->used ? c->known : c->used, rest = c->max > known ? c->max - known : 0;
    c->ceiling = parts > 1 && c->max != UINT32_MAX ? c->used + rest / parts : 0;
    if (parts > 1 && c->ceiling == 0)
        c->ceiling = 1; /* 0 is none; of a limit smaller than the parts, one */
}

static void set_ceilings(struct quota *q) {
    set_ceiling(&q->day, q->together ? 1 : q->parts);
    set_ceiling(&q->month, q->together ? 1 : q->parts);
}

/* A new day begins with nothing used. */
static void roll(struct quota *q, int64_t now) {
    if (now < q->day.span.ends_at)
        return;
    struct sv zone = q->config->time_zone;
    roll_count(&q->day, zone_day(zone, now));
    if (now >= q->month.span.ends_at)
        roll_count(&q->month, zone_month(zone, now));
    q->date = zone_date(zone, now);
    set_limits(q);
    set_ceilings(q);
}

static uint64_t key_of(struct sv sender) {
    return siphash((struct sip_key){0}, sender);
}

static bool by_sender(const struct quota *q) {
    return warm_up_is_on(&q->config->sender_warm_up);
}

static bool is_forgotten(const struct quota *q, const struct quota_sender *s) {
    return s->date < q->date - QUOTA_SENDER_FORGOTTEN_DAYS;
}

/* What that sender may still begin today. */
static uint32_t sender_left(struct quota *q, struct sv sender) {
    const struct quota_sender *s = map_get(&q->senders, key_of(sender));
    if (!s && q->senders.n >= QUOTA_SENDERS_MAX)
        return 0;
    bool known = s && !is_forgotten(q, s);
    uint32_t max = warm_up_ceiling(&q->config->sender_warm_up, known ? q->date - s->first_date + 1 : 1);
    uint32_t used = known && s->date == q->date ? s->used : 0;
    if (q->parts > 1 && max != WARM_UP_OVER)
        max = max > q->parts ? max / q->parts : 1;
    return max == WARM_UP_OVER ? UINT32_MAX : used < max ? max - used : 0;
}

static bool fits(const struct quota_count *c, uint32_t units) {
    uint32_t max = c->ceiling && c->ceiling < c->max ? c->ceiling : c->max;
    return c->max == UINT32_MAX || (c->used <= max && units <= max - c->used);
}

enum reason quota_reason(struct quota *q, struct lane_load load, int64_t now) {
    if (!q->config || load.units == 0)
        return REASON_NONE;
    roll(q, now);
    if (!fits(&q->month, load.units))
        return REASON_LANE_QUOTA;
    if (!fits(&q->day, load.units))
        return q->day.warming ? REASON_WARM_UP : REASON_LANE_QUOTA;
    if (by_sender(q) && sender_left(q, load.sender) < load.units)
        return REASON_WARM_UP;
    return REASON_NONE;
}

int64_t quota_opens_at(struct quota *q, struct lane_load load, int64_t now) {
    if (quota_reason(q, load, now) == REASON_NONE)
        return now;
    return fits(&q->month, load.units) ? q->day.span.ends_at : q->month.span.ends_at;
}

static void add(uint32_t *n, uint32_t more) {
    *n = more < UINT32_MAX - *n ? *n + more : UINT32_MAX;
}

static void take(uint32_t *n, uint32_t less) {
    *n -= less < *n ? less : *n;
}

static void count_sender(struct quota *q, struct sv sender, uint32_t units) {
    struct quota_sender *s = map_get(&q->senders, key_of(sender));
    if (!s) {
        s = calloc(1, sizeof *s);
        ASSERT(s);
        map_put(&q->senders, key_of(sender), s);
        s->first_date = s->date = q->date;
    } else if (is_forgotten(q, s)) {
        *s = (struct quota_sender){.first_date = q->date, .date = q->date};
    } else if (s->date != q->date) {
        s->date = q->date;
        s->used = 0;
    }
    add(&s->used, units);
}

/* A first use that did not come to be was none. */
static void take_sender(struct quota *q, struct sv sender, uint32_t units, bool today) {
    struct quota_sender *s = map_get(&q->senders, key_of(sender));
    if (!s || today != (s->date == q->date))
        return;
    take(&s->used, units);
    if (s->used == 0 && s->first_date == s->date)
        free(map_take(&q->senders, key_of(sender)));
}

static void count_units(struct quota_count *c, uint32_t units, bool together) {
    add(&c->used, units);
    add(&c->own, units);
    add(&c->owed, together ? 0 : units);
}

static void take_units(struct quota_count *c, uint32_t units) {
    take(&c->used, units);
    take(&c->own, units);
    take(&c->owed, units);
}

void quota_count(struct quota *q, struct lane_load load, int64_t now) {
    if (!q->config || load.units == 0)
        return;
    roll(q, now);
    count_units(&q->day, load.units, q->together);
    count_units(&q->month, load.units, q->together);
    if (by_sender(q))
        count_sender(q, load.sender, load.units);
}

void quota_take_back(struct quota *q, struct lane_load load, int64_t then) {
    if (!q->config || load.units == 0)
        return;
    if (then >= q->day.span.begins_at)
        take_units(&q->day, load.units);
    if (then >= q->month.span.begins_at)
        take_units(&q->month, load.units);
    if (by_sender(q))
        take_sender(q, load.sender, load.units, then >= q->day.span.begins_at);
}

void quota_recall(struct quota *q, uint32_t units, int64_t then, int64_t now) {
    if (!q->config)
        return;
    roll(q, now);
    if (then >= q->day.span.begins_at)
        add(&q->day.used, units);
    if (then >= q->month.span.begins_at)
        add(&q->month.used, units);
}

void quota_recall_sender(struct quota *q, struct sv sender, int64_t first_at, int64_t last_at,
                         uint32_t units) {
    if (!q->config || !by_sender(q) || map_get(&q->senders, key_of(sender)) ||
        q->senders.n >= QUOTA_SENDERS_MAX)
        return;
    struct quota_sender *s = calloc(1, sizeof *s);
    ASSERT(s);
    *s = (struct quota_sender){.first_date = zone_date(q->config->time_zone, first_at),
                               .date = zone_date(q->config->time_zone, last_at),
                               .used = units};
    map_put(&q->senders, key_of(sender), s);
}

void quota_share(struct quota *q, uint32_t parts, bool together, int64_t now) {
    q->parts = parts;
    q->together = together;
    if (!q->config)
        return;
    roll(q, now);
    set_ceilings(q);
}

int64_t quota_senders_day(const struct quota *q) {
    return q->config && by_sender(q) ? q->day.span.begins_at : 0;
}

static bool alarm_of(struct quota_count *c, const char *what, struct quota_alarm *out) {
    if (c->max == UINT32_MAX || c->told == 100)
        return false;
    unsigned percent = c->used >= c->max                                             ? 100
                       : (uint64_t)c->used * 100 >= (uint64_t)c->max * ALARM_PERCENT ? ALARM_PERCENT
                                                                                     : 0;
    if (percent <= c->told)
        return false;
    c->told = percent;
    *out = (struct quota_alarm){.what = what, .percent = percent, .used = c->used, .max = c->max};
    return true;
}

bool quota_alarm(struct quota *q, struct quota_alarm *out) {
    return q->config &&
           (alarm_of(&q->day, q->day.warming ? "warm_up" : "day", out) || alarm_of(&q->month, "month", out));
}

int64_t quota_warm_up_day(struct quota *q, int64_t now) {
    if (!q->config || !warm_up_is_on(&q->config->warm_up))
        return 0;
    roll(q, now);
    int64_t day = q->date - q->start_date + 1;
    if (day < 1)
        day = 1;
    return warm_up_ceiling(&q->config->warm_up, day) == WARM_UP_OVER ? 0 : day;
}
