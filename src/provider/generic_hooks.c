/* Calls of a provider of a lane of `http`: who may call, and what a call says. */
#include "provider/generic.h"

#include <string.h>

enum { HOOK_BYTES_MAX = 256 * 1024, ITEM_BYTES_MAX = 512 * 1024 };

const char *generic_hook_header(const struct lane_config *lane, size_t i) {
    static const char *const usual[] = {"X-Request-Id", "X-Request-Timestamp", "X-Webhook-Timestamp",
                                        "X-Signature-Timestamp", "X-Hook-Timestamp"};
    const struct generic *g = lane->prepared;
    if (i == 0 && g->hmac.header.n)
        return g->hmac.header.p;
    i -= g->hmac.header.n > 0;
    return i < sizeof usual / sizeof usual[0] ? usual[i] : NULL;
}

/* ---- variables ---- */

static void put(json_t *o, const char *key, struct sv v) {
    json_object_set_new(o, key, json_stringn(v.n ? v.p : "", v.n)); /* what is not UTF-8 is not there */
}

static json_t *headers_of(const struct hook_request *rq) {
    json_t *o = json_object();
    for (size_t i = 0; i < rq->n_headers; i++) {
        char name[64];
        size_t n = rq->headers[i].name.n < sizeof name - 1 ? rq->headers[i].name.n : 0;
        for (size_t c = 0; c < n; c++) {
            char ch = rq->headers[i].name.p[c];
            name[c] = ch >= 'A' && ch <= 'Z' ? (char)(ch + 32) : ch;
        }
        name[n] = '\0';
        if (n)
            put(o, name, rq->headers[i].value);
    }
    return o;
}

static json_t *pairs_of(struct sv text, struct arena *mem) {
    json_t *o = json_object();
    struct form f;
    if (!form_parse(text, mem, &f, NULL))
        return o;
    for (size_t i = f.n; i-- > 0;) { /* the first of equal keys stays */
        json_t *v = json_stringn(f.pairs[i].value.n ? f.pairs[i].value.p : "", f.pairs[i].value.n);
        struct sv key = f.pairs[i].key;
        if (v && key.n && kit_is_text(key))
            json_object_setn_new(o, key.p, key.n, v);
        else
            json_decref(v);
    }
    return o;
}

static json_t *outer_vars(const struct generic *g, const struct hook_request *rq, struct arena *mem) {
    json_t *vars = json_object();
    put(vars, "method", sv_of(http_method_name(rq->method)));
    put(vars, "url", rq->url);
    put(vars, "text", rq->body);
    json_object_set_new(vars, "query", pairs_of(rq->query, mem));
    json_object_set_new(vars, "headers", headers_of(rq));
    json_object_set(vars, "lane", g->lane);
    return vars;
}

/* ---- who calls ---- */

static bool check_signature(const struct lane_config *lane, const struct hook_request *rq, const json_t *vars,
                            struct err *e) {
    const struct generic *g = lane->prepared;
    struct sv given = http_find_header(rq->headers, rq->n_headers, g->hmac.header);
    struct buf BUF_AUTO said = BUF_INIT(HOOK_BYTES_MAX * 2), BUF_AUTO right = BUF_INIT(256);
    if (given.n == 0)
        return err_set(e, ERR_AUTH, "no %.*s", SV_FMT(g->hmac.header));
    generic_text(g, GENERIC_CALLBACK_SIGNED, vars, &said);
    struct sv data = g->compiled[GENERIC_CALLBACK_SIGNED] ? buf_sv(&said) : rq->body;
    uint8_t bytes[HASH_BYTES_MAX];
    size_t n = hmac_data(g->hmac.hash, lane->fields[GENERIC_CALLBACK_SECRET], data, bytes);
    buf_add(&right, g->hmac.prefix);
    if (g->hmac.base64)
        base64_add(&right, bytes, n);
    else
        hex_add(&right, bytes, n);
    return sv_eq_secret(given, buf_sv(&right)) ||
           err_set(e, ERR_AUTH,
                   "%.*s is wrong: either this is not the provider, or callback_secret, callback_hmac or "
                   "callback_signed differs from what it does",
                   SV_FMT(g->hmac.header));
}

