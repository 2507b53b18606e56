#include "store/reader.h"

#include "store/rows.h"

/* Behind ROW_COLUMNS: what its attempts came to that were taken, or may have been; where they are in one
 * currency. */
#define COST_COLUMNS                                                                                         \
    ", (SELECT CASE WHEN min(a.currency)=max(a.currency) THEN sum(a.price) END FROM attempt AS a WHERE "     \
    "a.message_id=m.id AND a.currency IS NOT NULL AND (a.ended_at=0 OR a.fate IN (0,3))), "                  \
    "(SELECT CASE WHEN min(a.currency)=max(a.currency) THEN min(a.currency) END FROM attempt AS a WHERE "    \
    "a.message_id=m.id AND a.currency IS NOT NULL AND (a.ended_at=0 OR a.fate IN (0,3)))"
_Static_assert(FATE_SENT == 0 && FATE_UNKNOWN == 3, "COST_COLUMNS names them");

static struct message *row_of(struct db_stmt *s) {
    struct message *m = rows_message(s);
    m->cost = db_col_int(s, ROW_COLUMNS_N);
    rows_copy(m->currency, sizeof m->currency, db_col_text(s, ROW_COLUMNS_N + 1));
    return m;
}

struct message *reader_message(struct db *db, int64_t account_id, int64_t id, struct err *e) {
    static const char sql[] =
        "SELECT " ROW_COLUMNS COST_COLUMNS " FROM message AS m WHERE m.id=? AND m.account_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    db_int(s, id);
    db_int(s, account_id);
    if (!db_next(s, &row, e))
        return NULL;
    if (!row) {
        err_set(e, ERR_NOT_FOUND, "there is no such message");
        return NULL;
    }
    struct message *m = row_of(s);
    db_end(s);
    return m;
}

bool reader_has_key(struct db *db, int64_t account_id, struct sv from, struct sv to, int64_t now, bool *has,
                    struct err *e) {
    static const char sql[] =
        "SELECT 1 FROM idempotency WHERE account_id=? AND key>=? AND key<? AND expires_at>? LIMIT 1";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, account_id);
    db_text(s, from);
    db_text(s, to);
    db_int(s, now);
    return db_any(s, has, e);
}

/* Four statements: by account or by number, newest or oldest first. Filters that are not asked for compare
 * with themselves. PostgreSQL cannot be told which index to take, and would walk back through everybody's
 * messages for those of a small account: only the account's index has them in the order of both columns, and
 * it is not told that one of them is always the same. */
#define LIST_WHERE                                                                                           \
    " AND (?='' OR m.sender=?) AND (?<0 OR m.state=?) AND (?<0 OR "                                          \
    "m.direction=?) AND (?<0 OR m.channel=?) AND m.created_at>=? AND m.created_at<? "
#define OF_ACCOUNT                                                                                           \
    " FROM message AS m INDEXED BY message_account WHERE ''=?1 AND m.account_id/*pg +0 */=?2 AND m.id>?3 "   \
    "AND m.id<?4 /*pg AND (m.account_id,m.id)>(?2,?3) AND (m.account_id,m.id)<(?2,?4) */" LIST_WHERE
#define TO_NUMBER                                                                                            \
    " FROM message AS m INDEXED BY message_recipient WHERE m.recipient=?1 AND m.account_id=?2 AND "          \
    "m.id>?3 AND m.id<?4" LIST_WHERE
static const char *const list_sql[2][2] = {
    {"SELECT " ROW_COLUMNS COST_COLUMNS OF_ACCOUNT "ORDER BY m.account_id DESC, m.id DESC LIMIT ?",
     "SELECT " ROW_COLUMNS COST_COLUMNS OF_ACCOUNT "ORDER BY m.account_id, m.id LIMIT ?"},
    {"SELECT " ROW_COLUMNS COST_COLUMNS TO_NUMBER "ORDER BY m.id DESC LIMIT ?",
     "SELECT " ROW_COLUMNS COST_COLUMNS TO_NUMBER "ORDER BY m.id LIMIT ?"},
};

static void turn_round(struct message **rows, size_t n) {
    for (size_t i = 0; i < n / 2; i++) {
        struct message *m = rows[i];
        rows[i] = rows[n - 1 - i];
        rows[n - 1 - i] = m;
    }
}

