/* receipts: the status callbacks of messages: which ones, when, in what order, how often, true or lying.
 *
 * A message with a StatusCallback has one job. Its steps are posted one after another: the next is not begun
 * before the one before it was answered or given up, so what arrives out of order does so because the profile
 * says so. A post that fails for want of a connection is tried once more, as Twilio does; an answer is never
 * retried, whatever the provider that is played would do. Owns its jobs; their number is bounded (what is too
 * much is counted as dropped).
 */
#ifndef HY_SIMULATOR_SIM_RECEIPTS_H
#define HY_SIMULATOR_SIM_RECEIPTS_H

#include "base/sv.h"
#include "simulator/sim_course.h"
#include "simulator/sim_timers.h"

struct sim;
struct sim_call;
struct receipt_job;

enum { RECEIPT_JOBS_MAX = 2000000, RECEIPT_RETRY_MS = 250 };

struct receipts {
    struct receipt_job *all;                /* owned, doubly linked */
    struct receipt_job *ready, **ready_end; /* due, waiting for room on the wire */
    size_t n;
};

void receipts_init(struct receipts *rs);
/* Forgets all jobs; requests that wait for an early receipt are dropped. Those on the wire end unheard. */
void receipts_reset(struct sim *sim);

/* Plans the receipts of a message just stored. Its row has the times (sent_ms, final_ms). call: told by
 * call_early_done after the last receipt (early), else NULL. False when there will be none: then it is not.
 */
bool receipts_plan(struct sim *sim, uint64_t seq, struct sv url, const struct course *course,
                   struct sim_call *call);
/* Posts what is due while there is room. */
void receipts_run(struct sim *sim);
/* True when receipts_run has something to do. */
bool receipts_pending_now(const struct sim *sim);

#endif
