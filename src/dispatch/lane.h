/* lane: one provider account as it stands now: calls in flight, rates, pauses, the breaker.
 *
 * A lane lets calls through while it is not broken, not paused, has room in its window, and no rate is used
 * up: the units (messages, or segments where the provider counts those) of attempts begun hold to every rate
 * in every interval of it. After a DOWN hint it is closed for a while that doubles each time, then lets one
 * call through as a probe; a good answer opens it wide. BROKEN (credentials, account) stays until the
 * settings are loaded again. Pure: the time is handed in.
 */
#ifndef HY_DISPATCH_LANE_H
#define HY_DISPATCH_LANE_H

#include "base/window.h"
#include "model/lane.h"
#include "model/message.h"
#include "model/verdict.h"

struct lane {
    const struct lane_config *config;
    int64_t account; /* hash of what names the provider account, never 0 */
    uint32_t in_flight;
    uint32_t strikes; /* DOWN hints in a row */
    uint32_t downs;   /* times closed since the last good answer; while not 0, one call at a time */
    int64_t paused_until;
    bool broken;
    struct lane_rate { /* a rate of its own copy: it outlives settings */
        uint32_t max;
        int64_t period_us;
        struct window begun;
    } rates[LANE_RATES_MAX];
    uint32_t n_rates;
    bool unread, reading; /* what its rates counted before is on disk yet; has been asked for */
    uint32_t wanted;      /* units that last found no room in a rate */
};

/* What an attempt for m costs of the lane's rates. */
uint32_t lane_units(const struct lane_config *config, const struct message *m);

/* May one more call start now, of so many units (a look-up: 0)? */
bool lane_is_open(struct lane *l, uint32_t units, int64_t now);
/* Why not, when it is not; REASON_NONE when open. */
enum reason lane_reason(struct lane *l, uint32_t units, int64_t now);
void lane_begin(struct lane *l, uint32_t units, int64_t now);
/* What was begun at `then` did not come to be. */
void lane_take_back(struct lane *l, uint32_t units, int64_t then);
/* A lane that is new here is closed (`unread`) until what it began before is counted, oldest first, and
 * lane_read says that this is all. */
void lane_recall(struct lane *l, uint32_t units, int64_t at);
void lane_read(struct lane *l);
/* New settings; rates that stay keep what they have counted. */
void lane_configure(struct lane *l, const struct lane_config *config);
/* Nothing in flight, and nothing that a rate still counts. */
bool lane_is_fresh(const struct lane *l, int64_t now);
/* A call ended; v may be NULL when it said nothing about the lane. Returns true when the hint closed the lane
 * just now (worth a line in the log). */
bool lane_end(struct lane *l, const struct verdict *v, int64_t now);
/* When it makes sense to look again; 0: any time. */
int64_t lane_opens_at(const struct lane *l, int64_t now);

#endif
