/* Business events: what rules make of one is stored with it in one transaction, and lives on as any message.
 *
 * The parts are jobs of their own that travel inside the event's: a part has its live message, its place in a
 * lane if it begins an attempt at once, and its end in core_put_done. Only the journal decides whether a
 * dedupe key was seen; what it drops never was.
 */
#include "pipeline/core_parts.h"

/* ---- new ---- */

/* A rule's message over a rate is left out; the event is stored all the same. */
static void limit_parts(struct core *c, struct ask *a) {
    struct event_write *w = a->business;
    for (size_t i = 0; i < w->n_acts; i++) {
        struct event_act *act = &w->acts[i];
        if (act->did != EVENT_FIRED)
            continue;
        struct ask *part = &a->parts[act->part];
        if (part->judged == ASK_NOT_JUDGED ? core_within_limits(c, part) : part->judged == ASK_WITHIN)
            continue;
        meter_add(c->world->meters, COUNT_LIMITED, 1);
        ask_drop_messages(&a->parts[act->part]);
        act->did = EVENT_LIMITED;
        act->part = -1;
    }
}

static struct work *event_work(struct core *c, struct ask *a) {
    struct work *w = core_work(c, FOR_EVENT, JOB_EVENT, NULL);
    w->ask = a;
    w->job.business = a->business;
    if (a->n_parts) {
        w->job.parts = calloc(a->n_parts, sizeof *w->job.parts);
        ASSERT(w->job.parts);
    }
    return w;
}

/* A part is not recorded by itself: what caps count of it is worked out here. */
static struct job *part(struct core *c, struct work *w) {
    if (c->tallies)
        core_tally(c, w);
    return &w->job;
}

/* Parts that were left out leave no gap. */
static void make_parts(struct core *c, struct ask *a, struct work *w) {
    for (size_t i = 0; i < a->n_parts; i++) {
        if (!a->parts[i].message)
            continue;
        for (size_t k = 0; k < a->business->n_acts; k++)
            if (a->business->acts[k].part == (int)i)
                a->business->acts[k].part = (int)w->job.n_parts;
        w->job.parts[w->job.n_parts++] = part(c, core_new_put(c, &a->parts[i]));
    }
}

void core_event(struct core *c, struct ask *a) {
    if (c->draining && a->kind == ASK_EVENT) {
        ask_drop_messages(a);
        err_set(&a->err, ERR_BUSY, "the gateway is stopping: try again in a few seconds");
        core_answer(c, a, ASK_FAILED);
        return;
    }
    for (size_t i = 0; i < a->n_parts; i++)
        a->n_waiting += core_shared_ask(c, &a->parts[i], a);
    if (a->n_waiting == 0)
        core_event_judged(c, a);
}

void core_event_judged(struct core *c, struct ask *a) {
    a->business->id = id_next(&c->ids, c->now);
    limit_parts(c, a);
    struct work *w = event_work(c, a);
    make_parts(c, a, w);
    core_record(c, w);
}

/* ---- stored, or not ---- */

static struct work *part_of(struct work *w, size_t i) {
    return (struct work *)w->job.parts[i];
}

/* Some of its messages may not be sent, or not yet: they are stored so, in the event's next try. */
static void again(struct core *c, struct work *w) {
    struct work *next = event_work(c, w->ask);
    for (size_t i = 0; i < w->job.n_parts; i++) {
        struct work *p = part_of(w, i);
        if (p->job.result == JOB_SUPPRESSED || p->job.result == JOB_POSTPONED) {
            p->live->work = NULL;
            c->n_jobs--;
            next->job.parts[i] = part(c, core_put_otherwise(c, p));
            core_free_work(p);
        } else {
            next->job.parts[i] = &p->job;
        }
    }
    next->job.n_parts = w->job.n_parts;
    core_record(c, next);
}

/* Each part ends as a message of its own would. */
static void end_parts(struct core *c, struct work *w) {
    for (size_t i = 0; i < w->job.n_parts; i++) {
        struct work *p = part_of(w, i);
        if (w->job.result != JOB_DONE)
            p->job.result = JOB_FAILED;
        else if (p->job.result == JOB_DONE && p->job.hooked.n)
            core_hooks_owed(c, &p->job.hooked);
        p->live->work = NULL;
        c->n_jobs--;
        core_put_done(c, p);
        core_free_work(p);
    }
}

static void tell(struct core *c, const struct event_write *w) {
    struct meters *m = c->world->meters;
    struct sid id = sid_event(c->world->id_key, w->id);
    meter_add(m, w->digest ? COUNT_DIGESTS : COUNT_EVENTS, w->digest ? w->digest->failed.n == 0 : 1);
    for (size_t i = 0; i < w->n_outcomes; i++) {
        enum event_did did = w->outcomes[i].did;
        meter_add(m, COUNT_RULES_FIRED, did == EVENT_FIRED);
        meter_add(m, COUNT_RULES_FAILED, did == EVENT_ERROR);
        meter_add(m, COUNT_RULES_DEDUPED, did == EVENT_DEDUPED);
        meter_add(m, COUNT_RULES_CANCELED, did == EVENT_CANCELED);
        if (did == EVENT_ERROR) /* why may quote what the event says: it is stored with it, and not logged */
            log_warn(c->world->log, "rule.failed", kv_text("rule", w->outcomes[i].rule),
                     kv_text("type", w->type), kv_word("id", sid_sv(&id)));
    }
}

void core_event_done(struct core *c, struct work *w) {
    struct ask *a = w->ask;
    if (w->job.result == JOB_SUPPRESSED) {
        again(c, w);
        return;
    }
    end_parts(c, w);
    a->err = w->job.err;
    a->dup_id = w->job.dup_id;
    a->id = a->business->id;
    switch ((int)w->job.result) {
    case JOB_DONE:
        tell(c, a->business);
        core_answer(c, a, ASK_DONE);
        return;
    case JOB_DUPLICATE:
        meter_add(c->world->meters, COUNT_EVENTS_REPEATED, 1);
        core_answer(c, a, ASK_DUPLICATE);
        return;
    case JOB_ABSENT: core_answer(c, a, ASK_ABSENT); return;
    default: core_answer(c, a, ASK_FAILED);
    }
}

/* The core ends: what is alive is freed as it is. */
void core_event_forget(struct work *w) {
    for (size_t i = 0; i < w->job.n_parts; i++)
        core_free_work(part_of(w, i));
}
