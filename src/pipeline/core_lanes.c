#include "dispatch/lane_report.h"
#include "pipeline/core_parts.h"

#include "base/clock.h"

enum { SCORES_EVERY_US = 1000 * 1000 };

/* So that a restart does not try a provider that fails with all it has. */
static void keep_state(struct core *c, const struct lane *lane) {
    struct work *w = core_work(c, FOR_LANE_STATE, JOB_LANE_STATE, NULL);
    w->job.lane = sv_of(lane->config->name);
    w->job.lane_state = (struct lane_state){.broken = lane->broken,
                                            .downs = lane->downs,
                                            .until = lane->paused_until,
                                            .pace_good = lane->kept_good,
                                            .pace_bad = lane->kept_bad,
                                            .standing = lane->standing};
    core_record(c, w);
}

void core_lane_said(struct core *c, struct lane *lane, const struct call *call, bool closed) {
    struct lane_meters *m = lane->meters;
    if (closed && (lane->broken || lane->downs))
        lane_meter_add(m, LANE_COUNT_OPENED);
    bool pace = lane_wants_pace_kept(lane, c->now);
    bool stands = lane_wants_standing_kept(lane, c->now);
    if (lane_wants_keeping(lane, closed) || pace || stands)
        keep_state(c, lane);
    if (call->kind != CALL_ATTEMPT)
        return;
    const struct verdict *v = &call->verdict;
    lane_meter_add(m, (enum lane_counter)v->fate);
    if (v->hint == LANE_SLOW_DOWN)
        lane_meter_add(m, LANE_COUNT_THROTTLED);
    if (v->unknown_code[0])
        core_unknown_code(c, lane, v->unknown_code);
}

void core_unknown_code(struct core *c, struct lane *lane, const char *code) {
    log_info(c->world->log, "lane.unknown_code", kv_name("lane", lane->config->name), kv_name("code", code));
    lane_meter_code(lane->meters, code);
}

void core_lane_receipt(struct core *c, const struct message *m, const struct event *ev) {
    struct lane *lane = m->head.lane[0] ? core_lane(c, m->head.lane) : NULL;
    if (!lane)
        return;
    bool delivered = ev->state == STATE_DELIVERED;
    lane_receipt(lane, delivered, c->now);
    if (!delivered)
        core_canary_undelivered(c, m);
    lane_meter_add(lane->meters, delivered ? LANE_COUNT_DELIVERED : LANE_COUNT_UNDELIVERED);
    if (ev->reason == REASON_REJECTED && ev->code) {
        char code[16];
        snprintf(code, sizeof code, "%d", (int)ev->code);
        core_unknown_code(c, lane, code);
    }
}

void core_publish_lanes(struct core *c) {
    bool scores = c->now >= c->scores_at || c->now < c->scores_at - SCORES_EVERY_US;
    if (scores)
        c->scores_at = c->now + SCORES_EVERY_US;
    for (size_t i = 0; i < c->n_lanes; i++) {
        struct lane *l = c->lanes[i];
        struct lane_meters *m = l->meters;
        const struct quota *q = &l->quota;
        bool counts = q->config != NULL;
        lane_meter_set(m, LANE_GAUGE_OPEN, !l->broken && c->now >= l->paused_until);
        lane_meter_set(m, LANE_GAUGE_IN_FLIGHT, l->in_flight);
        lane_meter_set(m, LANE_GAUGE_WINDOW, lane_window(l));
        if (scores) {
            lane_look(l, c->now);
            lane_meter_set(m, LANE_GAUGE_HEALTH, (int64_t)(lane_health(l) * 1000));
            lane_meter_set(m, LANE_GAUGE_LEARNED,
                           l->config->rate_learn ? (int64_t)(pace_rate(&l->pace) * 1000) : 0);
        }
        lane_meter_set(m, LANE_GAUGE_DAY_USED, counts ? q->day.used : 0);
        lane_meter_set(m, LANE_GAUGE_MONTH_USED, counts ? q->month.used : 0);
        lane_meter_set(m, LANE_GAUGE_DAY_MAX, counts && q->day.max != UINT32_MAX ? q->day.max : 0);
        lane_meter_set(m, LANE_GAUGE_MONTH_MAX, counts && q->month.max != UINT32_MAX ? q->month.max : 0);
    }
}

void core_report_lanes(struct core *c, struct ask *a) {
    a->n_lanes = 0;
    for (size_t i = 0; i < c->n_lanes && a->n_lanes < a->lanes_max; i++)
        a->lanes[a->n_lanes++] = lane_report_of(c->lanes[i], c->now);
    core_answer(c, a, ASK_DONE);
}
