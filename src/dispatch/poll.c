#include "dispatch/poll.h"

#include "base/clock.h"
#include "dispatch/plan.h"
#include "provider/adapter.h"

#include <string.h>

enum { DOUBLINGS_MAX = 20 };

static bool asks(const struct lane_config *lane) {
    return lane && lane->receipt_poll_after_s && lane->receipt_polls_max && lane_can_look_up(lane);
}

static int64_t window_us(const struct lane_config *lane) {
    return lane ? (int64_t)lane->receipt_window_s * US_PER_S : 0;
}

/* Since it was sent, before the question behind n others: the gaps double. */
static int64_t question_us(const struct lane_config *lane, unsigned n) {
    unsigned doublings = n < DOUBLINGS_MAX ? n : DOUBLINGS_MAX;
    return (int64_t)lane->receipt_poll_after_s * US_PER_S * ((INT64_C(2) << doublings) - 1);
}

int64_t poll_first_us(const struct lane_config *lane) {
    int64_t end = window_us(lane);
    return asks(lane) && question_us(lane, 0) < end ? question_us(lane, 0) : end;
}

enum poll poll_when(const struct message *m, const struct lane_config *lane, int64_t now, int64_t *due_at) {
    ASSERT(m->head.state == STATE_SENT);
    int64_t end = m->head.sent_at + window_us(lane), at = end, plan_at = plan_waits_until(m);
    if (now >= end)
        return POLL_CLOSE;
    if (asks(lane) && m->head.lookups < lane->receipt_polls_max) {
        int64_t ask_at = m->head.sent_at + question_us(lane, m->head.lookups);
        if (now >= ask_at)
            return POLL_ASK;
        at = ask_at < at ? ask_at : at;
    }
    if (plan_at > now && plan_at < at)
        at = plan_at;
    *due_at = at;
    return POLL_LATER;
}

static bool is_final(enum state s) {
    return s == STATE_DELIVERED || s == STATE_UNDELIVERED || s == STATE_FAILED;
}

bool poll_answered(const struct message *m, const struct lane_config *lane, const struct lookup_answer *a,
                   int64_t now, struct receipt *r, struct change *c) {
    for (size_t i = 0; a->found == FOUND_YES && i < a->n; i++) {
        const struct receipt *k = &a->candidates[i];
        bool same_id = m->head.provider_id[0] && strcmp(k->provider_id, m->head.provider_id) == 0;
        if (!(same_id || (k->surely && !k->provider_id[0]) || (k->surely && !m->head.provider_id[0])) ||
            !is_final(k->state))
            continue;
        *r = *k;
        if (!r->provider_id[0])
            memcpy(r->provider_id, m->head.provider_id, sizeof r->provider_id);
        return true;
    }
    struct message asked = *m;
    asked.head.lookups++;
    c->next.lookups = asked.head.lookups;
    c->next.updated_at = now;
    c->next.due_at = now;
    /* Late questions do not come in a burst: the next is as far off as if this one had been in time. */
    if (poll_when(&asked, lane, now, &c->next.due_at) == POLL_ASK)
        c->next.due_at = now + (int64_t)lane->receipt_poll_after_s * US_PER_S;
    return false;
}
