/* SQLite, the driver of a lone gateway: see db.h. */
#include "base/buf.h"
#include "store/db_driver.h"
#include "store/place.h"

#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

enum { BUSY_MS = 2000 };

struct lite_stmt {
    struct db_stmt stmt;
    sqlite3_stmt *s;
    int next_param;
};

struct lite {
    struct db db;
    sqlite3 *sqlite;
    int64_t wal_pages;
    int patience_ms;
    struct place place;
};

static struct lite *lite_of(struct db *db) {
    return (struct lite *)db;
}

static struct lite_stmt *of(struct db_stmt *s) {
    return (struct lite_stmt *)s;
}

static bool fail(struct lite *db, const char *doing, struct err *e) {
    int code = sqlite3_extended_errcode(db->sqlite);
    const char *why = sqlite3_errmsg(db->sqlite);
    const char *mend = "", *path = sqlite3_db_filename(db->sqlite, NULL);
    if (code == SQLITE_CONSTRAINT_TRIGGER) /* only lite_shut's raise anything */
        return err_set(e, ERR_OUTSIDE, "database %s: %s", path ? path : "", why);
    /* Our own rows contradict each other, or a call is misused: going on could store nonsense, so stop. What
     * was not yet committed is as after a lost lease. */
    if ((code & 0xff) == SQLITE_CONSTRAINT || (code & 0xff) == SQLITE_MISUSE ||
        (code & 0xff) == SQLITE_RANGE) {
        fprintf(stderr, "bug: database: %s: %s (SQLite %d)\n", doing, why, code);
        abort();
    }
    if ((code & 0xff) == SQLITE_FULL)
        mend = "; the disk is full: free some space; what was stored before is there";
    else if ((code & 0xff) == SQLITE_READONLY)
        mend = "; the database or its folder is read-only for this user";
    else if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
        mend = "; restore the file from a backup, or move it away to start with an empty one";
    else if ((code & 0xff) == SQLITE_IOERR)
        mend = "; the disk fails or is full";
    return err_set(e, ERR_OUTSIDE, "database %s: %s: %s (SQLite %d)%s", path ? path : "", doing, why, code,
                   mend);
}

static int on_wal(void *ctx, sqlite3 *sqlite, const char *name, int pages) {
    (void)sqlite;
    (void)name;
    ((struct lite *)ctx)->wal_pages = pages;
    return SQLITE_OK;
}

static bool pragma(struct lite *db, const char *sql, struct err *e) {
    return sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK || fail(db, sql, e);
}

/* A database with tables that are not ours is another program's: not to be touched, not even its header. */
static bool is_ours(struct lite *db, struct err *e) {
    static const char sql[] =
        "SELECT count(*), sum(name IN ('meta', 'message', 'event')) FROM sqlite_master WHERE "
        "type='table' AND name NOT LIKE 'sqlite_%'";
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(db->sqlite, sql, -1, &s, NULL) != SQLITE_OK)
        return fail(db, "open", e);
    bool row = sqlite3_step(s) == SQLITE_ROW;
    bool ours = row && (sqlite3_column_int(s, 0) == 0 || sqlite3_column_int(s, 1) == 3);
    sqlite3_finalize(s);
    if (!row)
        return fail(db, "open", e);
    return ours ||
           err_set(e, ERR_OUTSIDE, "this is another program's database: give `database` a file of its own");
}

static void lite_set_patience(struct db *db, int ms) {
    struct lite *l = lite_of(db);
    l->patience_ms = ms;
    sqlite3_busy_timeout(l->sqlite, ms);
}

