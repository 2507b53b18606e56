/* move_mark: what a database says of its own move (store/move.h): that its rows are here, on their way, or
 * gone, and where to. One row, in the table `move`.
 */
#ifndef HY_STORE_MOVE_MARK_H
#define HY_STORE_MOVE_MARK_H

#include "store/db.h"

enum move_state {
    MOVE_NONE = 0,     /* it stays here; a move that was begun was given up */
    MOVE_LEAVING = 1,  /* shut; its rows are copied */
    MOVE_GONE = 2,     /* for good */
    MOVE_ARRIVING = 3, /* rows come in; not whole yet */
    MOVE_ARRIVED = 4,  /* this is where it is now */
};

/* What a write to a database that is shut fails with begins so. */
#define MOVE_SHUT_WORDS "it is shut: its rows move to "

enum { MOVE_PLACE_MAX = 2047, MOVE_SINCE = 55 /* the schema version that brought the table */ };

/* The row of a database's table `move`. */
struct move_mark {
    enum move_state state; /* MOVE_NONE also without a row */
    int64_t number, round, since, mover;
    char place[MOVE_PLACE_MAX + 1];
};
MUST_USE bool move_mark_read(struct db *db, struct move_mark *out, struct err *e);
/* These two within a transaction. Is it still as it is here? Another may go on with the move by now, or it
 * was given up while this one stood still: ERR_CONFLICT. */
MUST_USE bool move_mark_write(struct db *db, const struct move_mark *m, struct err *e);
MUST_USE bool move_mark_is_still(struct db *db, const struct move_mark *m, struct err *e);

/* May it be used? ERR_OUTSIDE says where its rows are, or what is to be finished. Precondition: it has the
 * table. */
MUST_USE bool move_allows(struct db *db, struct err *e);

#endif
