/* pg: the PostgreSQL driver's own parts: a connection, statements, and rows gathered to be written at once.
 *
 * The SQL of this room is what both databases understand, and pg_sql.c says the few things that PostgreSQL
 * calls by another name: ? is $n, INTEGER is BIGINT, BLOB is BYTEA, TEXT has the order of bytes (COLLATE
 * "C"), max(a, b) is greatest(a, b); WITHOUT ROWID and INDEXED BY are left out, and what stands in a comment
 * that begins with pg is for PostgreSQL alone (a lock, a hint). What a statement has to keep to
 * (tests/store/check_postgres.py looks): in ON CONFLICT ... DO UPDATE the columns of the row that is there
 * are written with their table's name; a parameter is compared (?<>0) where a truth is wanted.
 *
 * Every value travels as binary. A parameter has the type that it is bound as: int8, text or bytea. A text
 * that PostgreSQL cannot hold (a NUL byte, or no UTF-8) is written with U+FFFD where it cannot.
 *
 * Inside a transaction a statement without rows is only sent, in libpq's pipeline mode; whoever wants rows,
 * or db_changes, waits for all before it, too. The first failure makes the rest of the transaction fail, as
 * it does in PostgreSQL itself.
 *
 * A commit whose answer was not seen is found out by a row of the connection's own (table db_batch): each
 * transaction that writes moves it one number on, and only from the number that it knows; so that after a new
 * connection the row's number says whether that transaction was committed, and moving the row makes one that
 * is still on its way fail. (pg_xact_status would not do: after a crash or a fail-over PostgreSQL may give
 * the number of a transaction that was not written to another. docs/decisions/0030.)
 */
#ifndef HY_STORE_PG_H
#define HY_STORE_PG_H

#include "base/buf.h"
#include "store/db_driver.h"

#include <libpq-fe.h>

enum {
    PG_INT8 = 20, /* OIDs of pg_type.dat, which never change */
    PG_TEXT = 25,
    PG_BYTEA = 17,
    PG_PARAMS_MAX = 64,
};

struct pg_param {
    Oid type;
    bool null;
    const char *p; /* borrowed, or be, or the statement's own */
    int n;
    char be[8];
    struct buf mended; /* owned: a text that had to be written otherwise */
};

struct pg_gather;

struct pg_stmt {
    struct db_stmt stmt;
    char *sql; /* owned: for PostgreSQL */
    bool undoes;
    uint64_t tables; /* a bit for each that it names; two may share one */
    bool reads;      /* it gives rows */
    unsigned n_params, next_param;
    struct pg_param *params; /* owned, n_params */
    unsigned number;         /* its name on the server is s<number> */
    unsigned prepared;       /* on which connection; 0: none */
    bool preparing;          /* and the answer to that was not read yet: */
    struct pg_stmt *next_preparing;
    PGresult *result; /* owned: the rows that are being read */
    int row;
    struct buf scratch;       /* numbers that are asked for as text */
    struct pg_gather *gather; /* owned; NULL: its rows cannot be gathered */
};

struct pg {
    struct db db;
    char *conninfo;  /* owned; may hold a password, so never told */
    char place[160]; /* what is told instead: host, port, database */
    enum db_mode mode;
    PGconn *conn;        /* NULL: lost, or not yet */
    unsigned generation; /* counts the connections */
    unsigned names;      /* of statements */
    int patience_ms;
    int64_t retry_at, retry_us; /* not before; and how long after the next failure */
    bool gathers;               /* off for those who measure what gathering is worth */
    bool in_tx, schema;         /* schema: a transaction of db_begin_schema */
    bool wrote;                 /* this transaction has */
    bool spoiled;               /* it has failed, and can only be rolled back */
    enum db_failure failure;
    struct err trouble;              /* of the transaction, or of the latest attempt to connect */
    unsigned clashes;                /* transactions in a row that met a row which is there already */
    unsigned unread;                 /* statements that were sent and whose answer was not read */
    PGresult *last;                  /* owned: the answer to the latest of them */
    struct pg_stmt *first_preparing; /* what is prepared among those */
    uint64_t gathered;               /* tables of which rows are gathered */
    struct pg_stmt *first_gather;    /* with gathered rows, in the order of their first */
    int64_t batch_key, batch;        /* the connection's row, and the number that is committed */
    bool unsettled;
    uint64_t sent; /* statements, for those who count */
};

