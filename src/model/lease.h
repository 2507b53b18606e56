/* lease: how long this process may act for its node, by its own monotonic clock. The journal prolongs it with
 * what the database granted, counted from before it asked; senders look before each call leaves. So a process
 * that was paused, or cut off from its database, is silent before another one takes over (store/nodes.h).
 */
#ifndef HY_MODEL_LEASE_H
#define HY_MODEL_LEASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct lease {
    _Atomic int64_t until_us; /* monotonic */
    atomic_bool lost;         /* another node has the work of this one: the process must end */
    atomic_bool keeper;       /* of all nodes, this one does what must be done once */
    int64_t (*mono_us)(void *ctx);
    /* Told at each renewal: the database's clock less the monotonic one, and how long the asking took, by
     * which that may be wrong. NULL: nobody wants to know. */
    void (*hear_clock)(void *ctx, int64_t offset_us, int64_t took_us);
    void *ctx;
};

/* NULL: a lone gateway, which needs none. */
static inline bool lease_holds(const struct lease *l) {
    return !l || l->mono_us(l->ctx) < atomic_load_explicit(&l->until_us, memory_order_acquire);
}

/* Whether what only one of the nodes may do is this one's to do. */
static inline bool lease_keeps(const struct lease *l) {
    return !l || (lease_holds(l) && atomic_load_explicit(&l->keeper, memory_order_relaxed));
}

#endif
