#include "dispatch/lane.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/err.h"
#include "provider/adapter.h"

#include <string.h>

enum {
    DOWN_FIRST_MS = 500,
    DOWN_MAX_MS = 30000,
    SLOW_DOWN_MS = 1000,
    TELL_SLOW_MS = 2000, /* a shorter wait is nearly over when the others hear of it */
    STRIKES_MAX = 5,
    LOOK_AGAIN_US = 5 * 1000 * 1000
};

void lane_done(struct lane *l) {
    quota_done(&l->quota);
}

struct lane_load lane_load_of(const struct lane_config *config, const struct message *m) {
    uint32_t units = config->adapter->rate_counts_segments ? m->segments : 1;
    struct sv from = m->text[TEXT_FROM];
    return (struct lane_load){.units = units ? units : 1, .sender = from.n ? from : config->from};
}

bool lane_counts(const struct lane_config *config) {
    return config->n_rates > 0 || quota_is_on(config);
}

/* A message of more units than a rate has goes when that is wholly free. */
static uint32_t needed(uint32_t max, uint32_t units) {
    return units < max ? units : max;
}

/* Its limit as far as it is ours. */
static uint32_t part_of(const struct lane *l, const struct lane_rate *r) {
    uint32_t part = !l->shared.together && l->shared.parts > 1 ? r->max / l->shared.parts : r->max;
    return part ? part : 1;
}

static bool has_rate(struct lane *l, uint32_t units, int64_t now) {
    for (uint32_t i = 0; i < l->n_rates && units; i++) {
        struct lane_rate *r = &l->rates[i];
        uint32_t max = part_of(l, r);
        if (window_left(&r->begun, max, r->period_us, now) < needed(max, units)) {
            l->wanted = units;
            return false;
        }
    }
    return true;
}

static bool has_slice(struct lane *l, uint32_t units, int64_t now) {
    struct lane_shared *s = &l->shared;
    if (!s->together || units == 0)
        return true;
    for (uint32_t i = 0; i < l->n_rates; i++)
        units = needed(l->rates[i].max, units);
    if (now < s->until && s->units >= units)
        return true;
    s->short_of = units;
    return false;
}

/* A quota, by others. Slices of theirs may come back: it is worth another look soon. */
static bool is_used_up(const struct lane *l, struct lane_load load, int64_t now) {
    const struct quota *q = &l->quota;
    return l->shared.together && load.units &&
           (now < l->shared.used_up_at ||
            (q->config && (q->day.known >= q->day.max || q->month.known >= q->month.max)));
}

enum reason lane_reason(struct lane *l, struct lane_load load, int64_t now) {
    if (l->broken)
        return REASON_CREDENTIALS;
    if (l->unread && load.units)
        return REASON_LANE_RATE;
    enum reason why = quota_reason(&l->quota, load, now); /* first: it lasts longest */
    if (why == REASON_NONE && is_used_up(l, load, now))
        why = REASON_LANE_QUOTA;
    if (why != REASON_NONE)
        return why;
    if (now < l->paused_until)
        return l->downs ? REASON_PROVIDER_DOWN : REASON_THROTTLED;
    if (l->in_flight >= lane_window(l))
        return REASON_LANE_FULL;
    if (l->config->rate_learn && load.units && !pace_lets(&l->pace, now))
        return REASON_LANE_RATE;
    bool may = has_rate(l, load.units, now) && has_slice(l, load.units, now);
    return may ? REASON_NONE : REASON_LANE_RATE;
}

bool lane_is_open(struct lane *l, struct lane_load load, int64_t now) {
    return lane_reason(l, load, now) == REASON_NONE;
}

int64_t lane_quota_opens_at(struct lane *l, struct lane_load load, int64_t now) {
    if (l->broken || l->unread)
        return 0;
    if (quota_reason(&l->quota, load, now) == REASON_NONE)
        return !is_used_up(l, load, now)    ? 0
               : now < l->shared.used_up_at ? l->shared.used_up_at
                                            : now + LOOK_AGAIN_US;
    return quota_opens_at(&l->quota, load, now);
}

uint32_t lane_window(const struct lane *l) {
    const struct lane_config *c = l->config;
    if (l->downs)
        return 1;
    return c->in_flight_adaptive ? flow_window(&l->flow, c->in_flight_max) : c->in_flight_max;
}

void lane_look(struct lane *l, int64_t now) {
    if (now > l->looked_at)
        l->looked_at = now;
}

double lane_health(struct lane *l) {
    if (l->broken || (l->downs && l->looked_at < l->paused_until))
        return 0;
    double score = health_of(&l->health, l->looked_at).score;
    return l->downs && score > 0.5 ? 0.5 : score;
}

void lane_receipt(struct lane *l, bool delivered, int64_t now) {
    lane_look(l, now);
    health_receipt(&l->health, delivered, now);
}

