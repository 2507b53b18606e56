/* What goes to the core and comes back: asks in batches, new messages, commands; and answering. */
#include "api/front_parts.h"

#include "api/events.h"
#include "base/clock.h"
#include "model/secret.h"

#include <string.h>

/* ---- answering ---- */

void api_warn(struct api_request *rq, const char *event, int status, const struct err *e) {
    struct front *f = rq->front;
    int64_t now = clock_monotonic_us();
    f->warnings_kept++;
    if (f->warned_at && now - f->warned_at < US_PER_S)
        return;
    log_warn(f->parts.world->log, event, kv_name("request", rq->id), kv_int("status", status),
             kv_name("route", rq->route ? rq->route->path : "-"), kv_cstr("error", e ? e->text : ""),
             kv_int("times", (int64_t)f->warnings_kept));
    f->warned_at = now;
    f->warnings_kept = 0;
}

struct number_text {
    char text[12];
};

static void add_number(struct answer *a, struct sv name, uint32_t value, struct number_text *mem) {
    int n = snprintf(mem->text, sizeof mem->text, "%u", value);
    a->headers[a->n_headers++] = (struct http_header){name, sv_make(mem->text, (size_t)n)};
}

void api_answer(struct api_request *rq, const struct answer *given) {
    struct front *f = rq->front;
    struct meters *meters = f->parts.world->meters;
    struct answer a = *given;
    struct number_text numbers[4];
    ASSERT(a.n_headers + 6 <= sizeof a.headers / sizeof a.headers[0]);
    if (rq->limit.max) { /* draft-ietf-httpapi-ratelimit-headers-03: the fields that clients know */
        add_number(&a, SV("RateLimit-Limit"), rq->limit.max, &numbers[0]);
        add_number(&a, SV("RateLimit-Remaining"), rq->limit.left, &numbers[1]);
        add_number(&a, SV("RateLimit-Reset"), rq->limit.reset_s, &numbers[2]);
    }
    if (a.status == 503 || a.status == 429 || rq->retry_after_s)
        add_number(&a, SV("Retry-After"), rq->retry_after_s ? rq->retry_after_s : 1, &numbers[3]);
    a.headers[a.n_headers++] = (struct http_header){SV("X-Request-Id"), sv_make(rq->id, REQUEST_ID_BYTES)};
    if (f->draining)
        a.headers[a.n_headers++] = (struct http_header){SV("Connection"), SV("close")};
    if (a.status >= 400 && a.status < 500)
        meter_add(meters, COUNT_REQUESTS_REFUSED, 1);
    if (rq->route && rq->route->creates) {
        if (a.status == 503)
            meter_add(meters, COUNT_PUSHED_BACK, 1);
        if (a.status < 300)
            meter_time(meters, HIST_ACCEPT, clock_monotonic_us() - rq->x->arrived_us);
    }
    server_answer(rq->x, &a);
}

void api_answer_json(struct api_request *rq, int status, struct sv body) {
    api_answer(rq, &(struct answer){.status = status, .content_type = "application/json", .body = body});
}

void api_answer_text(struct api_request *rq, int status, const char *content_type, struct sv body) {
    api_answer(rq, &(struct answer){.status = status, .content_type = content_type, .body = body});
}

void api_problem(struct api_request *rq, enum problem p, const struct err *e) {
    struct err nothing = ERR_INIT;
    if (problems[p].status >= 500)
        api_warn(rq, "request.failed", problems[p].status, e);
    rq->face->refuse(rq, p, e ? e : &nothing);
}

void api_fail(struct api_request *rq, const struct err *e) {
    api_problem(rq, problem_of(e->kind), e);
}

/* ---- asks ---- */

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

/* ---- new messages ---- */

struct submit {
    struct api_brief brief;
    api_submitted *done;
    bool keep_body;
};

struct api_brief api_brief_of(const struct message *m) {
    return (struct api_brief){
        .id = m->id,
        .state = m->head.state,
        .reason = m->head.reason,
        .direction = m->direction,
        .encoding = m->encoding,
        .priority = m->priority,
        .channel = m->channel,
        .segments = m->segments,
        .to = m->text[TEXT_TO],
        .from = m->text[TEXT_FROM],
        .body = m->text[TEXT_BODY],
        .status_callback = m->text[TEXT_STATUS_CALLBACK],
        .created_at = m->created_at,
        .send_at = m->send_at,
        .expires_at = m->expires_at,
    };
}

/* The key was used before, and stands for this message. A key outlives a deleted message on purpose: whoever
 * repeats the request must not cause a second text, and cannot be shown what was to be forgotten. */
