/* savings: what an account did not have to pay for, summed up by day (model/saving). Counting is for the
 * journal, in the transaction of the change; reading carries the account.
 */
#ifndef HY_STORE_SAVINGS_H
#define HY_STORE_SAVINGS_H

#include "base/arena.h"
#include "store/journal.h"

/* A change that saves nothing costs nothing. */
MUST_USE bool savings_count(struct db *db, const struct job *job, struct err *e);

enum { SAVINGS_ROWS_MAX = 100 };
/* Of the days from..until-1 (since 1970), one row for each way and currency; at most SAVINGS_ROWS_MAX. */
MUST_USE bool savings_read(struct db *db, int64_t account_id, int64_t from_day, int64_t until_day,
                           struct saving out[SAVINGS_ROWS_MAX], size_t *n, struct err *e);

#endif
