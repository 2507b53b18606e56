#include "pipeline/call.h"

#include "model/secret.h"
#include "notify/hook_post.h"
#include "notify/owed.h"
#include "provider/view.h"
#include "store/seal.h"

#include <string.h>

/* The views of a batch had room beside its request in CALL_ARENA_BYTES; its verdicts come to that. */
enum { JUDGE_ARENA_BYTES = 2 * CALL_ARENA_BYTES };

static struct attempt_view view_of(const struct call *c, const struct world *w, struct arena *mem) {
    const struct message *m = c->message;
    struct attempt_token token = token_of(w->id_key, m->id, c->attempt);
    struct sv kept = arena_dup(mem, sv_make(token.text, TOKEN_BYTES));
    struct buf BUF_AUTO url = BUF_INIT(4096);
    if (c->settings->public_url.n)
        buf_addf(&url, "%.*s/hooks/%s/status?t=%.*s", SV_FMT(c->settings->public_url), c->lane->name,
                 SV_FMT(kept));
    struct message opened;
    bool shut = m->sealed && !secret_open(m, &w->vault, mem, &opened);
    struct attempt_view v = view_of_message(m->sealed && !shut ? &opened : m, c->step, c->lane, mem);
    if (shut)
        v.body = SV_NONE; /* never the masked text */
    v.number = c->attempt;
    v.started_at = c->started_at;
    if (!v.from.n)
        v.from = sv_of(c->from);
    v.token = kept;
    v.status_url = arena_dup(mem, buf_sv(&url));
    return v;
}

static void judge_unbuilt(struct call *c, const struct err *why) {
    for (; c; c = c->joined) {
        snprintf(c->verdict.text, sizeof c->verdict.text, "%.*s", VERDICT_TEXT_MAX - 1, why->text);
        c->verdict.fate = FATE_REJECTED;
        c->verdict.reason = REASON_REQUEST_REJECTED;
        c->answer.found = FOUND_CANNOT_TELL;
        c->taken = false;
    }
}

void call_judge_ungranted(struct call *c, const struct err *why) {
    bool refused = why->kind == ERR_AUTH;
    judge_unbuilt(c, why);
    for (; c; c = c->joined) {
        c->verdict.fate = FATE_RETRY;
        c->verdict.hint = c->answer.hint = refused ? LANE_BROKEN : LANE_DOWN;
        c->verdict.reason = refused ? REASON_CREDENTIALS : REASON_PROVIDER_DOWN;
    }
}

static bool contains(const struct sv *list, size_t n, struct sv v) {
    for (size_t i = 0; i < n; i++)
        if (sv_eq(list[i], v))
            return true;
    return false;
}

size_t call_join(struct call *first, struct call **others, size_t n, const struct world *w,
                 struct arena *mem) {
    const struct adapter *a = first->lane->adapter;
    struct attempt_view v = view_of(first, w, mem);
    struct call *last = first;
    struct sv *to = arena_alloc(mem, a->batch_max * sizeof *to);
    size_t joined = 1;
    ASSERT(first->kind == CALL_ATTEMPT && !first->joined);
    if (!to)
        return 1;
    to[0] = v.to;
    for (size_t i = 0; i < n && joined < a->batch_max; i++) {
        struct call *c = others[i];
        if (!c || c->kind != CALL_ATTEMPT || c->lane != first->lane || c->settings != first->settings)
            continue;
        struct attempt_view other = view_of(c, w, mem);
        if (mem->full)
            break;
        if (!a->joins(first->lane, &v, &other) || (a->batch_distinct && contains(to, joined, other.to)))
            continue;
        last->joined = c;
        last = c;
        others[i] = NULL;
        to[joined++] = other.to;
    }
    return joined;
}

static size_t joined_views(const struct call *c, const struct world *w, struct arena *mem,
                           struct attempt_view **out) {
    size_t n = 0;
    for (const struct call *at = c; at; at = at->joined)
        n++;
    *out = arena_zalloc(mem, n * sizeof **out);
    if (!*out)
        return 0;
    n = 0;
    for (const struct call *at = c; at; at = at->joined) {
        (*out)[n] = view_of(at, w, mem);
        (*out)[n++].grant = c->grant;
    }
    return n;
}

static bool build_batch(const struct call *c, const struct world *w, uint64_t nonce, struct arena *mem,
                        struct http_request *out, struct err *e) {
    struct attempt_view *views;
    size_t n = joined_views(c, w, mem, &views);
    if (!n || mem->full)
        return err_set(e, ERR_TOO_LARGE, "no room to build the request");
    return c->lane->adapter->build_batch(c->lane, views, n, world_now(w), nonce, mem, out, e);
}

static bool build_callback(const struct call *c, const struct world *w, const struct signer *s,
                           struct arena *mem, struct http_request *out, struct err *e) {
    struct owed o = {.message = c->message,
                     .event = c->callback.event,
                     .state = c->callback.state,
                     .reason = c->callback.reason,
                     .code = c->callback.code,
                     .at = c->callback.at};
    if (!s->account(s->ctx, c->message->account_id, &o.account_sid, &o.account_token))
        return err_set(e, ERR_INTERNAL, "no account to sign the callback with");
    return owed_build(w, &o, mem, out, e);
}

