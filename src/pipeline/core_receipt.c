/* Receipts that do not come: their providers are asked, then the message ends as it is. */
#include "pipeline/core_parts.h"

#include "base/clock.h"
#include "dispatch/plan.h"
#include "dispatch/poll.h"
#include "receipt/join.h"

enum { CLOSED_AGAIN_US = 1000 * 1000 };

static const struct lane_config *config_of(struct core *c, const struct live *l) {
    struct lane *lane = core_lane_to_ask(c, l);
    return lane ? lane->config : NULL;
}

/* Window and questions go by the lane it went by, also where that has another provider account by now, which
 * cannot be asked. */
static enum poll when(struct core *c, const struct live *l, int64_t *due_at) {
    const struct lane *lane = core_lane(c, l->m->head.lane);
    struct lane_config config;
    if (lane && !config_of(c, l)) {
        config = *lane->config;
        config.receipt_poll_after_s = 0;
        return poll_when(l->m, &config, c->now, due_at);
    }
    return poll_when(l->m, lane ? lane->config : NULL, c->now, due_at);
}

bool core_is_past_receipts(struct core *c, const struct live *l) {
    int64_t at;
    struct change ch = change_of(l->m);
    return plan_waited(l->m, c->now, &ch) || when(c, l, &at) != POLL_ASK;
}

void core_due_receipt(struct core *c, struct live *l) {
    struct change ch = change_of(l->m);
    if (plan_waited(l->m, c->now, &ch)) {
        core_house(c, l, &ch);
        return;
    }
    switch (when(c, l, &ch.next.due_at)) {
    case POLL_ASK: core_enqueue(c, l); return;
    case POLL_CLOSE: join_window_closed(l->m, c->now, &ch); break;
    case POLL_LATER: break; /* the settings have changed since it was sent */
    }
    core_house(c, l, &ch);
}

void core_poll(struct core *c, struct live *l) {
    struct lane *lane = core_lane_to_ask(c, l);
    if (core_is_past_receipts(c, l) || !lane) {
        core_due_receipt(c, l);
    } else if (!lane_is_open(lane, (struct lane_load){0}, c->now) || !lane_may_poll(lane, c->now)) {
        struct change ch = change_of(l->m);
        ch.next.due_at = c->now + CLOSED_AGAIN_US;
        core_house(c, l, &ch);
    } else {
        meter_add(c->world->meters, COUNT_POLLS, 1);
        lane_polls(lane, c->now);
        core_reserve(c, l, lane, (struct lane_load){0});
        core_send_call(c, l, CALL_LOOKUP);
    }
}

void core_polled(struct core *c, struct live *l, const struct lookup_answer *answer) {
    struct lane *lane = core_lane(c, l->m->head.lane);
    struct change ch = change_of(l->m);
    struct receipt r;
    const struct lane_config *config = lane ? lane->config : NULL;
    if (!config) {
        ch.next.due_at = c->now; /* its lane is gone meanwhile */
    } else if (poll_answered(l->m, config, answer, c->now, &r, &ch)) {
        meter_add(c->world->meters, COUNT_POLLS_FOUND, 1);
        (void)join_receipt(l->m, &r, l->m->head.attempts, &l->attempt, poll_first_us(config), c->now, &ch);
        ASSERT(ch.next.state != STATE_SENT); /* a final state, of the id that it has */
        plan_apply(l->m, c->now, &ch);
    }
    core_house(c, l, &ch);
}
