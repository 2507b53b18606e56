/* parcels: what came to one node and is another's to do: receipts and commands for messages that another live
 * node owns (store/nodes.h). The sender writes a row; the owner reads it, does it as if it had come by HTTP,
 * and writes down what came of it, which the sender of a command reads and tells. Done twice, over a crash,
 * it is the same as done once. Parcels to a node that is gone are anybody's. Writing is for the journal.
 */
#ifndef HY_STORE_PARCELS_H
#define HY_STORE_PARCELS_H

#include "model/verdict.h"
#include "store/db.h"

/* Stored as numbers: append only. */
enum parcel_kind {
    PARCEL_RECEIPT = 0,
    PARCEL_CANCEL = 1,
    PARCEL_DELETE = 2,
    PARCEL_REDACT = 3,
    PARCEL_RELEASE = 4,
    PARCEL_DROP = 5,
};

/* What came of a command. Stored as numbers: append only. */
enum parcel_result { PARCEL_DONE = 0, PARCEL_ABSENT = 1, PARCEL_REFUSED = 2, PARCEL_FAILED = 3 };

struct parcel {
    int64_t id; /* made as a message's is */
    unsigned to, from;
    enum parcel_kind kind;
    int64_t message_id, account_id;
    unsigned attempt;
    struct receipt
        receipt; /* RECEIPT: its state, reason, code and provider_id. An answer: the state of the message */
    enum parcel_result result;
};

enum { PARCELS_PAGE = 256 };

MUST_USE bool parcels_put(struct db *db, const struct parcel *p, int64_t now, struct err *e);
/* What `node` is to do, and the answers it waits for. out has room for `limit`. */
MUST_USE bool parcels_read(struct db *db, unsigned node, bool answers, struct parcel *out, unsigned limit,
                           unsigned *n, struct err *e);
/* It is done: a command's sender is told. */
MUST_USE bool parcels_answer(struct db *db, const struct parcel *p, struct err *e);
/* A receipt that is done, and an answer that was read, are forgotten. */
MUST_USE bool parcels_forget(struct db *db, int64_t id, struct err *e);
/* Answers nobody came for. */
MUST_USE bool parcels_prune(struct db *db, int64_t before, unsigned limit, struct err *e);

#endif
