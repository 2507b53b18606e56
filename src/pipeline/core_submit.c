/* New messages: whether one comes to be, where it begins, and what becomes of its ask once it is on disk. */
#include "pipeline/core_parts.h"

#include "base/clock.h"
#include "dispatch/plan.h"

static uint64_t key_hash(const struct core *c, const struct message *m) {
    struct sip_key key = c->world->id_key;
    key.k0 ^= (uint64_t)m->account_id;
    return siphash(key, m->text[TEXT_IDEMPOTENCY_KEY]);
}

static void refuse_submit(struct core *c, struct ask *a, enum ask_result result) {
    message_free(a->message);
    a->message = NULL;
    core_answer(c, a, result);
}

/* The first that comes to an end: a rate's soon, a quota's only where every lane waits for one. */
enum reason core_why_waiting(struct core *c, const struct message *m) {
    enum reason quota = REASON_NONE, refused = REASON_NONE;
    bool other = false, broken = false;
    size_t n_refused = 0;
    if (c->n_lanes == 0)
        return REASON_NO_LANE;
    struct choice choice;
    core_choose(c, m, &choice);
    if (!choice.all && !choice.route)
        return REASON_NO_ROUTE;
    size_t n = choice.all ? c->n_lanes : choice.order.n;
    for (size_t k = 0; k < n; k++) {
        struct lane *lane = c->lanes[choice.all ? k : choice.order.lanes[k]];
        enum reason never = core_refused(c, choice.route, m, lane->config);
        if (never != REASON_NONE) {
            refused = never;
            n_refused++;
            continue;
        }
        enum reason why = lane_reason(lane, core_load_of(c, lane->config, m), c->now);
        if (why == REASON_LANE_RATE)
            return why;
        if (why == REASON_LANE_QUOTA || why == REASON_WARM_UP)
            quota = why;
        else if (why == REASON_CREDENTIALS)
            broken = true;
        else
            other = true;
    }
    if (n && n_refused == n) /* no lane can carry a message of this kind: that is why */
        return refused;
    if (other || (quota == REASON_NONE && !broken))
        return REASON_LANE_FULL;
    return quota == REASON_NONE ? REASON_CREDENTIALS : quota;
}

/* New: nobody else has seen it. */
static void pass_by(struct core *c, struct message *m, const struct ask *a, struct change *ch) {
    while (plan_has_next(m, &m->head)) {
        enum reason why = a->passed[m->head.step];
        if (why == REASON_NONE && core_is_stuck(c, m))
            why = REASON_NO_LANE;
        if (why == REASON_NONE)
            return;
        plan_skip(m, why, c->now, ch);
        m->head.step = ch->next.step;
    }
}

/* Where a new message begins: suppressed, scheduled, with its first attempt, or queued. */
static void place(struct core *c, struct live *l, enum reason suppress, struct work *w) {
    struct message *m = l->m;
    struct change *ch = &w->job.change;
    if (m->direction == DIRECTION_IN) {
        change_move(ch, STATE_RECEIVED, REASON_NONE, c->now);
        return;
    }
    change_move(ch, STATE_ACCEPTED, REASON_NONE, c->now);
    if (w->ask->passes)
        pass_by(c, m, w->ask, ch);
    if (suppress != REASON_NONE) {
        change_move(ch, STATE_SUPPRESSED, suppress, c->now);
        return;
    }
    if (l->held) {
        change_move(ch, STATE_QUEUED, REASON_FRAUD_HOLD, c->now);
        ch->next.due_at = m->expires_at;
        return;
    }
    if (m->send_at > c->now) {
        change_move(ch, STATE_SCHEDULED, REASON_SCHEDULED, c->now);
        ch->next.due_at = m->send_at;
        return;
    }
    if (c->now >= m->expires_at) { /* its request had to wait too long */
        change_move(ch, STATE_EXPIRED, REASON_EXPIRED, c->now);
        return;
    }
    int64_t quiet_until = core_quiet_until(c, m, c->now);
    if (quiet_until) {
        core_place_held(c, m, REASON_QUIET_HOURS, quiet_until, ch);
        return;
    }
    if (w->ask->held_until > c->now) {
        core_place_held(c, m, w->ask->held_for, w->ask->held_until, ch);
        return;
    }
    pass_by(c, m, w->ask, ch);
    struct lane *lane = core_lane_at_once(c, l);
    if (lane) {
        change_move(ch, STATE_SENDING, REASON_NONE, c->now);
        core_begin_attempt(c, l, lane, w);
        return;
    }
    change_move(ch, STATE_QUEUED, core_why_waiting(c, m), c->now);
    int64_t later = core_postponed_to(c, m);
    ch->next.due_at = later ? later : c->now;
}

