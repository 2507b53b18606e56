#include "dispatch/settle.h"

#include "base/clock.h"
#include "dispatch/poll.h"
#include "provider/adapter.h"

#include <string.h>

enum { LEASE_MARGIN_MS = 3000, RETRY_FLOOR_MS = 50, LOOKUP_MIN_MS = 1000, LOOKUP_MAX_MS = 600000 };

int64_t settle_lease_us(const struct lane_config *lane) {
    return ((int64_t)lane->timeout_ms + LEASE_MARGIN_MS) * US_PER_MS;
}

enum { FAR_TIMES_LEASE = 60 };

/* Far enough to be told from any lease, too. */
bool settle_may_be_far(const struct lane_config *lane) {
    int64_t after_us = poll_first_us(lane), lease_us = settle_lease_us(lane);
    return after_us >= FAR_TIMES_LEASE * lease_us && after_us > ATTEMPT_LONGEST_S * US_PER_S &&
           lease_us < ATTEMPT_LONGEST_S * US_PER_S;
}

int64_t settle_begun_due_at(const struct lane_config *lane, bool far, int64_t now) {
    return now + settle_lease_us(lane) + (far ? poll_first_us(lane) : 0);
}

/* Of a message that the provider has taken: a little late, where that leaves it as it was. */
static int64_t taken_due_at(const struct message *m, const struct lane_config *lane, int64_t now) {
    int64_t at = now + poll_first_us(lane), was = m->head.due_at;
    return was >= at && was - at <= settle_lease_us(lane) && settle_may_be_far(lane) ? was : at;
}

int64_t settle_backoff_ms(const struct world *w, uint32_t first_ms, uint32_t max_ms, unsigned n) {
    int64_t ceiling = first_ms;
    for (unsigned i = 1; i < n && ceiling < max_ms; i++)
        ceiling *= 2;
    if (ceiling > max_ms)
        ceiling = max_ms;
    return (int64_t)world_random(w, (uint64_t)ceiling + 1);
}

static int64_t lookup_after_us(const struct lane_config *lane) {
    uint32_t ms = lane->lookup_after_ms ? lane->lookup_after_ms : lane->adapter->lookup_after_ms;
    if (ms < LOOKUP_MIN_MS)
        ms = LOOKUP_MIN_MS; /* a provider that cannot tell is not asked without a pause */
    return (int64_t)ms * US_PER_MS;
}

static int64_t not_after(int64_t at, int64_t limit) {
    return at < limit ? at : limit;
}

/* The validity says how long a message may be sent, not how long its outcome may be learned: an attempt made
 * in its last moments is still asked about once. Until then: that call's time, its settling time, and as long
 * again for the lane to have a place. */
static int64_t ask_until(const struct message *m, const struct lane_config *lane) {
    return m->expires_at + settle_lease_us(lane) + 2 * lookup_after_us(lane);
}

/* Back into the queue, due at `due_at` or when the validity ends (where the claim will find it expired). */
static void queue_again(const struct settle *s, const struct message *m, enum reason why, int64_t due_at,
                        struct change *c) {
    change_move(c, STATE_QUEUED, why, s->now);
    c->next.due_at = not_after(due_at, m->expires_at);
}

/* Only attempts that the provider judged by themselves count towards the limit; while the lane is throttled
 * or down the message waits for the lane, as long as it is valid. A class with a limit of its own counts all.
 */
static bool may_try(const struct message *m, const struct verdict *v, const struct retry_class *own,
                    uint32_t attempts_max) {
    int made = m->head.attempts - m->head.step_from;
    if (own && own->attempts_max)
        return made < (int)own->attempts_max;
    return v->hint != LANE_FINE || made - m->head.spared < (int)attempts_max;
}

static void retry(const struct settle *s, const struct message *m, const struct verdict *v,
                  struct change *c) {
    const struct settings *set = s->settings;
    if (s->now >= m->expires_at) {
        change_move(c, STATE_EXPIRED, REASON_EXPIRED, s->now);
        return;
    }
    const struct retry_class *own = retry_find(set->retry.classes, set->retry.n_classes, v);
    if (!may_try(m, v, own, set->retry.attempts_max)) {
        change_move(c, STATE_FAILED, REASON_ATTEMPTS_EXHAUSTED, s->now);
        return;
    }
    c->next.spared = (uint16_t)(c->next.spared + (v->hint != LANE_FINE));
    uint32_t first_ms = own && own->first_ms ? own->first_ms : set->retry.first_ms;
    uint32_t max_ms = own && own->max_ms ? own->max_ms : set->retry.max_ms;
    if (max_ms < first_ms)
        max_ms = first_ms;
    int64_t wait_ms = RETRY_FLOOR_MS;
    if (!s->other_lane_open || v->hint == LANE_FINE) {
        wait_ms +=
            settle_backoff_ms(s->world, first_ms, max_ms, (unsigned)(m->head.attempts - m->head.step_from));
        if (wait_ms < v->retry_after_ms)
            wait_ms = v->retry_after_ms;
    }
    queue_again(s, m, v->reason, s->now + wait_ms * US_PER_MS, c);
}

static void unknown(const struct settle *s, const struct message *m, const struct lane_config *lane,
                    struct change *c) {
    change_move(c, STATE_UNKNOWN, REASON_OUTCOME_UNKNOWN, s->now);
    c->next.lookups = 0;
    if (lane && lane_can_look_up(lane))
        c->next.due_at = s->now + lookup_after_us(lane);
    else
        c->next.due_at = m->delivery == DELIVERY_AT_LEAST_ONCE ? s->now : m->expires_at;
}

