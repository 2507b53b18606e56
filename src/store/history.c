#include "store/history.h"

#include "store/rows.h"

/* What an attempt tells of its message. */
struct telling {
    int64_t started_at, ended_at;
    int32_t code;
};

struct story {
    struct event *rows;
    struct telling *attempts;
    size_t n_rows, n_attempts, count;
};

static bool says_nothing_more(const struct event *ev, int32_t code, int64_t at) {
    return !ev->note && ev->reason == REASON_NONE && ev->code == code && ev->at == at;
}

bool history_is_told(const struct change *c, unsigned i, bool is_new) {
    const struct event *ev = &c->events[i];
    const struct attempt *a = &c->attempt;
    if (c->attempt_begins && ev->state == STATE_SENDING)
        return ev->attempt == a->number && says_nothing_more(ev, 0, a->started_at);
    if (c->attempt_begins && ev->state == STATE_ACCEPTED)
        return is_new && a->number == 1 && ev->number == 1 && ev->attempt == 0 &&
               says_nothing_more(ev, 0, a->started_at);
    return c->attempt_was_taken && ev->state == STATE_SENT && ev->attempt == a->number &&
           says_nothing_more(ev, a->code, a->ended_at);
}

/* How many there are; 0: no such message. */
static bool read_count(struct db *db, int64_t account_id, int64_t id, int64_t *count, struct err *e) {
    static const char sql[] = "SELECT events FROM message WHERE id=? AND account_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, id);
    db_int(s, account_id);
    return db_value(s, count, e);
}

static bool read_rows(struct db *db, int64_t id, struct story *y, struct err *e) {
    static const char sql[] = "SELECT number, at, state, reason, attempt, code, note FROM event WHERE "
                              "message_id=? ORDER BY number LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, id);
    db_int(s, (int64_t)y->count);
    for (bool row;; y->n_rows++) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        y->rows[y->n_rows] = rows_event(s);
    }
}

static bool read_attempts(struct db *db, int64_t id, struct story *y, struct err *e) {
    static const char sql[] =
        "SELECT started_at, ended_at, code FROM attempt WHERE message_id=? ORDER BY number LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, id);
    db_int(s, (int64_t)y->count);
    for (bool row;; y->n_attempts++) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        y->attempts[y->n_attempts] =
            (struct telling){db_col_int(s, 0), db_col_int(s, 1), (int32_t)db_col_int(s, 2)};
    }
}

/* The event of that number, which has no row. begun: attempts so far. False: nothing tells it, because the
 * message goes on, or is deleted, while it is read. */
static bool tell(const struct story *y, size_t number, enum state before, size_t begun, struct event *out) {
    bool ends = before == STATE_SENDING;
    size_t k = ends ? begun - 1 : begun;
    if (k >= y->n_attempts || (ends && y->attempts[k].ended_at == 0))
        return false;
    const struct telling *a = &y->attempts[k];
    *out = (struct event){.number = (uint16_t)number, .at = ends ? a->ended_at : a->started_at};
    out->state = number == 1 ? STATE_ACCEPTED : ends ? STATE_SENT : STATE_SENDING;
    out->attempt = (uint16_t)(number == 1 ? 0 : k + 1);
    out->code = ends ? a->code : 0;
    return true;
}

static size_t put_together(const struct story *y, struct event *out) {
    enum state before = STATE_NONE;
    size_t n = 0, row = 0, begun = 0;
    for (; n < y->count; n++) {
        if (row < y->n_rows && y->rows[row].number == n + 1)
            out[n] = y->rows[row++];
        else if (!tell(y, n + 1, before, begun, &out[n]))
            break;
        if (out[n].note)
            continue;
        before = out[n].state;
        begun += before == STATE_SENDING;
    }
    return n;
}

static void *room_for(size_t n, size_t size) {
    void *p = calloc(n, size);
    ASSERT(p);
    return p;
}

bool history_read(struct db *db, int64_t account_id, int64_t id, size_t max, struct event **out, size_t *n,
                  struct err *e) {
    struct story y = {0};
    *out = NULL;
    *n = 0;
    int64_t count;
    if (!read_count(db, account_id, id, &count, e))
        return false;
    y.count = (size_t)count < max ? (size_t)count : max;
    if (y.count == 0)
        return true;
    y.rows = room_for(y.count, sizeof *y.rows);
    bool ok = read_rows(db, id, &y, e);
    if (ok && y.n_rows < y.count) {
        y.attempts = room_for(y.count, sizeof *y.attempts);
        ok = read_attempts(db, id, &y, e);
    }
    if (ok) {
        *out = room_for(y.count, sizeof **out);
        *n = put_together(&y, *out);
    }
    free(y.rows);
    free(y.attempts);
    return ok;
}
