#include "dispatch/lane_report.h"

#include "provider/adapter.h"

#include <string.h>

static const char *breaker(const struct lane *l, int64_t now) {
    if (l->broken)
        return "broken";
    if (l->downs == 0)
        return "closed";
    return now < l->paused_until ? "open" : "half_open";
}

static void add_quota(struct lane *l, int64_t now, struct lane_report *r) {
    struct quota *q = &l->quota;
    if (!q->config)
        return;
    quota_reason(q, (struct lane_load){.units = 1}, now); /* today's */
    r->time_zone = q->config->time_zone;
    r->day.used = q->day.used;
    r->day.max = q->config->quota.day;
    r->day.ends_at = q->day.span.ends_at;
    r->month.used = q->month.used;
    r->month.max = q->config->quota.month;
    r->month.ends_at = q->month.span.ends_at;
    r->warm_up_day = quota_warm_up_day(q, now);
    if (r->warm_up_day) {
        r->warm_up_max = warm_up_ceiling(&q->config->warm_up, r->warm_up_day);
        r->warm_up_left = q->day.used < r->warm_up_max ? r->warm_up_max - q->day.used : 0;
    }
    if (warm_up_is_on(&q->config->sender_warm_up)) {
        r->senders_warming = (uint32_t)q->senders.n;
        r->senders_max = QUOTA_SENDERS_MAX;
    }
}

struct lane_report lane_report_of(struct lane *l, int64_t now) {
    const struct lane_config *c = l->config;
    uint32_t wanted = l->wanted; /* to look is not to want */
    bool held = l->pace.held;
    struct lane_report r = {.provider = c->adapter->name,
                            .breaker = breaker(l, now),
                            .reason = lane_reason(l, (struct lane_load){.units = 1, .sender = c->from}, now),
                            .in_flight = l->in_flight,
                            .window = lane_window(l),
                            .in_flight_max = c->in_flight_max,
                            .n_rates = l->n_rates,
                            .counts_segments = c->adapter->rate_counts_segments,
                            .health = health_of(&l->health, now)};
    memcpy(r.name, c->name, sizeof r.name);
    for (uint32_t i = 0; i < l->n_rates; i++) {
        struct lane_rate *rate = &l->rates[i];
        r.rates[i].text = c->rates[i].text;
        r.rates[i].max = rate->max;
        r.rates[i].used = rate->max - window_left(&rate->begun, rate->max, rate->period_us, now);
    }
    add_quota(l, now, &r);
    l->wanted = wanted;
    l->pace.held = held;
    r.learns = c->rate_learn;
    r.learned = r.learns ? pace_rate(&l->pace) : 0;
    r.throttled_at = r.learns ? l->pace.bad : 0;
    struct lane_load one = {.units = 1, .sender = c->from};
    int64_t quota_at = lane_quota_opens_at(l, one, now),
            opens_at = quota_at ? quota_at : lane_opens_at(l, now);
    r.opens_at = r.reason != REASON_NONE && opens_at > now ? opens_at : 0;
    r.score = lane_health(l);
    return r;
}
