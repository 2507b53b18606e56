/* What a lane of `http` makes of a message, and what it reads in an answer. */
#include "provider/generic.h"

#include "base/clock.h"

#include <string.h>

/* A provider's answer is a stranger's: expressions over it are bounded far below what could be felt. */
static const struct template_limits limits = {.steps_max = 200000,
                                              .depth_max = 100,
                                              .memory_bytes_max = 2 << 20,
                                              .output_bytes_max = GENERIC_BODY_BYTES_MAX};

void generic_text(const struct generic *g, enum generic_field f, const json_t *vars, struct buf *out) {
    if (g->compiled[f] && !template_render(g->compiled[f], vars, &limits, out, NULL))
        buf_reset(out);
}

bool generic_truth(const struct generic *g, enum generic_field f, const json_t *vars, bool fallback) {
    bool yes = false;
    if (!g->compiled[f])
        return fallback;
    return template_test(g->compiled[f], vars, &limits, &yes, NULL) && yes;
}

json_t *generic_parse(struct sv body) {
    return body.n ? json_loadb(body.p, body.n, JSON_DECODE_ANY, NULL) : NULL;
}

static json_t *string(struct sv v) {
    return json_stringn(v.n ? v.p : "", v.n);
}

static json_t *formatted(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static json_t *formatted(const char *fmt, ...) {
    char text[32];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return json_string(text);
}

static json_t *code_of(const struct attempt_code *c) {
    json_t *code = json_object(), *params = generic_parse(c->params);
    json_object_set_new(code, "code", string(c->code));
    json_object_set_new(code, "sign", string(c->sign));
    json_object_set_new(code, "params", params ? params : json_object());
    return code;
}

/* The address that the provider shall call, with the secret that makes us believe it. */
static json_t *status_url(const struct lane_config *lane, struct sv url) {
    struct sv secret = lane->fields[GENERIC_CALLBACK_TOKEN];
    struct buf BUF_AUTO text = BUF_INIT(GENERIC_URL_BYTES_MAX);
    buf_add(&text, url);
    if (url.n && secret.n)
        buf_addf(&text, "&k=%.*s", SV_FMT(secret));
    return string(buf_sv(&text));
}

static json_t *time_of(int64_t at) {
    struct buf BUF_AUTO text = BUF_INIT(64);
    clock_add_rfc3339(&text, at - at % US_PER_S);
    return json_stringn(text.p, text.n);
}

static json_t *variable(const struct lane_config *lane, const struct attempt_view *a, int64_t now,
                        uint64_t nonce, enum generic_variable v) {
    struct sv address = a->to, kind = sv_cut(&address, ':');
    switch (v) {
    case VARIABLE_TO: return string(a->to);
    case VARIABLE_TO_KIND: return string(address.p ? kind : SV_NONE);
    case VARIABLE_ADDRESS: return string(address.p ? address : a->to);
    case VARIABLE_FROM: return string(a->from.n ? a->from : lane->from);
    case VARIABLE_BODY: return string(a->body);
    case VARIABLE_TITLE: return string(a->title);
    case VARIABLE_HTML: return string(a->html);
    case VARIABLE_LANGUAGE: return string(a->language);
    case VARIABLE_CODE: return code_of(&a->code);
    case VARIABLE_TOKEN: return string(a->token);
    case VARIABLE_STATUS_URL: return status_url(lane, a->status_url);
    case VARIABLE_CHANNEL: return json_string(channel_name(a->channel));
    case VARIABLE_ATTEMPT: return json_integer(a->number);
    case VARIABLE_NOW: return json_integer(now / US_PER_S);
    case VARIABLE_NOW_MS: return json_integer(now / US_PER_MS);
    case VARIABLE_TIME: return time_of(now);
    case VARIABLE_NONCE: return formatted("%016llx", (unsigned long long)nonce);
    case VARIABLE_EXPIRES_S: {
        int64_t left = a->expires_at ? (a->expires_at - now) / US_PER_S : 0;
        return json_integer(left > 0 ? left : 0);
    }
    case VARIABLE_LANE: return json_incref(((const struct generic *)lane->prepared)->lane);
    case VARIABLES: break;
    }
    BUG("a variable is one of those");
}

json_t *generic_request_vars(const struct lane_config *lane, const struct attempt_view *a, int64_t now,
                             uint64_t nonce) {
    const struct generic *g = lane->prepared;
    json_t *vars = json_object();
    for (int v = 0; v < VARIABLES; v++)
        if (g->wanted >> v & 1u)
            json_object_set_new_nocheck(vars, generic_variable_names[v],
                                        variable(lane, a, now, nonce, (enum generic_variable)v));
    return vars;
}

static json_t *headers_of(const struct http_header *headers, size_t n) {
    json_t *o = json_object();
    for (size_t i = 0; i < n; i++) {
        char name[64];
        size_t k = headers[i].name.n < sizeof name - 1 ? headers[i].name.n : 0;
        for (size_t c = 0; c < k; c++) {
            char ch = headers[i].name.p[c];
            name[c] = ch >= 'A' && ch <= 'Z' ? (char)(ch + 32) : ch;
        }
        name[k] = '\0';
        if (k && !json_object_get(o, name))
            json_object_set_new(o, name, string(headers[i].value));
    }
    return o;
}

json_t *generic_answer_vars(const struct lane_config *lane, const struct http_response *r) {
    const struct generic *g = lane->prepared;
    json_t *vars = json_object(), *json = generic_parse(r->body);
    json_object_set_new(vars, "status", json_integer(r->status));
    json_object_set_new(vars, "headers", headers_of(r->headers, r->n_headers));
    json_object_set_new(vars, "text", string(r->body));
    json_object_set_new(vars, "json", json ? json : json_null());
    json_object_set(vars, "lane", g->lane);
    return vars;
}

/* ---- requests ---- */

static bool is_header_value(struct sv v) {
    for (size_t i = 0; i < v.n; i++)
        if ((unsigned char)v.p[i] < ' ' || v.p[i] == 0x7F)
            return false;
    return true;
}

static bool add_headers(const struct generic *g, bool has_body, const json_t *vars, struct arena *mem,
                        struct http_request *out, struct err *e) {
    struct buf BUF_AUTO value = BUF_INIT(8192);
    for (size_t i = 0; i < g->n_headers; i++) {
        if (!has_body && sv_eq_nocase(g->headers[i].name, SV("Content-Type")))
            continue;
        buf_reset(&value);
        if (!template_render(g->headers[i].value, vars, &limits, &value, e))
            return false;
        struct sv text = sv_trim(buf_sv(&value));
        if (!is_header_value(text))
            return err_set_field(e, ERR_INVALID, "headers",
                                 "the value of %.*s has control characters: a header holds one line",
                                 SV_FMT(g->headers[i].name));
        if (text.n && !http_add_header(out, g->headers[i].name, arena_dup(mem, text)))
            return err_set_field(e, ERR_TOO_LARGE, "headers", "too many headers");
    }
    return true;
}

bool generic_request(const struct lane_config *lane, enum generic_field url, enum generic_field body,
                     enum http_method method, const json_t *vars, struct arena *mem, struct http_request *out,
                     struct err *e) {
    const struct generic *g = lane->prepared;
    struct buf BUF_AUTO address = BUF_INIT(GENERIC_URL_BYTES_MAX),
                        BUF_AUTO text = BUF_INIT(GENERIC_BODY_BYTES_MAX);
    struct sv origin, own = url == GENERIC_LOOKUP_URL ? g->lookup_origin : g->origin;
    bool has_body = body != GENERIC_FIELDS && g->compiled[body] && method != HTTP_GET;
    *out = (struct http_request){.method = method};
    if (!template_render(g->compiled[url], vars, &limits, &address, e) ||
        (has_body && !template_render(g->compiled[body], vars, &limits, &text, e)))
        return false;
    if (!generic_origin(buf_sv(&address), &origin) || (url != GENERIC_PROBE_URL && !sv_eq(origin, own)))
        return err_set_field(e, ERR_INVALID, generic_adapter.fields[url].name,
                             "this message would change where the request goes, or break its address");
    out->url = arena_dup(mem, buf_sv(&address));
    if (has_body)
        out->body = arena_dup(mem, buf_sv(&text));
    return add_headers(g, has_body, vars, mem, out, e) &&
           (!mem->full || err_set(e, ERR_TOO_LARGE, "no room to build the request"));
}

/* ---- look-ups ---- */

bool generic_looks_up(const struct lane_config *lane) {
    const struct generic *g = lane->prepared;
    return g->compiled[GENERIC_LOOKUP_URL] != NULL;
}

bool generic_lookup(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                    struct arena *mem, struct http_request *out, struct err *e) {
    const struct generic *g = lane->prepared;
    if (!g->compiled[GENERIC_LOOKUP_URL])
        return err_set_field(e, ERR_INVALID, "lookup_url", "this lane cannot be asked");
    json_t *vars = generic_request_vars(lane, a, now, nonce);
    bool ok = generic_request(lane, GENERIC_LOOKUP_URL, GENERIC_LOOKUP_BODY,
                              g->compiled[GENERIC_LOOKUP_BODY] ? HTTP_POST : HTTP_GET, vars, mem, out, e);
    json_decref(vars);
    return ok;
}

struct lookup_answer generic_judge_lookup(const struct lane_config *lane, const struct attempt_view *a,
                                          int64_t now, const struct http_response *r) {
    (void)now;
    const struct generic *g = lane->prepared;
    if (r->transport != HTTP_ANSWERED || r->status >= 500 || r->status == 429 || r->status == 401 ||
        r->status == 403)
        return kit_cannot_tell(kit_lookup_hint(r), "the provider could not be asked");
    json_t *vars = generic_answer_vars(lane, r);
    json_object_set_new(vars, "to", string(a->to));
    json_object_set_new(vars, "from", string(a->from.n ? a->from : lane->from));
    json_object_set_new(vars, "body", string(a->body));
    struct lookup_answer answer;
    if (generic_truth(g, GENERIC_LOOKUP_FOUND, vars, false)) {
        struct buf BUF_AUTO id = BUF_INIT(4096), BUF_AUTO status = BUF_INIT(256);
        generic_text(g, GENERIC_LOOKUP_ID, vars, &id);
        generic_text(g, GENERIC_LOOKUP_STATUS, vars, &status);
        answer = (struct lookup_answer){.found = FOUND_YES, .n = 1, .hint = LANE_FINE};
        struct receipt *c = &answer.candidates[0];
        c->number = a->to;
        generic_put_id(c->provider_id, buf_sv(&id));
        if (!generic_status_find(g, buf_sv(&status), &c->state, &c->reason))
            c->state = STATE_SENDING; /* it is there, and that is what was asked */
        if (c->reason == REASON_NONE && (c->state == STATE_FAILED || c->state == STATE_UNDELIVERED))
            c->reason = REASON_REJECTED;
        if (id.n == 0)
            answer = kit_cannot_tell(LANE_FINE, "the answer names no message");
    } else if (generic_truth(g, GENERIC_LOOKUP_ABSENT, vars, false)) {
        answer = (struct lookup_answer){.found = FOUND_ABSENT, .hint = LANE_FINE};
    } else {
        answer = kit_cannot_tell(kit_lookup_hint(r), "the answer says neither found nor absent");
    }
    json_decref(vars);
    return answer;
}
