/* What a move from one database to another asks of PostgreSQL: see db_move.h. */
#include "store/pg.h"

#include <string.h>
#include <time.h>

enum { SQL_MAX = 8192 };

static struct pg *of(struct db *db) {
    return (struct pg *)db;
}

/* Inside a transaction; a failure spoils it. */
static bool say(struct pg *pg, const struct buf *sql, struct err *e) {
    if (pg->spoiled) {
        if (e)
            *e = pg->trouble;
        return false;
    }
    struct err why = ERR_INIT;
    pg->wrote = true;
    if (!sql->overflow && pg_gather_flush(pg, UINT64_MAX, &why) && pg_exec(pg, sql->p, NULL, &why))
        return true;
    pg->spoiled = pg->in_tx;
    pg->trouble = why;
    if (e)
        *e = why;
    return false;
}

/* The trigger's lock waits for transactions that have written to the table, and those that come later find
 * it.
 */
bool pg_shut(struct db *db, const char *table, struct sv words, struct err *e) {
    struct buf BUF_AUTO sql = BUF_INIT(SQL_MAX);
    buf_adds(&sql, "CREATE OR REPLACE FUNCTION hongyan_shut() RETURNS trigger LANGUAGE plpgsql AS $shut$ "
                   "BEGIN RAISE EXCEPTION USING MESSAGE='");
    for (size_t i = 0; i < words.n; i++) {
        buf_adds(&sql, words.p[i] == '\'' ? "'" : "");
        buf_addc(&sql, words.p[i] == '$' ? '_' : words.p[i]);
    }
    buf_addf(
        &sql,
        "'; END $shut$; DROP TRIGGER IF EXISTS hongyan_shut ON %s; CREATE TRIGGER hongyan_shut BEFORE INSERT "
        "OR UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION hongyan_shut()",
        table, table);
    return say(of(db), &sql, e);
}

bool pg_unshut(struct db *db, const char *table, struct err *e) {
    struct buf BUF_AUTO sql = BUF_INIT(SQL_MAX);
    buf_addf(&sql, "DROP TRIGGER IF EXISTS hongyan_shut ON %s", table);
    return say(of(db), &sql, e);
}

bool pg_number_on(struct db *db, const char *table, const char *column, struct err *e) {
    struct buf BUF_AUTO sql = BUF_INIT(SQL_MAX);
    buf_addf(&sql,
             "SELECT setval(pg_get_serial_sequence('%s', '%s'), greatest(coalesce(max(t.%s), 0), 1), "
             "coalesce(max(t.%s), 0) > 0) FROM %s AS t",
             table, column, column, column, table);
    return say(of(db), &sql, e);
}

/* A session of a process that was killed ends a moment later. */
bool db_pg_in_use(struct sv url, bool *used, struct err *e) {
    enum { LOOKS = 20 };
    static const struct timespec between = {.tv_nsec = 100 * 1000 * 1000};
    static const char sql[] = "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE "
                              "datname=current_database() AND application_name='hongyan' AND "
                              "pid<>pg_backend_pid()";
    struct db *db = db_pg_open(url, DB_WRITER, e);
    bool ok = db != NULL;
    *used = true;
    for (int i = 0; ok && *used && i < LOOKS; i++) {
        if (i)
            nanosleep(&between, NULL);
        PGresult *r = NULL;
        ok = pg_exec(of(db), sql, &r, e);
        *used = ok && strcmp(PQgetvalue(r, 0, 0), "0") != 0;
        PQclear(r);
    }
    db_close(db);
    return ok;
}
