/* When a message that waits may expect to go. Lanes are looked at as copies: to look changes nothing. */
#include "pipeline/core_parts.h"

#include "base/clock.h"
#include "provider/view.h"

#include <math.h>

/* A load that is larger than a day or a month never goes there. */
static bool never_fits(const struct lane_config *config, struct lane_load load) {
    return (config->quota.day && load.units > config->quota.day) ||
           (config->quota.month && load.units > config->quota.month);
}

struct expectation core_expect_of_lane(const struct lane *lane, struct lane_load load, int64_t at) {
    struct lane l = *lane; /* the senders of its quota are shared, and only read */
    struct expectation x = {.reason = lane_reason(&l, load, at), .waiting_for = "lane"};
    switch ((int)x.reason) {
    case REASON_NONE:
        x.waiting_for = NULL;
        x.at = at;
        x.kind = EXPECT_ESTIMATE;
        return x;
    case REASON_CREDENTIALS: return x;
    case REASON_LANE_QUOTA:
    case REASON_WARM_UP:
        if (never_fits(l.config, load))
            return x;
        x.at = quota_opens_at(&l.quota, load, at);
        x.kind = EXPECT_EARLIEST;
        return x;
    case REASON_LANE_FULL:
        x.at = at + (int64_t)(l.flow.latency_us / (l.in_flight ? l.in_flight : 1));
        x.kind = EXPECT_ESTIMATE;
        return x;
    default:
        x.at = lane_opens_at(&l, at);
        if (x.at < at) /* what it counted before is being read */
            x.at = at;
        x.kind = EXPECT_EARLIEST;
        return x;
    }
}

/* Units a second that it can take at most, by its rates, those it has learned, and its window; INFINITY:
 * nothing is known to hold it up. */
static double pace(const struct lane *l) {
    double least = INFINITY;
    for (uint32_t i = 0; i < l->n_rates; i++)
        least = fmin(least, (double)l->rates[i].max * US_PER_S / (double)l->rates[i].period_us);
    if (l->config->rate_learn)
        least = fmin(least, pace_rate(&l->pace));
    if (l->flow.latency_us > 0)
        least = fmin(least, (double)lane_window(l) * US_PER_S / l->flow.latency_us);
    return least;
}

/* Accounts take turns: nobody has more before it than its own times those who wait. */
static uint32_t fair(const struct core *c, const struct message *m, uint64_t lanes, uint32_t ahead) {
    const struct queue_item of = {.priority = m->priority, .lanes = lanes, .account = m->account_id};
    size_t turns = queue_turns_before(&c->queue, &of);
    return turns < ahead ? (uint32_t)turns : ahead;
}

static bool sooner(const struct expectation *a, const struct expectation *than) {
    if (a->kind == EXPECT_UNKNOWN || than->kind == EXPECT_UNKNOWN)
        return than->kind == EXPECT_UNKNOWN && a->kind != EXPECT_UNKNOWN;
    return a->at < than->at;
}

/* By the lanes of its route, and those before it. */
static struct expectation by_lanes(struct core *c, const struct message *m, int64_t at, uint32_t ahead,
                                   bool ahead_more) {
    struct expectation best = {.reason = core_why_waiting(c, m), .waiting_for = "lane"};
    struct choice choice;
    double units_a_second = 0;
    uint64_t lanes = 0;
    core_choose(c, m, &choice);
    if (!choice.all && !choice.route) {
        best.waiting_for = "route";
        return best;
    }
    size_t n = choice.all ? c->n_lanes : choice.order.n;
    for (size_t k = 0; k < n; k++) {
        size_t i = choice.all ? k : choice.order.lanes[k];
        const struct lane *lane = c->lanes[i];
        if (core_refused(c, choice.route, m, lane->config) != REASON_NONE)
            continue;
        struct lane_load load = core_load_of(c, lane->config, m);
        struct expectation x = core_expect_of_lane(lane, load, at);
        lanes |= UINT64_C(1) << i;
        if (x.kind != EXPECT_UNKNOWN)
            units_a_second += pace(lane) / load.units;
        if (sooner(&x, &best)) {
            best.at = x.at;
            best.kind = x.kind;
            best.reason = x.reason;
        }
    }
    ahead = fair(c, m, lanes, ahead);
    if (ahead && best.kind != EXPECT_UNKNOWN && units_a_second > 0) {
        best.at += (int64_t)(ahead / units_a_second * US_PER_S);
        best.kind = ahead_more ? EXPECT_EARLIEST : EXPECT_ESTIMATE;
        if (best.reason == REASON_NONE)
            best.reason = REASON_LANE_FULL;
    }
    if (best.at >= m->expires_at)
        best = (struct expectation){.reason = best.reason, .waiting_for = best.waiting_for};
    return best;
}

struct expectation core_expect(struct core *c, const struct message *m, int64_t at, uint32_t ahead,
                               bool ahead_more) {
    const struct head *h = &m->head;
    if (h->state != STATE_NONE && h->state != STATE_ACCEPTED && h->state != STATE_QUEUED)
        return expect_of_head(h);
    if (h->reason == REASON_FRAUD_HOLD) /* until somebody has looked */
        return (struct expectation){.reason = h->reason, .waiting_for = "fraud_hold", .kind = EXPECT_UNKNOWN};
    bool later = h->due_at > at;
    struct expectation by = by_lanes(c, m, later ? h->due_at : at, later ? 0 : ahead, ahead_more);
    if (!later || h->reason == REASON_LANE_QUOTA || h->reason == REASON_WARM_UP)
        return by;
    const char *held = expect_held_by(h->reason);
    struct expectation x = {
        .reason = h->reason, .waiting_for = held ? held : "retry", .at = h->due_at, .kind = EXPECT_SET};
    if (by.at > x.at || by.kind == EXPECT_UNKNOWN) { /* no lane is open by then */
        x.at = by.at;
        x.kind = by.kind;
    }
    return x;
}

void core_answer_expect(struct core *c, struct ask *a) {
    *a->expected = core_expect(c, a->about, c->now, a->ahead, a->ahead_more);
    core_answer(c, a, ASK_DONE);
}
