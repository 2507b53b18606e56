/* Messages that go out at once are due far while their attempt is under way (dispatch/settle.h): their row
 * need not be touched in any index when the outcome comes. A process that follows this one has to find them,
 * so the mark on disk (store/sending.h) is kept below them all: it moves on when everything in an epoch of
 * some thousand has its outcome. */
#include "pipeline/core_parts.h"

#include "base/clock.h"
#include "store/sending.h"

enum { EPOCH_MESSAGES = 4096, AGAIN_US = 1000 * 1000 };

static struct far_epoch *epoch(struct core *c, uint32_t number) {
    return &c->far.epochs[number % FAR_EPOCHS];
}

static void write_mark(struct core *c, int64_t mark) {
    struct sending_write *s = calloc(1, sizeof *s);
    ASSERT(s);
    s->write.run = sending_run;
    s->node = c->world->node;
    s->mark = c->far.mark = mark; /* from now on nothing below it is begun so, whether this succeeds or not */
    s->resumes = !c->far.open;
    s->last_id = c->far.last_id;
    s->longest_us = core_longest_us(c);
    c->far.writing = true;
    core_write(c, FOR_FAR, &s->write, NULL);
}

void core_far_written(struct core *c, struct work *w) {
    const struct sending_write *s = w->own;
    c->far.writing = false;
    if (w->job.result != JOB_DONE) {
        c->far.at = c->now + AGAIN_US;
        return;
    }
    c->far.open = true;
    for (int p = 0; s->resumed && p < PRIORITY_COUNT; p++)
        queue_note_due(&c->queue, (enum priority)p, (struct queue_key){.due_at = 1}, c->now);
}

/* Drops what is over at the old end, and says how low the rest reaches. */
static int64_t lowest(struct core *c) {
    int64_t low = INT64_MAX;
    while (c->far.oldest != c->far.newest && epoch(c, c->far.oldest)->open == 0)
        c->far.oldest++;
    for (uint32_t n = c->far.oldest; n <= c->far.newest; n++)
        if (epoch(c, n)->begun && epoch(c, n)->first_id < low)
            low = epoch(c, n)->first_id;
    return low;
}

void core_far_turn(struct core *c) {
    if (c->far.writing || c->draining || c->now < c->far.at)
        return;
    if (!c->far.open) {
        write_mark(c, c->far.last_id + 1);
        return;
    }
    if (!c->far.moved)
        return;
    c->far.moved = false;
    int64_t mark = lowest(c);
    if (mark != INT64_MAX && mark > c->far.mark)
        write_mark(c, mark);
}

bool core_far_may(const struct core *c, const struct live *l) {
    return c->far.open && l->id >= c->far.mark && (!c->world->node || c->nodes.all_see_far);
}

void core_far_begin(struct core *c, struct live *l) {
    struct far_epoch *e = epoch(c, c->far.newest);
    if (e->begun >= EPOCH_MESSAGES && c->far.newest - c->far.oldest + 1 < FAR_EPOCHS) {
        e = epoch(c, ++c->far.newest);
        *e = (struct far_epoch){0};
        c->far.moved = true; /* the one before may be over */
    }
    if (!e->begun || l->id < e->first_id)
        e->first_id = l->id;
    e->begun++;
    e->open++;
    l->far = c->far.newest + 1;
}

void core_far_end(struct core *c, struct live *l) {
    if (!l->far)
        return;
    struct far_epoch *e = epoch(c, l->far - 1);
    ASSERT(e->open);
    e->open--;
    c->far.moved |= e->open == 0 && l->far - 1 != c->far.newest;
    l->far = 0;
}