static void replay(struct api_request *rq, int64_t id, api_submitted *done) {
    struct err e = ERR_INIT;
    struct message *m = reader_message(rq->front->db, rq->account_id, id, &e);
    if (!m && e.kind == ERR_NOT_FOUND)
        err_set(&e, ERR_CONFLICT, "the message this idempotency key stands for was deleted");
    if (!m) {
        api_fail(rq, &e);
        return;
    }
    meter_add(rq->front->parts.world->meters, COUNT_IDEMPOTENT_REPLAYS, 1);
    struct api_brief b = api_brief_of(m);
    done(rq, &b, true);
    message_free(m);
}

static unsigned whole_seconds(int64_t us) {
    return (unsigned)((us + US_PER_S - 1) / US_PER_S);
}

/* What the answer says of rates, whatever else it says. */
static void note_limit(struct api_request *rq, const struct limit_answer *l) {
    if (!l->rate)
        return;
    rq->limit =
        (struct api_limit){.max = l->rate->max, .left = l->left, .reset_s = whole_seconds(l->wait_us)};
}

static void submitted(struct api_request *rq, struct ask *a) {
    struct submit *s = rq->own;
    struct err e = ERR_INIT;
    note_limit(rq, &a->limit);
    switch (a->result) {
    case ASK_DONE:
        s->brief.id = a->id;
        s->brief.state = a->head.state;
        s->brief.reason = a->head.reason;
        s->brief.created_at = a->head.updated_at; /* the change that stored it is its only one */
        s->brief.expires_at = a->expires_at;      /* as the core counts it: from when it may be sent */
        s->done(rq, &s->brief, false);
        return;
    case ASK_DUPLICATE: replay(rq, a->dup_id, s->done); return;
    case ASK_MISMATCH:
        err_set_field(&e, ERR_UNPROCESSABLE, "Idempotency-Key",
                      "this key was used before with another request: use a new key for a new message");
        api_problem(rq, PROBLEM_KEY_MISMATCH, &e);
        return;
    case ASK_IN_FLIGHT:
        err_set_field(&e, ERR_CONFLICT, "Idempotency-Key",
                      "the first request with this key is still being worked on");
        rq->retry_after_s = 1;
        api_problem(rq, PROBLEM_KEY_IN_FLIGHT, &e);
        return;
    case ASK_FAILED:
        if (a->verification && a->verification->wait_us > 0)
            rq->retry_after_s = whole_seconds(a->verification->wait_us);
        api_fail(rq, &a->err);
        return;
    case ASK_LIMITED:
        rq->retry_after_s = whole_seconds(a->limit.wait_us);
        err_set(&e, ERR_LIMITED, "the limit `%.*s` is reached: try again in %u s",
                SV_FMT(a->limit.rate->text), rq->retry_after_s);
        api_warn(rq, "message.limited", 429, &e);
        api_fail(rq, &e);
        return;
    case ASK_ABSENT:
    case ASK_REFUSED: break;
    }
    err_set(&e, ERR_INTERNAL, "the core gave an answer that does not fit the question");
    api_fail(rq, &e);
}

static struct sv keep(struct api_request *rq, struct sv v) {
    return v.n ? arena_dup(&rq->x->arena, v) : v;
}

/* Which rule a text broke and where; never the text. */
static void tell_screened(struct api_request *rq, const struct screen_verdict *v) {
    if (v->worst == SCREEN_PASS)
        return;
    const struct screen_hit *hit = &v->hits[0];
    for (size_t i = 1; i < v->n; i++)
        if (v->hits[i].action > hit->action)
            hit = &v->hits[i];
    meter_add(rq->front->parts.world->meters, COUNT_SCREENED, 1);
    log_info(rq->front->parts.world->log, "message.screened", kv_name("request", rq->id),
             kv_word("account", sid_sv(&rq->account_sid)), kv_name("action", screen_action_name(v->worst)),
             kv_text("list", hit->list), kv_int("line", hit->rule), kv_int("at", (int64_t)hit->start),
             kv_int("bytes", (int64_t)hit->len), kv_int("hits", (int64_t)v->n));
}

void api_lend_links(struct api_request *rq, const struct admitted *admitted, struct ask *a) {
    if (!admitted->n_links)
        return;
    struct link *links = arena_alloc(&rq->x->arena, admitted->n_links * sizeof *links);
    ASSERT(links);
    for (size_t i = 0; i < admitted->n_links; i++)
        links[i] = (struct link){.code = admitted->links[i].code,
                                 .target = arena_dup(&rq->x->arena, admitted->links[i].target)};
    a->links = links;
    a->n_links = admitted->n_links;
}

static struct sv account_name(struct api_request *rq, int64_t id) {
    const struct front *f = rq->front;
    if (!texts_screen_by_account(f->texts) && !f->settings->n_routes && !f->settings->by_account)
        return SV_NONE;
    const struct account *account = directory_account(api_directory(rq), id);
    return account ? sv_of(account->name) : SV_NONE;
}

