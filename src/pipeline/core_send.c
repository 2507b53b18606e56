#include "pipeline/core_parts.h"

#include "base/clock.h"
#include "dispatch/plan.h"
#include "dispatch/poll.h"
#include "provider/view.h"
#include "receipt/join.h"

enum { AGAIN_US = 500 * 1000 };

static const struct lane_load no_load = {0}; /* of a look-up */

struct lane *core_open_lane(struct core *c, const struct message *m) {
    return core_open_lane_of(c, m, UINT64_MAX);
}

struct lane *core_open_lane_of(struct core *c, const struct message *m, uint64_t lanes) {
    if (c->draining || c->n_calls >= CORE_CALLS_MAX)
        return NULL;
    struct choice choice = {.all = true, .route = NULL};
    if (m)
        core_choose(c, m, &choice);
    size_t n = choice.all ? c->n_lanes : choice.order.n;
    for (size_t k = 0; k < n; k++) {
        size_t i = choice.all ? k : choice.order.lanes[k];
        if (lanes >> i & 1 && (!m || core_refused(c, choice.route, m, c->lanes[i]->config) == REASON_NONE) &&
            lane_is_open(c->lanes[i],
                         m ? core_load_of(c, c->lanes[i]->config, m) : (struct lane_load){.units = 1},
                         c->now))
            return c->lanes[i];
    }
    return NULL;
}

/* Later than this nothing is put off: a person may raise the quota, or bring another lane. */
static const int64_t postponed_us_max = INT64_C(900) * US_PER_S;

int64_t core_postponed_to(struct core *c, const struct message *m) {
    int64_t first = INT64_MAX;
    struct choice choice;
    core_choose(c, m, &choice);
    size_t n = choice.all ? c->n_lanes : choice.order.n;
    for (size_t k = 0; k < n; k++) {
        struct lane *lane = c->lanes[choice.all ? k : choice.order.lanes[k]];
        if (core_refused(c, choice.route, m, lane->config) != REASON_NONE)
            continue;
        int64_t at = lane_quota_opens_at(lane, core_load_of(c, lane->config, m), c->now);
        if (at == 0 && !lane->broken)
            return 0;
        if (at && at < first)
            first = at;
    }
    if (first == INT64_MAX)
        return 0;
    if (first > c->now + postponed_us_max)
        first = c->now + postponed_us_max;
    return first < m->expires_at ? first : m->expires_at;
}

/* A near end of a quota is worth a line in the log, once. */
static void tell_alarms(struct core *c, struct lane *lane) {
    struct quota_alarm a;
    while (quota_alarm(&lane->quota, &a)) {
        meter_add(c->world->meters, COUNT_QUOTA_ALARMS, 1);
        log_warn(c->world->log, "lane.quota", kv_name("lane", lane->config->name), kv_name("of", a.what),
                 kv_int("percent", a.percent), kv_int("used", a.used), kv_int("max", a.max));
    }
}

bool core_is_stuck(struct core *c, const struct message *m) {
    struct choice choice = {.all = true, .route = NULL};
    if (!plan_has_next(m, &m->head) || m->head.state == STATE_UNKNOWN || m->head.state == STATE_SENT)
        return false;
    core_choose(c, m, &choice);
    size_t n = choice.all ? c->n_lanes : choice.order.n;
    for (size_t k = 0; k < n; k++) {
        const struct lane *lane = c->lanes[choice.all ? k : choice.order.lanes[k]];
        bool closed = lane->broken || (lane->downs && lane->paused_until > c->now);
        if (!closed && core_refused(c, choice.route, m, lane->config) == REASON_NONE)
            return false;
    }
    return true;
}

void core_reserve(struct core *c, struct live *l, struct lane *lane, struct lane_load load) {
    ASSERT(!l->lane && !l->call);
    lane_begin(lane, load, c->now);
    core_shared_began(c, lane, load.units);
    l->lane = lane;
    l->load = load;
    l->reserved_at = c->now;
    c->n_calls++;
}

