#include "store/journal_nodes.h"

enum { MOVE_MAX = 1000, WOKEN_MAX = 4096 };

static bool read_parcels(struct db *db, struct job *job, struct err *e) {
    job->parcels = calloc(2 * (size_t)job->limit, sizeof *job->parcels);
    ASSERT(job->parcels);
    return parcels_read(db, job->self->id, false, job->parcels, job->limit, &job->n_parcels, e) &&
           parcels_read(db, job->self->id, true, job->parcels + job->n_parcels, job->limit, &job->n_answers,
                        e);
}

/* Other nodes' journals owe to this one's webhooks, too, and cannot say so. */
static bool find_woken(struct db *db, struct job *job, struct err *e) {
    static const char sql[] =
        "SELECT w.id FROM webhook AS w WHERE w.node=? AND w.status=0 AND EXISTS (SELECT 1 FROM delivery AS d "
        "INDEXED BY delivery_due WHERE d.webhook_id=w.id AND d.due_at IS NOT NULL AND d.due_at<=?) LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, job->self->id);
    db_int(s, job->now);
    db_int(s, WOKEN_MAX);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        if (!job->woken) {
            job->woken = calloc(WOKEN_MAX, sizeof *job->woken);
            ASSERT(job->woken);
        }
        job->woken[job->n_woken++] = db_col_int(s, 0);
    }
}

bool journal_do_nodes(struct db *db, struct job *job, struct err *e) {
    ASSERT(job->self);
    return nodes_look(db, job->self, job->sending_until, MOVE_MAX, &job->news, e) &&
           read_parcels(db, job, e) &&
           ((job->news.alive < 2 && !job->news.n_taken) || find_woken(db, job, e));
}

bool journal_do_parcel(struct db *db, struct job *job, struct err *e) {
    return parcels_put(db, job->parcel, job->now, e);
}

bool journal_do_parcel_answer(struct db *db, struct job *job, struct err *e) {
    return parcels_answer(db, job->parcel, e);
}

bool journal_do_parcel_forget(struct db *db, struct job *job, struct err *e) {
    return parcels_forget(db, job->parcel->id, e);
}
