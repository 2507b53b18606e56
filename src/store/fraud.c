#include "store/fraud.h"

#include "store/rows.h"

_Static_assert((int)STATE_QUEUED == 3 && (int)REASON_FRAUD_HOLD == 38, "as the index message_held has them");

static bool put(struct db *db, const struct fraud_flag *f, int64_t now, struct err *e) {
    static const char past[] = "DELETE FROM fraud_flag WHERE account_id=? AND until<=?";
    static const char sql[] =
        "INSERT INTO fraud_flag (account_id, prefix, why, since, until) VALUES (?,?,?,?,?) ON CONFLICT "
        "(account_id, prefix) DO UPDATE SET why=excluded.why, since=excluded.since, until=excluded.until "
        "WHERE fraud_flag.why<>0 OR fraud_flag.until<=excluded.since";
    struct db_stmt *s = db_stmt(db, past, e);
    db_int(s, f->account_id);
    db_int(s, now);
    if (!db_run(s, e))
        return false;
    s = db_stmt(db, sql, e);
    db_int(s, f->account_id);
    db_text(s, sv_of(f->prefix));
    db_int(s, f->why);
    db_int(s, f->since);
    db_int(s, f->until);
    return db_run(s, e);
}

static bool take(struct db *db, struct fraud_write *w, int64_t now, struct err *e) {
    static const char sql[] = "UPDATE fraud_flag SET why=0, since=?, until=? WHERE account_id=? AND prefix=? "
                              "AND until>? AND why<>0";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, w->flag.since);
    db_int(s, w->flag.until);
    db_int(s, w->flag.account_id);
    db_text(s, sv_of(w->flag.prefix));
    db_int(s, now);
    if (!db_run(s, e))
        return false;
    w->there = db_changes(db) > 0;
    return true;
}

static bool gather(struct db_stmt *s, struct fraud_flag *out, size_t max, size_t *n, struct err *e) {
    for (*n = 0; *n < max;) {
        bool row;
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        struct fraud_flag *f = &out[(*n)++];
        *f = (struct fraud_flag){.account_id = db_col_int(s, 0),
                                 .why = (int)db_col_int(s, 2),
                                 .since = db_col_int(s, 3),
                                 .until = db_col_int(s, 4)};
        rows_copy(f->prefix, sizeof f->prefix, db_col_text(s, 1));
    }
    db_end(s);
    return true;
}

bool fraud_run(struct db *db, struct store_write *write, int64_t now, struct err *e) {
    static const char all[] = "SELECT account_id, prefix, why, since, until FROM fraud_flag WHERE until>?";
    struct fraud_write *w = (struct fraud_write *)write;
    if (w->act == FRAUD_PUT)
        return put(db, &w->flag, now, e);
    if (w->act == FRAUD_TAKE)
        return take(db, w, now, e);
    struct db_stmt *s = db_stmt(db, all, e);
    db_int(s, now);
    return gather(s, w->rows, FRAUD_ROWS_MAX, &w->n, e);
}

bool fraud_flags(struct db *db, int64_t account_id, int64_t now, struct fraud_flag *out, size_t max,
                 size_t *n, struct err *e) {
    static const char sql[] =
        "SELECT account_id, prefix, why, since, until FROM fraud_flag WHERE account_id=? "
        "AND until>? AND why<>0 ORDER BY prefix";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, account_id);
    db_int(s, now);
    return gather(s, out, max, n, e);
}

bool fraud_holds(struct db *db, int64_t account_id, struct sv prefix, int64_t before_id, unsigned limit,
                 int64_t *ids, size_t *n, bool *more, struct err *e) {
    static const char sql[] =
        "SELECT id FROM message INDEXED BY message_held WHERE account_id=? AND id<? AND "
        "state=3 AND reason=38 AND due_at=expires_at AND substr(recipient, 1, /*pg CAST( */?/*pg  AS "
        "int4)*/)=? ORDER BY id DESC LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, account_id);
    db_int(s, before_id ? before_id : INT64_MAX);
    db_int(s, (int64_t)prefix.n);
    db_text(s, prefix.n ? prefix : SV(""));
    db_int(s, (int64_t)limit + 1);
    *more = false;
    for (*n = 0;;) {
        bool row;
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        if (*n == limit) {
            *more = true;
            db_end(s);
            return true;
        }
        ids[(*n)++] = db_col_int(s, 0);
    }
}
