#include "store/gossip.h"

#include <string.h>

static bool tell(struct db *db, const struct gossip_write *w, struct err *e) {
    static const char sql[] = "INSERT INTO gossip (node, slot, told_at, body) VALUES (?,?,?,?) ON CONFLICT "
                              "(node, slot) DO UPDATE SET told_at=excluded.told_at, body=excluded.body";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, w->node);
    db_int(s, w->slot);
    db_int(s, w->told_at);
    db_text(s, sv_make(w->body, w->n_body));
    return db_run(s, e);
}

/* A node's rows come by the time they were told: one that finds no room keeps those after it for later, too.
 */
static bool hear(struct gossip_write *w, int64_t node, int64_t told_at, struct sv body) {
    if (node < 0 || node >= GOSSIP_NODES || told_at <= w->heard_until[node])
        return true;
    if (body.n > sizeof w->heard - w->n_heard)
        return false;
    memcpy(w->heard + w->n_heard, body.p, body.n);
    w->n_heard += body.n;
    w->heard_until[node] = told_at;
    return true;
}

bool gossip_run(struct db *db, struct store_write *write, int64_t now, struct err *e) {
    static const char sql[] = "SELECT node, told_at, body FROM gossip WHERE node<>? ORDER BY node, told_at";
    struct gossip_write *w = (struct gossip_write *)write;
    (void)now;
    if (w->n_body && !tell(db, w, e))
        return false;
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, w->node);
    w->n_heard = 0;
    memcpy(w->heard_until, w->after, sizeof w->heard_until);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        if (!hear(w, db_col_int(s, 0), db_col_int(s, 1), db_col_text(s, 2))) {
            db_end(s);
            return true;
        }
    }
}
