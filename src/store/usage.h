/* usage: what an account's messages cost, summed up by day, lane, country and topic, where lanes have prices.
 *
 * Counting is for the journal: what an attempt costs is counted in the transaction that begins it, and taken
 * back in the one that says that it was surely not taken, once; so sums and attempts never differ, whatever
 * is killed when. Reading carries the account.
 */
#ifndef HY_STORE_USAGE_H
#define HY_STORE_USAGE_H

#include "base/arena.h"
#include "store/journal.h"

/* Would the attempt that begins take its account over job->spend_max? Then job->result is JOB_POSTPONED, with
 * why and until. Where several nodes write one database they ask this one after the other, so that the sum of
 * all is never over it. */
MUST_USE bool usage_check(struct db *db, struct job *job, struct err *e);
/* What the account has spent that day (since 1970), in micro-units. */
MUST_USE bool usage_spent(struct db *db, int64_t account_id, int64_t day, struct sv currency, int64_t *micro,
                          struct err *e);
/* Before the job's change is written. A change that is about no attempt with a price costs nothing. */
MUST_USE bool usage_count(struct db *db, const struct job *job, struct err *e);

enum usage_by { USAGE_BY_DAY, USAGE_BY_LANE, USAGE_BY_COUNTRY, USAGE_BY_TOPIC, USAGE_BYS };
const char *usage_by_name(int by);

struct usage_row {
    struct sv what; /* the lane, country or topic; empty: none */
    int64_t day;    /* or its beginning, UTC */
    struct sv currency;
    int64_t messages, segments, cost;
};

/* Of the days from..until-1 (since 1970), by one of them; texts live in mem. At most max rows, and *more. */
MUST_USE bool usage_read(struct db *db, int64_t account_id, int64_t from_day, int64_t until_day,
                         enum usage_by by, struct arena *mem, struct usage_row *out, size_t max, size_t *n,
                         bool *more, struct err *e);

#endif