/* ---- pg_wire.c: the connection ---- */

/* Connects, waiting no longer than patience: 0 tries once, and not again so soon. */
MUST_USE bool pg_connect(struct pg *pg, int patience_ms, struct err *e);
void pg_disconnect(struct pg *pg);
/* Sends what is queued and reads every answer; the last one is pg->last. False when one of them failed. */
MUST_USE bool pg_wait(struct pg *pg, struct err *e);
/* Queues a statement without parameters. */
MUST_USE bool pg_send(struct pg *pg, const char *sql, struct err *e);
/* Runs several statements without parameters outside the pipeline. *result (unless NULL) is the caller's to
 * clear. */
MUST_USE bool pg_exec(struct pg *pg, const char *sql, PGresult **result, struct err *e);
/* What a failed answer means: fills e, notes whether it is worth another try, drops a connection that is
 * lost. */
bool pg_failed(struct pg *pg, const PGresult *r, struct err *e);
bool pg_lost(struct pg *pg, struct err *e);

/* ---- pg_sql.c: the same in PostgreSQL's words ---- */

struct pg_sql {
    uint64_t tables;    /* all of them: SAVEPOINT, which what is gathered before it must outlive */
    bool reads, undoes; /* undoes: ROLLBACK TO, which takes back what is gathered, too */
    unsigned n_params;
};
/* Appends sql to out; DDL too. False when out is too small. */
MUST_USE bool pg_sql_translate(struct sv sql, struct buf *out, struct pg_sql *about);
/* The next token of SQL at *rest: a word, a number, a text in quotes, a parameter, one other character; white
 * space and comments before it are skipped. Empty at the end. */
struct sv pg_sql_token(struct sv *rest);

/* ---- pg_stmt.c: one statement ---- */

struct db_stmt *pg_stmt_new(struct db *db, const char *sql, struct err *e);
void pg_stmt_reset(struct db_stmt *s);
void pg_stmt_free(struct db_stmt *s);
void pg_bind_int(struct db_stmt *s, const int64_t *v);
void pg_bind_text(struct db_stmt *s, const struct sv *v);
void pg_bind_blob(struct db_stmt *s, const void *p, size_t n);
int64_t pg_col_int(struct db_stmt *s, int col);
struct sv pg_col_text(struct db_stmt *s, int col);
bool pg_add_kept(struct db *db, struct sv text, struct buf *out);
/* The answers to all that was sent were read: what was to be prepared is, or, behind one that failed, may not
 * be. */
void pg_stmt_answered(struct pg *pg, bool failed);
/* Queues it with its parameters. */
MUST_USE bool pg_stmt_send(struct pg *pg, struct pg_stmt *s, struct err *e);
/* An integer of the answer, whatever kind of number; NULL is 0. */
int64_t pg_int(const PGresult *r, int row, int col);

/* ---- pg_shut.c: moving away ---- */

MUST_USE bool pg_shut(struct db *db, const char *table, struct sv words, struct err *e);
MUST_USE bool pg_unshut(struct db *db, const char *table, struct err *e);
MUST_USE bool pg_number_on(struct db *db, const char *table, const char *column, struct err *e);

/* ---- pg_gather.c: many rows of one statement in one ---- */

/* NULL when its rows cannot be gathered. */
struct pg_gather *pg_gather_new(const char *sql, unsigned n_params);
void pg_gather_free(struct pg_gather *g);
/* Adds the statement's parameters as a row; writes others first where the order matters. */
MUST_USE bool pg_gather_add(struct pg *pg, struct pg_stmt *s, struct err *e);
/* Queues what is gathered of these tables. */
MUST_USE bool pg_gather_flush(struct pg *pg, uint64_t tables, struct err *e);
/* Forgets it all: the transaction came to nothing. */
void pg_gather_drop(struct pg *pg);

#endif
