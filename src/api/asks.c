/* What goes to the core in batches and comes back. */
#include "api/front_parts.h"

#include "api/events.h"
#include "base/clock.h"

struct ask *api_new_ask(struct api_request *rq, enum ask_kind kind) {
    struct ask *a = arena_zalloc(&rq->x->arena, sizeof *a);
    ASSERT(a); /* the arena holds a megabyte more than any request needs */
    a->kind = kind;
    a->account_id = rq->account_id;
    a->owner = rq;
    a->reply_to = rq->front->parts.replies;
    return a;
}

/* It never left: as if the core had refused it. */
static void turn_away(struct ask *a) {
    ask_drop_messages(a);
    a->result = ASK_FAILED;
    err_set(&a->err, ERR_BUSY, "more is waiting than can be held: try again in a second");
}

static void ask_by(struct outbox *out, struct api_request *rq, struct ask *a, api_done *done) {
    struct front *f = rq->front;
    rq->done = done;
    if (f->asks_out == f->asks_out_max) {
        turn_away(a);
        done(rq, a);
        return;
    }
    f->asks_out++;
    rq->asks_out++;
    out->asks[out->n++] = a;
}

void api_ask(struct api_request *rq, struct ask *a, api_done *done) {
    ask_by(&rq->front->asks, rq, a, done);
}

void api_ask_urgent(struct api_request *rq, struct ask *a, api_done *done) {
    ask_by(&rq->front->receipts, rq, a, done);
}

void front_put_clicks(struct front *f) {
    if (f->asks_out == f->asks_out_max)
        return;
    struct ask *a = clickbook_take(&f->clicks, f->parts.replies, clock_monotonic_us(), f->draining);
    if (!a)
        return;
    f->asks_out++;
    f->asks.asks[f->asks.n++] = a;
}

void front_reply(struct front *f, struct ask *a) {
    if (a->kind == ASK_DIGEST) { /* no request waits for it */
        ASSERT(f->asks_out);
        f->asks_out--;
        front_digest_done(f, a);
        return;
    }
    if (a->owner == &f->clicks) {
        ASSERT(f->asks_out);
        f->asks_out--;
        clickbook_back(&f->clicks, f->parts.world->meters);
        return;
    }
    struct api_request *rq = a->owner;
    ASSERT(f->asks_out && rq->asks_out);
    f->asks_out--;
    rq->asks_out--;
    rq->done(rq, a);
}

static void flush(struct front *f, struct outbox *out) {
    if (out->n == 0)
        return;
    size_t n = out->n, took = mailbox_put(out->to, out->asks, n);
    void **away = out->asks;
    out->asks = out->away;
    out->away = away;
    out->n = 0;
    for (size_t i = took; i < n; i++) {
        turn_away(away[i]);
        front_reply(f, away[i]); /* may ask for something else: that goes the next time */
    }
}

void front_flush(struct front *f) {
    flush(f, &f->receipts);
    flush(f, &f->asks);
}
