/* lane: one provider account as it stands now: calls in flight, pauses, the breaker.
 *
 * A lane lets calls through while it is not broken, not paused and has room in its window. After a DOWN hint
 * it is closed for a while that doubles each time, then lets one call through as a probe; a good answer opens
 * it wide. BROKEN (credentials, account) stays until the settings are loaded again. Pure: the time is handed
 * in.
 */
#ifndef HY_DISPATCH_LANE_H
#define HY_DISPATCH_LANE_H

#include "model/lane.h"
#include "model/verdict.h"

struct lane {
    const struct lane_config *config;
    uint32_t in_flight;
    uint32_t strikes; /* DOWN hints in a row */
    uint32_t downs;   /* times closed since the last good answer; while not 0, one call at a time */
    int64_t paused_until;
    bool broken;
};

/* May one more call start now? */
bool lane_is_open(const struct lane *l, int64_t now);
/* Why not, when it is not; REASON_NONE when open. */
enum reason lane_reason(const struct lane *l, int64_t now);
void lane_begin(struct lane *l);
/* A call ended; v may be NULL when it said nothing about the lane. Returns true when the hint closed the lane
 * just now (worth a line in the log). */
bool lane_end(struct lane *l, const struct verdict *v, int64_t now);
/* When it makes sense to look again; 0: any time. */
int64_t lane_opens_at(const struct lane *l);

#endif