void core_release(struct core *c, struct live *l) {
    lane_end(l->lane, NULL, c->now);
    lane_take_back(l->lane, l->load, l->reserved_at);
    core_shared_began_not(c, l->lane, l->load.units, l->reserved_at);
    l->lane = NULL;
    c->n_calls--;
    core_far_end(c, l);
}

void core_begin_attempt(struct core *c, struct live *l, struct lane *lane, struct work *w) {
    struct change *ch = &w->job.change;
    ASSERT(ch->next.state == STATE_SENDING);
    core_reserve(c, l, lane, core_load_of(c, lane->config, l->m));
    if (lane_counts(lane->config)) {
        w->job.units = l->load.units;
        w->job.day_at = quota_senders_day(&lane->quota);
        w->job.sender = l->load.sender;
        tell_alarms(c, lane);
    }
    ch->next.attempts++;
    ch->next.lookups = 0;
    bool far = w->job.kind == JOB_PUT && settle_may_be_far(lane->config) && core_far_may(c, l);
    ch->next.due_at = settle_begun_due_at(lane->config, far, c->now);
    if (far)
        core_far_begin(c, l);
    ch->next.provider_id[0] = '\0';
    memcpy(ch->next.lane, lane->config->name, sizeof ch->next.lane);
    ch->attempt_begins = true;
    ch->attempt = (struct attempt){.message_id = l->id, .number = ch->next.attempts, .started_at = c->now};
    ch->attempt.account = lane->account;
    if (lane->config->price_table)
        w->job.spend_max = core_note_price(c, lane->config, l->m, &ch->attempt);
    struct sv sender = core_sender(c, lane->config, l->m);
    snprintf(ch->attempt.sender, sizeof ch->attempt.sender, "%.*s", SV_FMT(sender));
    memcpy(ch->attempt.lane, lane->config->name, sizeof ch->attempt.lane);
    ch->events[ch->n_events - 1].attempt =
        ch->next.attempts; /* the move to `sending` is about this attempt */
}

void core_send_call(struct core *c, struct live *l, enum call_kind kind) {
    ASSERT(l->lane && !l->call && !l->work && c->n_out_calls < CORE_CALLS_MAX);
    struct call *call = calloc(1, sizeof *call);
    ASSERT(call);
    *call = (struct call){.kind = kind,
                          .owner = l,
                          .settings = c->settings,
                          .lane = l->lane->config,
                          .message = l->m,
                          .attempt = l->m->head.attempts,
                          .step = l->m->head.step,
                          .started_at = l->attempt.started_at};
    memcpy(call->from, l->attempt.sender, sizeof call->from);
    l->call = call;
    c->out_calls[c->n_out_calls++] = call;
}

void core_house(struct core *c, struct live *l, const struct change *ch) {
    struct work *w = core_work(c, FOR_HOUSE, JOB_MOVE, l);
    w->job.change = *ch;
    core_owe(c, l->m, &w->job.change);
    core_record(c, w);
}

static void expire(struct core *c, struct live *l) {
    struct change ch = change_of(l->m);
    change_move(&ch, STATE_EXPIRED, REASON_EXPIRED, c->now);
    core_house(c, l, &ch);
}

/* The channel it is on is no way, and it has another. */
static void skip(struct core *c, struct live *l, enum reason why) {
    struct change ch = change_of(l->m);
    plan_skip(l->m, why, c->now, &ch);
    core_house(c, l, &ch);
}

static void claim(struct core *c, struct live *l, struct lane *lane) {
    struct work *w = core_work(c, FOR_CLAIM, JOB_MOVE, l);
    change_move(&w->job.change, STATE_SENDING, REASON_NONE, c->now);
    core_begin_attempt(c, l, lane, w);
    w->job.exempt = core_is_exempt(c, l->m);
    w->job.needs_consent = core_needs_consent(c, l->m);
    core_record(c, w);
}

