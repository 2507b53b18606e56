/* move_rows: one table's rows from one database to another, in the order of the primary key, and whether both
 * hold the same.
 *
 * The old database's rows do not change meanwhile, and nobody but the mover writes to the new one: so what is
 * there already, after any crash, are the first rows of the order, and their count says where to go on. Each
 * chunk is one transaction, in which the mover makes sure that no other has taken its place.
 */
#ifndef HY_STORE_MOVE_ROWS_H
#define HY_STORE_MOVE_ROWS_H

#include "base/codec.h"
#include "store/db.h"
#include "store/shape.h"

struct move_rows;

/* t, from and to are borrowed. The statements live as long as this: free it after the databases are closed.
 */
MUST_USE struct move_rows *move_rows_new(const struct shape_table *t, struct db *from, struct db *to);
void move_rows_free(struct move_rows *r);

MUST_USE bool move_rows_any(struct move_rows *r, struct db *db, bool *any, struct err *e);
/* All the rows there are, which may take long. */
MUST_USE bool move_rows_count(struct move_rows *r, struct db *db, int64_t *n, struct err *e);
/* Takes them all out of `to`. A transaction is open there. */
MUST_USE bool move_rows_wipe(struct move_rows *r, struct err *e);

/* Sees how many are there, and will go on behind them. */
MUST_USE bool move_rows_resume(struct move_rows *r, int64_t *there, struct err *e);
/* Copies the next ones, in a transaction of its own; *n: how many, 0 at the end. mover: as in the table
 * `move` there; ERR_CONFLICT when another copies by now. After any other failure move_rows_resume again. */
MUST_USE bool move_rows_some(struct move_rows *r, int64_t mover, int64_t *n, struct err *e);

/* Begins to compare at the first row. */
void move_rows_rewind(struct move_rows *r);
/* Compares the next ones; *n: how many, 0 at the end of both, and digest is then that of all. ERR_CONFLICT:
 * they differ. */
MUST_USE bool move_rows_compare(struct move_rows *r, int64_t *n, uint8_t digest[SHA256_BYTES], struct err *e);
/* Texts that `to` keeps otherwise (db_move.h), among those compared. */
int64_t move_rows_mended(const struct move_rows *r);

#endif
