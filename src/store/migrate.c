#include "store/migrate.h"

static const char read_version[] = "PRAGMA user_version";

static bool version_of(struct db *db, int *version, struct err *e) {
    struct db_stmt *s = db_stmt(db, read_version, e);
    bool row;
    if (!db_next(s, &row, e))
        return false;
    *version = row ? (int)db_col_int(s, 0) : 0;
    db_end(s);
    return true;
}

static bool run_one(struct db *db, const struct migration *m, struct err *e) {
    char stamp[64];
    snprintf(stamp, sizeof stamp, "PRAGMA user_version=%d", m->number);
    struct err why = ERR_INIT;
    if (db_begin(db, &why) && db_script(db, m->sql, &why) && db_script(db, stamp, &why) &&
        db_commit(db, &why))
        return true;
    db_rollback(db);
    return err_set(e, why.kind, "migration %s: %s", m->name, why.text);
}

bool migrate(struct db *db, int *from, int *to, struct err *e) {
    if (!version_of(db, from, e))
        return false;
    *to = *from;
    int newest = 0;
    for (const struct migration *m = migrations; m->number; m++) {
        newest = m->number;
        if (m->number <= *from)
            continue;
        if (!run_one(db, m, e))
            return false;
        *to = m->number;
    }
    if (*from > newest)
        return err_set(
            e, ERR_OUTSIDE,
            "the database has schema version %d, this program knows %d: start the newer program instead",
            *from, newest);
    return true;
}