void settle_verdict(const struct settle *s, const struct message *m, const struct attempt *a,
                    const struct lane_config *lane, const struct verdict *v, struct change *c) {
    c->attempt = *a;
    c->attempt_ends = true;
    c->attempt.ended_at = s->now;
    c->attempt.fate = v->fate;
    c->attempt.hint = v->hint;
    c->attempt.reason = v->reason;
    c->attempt.code = v->code;
    c->attempt.http_status = v->http_status;
    c->attempt.dead_since = v->dead_since;
    memcpy(c->attempt.provider_id, v->provider_id, sizeof v->provider_id);
    if (v->provider_id[0])
        memcpy(c->next.provider_id, v->provider_id, sizeof v->provider_id);
    if (m->head.state != STATE_SENDING) {          /* a receipt was faster than the answer */
        c->attempt_ends = v->fate != FATE_UNKNOWN; /* and may have known more */
        return;
    }
    c->next.code = v->code;
    switch (v->fate) {
    case FATE_SENT:
        change_move(c, STATE_SENT, REASON_NONE, s->now);
        c->next.due_at = taken_due_at(m, lane, s->now);
        c->attempt_was_taken = true;
        break;
    case FATE_REJECTED: change_move(c, STATE_FAILED, v->reason, s->now); break;
    case FATE_RETRY: retry(s, m, v, c); break;
    case FATE_UNKNOWN: unknown(s, m, lane, c); break;
    }
}

void settle_orphan(const struct settle *s, const struct message *m, const struct attempt *a,
                   const struct lane_config *lane, struct change *c) {
    ASSERT(m->head.state == STATE_SENDING);
    if (a->number == m->head.attempts && a->ended_at == 0) {
        c->attempt = *a;
        c->attempt_ends = true;
        c->attempt.ended_at = s->now;
        c->attempt.fate = FATE_UNKNOWN;
        c->attempt.hint = LANE_FINE;
        c->attempt.reason = REASON_OUTCOME_UNKNOWN;
    }
    unknown(s, m, lane, c);
}

/* No more questions: what the message's own policy says. */
static void give_up_asking(const struct settle *s, const struct message *m, struct change *c) {
    if (m->delivery == DELIVERY_AT_LEAST_ONCE)
        queue_again(s, m, REASON_OUTCOME_UNKNOWN, s->now, c);
    else
        c->next.due_at = m->expires_at; /* only a receipt can tell now */
}

bool settle_wants_lookup(const struct settle *s, const struct message *m, const struct lane_config *lane,
                         struct change *c) {
    ASSERT(m->head.state == STATE_UNKNOWN);
    bool may_ask = lane && lane_can_look_up(lane) && m->head.lookups < lane->lookups_max;
    if (s->now >= m->expires_at) {
        if (may_ask && m->head.lookups == 0 && s->now < ask_until(m, lane))
            return true;
        change_move(c, STATE_FAILED, REASON_OUTCOME_UNKNOWN, s->now);
        return false;
    }
    if (may_ask)
        return true;
    give_up_asking(s, m, c);
    return false;
}

/* What was not known of an attempt when it ended has turned out. */
static void learn(const struct settle *s, const struct attempt *a, enum fate fate, const char *provider_id,
                  struct change *c) {
    if (a->number == 0)
        return;
    c->attempt = *a;
    c->attempt_ends = true;
    c->attempt.fate = fate;
    if (c->attempt.ended_at == 0)
        c->attempt.ended_at = s->now;
    if (provider_id)
        memcpy(c->attempt.provider_id, provider_id, PROVIDER_ID_MAX);
}

void settle_found(const struct settle *s, const struct message *m, const struct attempt *a,
                  const struct lane_config *lane, const struct receipt *r, struct change *c) {
    ASSERT(m->head.state == STATE_UNKNOWN);
    memcpy(c->next.provider_id, r->provider_id, sizeof r->provider_id);
    c->next.code = r->code;
    learn(s, a, FATE_SENT, r->provider_id, c);
    enum state to = r->state == STATE_DELIVERED || r->state == STATE_UNDELIVERED || r->state == STATE_FAILED
                        ? r->state
                        : STATE_SENT;
    change_move(c, to, r->reason, s->now);
    c->next.lookups = 0; /* from now on they are about its receipt */
    if (to == STATE_SENT)
        c->next.due_at = s->now + poll_first_us(lane);
}

void settle_absent(const struct settle *s, const struct message *m, const struct attempt *a,
                   struct change *c) {
    learn(s, a, FATE_RETRY, NULL, c);
    queue_again(s, m, REASON_RECONCILING, s->now, c);
}

void settle_cannot_tell(const struct settle *s, const struct message *m, const struct lane_config *lane,
                        bool answered, struct change *c) {
    c->next.lookups = (uint16_t)(c->next.lookups + answered);
    c->next.updated_at = s->now;
    int64_t wait_us = lookup_after_us(lane);
    int64_t most_us = wait_us < LOOKUP_MAX_MS * US_PER_MS ? LOOKUP_MAX_MS * US_PER_MS : wait_us;
    for (unsigned i = 0; i < c->next.lookups && wait_us < most_us; i++)
        wait_us = not_after(wait_us * 2, most_us);
    if (s->now < m->expires_at)
        c->next.due_at = not_after(s->now + wait_us, m->expires_at);
    else
        c->next.due_at = c->next.lookups ? s->now : s->now + wait_us;
}