static bool configure(struct lite *db, enum db_mode mode, struct err *e) {
    lite_set_patience(&db->db, BUSY_MS);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (mode == DB_READER)
        return pragma(db, "PRAGMA query_only=ON", e) && pragma(db, "PRAGMA cache_size=-2000", e) &&
               pragma(db, "PRAGMA mmap_size=268435456", e);
    if (mode == DB_MEMORY)
        return pragma(db, "PRAGMA foreign_keys=ON", e);
    if (!is_ours(db, e))
        return false;
    /* The log is moved by db_checkpoint, not inside a commit: a commit's time must not depend on it. */
    bool ok = pragma(db, "PRAGMA journal_mode=WAL", e) && pragma(db, "PRAGMA synchronous=FULL", e) &&
              pragma(db, "PRAGMA wal_autocheckpoint=0", e) && pragma(db, "PRAGMA cache_size=-16000", e) &&
              pragma(db, "PRAGMA foreign_keys=ON", e) && pragma(db, "PRAGMA temp_store=MEMORY", e) &&
              /* What is deleted is gone from the file, too (store/erasures.h). */
              pragma(db, "PRAGMA secure_delete=ON", e);
    sqlite3_wal_hook(db->sqlite, on_wal, db);
    return ok;
}

/* SQLite's memory statistics cost a process-wide lock at every allocation, and nobody reads them. */
static void set_up_sqlite(void) {
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static bool lite_in_place(struct db *db, struct err *e) {
    return place_holds(&lite_of(db)->place, e);
}

static bool exec(struct db *db, const char *sql, struct err *e) {
    struct lite *l = lite_of(db);
    return sqlite3_exec(l->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK || fail(l, "run", e);
}

static bool step(struct db_stmt *s, bool *row, struct err *e) {
    int rc = sqlite3_step(of(s)->s);
    *row = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW)
        return true;
    bool ok = rc == SQLITE_DONE || fail(lite_of(s->db), "run", e);
    sqlite3_reset(of(s)->s);
    return ok;
}

static bool run(struct db_stmt *s, struct err *e) {
    bool row;
    do {
        if (!step(s, &row, e))
            return false;
    } while (row);
    return true;
}

static bool lite_begin(struct db *db, struct err *e) {
    return exec(db, "BEGIN IMMEDIATE", e);
}

static bool lite_commit(struct db *db, struct err *e) {
    return exec(db, "COMMIT", e);
}

static void lite_rollback(struct db *db) {
    if (!sqlite3_get_autocommit(lite_of(db)->sqlite))
        sqlite3_exec(lite_of(db)->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

/* What a statement that is not kept says in its first row's first column. */
static bool ask(struct db *db, const char *sql, int *number, struct buf *text, struct err *e) {
    struct lite *l = lite_of(db);
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(l->sqlite, sql, -1, &s, NULL) != SQLITE_OK)
        return fail(l, "prepare", e);
    bool ok = sqlite3_step(s) == SQLITE_ROW || fail(l, "run", e);
    if (ok && number)
        *number = sqlite3_column_int(s, 0);
    if (ok && text)
        buf_adds(text, (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    return ok;
}

static bool lite_version(struct db *db, int *version, struct err *e) {
    return ask(db, "PRAGMA user_version", version, NULL, e);
}

static bool lite_set_version(struct db *db, int version, struct err *e) {
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA user_version=%d", version);
    return exec(db, sql, e);
}

static bool lite_check(struct db *db, struct err *e) {
    struct buf BUF_AUTO said = BUF_INIT(300);
    if (!ask(db, "PRAGMA quick_check(1)", NULL, &said, e))
        return false;
    return sv_eq(buf_sv(&said), SV("ok")) || err_set(e, ERR_OUTSIDE, "%.*s", SV_FMT(buf_sv(&said)));
}

/* A statement fails here, or it does not: nothing is ever open. */
static enum db_failure lite_failure(const struct db *db) {
    (void)db;
    return DB_FAILED;
}

static bool lite_settle(struct db *db, bool *committed, struct err *e) {
    (void)db;
    (void)e;
    *committed = false;
    return true;
}

static struct db_stmt *lite_stmt_new(struct db *db, const char *sql, struct err *e) {
    sqlite3_stmt *prepared;
    if (sqlite3_prepare_v3(lite_of(db)->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared, NULL) !=
        SQLITE_OK) {
        fail(lite_of(db), "prepare", e);
        return NULL;
    }
    struct lite_stmt *s = calloc(1, sizeof *s);
    ASSERT(s);
    s->s = prepared;
    return &s->stmt;
}

static void lite_stmt_reset(struct db_stmt *s) {
    sqlite3_reset(of(s)->s);
    of(s)->next_param = 1;
}

static void lite_stmt_free(struct db_stmt *s) {
    sqlite3_finalize(of(s)->s);
    free(s);
}

static void lite_bind_int(struct db_stmt *s, const int64_t *v) {
    if (v)
        sqlite3_bind_int64(of(s)->s, of(s)->next_param++, *v);
    else
        sqlite3_bind_null(of(s)->s, of(s)->next_param++);
}

static void lite_bind_text(struct db_stmt *s, const struct sv *v) {
    if (v)
        sqlite3_bind_text(of(s)->s, of(s)->next_param++, v->n ? v->p : "", (int)v->n, SQLITE_STATIC);
    else
        sqlite3_bind_null(of(s)->s, of(s)->next_param++);
}

static void lite_bind_blob(struct db_stmt *s, const void *p, size_t n) {
    sqlite3_bind_blob(of(s)->s, of(s)->next_param++, p, (int)n, SQLITE_STATIC);
}

static int64_t lite_col_int(struct db_stmt *s, int col) {
    return sqlite3_column_int64(of(s)->s, col);
}

static struct sv lite_col_text(struct db_stmt *s, int col) {
    const void *p = sqlite3_column_blob(of(s)->s, col);
    int n = sqlite3_column_bytes(of(s)->s, col);
    return p ? sv_make(p, (size_t)n) : SV_NONE;
}

static int64_t lite_changes(struct db *db) {
    return sqlite3_changes64(lite_of(db)->sqlite);
}

static int64_t lite_wal_pages(const struct db *db) {
    return ((const struct lite *)db)->wal_pages;
}

static bool lite_checkpoint(struct db *db, bool wait, struct err *e) {
    struct lite *l = lite_of(db);
    int log = 0, moved = 0;
    int rc = sqlite3_wal_checkpoint_v2(
        l->sqlite, NULL, wait ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, &log, &moved);
    if (rc == SQLITE_BUSY)
        return true; /* a reader is in the way: next time */
    if (rc != SQLITE_OK)
        return fail(l, "checkpoint", e);
    if (wait)
        l->wal_pages = 0;
    return true;
}

static bool lite_scrub(struct db *db, int ms, struct err *e) {
    struct lite *l = lite_of(db);
    int log = 0, moved = 0;
    sqlite3_busy_timeout(l->sqlite, ms);
    int rc = sqlite3_wal_checkpoint_v2(l->sqlite, NULL, SQLITE_CHECKPOINT_TRUNCATE, &log, &moved);
    sqlite3_busy_timeout(l->sqlite, l->patience_ms);
    if (rc != SQLITE_OK)
        return fail(l, "checkpoint", e);
    l->wal_pages = 0;
    return true;
}

/* ---- moving away ---- */

static const char *const writes[] = {"INSERT", "UPDATE", "DELETE"};
enum { WRITES = 3 };

static bool lite_shut(struct db *db, const char *table, struct sv words, struct err *e) {
    for (int i = 0; i < WRITES; i++) {
        char *sql = sqlite3_mprintf("CREATE TRIGGER IF NOT EXISTS shut_%s_%s BEFORE %s ON %s BEGIN SELECT "
                                    "RAISE(ABORT, '%.*q'); END",
                                    table, writes[i], writes[i], table, (int)words.n, words.p);
        ASSERT(sql);
        bool ok = exec(db, sql, e);
        sqlite3_free(sql);
        if (!ok)
            return false;
    }
    return true;
}

static bool lite_unshut(struct db *db, const char *table, struct err *e) {
    for (int i = 0; i < WRITES; i++) {
        char sql[160];
        snprintf(sql, sizeof sql, "DROP TRIGGER IF EXISTS shut_%s_%s", table, writes[i]);
        if (!exec(db, sql, e))
            return false;
    }
    return true;
}

/* It gives the greatest there is, and one, as it is. */
static bool lite_number_on(struct db *db, const char *table, const char *column, struct err *e) {
    (void)db;
    (void)table;
    (void)column;
    (void)e;
    return true;
}

static bool lite_add_kept(struct db *db, struct sv text, struct buf *out) {
    (void)db;
    (void)text;
    (void)out;
    return false;
}

/* Each connection holds a lock as long as it is open, which this mode does not share (sqlite.org/wal.html,
 * section 8; sqlite.org/pragma.html#pragma_locking_mode). */
bool db_sqlite_in_use(struct sv where, bool *used, struct err *e) {
    struct buf BUF_AUTO path = BUF_INIT(4096);
    sqlite3 *sqlite = NULL;
    *used = false;
    buf_add(&path, where);
    int rc = path.n && !path.overflow ? sqlite3_open_v2(path.p, &sqlite, SQLITE_OPEN_READWRITE, NULL)
                                      : SQLITE_CANTOPEN;
    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(sqlite, BUSY_MS);
        rc = sqlite3_exec(sqlite, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; ROLLBACK", NULL, NULL,
                          NULL);
    }
    *used = rc == SQLITE_BUSY;
    bool ok = rc == SQLITE_OK || *used ||
              err_set(e, ERR_OUTSIDE, "database %.*s: %s", SV_FMT(where),
                      sqlite ? sqlite3_errmsg(sqlite) : "its path is empty or too long");
    sqlite3_close(sqlite);
    return ok;
}

static void lite_close(struct db *db) {
    sqlite3_close(lite_of(db)->sqlite);
    free(db);
}

static const struct db_driver lite_driver = {
    .name = "sqlite",
    .is_file = true,
    .close = lite_close,
    .in_place = lite_in_place,
    .set_patience = lite_set_patience,
    .begin = lite_begin,
    .begin_schema = lite_begin,
    .commit = lite_commit,
    .rollback = lite_rollback,
    .script = exec,
    .version = lite_version,
    .set_version = lite_set_version,
    .check = lite_check,
    .failure = lite_failure,
    .settle = lite_settle,
    .stmt_new = lite_stmt_new,
    .stmt_reset = lite_stmt_reset,
    .stmt_free = lite_stmt_free,
    .bind_int = lite_bind_int,
    .bind_text = lite_bind_text,
    .bind_blob = lite_bind_blob,
    .run = run,
    .put = run,
    .next = step,
    .col_int = lite_col_int,
    .col_text = lite_col_text,
    .changes = lite_changes,
    .wal_pages = lite_wal_pages,
    .checkpoint = lite_checkpoint,
    .scrub = lite_scrub,
    .shut = lite_shut,
    .unshut = lite_unshut,
    .number_on = lite_number_on,
    .add_kept = lite_add_kept,
};

struct db *db_sqlite_open(struct sv where, enum db_mode mode, struct err *e) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up_sqlite);
    struct buf BUF_AUTO path = BUF_INIT(4096);
    buf_add(&path, where);
    struct lite *db = calloc(1, sizeof *db);
    if (!db || path.overflow || !path.n) {
        free(db);
        err_set(e, ERR_OUTSIDE, "database: no path, or out of memory");
        return NULL;
    }
    db->db.driver = &lite_driver;
    int flags = SQLITE_OPEN_NOMUTEX |
                (mode == DB_READER ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (sqlite3_open_v2(path.p, &db->sqlite, flags, NULL) != SQLITE_OK) {
        if (db->sqlite)
            err_set(e, ERR_OUTSIDE, "database: cannot open %s: %s", path.p, sqlite3_errmsg(db->sqlite));
        db_close(&db->db);
        return NULL;
    }
    struct err why = ERR_INIT;
    if (!configure(db, mode, &why)) {
        err_set(e, why.kind, "%s: %s", path.p, why.text);
        db_close(&db->db);
        return NULL;
    }
    place_init(&db->place, sqlite3_db_filename(db->sqlite, NULL));
    return &db->db;
}
