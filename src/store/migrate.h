/* migrate: brings a database to the schema this program knows. Migrations are the files of store/migrations,
 * append-only and numbered; each runs once, in its own transaction. A database newer than the program is
 * refused, untouched.
 */
#ifndef HY_STORE_MIGRATE_H
#define HY_STORE_MIGRATE_H

#include "store/db.h"

struct migration {
    int number;
    const char *name;
    const char *sql;
};
extern const struct migration migrations[]; /* generated from the files; ends with number 0 */

/* *from and *to: schema versions before and after. A database that has moved, or is being moved, is refused
 * (store/move.h). */
MUST_USE bool migrate(struct db *db, int *from, int *to, struct err *e);
/* The same for the move itself. */
MUST_USE bool migrate_schema(struct db *db, int *from, int *to, struct err *e);

#endif
