#include "store/sending.h"

#include <stdio.h>

_Static_assert(STATE_SENDING == 4 && ATTEMPT_LONGEST_S == 330, "as SENDING_IS_FAR has them");

enum { NAME_MAX_CHARS = 32 };

static struct sv name_of(unsigned node, char name[NAME_MAX_CHARS]) {
    int n = snprintf(name, NAME_MAX_CHARS, "sending_from_%u", node);
    return sv_make(name, (size_t)n);
}

/* False when there is no mark: then nothing was ever due far. */
static bool read_mark(struct db *db, struct sv name, bool *there, int64_t *mark, struct err *e) {
    struct db_stmt *s = db_stmt(db, "SELECT value FROM meta WHERE name=?", e);
    db_text(s, name);
    if (!db_next(s, there, e))
        return false;
    *mark = *there ? db_col_int(s, 0) : 0;
    db_end(s);
    return true;
}

static bool resume(struct db *db, struct sending_write *w, int64_t mark, struct err *e) {
    static const char sql[] =
        "UPDATE message SET due_at=updated_at+? WHERE id>=? AND id<=? AND node+0=? AND " SENDING_IS_FAR;
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, w->longest_us);
    db_int(s, mark);
    db_int(s, w->last_id);
    db_int(s, w->node);
    if (!db_run(s, e))
        return false;
    w->resumed = db_changes(db) > 0;
    return true;
}

bool sending_run(struct db *db, struct store_write *write, int64_t now, struct err *e) {
    static const char put[] = "INSERT INTO meta (name, value) VALUES (?,?) ON CONFLICT (name) DO UPDATE SET "
                              "value=excluded.value";
    struct sending_write *w = (struct sending_write *)write;
    char text[NAME_MAX_CHARS];
    struct sv name = name_of(w->node, text);
    bool there = false;
    int64_t mark = 0;
    (void)now;
    w->resumed = false;
    if (w->resumes && (!read_mark(db, name, &there, &mark, e) || (there && !resume(db, w, mark, e))))
        return false;
    struct db_stmt *s = db_stmt(db, put, e);
    db_text(s, name);
    db_int(s, w->mark);
    return db_run(s, e);
}

bool sending_forget(struct db *db, unsigned node, struct err *e) {
    char text[NAME_MAX_CHARS];
    struct db_stmt *s = db_stmt(db, "DELETE FROM meta WHERE name=?", e);
    db_text(s, name_of(node, text));
    return db_run(s, e);
}

bool sending_mark_all(struct db *db, struct err *e) {
    static const char sql[] = "INSERT INTO meta (name, value) SELECT 'sending_from_0', min(id) FROM message "
                              "WHERE " SENDING_IS_FAR " HAVING count(*)>0";
    return sending_forget(db, 0, e) && db_run(db_stmt(db, sql, e), e);
}
