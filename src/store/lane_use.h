/* lane_use: what lanes have begun to send, by the minute and by sender, so that no restart makes rates,
 * quotas and warm-ups forget. Written in the transaction that begins the attempt; part of the journal
 * (store/journal), whose jobs are its arguments.
 */
#ifndef HY_STORE_LANE_USE_H
#define HY_STORE_LANE_USE_H

#include "store/journal.h"

/* Counts what the job begins, if it is to be counted (job.units, job.sender). */
bool lane_use_count(struct db *db, const struct job *job, struct err *e);
/* Keeps job.lane_state of the lane job.lane. */
bool lane_use_keep_state(struct db *db, struct job *job, struct err *e);
/* Everything known of the lane job.lane, into job.use, job.senders and job.lane_state. */
bool lane_use_read(struct db *db, struct job *job, struct err *e);
/* Forgets what no rate, quota or warm-up asks for any more. */
bool lane_use_prune(struct db *db, int64_t now, struct err *e);

#endif
