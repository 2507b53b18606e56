/* move: all that a database holds, to another one, for good: from SQLite to PostgreSQL, back, or between two
 * of a kind. docs/moving.md tells its course to those who run it, docs/decisions/0045 why it is so.
 *
 * The old database is shut first: whoever writes to it fails from then on, also a gateway that was forgotten.
 * Its rows are copied in chunks, table by table, in the order of the primary key; after a crash the next run
 * goes on behind the last one that is there. Then both are compared, row by row. Only then the old one is
 * marked as gone, which is final, and after that the new one is opened. So at no moment would a gateway start
 * on both, and on neither only while the move is under way: which the table `move` of each says.
 *
 * Which tables and columns there are is asked of the schema (shape.h). Rows are copied as they are; what was
 * being sent is looked up in the new home like after any crash. Sealed values stay sealed: the new home needs
 * the same master key.
 */
#ifndef HY_STORE_MOVE_H
#define HY_STORE_MOVE_H

#include "store/move_mark.h"

enum move_step { MOVE_WAITS, MOVE_COPIES, MOVE_COMPARES };

struct move_plan {
    struct sv from, to; /* as db_open has them; what is told of them must hold no password */
    /* Told now and then: of which table, how many rows so far, of how many. MOVE_WAITS: for the leases of
     * `rows` gateways. */
    void (*tell)(void *ctx, enum move_step step, const char *table, int64_t rows, int64_t of);
    void *ctx;
};

struct move_report {
    unsigned tables;
    int64_t rows;
    int64_t resumed; /* of them were there from runs before */
    int64_t mended;  /* texts with bytes that the new database cannot hold */
    int64_t parcels; /* receipts and commands that wait for a node, where the new home may have none */
    int64_t shut_us; /* from the moment when the old one was shut until the new one was open */
    bool was_done;   /* by a run before */
    char digest[17]; /* of all rows: 16 hex digits */
};

/* ERR_CONFLICT: one of them is in use, or has rows of its own, or is part of another move; ERR_OUTSIDE: a
 * database failed: run it again. */
MUST_USE bool move_run(const struct move_plan *plan, struct move_report *out, struct err *e);
/* Gives up a move from there that is not final: it may be used again. ERR_CONFLICT: it is final. */
MUST_USE bool move_abandon(struct sv from, struct err *e);

#endif