/* The number was put on the suppression list since, or had enough; or an event withdrew the message. */
static void suppress(struct core *c, struct live *l, const struct job *said) {
    struct work *w = core_work(c, FOR_HOUSE, JOB_MOVE, l);
    change_move(&w->job.change, said->why == REASON_CANCELED ? STATE_CANCELED : STATE_SUPPRESSED, said->why,
                c->now);
    w->job.first_id = said->first_id;
    core_save_unsent(c, l->m, &w->job.change);
    core_owe(c, l->m, &w->job.change);
    core_record(c, w);
}

struct lane *core_lane_to_ask(struct core *c, const struct live *l) {
    struct lane *lane = core_lane(c, l->m->head.lane);
    bool other = lane && l->attempt.account && l->attempt.account != lane->account;
    return other ? NULL : lane;
}

/* Its turn has come. Only its own lane can be asked: while that is closed, it waits on disk a little longer.
 */
static void look_up(struct core *c, struct live *l) {
    struct settle s = core_settle(c);
    struct change ch = change_of(l->m);
    struct lane *lane = core_lane_to_ask(c, l);
    if (!settle_wants_lookup(&s, l->m, lane ? lane->config : NULL, &ch)) {
        core_house(c, l, &ch);
    } else if (!lane_is_open(lane, no_load, c->now)) {
        ch.next.due_at = c->now + US_PER_S;
        core_house(c, l, &ch);
    } else {
        meter_add(c->world->meters, COUNT_LOOKUPS, 1);
        core_reserve(c, l, lane, no_load);
        core_send_call(c, l, CALL_LOOKUP);
    }
}

/* No lane takes it before a quota's next day: it waits on disk, and those behind it go on. */
static void postpone(struct core *c, struct live *l, int64_t until) {
    struct change ch = change_of(l->m);
    ch.next.due_at = until;
    if (ch.next.state == STATE_QUEUED)
        ch.next.reason = core_why_waiting(c, l->m);
    ch.next.updated_at = c->now;
    core_house(c, l, &ch);
}

void core_turn_of(struct core *c, struct live *l, struct lane *lane, int64_t later) {
    ASSERT(l->m && !l->work && !l->call);
    if (l->m->head.state == STATE_UNKNOWN)
        look_up(c, l);
    else if (l->m->head.state == STATE_SENT)
        core_poll(c, l);
    else if (c->now >= l->m->expires_at)
        expire(c, l);
    else if (core_hold(c, l))
        return;
    else if (lane)
        claim(c, l, lane);
    else
        postpone(c, l, later);
}

void core_claim_done(struct core *c, struct work *w) {
    struct live *l = w->live;
    if (w->job.result == JOB_SUPPRESSED) {
        core_release(c, l);
        if (plan_passes_by(l->m, w->job.why))
            skip(c, l, w->job.why);
        else
            suppress(c, l, &w->job);
        return;
    }
    if (w->job.result == JOB_POSTPONED) {
        core_release(c, l);
        core_hold_until(c, l, w->job.why, w->job.until, STATE_SUPPRESSED);
        return;
    }
    if (w->job.result != JOB_DONE) { /* as if nothing had been tried: it is still queued on disk */
        core_release(c, l);
        queue_pause(&c->queue, l->item.priority, c->now + AGAIN_US);
        core_settled(c, l);
        return;
    }
    meter_time(c->world->meters, HIST_QUEUE_WAIT, c->now - l->m->head.due_at);
    core_adopt(c, l, &w->job.change);
    core_send_call(c, l, CALL_ATTEMPT);
    core_settled(c, l);
}

/* An unknown outcome is due: ask the provider (when it is this message's turn), or do what its policy says.
 */
