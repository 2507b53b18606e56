/* Events in, one or many in a request, and what became of them. */
#include "api/events.h"

#include "base/json.h"

enum {
    BATCH_MAX = 1000,
    STEPS_MAX = 8 * EVENT_STEPS_MAX, /* of all rules for all events of a request */
};

/* ---- shapes ---- */

const struct api_field event_refusal_shape[] = {
    {"line", FIELD_INT, "Which line, or place in the list, from 1.", .required = true, .max = INT32_MAX},
    {"detail", FIELD_TEXT, "Why it was not taken.", .required = true},
    {"field", FIELD_TEXT, "What is wrong in it."},
    {"retry", FIELD_BOOL, "Whether the same may be taken later.", .required = true},
    {0},
};

const struct api_field event_batch_shape[] = {
    {"accepted", FIELD_INT, "Stored now.", .required = true, .max = INT32_MAX},
    {"repeated", FIELD_INT, "Had come before: nothing was done.", .required = true, .max = INT32_MAX},
    {"refused", FIELD_LIST, "Those that were not taken.", .required = true, .ref = "EventRefusal"},
    {"ids", FIELD_LIST, "The gateway's id of each, in their order; null: not taken.", .required = true},
    {0},
};

/* ---- one ---- */

static void answer_new(struct api_request *rq, const struct event_post *p) {
    const struct event_write *w = &p->write;
    const struct event_row row = {.id = w->id,
                                  .source = w->source,
                                  .name = w->name,
                                  .type = w->type,
                                  .subject = w->subject,
                                  .data = w->data,
                                  .passed = w->passed,
                                  .unjudged = w->unjudged,
                                  .at = w->at,
                                  .outcomes = w->outcomes,
                                  .n_outcomes = w->n_outcomes};
    struct buf *out = api_scratch(rq);
    event_print(rq, &row, out);
    api_answer_json(rq, 202, buf_sv(out));
}

/* What a request's events have come to. One is a batch of one, which is answered in its own way. */
struct batch {
    bool single;
    struct event_post **posts; /* NULL: refused before it was asked; then refusals say why */
    struct err *refusals;      /* beside them */
    size_t n;
    size_t waiting; /* events and withdrawals that are not answered */
    uint64_t steps; /* left for the rules of those that are still to be read */
};

static void answer_batch(struct api_request *rq, const struct batch *b);

static void finish(struct api_request *rq, const struct batch *b) {
    if (!b->single) {
        answer_batch(rq, b);
        return;
    }
    const struct ask *a = &b->posts[0]->ask;
    switch ((int)a->result) {
    case ASK_DONE: answer_new(rq, b->posts[0]); return;
    case ASK_DUPLICATE: event_answer_stored(rq, a->dup_id, 200); return;
    default: api_fail(rq, &a->err);
    }
}

static void answered(struct api_request *rq, struct ask *a);

/* What was withdrawn on disk is moved to `canceled` before the answer; should that fail, it never begins all
 * the same. */
static void cancel_withdrawn(struct api_request *rq, struct batch *b, const struct event_write *w) {
    for (size_t i = 0; i < w->n_outcomes; i++) {
        if (w->outcomes[i].did != EVENT_CANCELED)
            continue;
        struct ask *a = arena_zalloc(&rq->x->arena, sizeof *a);
        if (!a)
            return;
        *a = (struct ask){.kind = ASK_CANCEL,
                          .account_id = rq->account_id,
                          .owner = rq,
                          .reply_to = b->posts[0] ? b->posts[0]->ask.reply_to : NULL,
                          .id = w->outcomes[i].message_id};
        for (size_t k = 0; !a->reply_to && k < b->n; k++)
            if (b->posts[k])
                a->reply_to = b->posts[k]->ask.reply_to;
        b->waiting++;
        api_ask(rq, a, answered);
    }
}

static void answered(struct api_request *rq, struct ask *a) {
    struct batch *b = rq->own;
    if (a->kind == ASK_EVENT && a->result == ASK_DONE)
        cancel_withdrawn(rq, b, a->business);
    if (--b->waiting == 0)
        finish(rq, b);
}

/* All of them; waiting is counted before, as answers may come before api_ask returns. */
static void ask_all(struct api_request *rq, struct batch *b) {
    rq->own = b;
    b->waiting = 1;
    for (size_t i = 0; i < b->n; i++) {
        if (!b->posts[i])
            continue;
        b->waiting++;
        api_ask(rq, &b->posts[i]->ask, answered);
    }
    if (--b->waiting == 0)
        finish(rq, b);
}

