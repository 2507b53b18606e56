/* real_world: the machine's clock and randomness as a struct world.
 *
 * The clock is wall time that never steps back while the program runs: it follows the monotonic clock from
 * the wall time at start, and jumps ahead with the wall clock, but when the wall clock is set back it goes on
 * counting from where it was, so that leases, time-outs and due times keep their length. Safe from any
 * thread.
 */
#ifndef HY_APP_REAL_WORLD_H
#define HY_APP_REAL_WORLD_H

#include "model/world.h"

struct real_clock {
    _Atomic int64_t offset_us; /* wall minus monotonic, as believed */
    _Atomic int64_t shift_us;  /* added to the wall clock */
};

void real_clock_init(struct real_clock *c);
/* Never before `at`: what the database has seen, so that a restart after the wall clock was set back goes on
 * from there. */
void real_clock_at_least(struct real_clock *c, int64_t at);
/* The clock of another machine is taken, which is that far ahead of this one's; may be below 0. Before
 * anybody has read it for a decision. */
void real_clock_shift(struct real_clock *c, int64_t ahead_us);
/* now_us and random of a struct world whose ctx is a struct real_clock. */
int64_t real_now_us(void *clock);
uint64_t real_random(void *clock);
/* How far the wall clock stands behind this one (it was set back); 0 or more. */
int64_t real_clock_ahead_us(struct real_clock *c);

#endif
