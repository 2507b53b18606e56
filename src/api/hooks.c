/* hooks: providers' calls to us, /hooks/{lane}/{status|inbound}. The adapter authenticates and reads them;
 * each receipt and each inbound text becomes one ask, and the provider gets its answer once all of them came
 * back: 2xx when everything is on disk, 503 otherwise, so that it calls again. */
#include "api/hook_parts.h"

#include "net/papers.h"

enum { NUMBER_BYTES_MAX = 31 };

static const struct lane_config *find_lane(const struct settings *s, struct sv name) {
    for (size_t i = 0; i < s->n_lanes; i++)
        if (sv_eq(name, sv_of(s->lanes[i].name)))
            return &s->lanes[i];
    return NULL;
}

/* The URL as the provider called it: our public address, which may differ from what a proxy passes on. */
static struct sv url_of(struct api_request *rq) {
    struct sv base = api_settings(rq)->public_url;
    BUF_AUTO struct buf url = BUF_INIT(64 * 1024);
    if (base.n) {
        buf_add(&url, base);
    } else {
        buf_adds(&url, "http://");
        buf_add(&url, exchange_header(rq->x, "Host"));
    }
    buf_add(&url, rq->x->target);
    return arena_dup(&rq->x->arena, buf_sv(&url));
}

struct papers_of {
    struct papers *papers;
    bool allow_private;
};

static struct sv document(void *ctx, struct sv url) {
    const struct papers_of *p = ctx;
    return p->papers ? papers_get(p->papers, url, p->allow_private) : SV_NONE;
}

static void copy_header(struct api_request *rq, const char *name, struct hook_request *hook,
                        struct http_header *headers) {
    struct sv v = exchange_header(rq->x, name);
    if (v.p && hook->n_headers < HTTP_HEADERS_MAX)
        headers[hook->n_headers++] = (struct http_header){sv_of(name), v};
}

/* Headers some adapter may look at: the server hands out headers by name only. */
static void copy_headers(struct api_request *rq, const struct lane_config *lane, struct hook_request *hook,
                         struct http_header *headers) {
    static const char *const names[] = {
        "X-Twilio-Signature", "Content-Type",     "Authorization", "Date",       "X-Amz-Sns-Message-Type",
        "X-Signature",        "X-Timestamp",      "X-Nonce",       "User-Agent", "webhook-id",
        "webhook-timestamp",  "webhook-signature"};
    const char *name;
    for (size_t i = 0; lane->adapter->hook_header && (name = lane->adapter->hook_header(lane, i)); i++)
        copy_header(rq, name, hook, headers);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        copy_header(rq, names[i], hook, headers);
    hook->headers = headers;
}

/* ---- answering ---- */

void hook_finish(struct api_request *rq, const struct hook *h) {
    if (h->failed) {
        api_fail(rq, &h->err);
        return;
    }
    const struct hook_reply *r = &h->reply;
    api_answer(rq, &(struct answer){.status = r->content_type ? 200 : 204,
                                    .content_type = r->content_type,
                                    .body = r->body});
}

void hook_came_back(struct api_request *rq, struct ask *a) {
    struct hook *h = rq->own;
    h->back++;
    if (a->result == ASK_FAILED) { /* all else is settled: done, known already, or about nothing of ours */
        h->failed++;
        h->err = a->err;
    }
    if (h->back == h->expected)
        hook_finish(rq, h);
}

void hook_refuse(struct api_request *rq, const struct err *e) {
    if (e->kind == ERR_BUSY) { /* nothing is wrong with it: something has to be fetched first */
        rq->retry_after_s = 2;
        api_fail(rq, e);
        return;
    }
    meter_add(api_world(rq)->meters, COUNT_RECEIPTS_REFUSED, 1);
    api_warn(rq, "hook.refused", err_http_status(e->kind), e);
    if (e->kind == ERR_AUTH)
        api_problem(rq, PROBLEM_FORGED, e);
    else
        api_fail(rq, e);
}

/* ---- receipts ---- */

static struct ask *receipt_ask(struct api_request *rq, const struct receipt *r) {
    struct ask *a = api_new_ask(rq, ASK_RECEIPT);
    a->receipt = *r;
    if (r->token.n && token_parse(api_world(rq)->id_key, r->token, &a->id, &a->attempt))
        return a;
    a->id = 0;
    a->attempt = 0;
    snprintf(a->number, sizeof a->number, "%.*s", r->number.n <= NUMBER_BYTES_MAX ? (int)r->number.n : 0,
             r->number.n ? r->number.p : "");
    return a;
}

static void take_receipts(struct api_request *rq, const struct lane_config *lane,
                          const struct hook_request *hook, struct hook *h) {
    struct arena *mem = &rq->x->arena;
    struct receipt *items = arena_alloc(mem, HOOK_ITEMS_MAX * sizeof *items);
    struct err e = ERR_INIT;
    ASSERT(items);
    if (!lane->adapter->receipt(lane, hook, mem, items, HOOK_ITEMS_MAX, &h->expected, &h->reply, &e)) {
        hook_refuse(rq, &e);
        return;
    }
    if (h->expected == 0) {
        hook_finish(rq, h);
        return;
    }
    for (size_t i = 0, n = h->expected; i < n; i++)
        api_ask_urgent(rq, receipt_ask(rq, &items[i]), hook_came_back);
}

void hook_run(struct api_request *rq) {
    const struct lane_config *lane = find_lane(api_settings(rq), rq->params[0]);
    bool status = sv_eq(rq->params[1], SV("status")), inbound = sv_eq(rq->params[1], SV("inbound"));
    bool takes = lane && ((status && lane->adapter->receipt) || (inbound && lane->adapter->inbound));
    struct err e = ERR_INIT;
    if (!takes) {
        err_set(&e, ERR_NOT_FOUND,
                "callbacks go to /hooks/LANE/status and /hooks/LANE/inbound, by the lane's name in the "
                "configuration");
        api_fail(rq, &e);
        return;
    }
    struct http_header headers[HTTP_HEADERS_MAX];
    struct hook_request hook = {
        .method = rq->x->method,
        .url = url_of(rq),
        .query = rq->x->query,
        .body = rq->x->body,
        .content_type = exchange_header(rq->x, "Content-Type"),
        .pulled = rq->x->way != NULL, /* no post of anybody's comes by another way than the server */
    };
    struct papers_of papers = {api_papers(rq), lane->allow_private};
    hook.document = document;
    hook.document_ctx = &papers;
    copy_headers(rq, lane, &hook, headers);
    struct hook *h = arena_zalloc(&rq->x->arena, sizeof *h);
    ASSERT(h);
    h->lane = lane;
    rq->own = h;
    if (status)
        take_receipts(rq, lane, &hook, h);
    else
        inbound_take(rq, &hook, h);
}
