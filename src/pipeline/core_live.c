/* A message in memory: how it comes and goes, what is parked at it, and what a committed change makes of it.
 */
#include "pipeline/core_parts.h"

void core_live_free(struct live *l) {
    message_free(l->m);
    free(l);
}

struct live *core_live_new(struct core *c, int64_t id, struct message *m) {
    struct live *l = calloc(1, sizeof *l);
    ASSERT(l);
    l->id = id;
    l->m = m;
    if (m)
        l->item.priority = m->priority;
    map_put(&c->live, (uint64_t)id, l);
    return l;
}

struct live *core_live_get(struct core *c, int64_t id) {
    struct live *l = map_get(&c->live, (uint64_t)id);
    if (l)
        return l;
    l = core_live_new(c, id, NULL);
    struct work *w = core_work(c, FOR_LOAD, JOB_LOAD, l);
    core_nodes_load(c, w);
    core_record(c, w);
    return l;
}

void core_park(struct live *l, struct ask *a, struct call *call) {
    struct parked *p = calloc(1, sizeof *p);
    ASSERT(p);
    p->ask = a;
    p->call = call;
    if (l->last)
        l->last->next = p;
    else
        l->first = p;
    l->last = p;
}

static struct parked *unpark(struct live *l) {
    struct parked *p = l->first;
    if (!p)
        return NULL;
    l->first = p->next;
    if (!l->first)
        l->last = NULL;
    return p;
}

void core_settled(struct core *c, struct live *l) {
    while (!l->work) {
        struct parked *p = unpark(l);
        if (!p)
            break;
        struct ask *a = p->ask;
        struct call *call = p->call;
        free(p);
        if (a)
            core_ask_live(c, l, a);
        else
            core_called_live(c, l, call);
    }
    if (l->work || l->call || l->item.queued || l->first)
        return;
    if (l->m && l->m->head.due_at && !l->covered)
        queue_note_due(&c->queue, l->m->priority, core_key(l), c->now);
    map_take(&c->live, (uint64_t)l->id);
    core_live_free(l);
}

void core_parked_absent(struct core *c, struct live *l) {
    for (struct parked *p; (p = unpark(l)) != NULL; free(p)) {
        if (p->ask)
            core_answer(c, p->ask, ASK_ABSENT);
        else
            free(p->call);
    }
}

void core_parked_failed(struct core *c, struct live *l, const struct err *why) {
    for (struct parked *p; (p = unpark(l)) != NULL; free(p)) {
        ASSERT(p->ask); /* calls exist for stored messages only */
        p->ask->err = *why;
        core_answer(c, p->ask, ASK_FAILED);
    }
}

/* ---- a committed change ---- */

static bool counts_as_failed(enum state s) {
    return s == STATE_FAILED || s == STATE_UNDELIVERED || s == STATE_EXPIRED || s == STATE_SUPPRESSED;
}

static void count(struct core *c, const struct message *m, const struct event *ev) {
    struct meters *meters = c->world->meters;
    meter_state(meters, ev->state);
    if (counts_as_failed(ev->state))
        meter_failed(meters, ev->reason);
    switch ((int)ev->state) {
    case STATE_ACCEPTED: meter_add(meters, COUNT_ACCEPTED, 1); break;
    case STATE_RECEIVED: meter_add(meters, COUNT_INBOUND, 1); break;
    case STATE_UNKNOWN: meter_add(meters, COUNT_UNKNOWN, 1); break;
    case STATE_SENT:
        meter_add(meters, COUNT_SENT, 1);
        meter_add(meters, COUNT_SEGMENTS_SENT, m->segments);
        break;
    case STATE_UNDELIVERED: core_lane_receipt(c, m, ev); break;
    case STATE_DELIVERED:
        core_lane_receipt(c, m, ev);
        if (m->head.sent_at)
            meter_time(meters, HIST_DELIVERY, ev->at - m->head.sent_at);
        break;
    default: break;
    }
}

static void tell(struct core *c, const struct message *m, const struct change *ch) {
    const struct log *log = c->world->log;
    struct sid sid = sid_message(c->world->id_key, m->id);
    for (unsigned i = 0; i < ch->n_events; i++) {
        const struct event *ev = &ch->events[i];
        if (!ev->note)
            count(c, m, ev);
        char name[48];
        snprintf(name, sizeof name, "message.%s%s", state_name(ev->state), ev->note ? ".noted" : "");
        log_info(log, name, kv_word("id", sid_sv(&sid)), kv_phone("to", m->text[TEXT_TO]),
                 ev->reason ? kv_name("reason", reason_name(ev->reason)) : kv_opt("reason", SV_NONE),
                 ev->attempt ? kv_int("attempt", ev->attempt) : kv_opt("attempt", SV_NONE),
                 kv_opt("lane", sv_of(ch->next.lane)),
                 ev->code ? kv_int("code", ev->code) : kv_opt("code", SV_NONE),
                 kv_opt("trace", m->text[TEXT_TRACEPARENT]));
    }
}

static void count_cost(struct core *c, const struct attempt *a) {
    struct lane *lane = core_lane(c, a->lane);
    if (lane && (a->fate == FATE_SENT || a->fate == FATE_UNKNOWN))
        lane_meter_cost(lane->meters, a->currency, a->price);
}

void core_adopt(struct core *c, struct live *l, const struct change *ch) {
    struct message *m = l->m;
    bool first = l->attempt.ended_at == 0; /* a receipt and the answer may both end it */
    c->backlog += (ch->next.due_at != 0) - (m->head.due_at != 0);
    m->head = ch->next;
    if (l->far && m->head.state != STATE_SENDING)
        core_far_end(c, l);
    if (ch->attempt_begins || ch->attempt_ends)
        l->attempt = ch->attempt;
    for (unsigned i = 0; i < ch->n_saved; i++)
        meter_saved(c->world->meters, &ch->saved[i]);
    if (ch->attempt_ends && ch->attempt.currency[0] && first)
        count_cost(c, &ch->attempt);
    tell(c, m, ch);
    core_owe_done(c, m, ch);
}

/* ---- read from disk, put by ---- */

void core_load_done(struct core *c, struct work *w) {
    struct live *l = w->live;
    struct job *j = &w->job;
    ASSERT(l);
    if (j->result == JOB_DONE) {
        ASSERT(!l->m);
        l->m = j->loaded;
        j->loaded = NULL;
        c->backlog += j->adopted && l->m->head.due_at;
        l->attempt = j->attempt;
        l->item.priority = l->m->priority;
        core_settled(c, l);
        return;
    }
    if (j->result == JOB_ABSENT)
        core_parked_absent(c, l);
    if (j->result == JOB_ELSEWHERE) {
        for (struct parked *p; (p = unpark(l)) != NULL; free(p))
            core_parcel_send(c, p->ask, l->id, j->owner_node);
        core_settled(c, l);
        return;
    }
    core_parked_failed(c, l, &j->err);
    /* A page that passed by meanwhile left the row out, for it was being loaded; its priority is not known.
     */
    if (j->result != JOB_ABSENT)
        for (int p = 0; p < PRIORITY_COUNT; p++)
            queue_note_due(&c->queue, (enum priority)p, (struct queue_key){.due_at = 1}, c->now);
    core_settled(c, l);
}

void core_house_done(struct core *c, struct work *w) {
    struct live *l = w->live;
    ASSERT(l);
    if (w->job.result == JOB_DONE)
        core_adopt(c, l, &w->job.change);
    else
        queue_pause(&c->queue, l->item.priority, c->now + RETRY_SCAN_US);
    core_settled(c, l);
}
