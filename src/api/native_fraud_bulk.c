/* All that the fraud guard holds, or all to one prefix, released or dropped by one request: page by page,
 * newest first, each message as if it were asked for by itself. What is left over for the next request is
 * said. */
#include "api/native.h"

#include "base/json.h"
#include "store/fraud.h"

enum { BULK_PAGE = API_ASKS_MAX, BULK_ROUNDS_MAX = 20 };

const struct api_field fraud_bulk_fields[] = {
    {"prefix", FIELD_TEXT, "Only messages to numbers that begin so, `+9370`; all without it.",
     .max = FRAUD_PREFIX_MAX + 8},
    {0},
};

const struct api_field fraud_bulk_shape[] = {
    {"done", FIELD_INT, "Messages that were released, or dropped.", .required = true, .max = INT32_MAX},
    {"more", FIELD_BOOL, "There are others: ask again.", .required = true},
    {0},
};

struct bulk {
    enum ask_kind kind;
    struct sv prefix;
    int64_t before_id;
    unsigned rounds;
    int64_t done;
};

static void go_on(struct api_request *rq, struct bulk *b);

static void answer_bulk(struct api_request *rq, const struct bulk *b, bool more) {
    const char *event = b->kind == ASK_DROP ? "fraud.dropped" : "fraud.released";
    log_info(api_world(rq)->log, event, kv_word("account", sid_sv(&rq->account_sid)),
             kv_word("key", sid_sv(&rq->key)), kv_opt("prefix", b->prefix), kv_int("messages", b->done));
    struct buf *out = api_scratch(rq);
    buf_addc(out, '{');
    json_pair_i64(out, "done", b->done);
    json_pair_bool(out, "more", more);
    buf_addc(out, '}');
    api_answer_json(rq, 200, buf_sv(out));
}

/* One that is not held any more, released or canceled meanwhile, is no mistake. */
static void was_settled(struct api_request *rq, struct ask *a) {
    struct bulk *b = rq->own;
    b->done += a->result == ASK_DONE;
    if (rq->asks_out == 0)
        go_on(rq, b);
}

static void go_on(struct api_request *rq, struct bulk *b) {
    struct err e = ERR_INIT;
    int64_t ids[BULK_PAGE];
    size_t n;
    bool more;
    if (!fraud_holds(api_db(rq), rq->account_id, b->prefix, b->before_id, BULK_PAGE, ids, &n, &more, &e)) {
        api_fail(rq, &e);
        return;
    }
    if (n == 0 || b->rounds++ == BULK_ROUNDS_MAX) {
        answer_bulk(rq, b, n > 0);
        return;
    }
    b->before_id = ids[n - 1];
    if (api_ask_each(rq, b->kind, ids, n, was_settled))
        go_on(rq, b);
}

static void begin(struct api_request *rq, enum ask_kind kind) {
    JSON_AUTO json_t *root = NULL;
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    struct bulk *b = arena_zalloc(&rq->x->arena, sizeof *b);
    ASSERT(b);
    b->kind = kind;
    if (rq->x->body.n) {
        if (!api_read_json(rq, fraud_bulk_fields, &root, v))
            return;
        b->prefix = v[0].given ? arena_dup(&rq->x->arena, v[0].text) : SV_NONE;
    }
    if (b->prefix.n && b->prefix.p[0] != '+') {
        err_set_field(&e, ERR_INVALID, "prefix", "what numbers begin with, in E.164: +9370");
        api_fail(rq, &e);
        return;
    }
    rq->own = b;
    go_on(rq, b);
}

void native_fraud_release_all(struct api_request *rq) {
    begin(rq, ASK_RELEASE);
}

void native_fraud_drop_all(struct api_request *rq) {
    begin(rq, ASK_DROP);
}
