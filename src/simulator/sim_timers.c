#include "simulator/sim_timers.h"

#include <stdlib.h>

void timers_done(struct timers *ts) {
    free(ts->heap);
    *ts = (struct timers){0};
}

static bool before(const struct timer *a, const struct timer *b) {
    return a->due_at != b->due_at ? a->due_at < b->due_at : a->order < b->order;
}

static void put(struct timers *ts, size_t place, struct timer *t) {
    ts->heap[place] = t;
    t->place = place;
}

static void rise(struct timers *ts, size_t place, struct timer *t) {
    while (place > 1 && before(t, ts->heap[place / 2])) {
        put(ts, place, ts->heap[place / 2]);
        place /= 2;
    }
    put(ts, place, t);
}

static void sink(struct timers *ts, size_t place, struct timer *t) {
    for (;;) {
        size_t child = place * 2;
        if (child > ts->n)
            break;
        if (child < ts->n && before(ts->heap[child + 1], ts->heap[child]))
            child++;
        if (!before(ts->heap[child], t))
            break;
        put(ts, place, ts->heap[child]);
        place = child;
    }
    put(ts, place, t);
}

bool timers_set(struct timers *ts, struct timer *t, int64_t due_at) {
    if (ts->n + 2 > ts->cap) {
        size_t cap = ts->cap ? ts->cap * 2 : 64;
        struct timer **heap = realloc(ts->heap, cap * sizeof *heap);
        if (!heap)
            return false;
        ts->heap = heap;
        ts->cap = cap;
    }
    t->due_at = due_at;
    t->order = ts->order++;
    rise(ts, ++ts->n, t);
    return true;
}

void timers_cancel(struct timers *ts, struct timer *t) {
    if (!t->place)
        return;
    size_t place = t->place;
    struct timer *last = ts->heap[ts->n--];
    t->place = 0;
    if (last == t)
        return;
    if (place > 1 && before(last, ts->heap[place / 2]))
        rise(ts, place, last);
    else
        sink(ts, place, last);
}

int64_t timers_next(const struct timers *ts) {
    return ts->n ? ts->heap[1]->due_at : INT64_MAX;
}

void timers_run(struct timers *ts, int64_t now, void *ctx) {
    uint64_t limit = ts->order; /* later ones were set by what fires here */
    while (ts->n && ts->heap[1]->due_at <= now && ts->heap[1]->order < limit) {
        struct timer *t = ts->heap[1];
        timers_cancel(ts, t);
        t->fire(ctx, t);
    }
}
