#include "store/journal_reads.h"

#include "store/journal_rows.h"
#include "store/rows.h"

#include <string.h>

enum { SWEEP_STRETCH = 20000 };

static bool latest_attempt(struct db *db, int64_t message_id, struct attempt *out, struct err *e) {
    static const char sql[] =
        "SELECT number, lane, started_at, ended_at, fate, hint, reason, code, http_status, "
        "provider_id, account, sender, price, currency, country FROM attempt WHERE message_id=? ORDER BY "
        "number DESC LIMIT 1";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    db_int(s, message_id);
    if (!db_next(s, &row, e))
        return false;
    *out = row ? rows_attempt(s, message_id) : (struct attempt){0};
    db_end(s);
    return true;
}

/* A receipt without our token: the message of that number and provider id. */
static bool find(struct db *db, struct job *job, struct err *e) {
    static const char sql[] =
        "SELECT id FROM message WHERE recipient=? AND provider_id=? ORDER BY id DESC LIMIT 1";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_text(s, job->find_number);
    db_text(s, job->find_provider_id);
    if (!db_value(s, &job->id, e))
        return false;
    if (!job->id)
        job->result = JOB_ABSENT;
    return true;
}

bool journal_do_load(struct db *db, struct job *job, struct err *e) {
    if (job->id == 0)
        return find(db, job, e);
    if (job->self &&
        !nodes_adopt(db, job->self, job->id, job->sending_until, &job->owner_node, &job->adopted, e))
        return false;
    static const char sql[] =
        "SELECT " ROW_COLUMNS " FROM message AS m WHERE m.id=? AND (m.account_id=? OR ?=0)";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    db_int(s, job->id);
    db_int(s, job->account_id);
    db_int(s, job->account_id);
    if (!db_next(s, &row, e))
        return false;
    if (!row) {
        job->result = JOB_ABSENT;
        return true;
    }
    if (job->self && job->owner_node != job->self->id) {
        job->result = JOB_ELSEWHERE;
        db_end(s);
        return true;
    }
    job->loaded = rows_message(s);
    db_end(s);
    return latest_attempt(db, job->id, &job->attempt, e);
}

static bool next_due(struct db *db, struct job *job, struct err *e) {
    static const char sql[] =
        "SELECT due_at FROM message INDEXED BY message_due WHERE node=? AND priority=? AND due_at>? "
        "ORDER BY due_at LIMIT 1";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, journal_node(job));
    db_int(s, job->priority);
    db_int(s, job->now);
    return db_value(s, &job->next_due_at, e);
}

/* Runs s to its end or to job->limit rows, gathering messages. */
static bool gather(struct db_stmt *s, struct job *job, struct err *e) {
    job->rows = calloc(job->limit, sizeof *job->rows);
    ASSERT(job->rows);
    bool row;
    for (;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        if (job->n_rows == job->limit) {
            job->more = true;
            db_end(s);
            return true;
        }
        job->rows[job->n_rows++] = rows_message(s);
    }
}

/* Those whose outcome is open are judged by when their attempt began. */
static bool gather_attempts(struct db *db, struct job *job, struct err *e) {
    job->attempts = calloc(job->n_rows + 1, sizeof *job->attempts);
    ASSERT(job->attempts);
    for (unsigned i = 0; i < job->n_rows; i++) {
        const struct message *m = job->rows[i];
        ASSERT(m);
        bool asked_about =
            m->head.state == STATE_SENDING || m->head.state == STATE_UNKNOWN || m->head.state == STATE_SENT;
        if (asked_about && !latest_attempt(db, m->id, &job->attempts[i], e))
            return false;
    }
    return true;
}

bool journal_do_scan(struct db *db, struct job *job, struct err *e) {
    static const char sql[] =
        "SELECT " ROW_COLUMNS " FROM message AS m INDEXED BY message_due WHERE m.node=? AND m.priority=? AND "
        "(m.due_at, m.id) > (?, ?) AND m.due_at<=? ORDER BY m.due_at, m.id LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    if (!s)
        return false;
    db_int(s, journal_node(job));
    db_int(s, job->priority);
    db_int(s, job->after_due_at);
    db_int(s, job->after_id);
    db_int(s, job->now);
    db_int(s, (int64_t)job->limit + 1);
    if (!gather(s, job, e) || !gather_attempts(db, job, e))
        return false;
    return job->more || next_due(db, job, e);
}

/* Walks a stretch of the index of due rows, which carries expires_at, and reads only the rows that are past
 * it. */
