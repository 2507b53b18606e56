/* flow: how many calls a lane may have in flight, found out from what becomes of them: it starts at the most
 * that the settings allow, so that nothing is lost where the provider bears that; it halves when the provider
 * throttles, shrinks when calls get no answer or take much longer than the fastest lately, and grows again,
 * by one a round, while it is in use. Calls that were under way when it changed count once. Never below 1.
 * Pure: the time is handed in.
 */
#ifndef HY_DISPATCH_FLOW_H
#define HY_DISPATCH_FLOW_H

#include "model/verdict.h"

struct flow {                              /* all zero: nothing seen yet */
    double window;                         /* 0: the most that is allowed */
    double quick_up_to;                    /* after a cut it grows fast up to there */
    int64_t changed_at;                    /* what began before says nothing about the window as it is now */
    double latency_us;                     /* smoothed; 0: none yet */
    int64_t fastest_us, fastest_before_us; /* of this half minute, and of the one before; 0: none */
    int64_t fastest_since;
};

struct flow_call {
    const struct verdict *verdict;
    int64_t began_at, elapsed_us;
    uint32_t in_flight; /* it included */
};

uint32_t flow_window(const struct flow *f, uint32_t max);
void flow_note(struct flow *f, const struct flow_call *c, uint32_t max, int64_t now);

#endif