void lane_begin(struct lane *l, struct lane_load load, int64_t now) {
    l->in_flight++;
    l->shared.units -= load.units < l->shared.units ? load.units : l->shared.units;
    for (uint32_t i = 0; i < l->n_rates; i++)
        window_count(&l->rates[i].begun, load.units, l->rates[i].period_us, now);
    quota_count(&l->quota, load, now);
    if (l->config->rate_learn && load.units)
        pace_begin(&l->pace, load.units, now);
}

void lane_take_back(struct lane *l, struct lane_load load, int64_t then) {
    for (uint32_t i = 0; i < l->n_rates; i++)
        window_give_back(&l->rates[i].begun, load.units, l->rates[i].period_us, then);
    quota_take_back(&l->quota, load, then);
}

void lane_recall(struct lane *l, uint32_t units, int64_t minute_at, int64_t now) {
    int64_t end = minute_at + 60 * US_PER_S;
    for (uint32_t i = 0; i < l->n_rates; i++)
        if (l->rates[i].unread)
            window_count(&l->rates[i].begun, units, l->rates[i].period_us, end < now ? end : now);
    if (l->quota_unread)
        quota_recall(&l->quota, units, minute_at, now);
}

void lane_recall_sender(struct lane *l, struct sv sender, int64_t first_at, int64_t last_at, uint32_t units) {
    if (l->quota_unread)
        quota_recall_sender(&l->quota, sender, first_at, last_at, units);
}

void lane_start(struct lane *l) {
    l->unread = l->state_unread = true;
}

void lane_resume(struct lane *l, bool broken, uint32_t downs, int64_t until, int64_t now) {
    if (!l->state_unread)
        return;
    l->state_unread = false;
    l->kept_trouble = broken || downs;
    if (!l->kept_trouble)
        return;
    int64_t latest = now + DOWN_MAX_MS * US_PER_MS; /* clocks step */
    l->downs = downs ? downs : 1;
    l->paused_until = broken ? 0 : until < latest ? until : latest;
}

void lane_resume_pace(struct lane *l, int64_t good, int64_t bad) {
    l->kept_good = good;
    l->kept_bad = bad;
    if (l->config->rate_learn && l->pace.calls == 0)
        pace_resume(&l->pace, good, bad);
}

/* By more than a twentieth. */
static bool differs(int64_t a, int64_t b) {
    return (a > b ? a - b : b - a) * 20 > a;
}

bool lane_wants_pace_kept(struct lane *l, int64_t now) {
    static const int64_t every_us = 10 * US_PER_S;
    int64_t good = pace_good(&l->pace), bad = pace_bad(&l->pace);
    bool news = l->config->rate_learn && !l->unread && l->pace.calls > 0 &&
                (differs(good, l->kept_good) || differs(bad, l->kept_bad));
    if (!news || now < l->kept_at + every_us)
        return false;
    l->kept_good = good;
    l->kept_bad = bad;
    l->kept_at = now;
    return true;
}

bool lane_wants_keeping(struct lane *l, bool closed) {
    bool trouble = l->broken || l->downs;
    if (trouble ? !closed : !l->kept_trouble)
        return false;
    l->kept_trouble = trouble;
    return true;
}

void lane_read(struct lane *l) {
    for (uint32_t i = 0; i < l->n_rates; i++)
        l->rates[i].unread = false;
    l->unread = l->reading = l->quota_unread = false;
    l->shared.stale = true;
}

static int64_t account_of(const struct lane_config *config) {
    const struct adapter *a = config->adapter;
    struct sip_key key = {.k0 = 0};
    for (size_t i = 0; a && i < a->n_fields; i++) {
        struct sv value = config->fields[i].n ? config->fields[i] : sv_of(a->fields[i].fallback);
        if (a->fields[i].identifies)
            key.k0 = siphash(key, value);
    }
    return (int64_t)(key.k0 | 1);
}

void lane_configure(struct lane *l, const struct lane_config *config) {
    struct lane_rate rates[LANE_RATES_MAX] = {0};
    for (uint32_t i = 0; i < config->n_rates; i++) {
        rates[i] = (struct lane_rate){
            .max = config->rates[i].max, .period_us = config->rates[i].period_us, .unread = true};
        for (uint32_t k = 0; k < l->n_rates; k++)
            if (l->rates[k].period_us == rates[i].period_us) {
                rates[i].begun = l->rates[k].begun;
                rates[i].unread = l->rates[k].unread;
            }
        l->unread |= rates[i].unread;
    }
    l->quota_unread |= quota_configure(&l->quota, config);
    l->unread |= l->quota_unread;
    if (!config->rate_learn)
        l->pace = (struct pace){0};
    memcpy(l->rates, rates, sizeof rates);
    l->n_rates = config->n_rates;
    l->config = config;
    l->shared.stale = true;
    l->account = account_of(config);
    l->broken = false; /* a person has looked at it */
    l->downs = l->strikes = 0;
    l->paused_until = l->shared.closed_until = l->shared.slowed_until = 0;
}

