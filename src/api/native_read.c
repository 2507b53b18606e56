/* What only looks: one message, lists, events, attempts, previews. */
#include "api/native.h"

#include "base/json.h"
#include "store/history.h"
#include "store/links.h"
#include "store/replies.h"
#include "store/tally.h"

enum {
    EVENTS_MAX = 1000,
    ATTEMPTS_MAX = 1000,
    PAGE_BYTES_MAX = 4 * 1024 * 1024, /* a page that grows past this ends early, with a cursor */
};

/* Only texts of templates have links. */
static bool add_links(struct api_request *rq, const struct message *m, struct buf *out, struct err *e) {
    size_t n = 0;
    struct arena *a = &rq->x->arena;
    struct link_row *rows = NULL;
    if (m->text[TEXT_TEMPLATE].n) {
        rows = arena_alloc(a, LINKS_MAX * sizeof *rows);
        ASSERT(rows);
        if (!links_of(api_db(rq), rq->account_id, m->id, a, rows, LINKS_MAX, &n, e))
            return false;
    }
    native_print_links(api_settings(rq)->links.base, rows, n, out);
    return true;
}

/* What lists leave out, too: which message a text from a handset answers. */
static bool add_in_reply_to(struct api_request *rq, const struct message *m, struct buf *out, struct err *e) {
    struct reply r;
    int64_t answered_at, read_at;
    bool there = false;
    if (m->direction == DIRECTION_IN &&
        !replies_get(api_db(rq), m->id, &rq->x->arena, &r, &answered_at, &read_at, &there, e))
        return false;
    struct sid sid = {.text = ""};
    if (there && r.in_reply_to)
        sid = sid_message(api_world(rq)->id_key, r.in_reply_to);
    json_pair_or_null(out, "in_reply_to", sv_of(sid.text));
    return true;
}

/* A message that waits in the queue, while the core says for what. */
struct waiting {
    struct message *m; /* owned until it is answered */
    struct expectation expected;
    uint32_t ahead;
    bool ahead_more;
};

static void print_expected(const struct expectation *x, const struct waiting *w, struct buf *out) {
    json_pair_time(out, "expected_at", x->kind == EXPECT_UNKNOWN ? 0 : x->at);
    json_pair_or_null(out, "expected_is", sv_of(expect_kind_name(x->kind)));
    json_key(out, "ahead");
    if (w)
        buf_add_u64(out, w->ahead);
    else
        buf_adds(out, "null");
}

/* w: of a message in the queue; else NULL. Takes m over. */
static void answer_one(struct api_request *rq, struct message *m, const struct waiting *w) {
    struct expectation x = w ? w->expected : expect_of_head(&m->head);
    struct buf *out = api_scratch(rq);
    struct err e = ERR_INIT;
    if (w && x.waiting_for && x.reason != REASON_NONE)
        m->head.reason = x.reason; /* what it waits for by now */
    native_print_waiting(rq, m, x.waiting_for, out);
    out->n--; /* the closing brace: what lists leave out follows */
    print_expected(&x, w, out);
    bool ok = add_links(rq, m, out, &e) && add_in_reply_to(rq, m, out, &e);
    message_free(m);
    if (!ok) {
        api_fail(rq, &e);
        return;
    }
    buf_addc(out, '}');
    api_answer_json(rq, 200, buf_sv(out));
}

static void told(struct api_request *rq, struct ask *a) {
    struct waiting *w = rq->own;
    answer_one(rq, w->m, a->result == ASK_DONE ? w : NULL);
}

static void ask_why(struct api_request *rq, struct message *m) {
    struct waiting *w = arena_zalloc(&rq->x->arena, sizeof *w);
    struct err e = ERR_INIT;
    ASSERT(w);
    w->m = m;
    rq->own = w;
    if (m->head.due_at <= rq->now && !reader_ahead(api_db(rq), api_world(rq)->node, m->priority,
                                                   m->head.due_at, m->id, &w->ahead, &w->ahead_more, &e)) {
        message_free(m);
        api_fail(rq, &e);
        return;
    }
    struct ask *a = api_new_ask(rq, ASK_EXPECT);
    a->about = m;
    a->expected = &w->expected;
    a->ahead = w->ahead;
    a->ahead_more = w->ahead_more;
    api_ask(rq, a, told);
}

void native_get(struct api_request *rq) {
    struct message *m = api_find_message(rq, rq->params[0]);
    if (!m)
        return;
    if (m->head.state == STATE_QUEUED || m->head.state == STATE_ACCEPTED)
        ask_why(rq, m);
    else
        answer_one(rq, m, NULL);
}

/* ---- lists ---- */

/* The positions of list_fields, in its order. */
enum { TO, FROM, STATUS, DIRECTION, CREATED_FROM, CREATED_UNTIL, LIMIT, CURSOR };