struct limit_subject core_subject(const struct ask *a, const struct message *m) {
    return (struct limit_subject){
        .parts = {
            [RATE_ACCOUNT] = sv_make((const char *)&m->account_id, sizeof m->account_id),
            [RATE_KEY] = a->caller_key,
            [RATE_RECIPIENT] = m->text[TEXT_TO],
            [RATE_TEMPLATE] = m->text[TEXT_TEMPLATE],
            [RATE_TOPIC] = m->text[TEXT_TOPIC],
            [RATE_SOURCE] = a->source,
        }};
}

/* Counts a new message; false when a rate is used up. */
bool core_within_limits(struct core *c, struct ask *a) {
    const struct settings *s = c->settings;
    if (a->message->direction == DIRECTION_IN || s->limits.n_rates == 0)
        return true;
    struct limit_subject subject = core_subject(a, a->message);
    return core_shared_alone(c, c->limits, s->limits.rates, s->limits.n_rates, &subject, &a->limit);
}

/* It did not come to be (a replay, or not stored): what was counted for it is for others. */
static void count_not(struct core *c, const struct ask *a, const struct message *m) {
    const struct settings *s = c->settings;
    core_shared_give_back(c, a, m);
    if (m->direction == DIRECTION_IN || s->limits.n_rates == 0)
        return;
    struct limit_subject subject = core_subject(a, m);
    limits_give_back(c->limits, s->limits.rates, s->limits.n_rates, &subject, m->created_at);
}

/* A repeat of what was taken before is answered as before, whatever the rates say. */
static void over_limit(struct core *c, struct ask *a, bool keyed) {
    if (!keyed) {
        meter_add(c->world->meters, COUNT_LIMITED, 1);
        refuse_submit(c, a, ASK_LIMITED);
        return;
    }
    struct work *w = core_work(c, FOR_KEY, JOB_KEY, NULL);
    w->ask = a;
    w->job.message = a->message;
    a->message->created_at = c->now;
    core_record(c, w);
}

void core_key_done(struct core *c, struct work *w) {
    struct ask *a = w->ask;
    a->dup_id = w->job.dup_id;
    a->err = w->job.err;
    switch ((int)w->job.result) {
    case JOB_DUPLICATE: refuse_submit(c, a, w->job.dup_same ? ASK_DUPLICATE : ASK_MISMATCH); return;
    case JOB_ABSENT:
        meter_add(c->world->meters, COUNT_LIMITED, 1);
        refuse_submit(c, a, ASK_LIMITED);
        return;
    default: refuse_submit(c, a, ASK_FAILED);
    }
}

/* The same, of one that was not made. */
static void forget_count(struct core *c, struct ask *a) {
    a->message->created_at = c->now;
    count_not(c, a, a->message);
    if (a->verification)
        core_verify_counts_not(c, a, a->message);
}

static struct work *make_put(struct core *c, struct live *l, struct ask *a, enum reason suppress) {
    struct message *m = l->m;
    struct work *w = core_work(c, FOR_PUT, JOB_PUT, l);
    w->ask = a;
    w->job.first_id = a->first_id;
    place(c, l, suppress, w);
    core_save_new(c, a, m, &w->job.change);
    if (a->flagged)
        change_note(&w->job.change, w->job.change.next.state, REASON_SCREENED, 0, c->now);
    core_owe(c, m, &w->job.change);
    w->job.exempt = core_is_exempt(c, m);
    w->job.needs_consent = core_needs_consent(c, m);
    w->job.reply = a->reply;
    w->job.verification = a->verification;
    w->job.consent = a->consent;
    if (a->n_links) {
        w->job.links = a->links;
        w->job.n_links = a->n_links;
        w->job.links_until =
            (m->send_at > c->now ? m->send_at : c->now) + (int64_t)c->settings->links.keep_s * US_PER_S;
    }
    if (m->text[TEXT_IDEMPOTENCY_KEY].n) {
        map_put(&c->keys, key_hash(c, m), w);
        w->job.idempotency_until = c->now + (int64_t)c->settings->defaults.idempotency_s * US_PER_S;
    }
    return w;
}

struct work *core_new_put(struct core *c, struct ask *a) {
    struct message *m = a->message;
    core_know_account(c, m->account_id, a->account_name);
    m->id = id_next(&c->ids, c->now);
    if (m->send_at > m->created_at) /* validity counts from then, and was counted from the request's coming */
        m->expires_at += m->send_at - m->created_at;
    m->created_at = c->now;
    if (a->default_validity)
        core_extend_validity(c, m);
    struct live *l = core_live_new(c, m->id, m);
    enum reason why = a->suppress;
    if (why == REASON_NONE)
        why = core_guard_text(c, a, m, &l->held);
    return make_put(c, l, a, why);
}

/* Is a message with its idempotency key being stored? */
static bool is_in_flight(struct core *c, const struct message *m) {
    return m->text[TEXT_IDEMPOTENCY_KEY].n != 0 && map_get(&c->keys, key_hash(c, m));
}

