#include "app/real_world.h"

#include "base/clock.h"

#include <stdlib.h>

enum { APART_US = 500 * 1000 };

void real_clock_init(struct real_clock *c) {
    atomic_store(&c->floor_us, INT64_MIN);
    atomic_store(&c->heard_at, 0);
    atomic_store(&c->apart_us, 0);
    atomic_store(&c->offset_us, clock_system_us() - clock_monotonic_us());
}

void real_clock_at_least(struct real_clock *c, int64_t at) {
    int64_t offset = at - clock_monotonic_us();
    if (offset > atomic_load(&c->offset_us))
        atomic_store(&c->offset_us, offset);
}

void real_clock_follow(struct real_clock *c, int64_t offset_us, int64_t mono_us) {
    int64_t ours = atomic_load(&c->offset_us), ahead = offset_us - ours, before = atomic_load(&c->heard_at);
    bool apart = ahead > APART_US || ahead < -APART_US;
    atomic_store(&c->apart_us, apart ? ahead : 0);
    if (before == 0 || (apart && ahead > 0)) {
        atomic_store(&c->offset_us, offset_us);
    } else if (apart) {
        int64_t step = (mono_us - before) / 4 < -ahead ? (mono_us - before) / 4 : -ahead;
        /* First: whoever sees the new offset sees it, too, and has not been told more than that. */
        atomic_store(&c->floor_us, mono_us + ours);
        atomic_store(&c->offset_us, ours - step);
    }
    atomic_store(&c->heard_at, mono_us);
}

int64_t real_clock_apart_us(const struct real_clock *c) {
    return atomic_load(&c->apart_us);
}

int64_t real_now_us(void *clock) {
    struct real_clock *c = clock;
    int64_t mono = clock_monotonic_us();
    if (atomic_load_explicit(&c->heard_at, memory_order_relaxed)) {
        int64_t now = mono + atomic_load_explicit(&c->offset_us, memory_order_acquire);
        int64_t least = atomic_load_explicit(&c->floor_us, memory_order_relaxed);
        return now > least ? now : least;
    }
    int64_t wall_offset = clock_system_us() - mono;
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
    int64_t ahead = atomic_load(&c->heard_at) ? 0 : real_now_us(c) - clock_system_us();
    return ahead > 0 ? ahead : 0;
}
