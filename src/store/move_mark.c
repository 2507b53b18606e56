#include "store/move_mark.h"

#include "base/buf.h"
#include "base/clock.h"
#include "store/rows.h"

bool move_mark_read(struct db *db, struct move_mark *out, struct err *e) {
    static const char sql[] = "SELECT state, number, round, since, mover, place FROM move WHERE id=1";
    struct db_stmt *s = db_stmt(db, sql, e);
    bool row;
    *out = (struct move_mark){.state = MOVE_NONE};
    if (!db_next(s, &row, e))
        return false;
    if (!row)
        return true;
    *out = (struct move_mark){.state = (enum move_state)db_col_int(s, 0),
                              .number = db_col_int(s, 1),
                              .round = db_col_int(s, 2),
                              .since = db_col_int(s, 3),
                              .mover = db_col_int(s, 4)};
    rows_copy(out->place, sizeof out->place, db_col_text(s, 5));
    db_end(s);
    return true;
}

bool move_mark_write(struct db *db, const struct move_mark *m, struct err *e) {
    static const char sql[] =
        "INSERT INTO move (id, state, number, round, since, mover, place) VALUES (1,?,?,?,?,?,?) ON CONFLICT "
        "(id) DO UPDATE SET state=excluded.state, number=excluded.number, round=excluded.round, "
        "since=excluded.since, mover=excluded.mover, place=excluded.place";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, m->state);
    db_int(s, m->number);
    db_int(s, m->round);
    db_int(s, m->since);
    db_int(s, m->mover);
    db_text(s, sv_of(m->place));
    return db_run(s, e);
}

bool move_allows(struct db *db, struct err *e) {
    struct move_mark m;
    struct buf BUF_AUTO at = BUF_INIT(64);
    if (!move_mark_read(db, &m, e))
        return false;
    clock_add_rfc3339(&at, m.since);
    switch (m.state) {
    case MOVE_NONE:
    case MOVE_ARRIVED: return true;
    case MOVE_LEAVING:
        return err_set(
            e, ERR_OUTSIDE,
            "this database is being moved to %.150s since %s: finish that with `hongyan migrate --from "
            "... --to ...`, or give it up with `hongyan migrate --from ... --abandon`",
            m.place, at.p);
    case MOVE_GONE:
        return err_set(e, ERR_OUTSIDE,
                       "this database has moved to %.200s (%s): set `database` to that; what is here is old",
                       m.place, at.p);
    case MOVE_ARRIVING: break;
    }
    return err_set(
        e, ERR_OUTSIDE,
        "the rows of %.150s are being moved into this database, and are not all here: finish that with "
        "`hongyan migrate --from ... --to ...`",
        m.place);
}

bool move_mark_is_still(struct db *db, const struct move_mark *m, struct err *e) {
    static const char sql[] = "UPDATE move SET mover=mover WHERE id=1 AND state=? AND number=? AND round=? "
                              "AND mover=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, m->state);
    db_int(s, m->number);
    db_int(s, m->round);
    db_int(s, m->mover);
    if (!db_run(s, e))
        return false;
    return db_changes(db) == 1 ||
           err_set(e, ERR_CONFLICT,
                   "another `hongyan migrate` has gone on with this move, or it was given up: see what is so "
                   "by running it again");
}