/* By the rates as they are counted here. */
static bool within_limits(struct core *c, struct ask *a) {
    if (a->verification && !core_verify_counts(c, a))
        return false;
    if (core_within_limits(c, a))
        return true;
    if (a->verification)
        core_verify_counts_not(c, a, a->message);
    return false;
}

static void submit_judged(struct core *c, struct ask *a, enum ask_judged judged) {
    bool over = judged == ASK_OVER || (judged == ASK_NOT_JUDGED && !within_limits(c, a));
    if (over)
        over_limit(c, a, a->message->text[TEXT_IDEMPOTENCY_KEY].n != 0);
    else
        core_record(c, core_new_put(c, a));
}

/* Another with its key may have come in while others were asked. */
void core_submit_judged(struct core *c, struct ask *a, enum ask_judged judged) {
    if (!is_in_flight(c, a->message)) {
        submit_judged(c, a, judged);
        return;
    }
    if (judged == ASK_WITHIN)
        forget_count(c, a);
    refuse_submit(c, a, ASK_IN_FLIGHT);
}

void core_submit(struct core *c, struct ask *a) {
    if (c->draining) {
        err_set(&a->err, ERR_BUSY, "the gateway is stopping: try again in a few seconds");
        refuse_submit(c, a, ASK_FAILED);
        return;
    }
    if (is_in_flight(c, a->message))
        refuse_submit(c, a, ASK_IN_FLIGHT);
    else if (!core_shared_ask(c, a, NULL))
        submit_judged(c, a, ASK_NOT_JUDGED);
}

/* A cap lets it go later: it is stored as waiting for that, or as over where that would be too late. */
static struct work *postponed_put(struct core *c, struct live *l, struct ask *a, const struct job *said) {
    bool extends = a->default_validity && said->why != REASON_SPEND_CEILING;
    if (extends && said->until >= l->m->expires_at)
        l->m->expires_at = said->until + (int64_t)c->settings->defaults.validity_s * US_PER_S;
    a->held_for = said->why;
    a->held_until = said->until;
    return make_put(c, l, a, said->until < l->m->expires_at ? REASON_NONE : said->why);
}

/* Or the suppression list forbids what was to be stored: it is stored as suppressed, or begins with a later
 * channel of its plan. */
struct work *core_put_otherwise(struct core *c, struct work *w) {
    struct live *l = w->live;
    if (l->lane)
        core_release(c, l);
    struct ask *a = w->ask;
    bool passes = w->job.result == JOB_SUPPRESSED && plan_passes_by(l->m, w->job.why);
    if (passes) {
        a->passes = true;
        a->passed[l->m->head.step] = w->job.why;
    }
    if (a->passes)
        l->m->head.step = 0; /* what was passed by is told anew */
    if (w->job.result == JOB_POSTPONED)
        return postponed_put(c, l, a, &w->job);
    a->first_id = w->job.first_id;
    return make_put(c, l, a, passes ? REASON_NONE : w->job.why);
}

void core_put_done(struct core *c, struct work *w) {
    static const struct err nobody_knows = {.kind = ERR_BUSY,
                                            .text = "the message of that id was not stored here: try again"};
    struct live *l = w->live;
    struct ask *a = w->ask;
    struct message *m = l->m;
    struct change *ch = &w->job.change;
    if (m->text[TEXT_IDEMPOTENCY_KEY].n)
        map_take(&c->keys, key_hash(c, m));
    if (w->job.result == JOB_SUPPRESSED || w->job.result == JOB_POSTPONED) {
        core_record(c, core_put_otherwise(c, w));
        return;
    }
    if (w->job.result != JOB_DONE) {
        if (l->lane)
            core_release(c, l);
        count_not(c, a, m);
        if (a->verification)
            core_verify_counts_not(c, a, m);
        a->err = w->job.err;
        a->dup_id = w->job.dup_id;
        bool duplicate = w->job.result == JOB_DUPLICATE;
        core_answer(c, a, duplicate ? (w->job.dup_same ? ASK_DUPLICATE : ASK_MISMATCH) : ASK_FAILED);
        message_free(m);
        l->m = NULL; /* it never was */
        /* Yet one of that id may be: of a node that has this one's number, since its lease has ended. */
        core_parked_failed(c, l, &nobody_knows);
        core_settled(c, l);
        return;
    }
    core_adopt(c, l, ch);
    a->head = m->head;
    a->head.updated_at = m->created_at; /* what was suppressed took a moment longer */
    a->id = m->id;
    a->expires_at = m->expires_at;
    if (a->n_links)
        meter_add(c->world->meters, COUNT_LINKS, a->n_links);
    core_answer(c, a, ASK_DONE);
    if (m->head.state == STATE_SENDING) {
        core_send_call(c, l, CALL_ATTEMPT);
    } else if (m->head.state == STATE_QUEUED && m->head.due_at <= c->now) {
        core_enqueue(c, l);
        return;
    }
    core_settled(c, l);
}
