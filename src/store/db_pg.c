#include "base/clock.h"
#include "store/pg.h"

#include <endian.h>
#include <string.h>
#include <sys/random.h>

enum { PATIENCE_MS = 2000, SCRIPT_MAX = 1 << 20, GATHER_ROW_MAX = 1 << 20, CONNINFO_MAX = 4096 };

static struct pg *of(struct db *db) {
    return (struct pg *)db;
}

static struct pg_stmt *stmt_of(struct db_stmt *s) {
    return (struct pg_stmt *)s;
}

/* The transaction came to nothing: whatever follows in it fails with the same words. */
static bool spoil(struct pg *pg, const struct err *why) {
    if (pg->in_tx && !pg->spoiled) {
        pg->spoiled = true;
        pg->trouble = *why;
        if (!pg->conn) /* and was not committed: it can be done again on another connection */
            pg->failure = DB_AGAIN;
    }
    return false;
}

static bool spoil_e(struct pg *pg, struct err *e, const struct err *why) {
    if (e)
        *e = *why;
    return spoil(pg, why);
}

static bool wait_all(struct pg *pg, struct err *e) {
    struct err why = ERR_INIT;
    return pg_wait(pg, &why) || spoil_e(pg, e, &why);
}

/* May a statement be sent? Outside a transaction a lost connection is made anew. */
static bool ready(struct pg *pg, struct err *e) {
    if (pg->spoiled) {
        if (e)
            *e = pg->trouble;
        return false;
    }
    return pg->in_tx || pg_connect(pg, pg->mode == DB_READER ? 0 : pg->patience_ms, e);
}

static bool send_stmt(struct pg *pg, struct pg_stmt *s, struct err *e) {
    struct err why = ERR_INIT;
    if (s->undoes)
        pg_gather_drop(pg);
    if (pg_gather_flush(pg, s->tables, &why) && pg_stmt_send(pg, s, &why))
        return true;
    return spoil_e(pg, e, &why);
}

static bool pg_run(struct db_stmt *stmt, struct err *e) {
    struct pg *pg = of(stmt->db);
    struct pg_stmt *s = stmt_of(stmt);
    if (!ready(pg, e) || !send_stmt(pg, s, e))
        return false;
    pg->wrote |= !s->reads;
    return pg->in_tx || wait_all(pg, e);
}

static bool pg_put(struct db_stmt *stmt, struct err *e) {
    struct pg *pg = of(stmt->db);
    struct pg_stmt *s = stmt_of(stmt);
    size_t bytes = 0;
    for (unsigned i = 0; i < s->n_params; i++)
        bytes += (size_t)s->params[i].n;
    if (!pg->in_tx || !s->gather || bytes > GATHER_ROW_MAX || !pg->gathers)
        return pg_run(stmt, e);
    struct err why = ERR_INIT;
    pg->wrote = true;
    if (!ready(pg, e))
        return false;
    return pg_gather_add(pg, s, &why) || spoil_e(pg, e, &why);
}

static bool first_row(struct pg *pg, struct pg_stmt *s, struct err *e) {
    if (!ready(pg, e) || !send_stmt(pg, s, e) || !wait_all(pg, e))
        return false;
    s->result = pg->last;
    pg->last = NULL;
    s->row = -1;
    pg->wrote |= !s->reads;
    return true;
}

static bool pg_next(struct db_stmt *stmt, bool *row, struct err *e) {
    struct pg *pg = of(stmt->db);
    struct pg_stmt *s = stmt_of(stmt);
    struct err why = ERR_INIT;
    if (!s->result && !first_row(pg, s, &why)) {
        /* A server that was started anew shows itself by the first question: it is put once more. */
        bool again = !pg->in_tx && !pg->conn && s->reads;
        if (!again || !first_row(pg, s, &why)) {
            if (e)
                *e = why;
            return false;
        }
    }
    *row = ++s->row < PQntuples(s->result);
    if (!*row) {
        PQclear(s->result);
        s->result = NULL;
    }
    return true;
}

static int64_t pg_changes(struct db *db) {
    struct pg *pg = of(db);
    struct err why = ERR_INIT;
    if (pg->unread && !wait_all(pg, &why))
        return 0; /* and what follows fails */
    int64_t n = 0;
    return pg->last && sv_to_i64(sv_of(PQcmdTuples(pg->last)), &n) ? n : 0;
}

/* ---- transactions ---- */

static bool one_number(struct pg *pg, const char *sql, int64_t *n, bool *there, struct err *e) {
    if (!pg_send(pg, sql, e) || !pg_wait(pg, e))
        return false;
    *there = PQntuples(pg->last) > 0;
    *n = *there ? pg_int(pg->last, 0, 0) : 0;
    return true;
}

