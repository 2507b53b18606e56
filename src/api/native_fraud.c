/* What the fraud guard holds and has flagged, over HTTP, for an account's administrators. */
#include "api/native.h"

#include "base/json.h"
#include "policy/guard.h"
#include "store/fraud.h"

enum { BLOCKS_MAX = 1000 };

static const char *why_word(int i) {
    return guard_why_name((enum guard_why)i);
}

const struct api_field fraud_hold_list_fields[] = {
    {"limit", FIELD_INT, "Messages on a page; 50 without it.", .min = 1, .max = FRAUD_PAGE_MAX},
    {"cursor", FIELD_TEXT, "`next_cursor` of the page before.", .max = 64},
    {"prefix", FIELD_TEXT, "Only messages to numbers that begin so.", .max = FRAUD_PREFIX_MAX + 8},
    {0},
};

const struct api_field fraud_block_shape[] = {
    {"prefix", FIELD_TEXT, "What the numbers begin with, in E.164.", .required = true},
    {"reason", .kind = FIELD_WORD,
     .summary = "burst: many texts out of nowhere; conversion: its codes are not given back.",
     .required = true, .word = why_word, .word_first = GUARD_BURST, .word_end = GUARD_WHYS},
    {"since", FIELD_TIME, "When it was flagged.", .required = true},
    {"until", FIELD_TIME, "When that ends by itself.", .required = true},
    {0},
};

const struct api_field fraud_block_list_shape[] = {
    {"data", FIELD_LIST, "By prefix; a thousand at most.", .required = true, .ref = "FraudBlock"},
    {0},
};

/* ---- holds ---- */

static bool print_hold(struct api_request *rq, int64_t id, struct buf *out, struct err *e) {
    struct message *m = reader_message(api_db(rq), rq->account_id, id, e);
    if (!m)
        return e->kind == ERR_NOT_FOUND; /* deleted meanwhile */
    if (out->p[out->n - 1] == '}')
        buf_addc(out, ',');
    native_print_message(rq, m, out);
    message_free(m);
    return true;
}

void native_fraud_holds(struct api_request *rq) {
    enum { LIMIT, CURSOR, PREFIX };
    struct api_value v[FIELDS_MAX];
    struct err e = ERR_INIT;
    int64_t ids[FRAUD_PAGE_MAX], before = 0;
    size_t n = 0;
    bool more = false;
    if (!api_read_query(rq, fraud_hold_list_fields, v))
        return;
    bool ok = native_message_cursor(rq, &v[CURSOR], &before, &e) &&
              fraud_holds(api_db(rq), rq->account_id, v[PREFIX].text, before, native_page_limit(&v[LIMIT]),
                          ids, &n, &more, &e);
    struct buf *out = native_open_page(rq);
    for (size_t i = 0; ok && i < n; i++)
        ok = print_hold(rq, ids[i], out, &e);
    if (!ok) {
        api_fail(rq, &e);
        return;
    }
    native_answer_message_page(rq, out, more ? ids[n - 1] : 0);
}

static void settled(struct api_request *rq, struct ask *a) {
    struct err e = ERR_INIT;
    struct message *m = reader_message(api_db(rq), rq->account_id, a->id, &e);
    if (!m) {
        api_fail(rq, &e);
        return;
    }
    log_info(api_world(rq)->log, a->kind == ASK_DROP ? "fraud.dropped" : "fraud.released",
             kv_word("id", rq->params[0]), kv_word("key", sid_sv(&rq->key)));
    struct buf *out = api_scratch(rq);
    native_print_message(rq, m, out);
    message_free(m);
    api_answer_json(rq, 200, buf_sv(out));
}

static void settle(struct api_request *rq, enum ask_kind kind) {
    int64_t id;
    if (api_parse_sid(rq, rq->params[0], &id))
        api_command(rq, kind, id, settled);
}

void native_fraud_release(struct api_request *rq) {
    settle(rq, ASK_RELEASE);
}

void native_fraud_drop(struct api_request *rq) {
    settle(rq, ASK_DROP);
}

/* ---- flagged prefixes ---- */

void native_fraud_blocks(struct api_request *rq) {
    struct err e = ERR_INIT;
    size_t n;
    struct fraud_flag *flags = calloc(BLOCKS_MAX, sizeof *flags);
    ASSERT(flags);
    bool ok = fraud_flags(api_db(rq), rq->account_id, rq->now, flags, BLOCKS_MAX, &n, &e);
    struct buf *out = native_open_page(rq);
    for (size_t i = 0; ok && i < n; i++) {
        const struct fraud_flag *f = &flags[i];
        buf_adds(out, i ? ",{" : "{");
        json_pair(out, "prefix", sv_of(f->prefix));
        json_pair(out, "reason",
                  sv_of(why_word(f->why == GUARD_CONVERSION ? GUARD_CONVERSION : GUARD_BURST)));
        json_pair_time(out, "since", f->since);
        json_pair_time(out, "until", f->until);
        buf_addc(out, '}');
    }
    buf_adds(out, "]}");
    free(flags);
    if (ok)
        api_answer_json(rq, 200, buf_sv(out));
    else
        api_fail(rq, &e);
}

static void unblocked(struct api_request *rq, struct ask *a) {
    struct err e = ERR_INIT;
    if (a->result == ASK_ABSENT) {
        err_set(&e, ERR_NOT_FOUND, "this prefix is not flagged");
        api_fail(rq, &e);
    } else if (a->result != ASK_DONE) {
        api_fail(rq, &a->err);
    } else {
        log_info(api_world(rq)->log, "fraud.unflagged", kv_name("prefix", a->number + 1),
                 kv_word("account", sid_sv(&rq->account_sid)), kv_word("key", sid_sv(&rq->key)));
        api_answer(rq, &(struct answer){.status = 204});
    }
}

void native_fraud_unblock(struct api_request *rq) {
    struct err e = ERR_INIT;
    struct sv prefix = api_query_number(&rq->x->arena, rq->params[0]);
    bool ok = prefix.n >= 2 && prefix.n <= FRAUD_PREFIX_MAX && prefix.p[0] == '+';
    for (size_t i = 1; i < prefix.n; i++)
        ok &= prefix.p[i] >= '0' && prefix.p[i] <= '9';
    if (!ok) {
        err_set(&e, ERR_NOT_FOUND, "this is no prefix: + and up to %d digits, as the list has them",
                FRAUD_PREFIX_MAX - 1);
        api_fail(rq, &e);
        return;
    }
    struct ask *a = api_new_ask(rq, ASK_UNFLAG);
    snprintf(a->number, sizeof a->number, "%.*s", SV_FMT(prefix));
    api_ask(rq, a, unblocked);
}
