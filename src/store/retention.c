#include "store/retention.h"

#include "base/clock.h"
#include "model/id.h"
#include "store/deliveries.h"
#include "store/journal_rows.h"
#include "store/periods.h"
#include "store/rows.h"
#include "store/spent.h"

static bool is_over(const struct message *m) {
    enum state s = m->head.state;
    return m->head.due_at == 0 && (state_is_terminal(s) || s == STATE_SENT || s == STATE_RECEIVED);
}

/* ---- rows ---- */

/* Those that go, in the order of their ids; of each, whether the row before it stays. */
struct going {
    const struct message *m[RETENTION_STEP];
    bool apart[RETENTION_STEP];
    unsigned n;
};

/* Of ids below until. Others are freed here. */
static bool look(struct db *db, struct retention_write *w, int64_t until, struct going *out, struct err *e) {
    static const char sql[] =
        "SELECT " ROW_COLUMNS
        " FROM message AS m WHERE m.id>? AND m.id<? ORDER BY m.id LIMIT ? /*pg FOR UPDATE */";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool apart = true;
    db_int(s, w->after_id);
    db_int(s, until);
    db_int(s, RETENTION_STEP);
    w->end_id = 0;
    out->n = 0;
    for (unsigned seen = 1;; seen++) {
        bool row;
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        struct message *m = rows_message(s);
        bool goes = is_over(m) && m->head.updated_at < w->before;
        if (seen == RETENTION_STEP)
            w->end_id = m->id;
        if (goes) {
            out->m[out->n] = m;
            out->apart[out->n++] = apart;
        } else {
            message_free(m);
        }
        apart = !goes;
    }
}

static bool delete_rows(struct db *db, int64_t first, int64_t last, struct err *e) {
    static const char replies[] = "DELETE FROM reply WHERE message_id>=? AND message_id<=?";
    static const char duplicates[] = "DELETE FROM duplicate WHERE message_id>=? AND message_id<=?";
    static const char messages[] = "DELETE FROM message WHERE id>=? AND id<=?";
    static const char *const all[] = {replies, duplicates, messages};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct db_stmt *s = db_stmt(db, all[i], e);
        db_int(s, first);
        db_int(s, last);
        if (!db_run(s, e))
            return false;
    }
    return true;
}

/* Messages without one that stays between them; there is no other id between them either, for the walk has
 * seen all that is so old. No look-up reaches back further than marks are kept (store/spent.h): what is older
 * needs none. Deliveries are of others than messages, too, and told by ids of the same kind. */
static bool forget_stretch(struct db *db, const struct message *const *m, size_t n, int64_t now,
                           struct err *e) {
    bool young = false, ok = true;
    for (size_t i = 0; i < n; i++)
        young |= m[i]->head.updated_at > now - (int64_t)SPENT_KEPT_S * US_PER_S;
    if (young)
        ok = spent_keep_all(db, m, n, now, e);
    for (size_t i = 0; ok && i < n; i++)
        ok = deliveries_forget(db, m[i]->account_id, m[i]->id, e);
    return ok && journal_delete_story(db, m[0]->id, m[n - 1]->id, e) &&
           delete_rows(db, m[0]->id, m[n - 1]->id, e);
}

/* Not message by message: on PostgreSQL the questions and answers of so many would hold up the journal, and
 * with it everybody, for a quarter of a second. */
static bool forget(struct db *db, const struct going *g, int64_t now, struct err *e) {
    bool ok = g->n == 0 || journal_remember_deleted(db, g->m[g->n - 1]->id, e);
    for (unsigned first = 0, end; ok && first < g->n; first = end) {
        for (end = first + 1; end < g->n && !g->apart[end];)
            end++;
        ok = forget_stretch(db, g->m + first, end - first, now, e);
    }
    return ok;
}

static bool walk(struct db *db, struct retention_write *w, int64_t until, int64_t now, struct err *e) {
    struct going g = {.n = 0};
    bool ok = look(db, w, until, &g, e) && forget(db, &g, now, e);
    w->deleted = g.n;
    for (unsigned i = 0; i < g.n; i++)
        message_free((struct message *)(uintptr_t)g.m[i]);
    return ok;
}

/* ---- by periods ---- */

