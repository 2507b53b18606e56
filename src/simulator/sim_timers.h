/* timers: what is to be done later, in a binary heap ordered by time, equal times in the order they were set.
 *
 * A timer is embedded in what it belongs to; the heap borrows it until it fires or is taken out. One owner,
 * one thread. Times are the simulator's clock (sim_now) in microseconds.
 */
#ifndef HY_SIMULATOR_SIM_TIMERS_H
#define HY_SIMULATOR_SIM_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
    int64_t due_at;
    uint64_t order;
    size_t place; /* in the heap, 0: not in it */
    void (*fire)(void *ctx, struct timer *t);
};

struct timers {
    struct timer **heap; /* owned; heap[1] is due first */
    size_t n, cap;
    uint64_t order;
};

void timers_done(struct timers *ts);
/* t must not be in the heap. False when memory is short. */
bool timers_set(struct timers *ts, struct timer *t, int64_t due_at);
/* Nothing happens when t is not in the heap. */
void timers_cancel(struct timers *ts, struct timer *t);
/* When the first one is due; INT64_MAX when there is none. */
int64_t timers_next(const struct timers *ts);
/* Takes out and fires all that is due by now; those set meanwhile wait for the next call. */
void timers_run(struct timers *ts, int64_t now, void *ctx);

#endif