/* The variables of a callback once it is known who calls; NULL with e otherwise. */
static json_t *authenticate(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                            struct err *e) {
    const struct generic *g = lane->prepared;
    if (rq->body.n > HOOK_BYTES_MAX || rq->url.n > HOOK_BYTES_MAX) {
        err_set(e, ERR_TOO_LARGE, "the callback is over %d bytes", HOOK_BYTES_MAX);
        return NULL;
    }
    bool by_secret = lane->fields[GENERIC_CALLBACK_TOKEN].n > 0 || !g->hmac.header.n;
    if (by_secret && !kit_hook_secret(lane->fields[GENERIC_CALLBACK_TOKEN], "callback_token", rq, mem, e))
        return NULL;
    json_t *vars = outer_vars(g, rq, mem);
    if (g->hmac.header.n && !check_signature(lane, rq, vars, e)) {
        json_decref(vars);
        return NULL;
    }
    json_t *json = generic_parse(rq->body);
    bool form = sv_starts(rq->content_type, SV("application/x-www-form-urlencoded"));
    json_object_set_new(vars, "json", json ? json : json_null());
    json_object_set_new(vars, "form", form ? pairs_of(rq->body, mem) : json_object());
    return vars;
}

/* ---- what it says ---- */

/* The list of items: what the expression gives, or, without one, the body itself. */
static json_t *items_of(const struct generic *g, enum generic_field f, const json_t *vars, struct err *e) {
    struct buf BUF_AUTO text = BUF_INIT(ITEM_BYTES_MAX);
    struct err why = ERR_INIT;
    json_t *list = NULL;
    if (!g->compiled[f]) {
        json_t *body = json_object_get(vars, "json");
        body = json_is_null(body) ? json_object_get(vars, "form") : body;
        list = json_array();
        json_array_append(list, body);
        return list;
    }
    if (!template_json(g->compiled[f], vars, NULL, &text, &why) ||
        !(list = json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL)) || !json_is_array(list)) {
        json_decref(list);
        err_set_field(e, ERR_INVALID, generic_adapter.fields[f].name,
                      "the callback has no list where this setting looks for it");
        return NULL;
    }
    return list;
}

static struct sv value(const struct generic *g, enum generic_field f, const json_t *vars, struct arena *mem) {
    struct buf BUF_AUTO text = BUF_INIT(64 * 1024);
    generic_text(g, f, vars, &text);
    return text.n ? arena_dup(mem, buf_sv(&text)) : SV_NONE;
}

static void set_reply(const struct lane_config *lane, struct hook_reply *reply) {
    struct sv text = generic_value(lane, GENERIC_CALLBACK_REPLY);
    *reply = (struct hook_reply){.content_type = NULL};
    if (text.n)
        *reply = (struct hook_reply){.content_type = text.p[0] == '{'   ? "application/json"
                                                     : text.p[0] == '<' ? "text/xml"
                                                                        : "text/plain",
                                     .body = text};
}

/* One receipt; *taken: it says something we know. */
static bool read_receipt(const struct generic *g, const json_t *vars, struct arena *mem, struct receipt *r,
                         bool *taken, struct err *e) {
    *r = (struct receipt){.number = value(g, GENERIC_RECEIPT_NUMBER, vars, mem)};
    generic_put_id(r->provider_id, value(g, GENERIC_RECEIPT_ID, vars, mem));
    r->token = g->compiled[GENERIC_RECEIPT_TOKEN]
                   ? value(g, GENERIC_RECEIPT_TOKEN, vars, mem)
                   : arena_dup(mem, kit_string(json_object_get(vars, "query"), "t"));
    if (!r->provider_id[0] && r->token.n == 0)
        return err_set_field(e, ERR_INVALID, "receipt_id", "the callback names no message");
    struct sv code = value(g, GENERIC_RECEIPT_CODE, vars, mem);
    uint64_t number;
    if (sv_to_u64(code, &number) && number <= INT32_MAX)
        r->code = (int32_t)number;
    *taken = generic_status_find(g, value(g, GENERIC_RECEIPT_STATUS, vars, mem), &r->state, &r->reason);
    if (r->state == STATE_FAILED || r->state == STATE_UNDELIVERED) {
        const struct generic_error *row = generic_error_find(g, code);
        if (r->reason == REASON_NONE && row && row->reason)
            r->reason = row->reason;
        if (r->reason == REASON_NONE)
            r->reason = r->state == STATE_FAILED ? REASON_REJECTED : REASON_UNREACHABLE;
    } else {
        r->reason = REASON_NONE;
    }
    return true;
}

