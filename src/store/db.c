#include "store/db.h"

#include "base/buf.h"
#include "base/map.h"
#include "store/place.h"

#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

enum { BUSY_MS = 2000, STATEMENTS_MAX = 1024 /* all the program has, and half of it free: check_plans.py */ };

struct db_stmt {
    struct db *db;
    sqlite3_stmt *s;
    int next_param;
};

struct db {
    sqlite3 *sqlite;
    struct map statements; /* sql pointer -> struct db_stmt, owned */
    int64_t wal_pages;
    int patience_ms;
    struct place place;
    bool (*allow)(void *ctx);
    void *allow_ctx;
};

static bool fail(struct db *db, const char *doing, struct err *e) {
    int code = sqlite3_extended_errcode(db->sqlite);
    const char *why = sqlite3_errmsg(db->sqlite);
    const char *mend = "";
    /* Our own rows contradict each other, or a call is misused: going on could store nonsense, so stop. What
     * was not yet committed is as after a lost lease. */
    if ((code & 0xff) == SQLITE_CONSTRAINT || (code & 0xff) == SQLITE_MISUSE ||
        (code & 0xff) == SQLITE_RANGE) {
        fprintf(stderr, "bug: database: %s: %s (SQLite %d)\n", doing, why, code);
        abort();
    }
    if ((code & 0xff) == SQLITE_FULL)
        mend = "; the disk is full: free some space, nothing accepted so far is lost";
    else if ((code & 0xff) == SQLITE_READONLY)
        mend = "; the database or its folder is read-only for this user";
    else if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
        mend = "; restore the file from a backup, or move it away to start with an empty one";
    else if ((code & 0xff) == SQLITE_IOERR)
        mend = "; the disk fails or is full";
    const char *path = sqlite3_db_filename(db->sqlite, NULL);
    return err_set(e, ERR_OUTSIDE, "database %s: %s: %s (SQLite %d)%s", path ? path : "", doing, why, code,
                   mend);
}

static int on_wal(void *ctx, sqlite3 *sqlite, const char *name, int pages) {
    (void)sqlite;
    (void)name;
    ((struct db *)ctx)->wal_pages = pages;
    return SQLITE_OK;
}

static bool pragma(struct db *db, const char *sql, struct err *e) {
    return sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK || fail(db, sql, e);
}

