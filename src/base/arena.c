#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 4096 };

struct arena_block {
    struct arena_block *next;
    size_t cap, n;
    max_align_t bytes[];
};

void arena_init(struct arena *a, size_t max) {
    *a = (struct arena){.max = max};
}

void arena_done(struct arena *a) {
    for (struct arena_block *b = a->first; b;) {
        struct arena_block *next = b->next;
        free(b);
        b = next;
    }
    arena_init(a, a->max);
}

void arena_reset(struct arena *a) {
    struct arena_block *keep = a->first;
    if (keep) {
        for (struct arena_block *b = keep->next; b;) {
            struct arena_block *next = b->next;
            free(b);
            b = next;
        }
        keep->next = NULL;
        keep->n = 0;
    }
    a->used = 0;
    a->full = false;
}

void *arena_alloc(struct arena *a, size_t n) {
    size_t size = (n + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
    if (size < n || a->full || size > a->max - a->used) {
        a->full = true;
        return NULL;
    }
    struct arena_block *b = a->first;
    if (!b || b->cap - b->n < size) {
        size_t cap = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        struct arena_block *fresh = malloc(sizeof *fresh + cap);
        if (!fresh) {
            a->full = true;
            return NULL;
        }
        fresh->cap = cap;
        fresh->n = 0;
        fresh->next = b;
        a->first = b = fresh;
    }
    void *at = (char *)b->bytes + b->n;
    b->n += size;
    a->used += size;
    return at;
}

void *arena_zalloc(struct arena *a, size_t n) {
    void *p = arena_alloc(a, n);
    if (p)
        memset(p, 0, n);
    return p;
}

struct sv arena_dup(struct arena *a, struct sv v) {
    char *p = arena_alloc(a, v.n + 1);
    if (!p)
        return SV_NONE;
    if (v.n)
        memcpy(p, v.p, v.n);
    p[v.n] = '\0';
    return (struct sv){.p = p, .n = v.n};
}
