/* write: something a front wants written that the core has no part in: handed through the core to the
 * journal, done in the transaction of its batch, and answered when that is on disk.
 *
 * It is the first member of what a room of its own makes of it (struct contact_write and others), which holds
 * what is to be written and takes the outcome. What is wrong with the caller's wish is an outcome, not a
 * failure: a failure undoes the batch, with what others wrote in it. A batch that failed may be done again:
 * run sets every outcome anew.
 */
#ifndef HY_STORE_WRITE_H
#define HY_STORE_WRITE_H

#include "store/db.h"

struct store_write {
    /* Precondition: a transaction is open. False when the database fails. */
    bool (*run)(struct db *db, struct store_write *w, int64_t now, struct err *e);
    bool scrubs;     /* set by run: what it took away must not be left in the log of the database either */
    bool suppresses; /* set by run: rows of the suppression list may have been added */
};

#endif
