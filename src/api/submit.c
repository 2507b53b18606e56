/* New messages: from a submission to the answer. */
#include "api/front_parts.h"

#include "base/clock.h"
#include "model/secret.h"

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