/* The connection's row, by which an unseen commit is found out. Those of processes that ended without a word
 * go after a month. */
static bool have_batch_row(struct pg *pg, struct err *e) {
    char sql[256];
    if (pg->batch_key)
        return true;
    uint64_t key;
    if (getrandom(&key, sizeof key, 0) != (ssize_t)sizeof key)
        return err_set(e, ERR_OUTSIDE, "database: no random numbers");
    key = (key >> 1) | 1;
    int64_t now = clock_system_us(), month_us = INT64_C(30) * 86400 * US_PER_S;
    snprintf(sql, sizeof sql, "INSERT INTO db_batch (connection, number, begun_at) VALUES (%lld, 0, %lld)",
             (long long)key, (long long)now);
    if (!pg_send(pg, sql, e) || !pg_wait(pg, e))
        return false;
    pg->batch_key = (int64_t)key;
    pg->batch = 0;
    snprintf(sql, sizeof sql, "DELETE FROM db_batch WHERE begun_at<%lld", (long long)(now - month_us));
    return pg_send(pg, sql, e) && pg_wait(pg, e);
}

static bool begin(struct pg *pg, const char *sql, struct err *e) {
    struct err why = ERR_INIT;
    pg->failure = DB_FAILED;
    pg->wrote = pg->spoiled = false;
    bool ok = pg_send(pg, sql, &why);
    pg->in_tx = true;
    return ok || spoil_e(pg, e, &why);
}

static bool db_pg_begin(struct db *db, struct err *e) {
    struct pg *pg = of(db);
    ASSERT(!pg->in_tx);
    pg->failure = DB_FAILED;
    if (pg->unsettled)
        return err_set(e, ERR_OUTSIDE, "database %s: it is not known yet whether the latest commit was done",
                       pg->place);
    if (!pg_connect(pg, pg->patience_ms, e))
        return false;
    if (!have_batch_row(pg, e)) {
        pg->failure = pg->conn ? DB_FAILED : DB_AGAIN;
        return false;
    }
    pg->schema = false;
    return begin(pg, "BEGIN", e);
}

/* One lock for all that change this schema; it goes with the transaction. */
static bool pg_begin_schema(struct db *db, struct err *e) {
    struct pg *pg = of(db);
    ASSERT(!pg->in_tx);
    if (!pg_connect(pg, pg->patience_ms, e) || !begin(pg, "BEGIN", e))
        return false;
    pg->schema = true;
    struct err why = ERR_INIT;
    if (pg_send(pg, "SET LOCAL statement_timeout=0", &why) && pg_send(pg, "SET LOCAL lock_timeout=0", &why) &&
        pg_send(pg, "SELECT pg_advisory_xact_lock(hashtext('hongyan ' || current_schema()))", &why) &&
        pg_wait(pg, &why))
        return true;
    return spoil_e(pg, e, &why);
}

static void end_tx(struct pg *pg) {
    pg_gather_drop(pg);
    pg->in_tx = pg->spoiled = false;
}

static void pg_rollback(struct db *db) {
    struct pg *pg = of(db);
    struct err ignored = ERR_INIT; /* the server rolls back what it lost sight of */
    if (!pg->in_tx)
        return;
    if (pg->conn && pg->unread)
        (void)!pg_wait(pg, &ignored);
    if (pg->conn && pg_send(pg, "ROLLBACK", &ignored))
        (void)!pg_wait(pg, &ignored);
    end_tx(pg);
}

static bool send_mark(struct pg *pg, struct err *e) {
    char sql[256];
    if (!pg->wrote || pg->schema)
        return true;
    snprintf(
        sql, sizeof sql,
        "UPDATE db_batch SET number=CASE WHEN number=%lld THEN %lld END, begun_at=%lld WHERE connection=%lld",
        (long long)pg->batch, (long long)pg->batch + 1, (long long)clock_system_us(),
        (long long)pg->batch_key);
    return pg_send(pg, sql, e);
}

static bool pg_settle(struct db *db, bool *committed, struct err *e);

static bool pg_commit(struct db *db, struct err *e) {
    struct pg *pg = of(db);
    struct err why = ERR_INIT;
    ASSERT(pg->in_tx);
    if (!ready(pg, e))
        return false;
    if (!pg_gather_flush(pg, UINT64_MAX, &why) || !send_mark(pg, &why) || !pg_send(pg, "COMMIT", &why))
        return spoil_e(pg, e, &why);
    bool ok = pg_wait(pg, &why);
    if (ok && strcmp(PQcmdStatus(pg->last), "COMMIT") != 0)
        ok = err_set(&why, ERR_OUTSIDE, "database %s: the transaction was rolled back", pg->place);
    if (ok) {
        pg->batch += pg->wrote && !pg->schema;
        pg->clashes = 0;
        end_tx(pg);
        return true;
    }
    bool lost = !pg->conn;
    spoil_e(pg, e, &why);
    if (!lost || pg->schema)
        return false;
    if (!pg->wrote) /* nothing to commit; but its answers are not all there */
        return false;
    pg->unsettled = true;
    pg->failure = DB_UNSETTLED;
    end_tx(pg);
    bool committed = false;
    if (!pg_settle(db, &committed, &why))
        return false;
    if (!committed)
        pg->failure = DB_AGAIN;
    return committed;
}