static bool filter_of(struct api_request *rq, const struct api_value *v, struct message_filter *f,
                      struct err *e) {
    *f = (struct message_filter){
        .account_id = rq->account_id,
        .to = api_query_number(&rq->x->arena, v[TO].text),
        .from = api_query_number(&rq->x->arena, v[FROM].text),
        .created_from = v[CREATED_FROM].n,
        .created_until = v[CREATED_UNTIL].n,
        .by_state = v[STATUS].given,
        .state = (enum state)v[STATUS].n,
        .any_direction = !v[DIRECTION].given,
        .direction = (enum direction)v[DIRECTION].n,
        .limit = native_page_limit(&v[LIMIT]),
    };
    return native_message_cursor(rq, &v[CURSOR], &f->before_id, e);
}

static void answer_page(struct api_request *rq, struct message **rows, size_t n, bool more) {
    struct buf *out = api_scratch(rq);
    size_t i = 0;
    buf_adds(out, "{\"data\":[");
    for (; i < n && out->n < PAGE_BYTES_MAX; i++) {
        if (i)
            buf_addc(out, ',');
        native_print_message(rq, rows[i], out);
    }
    native_answer_message_page(rq, out, i && (more || i < n) ? rows[i - 1]->id : 0);
}

void native_list(struct api_request *rq) {
    struct api_value v[FIELDS_MAX];
    struct message_filter f;
    struct message **rows;
    size_t n;
    bool more;
    struct err e = ERR_INIT;
    if (!api_read_query(rq, list_fields, v))
        return;
    if (!filter_of(rq, v, &f, &e) || !reader_list(api_db(rq), &f, &rows, &n, &more, &e)) {
        api_fail(rq, &e);
        return;
    }
    answer_page(rq, rows, n, more);
    reader_free(rows, n);
}

/* ---- what happened to one ---- */

/* The message's number when it is the caller's; else answered. */
static bool own_message(struct api_request *rq, int64_t *id) {
    struct message *m = api_find_message(rq, rq->params[0]);
    if (!m)
        return false;
    *id = m->id;
    message_free(m);
    return true;
}

/* Which message it repeats, for one that was suppressed as a duplicate. */
static bool add_first(struct api_request *rq, int64_t id, const struct event *ev, struct buf *out,
                      struct err *e) {
    int64_t first_id = 0;
    if (ev->reason == REASON_DUPLICATE && !tally_first_of(api_db(rq), id, &first_id, e))
        return false;
    struct sid sid = first_id ? sid_message(api_world(rq)->id_key, first_id) : (struct sid){0};
    out->n--; /* the closing brace */
    json_pair_or_null(out, "duplicate_of", first_id ? sid_sv(&sid) : SV_NONE);
    buf_addc(out, '}');
    return true;
}

/* Up to ATTEMPTS_MAX of them, in the request's arena; NULL: answered. */
static struct attempt *read_attempts(struct api_request *rq, int64_t id, size_t *n) {
    struct err e = ERR_INIT;
    struct attempt *attempts = arena_alloc(&rq->x->arena, ATTEMPTS_MAX * sizeof *attempts);
    ASSERT(attempts);
    if (reader_attempts(api_db(rq), rq->account_id, id, attempts, ATTEMPTS_MAX, n, &e))
        return attempts;
    api_fail(rq, &e);
    return NULL;
}

static const struct attempt *attempt_of(const struct event *ev, const struct attempt *rows, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (rows[i].number == ev->attempt)
            return &rows[i];
    return NULL;
}

void native_events(struct api_request *rq) {
    int64_t id;
    size_t n, n_attempts;
    struct err e = ERR_INIT;
    if (!own_message(rq, &id))
        return;
    struct event *events;
    if (!history_read(api_db(rq), rq->account_id, id, EVENTS_MAX, &events, &n, &e)) {
        api_fail(rq, &e);
        return;
    }
    struct attempt *attempts = read_attempts(rq, id, &n_attempts);
    if (!attempts) {
        free(events);
        return;
    }
    struct buf *out = native_open_page(rq);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        if (i)
            buf_addc(out, ',');
        native_print_event(&events[i], attempt_of(&events[i], attempts, n_attempts), out);
        ok = add_first(rq, id, &events[i], out, &e);
    }
    free(events);
    if (!ok) {
        api_fail(rq, &e);
        return;
    }
    buf_adds(out, "]}");
    api_answer_json(rq, 200, buf_sv(out));
}

void native_attempts(struct api_request *rq) {
    int64_t id;
    size_t n;
    if (!own_message(rq, &id))
        return;
    struct attempt *attempts = read_attempts(rq, id, &n);
    if (!attempts)
        return;
    struct buf *out = native_open_page(rq);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_addc(out, ',');
        native_print_attempt(&attempts[i], out);
    }
    buf_adds(out, "]}");
    api_answer_json(rq, 200, buf_sv(out));
}

void native_whoami(struct api_request *rq) {
    const struct account *a = directory_account(api_directory(rq), rq->account_id);
    BUF_AUTO struct buf scopes = BUF_INIT(64);
    scopes_print(rq->scopes, &scopes);
    struct buf *out = api_scratch(rq);
    buf_addc(out, '{');
    json_pair(out, "account_id", sid_sv(&rq->account_sid));
    json_pair(out, "account_name", sv_of(a ? a->name : ""));
    json_pair(out, "key_id", sid_sv(&rq->key));
    json_pair(out, "scopes", buf_sv(&scopes));
    buf_addc(out, '}');
    api_answer_json(rq, 200, buf_sv(out));
}
