#include "simulator/sim_chat.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/json.h"
#include "model/form.h"
#include "simulator/sim.h"
#include "simulator/sim_answer.h"

#include <jansson.h>
#include <string.h>

enum { SKEW_S_MAX = 3600, ADDRESS_BYTES_MAX = 255 };

enum vendor { NTFY, GOTIFY, BARK, DINGTALK, FEISHU, WECOM, VENDORS, NONE };

static const char *const names[VENDORS] = {"ntfy", "gotify", "bark", "dingtalk", "feishu", "wecom"};
#define FEISHU_PATH SV("/open-apis/bot/v2/hook/")

/* ntfy's path is "/", where others live, too: theirs have marks that it has not. */
static enum vendor vendor_of(const struct exchange *x) {
    static const char *const paths[VENDORS] = {[GOTIFY] = "/message",
                                               [BARK] = "/push",
                                               [DINGTALK] = "/robot/send",
                                               [WECOM] = "/cgi-bin/webhook/send"};
    if (x->method != HTTP_POST)
        return NONE;
    if (sv_eq(x->path, SV("/")) && sv_starts(exchange_header(x, "Content-Type"), SV("application/json")) &&
        sv_find(x->body, SV("\"topic\"")) != SIZE_MAX)
        return NTFY;
    for (int i = 0; i < VENDORS; i++)
        if (paths[i] && sv_eq(x->path, sv_of(paths[i])))
            return (enum vendor)i;
    return sv_starts(x->path, FEISHU_PATH) ? FEISHU : NONE;
}

static const struct {
    const char *path, *answer;
} healths[] = {{"/v1/health", "{\"healthy\":true}"},
               {"/health", "{\"health\":\"green\",\"database\":\"green\"}"},
               {"/ping", "{\"code\":200,\"message\":\"pong\"}"}};

static const char *health_of(const struct exchange *x) {
    for (size_t i = 0; x->method == HTTP_GET && i < sizeof healths / sizeof healths[0]; i++)
        if (sv_eq(x->path, sv_of(healths[i].path)))
            return healths[i].answer;
    return NULL;
}

static bool takes(const struct exchange *x) {
    return vendor_of(x) != NONE || health_of(x);
}

/* ---- answers ---- */

static void say(struct sim *sim, struct exchange *x, int status, const char *text) {
    buf_reset(&sim->out);
    buf_adds(&sim->out, text);
    answer_json(x, status, &sim->out);
}

/* A code and words in the vendor's form. http: the status of those that use it. */
static void say_error(struct sim *sim, struct exchange *x, enum vendor v, int http, long long code,
                      struct sv text) {
    struct buf *out = &sim->out;
    buf_reset(out);
    bool plain = v == DINGTALK || v == WECOM || (v == FEISHU && http < 500);
    if (v == NTFY) {
        buf_addf(out, "{\"code\":%lld,\"http\":%d", code, http);
        json_pair(out, "error", text);
    } else if (v == GOTIFY) {
        buf_addf(out, "{\"error\":\"refused\",\"errorCode\":%lld", code);
        json_pair(out, "errorDescription", text);
    } else if (v == BARK) {
        buf_addf(out, "{\"code\":%lld", code);
        json_pair(out, "message", text);
    } else {
        buf_addf(out, v == FEISHU ? "{\"code\":%lld,\"data\":{}" : "{\"errcode\":%lld", code);
        json_pair(out, v == FEISHU ? "msg" : "errmsg", text);
    }
    buf_addc(out, '}');
    answer_json(x, plain && http < 500 ? 200 : http, out);
}

static void refuse(struct sim *sim, struct exchange *x, const struct sim_refusal *r) {
    static const struct {
        long long busy, wrong;
        const char *busy_text;
    } codes[VENDORS] = {
        [NTFY] = {42901, 40000, "limit reached: too many requests"},
        [GOTIFY] = {429, 400, "too many requests"},
        [BARK] = {429, 400, "too many requests"},
        [DINGTALK] = {130101, 40035, "send too fast, exceed 20 times per minute"},
        [FEISHU] = {11232, 9499, "frequency limited"},
        [WECOM] = {45009, 40058, "api freq out of limit"},
    };
    enum vendor v = vendor_of(x);
    bool busy = r->status == 429, down = r->status >= 500;
    int64_t own;
    long long code = down && v == NTFY ? 50001 : down ? 500 : busy ? codes[v].busy : codes[v].wrong;
    if (sv_to_i64(r->word, &own))
        code = own;
    sim_count_status(sim, r->status);
    say_error(sim, x, v, r->status, code,
              sv_of(down   ? "internal error"
                    : busy ? codes[v].busy_text
                           : "refused"));
}