/* The row is read under its lock, which a transaction that is still under way holds; and moved, so that one
 * which has not come so far yet fails. */
static bool ask_row(struct pg *pg, bool *committed, struct err *e) {
    char ask[128], move[128];
    int64_t number = 0;
    bool there;
    snprintf(ask, sizeof ask, "SELECT number FROM db_batch WHERE connection=%lld FOR UPDATE",
             (long long)pg->batch_key);
    snprintf(move, sizeof move, "UPDATE db_batch SET number=%lld WHERE connection=%lld",
             (long long)pg->batch + 2, (long long)pg->batch_key);
    if (!pg_send(pg, "BEGIN", e) || !pg_send(pg, "SET LOCAL lock_timeout='1s'", e) ||
        !one_number(pg, ask, &number, &there, e))
        return false;
    *committed = there && number == pg->batch + 1;
    if (!*committed && (!pg_send(pg, move, e) || !pg_wait(pg, e)))
        return false;
    return pg_send(pg, "COMMIT", e) && pg_wait(pg, e);
}

static bool pg_settle(struct db *db, bool *committed, struct err *e) {
    struct pg *pg = of(db);
    struct err ignored = ERR_INIT;
    *committed = false;
    if (!pg->unsettled)
        return true;
    if (!pg_connect(pg, pg->patience_ms, e))
        return false;
    if (!ask_row(pg, committed, e)) {
        if (pg->conn && pg_send(pg, "ROLLBACK", &ignored))
            (void)!pg_wait(pg, &ignored);
        return false;
    }
    pg->batch += *committed ? 1 : 2;
    pg->unsettled = false;
    return true;
}

static enum db_failure pg_failure(const struct db *db) {
    return ((const struct pg *)db)->failure;
}

/* ---- schema ---- */

static bool pg_script(struct db *db, const char *sql, struct err *e) {
    struct pg *pg = of(db);
    struct buf BUF_AUTO text = BUF_INIT(SCRIPT_MAX);
    struct pg_sql about;
    struct err why = ERR_INIT;
    if (!ready(pg, e))
        return false;
    if (!pg_sql_translate(sv_of(sql), &text, &about))
        err_set(&why, ERR_INTERNAL, "database: the script is too long");
    pg->wrote = true;
    if (why.kind == ERR_NONE && pg_gather_flush(pg, UINT64_MAX, &why) &&
        pg_exec(pg, text.n ? text.p : "", NULL, &why))
        return true;
    return spoil_e(pg, e, &why);
}

static bool pg_version(struct db *db, int *version, struct err *e) {
    struct pg *pg = of(db);
    struct err why = ERR_INIT;
    int64_t n = 0;
    bool there;
    *version = 0;
    if (!ready(pg, e))
        return false;
    if (!one_number(pg,
                    "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname=current_schema() AND "
                    "tablename='meta'",
                    &n, &there, &why) ||
        (n && !one_number(pg, "SELECT value FROM meta WHERE name='schema_version'", &n, &there, &why)))
        return spoil_e(pg, e, &why);
    *version = (int)n;
    return true;
}

static bool pg_set_version(struct db *db, int version, struct err *e) {
    char sql[160];
    snprintf(sql, sizeof sql,
             "INSERT INTO meta (name, value) VALUES ('schema_version', %d) ON CONFLICT (name) DO UPDATE SET "
             "value=excluded.value",
             version);
    return pg_script(db, sql, e);
}

/* A schema with tables that are not ours is another program's: not to be touched. */
static bool is_ours(struct pg *pg, struct err *e) {
    int64_t n = 0, ours = 0;
    bool there;
    static const char all[] = "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname=current_schema()";
    static const char known[] =
        "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname=current_schema() AND "
        "tablename IN ('meta', 'message', 'event')";
    if (!one_number(pg, "SELECT count(current_schema())", &n, &there, e))
        return false;
    if (n == 0)
        return err_set(e, ERR_OUTSIDE, "database %s: no schema of the search_path exists", pg->place);
    if (!one_number(pg, all, &n, &there, e) || !one_number(pg, known, &ours, &there, e))
        return false;
    return n == 0 || ours == 3 ||
           err_set(e, ERR_OUTSIDE,
                   "database %s: these are another program's tables: give `database` a database or schema of "
                   "its own",
                   pg->place);
}

