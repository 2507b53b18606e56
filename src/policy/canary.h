/* canary: is a lane on trial significantly worse than the other lanes of its route?
 *
 * Counted are attempts and how they failed (not taken, unknown, or reported undelivered later), and how long
 * calls took, of the canary and of the others, over a sliding window of ten to twenty minutes. Which
 * recipients get the canary is drawn by a hash, so the two are samples of the same traffic. Failing: a
 * one-sided two-proportion z-test, pooled, above 3.5 (a chance of 0.0002 for each look), at least 50 attempts
 * of each, 5 failures, and two percentage points more. Slow: Welch's t of the logarithms above 3.5, and at
 * least twice as long in the geometric mean. Pure: the time is handed in.
 */
#ifndef HY_POLICY_CANARY_H
#define HY_POLICY_CANARY_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum { CANARY_SAMPLE_MIN = 50, CANARY_FAILURES_MIN = 5 };

enum canary_verdict { CANARY_FINE, CANARY_FAILS, CANARY_SLOW };

struct canary_sample {
    uint32_t n, failed;
    uint32_t timed;
    double log_sum, log_squares; /* of milliseconds */
};

/* All zero: nothing seen. */
struct canary {
    bool out; /* taken out of its route */
    int64_t turned_at;
    int64_t kept_at;                        /* when its counts were kept last; the owner's */
    struct canary_sample now[2], before[2]; /* the others, the canary */
    struct canary_sample untold[2];         /* of `now`, counted here and not taken by canary_untold */
};

/* An attempt ended. elapsed_us of 0: its time says nothing. */
void canary_attempt(struct canary *c, bool of_canary, bool failed, int64_t elapsed_us, int64_t now);
/* An attempt that was counted as good turned out not to be. */
void canary_undelivered(struct canary *c, bool of_canary, int64_t now);
/* What was counted here of the others (0) or the canary (1) since this was asked last; false: nothing. For
 * those who count beside. */
bool canary_untold(struct canary *c, int which, struct canary_sample *out);
/* What another has counted. */
void canary_hear(struct canary *c, int which, const struct canary_sample *heard, int64_t now);
enum canary_verdict canary_judge(const struct canary *c);
/* Its counts as one line of text, and back. False, and c as it was: it is none. */
void canary_print(const struct canary *c, struct buf *out);
bool canary_parse(struct sv text, struct canary *c);
/* Of the window, for the log: of the others (0) or the canary (1). */
struct canary_sample canary_window(const struct canary *c, int which);

#endif