/* ---- who asks ---- */

static bool time_fits(struct sim *sim, struct sv at, int64_t unit_us) {
    int64_t t, now = sim_now(sim);
    return sv_to_i64(at, &t) && t > 0 && t < INT64_MAX / unit_us &&
           t * unit_us > now - SKEW_S_MAX * US_PER_S && t * unit_us < now + SKEW_S_MAX * US_PER_S;
}

/* Base64 of an HMAC-SHA256. */
static bool mac_is(struct sv key, struct sv text, struct sv given) {
    uint8_t mac[SHA256_BYTES];
    struct buf BUF_AUTO right = BUF_INIT(64);
    hmac_sha256(key, text, mac);
    base64_add(&right, mac, sizeof mac);
    return sv_eq_secret(buf_sv(&right), given);
}

static struct sv text_of(const json_t *o, const char *key) {
    const json_t *v = json_object_get(o, key);
    return json_is_string(v) ? sv_make(json_string_value(v), json_string_length(v)) : SV_NONE;
}

static bool lets_in_ntfy(const struct exchange *x, struct sim_access a) {
    struct sv given = exchange_header(x, "Authorization");
    struct buf BUF_AUTO plain = BUF_INIT(1024);
    if (sv_starts(given, SV("Bearer ")))
        return sv_eq_secret(sv_from(given, 7), a.account);
    struct sv password =
        sv_starts(given, SV("Basic ")) && base64_parse(sv_from(given, 6), &plain) ? buf_sv(&plain) : SV_NONE;
    struct sv user = sv_cut(&password, ':');
    return user.n && sv_eq_secret(password, a.secret);
}

/* True, or the exchange was answered. */
static bool lets_in(struct sim *sim, struct exchange *x, enum vendor v, const json_t *body) {
    struct sim_access a = sim_access(sim, &sim_chat);
    struct buf BUF_AUTO text = BUF_INIT(1024);
    struct form query = {.n = 0};
    if (!form_parse(x->query, &x->arena, &query, NULL))
        query.n = 0;
    struct sv at = v == FEISHU ? text_of(body, "timestamp") : form_get(&query, SV("timestamp"));
    buf_addf(&text, "%.*s\n%.*s", SV_FMT(at), SV_FMT(a.secret));
    long long code = 0;
    int http = 401;
    const char *why = "";
    switch (v) {
    case NTFY:
        if (!lets_in_ntfy(x, a))
            http = 403, code = 40301, why = "forbidden";
        break;
    case GOTIFY:
        if (!sv_eq_secret(exchange_header(x, "X-Gotify-Key"), a.account))
            code = 401,
            why = "you need to provide a valid access token or user credentials to access this api";
        break;
    case DINGTALK:
        if (!sv_eq_secret(form_get(&query, SV("access_token")), a.account))
            code = 300005, why = "token is not exist";
        else if (!time_fits(sim, at, US_PER_MS))
            code = 310000, why = "invalid timestamp";
        else if (!mac_is(a.secret, buf_sv(&text), form_get(&query, SV("sign"))))
            code = 310000, why = "sign not match";
        break;
    case FEISHU:
        if (!sv_eq_secret(sv_from(x->path, FEISHU_PATH.n), a.account))
            code = 19001, why = "param invalid: incoming webhook access token invalid";
        else if (!time_fits(sim, at, US_PER_S) || !mac_is(buf_sv(&text), SV_NONE, text_of(body, "sign")))
            code = 19021, why = "sign match fail or timestamp is not within one hour from current time";
        break;
    case WECOM:
        if (!sv_eq_secret(form_get(&query, SV("key")), a.account))
            code = 93000, why = "invalid webhook url";
        break;
    case BARK: /* knows devices alone */
    case VENDORS:
    case NONE: break;
    }
    if (!code)
        return true;
    sim_count_status(sim, 401);
    say_error(sim, x, v, http, code, sv_of(why));
    return false;
}

/* ---- sending ---- */

struct own {
    enum vendor vendor;
};

/* Where it goes and what it says; false when the vendor would not know what to do with it. */
static bool read_message(enum vendor v, const json_t *o, struct sv *to, struct sv *body) {
    const json_t *text = json_object_get(o, v == FEISHU ? "content" : "text");
    switch (v) {
    case NTFY:
        *to = text_of(o, "topic");
        *body = text_of(o, "message");
        return to->n > 0;
    case GOTIFY:
        *to = SV("gotify");
        *body = text_of(o, "message");
        return body->n > 0;
    case BARK:
        *to = text_of(o, "device_key");
        *body = text_of(o, "body");
        return to->n > 0;
    case DINGTALK:
    case WECOM:
        *to = sv_of(names[v]);
        *body = text_of(text, "content");
        return sv_eq(text_of(o, "msgtype"), SV("text")) && body->n > 0;
    case FEISHU:
        *to = SV("feishu");
        *body = text_of(text, "text");
        return sv_eq(text_of(o, "msg_type"), SV("text")) && body->n > 0;
    case VENDORS:
    case NONE: break;
    }
    return false;
}