static void due_unknown(struct core *c, struct live *l) {
    struct settle s = core_settle(c);
    struct change ch = change_of(l->m);
    struct lane *lane = core_lane_to_ask(c, l);
    if (!settle_wants_lookup(&s, l->m, lane ? lane->config : NULL, &ch))
        core_house(c, l, &ch);
    else
        core_enqueue(c, l);
}

static void due_orphan(struct core *c, struct live *l) {
    struct settle s = core_settle(c);
    struct change ch = change_of(l->m);
    struct lane *lane = core_lane(c, l->m->head.lane);
    settle_orphan(&s, l->m, &l->attempt, lane ? lane->config : NULL, &ch);
    core_house(c, l, &ch);
}

void core_due(struct core *c, struct live *l) {
    ASSERT(l->m && !l->work && !l->call);
    switch (l->m->head.state) {
    case STATE_ACCEPTED:
    case STATE_SCHEDULED:
    case STATE_QUEUED:
        if (c->now >= l->m->expires_at)
            expire(c, l);
        else if (core_hold(c, l))
            return;
        else if (core_is_stuck(c, l->m))
            skip(c, l, REASON_NO_LANE);
        else
            core_enqueue(c, l);
        return;
    case STATE_SENDING: due_orphan(c, l); return;
    case STATE_UNKNOWN: due_unknown(c, l); return;
    case STATE_SENT: core_due_receipt(c, l); return;
    case STATE_NONE:
    case STATE_DELIVERED:
    case STATE_UNDELIVERED:
    case STATE_FAILED:
    case STATE_EXPIRED:
    case STATE_CANCELED:
    case STATE_SUPPRESSED:
    case STATE_RECEIVED:
    case STATE_COUNT: BUG("a finished message is never due");
    }
}

/* ---- what calls brought ---- */

static void outcome(struct core *c, struct live *l, struct call *call) {
    struct settle s = core_settle(c);
    struct work *w = core_work(c, FOR_OUTCOME, JOB_MOVE, l);
    w->job.must = true; /* the call is made: its outcome must not get lost */
    core_canary_attempt(c, l->m, call);
    settle_verdict(&s, l->m, &l->attempt, call->lane, &call->verdict, &w->job.change);
    plan_apply(l->m, c->now, &w->job.change);
    core_save_route(c, l, &w->job.change);
    core_owe(c, l->m, &w->job.change);
    core_record(c, w);
}

void core_outcome_done(struct core *c, struct work *w) {
    struct live *l = w->live;
    ASSERT(w->job.result == JOB_DONE);
    core_adopt(c, l, &w->job.change);
    if (l->m->head.state == STATE_QUEUED)
        meter_add(c->world->meters, COUNT_RETRIES, 1);
    core_settled(c, l);
}

/* Makes the change for the next candidate of a look-up's answer, or for what is left when none is ours. */
static void look_up_next(struct core *c, struct live *l, struct lookup_answer *answer, size_t candidate) {
    struct settle s = core_settle(c);
    struct lane *lane = core_lane(c, l->m->head.lane);
    struct work *w = core_work(c, FOR_LOOKUP, JOB_MOVE, l);
    struct change *ch = &w->job.change;
    w->answer = answer;
    w->candidate = candidate;
    bool none_ours = answer->found == FOUND_ABSENT || (candidate >= answer->n && answer->complete);
    if (answer->found == FOUND_YES && candidate < answer->n) {
        settle_found(&s, l->m, &l->attempt, lane ? lane->config : NULL, &answer->candidates[candidate], ch);
        plan_apply(l->m, c->now, ch);
        w->job.claim = !answer->candidates[candidate].surely;
    } else if (answer->found != FOUND_CANNOT_TELL && none_ours) {
        settle_absent(&s, l->m, &l->attempt, ch);
    } else if (lane) {
        settle_cannot_tell(&s, l->m, lane->config, answer->hint == LANE_FINE, ch);
    } else {
        ch->next.due_at = c->now; /* its lane is gone meanwhile: what the message's policy says */
    }
    core_save_route(c, l, ch);
    core_owe(c, l->m, ch);
    core_record(c, w);
}