/* What hangs on its messages, and is not dropped with them: some of it. Notices have ids of the same kind. */
static bool clear(struct db *db, const struct period *p, bool *more, struct err *e) {
    enum { AT_ONCE = 1000 };
    static const char replies[] = "DELETE FROM reply WHERE message_id IN (SELECT message_id FROM reply WHERE "
                                  "message_id>=? AND message_id<? LIMIT ?)";
    static const char duplicates[] =
        "DELETE FROM duplicate WHERE message_id IN (SELECT message_id FROM duplicate WHERE message_id>=? AND "
        "message_id<? LIMIT ?)";
    static const char callbacks[] =
        "DELETE FROM callback WHERE (message_id, event) IN (SELECT message_id, event FROM callback WHERE "
        "message_id>=? AND message_id<? LIMIT ?)";
    static const char deliveries[] =
        "DELETE FROM delivery WHERE (webhook_id, subject_id, event) IN (SELECT d.webhook_id, d.subject_id, "
        "d.event FROM webhook AS w CROSS JOIN delivery AS d ON d.webhook_id=w.id WHERE d.subject_id>=? AND "
        "d.subject_id<? AND d.event<>0 LIMIT ?)";
    static const char *const all[] = {replies, duplicates, callbacks, deliveries};
    *more = false;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct db_stmt *s = db_stmt(db, all[i], e);
        db_int(s, p->from_id);
        db_int(s, p->to_id);
        db_int(s, AT_ONCE);
        if (!db_run(s, e))
            return false;
        *more |= db_changes(db) == AT_ONCE;
    }
    return true;
}

/* *rows: something in it stays, so that the rest has to go row by row. Where somebody was in the way, the
 * next walk tries again. */
static bool take_period(struct db *db, struct retention_write *w, const struct period *p, int64_t since,
                        bool *rows, struct err *e) {
    bool more;
    int64_t messages;
    if (!periods_waits(db, p, rows, e))
        return false;
    if (*rows)
        return true;
    if (!clear(db, p, &more, e))
        return false;
    if (more) {
        w->end_id = p->from_id;
        return true;
    }
    if (!journal_remember_deleted(db, p->to_id - 1, e) || !periods_take(db, p, since, &messages, e))
        return false;
    w->hindered = messages < 0;
    if (w->hindered)
        return true;
    w->end_id = p->to_id - 1;
    w->deleted = (uint64_t)messages;
    return true;
}

/* A period that is not over yet is not looked into: row by row its messages would go a little earlier, and
 * cost more than all the rest of their lives. But the end of a long one may be far. A look-up reaches
 * back as far as marks are kept (store/spent.h), which are made row by row. */
static bool walk_periods(struct db *db, struct retention_write *w, int64_t now, struct err *e) {
    int64_t unmarked = now - (int64_t)SPENT_KEPT_S * US_PER_S,
            since = w->before < unmarked ? w->before : unmarked;
    struct period p;
    bool there, rows = true, left;
    if (!periods_discard(db, &left, e))
        return false;
    if (left) {
        w->end_id = w->after_id ? w->after_id : 1;
        return true;
    }
    if (!periods_find(db, w->after_id, &p, &there, e))
        return false;
    bool over = there && p.to_id <= id_floor(w->before), too_long = there && periods_is_long(&p);
    if (!over && !too_long)
        return true;
    if (w->after_id <= p.from_id && periods_rests(&p, since) && !take_period(db, w, &p, since, &rows, e))
        return false;
    if (!rows)
        return true;
    if (!walk(db, w, over ? p.to_id : id_floor(w->before), now, e))
        return false;
    if (w->end_id == 0 && over)
        w->end_id = p.to_id - 1;
    return true;
}

bool retention_run(struct db *db, struct store_write *write, int64_t now, struct err *e) {
    struct retention_write *w = (struct retention_write *)write;
    int64_t until;
    w->end_id = 0;
    w->deleted = 0;
    w->hindered = false;
    if (!periods_make(db, now, w->keep_days, &until, e))
        return false;
    if (w->before == 0)
        return true;
    return db_is_file(db) ? walk(db, w, id_floor(w->before), now, e) : walk_periods(db, w, now, e);
}
