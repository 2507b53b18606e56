/* window: at most so many in any interval of a given length, not only in whole minutes of the clock.
 *
 * Time is cut into slots of a sixteenth of the interval, and the slots an interval can touch are summed, so
 * the limit holds in every interval and a whole burst is let through at once. The price: what was counted
 * comes free up to a sixteenth of the interval late. Pure: the time is handed in; one that steps back counts
 * as the latest seen.
 */
#ifndef HY_BASE_WINDOW_H
#define HY_BASE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

enum { WINDOW_SLOTS = 17 };

struct window { /* all zero: nothing counted */
    int64_t newest;
    uint32_t counts[WINDOW_SLOTS]; /* slot s in counts[s % WINDOW_SLOTS] */
};

/* How many more may come now, at most max. */
uint32_t window_left(struct window *w, uint32_t max, int64_t period_us, int64_t now);
/* How long until more than now may come; 0 when nothing is counted. */
int64_t window_wait_us(const struct window *w, int64_t period_us, int64_t now);
/* Counts n. */
void window_count(struct window *w, uint32_t n, int64_t period_us, int64_t now);
/* Takes n back that were counted at `then`. */
void window_give_back(struct window *w, uint32_t n, int64_t period_us, int64_t then);
/* How long a slot is. */
int64_t window_slot_us(int64_t period_us);
/* What the slots hold, out[i] that of i slots ago; false: nothing at all. */
bool window_by_age(struct window *w, int64_t period_us, int64_t now, uint32_t out[WINDOW_SLOTS]);
/* Counts n where `then` belongs, if that still plays a part and is not later than the newest. */
void window_count_at(struct window *w, uint32_t n, int64_t period_us, int64_t then);
/* From when on nothing that is counted now plays a part. */
int64_t window_empty_at(const struct window *w, int64_t period_us);

#endif
