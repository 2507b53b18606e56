/* What a restart would make a lane forget besides its breaker and its rates. */
#include "dispatch/lane.h"

#include "base/clock.h"

static const int64_t every_us = 10 * US_PER_S, worth_waiting_us = 2 * US_PER_S;
/* What stood longer ago says nothing any more. */
static const int64_t kept_us = INT64_C(3600) * US_PER_S;

static struct lane_standing standing_of(struct lane *l, int64_t now) {
    struct health_seen seen = health_of(&l->health, now);
    uint32_t max = l->config->in_flight_max;
    uint32_t window = l->config->in_flight_adaptive ? flow_window(&l->flow, max) : max;
    bool waits = !l->downs && !l->broken && l->paused_until > now + worth_waiting_us;
    struct lane_standing s = {.at = now,
                              .slow_until = waits ? l->paused_until : 0,
                              .window = window < max ? window : 0,
                              .good = seen.good,
                              .bad = seen.bad,
                              .delivered = seen.delivered,
                              .undelivered = seen.undelivered};
    bool as_any = !s.slow_until && !s.window && !s.bad && !s.undelivered;
    return as_any ? (struct lane_standing){.at = 0} : s;
}

static bool waits_longer(const struct lane *l, int64_t now) {
    return !l->downs && l->paused_until > now + worth_waiting_us &&
           l->paused_until > l->standing.slow_until + worth_waiting_us;
}

bool lane_wants_standing_kept(struct lane *l, int64_t now) {
    if (l->state_unread || (now >= l->stood_at && now < l->stood_at + every_us && !waits_longer(l, now)))
        return false;
    bool had = l->standing.at != 0;
    l->stood_at = now;
    l->standing = standing_of(l, now);
    return had || l->standing.at != 0;
}

void lane_resume_standing(struct lane *l, const struct lane_standing *s, int64_t now) {
    if (!l->state_unread)
        return;
    l->standing = *s;
    if (!s->at || s->at < now - kept_us)
        return;
    /* A clock that was set back since does not make it wait longer than it was told. */
    int64_t latest = now < s->at ? now + (s->slow_until - s->at) : s->slow_until;
    if (latest > l->paused_until)
        l->paused_until = latest;
    if (l->config->in_flight_adaptive)
        l->flow.window = l->flow.quick_up_to = s->window;
    const struct health_seen seen = {
        .good = s->good, .bad = s->bad, .delivered = s->delivered, .undelivered = s->undelivered};
    health_resume(&l->health, &seen, s->at < now ? s->at : now);
}