static void take_one(struct api_request *rq, struct event_in *in) {
    struct err e = ERR_INIT;
    struct batch *b = arena_zalloc(&rq->x->arena, sizeof *b + sizeof(struct event_post *));
    ASSERT(b);
    *b = (struct batch){
        .single = true, .posts = (struct event_post **)(b + 1), .n = 1, .steps = EVENT_STEPS_MAX};
    b->posts[0] = event_post_new(rq, in, &b->steps, &e);
    if (b->posts[0])
        ask_all(rq, b);
    else
        api_fail(rq, &e);
}

/* What may come again must be told by its id. */
static bool is_named(const struct api_request *rq, const struct event_in *in, struct err *e) {
    return in->name.n || !rq->x->must_be_named ||
           err_set_field(e, ERR_INVALID, "id",
                         "nothing tells this event when it comes again: give it an `id`, or its entry a "
                         "message_id");
}

/* ---- many ---- */

static void print_refusal(struct buf *out, size_t index, const struct err *e) {
    json_pair_i64(out, "line", (int64_t)index + 1);
    json_pair(out, "detail", sv_of(e->text));
    json_pair_or_null(out, "field", sv_of(e->field));
    json_pair_bool(out, "retry", err_http_status(e->kind) >= 500);
}

static const struct err *refusal_of(const struct batch *b, size_t i) {
    const struct event_post *p = b->posts[i];
    bool taken = p && (p->ask.result == ASK_DONE || p->ask.result == ASK_DUPLICATE);
    return taken ? NULL : p ? &p->ask.err : &b->refusals[i];
}

static void answer_batch(struct api_request *rq, const struct batch *b) {
    struct buf *out = api_scratch(rq);
    int64_t accepted = 0, repeated = 0;
    buf_adds(out, "{\"ids\":[");
    for (size_t i = 0; i < b->n; i++) {
        const struct event_post *p = b->posts[i];
        bool new = p && p->ask.result == ASK_DONE, old = p && p->ask.result == ASK_DUPLICATE;
        struct sid sid = event_sid(rq, old ? p->ask.dup_id : new ? p->write.id : 1);
        accepted += new;
        repeated += old;
        if (i)
            buf_addc(out, ',');
        if (new || old)
            json_add_string(out, sid_sv(&sid));
        else
            buf_adds(out, "null");
    }
    buf_addc(out, ']');
    json_pair_i64(out, "accepted", accepted);
    json_pair_i64(out, "repeated", repeated);
    json_key(out, "refused");
    buf_addc(out, '[');
    for (size_t i = 0, n = 0; i < b->n; i++) {
        const struct err *e = refusal_of(b, i);
        if (!e)
            continue;
        buf_adds(out, n++ ? ",{" : "{");
        print_refusal(out, i, e);
        buf_addc(out, '}');
    }
    buf_adds(out, "]}");
    api_answer_json(rq, 200, buf_sv(out));
}

static struct batch *batch_new(struct api_request *rq, size_t n) {
    struct arena *mem = &rq->x->arena;
    struct batch *b = arena_zalloc(mem, sizeof *b);
    ASSERT(b);
    b->n = n;
    b->steps = STEPS_MAX;
    b->posts = arena_zalloc(mem, (n + 1) * sizeof(struct event_post *));
    b->refusals = arena_zalloc(mem, (n + 1) * sizeof *b->refusals);
    ASSERT(b->posts && b->refusals);
    return b;
}

static struct sv name_of(struct api_request *rq, struct sv post_id, size_t index) {
    char text[EVENT_NAME_BYTES_MAX + 32];
    int n = index == SIZE_MAX ? snprintf(text, sizeof text, "%.*s", SV_FMT(post_id))
                              : snprintf(text, sizeof text, "%.*s/%zu", SV_FMT(post_id), index);
    return arena_dup(&rq->x->arena, sv_make(text, (size_t)n));
}

/* What was taken under its former key keeps the name that it has of that. */
static bool use_former_name(struct api_request *rq, size_t index, struct event_in *in, struct err *e) {
    const struct event_write w = {.account_id = rq->account_id,
                                  .source = in->source.p ? in->source : SV(""),
                                  .name = name_of(rq, rq->x->former_key, index)};
    int64_t id;
    if (!events_find(api_db(rq), &w, &id, e))
        return false;
    if (id)
        in->name = w.name;
    return true;
}

/* An event without an id of its own has that of a signed post, so that the post cannot be repeated. */
static bool name_by_post(struct api_request *rq, struct sv signed_as, struct sv post_id, size_t index,
                         struct event_in *in, struct err *e) {
    if (!in->source.n)
        in->source = signed_as;
    if (in->name.n || !post_id.n)
        return true;
    in->name = name_of(rq, post_id, index);
    return !rq->x->former_key.n || use_former_name(rq, index, in, e);
}