static void send(struct sim *sim, struct exchange *x, enum vendor v, const json_t *o) {
    struct sim_refusal wrong = {.status = 400};
    struct sv to, body;
    if (!read_message(v, o, &to, &body) || to.n > ADDRESS_BYTES_MAX || body.n > UINT16_MAX) {
        sim->stats.rejected++;
        refuse(sim, x, &wrong);
        return;
    }
    if (v == BARK && sv_starts(to, SV("unknown"))) {
        sim->stats.rejected++;
        say_error(sim, x, v, 400, 400, SV("failed to get device token: no such device key"));
        return;
    }
    struct buf BUF_AUTO extra = BUF_INIT(UINT16_MAX);
    struct sim_call *call = call_new(sim, &sim_chat, x, 1);
    struct own *own = call ? arena_zalloc(&x->arena, sizeof *own) : NULL;
    char *dumped = own ? json_dumps(o, JSON_COMPACT) : NULL;
    if (!call)
        return;
    buf_addf(&extra, "{\"preset\":\"%s\",\"request\":%s}", names[v], dumped ? dumped : "null");
    free(dumped);
    if (!own || extra.overflow) {
        refuse(sim, x, &wrong);
        return;
    }
    own->vendor = v;
    call->own = own;
    call->items[0].draft.number = sim_address_number(to);
    call->items[0].draft.address = to;
    call->items[0].draft.body = body;
    call->items[0].draft.extra = buf_sv(&extra);
    call_take(sim, call);
}

static void handle(struct sim *sim, struct exchange *x) {
    enum vendor v = vendor_of(x);
    sim->stats.requests++;
    if (v == NONE) {
        say(sim, x, 200, health_of(x));
        return;
    }
    json_auto_t *o = json_loadb(x->body.n ? x->body.p : "", x->body.n, 0, NULL);
    if (!json_is_object(o)) {
        struct sim_refusal wrong = {.status = 400};
        sim->stats.rejected++;
        refuse(sim, x, &wrong);
    } else if (lets_in(sim, x, v, o) && call_admit(sim, &sim_chat, x)) {
        send(sim, x, v, o);
    }
}

static int answer(struct sim *sim, const struct sim_call *call, struct buf *out) {
    const struct own *own = call->own;
    uint64_t seq = call->items[0].seq;
    struct sid sid = store_sid(&sim->store, seq);
    long long now = (long long)(sim_now(sim) / US_PER_S);
    switch (own->vendor) {
    case NTFY:
        buf_addf(out, "{\"id\":\"%.12s\",\"time\":%lld,\"event\":\"message\"", sid.text + 2, now);
        json_pair(out, "topic", call->items[0].draft.address);
        buf_addc(out, '}');
        break;
    case GOTIFY: buf_addf(out, "{\"id\":%llu,\"appid\":1}", (unsigned long long)seq); break;
    case BARK: buf_addf(out, "{\"code\":200,\"message\":\"success\",\"timestamp\":%lld}", now); break;
    case DINGTALK:
    case WECOM: buf_adds(out, "{\"errcode\":0,\"errmsg\":\"ok\"}"); break;
    case FEISHU: buf_adds(out, "{\"code\":0,\"data\":{},\"msg\":\"success\"}"); break;
    case VENDORS:
    case NONE: break;
    }
    return 200;
}

static bool reports(enum sim_status status) {
    (void)status;
    return false;
}

static void receipt(struct sim *sim, const struct sim_step *step, struct callback *c) {
    (void)sim;
    (void)step;
    (void)c;
}

static bool reply(struct sim *sim, const struct sim_reply *said, struct callback *c, const char **why) {
    (void)sim;
    (void)said;
    (void)c;
    *why = "these providers post no replies";
    return false;
}

const struct sim_face sim_chat = {
    .name = "http",
    .title = "ntfy, Gotify, Bark, DingTalk, Feishu, WeCom",
    .account = "simulator-token",
    .secret = "simulator-secret",
    .takes = takes,
    .handle = handle,
    .answer = answer,
    .content_type = "application/json",
    .refuse = refuse,
    .reports = reports,
    .receipt = receipt,
    .reply = reply,
};