static bool pg_check(struct db *db, struct err *e) {
    struct pg *pg = of(db);
    int64_t off = 0;
    bool there;
    static const char sql[] =
        "SELECT count(*) FROM pg_catalog.pg_settings WHERE name IN ('fsync', 'full_page_writes', "
        "'synchronous_commit') AND setting='off'";
    if (!ready(pg, e) || !one_number(pg, sql, &off, &there, e))
        return false;
    return off == 0 ||
           err_set(e, ERR_OUTSIDE,
                   "fsync, full_page_writes or synchronous_commit is off: after a crash of the server "
                   "messages that were accepted may be gone, or sent again");
}

/* ---- what only a file has ---- */

static bool pg_in_place(struct db *db, struct err *e) {
    (void)db;
    (void)e;
    return true;
}

static void pg_set_patience(struct db *db, int ms) {
    of(db)->patience_ms = ms;
}

static int64_t pg_wal_pages(const struct db *db) {
    (void)db;
    return 0;
}

static bool pg_checkpoint(struct db *db, bool wait, struct err *e) {
    (void)db;
    (void)wait;
    (void)e;
    return true;
}

/* The server's own log and free space are its own: docs/postgresql.md says when what was erased is gone from
 * them. */
static bool pg_scrub(struct db *db, int ms, struct err *e) {
    (void)db;
    (void)ms;
    (void)e;
    return true;
}

static void pg_close(struct db *db) {
    struct pg *pg = of(db);
    struct err ignored = ERR_INIT;
    char sql[128];
    pg_rollback(db);
    if (pg->conn && pg->batch_key && !pg->unsettled) {
        snprintf(sql, sizeof sql, "DELETE FROM db_batch WHERE connection=%lld", (long long)pg->batch_key);
        if (pg_send(pg, sql, &ignored))
            (void)!pg_wait(pg, &ignored);
    }
    pg_disconnect(pg);
    free(pg->conninfo);
    free(pg);
}

static const struct db_driver pg_driver = {
    .name = "postgres",
    .close = pg_close,
    .in_place = pg_in_place,
    .set_patience = pg_set_patience,
    .begin = db_pg_begin,
    .begin_schema = pg_begin_schema,
    .commit = pg_commit,
    .rollback = pg_rollback,
    .script = pg_script,
    .version = pg_version,
    .set_version = pg_set_version,
    .check = pg_check,
    .failure = pg_failure,
    .settle = pg_settle,
    .stmt_new = pg_stmt_new,
    .stmt_reset = pg_stmt_reset,
    .stmt_free = pg_stmt_free,
    .bind_int = pg_bind_int,
    .bind_text = pg_bind_text,
    .bind_blob = pg_bind_blob,
    .run = pg_run,
    .put = pg_put,
    .next = pg_next,
    .col_int = pg_col_int,
    .col_text = pg_col_text,
    .changes = pg_changes,
    .wal_pages = pg_wal_pages,
    .checkpoint = pg_checkpoint,
    .scrub = pg_scrub,
    .shut = pg_shut,
    .unshut = pg_unshut,
    .number_on = pg_number_on,
    .add_kept = pg_add_kept,
};

struct db *db_pg_open(struct sv url, enum db_mode mode, struct err *e) {
    struct pg *pg = calloc(1, sizeof *pg);
    struct buf BUF_AUTO text = BUF_INIT(CONNINFO_MAX);
    ASSERT(pg);
    *pg = (struct pg){.db.driver = &pg_driver, .mode = mode, .patience_ms = PATIENCE_MS, .gathers = true};
    if (!buf_add(&text, url)) {
        err_set(e, ERR_INVALID, "database: the connection string is too long");
        db_close(&pg->db);
        return NULL;
    }
    pg->conninfo = buf_steal(&text);
    struct err why = ERR_INIT;
    char *told = NULL;
    PQconninfoOption *options = PQconninfoParse(pg->conninfo, &told);
    bool ok =
        options || err_set(&why, ERR_INVALID, "database: PostgreSQL's connection string is not well-formed");
    PQconninfoFree(options);
    PQfreemem(told);             /* it may repeat a password */
    if (ok && mode == DB_READER) /* a server that is just starting anew is seen by whoever reads */
        (void)!pg_connect(pg, 0, &(struct err){.kind = ERR_NONE});
    else
        ok = ok && pg_connect(pg, 0, &why) && is_ours(pg, &why);
    if (ok)
        return &pg->db;
    if (e)
        *e = why;
    db_close(&pg->db);
    return NULL;
}