static void take_named(struct api_request *rq, struct sv signed_as, struct sv post_id, struct event_in *in) {
    struct err e = ERR_INIT;
    if (name_by_post(rq, signed_as, post_id, SIZE_MAX, in, &e) && is_named(rq, in, &e)) {
        take_one(rq, in);
        return;
    }
    event_in_done(in);
    api_fail(rq, &e);
}

static void add_item(struct api_request *rq, struct batch *b, size_t i, const json_t *json,
                     struct sv signed_as, struct sv post_id) {
    struct event_in in;
    struct err *e = &b->refusals[i];
    if (!json || !event_read(rq, json, &in, e))
        return;
    if (name_by_post(rq, signed_as, post_id, i, &in, e) && is_named(rq, &in, e))
        b->posts[i] = event_post_new(rq, &in, &b->steps, e);
    else
        event_in_done(&in);
}

static bool too_many(struct api_request *rq, size_t n) {
    struct err e = ERR_INIT;
    if (n && n <= BATCH_MAX)
        return false;
    err_set(&e, n ? ERR_TOO_LARGE : ERR_INVALID,
            n ? "a batch has at most %d events: post several" : "the batch is empty%.0d", BATCH_MAX);
    api_fail(rq, &e);
    return true;
}

static size_t count_lines(struct sv body) {
    size_t n = 0;
    for (struct sv rest = body; rest.p && rest.n;)
        n += sv_trim(sv_cut(&rest, '\n')).n != 0;
    return n;
}

static void take_lines(struct api_request *rq, struct sv signed_as, struct sv post_id) {
    size_t n = count_lines(rq->x->body), i = 0;
    if (too_many(rq, n))
        return;
    struct batch *b = batch_new(rq, n);
    for (struct sv rest = rq->x->body; rest.p && rest.n;) {
        struct sv line = sv_trim(sv_cut(&rest, '\n'));
        if (!line.n)
            continue;
        json_t *json = event_parse(line, &b->refusals[i]);
        add_item(rq, b, i++, json, signed_as, post_id);
        json_decref(json);
    }
    ask_all(rq, b);
}

static void take_list(struct api_request *rq, const json_t *list, struct sv signed_as, struct sv post_id) {
    size_t n = json_array_size(list);
    if (too_many(rq, n))
        return;
    struct batch *b = batch_new(rq, n);
    for (size_t i = 0; i < n; i++)
        add_item(rq, b, i, json_array_get(list, i), signed_as, post_id);
    ask_all(rq, b);
}

/* ---- the door ---- */

static bool is_json(const struct api_request *rq) {
    return !exchange_header(rq->x, "Content-Type").n || api_content_is(rq, SV("application/json")) ||
           api_content_is(rq, SV("application/cloudevents+json")) ||
           api_content_is(rq, SV("application/cloudevents-batch+json"));
}

static void take_json(struct api_request *rq, struct sv signed_as, struct sv post_id) {
    struct err e = ERR_INIT;
    struct event_in in;
    json_t *json = event_parse(rq->x->body, &e);
    if (json_is_array(json)) {
        take_list(rq, json, signed_as, post_id);
    } else if (json && event_read(rq, json, &in, &e)) {
        take_named(rq, signed_as, post_id, &in);
    } else {
        api_fail(rq, &e);
    }
    json_decref(json);
}

void event_take(struct api_request *rq, struct sv signed_as, struct sv post_id) {
    struct err e = ERR_INIT;
    struct event_in in;
    if (api_content_is(rq, SV("application/x-ndjson"))) {
        take_lines(rq, signed_as, post_id);
    } else if (exchange_header(rq->x, "ce-specversion").n) {
        if (!event_read_binary(rq, &in, &e)) {
            event_in_done(&in);
            api_fail(rq, &e);
            return;
        }
        take_one(rq, &in);
    } else if (is_json(rq)) {
        take_json(rq, signed_as, post_id);
    } else {
        err_set_field(&e, ERR_INVALID, "Content-Type",
                      "send application/json, application/x-ndjson, or CloudEvents");
        api_problem(rq, PROBLEM_MEDIA_TYPE, &e);
    }
}

void native_event_create(struct api_request *rq) {
    struct sv entry = rq->x->way ? exchange_header(rq->x, "Idempotency-Key") : SV_NONE;
    event_take(rq, SV_NONE, entry);
}
