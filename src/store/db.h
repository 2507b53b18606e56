/* db: the one place that speaks to a database. SQL is written once, in this room; a driver runs it.
 *
 * There are two: SQLite in WAL mode with synchronous=FULL (db_sqlite.c), and PostgreSQL (pg.h, which also
 * says what of SQL both understand). With either, a commit that returned true is on disk. One writer (the
 * journal thread, or a command-line tool that may wait for it) and any number of readers, each with a
 * connection of its own. A connection and its statements belong to one thread. Statements are prepared on
 * first use and kept.
 */
#ifndef HY_STORE_DB_H
#define HY_STORE_DB_H

#include "base/err.h"
#include "base/sv.h"

struct db;
struct db_stmt;

enum db_mode { DB_WRITER, DB_READER, DB_MEMORY }; /* DB_MEMORY: a private database for tests */

/* url: "sqlite:PATH", or what libpq takes for PostgreSQL: "postgres://HOST/DATABASE", "host=... dbname=...".
 * ERR_OUTSIDE with the path or host and reason: unreadable, not a database, corrupt, read-only, not reached
 * (a reader of PostgreSQL finds that out when it reads).
 */
MUST_USE struct db *db_open(struct sv url, enum db_mode mode, struct err *e);
void db_close(struct db *db);

/* Does url name a PostgreSQL database? */
bool db_is_postgres(struct sv url);
/* Is it SQLite's? */
bool db_is_file(const struct db *db);

/* Is the file under its path still the one that is open? See place.h. */
MUST_USE bool db_in_place(struct db *db, struct err *e);
/* How long this connection waits for another one's write, or for a server that went away, from now on; 2 s
 * after opening. */
void db_set_patience(struct db *db, int ms);

MUST_USE bool db_begin(struct db *db, struct err *e);
MUST_USE bool db_commit(struct db *db, struct err *e);
/* To be done by the commit of the transaction that is open, before it; where that fails, it does. */
void db_before_commit(struct db *db, bool (*run)(struct db *db, struct err *e));
void db_rollback(struct db *db); /* fine when nothing is open */
/* A transaction that changes the schema: nobody else's does at the same time. */
MUST_USE bool db_begin_schema(struct db *db, struct err *e);

/* What to make of the latest failure inside a transaction, or of its commit. */
enum db_failure {
    DB_FAILED, /* nothing of it is stored */
    DB_AGAIN,  /* likewise, and the same transaction done once more may well come through: it met another */
    DB_UNSETTLED, /* the commit was sent and its answer was not seen: it is stored, or it is not */
};
enum db_failure db_failure(const struct db *db);
/* Finds out what became of an unsettled transaction, once the database can be reached again; from then on it
 * cannot be committed any more where it was not. Until that is known no transaction begins on this
 * connection. */
MUST_USE bool db_settle(struct db *db, bool *committed, struct err *e);

/* The number of the newest migration that was done; 0: none. */
MUST_USE bool db_version(struct db *db, int *version, struct err *e);
MUST_USE bool db_set_version(struct db *db, int version, struct err *e);
/* Is the database sound, and set up so that what is committed is kept? For a person who asks: it may take
 * long. */
MUST_USE bool db_check(struct db *db, struct err *e);
/* Several statements, no parameters: migrations. */
MUST_USE bool db_script(struct db *db, const char *sql, struct err *e);

/* sql must be a string that lives as long as db, the same pointer each time: it is the cache's key. The
 * statement comes reset and unbound. NULL and ERR_OUTSIDE on failure: binding to NULL does nothing, and
 * running it fails with that error, so that only those who do more in between need to look. */
MUST_USE struct db_stmt *db_stmt(struct db *db, const char *sql, struct err *e);
/* Binds the next parameter, counting from 1. Texts and blobs must live until the statement is reset or run
 * again. */
void db_int(struct db_stmt *s, int64_t v);
void db_int_or_null(struct db_stmt *s, int64_t v); /* 0 is NULL */
void db_text(struct db_stmt *s, struct sv v);
void db_text_or_null(struct db_stmt *s, struct sv v); /* empty is NULL */
void db_blob(struct db_stmt *s, const void *p, size_t n);
/* Runs to the end, for statements without rows. Inside a transaction a driver may only send it: its failure
 * is then told by what comes after it, at the latest by the commit. */
MUST_USE bool db_run(struct db_stmt *s, struct err *e);
/* The same, and nobody asks for db_changes: the driver may gather such rows inside a transaction and write
 * them at once. They are seen by every statement behind it. Texts and blobs are copied. */
MUST_USE bool db_put(struct db_stmt *s, struct err *e);
/* Steps to the next row: *row says whether there is one. */
MUST_USE bool db_next(struct db_stmt *s, bool *row, struct err *e);
int64_t db_col_int(struct db_stmt *s, int col);    /* NULL reads as 0 */
struct sv db_col_text(struct db_stmt *s, int col); /* valid until the next step */
/* Where only that is asked, the statement ended behind it: is there a row? */
MUST_USE bool db_any(struct db_stmt *s, bool *any, struct err *e);
/* The number that the first row begins with; 0 where there is no row, or it is NULL. Ended as well. */
MUST_USE bool db_value(struct db_stmt *s, int64_t *v, struct err *e);
/* Ends reading early. */
void db_end(struct db_stmt *s);
/* Rows changed by the latest insert, update or delete. */
int64_t db_changes(struct db *db);

/* Pages in the write-ahead log after the latest commit; 0 after a checkpoint that reset it. */
int64_t db_wal_pages(const struct db *db);
/* Moves pages from the log into the database without hindering readers or the writer; wait: also waits for
 * them and starts the log afresh. */
bool db_checkpoint(struct db *db, bool wait, struct err *e);

/* The same, and nothing is left in the log's file; false also when others are in the way for longer than ms.
 */
MUST_USE bool db_scrub(struct db *db, int ms, struct err *e);

/* For tests: called before every step and commit; false makes that one fail as a full disk would. */
void db_inject(struct db *db, bool (*allow)(void *ctx), void *ctx);

#endif