bool generic_receipt(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                     struct receipt *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e) {
    const struct generic *g = lane->prepared;
    *n = 0;
    set_reply(lane, reply);
    json_t *vars = authenticate(lane, rq, mem, e);
    if (!vars)
        return false;
    bool ok = g->compiled[GENERIC_RECEIPT_STATUS] != NULL;
    if (!ok)
        err_set_field(e, ERR_INVALID, "receipt_status",
                      "the lane reads no receipts: this setting is missing");
    json_t *list = ok ? items_of(g, GENERIC_RECEIPTS, vars, e) : NULL;
    size_t found = 0;
    for (size_t i = 0; list && ok && i < json_array_size(list) && found < max; i++) {
        bool taken = false;
        json_object_set(vars, "item", json_array_get(list, i));
        ok = read_receipt(g, vars, mem, &out[found], &taken, e);
        found += ok && taken;
    }
    ok = ok && list && (!mem->full || err_set(e, ERR_TOO_LARGE, "the callback is too large"));
    *n = ok ? found : 0;
    json_decref(list);
    json_decref(vars);
    return ok;
}

static bool read_inbound(const struct lane_config *lane, const json_t *vars, struct arena *mem,
                         struct inbound *in, struct err *e) {
    const struct generic *g = lane->prepared;
    *in = (struct inbound){.from = value(g, GENERIC_INBOUND_FROM, vars, mem),
                           .to = value(g, GENERIC_INBOUND_TO, vars, mem),
                           .body = value(g, GENERIC_INBOUND_BODY, vars, mem),
                           .provider_id = value(g, GENERIC_INBOUND_ID, vars, mem)};
    if (in->to.n == 0)
        in->to = lane->from;
    if (in->from.n == 0 || in->from.n > 128)
        return err_set_field(e, ERR_INVALID, "inbound_from", "the callback names no sender");
    if (in->to.n == 0 || in->to.n > 128)
        return err_set_field(e, ERR_INVALID, "inbound_to", "the callback names no recipient");
    return kit_is_text(in->body) || err_set_field(e, ERR_INVALID, "inbound_body", "the text has a NUL in it");
}

bool generic_inbound(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                     struct inbound *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e) {
    const struct generic *g = lane->prepared;
    *n = 0;
    set_reply(lane, reply);
    json_t *vars = authenticate(lane, rq, mem, e);
    if (!vars)
        return false;
    bool ok = g->compiled[GENERIC_INBOUND_FROM] != NULL;
    if (!ok)
        err_set_field(e, ERR_INVALID, "inbound_from", "the lane reads no replies: this setting is missing");
    json_t *list = ok ? items_of(g, GENERIC_INBOUNDS, vars, e) : NULL;
    size_t found = 0;
    for (size_t i = 0; list && ok && i < json_array_size(list) && found < max; i++) {
        json_object_set(vars, "item", json_array_get(list, i));
        ok = read_inbound(lane, vars, mem, &out[found], e);
        found += ok;
    }
    ok = ok && list && (!mem->full || err_set(e, ERR_TOO_LARGE, "the callback is too large"));
    *n = ok ? found : 0;
    json_decref(list);
    json_decref(vars);
    return ok;
}
