#include "store/tally.h"

#include "base/clock.h"

struct asked {
    int64_t at, message_id; /* 0: of a message that is not there yet */
    bool is_new;
};

/* Others of the same hash that count for it, up to max of them, the latest first: all that were begun, and
 * for a new message those with its text that are to be. *free_at: when the last of them does not count any
 * more. */
static bool count(struct db *db, const struct asked *of, const struct tally_ask *a, uint32_t *n,
                  int64_t *free_at, int64_t *first_id, struct err *e) {
    static const char sql[] =
        "SELECT at, message_id FROM tally WHERE hash=? AND message_id<>? AND message_id<>0 AND at>? AND "
        "(begun=1 OR ?<>0) ORDER BY at DESC";
    bool promised = a->duplicate && of->is_new;
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, a->hash);
    db_int(s, of->message_id);
    db_int(s, a->since_at);
    db_int(s, promised);
    *n = 0;
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        int64_t at = db_col_int(s, 0);
        if (promised && at >= of->at + a->period_us)
            continue; /* it is to be sent long after */
        *first_id = db_col_int(s, 1);
        if (++*n == a->max) {
            *free_at = a->period_us ? at + a->period_us : a->ends_at;
            db_end(s);
            return true;
        }
    }
}

bool tally_look(struct db *db, const struct tally *t, bool duplicates, struct tally_found *out,
                struct err *e) {
    const struct asked of = {.at = t->at, .is_new = true};
    *out = (struct tally_found){.over = false};
    for (unsigned i = 0; i < t->n; i++) {
        const struct tally_ask *a = &t->asks[i];
        uint32_t n;
        int64_t free_at = 0, first_id = 0;
        if (a->duplicate != duplicates)
            continue;
        out->asked = true;
        if (!count(db, &of, a, &n, &free_at, &first_id, e))
            return false;
        if (n < a->max)
            continue;
        bool first = !out->over;
        out->waits = (first || out->waits) && a->waits;
        out->until = !out->waits ? 0 : out->until > free_at ? out->until : free_at;
        out->first_id = first_id;
        out->over = true;
    }
    return true;
}

bool tally_hold(struct db *db, int64_t hash, int64_t now, struct err *e) {
    static const char sql[] = "INSERT INTO tally (hash, message_id, at, begun) VALUES (?,0,?,0) ON CONFLICT "
                              "(hash, message_id) DO UPDATE SET at=excluded.at";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, hash);
    db_int(s, now);
    return db_run(s, e);
}

bool tally_check(struct db *db, struct job *job, struct err *e) {
    const struct tally *t = job->tally;
    if (!t || !t->check)
        return true;
    for (unsigned i = 0; job->self && i < t->n; i++)
        if (!tally_hold(db, t->asks[i].hash, job->now, e))
            return false;
    const struct asked of = {.at = t->at, .message_id = job->message->id, .is_new = job->kind == JOB_PUT};
    for (unsigned i = 0; i < t->n; i++) {
        const struct tally_ask *a = &t->asks[i];
        uint32_t n;
        int64_t free_at = 0, first_id = 0;
        if (!count(db, &of, a, &n, &free_at, &first_id, e))
            return false;
        if (n < a->max)
            continue;
        job->why = a->duplicate ? REASON_DUPLICATE : REASON_FREQUENCY_CAP;
        job->first_id = a->duplicate ? first_id : 0;
        if (!a->waits) { /* one that suppresses goes before those that put off */
            job->result = JOB_SUPPRESSED;
            return true;
        }
        job->result = JOB_POSTPONED;
        if (job->until < free_at)
            job->until = free_at;
    }
    return true;
}

static bool put(struct db *db, const struct job *job, const struct tally_ask *a, struct err *e) {
    static const char sql[] =
        "INSERT INTO tally (hash, message_id, at, begun) VALUES (?,?,?,?) ON CONFLICT (hash, message_id) "
        "DO UPDATE SET at=excluded.at, begun=excluded.begun";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, a->hash);
    db_int(s, job->message->id);
    db_int(s, job->tally->at);
    db_int(s, job->tally->begun);
    return db_run(s, e);
}

static bool take(struct db *db, const struct job *job, const struct tally_ask *a, struct err *e) {
    static const char sql[] = "DELETE FROM tally WHERE hash=? AND message_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, a->hash);
    db_int(s, job->message->id);
    return db_run(s, e);
}

static bool keep_first(struct db *db, const struct job *job, struct err *e) {
    static const char sql[] =
        "INSERT INTO duplicate (message_id, first_id) VALUES (?,?) ON CONFLICT (message_id) DO NOTHING";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, job->message->id);
    db_int(s, job->first_id);
    return db_run(s, e);
}

bool tally_write(struct db *db, const struct job *job, struct err *e) {
    const struct tally *t = job->tally;
    if (job->first_id && !keep_first(db, job, e))
        return false;
    for (unsigned i = 0; t && i < t->n; i++) {
        const struct tally_ask *a = &t->asks[i];
        bool counts = t->record && (t->begun || a->duplicate);
        if ((counts && !put(db, job, a, e)) || (t->release && !take(db, job, a, e)))
            return false;
    }
    return true;
}

bool tally_first_of(struct db *db, int64_t message_id, int64_t *first_id, struct err *e) {
    struct db_stmt *s = db_stmt(db, "SELECT first_id FROM duplicate WHERE message_id=?", e);
    db_int(s, message_id);
    return db_value(s, first_id, e);
}

bool tally_forget(struct db *db, int64_t message_id, struct err *e) {
    struct db_stmt *s = db_stmt(db, "DELETE FROM duplicate WHERE message_id=?", e);
    db_int(s, message_id);
    return db_run(s, e);
}

bool tally_prune(struct db *db, int64_t now, unsigned limit, struct err *e) {
    static const char sql[] = "DELETE FROM tally WHERE (hash, message_id) IN (SELECT hash, message_id FROM "
                              "tally WHERE at<? LIMIT ?)";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, now - (int64_t)TALLY_KEPT_DAYS * 86400 * US_PER_S);
    db_int(s, limit);
    return db_run(s, e);
}
