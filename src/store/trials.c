#include "store/trials.h"

#include "store/rows.h"

static bool change(struct db *db, const struct trial_write *w, int64_t now, struct err *e) {
    static const char put[] =
        "INSERT INTO trial (route, canary, out_at, counts) VALUES (?,?,?,?) ON CONFLICT "
        "(route) DO UPDATE SET canary=excluded.canary, out_at=CASE WHEN trial.canary=excluded.canary AND "
        "trial.out_at>excluded.out_at THEN trial.out_at ELSE excluded.out_at END, counts=excluded.counts";
    static const char forget[] = "DELETE FROM trial WHERE route=?";
    struct db_stmt *s = db_stmt(db, w->act == TRIAL_PUT ? put : forget, e);
    db_text(s, sv_of(w->row.route));
    if (w->act == TRIAL_PUT) {
        db_text(s, sv_of(w->row.canary));
        db_int(s, w->row.out ? now : 0);
        db_text(s, sv_of(w->row.counts));
    }
    return db_run(s, e);
}

bool trials_run(struct db *db, struct store_write *write, int64_t now, struct err *e) {
    static const char sql[] = "SELECT route, canary, out_at, counts FROM trial LIMIT ?";
    struct trial_write *w = (struct trial_write *)write;
    if (w->act != TRIAL_READ)
        return change(db, w, now, e);
    struct db_stmt *s = db_stmt(db, sql, e);
    w->n = 0;
    db_int(s, ROUTES_MAX);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        struct trial_row *r = &w->rows[w->n++];
        rows_copy(r->route, sizeof r->route, db_col_text(s, 0));
        rows_copy(r->canary, sizeof r->canary, db_col_text(s, 1));
        r->out = db_col_int(s, 2) != 0;
        rows_copy(r->counts, sizeof r->counts, db_col_text(s, 3));
    }
}
