/* arena: memory that dies together, for one turn or one request.
 *
 * Allocations are aligned for any type, are not zeroed unless said, and are released all at once by
 * arena_reset or arena_done. An arena has a maximum; past it, or when memory is short, allocation returns
 * NULL and full sticks. One owner, one thread.
 */
#ifndef HY_BASE_ARENA_H
#define HY_BASE_ARENA_H

#include "base/sv.h"

struct arena_block;

struct arena {
    struct arena_block *first; /* owned */
    size_t used;               /* bytes handed out since the last reset */
    size_t max;
    bool full;
};

#define ARENA_AUTO __attribute__((cleanup(arena_done)))

void arena_init(struct arena *a, size_t max);
void arena_done(struct arena *a);
/* Everything handed out is void; one block is kept for reuse. */
void arena_reset(struct arena *a);

void *arena_alloc(struct arena *a, size_t n);
void *arena_zalloc(struct arena *a, size_t n);
/* A copy with a NUL behind it; the view is empty with p == NULL when the arena is full. */
struct sv arena_dup(struct arena *a, struct sv v);

#endif
