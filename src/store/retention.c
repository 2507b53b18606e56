#include "store/retention.h"

#include "base/clock.h"
#include "model/id.h"
#include "store/deliveries.h"
#include "store/journal_rows.h"
#include "store/replies.h"
#include "store/rows.h"
#include "store/spent.h"

static bool is_over(const struct message *m) {
    enum state s = m->head.state;
    return m->head.due_at == 0 && (state_is_terminal(s) || s == STATE_SENT || s == STATE_RECEIVED);
}

/* Those that go; the others are freed here. */
static bool look(struct db *db, struct retention_write *w, struct message *out[RETENTION_STEP], unsigned *n,
                 struct err *e) {
    static const char sql[] =
        "SELECT " ROW_COLUMNS " FROM message AS m WHERE m.id>? AND m.id<? ORDER BY m.id LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, w->after_id);
    db_int(s, id_floor(w->before));
    db_int(s, RETENTION_STEP);
    w->end_id = 0;
    *n = 0;
    for (unsigned seen = 1;; seen++) {
        bool row;
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        struct message *m = rows_message(s);
        if (seen == RETENTION_STEP)
            w->end_id = m->id;
        if (is_over(m) && m->head.updated_at < w->before)
            out[(*n)++] = m;
        else
            message_free(m);
    }
}

/* No look-up reaches back further than marks are kept (store/spent.h): what is older needs none. */
static bool forget(struct db *db, const struct message *m, int64_t now, struct err *e) {
    bool young = m->head.updated_at > now - (int64_t)SPENT_KEPT_S * US_PER_S;
    return (!young || spent_keep(db, m, now, e)) && replies_forget(db, m->id, e) &&
           deliveries_forget(db, m->account_id, m->id, e) && journal_delete_message(db, m, e);
}

bool retention_run(struct db *db, struct store_write *write, int64_t now, struct err *e) {
    struct retention_write *w = (struct retention_write *)write;
    struct message *old[RETENTION_STEP];
    unsigned n;
    bool ok = look(db, w, old, &n, e);
    w->deleted = n;
    for (unsigned i = 0; i < n; i++) {
        ok = ok && forget(db, old[i], now, e);
        message_free(old[i]);
    }
    return ok;
}
