#include "store/migrate.h"

/* Another process may be doing the same: whoever comes second finds it done. */
static bool run_one(struct db *db, const struct migration *m, struct err *e) {
    struct err why = ERR_INIT;
    int version = 0;
    bool ok = db_begin_schema(db, &why) && db_version(db, &version, &why);
    if (ok && version >= m->number) {
        db_rollback(db);
        return true;
    }
    if (ok && db_script(db, m->sql, &why) && db_set_version(db, m->number, &why) && db_commit(db, &why))
        return true;
    db_rollback(db);
    return err_set(e, why.kind, "migration %s: %s", m->name, why.text);
}

bool migrate(struct db *db, int *from, int *to, struct err *e) {
    if (!db_version(db, from, e))
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
