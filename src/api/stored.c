/* Stored messages: found by their sid, and what may be asked of the core about them. */
#include "api/front_parts.h"

struct command {
    api_done *done;
};

static void commanded(struct api_request *rq, struct ask *a) {
    struct command *c = rq->own;
    struct err e = ERR_INIT;
    switch (a->result) {
    case ASK_DONE: c->done(rq, a); return;
    case ASK_ABSENT:
        err_set(&e, ERR_NOT_FOUND, "there is no such message");
        api_fail(rq, &e);
        return;
    case ASK_REFUSED:
        err_set(&e, ERR_CONFLICT, "the message is `%s`: %s", state_name(a->head.state),
                a->kind == ASK_RELEASE || a->kind == ASK_DROP ? "the fraud guard does not hold it"
                : a->kind == ASK_CANCEL ? "only one that waits to be sent can be canceled"
                                        : "it can be erased once nothing is left to be done with it");
        api_problem(rq, PROBLEM_TOO_LATE, &e);
        return;
    case ASK_FAILED: api_fail(rq, &a->err); return;
    case ASK_DUPLICATE:
    case ASK_MISMATCH:
    case ASK_LIMITED:
    case ASK_IN_FLIGHT: break;
    }
    err_set(&e, ERR_INTERNAL, "the core gave an answer that does not fit the question");
    api_fail(rq, &e);
}

void api_command(struct api_request *rq, enum ask_kind kind, int64_t id, api_done *done) {
    struct command *c = arena_zalloc(&rq->x->arena, sizeof *c);
    ASSERT(c);
    c->done = done;
    rq->own = c;
    struct ask *a = api_new_ask(rq, kind);
    a->id = id;
    api_ask(rq, a, commanded);
}

bool api_ask_each(struct api_request *rq, enum ask_kind kind, const int64_t *ids, size_t n, api_done *done) {
    struct ask *asks[API_ASKS_MAX];
    ASSERT(n <= API_ASKS_MAX);
    for (size_t i = 0; i < n; i++) {
        asks[i] = api_new_ask(rq, kind);
        asks[i]->id = ids[i];
    }
    rq->asks_out++; /* none of them is the last until all are put */
    for (size_t i = 0; i < n; i++)
        api_ask(rq, asks[i], done);
    return --rq->asks_out == 0;
}

bool api_parse_sid(struct api_request *rq, struct sv sid, int64_t *id) {
    if (sid_parse_message(rq->front->parts.world->id_key, sid, id))
        return true;
    struct err e = ERR_INIT;
    err_set(&e, ERR_NOT_FOUND,
            "this is no message id: they are SM and 32 hexadecimal digits, with a check in them");
    api_fail(rq, &e);
    return false;
}

struct message *api_find_message(struct api_request *rq, struct sv sid) {
    int64_t id;
    if (!api_parse_sid(rq, sid, &id))
        return NULL;
    struct err e = ERR_INIT;
    struct message *m = reader_message(rq->front->db, rq->account_id, id, &e);
    if (!m)
        api_fail(rq, &e);
    return m;
}
