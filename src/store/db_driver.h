/* db_driver: what a driver of db.h is made of. db.c keeps the statements of a connection and hands every call
 * to the connection's driver; a driver's own connection and statement begin with struct db and struct
 * db_stmt.
 *
 * Only db.c, db_sqlite.c and the files pg_*.c read this.
 */
#ifndef HY_STORE_DB_DRIVER_H
#define HY_STORE_DB_DRIVER_H

#include "base/buf.h"
#include "base/map.h"
#include "store/db.h"

struct db_stmt {
    struct db *db;
};

struct db {
    const struct db_driver *driver;
    struct map statements; /* sql pointer -> struct db_stmt, owned */
    bool (*allow)(void *ctx);
    void *allow_ctx;
    bool (*before_commit)(struct db *db, struct err *e);
};

/* Each is what the function of db.h with its name says; db.c has injected failures already. */
struct db_driver {
    const char *name;
    bool is_file;
    /* What the connection itself holds; the statements are gone by then. */
    void (*close)(struct db *db);
    bool (*in_place)(struct db *db, struct err *e);
    void (*set_patience)(struct db *db, int ms);
    bool (*begin)(struct db *db, struct err *e);
    bool (*begin_schema)(struct db *db, struct err *e);
    bool (*commit)(struct db *db, struct err *e);
    void (*rollback)(struct db *db);
    bool (*script)(struct db *db, const char *sql, struct err *e);
    bool (*version)(struct db *db, int *version, struct err *e);
    bool (*set_version)(struct db *db, int version, struct err *e);
    bool (*check)(struct db *db, struct err *e);
    enum db_failure (*failure)(const struct db *db);
    bool (*settle)(struct db *db, bool *committed, struct err *e);

    struct db_stmt *(*stmt_new)(struct db *db, const char *sql, struct err *e);
    void (*stmt_reset)(struct db_stmt *s);
    void (*stmt_free)(struct db_stmt *s);
    void (*bind_int)(struct db_stmt *s, const int64_t *v); /* NULL: the value NULL */
    void (*bind_text)(struct db_stmt *s, const struct sv *v);
    void (*bind_blob)(struct db_stmt *s, const void *p, size_t n);
    bool (*run)(struct db_stmt *s, struct err *e);
    bool (*put)(struct db_stmt *s, struct err *e);
    bool (*next)(struct db_stmt *s, bool *row, struct err *e);
    int64_t (*col_int)(struct db_stmt *s, int col);
    struct sv (*col_text)(struct db_stmt *s, int col);
    int64_t (*changes)(struct db *db);

    int64_t (*wal_pages)(const struct db *db);
    bool (*checkpoint)(struct db *db, bool wait, struct err *e);
    bool (*scrub)(struct db *db, int ms, struct err *e);

    bool (*shut)(struct db *db, const char *table, struct sv words, struct err *e);
    bool (*unshut)(struct db *db, const char *table, struct err *e);
    bool (*number_on)(struct db *db, const char *table, const char *column, struct err *e);
    bool (*add_kept)(struct db *db, struct sv text, struct buf *out);
};

/* url as db_open has it, without its beginning up to the colon for SQLite. */
MUST_USE struct db *db_sqlite_open(struct sv path, enum db_mode mode, struct err *e);
MUST_USE struct db *db_pg_open(struct sv url, enum db_mode mode, struct err *e);
MUST_USE bool db_sqlite_in_use(struct sv path, bool *used, struct err *e);
MUST_USE bool db_pg_in_use(struct sv url, bool *used, struct err *e);

#endif
