/* real_world: the machine's clock and randomness as a struct world.
 *
 * The clock is wall time that never steps back while the program runs: it follows the monotonic clock from
 * the wall time at start, and jumps ahead with the wall clock, but when the wall clock is set back it goes on
 * counting from where it was, so that leases, time-outs and due times keep their length. Safe from any
 * thread.
 *
 * Where several machines share a database it follows the database's clock instead (real_clock_follow), and
 * the machine's own wall clock is not looked at any more: it may be wrong, and jump.
 */
#ifndef HY_APP_REAL_WORLD_H
#define HY_APP_REAL_WORLD_H

#include "model/world.h"

struct real_clock {
    _Atomic int64_t offset_us; /* wall minus monotonic, as believed */
    _Atomic int64_t floor_us;  /* never before that: what was said before the offset was made smaller */
    _Atomic int64_t heard_at;  /* monotonic: when the other clock was heard last; 0: none is followed */
    _Atomic int64_t apart_us;  /* how far it was ahead then, when that was worth mending; else 0 */
};

void real_clock_init(struct real_clock *c);
/* Never before `at`: what the database has seen, so that a restart after the wall clock was set back goes on
 * from there, and what was written then does not wait for as long. */
void real_clock_at_least(struct real_clock *c, int64_t at);
/* Another machine's clock is `offset_us` more than our monotonic one, which says mono_us now. The first time
 * it is taken as it is, before anybody reads the clock for a decision. Later, where the two are more than
 * half a second apart: at once when it is ahead of us; when it is behind, our time stands still for a quarter
 * of what has passed since the last call, again and again, until it has come up. One thread at a time. */
void real_clock_follow(struct real_clock *c, int64_t offset_us, int64_t mono_us);
/* How far the followed clock was ahead of us when it was heard last, if that had to be mended; else 0. */
int64_t real_clock_apart_us(const struct real_clock *c);
/* now_us and random of a struct world whose ctx is a struct real_clock. */
int64_t real_now_us(void *clock);
uint64_t real_random(void *clock);
/* How far the wall clock stands behind this one (it was set back); 0 or more, and 0 while another clock is
 * followed. */
int64_t real_clock_ahead_us(struct real_clock *c);

#endif