/* A database with tables that are not ours is another program's: not to be touched, not even its header. */
static bool is_ours(struct db *db, struct err *e) {
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

static bool configure(struct db *db, enum db_mode mode, struct err *e) {
    db_set_patience(db, BUSY_MS);
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

struct db *db_open(struct sv url, enum db_mode mode, struct err *e) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up_sqlite);
    if (mode != DB_MEMORY && !sv_starts(url, SV("sqlite:"))) {
        err_set(e, ERR_INVALID, "database: `%.*s` is not of the form sqlite:PATH", SV_FMT(url));
        return NULL;
    }
    struct buf BUF_AUTO path = BUF_INIT(4096);
    buf_add(&path, mode == DB_MEMORY ? SV(":memory:") : sv_from(url, 7));
    struct db *db = calloc(1, sizeof *db);
    if (!db || path.overflow || !path.n) {
        free(db);
        err_set(e, ERR_OUTSIDE, "database: no path, or out of memory");
        return NULL;
    }
    int flags = SQLITE_OPEN_NOMUTEX |
                (mode == DB_READER ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (sqlite3_open_v2(path.p, &db->sqlite, flags, NULL) != SQLITE_OK) {
        if (db->sqlite)
            err_set(e, ERR_OUTSIDE, "database: cannot open %s: %s", path.p, sqlite3_errmsg(db->sqlite));
        db_close(db);
        return NULL;
    }
    struct err why = ERR_INIT;
    if (!configure(db, mode, &why)) {
        err_set(e, why.kind, "%s: %s", path.p, why.text);
        db_close(db);
        return NULL;
    }
    place_init(&db->place, sqlite3_db_filename(db->sqlite, NULL));
    return db;
}

void db_close(struct db *db) {
    if (!db)
        return;
    for (size_t i = 0; i < db->statements.cap; i++) {
        struct db_stmt *s = db->statements.slots[i].value;
        if (s) {
            sqlite3_finalize(s->s);
            free(s);
        }
    }
    map_done(&db->statements);
    sqlite3_close(db->sqlite);
    free(db);
}

static bool injected(struct db *db, struct err *e) {
    if (!db->allow || db->allow(db->allow_ctx))
        return false;
    err_set(e, ERR_OUTSIDE, "database: injected failure");
    return true;
}

static bool exec(struct db *db, const char *sql, struct err *e) {
    if (injected(db, e))
        return false;
    return sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK || fail(db, "script", e);
}

bool db_in_place(struct db *db, struct err *e) {
    return place_holds(&db->place, e);
}

void db_set_patience(struct db *db, int ms) {
    db->patience_ms = ms;
    sqlite3_busy_timeout(db->sqlite, ms);
}

bool db_begin(struct db *db, struct err *e) {
    struct db_stmt *s = db_stmt(db, "BEGIN IMMEDIATE", e);
    return db_run(s, e);
}

bool db_commit(struct db *db, struct err *e) {
    struct db_stmt *s = db_stmt(db, "COMMIT", e);
    return db_run(s, e);
}

void db_rollback(struct db *db) {
    if (!sqlite3_get_autocommit(db->sqlite))
        sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

bool db_script(struct db *db, const char *sql, struct err *e) {
    return exec(db, sql, e);
}

struct db_stmt *db_stmt(struct db *db, const char *sql, struct err *e) {
    uint64_t key = (uint64_t)(uintptr_t)sql;
    struct db_stmt *s = map_get(&db->statements, key);
    if (!s) {
        sqlite3_stmt *prepared;
        if (sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared, NULL) !=
            SQLITE_OK) {
            fail(db, "prepare", e);
            return NULL;
        }
        s = calloc(1, sizeof *s);
        ASSERT(s);
        s->db = db;
        s->s = prepared;
        map_put(&db->statements, key, s);
        ASSERT(db->statements.n <= STATEMENTS_MAX); /* SQL is constant text: a growing cache is a bug */
    }
    sqlite3_reset(s->s);
    s->next_param = 1;
    return s;
}

void db_int(struct db_stmt *s, int64_t v) {
    if (s)
        sqlite3_bind_int64(s->s, s->next_param++, v);
}

void db_int_or_null(struct db_stmt *s, int64_t v) {
    if (v)
        db_int(s, v);
    else if (s)
        sqlite3_bind_null(s->s, s->next_param++);
}

void db_text(struct db_stmt *s, struct sv v) {
    if (s)
        sqlite3_bind_text(s->s, s->next_param++, v.n ? v.p : "", (int)v.n, SQLITE_STATIC);
}

void db_text_or_null(struct db_stmt *s, struct sv v) {
    if (v.n)
        db_text(s, v);
    else if (s)
        sqlite3_bind_null(s->s, s->next_param++);
}

void db_blob(struct db_stmt *s, const void *p, size_t n) {
    if (s)
        sqlite3_bind_blob(s->s, s->next_param++, p, (int)n, SQLITE_STATIC);
}

bool db_next(struct db_stmt *s, bool *row, struct err *e) {
    if (!s)
        return false;
    if (injected(s->db, e)) {
        sqlite3_reset(s->s);
        return false;
    }
    int rc = sqlite3_step(s->s);
    *row = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW)
        return true;
    bool ok = rc == SQLITE_DONE || fail(s->db, "run", e);
    sqlite3_reset(s->s);
    return ok;
}

bool db_run(struct db_stmt *s, struct err *e) {
    bool row;
    do {
        if (!db_next(s, &row, e))
            return false;
    } while (row);
    return true;
}

int64_t db_col_int(struct db_stmt *s, int col) {
    return sqlite3_column_int64(s->s, col);
}

struct sv db_col_text(struct db_stmt *s, int col) {
    const void *p = sqlite3_column_blob(s->s, col);
    int n = sqlite3_column_bytes(s->s, col);
    return p ? sv_make(p, (size_t)n) : SV_NONE;
}

void db_end(struct db_stmt *s) {
    if (s)
        sqlite3_reset(s->s);
}

int64_t db_changes(const struct db *db) {
    return sqlite3_changes64(db->sqlite);
}

int64_t db_wal_pages(const struct db *db) {
    return db->wal_pages;
}

bool db_checkpoint(struct db *db, bool wait, struct err *e) {
    int log = 0, moved = 0;
    int rc = sqlite3_wal_checkpoint_v2(
        db->sqlite, NULL, wait ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, &log, &moved);
    if (rc == SQLITE_BUSY)
        return true; /* a reader is in the way: next time */
    if (rc != SQLITE_OK)
        return fail(db, "checkpoint", e);
    if (wait)
        db->wal_pages = 0;
    return true;
}

bool db_scrub(struct db *db, int ms, struct err *e) {
    int log = 0, moved = 0;
    sqlite3_busy_timeout(db->sqlite, ms);
    int rc = sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_TRUNCATE, &log, &moved);
    sqlite3_busy_timeout(db->sqlite, db->patience_ms);
    if (rc != SQLITE_OK)
        return fail(db, "checkpoint", e);
    db->wal_pages = 0;
    return true;
}

void db_inject(struct db *db, bool (*allow)(void *ctx), void *ctx) {
    db->allow = allow;
    db->allow_ctx = ctx;
}
