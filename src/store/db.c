#include "store/db.h"

#include "store/db_driver.h"
#include "store/db_move.h"

enum { STATEMENTS_MAX = 1024 /* all the program has, and half of it free: check_plans.py */ };

static bool injected(struct db *db, struct err *e) {
    if (!db->allow || db->allow(db->allow_ctx))
        return false;
    err_set(e, ERR_OUTSIDE, "database: injected failure");
    return true;
}

bool db_is_postgres(struct sv url) {
    return sv_starts(url, SV("postgres://")) || sv_starts(url, SV("postgresql://")) ||
           sv_starts(url, SV("host=")) || sv_starts(url, SV("service=")) || sv_starts(url, SV("dbname="));
}

struct db *db_open(struct sv url, enum db_mode mode, struct err *e) {
    if (mode == DB_MEMORY)
        return db_sqlite_open(SV(":memory:"), mode, e);
    if (sv_starts(url, SV("sqlite:")))
        return db_sqlite_open(sv_from(url, 7), mode, e);
    if (db_is_postgres(url))
        return db_pg_open(url, mode, e);
    err_set(e, ERR_INVALID, "database: it is of the form sqlite:PATH, or postgres://HOST/DATABASE");
    return NULL;
}

bool db_is_file(const struct db *db) {
    return db->driver->is_file;
}

void db_close(struct db *db) {
    if (!db)
        return;
    for (size_t i = 0; i < db->statements.cap; i++)
        if (db->statements.slots[i].value)
            db->driver->stmt_free(db->statements.slots[i].value);
    map_done(&db->statements);
    db->driver->close(db);
}

bool db_in_place(struct db *db, struct err *e) {
    return db->driver->in_place(db, e);
}

void db_set_patience(struct db *db, int ms) {
    db->driver->set_patience(db, ms);
}

bool db_begin(struct db *db, struct err *e) {
    return !injected(db, e) && db->driver->begin(db, e);
}

bool db_begin_schema(struct db *db, struct err *e) {
    return !injected(db, e) && db->driver->begin_schema(db, e);
}

bool db_commit(struct db *db, struct err *e) {
    bool ready = !db->before_commit || db->before_commit(db, e);
    db->before_commit = NULL;
    return ready && !injected(db, e) && db->driver->commit(db, e);
}

void db_before_commit(struct db *db, bool (*run)(struct db *db, struct err *e)) {
    db->before_commit = run;
}

void db_rollback(struct db *db) {
    db->before_commit = NULL;
    db->driver->rollback(db);
}

enum db_failure db_failure(const struct db *db) {
    return db->driver->failure(db);
}

bool db_settle(struct db *db, bool *committed, struct err *e) {
    return db->driver->settle(db, committed, e);
}

bool db_script(struct db *db, const char *sql, struct err *e) {
    return !injected(db, e) && db->driver->script(db, sql, e);
}

bool db_version(struct db *db, int *version, struct err *e) {
    return !injected(db, e) && db->driver->version(db, version, e);
}

bool db_set_version(struct db *db, int version, struct err *e) {
    return !injected(db, e) && db->driver->set_version(db, version, e);
}

bool db_check(struct db *db, struct err *e) {
    return db->driver->check(db, e);
}

struct db_stmt *db_stmt(struct db *db, const char *sql, struct err *e) {
    uint64_t key = (uint64_t)(uintptr_t)sql;
    struct db_stmt *s = map_get(&db->statements, key);
    if (!s) {
        s = db->driver->stmt_new(db, sql, e);
        if (!s)
            return NULL;
        s->db = db;
        map_put(&db->statements, key, s);
        ASSERT(db->statements.n <= STATEMENTS_MAX); /* SQL is constant text: a growing cache is a bug */
    }
    db->driver->stmt_reset(s);
    return s;
}

void db_int(struct db_stmt *s, int64_t v) {
    if (s)
        s->db->driver->bind_int(s, &v);
}

void db_int_or_null(struct db_stmt *s, int64_t v) {
    if (s)
        s->db->driver->bind_int(s, v ? &v : NULL);
}

void db_text(struct db_stmt *s, struct sv v) {
    if (s)
        s->db->driver->bind_text(s, &v);
}

void db_text_or_null(struct db_stmt *s, struct sv v) {
    if (s)
        s->db->driver->bind_text(s, v.n ? &v : NULL);
}

void db_blob(struct db_stmt *s, const void *p, size_t n) {
    if (s)
        s->db->driver->bind_blob(s, p, n);
}

bool db_next(struct db_stmt *s, bool *row, struct err *e) {
    if (!s)
        return false;
    if (injected(s->db, e)) {
        db_end(s);
        return false;
    }
    return s->db->driver->next(s, row, e);
}

bool db_any(struct db_stmt *s, bool *any, struct err *e) {
    if (!db_next(s, any, e))
        return false;
    db_end(s);
    return true;
}

bool db_value(struct db_stmt *s, int64_t *v, struct err *e) {
    bool row;
    if (!db_next(s, &row, e))
        return false;
    *v = row ? db_col_int(s, 0) : 0;
    db_end(s);
    return true;
}

bool db_run(struct db_stmt *s, struct err *e) {
    return s && !injected(s->db, e) && s->db->driver->run(s, e);
}

bool db_put(struct db_stmt *s, struct err *e) {
    return s && !injected(s->db, e) && s->db->driver->put(s, e);
}

int64_t db_col_int(struct db_stmt *s, int col) {
    return s->db->driver->col_int(s, col);
}

struct sv db_col_text(struct db_stmt *s, int col) {
    return s->db->driver->col_text(s, col);
}

void db_end(struct db_stmt *s) {
    if (s)
        s->db->driver->stmt_reset(s);
}

int64_t db_changes(struct db *db) {
    return db->driver->changes(db);
}

int64_t db_wal_pages(const struct db *db) {
    return db->driver->wal_pages(db);
}

bool db_checkpoint(struct db *db, bool wait, struct err *e) {
    return db->driver->checkpoint(db, wait, e);
}

bool db_scrub(struct db *db, int ms, struct err *e) {
    return db->driver->scrub(db, ms, e);
}

bool db_in_use(struct sv url, bool *used, struct err *e) {
    return db_is_postgres(url) ? db_pg_in_use(url, used, e) : db_sqlite_in_use(sv_from(url, 7), used, e);
}

bool db_shut(struct db *db, const char *table, struct sv words, struct err *e) {
    return !injected(db, e) && db->driver->shut(db, table, words, e);
}

bool db_unshut(struct db *db, const char *table, struct err *e) {
    return !injected(db, e) && db->driver->unshut(db, table, e);
}

bool db_number_on(struct db *db, const char *table, const char *column, struct err *e) {
    return !injected(db, e) && db->driver->number_on(db, table, column, e);
}

bool db_add_kept(struct db *db, struct sv text, struct buf *out) {
    return db->driver->add_kept(db, text, out);
}

void db_inject(struct db *db, bool (*allow)(void *ctx), void *ctx) {
    db->allow = allow;
    db->allow_ctx = ctx;
}
