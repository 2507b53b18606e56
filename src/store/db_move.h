/* db_move: what a move from one database to another (store/move.h) asks of them besides db.h: shutting one
 * for good, and what a copy has to know of the other. A blob that is bound from NULL is NULL with both.
 */
#ifndef HY_STORE_DB_MOVE_H
#define HY_STORE_DB_MOVE_H

#include "base/buf.h"
#include "store/db.h"

/* Does another process have the database open, as far as can be told? ERR_OUTSIDE also when there is none. */
MUST_USE bool db_in_use(struct sv url, bool *used, struct err *e);
/* Within db_begin_schema: from its commit on whoever writes to that table fails with these words, also those
 * that have the database open since before; db_unshut: no longer. */
MUST_USE bool db_shut(struct db *db, const char *table, struct sv words, struct err *e);
MUST_USE bool db_unshut(struct db *db, const char *table, struct err *e);
/* Within a transaction: numbers that the database gives in this column will be beyond those that are there.
 */
MUST_USE bool db_number_on(struct db *db, const char *table, const char *column, struct err *e);
/* Where the database keeps the text otherwise than it is: appends to out how, and true. */
bool db_add_kept(struct db *db, struct sv text, struct buf *out);

#endif