void core_lookup_done(struct core *c, struct work *w) {
    struct live *l = w->live;
    if (w->job.result == JOB_CLAIMED) { /* that one belongs to another message of ours */
        struct lookup_answer *answer = w->answer;
        w->answer = NULL;
        look_up_next(c, l, answer, w->candidate + 1);
        return;
    }
    if (w->job.result == JOB_AMBIGUOUS) { /* it may be another's with the same number and text */
        struct lookup_answer *answer = w->answer;
        w->answer = NULL;
        answer->found = FOUND_CANNOT_TELL;
        look_up_next(c, l, answer, 0);
        return;
    }
    if (w->job.result == JOB_DONE) {
        enum state before = l->m->head.state;
        core_adopt(c, l, &w->job.change);
        if (before != l->m->head.state)
            meter_add(c->world->meters,
                      l->m->head.state == STATE_QUEUED ? COUNT_LOOKUPS_ABSENT : COUNT_LOOKUPS_FOUND, 1);
    } else {
        queue_pause(&c->queue, l->item.priority, c->now + AGAIN_US);
    }
    core_settled(c, l);
}

void core_called_live(struct core *c, struct live *l, struct call *call) {
    ASSERT(l->m && !l->work);
    if (call->kind == CALL_ATTEMPT) {
        outcome(c, l, call);
    } else if (l->m->head.state == STATE_SENT) {
        core_polled(c, l, &call->answer);
    } else if (l->m->head.state == STATE_UNKNOWN) { /* else a receipt was faster than the look-up */
        struct lookup_answer *answer = malloc(sizeof *answer);
        ASSERT(answer);
        *answer = call->answer;
        look_up_next(c, l, answer, 0);
    }
    free(call);
}

static void lane_news(struct core *c, const struct call *call, const struct lane *lane) {
    const struct verdict *v = &call->verdict;
    enum log_level level = v->hint == LANE_BROKEN ? LOG_ERROR : LOG_WARN;
    char name[32];
    snprintf(name, sizeof name, "lane.%s", lane_hint_name(v->hint));
    log_at(c->world->log, level, name, kv_name("lane", lane->config->name),
           kv_name("reason", reason_name(v->reason)), kv_int("code", v->code),
           kv_int("status", v->http_status),
           kv_int("pause_ms", lane->broken ? 0 : (lane->paused_until - c->now) / US_PER_MS),
           kv_cstr("said", v->text));
}

void core_called(struct core *c, struct call *call) {
    c->n_calls--;
    if (call->kind == CALL_CALLBACK) {
        core_owed_called(c, call);
        return;
    }
    if (call->kind == CALL_HOOK) {
        core_hook_called(c, call);
        return;
    }
    struct live *l = call->owner;
    ASSERT(l->call == call);
    l->call = NULL;
    struct verdict lookup_said = {.fate = FATE_UNKNOWN, .hint = call->answer.hint};
    const struct verdict *v = call->kind == CALL_ATTEMPT ? &call->verdict : &lookup_said;
    if (call->lane != l->lane->config)
        v = NULL; /* made with settings of before: it says nothing about the lane as it is now */
    if (v && call->kind == CALL_ATTEMPT)
        lane_timed(l->lane, v, l->reserved_at, call->elapsed_us, c->now);
    bool closed = lane_end(l->lane, v, c->now);
    core_lane_said(c, l->lane, call, closed);
    if (closed)
        lane_news(c, call, l->lane);
    l->lane = NULL;
    if (call->kind == CALL_ATTEMPT)
        meter_time(c->world->meters, HIST_PROVIDER, call->elapsed_us);
    if (l->work) {
        core_park(l, NULL, call);
        return;
    }
    core_called_live(c, l, call);
    core_settled(c, l);
}