static bool build_hook(const struct call *c, const struct world *w, const struct signer *s, struct arena *mem,
                       struct http_request *out, struct err *e) {
    char open[2][HOOK_SECRET_BYTES_MAX];
    struct hook_post p = {.delivery = c->delivery, .url = c->target->url};
    bool ok = true;
    for (size_t i = 0; i < 2 && ok; i++) {
        const struct hook_secret *k = &c->target->secrets[i];
        if (!k->n)
            continue;
        ok = s->open(s->ctx, sv_make((const char *)k->sealed, k->n), open[i]);
        p.secrets[i] = sv_make(open[i], k->n - SEAL_BYTES);
    }
    ok = ok ? hook_post_build(w, &p, mem, out, e)
            : err_set(e, ERR_OUTSIDE, "its secret cannot be read with this master key");
    explicit_bzero(open, sizeof open);
    return ok;
}

bool call_build(struct call *c, const struct world *w, const struct signer *s, struct arena *mem,
                struct http_request *out) {
    struct err e = ERR_INIT;
    int64_t now = world_now(w);
    uint64_t nonce = w->random(w->ctx);
    bool ok;
    *out = (struct http_request){0};
    if (c->kind == CALL_CALLBACK) {
        ok = build_callback(c, w, s, mem, out, &e);
    } else if (c->kind == CALL_HOOK) {
        ok = build_hook(c, w, s, mem, out, &e);
        if (!ok)
            snprintf(c->error, sizeof c->error, "%.*s", DELIVERY_ERROR_MAX, e.text);
    } else if (c->joined) {
        ok = build_batch(c, w, nonce, mem, out, &e);
    } else {
        struct attempt_view v = view_of(c, w, mem);
        const struct adapter *a = c->lane->adapter;
        v.grant = c->grant;
        if (c->message->sealed && !v.body.n)
            ok = err_set(&e, ERR_OUTSIDE, "the text is sealed with another master key");
        else
            ok = c->kind == CALL_ATTEMPT ? a->build(c->lane, &v, now, nonce, mem, out, &e)
                                         : a->lookup(c->lane, &v, now, nonce, mem, out, &e);
    }
    if (!ok && !c->joined)
        judge_unbuilt(c, &e);
    return ok;
}

static void judge_batch(struct call *c, const struct world *w, const struct http_response *r) {
    struct arena ARENA_AUTO mem;
    struct attempt_view *views;
    arena_init(&mem, JUDGE_ARENA_BYTES);
    size_t n = joined_views(c, w, &mem, &views);
    struct verdict *verdicts = n ? arena_zalloc(&mem, n * sizeof *verdicts) : NULL;
    ASSERT(verdicts && !mem.full); /* the same views had room when the request was built */
    c->lane->adapter->judge_batch(c->lane, views, n, r, verdicts);
    for (size_t i = 0; i < n; i++, c = c->joined) {
        c->verdict = verdicts[i];
        c->elapsed_us = r->elapsed_us;
        c->status = r->status;
    }
}

/* Delay-seconds; a date is not worth a parser here: our own wait is as good (RFC 9110, section 10.2.3). */
static int64_t retry_after_of(const struct http_response *r) {
    uint64_t s;
    struct sv v = sv_trim(http_find_header(r->headers, r->n_headers, SV("Retry-After")));
    return sv_to_u64(v, &s) ? (int64_t)(s < 86400 ? s : 86400) : 0;
}

static void judge_hook(struct call *c, const struct http_response *r) {
    bool answered = r->transport == HTTP_ANSWERED;
    c->taken = answered && r->status >= 200 && r->status < 300;
    c->retry_after_s = answered && !c->taken ? retry_after_of(r) : 0;
    if (!answered)
        snprintf(c->error, sizeof c->error, "%.*s", SV_FMT(r->error));
}

void call_judge(struct call *c, const struct world *w, const struct http_response *r) {
    c->elapsed_us = r->elapsed_us;
    c->status = r->status;
    if (c->joined) {
        judge_batch(c, w, r);
    } else if (c->kind == CALL_ATTEMPT) {
        c->verdict = c->lane->adapter->judge(c->lane, r);
    } else if (c->kind == CALL_LOOKUP) {
        struct arena ARENA_AUTO mem;
        arena_init(&mem, JUDGE_ARENA_BYTES);
        struct attempt_view v = view_of(c, w, &mem);
        c->answer = c->lane->adapter->judge_lookup(c->lane, &v, world_now(w), r);
    } else if (c->kind == CALL_HOOK) {
        judge_hook(c, r);
    } else {
        c->taken = r->transport == HTTP_ANSWERED && r->status >= 200 && r->status < 300;
    }
}
