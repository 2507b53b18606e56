#include "dispatch/plan.h"

#include "base/clock.h"
#include "model/content.h"

bool plan_has_next(const struct message *m, const struct head *h) {
    return h->step < m->n_plan;
}

static void next_step(struct change *c, int64_t now) {
    c->next.step++;
    c->next.step_from = c->next.attempts;
    c->next.spared = 0;
    c->next.due_at = now;
    c->next.done_at = 0;
}

static bool leads_on(enum state s, enum reason why) {
    bool unwanted = why == REASON_OPTED_OUT || why == REASON_BLOCKED || why == REASON_SCREENED;
    return (s == STATE_FAILED || s == STATE_UNDELIVERED) && !unwanted && why != REASON_OUTCOME_UNKNOWN;
}

void plan_apply(const struct message *m, int64_t now, struct change *c) {
    if (!plan_has_next(m, &c->next) || c->n_events == 0)
        return;
    if (c->next.state == STATE_SENT && m->head.state != STATE_SENT) {
        uint32_t wait_s = content_wait_s(m, c->next.step);
        int64_t at = c->next.sent_at + (int64_t)wait_s * US_PER_S;
        if (wait_s && at < c->next.due_at)
            c->next.due_at = at;
        return;
    }
    if (!leads_on(c->next.state, c->next.reason) || now >= m->expires_at)
        return;
    enum reason why = c->next.reason;
    change_unmove(c, m->head.state);
    change_move(c, STATE_QUEUED, why, now);
    next_step(c, now);
}

int64_t plan_waits_until(const struct message *m) {
    uint32_t wait_s = plan_has_next(m, &m->head) ? content_wait_s(m, m->head.step) : 0;
    return wait_s ? m->head.sent_at + (int64_t)wait_s * US_PER_S : 0;
}

bool plan_waited(const struct message *m, int64_t now, struct change *c) {
    int64_t at = plan_waits_until(m);
    if (!at || now < at || now >= m->expires_at)
        return false;
    change_move(c, STATE_QUEUED, REASON_NO_RECEIPT, now);
    next_step(c, now);
    return true;
}

void plan_skip(const struct message *m, enum reason why, int64_t now, struct change *c) {
    ASSERT(plan_has_next(m, &c->next));
    change_note(c, c->next.state, why, 0, now);
    next_step(c, now);
}

bool plan_passes_by(const struct message *m, enum reason why) {
    return (why == REASON_KNOWN_INVALID || why == REASON_NO_CONSENT) && plan_has_next(m, &m->head);
}