bool reader_list(struct db *db, const struct message_filter *f, struct message ***rows, size_t *n, bool *more,
                 struct err *e) {
    ASSERT(f->limit >= 1 && f->limit <= 1000);
    struct db_stmt *s = db_stmt(db, list_sql[f->to.n != 0][f->after_id != 0], e);
    if (!s)
        return false;
    db_text(s, f->to);
    db_int(s, f->account_id);
    db_int(s, f->after_id);
    db_int(s, f->before_id ? f->before_id : INT64_MAX);
    db_text(s, f->from);
    db_text(s, f->from);
    db_int(s, f->by_state ? (int64_t)f->state : -1);
    db_int(s, f->by_state ? (int64_t)f->state : -1);
    db_int(s, f->any_direction ? -1 : (int64_t)f->direction);
    db_int(s, f->any_direction ? -1 : (int64_t)f->direction);
    db_int(s, f->by_channel ? (int64_t)f->channel : -1);
    db_int(s, f->by_channel ? (int64_t)f->channel : -1);
    db_int(s, f->created_from);
    db_int(s, f->created_until ? f->created_until : INT64_MAX);
    db_int(s, (int64_t)f->limit + 1);
    struct message **out = calloc(f->limit, sizeof *out);
    ASSERT(out);
    *n = 0;
    *more = false;
    for (bool row;;) {
        if (!db_next(s, &row, e)) {
            reader_free(out, *n);
            return false;
        }
        if (!row)
            break;
        if (*n == f->limit) {
            *more = true;
            db_end(s);
            break;
        }
        out[(*n)++] = row_of(s);
    }
    if (f->after_id)
        turn_round(out, *n);
    *rows = out;
    return true;
}

void reader_free(struct message **rows, size_t n) {
    for (size_t i = 0; i < n; i++)
        message_free(rows[i]);
    free(rows);
}

bool reader_attempts(struct db *db, int64_t account_id, int64_t id, struct attempt *out, size_t max,
                     size_t *n, struct err *e) {
    static const char sql[] =
        "SELECT number, lane, started_at, ended_at, fate, hint, reason, code, http_status, "
        "provider_id, account, sender, price, currency, country FROM attempt WHERE message_id=? AND EXISTS "
        "(SELECT 1 FROM message "
        "WHERE id=? "
        "AND account_id=?) ORDER BY number LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, id);
    db_int(s, id);
    db_int(s, account_id);
    db_int(s, (int64_t)max);
    bool row;
    for (*n = 0;; (*n)++) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        out[*n] = rows_attempt(s, id);
    }
}

bool reader_ahead(struct db *db, unsigned node, enum priority priority, int64_t due_at, int64_t id,
                  uint32_t *n, bool *more, struct err *e) {
    static const char sql[] = "SELECT count(*) FROM (SELECT 1 FROM message INDEXED BY message_due WHERE "
                              "node=coalesce((SELECT node FROM message WHERE id=?), ?) AND due_at IS NOT "
                              "NULL AND priority=? AND (due_at,id)<(?,?) LIMIT ?) AS t";
    *n = 0;
    for (int p = 0; p <= (int)priority; p++) {
        struct db_stmt *s = db_stmt(db, sql, e);
        int64_t ahead;
        db_int(s, id);
        db_int(s, node);
        db_int(s, p);
        db_int(s, due_at);
        db_int(s, p == (int)priority ? id : INT64_MAX);
        db_int(s, READER_AHEAD_MAX - *n);
        if (!db_value(s, &ahead, e))
            return false;
        *n += (uint32_t)ahead;
    }
    *more = *n == READER_AHEAD_MAX;
    return true;
}

bool reader_totals(struct db *db, unsigned node, int64_t *last_id, int64_t *backlog, struct err *e) {
    static const char last[] =
        "SELECT max(coalesce((SELECT max(id) FROM message), 0), "
        "coalesce((SELECT max(id) FROM business_event), 0), "
        "coalesce((SELECT value FROM meta WHERE name='deleted_id'), 0), "
        "coalesce((SELECT max(id) FROM webhook), 0), coalesce((SELECT max(id) FROM parcel), 0), "
        "coalesce((SELECT max((SELECT max(subject_id) FROM delivery WHERE webhook_id=w.id)) FROM webhook AS "
        "w), 0))";
    static const char pending[] =
        "SELECT count(*) FROM message INDEXED BY message_due WHERE node=? AND due_at IS NOT NULL";
    if (!db_value(db_stmt(db, last, e), last_id, e))
        return false;
    struct db_stmt *s = db_stmt(db, pending, e);
    db_int(s, node);
    return db_value(s, backlog, e);
}
