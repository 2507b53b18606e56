/* tally: what frequency caps and duplicate windows count, asked and written in the transaction that stores a
 * message or begins an attempt, so that the counts are exact whatever comes at once and over kills. Only jobs
 * with a `tally` cost anything: there is none while no rule is configured. Keyed by hashes
 * (docs/decisions/0021). Where several nodes write one database, a row of the hash, with message 0, makes
 * them count one after the other.
 */
#ifndef HY_STORE_TALLY_H
#define HY_STORE_TALLY_H

#include "store/journal.h"

/* Is it over a rule? Then job->result is JOB_SUPPRESSED with why (and job->first_id, of a duplicate), or
 * JOB_POSTPONED with until. */
MUST_USE bool tally_check(struct db *db, struct job *job, struct err *e);
/* What it would find for a new message, sent at t->at, by the caps or by the duplicate windows alone; nothing
 * is counted. */
struct tally_found {
    bool asked; /* some rule is for it */
    bool over, waits;
    int64_t until;    /* of what waits */
    int64_t first_id; /* of a duplicate */
};
MUST_USE bool tally_look(struct db *db, const struct tally *t, bool duplicates, struct tally_found *out,
                         struct err *e);
/* The job is done: counts it, or takes back what was counted; and keeps of which one it is a duplicate. */
MUST_USE bool tally_write(struct db *db, const struct job *job, struct err *e);
/* Of which message that one is a duplicate; 0: of none. */
MUST_USE bool tally_first_of(struct db *db, int64_t message_id, int64_t *first_id, struct err *e);
MUST_USE bool tally_forget(struct db *db, int64_t message_id, struct err *e);
/* Until the end of this transaction no other node counts by that hash: each writes the hash's row of no
 * message, and whoever comes second waits for it, then reads what the first has written. Among the threads of
 * one process there is one writer: a lone gateway needs none. */
MUST_USE bool tally_hold(struct db *db, int64_t hash, int64_t now, struct err *e);
MUST_USE bool tally_prune(struct db *db, int64_t now, unsigned limit, struct err *e);

#endif
