/* settle: what the outcome of a call means for its message. Each function writes a change (model/change) and
 * touches nothing else. None of them resends: the way back is the table, a queued row with a later due_at.
 *
 * An outcome that is not known is never a failure and never a reason to send again: it is looked up after a
 * settling time; only a clear no lets the message be tried again; where the provider cannot tell,
 * at_least_once tries again and at_most_once waits for a receipt until the validity ends.
 */
#ifndef HY_DISPATCH_SETTLE_H
#define HY_DISPATCH_SETTLE_H

#include "model/change.h"
#include "model/settings.h"
#include "model/world.h"

struct settle {
    const struct settings *settings;
    const struct world *world;
    int64_t now;
    bool other_lane_open; /* a retry may go elsewhere at once */
};

/* The outcome of attempt a of m, which was made on lane. m is `sending`, or further on when a receipt came
 * first: then only the attempt's row is written. */
void settle_verdict(const struct settle *s, const struct message *m, const struct attempt *a,
                    const struct lane_config *lane, const struct verdict *v, struct change *c);

/* m is `sending`, its attempt has no outcome and nobody is making the call: the process that made it is gone.
 * lane: NULL if it is no longer configured. */
void settle_orphan(const struct settle *s, const struct message *m, const struct attempt *a,
                   const struct lane_config *lane, struct change *c);

/* m is `unknown` and due. True: look it up now (also for a while after its validity, if it was never asked
 * about: that says how long it may be sent, not how long its outcome may be learned). False: c says what
 * happens instead (tried again, waits for a receipt, or its validity is over). */
bool settle_wants_lookup(const struct settle *s, const struct message *m, const struct lane_config *lane,
                         struct change *c);

/* The provider has it: r says how far it got. The change claims the provider id. a: the latest attempt, which
 * was it. lane: NULL if it is no longer configured; then no receipt is waited for. */
void settle_found(const struct settle *s, const struct message *m, const struct attempt *a,
                  const struct lane_config *lane, const struct receipt *r, struct change *c);
/* The provider surely does not have it. */
void settle_absent(const struct settle *s, const struct message *m, const struct attempt *a,
                   struct change *c);
/* It cannot tell (yet). answered: it said so itself; else it could not be reached, which does not count as
 * asking. */
void settle_cannot_tell(const struct settle *s, const struct message *m, const struct lane_config *lane,
                        bool answered, struct change *c);

/* Full jitter: evenly from 0 to min(max, first * 2^(n-1)), n counting from 1. */
int64_t settle_backoff_ms(const struct world *w, uint32_t first_ms, uint32_t max_ms, unsigned n);
/* How long after an attempt's start its outcome must be there; then the attempt is an orphan. */
int64_t settle_lease_us(const struct lane_config *lane);
/* When a message is due whose attempt begins: when that is an orphan; or, far, when it will be due after the
 * usual outcome, that the provider takes it, so that this outcome leaves due_at as it is, and no index of the
 * database has to be written. The message is then up to a lease late, a hundredth of the time at the most:
 * else it may not be. A process that follows does not see such an attempt by itself (store/sending.h). */
bool settle_may_be_far(const struct lane_config *lane);
int64_t settle_begun_due_at(const struct lane_config *lane, bool far, int64_t now);

#endif
