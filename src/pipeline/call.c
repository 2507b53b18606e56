#include "pipeline/call.h"

#include "model/content.h"
#include "notify/owed.h"
#include "pipeline/view.h"

static struct attempt_view view_of(const struct call *c, const struct world *w, struct arena *mem) {
    const struct message *m = c->message;
    struct attempt_token token = token_of(w->id_key, m->id, c->attempt);
    struct sv kept = arena_dup(mem, sv_make(token.text, TOKEN_BYTES));
    struct buf BUF_AUTO url = BUF_INIT(4096);
    if (c->settings->public_url.n)
        buf_addf(&url, "%.*s/hooks/%s/status?t=%.*s", SV_FMT(c->settings->public_url), c->lane->name,
                 SV_FMT(kept));
    struct attempt_view v = view_of_message(m, c->step, c->lane, mem);
    v.number = c->attempt;
    v.started_at = c->started_at;
    v.token = kept;
    v.status_url = arena_dup(mem, buf_sv(&url));
    return v;
}

static void judge_unbuilt(struct call *c, const struct err *why) {
    snprintf(c->verdict.text, sizeof c->verdict.text, "%.*s", VERDICT_TEXT_MAX - 1, why->text);
    c->verdict.fate = FATE_REJECTED;
    c->verdict.reason = REASON_REQUEST_REJECTED;
    c->answer.found = FOUND_CANNOT_TELL;
    c->taken = false;
}

bool call_build(struct call *c, const struct world *w, const struct signer *s, struct arena *mem,
                struct http_request *out) {
    struct err e = ERR_INIT;
    int64_t now = world_now(w);
    uint64_t nonce = w->random(w->ctx);
    bool ok;
    *out = (struct http_request){0};
    if (c->kind == CALL_CALLBACK) {
        struct owed o = {.message = c->message,
                         .event = c->callback.event,
                         .state = c->callback.state,
                         .reason = c->callback.reason,
                         .code = c->callback.code,
                         .at = c->callback.at};
        ok = s->account(s->ctx, c->message->account_id, &o.account_sid, &o.account_token)
                 ? owed_build(w, &o, mem, out, &e)
                 : err_set(&e, ERR_INTERNAL, "no account to sign the callback with");
    } else {
        struct attempt_view v = view_of(c, w, mem);
        const struct adapter *a = c->lane->adapter;
        ok = c->kind == CALL_ATTEMPT ? a->build(c->lane, &v, now, nonce, mem, out, &e)
                                     : a->lookup(c->lane, &v, now, nonce, mem, out, &e);
    }
    if (!ok)
        judge_unbuilt(c, &e);
    return ok;
}

void call_judge(struct call *c, const struct world *w, const struct http_response *r) {
    c->elapsed_us = r->elapsed_us;
    c->status = r->status;
    if (c->kind == CALL_ATTEMPT) {
        c->verdict = c->lane->adapter->judge(c->lane, r);
    } else if (c->kind == CALL_LOOKUP) {
        struct arena ARENA_AUTO mem;
        arena_init(&mem, 2 * CONTENT_BYTES_MAX);
        struct attempt_view v = view_of_message(c->message, c->step, c->lane, &mem);
        v.number = c->attempt;
        v.started_at = c->started_at;
        c->answer = c->lane->adapter->judge_lookup(c->lane, &v, world_now(w), r);
    } else {
        c->taken = r->transport == HTTP_ANSWERED && r->status >= 200 && r->status < 300;
    }
}