void lane_closed_by_others(struct lane *l, int64_t for_us, int64_t now) {
    int64_t most_us = DOWN_MAX_MS * US_PER_MS, until = now + (for_us < most_us ? for_us : most_us);
    if (for_us <= 0 || until <= l->paused_until)
        return;
    l->paused_until = until;
    if (l->downs == 0)
        l->downs = 1; /* and is tried with one call then */
}

void lane_slowed_by_others(struct lane *l, int64_t for_us, int64_t now) {
    int64_t most_us = INT64_C(86400) * US_PER_S, until = now + (for_us < most_us ? for_us : most_us);
    if (for_us > 0 && until > l->paused_until)
        l->paused_until = until;
}

bool lane_is_fresh(const struct lane *l, int64_t now) {
    for (uint32_t i = 0; i < l->n_rates; i++)
        if (window_empty_at(&l->rates[i].begun, l->rates[i].period_us) > now)
            return false;
    return l->in_flight == 0 && !l->reading;
}

static int64_t down_ms(uint32_t downs) {
    int64_t ms = DOWN_FIRST_MS;
    for (uint32_t i = 1; i < downs && ms < DOWN_MAX_MS; i++)
        ms *= 2;
    return ms < DOWN_MAX_MS ? ms : DOWN_MAX_MS;
}

void lane_timed(struct lane *l, const struct verdict *v, int64_t began_at, int64_t elapsed_us, int64_t now) {
    const struct flow_call c = {
        .verdict = v, .began_at = began_at, .elapsed_us = elapsed_us, .in_flight = l->in_flight};
    if (l->config->in_flight_adaptive && !l->downs)
        flow_note(&l->flow, &c, l->config->in_flight_max, now);
    if (l->config->rate_learn)
        pace_note(&l->pace, v, began_at, now);
}

bool lane_end(struct lane *l, const struct verdict *v, int64_t now) {
    ASSERT(l->in_flight > 0);
    l->in_flight--;
    if (!v)
        return false;
    lane_look(l, now);
    health_note(&l->health, v, now);
    switch (v->hint) {
    case LANE_FINE:
        if (v->fate != FATE_UNKNOWN)
            l->downs = l->strikes = 0;
        return false;
    case LANE_SLOW_DOWN: {
        int64_t ms = v->retry_after_ms > 0 ? v->retry_after_ms : SLOW_DOWN_MS;
        bool news = now >= l->paused_until;
        if (l->paused_until < now + ms * US_PER_MS)
            l->paused_until = now + ms * US_PER_MS;
        if (v->retry_after_ms >= TELL_SLOW_MS) {
            l->shared.slowed_until = l->paused_until;
            l->shared.look_at = 0;
        }
        return news;
    }
    case LANE_DOWN: {
        if (now < l->paused_until)
            return false; /* the calls that were in flight together count once */
        if (++l->strikes < STRIKES_MAX && l->downs == 0)
            return false; /* a lost answer now and then is no outage */
        l->downs++;
        l->paused_until = l->shared.closed_until = now + down_ms(l->downs) * US_PER_MS;
        l->shared.look_at = 0; /* the others are told at once */
        return true;
    }
    case LANE_BROKEN: {
        bool news = !l->broken;
        l->broken = true;
        return news;
    }
    }
    return false;
}

int64_t lane_opens_at(const struct lane *l, int64_t now) {
    if (l->broken)
        return 0;
    int64_t at = l->paused_until, paced_at = l->config->rate_learn ? pace_opens_at(&l->pace) : 0;
    if (paced_at > at)
        at = paced_at;
    for (uint32_t i = 0; i < l->n_rates; i++) {
        const struct lane_rate *r = &l->rates[i];
        struct window w = r->begun;
        uint32_t max = part_of(l, r);
        if (window_left(&w, max, r->period_us, now) >= needed(max, l->wanted))
            continue;
        int64_t free_at = now + window_wait_us(&w, r->period_us, now);
        if (free_at > at)
            at = free_at;
    }
    return l->shared.together && l->shared.retry_at > at ? l->shared.retry_at : at;
}

static const int64_t poll_period_us = INT64_C(60) * 1000000;

bool lane_may_poll(const struct lane *l, int64_t now) {
    struct window w = l->polls; /* to look moves it */
    return window_left(&w, l->config->receipt_polls_per_minute, poll_period_us, now) > 0;
}

void lane_polls(struct lane *l, int64_t now) {
    window_count(&l->polls, 1, poll_period_us, now);
}

int64_t lane_may_poll_at(const struct lane *l, int64_t now) {
    return lane_may_poll(l, now) ? now : now + window_wait_us(&l->polls, poll_period_us, now);
}
