#include "app/real_world.h"

#include "base/clock.h"

#include <stdlib.h>

void real_clock_init(struct real_clock *c) {
    atomic_store(&c->shift_us, 0);
    atomic_store(&c->offset_us, clock_system_us() - clock_monotonic_us());
}

void real_clock_shift(struct real_clock *c, int64_t ahead_us) {
    int64_t shift = atomic_load(&c->shift_us) + ahead_us;
    atomic_store(&c->shift_us, shift);
    atomic_store(&c->offset_us, clock_system_us() + shift - clock_monotonic_us());
}

void real_clock_at_least(struct real_clock *c, int64_t at) {
    int64_t offset = at - clock_monotonic_us();
    if (offset > atomic_load(&c->offset_us))
        atomic_store(&c->offset_us, offset);
}

int64_t real_now_us(void *clock) {
    struct real_clock *c = clock;
    int64_t mono = clock_monotonic_us();
    int64_t wall_offset = clock_system_us() + atomic_load_explicit(&c->shift_us, memory_order_relaxed) - mono;
    int64_t offset = atomic_load_explicit(&c->offset_us, memory_order_relaxed);
    while (wall_offset > offset && !atomic_compare_exchange_weak(&c->offset_us, &offset, wall_offset)) {
    }
    return mono + (wall_offset > offset ? wall_offset : offset);
}

uint64_t real_random(void *clock) {
    (void)clock;
    /* One system call for many: each costs as much as building a request does. A number is used once. */
    static _Thread_local uint64_t drawn[64];
    static _Thread_local unsigned left;
    if (left == 0) {
        arc4random_buf(drawn, sizeof drawn);
        left = sizeof drawn / sizeof drawn[0];
    }
    left--;
    uint64_t x = drawn[left];
    drawn[left] = 0;
    return x;
}

int64_t real_clock_ahead_us(struct real_clock *c) {
    int64_t ahead = real_now_us(c) - clock_system_us() - atomic_load(&c->shift_us);
    return ahead > 0 ? ahead : 0;
}
