#include "store/journal_events.h"

#include "store/journal_messages.h"

/* One statement without parameters. */
static bool say(struct db *db, const char *sql, struct err *e) {
    struct db_stmt *s = db_stmt(db, sql, e);
    return db_run(s, e);
}

/* A part is stored, or the whole event is not: result says which. */
static bool do_part(struct db *db, struct job *job, struct job *part, struct err *e) {
    part->heed = job->heed;
    part->touch = job->touch;
    part->hooks = job->hooks;
    part->self = job->self;
    part->hooked.n = 0; /* of a try that was taken back */
    part->result = JOB_DONE;
    if (!journal_do_put(db, part, e))
        return false;
    job->wrote |= part->wrote;
    if (part->result == JOB_DONE)
        return true;
    bool otherwise = part->result == JOB_SUPPRESSED || part->result == JOB_POSTPONED;
    job->result = otherwise ? JOB_SUPPRESSED : JOB_FAILED;
    job->err = part->err;
    return true;
}

static bool do_act(struct db *db, struct job *job, const struct event_act *a, struct err *e) {
    struct event_write *w = job->business;
    struct job *part = a->did == EVENT_FIRED && a->part >= 0 ? job->parts[a->part] : NULL;
    bool acts = a->did == EVENT_FIRED || a->did == EVENT_DIGESTED, fresh = true;
    if (acts && !events_mark(db, w, a, job->now, &fresh, e))
        return false;
    if (!fresh) {
        if (part)
            part->result = JOB_DUPLICATE;
        return events_did(db, w, a, EVENT_DEDUPED, NULL, e);
    }
    if (part && (!do_part(db, job, part, e) || job->result != JOB_DONE))
        return job->result != JOB_DONE;
    return events_did(db, w, a, a->did, part ? part->message : NULL, e);
}

static bool do_event_rows(struct db *db, struct job *job, struct err *e) {
    struct event_write *w = job->business;
    if (!events_begin(db, w, e))
        return false;
    for (size_t i = 0; i < w->n_acts; i++)
        if (!do_act(db, job, &w->acts[i], e) || job->result != JOB_DONE)
            return job->result != JOB_DONE;
    return events_end(db, w, job->now, e);
}

static bool do_digest(struct db *db, struct job *job, struct err *e) {
    struct job *part = job->n_parts ? job->parts[0] : NULL;
    bool there;
    if (!events_digest(db, job->business, part ? part->message->id : 0, job->now, &there, e))
        return false;
    if (!there)
        job->result = JOB_ABSENT;
    return !there || !part || do_part(db, job, part, e);
}

/* A part that may not be stored takes back what was written before it. */
bool journal_do_event(struct db *db, struct job *job, struct err *e) {
    struct event_write *w = job->business;
    if (!w->digest) {
        if (!events_find(db, w, &job->dup_id, e))
            return false;
        if (job->dup_id) {
            job->result = JOB_DUPLICATE;
            return true;
        }
    }
    if (!job->n_parts)
        return w->digest ? do_digest(db, job, e) : do_event_rows(db, job, e);
    if (!say(db, "SAVEPOINT event", e) || !(w->digest ? do_digest(db, job, e) : do_event_rows(db, job, e)))
        return false;
    return (job->result == JOB_DONE || say(db, "ROLLBACK TO event", e)) && say(db, "RELEASE event", e);
}
