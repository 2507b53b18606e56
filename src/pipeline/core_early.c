/* Receipts without our token: their message is found on disk, by number and provider id. A provider may be
 * faster with the receipt than with the answer that names the id, so one whose message is not found waits,
 * and is looked for again, while calls are under way whose answers might name it. */
#include "base/clock.h"
#include "pipeline/core_parts.h"

enum { AGAIN_MS = 400, TRIES_MAX = 10, WAITING_MAX = 4096 };

static void find(struct core *c, struct ask *a) {
    struct work *w = core_work(c, FOR_FIND, JOB_LOAD, NULL);
    w->ask = a;
    w->job.find_number = sv_of(a->number);
    w->job.find_provider_id = sv_of(a->receipt.provider_id);
    core_record(c, w);
}

void core_find(struct core *c, struct ask *a) {
    a->tries = 0;
    find(c, a);
}

/* The first time always: the answer may have been on its way to the disk together with the question. */
static bool may_come(const struct core *c, const struct ask *a) {
    bool under_way = a->tries == 0 || c->n_calls > 0 || c->n_jobs > 0 || c->nodes.alive > 1;
    return under_way && a->tries < TRIES_MAX && c->early.n < WAITING_MAX && !c->draining;
}

static void wait(struct core *c, struct ask *a) {
    a->tries++;
    a->again_at = c->now + AGAIN_MS * US_PER_MS; /* the same for all: so the list is in order */
    a->next = NULL;
    *(c->early.first ? &c->early.last->next : &c->early.first) = a;
    c->early.last = a;
    c->early.n++;
}

void core_find_done(struct core *c, struct work *w) {
    struct ask *a = w->ask;
    if (w->job.result == JOB_ABSENT && may_come(c, a)) {
        wait(c, a);
    } else if (w->job.result == JOB_ABSENT && c->draining) {
        err_set(&a->err, ERR_BUSY, "the gateway ends: call again");
        core_answer(c, a, ASK_FAILED);
    } else if (w->job.result != JOB_DONE) {
        a->err = w->job.err;
        core_answer(c, a, w->job.result == JOB_ABSENT ? ASK_ABSENT : ASK_FAILED);
    } else {
        a->id = w->job.id;
        core_about_stored(c, a);
    }
}

static struct ask *take_first(struct core *c) {
    struct ask *a = c->early.first;
    c->early.first = a->next;
    c->early.n--;
    return a;
}

void core_find_again(struct core *c) {
    while (c->early.first && (c->early.first->again_at <= c->now || c->draining))
        find(c, take_first(c));
}

int64_t core_find_again_at(const struct core *c) {
    return c->early.first ? c->early.first->again_at : INT64_MAX;
}

void core_find_lost(struct core *c) {
    while (c->early.first) {
        struct ask *a = take_first(c);
        if (a->lost)
            a->lost(a);
    }
}
