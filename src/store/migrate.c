#include "store/migrate.h"

#include "store/move_mark.h"
#include "store/nodes.h"
#include "store/numbers.h"
#include "store/periods.h"

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

static bool make_periods(struct db *db, struct err *e) {
    if (db_is_file(db))
        return true;
    int64_t now, until;
    if (db_begin_schema(db, e) && nodes_now(db, NULL, &now, e) &&
        periods_make(db, now, PERIODS_AS_LAST, &until, e) && db_commit(db, e))
        return true;
    db_rollback(db);
    return false;
}

static int newest(void) {
    int n = 0;
    for (const struct migration *m = migrations; m->number; m++)
        n = m->number;
    return n;
}

bool migrate_schema(struct db *db, int *from, int *to, struct err *e) {
    if (!db_version(db, from, e))
        return false;
    *to = *from;
    if (*from > newest())
        return err_set(
            e, ERR_OUTSIDE,
            "the database has schema version %d, this program knows %d: start the newer program instead",
            *from, newest());
    for (const struct migration *m = migrations; m->number; m++) {
        if (m->number <= *from)
            continue;
        if (!run_one(db, m, e))
            return false;
        *to = m->number;
    }
    return make_periods(db, e);
}

bool migrate(struct db *db, int *from, int *to, struct err *e) {
    int version;
    if (!db_version(db, &version, e))
        return false;
    if (version >= MOVE_SINCE && version <= newest() && !move_allows(db, e))
        return false;
    return migrate_schema(db, from, to, e) && numbers_install(db, e);
}