bool journal_do_sweep(struct db *db, struct job *job, struct err *e) {
    static const char end[] =
        "SELECT due_at, id FROM message INDEXED BY message_due WHERE node=? AND priority=? AND "
        "due_at IS NOT NULL AND (due_at, id) > (?, ?) AND due_at<=? ORDER BY due_at, id LIMIT 1 OFFSET ?";
    static const char sql[] = "SELECT " ROW_COLUMNS " FROM message AS m INDEXED BY message_due WHERE "
                              "m.node=? AND m.priority=? AND m.due_at IS NOT NULL AND "
                              "(m.due_at, m.id) > (?, ?) AND (m.due_at, m.id) <= (?, ?) AND m.expires_at<=? "
                              "ORDER BY m.due_at, m.id LIMIT ?";
    struct db_stmt *s = db_stmt(db, end, e);
    bool row;
    db_int(s, journal_node(job));
    db_int(s, job->priority);
    db_int(s, job->after_due_at);
    db_int(s, job->after_id);
    db_int(s, job->now);
    db_int(s, SWEEP_STRETCH);
    if (!db_next(s, &row, e))
        return false;
    job->end_due_at = row ? db_col_int(s, 0) : job->now;
    job->end_id = row ? db_col_int(s, 1) : INT64_MAX;
    db_end(s);
    s = db_stmt(db, sql, e);
    if (!s)
        return false;
    db_int(s, journal_node(job));
    db_int(s, job->priority);
    db_int(s, job->after_due_at);
    db_int(s, job->after_id);
    db_int(s, job->end_due_at);
    db_int(s, job->end_id);
    db_int(s, job->now);
    db_int(s, (int64_t)job->limit + 1);
    if (!gather(s, job, e) || !gather_attempts(db, job, e))
        return false;
    if (job->more) { /* more expired rows in this stretch than fit: go on behind the last one read */
        const struct message *last = job->rows[job->n_rows - 1];
        ASSERT(last);
        job->end_due_at = last->head.due_at;
        job->end_id = last->id;
    }
    job->more |= row;
    return true;
}

bool journal_do_callback_scan(struct db *db, struct job *job, struct err *e) {
    static const char sql[] =
        "SELECT " ROW_COLUMNS
        ", c.event, c.tries, c.state, c.reason, c.code, c.due_at, ev.at FROM callback AS c "
        "CROSS JOIN message AS m ON m.id=c.message_id "
        "CROSS JOIN event AS ev ON ev.message_id=c.message_id AND ev.number=c.event WHERE c.node=? AND "
        "c.due_at<=? ORDER BY c.due_at LIMIT ?";
    static const char next[] = "SELECT min(due_at) FROM callback WHERE node=? AND due_at>?";
    struct db_stmt *s = db_stmt(db, sql, e);
    if (!s)
        return false;
    job->callbacks = calloc(job->limit, sizeof *job->callbacks);
    ASSERT(job->callbacks);
    db_int(s, journal_node(job));
    db_int(s, job->now);
    db_int(s, job->limit);
    bool row;
    for (;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            break;
        struct message *m = rows_message(s);
        job->callbacks[job->n_callbacks++] = (struct callback){
            .message_id = m->id,
            .event = (uint16_t)db_col_int(s, ROW_COLUMNS_N),
            .tries = (uint16_t)db_col_int(s, ROW_COLUMNS_N + 1),
            .state = (enum state)db_col_int(s, ROW_COLUMNS_N + 2),
            .reason = (enum reason)db_col_int(s, ROW_COLUMNS_N + 3),
            .code = (int32_t)db_col_int(s, ROW_COLUMNS_N + 4),
            .due_at = db_col_int(s, ROW_COLUMNS_N + 5),
            .at = db_col_int(s, ROW_COLUMNS_N + 6),
            .message = m,
        };
    }
    job->more = job->n_callbacks == job->limit;
    s = db_stmt(db, next, e);
    db_int(s, journal_node(job));
    db_int(s, job->now);
    return db_value(s, &job->next_due_at, e);
}

bool journal_do_accounts(struct db *db, struct job *job, struct err *e) {
    struct db_stmt *s = db_stmt(db, "SELECT id, name FROM account", e);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        if ((job->n_accounts & (job->n_accounts - 1)) == 0) { /* room doubles */
            size_t room = job->n_accounts ? 2 * (size_t)job->n_accounts : 1;
            job->accounts = reallocarray(job->accounts, room, sizeof *job->accounts);
            ASSERT(job->accounts);
        }
        struct account_name *a = &job->accounts[job->n_accounts++];
        a->id = db_col_int(s, 0);
        snprintf(a->name, sizeof a->name, "%.*s", SV_FMT(db_col_text(s, 1)));
    }
}