bool api_admit(struct api_request *rq, const struct submission *in, struct admitted *out, struct err *e) {
    struct front *f = rq->front;
    struct submission known = *in;
    if (in->template.n)
        (void)api_stock(rq); /* the admitter's own: it must be up to date */
    known.account_name = account_name(rq, in->account_id);
    return admit(f->admitter, f->settings, f->texts, &known, rq->now, out, e);
}

/* The ask of an admitted message, not yet put. */
static struct ask *ask_of(struct api_request *rq, const struct admitted *admitted, bool keep_body,
                          api_submitted *done) {
    struct front *f = rq->front;
    tell_screened(rq, &admitted->screened);
    struct submit *s = arena_zalloc(&rq->x->arena, sizeof *s);
    ASSERT(s);
    s->done = done;
    s->brief = api_brief_of(admitted->message);
    s->brief.to = keep(rq, s->brief.to);
    s->brief.from = keep(rq, s->brief.from);
    s->brief.body = keep_body ? keep(rq, s->brief.body) : SV_NONE;
    s->brief.status_callback = keep_body ? keep(rq, s->brief.status_callback) : SV_NONE;
    rq->own = s;
    struct ask *a = api_new_ask(rq, ASK_SUBMIT);
    a->message = admitted->message;
    api_lend_links(rq, admitted, a);
    a->suppress = admitted->suppress;
    a->flagged = admitted->screened.worst == SCREEN_FLAG;
    if (f->settings->n_routes || f->settings->by_account)
        a->account_name = keep(rq, account_name(rq, admitted->message->account_id));
    a->countries = directory_countries(api_directory(rq), admitted->message->account_id, &rq->x->arena);
    a->caller_key = sid_sv(&rq->key);
    a->source = api_caller(rq);
    return a;
}

void api_submit(struct api_request *rq, const struct submission *in, bool keep_body, api_submitted *done) {
    api_submit_asking(rq, in, keep_body, NULL, done);
}

void api_submit_asking(struct api_request *rq, const struct submission *in, bool keep_body,
                       const struct consent *consent, api_submitted *done) {
    struct err e = ERR_INIT;
    struct admitted admitted;
    if (!api_admit(rq, in, &admitted, &e)) {
        api_fail(rq, &e);
        return;
    }
    struct ask *a = ask_of(rq, &admitted, keep_body, done);
    a->default_validity = !in->validity_s;
    a->consent = consent;
    api_ask(rq, a, submitted);
}

/* ---- messages that say a secret ---- */

static bool says_it(const struct message *said, const struct message *shown) {
    return !sv_eq(said->text[TEXT_BODY], shown->text[TEXT_BODY]) ||
           !sv_eq(said->text[TEXT_CONTENT], shown->text[TEXT_CONTENT]);
}

/* The message as it is stored: what is shown, with what is said sealed in it. */
static struct message *seal(struct api_request *rq, const struct submission *in, const struct message *said,
                            const struct message *shown, struct err *e) {
    const struct world *w = rq->front->parts.world;
    uint8_t nonce[VAULT_NONCE_BYTES];
    if (!says_it(said, shown)) {
        err_set_field(e, ERR_UNPROCESSABLE, in->template.n ? "template" : "body",
                      "the template does not say {{ code }}");
        return NULL;
    }
    world_random_bytes(w, nonce, sizeof nonce);
    struct message *m = secret_seal(said, shown, &w->vault, nonce);
    if (!m)
        err_set(e, ERR_TOO_LARGE, "the message is too much text");
    return m;
}

void api_submit_secret(struct api_request *rq, const struct submission *said, const struct submission *shown,
                       struct verification_write *v, struct sv client_ip, api_submitted *done) {
    struct err e = ERR_INIT;
    struct admitted admitted, masked;
    struct message *sealed = NULL;
    if (!api_admit(rq, said, &admitted, &e)) {
        api_fail(rq, &e);
        return;
    }
    /* Its links are the admitter's until it admits again. */
    bool ok = admitted.n_links == 0 ||
              err_set_field(&e, ERR_UNPROCESSABLE, "template", "a text with a code has no short links");
    ok = ok && api_admit(rq, shown, &masked, &e);
    if (ok) {
        sealed = seal(rq, said, admitted.message, masked.message, &e);
        message_free(masked.message);
    }
    message_free(admitted.message);
    if (!sealed) {
        api_fail(rq, &e);
        return;
    }
    admitted.message = sealed;
    admitted.n_links = 0;
    struct ask *a = ask_of(rq, &admitted, false, done);
    a->verification = v;
    a->client_ip = client_ip;
    api_ask(rq, a, submitted);
}

/* ---- stored messages ---- */

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
