/* Apple's push service at /3/device/TOKEN, with a key of its own making (GET /apns/key.json). Over HTTP/1.1:
 * the requests, the tokens and the answers are Apple's, the wire is not. */
#include "base/clock.h"
#include "base/codec.h"
#include "base/json.h"
#include "simulator/sim.h"
#include "simulator/sim_answer.h"
#include "simulator/sim_call.h"
#include "simulator/sim_push.h"

#include <string.h>

enum {
    TOKEN_S = 3600,
    SKEW_S = 300,
    DEVICE_CHARS_MIN = 64,
    DEVICE_CHARS_MAX = 200,
    PAYLOAD_BYTES_MAX = 4096,
    PAYLOAD_BYTES_MAX_VOIP = 5120,
    COLLAPSE_BYTES_MAX = 64,
    TOPIC_BYTES_MAX = 255,
    UUID_CHARS = 36,
    EXTRA_BYTES_MAX = 16 * 1024,
    LONG_AGO_S = 10 * 365 * 86400,
};

static const struct sv devices = {"/3/device", 9};

static bool takes(const struct exchange *x) {
    return sv_starts(x->path, devices) || (x->method == HTTP_GET && sv_eq(x->path, SV("/apns/key.json")));
}

/* What to put into the settings of a lane. */
static void give_key(struct sim *sim, struct exchange *x) {
    struct sim_access access = sim_access(sim, &sim_apns);
    struct buf BUF_AUTO pem = BUF_INIT(1024);
    if (!push_pem(push_key(sim, "EC"), &pem)) {
        answer_nothing(x);
        return;
    }
    buf_reset(&sim->out);
    buf_addc(&sim->out, '{');
    json_pair(&sim->out, "key", buf_sv(&pem));
    json_pair(&sim->out, "key_id", access.secret);
    json_pair(&sim->out, "team_id", access.account);
    json_pair(&sim->out, "topic", SV("com.example.app"));
    buf_addc(&sim->out, '}');
    answer_json(x, 200, &sim->out);
}

/* ---- answers ---- */

/* Apple's table of statuses and reasons; the first of a status is said where nothing else is known. */
static const struct fault {
    int status;
    const char *reason;
} faults[] = {
    {400, "BadDeviceToken"},
    {400, "BadCollapseId"},
    {400, "BadExpirationDate"},
    {400, "BadMessageId"},
    {400, "BadPriority"},
    {400, "BadTopic"},
    {400, "DeviceTokenNotForTopic"},
    {400, "InvalidPushType"},
    {400, "MissingDeviceToken"},
    {400, "MissingTopic"},
    {400, "PayloadEmpty"},
    {400, "TopicDisallowed"},
    {403, "InvalidProviderToken"},
    {403, "ExpiredProviderToken"},
    {403, "MissingProviderToken"},
    {404, "BadPath"},
    {405, "MethodNotAllowed"},
    {410, "Unregistered"},
    {410, "ExpiredToken"},
    {413, "PayloadTooLarge"},
    {429, "TooManyRequests"},
    {429, "TooManyProviderTokenUpdates"},
    {500, "InternalServerError"},
    {503, "ServiceUnavailable"},
    {503, "Shutdown"},
};

/* By its own word, else by the status. */
static const struct fault *fault_of(struct sv word, int status) {
    static const struct fault unknown = {500, "InternalServerError"};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (word.n ? sv_eq(word, sv_of(faults[i].reason)) : faults[i].status == status)
            return &faults[i];
    return word.n || status >= 500 ? &unknown : &faults[0];
}

static bool is_uuid(struct sv v) {
    for (size_t i = 0; i < v.n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? v.p[i] != '-' : !strchr("0123456789abcdefABCDEF", v.p[i]) || !v.p[i])
            return false;
    }
    return v.n == UUID_CHARS;
}

/* The one that was given, else a new one. */
static struct sv id_of(struct sim *sim, struct exchange *x) {
    struct sv given = exchange_header(x, "apns-id");
    struct buf BUF_AUTO out = BUF_INIT(UUID_CHARS);
    char high[16], low[16];
    if (is_uuid(given))
        return arena_dup(&x->arena, given);
    hex_u64(high, prng_next(&sim->sids));
    hex_u64(low, prng_next(&sim->sids));
    buf_addf(&out, "%.8s-%.4s-4%.3s-a%.3s-%.12s", high, high + 8, high + 13, low, low + 4);
    return arena_dup(&x->arena, buf_sv(&out));
}

/* since: when the device was known to be gone, with a 410. */
static void say_fault(struct sim *sim, struct exchange *x, const struct fault *f, int64_t since,
                      int retry_after_s) {
    char after[16];
    buf_reset(&sim->out);
    buf_addc(&sim->out, '{');
    json_pair(&sim->out, "reason", sv_of(f->reason));
    if (f->status == 410)
        json_pair_i64(&sim->out, "timestamp", since / US_PER_MS);
    buf_addc(&sim->out, '}');
    struct answer a = {.status = f->status,
                       .content_type = "application/json",
                       .body = buf_sv(&sim->out),
                       .headers = {{SV("apns-id"), id_of(sim, x)}},
                       .n_headers = 1};
    if (retry_after_s) {
        int n = snprintf(after, sizeof after, "%d", retry_after_s);
        a.headers[a.n_headers++] = (struct http_header){SV("Retry-After"), sv_make(after, (size_t)n)};
    }
    server_answer(x, &a);
}

static void refuse(struct sim *sim, struct exchange *x, const struct sim_refusal *r) {
    const struct fault *f = fault_of(r->word, r->status == 401 ? 403 : r->status);
    sim_count_status(sim, r->status == 401 ? 401 : f->status);
    say_fault(sim, x, f, sim_now(sim), r->retry_after_s);
}

static void reject(struct sim *sim, struct exchange *x, const char *reason, int64_t since) {
    const struct fault *f = fault_of(sv_of(reason), 0);
    sim_count_status(sim, f->status == 403 ? 401 : f->status);
    sim->stats.rejected += f->status != 403;
    say_fault(sim, x, f, since, 0);
}

/* ---- provider tokens ---- */

static const char *why_no_token(struct sim *sim, const struct exchange *x) {
    struct sim_access access = sim_access(sim, &sim_apns);
    struct sv bearer = exchange_header(x, "authorization");
    json_auto_t *header = NULL, *claims = NULL;
    int64_t now = sim_now(sim);
    if (bearer.n <= 7 || !sv_eq_nocase(sv_sub(bearer, 0, 7), SV("bearer ")))
        return "MissingProviderToken";
    if (!push_verify(push_key(sim, "EC"), sv_from(bearer, 7), &header, &claims) ||
        !sv_eq(push_text(header, "kid"), access.secret) || !sv_eq(push_text(claims, "iss"), access.account))
        return "InvalidProviderToken";
    const json_t *iat = json_object_get(claims, "iat");
    int64_t made_s = json_integer_value(iat), now_s = now / US_PER_S;
    if (!json_is_integer(iat) || made_s < 0 || made_s > now_s + SKEW_S)
        return "InvalidProviderToken";
    return made_s <= now_s - TOKEN_S || made_s * US_PER_S <= sim->push.revoked_at ? "ExpiredProviderToken"
                                                                                  : NULL;
}

/* ---- messages ---- */

/* Tokens that begin with one of these, all of hexadecimal digits, always end so. */
static const char *magic_of(struct sv token, int64_t now, int64_t *since) {
    bool hex = token.n >= DEVICE_CHARS_MIN && token.n <= DEVICE_CHARS_MAX && token.n % 2 == 0;
    size_t zeros = 0;
    for (size_t i = 0; i < token.n; i++) {
        hex = hex && token.p[i] && strchr("0123456789abcdefABCDEF", token.p[i]);
        zeros += token.p[i] == '0';
    }
    *since = sv_starts(token, SV("decade")) ? now - LONG_AGO_S * US_PER_S : now;
    if (!hex || zeros == token.n || sv_starts(token, SV("bad")))
        return "BadDeviceToken";
    if (sv_starts(token, SV("dead")) || sv_starts(token, SV("decade")))
        return "Unregistered";
    return sv_starts(token, SV("facade")) ? "DeviceTokenNotForTopic" : NULL;
}

static const char *why_no_topic(const struct exchange *x) {
    struct sv topic = exchange_header(x, "apns-topic");
    for (size_t i = 0; i < topic.n; i++) {
        char c = topic.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
              c == '-' || c == '_'))
            return "BadTopic";
    }
    return !topic.n                         ? "MissingTopic"
           : topic.n > TOPIC_BYTES_MAX      ? "BadTopic"
           : sv_starts(topic, SV("other.")) ? "TopicDisallowed"
                                            : NULL;
}

static bool is_push_type(struct sv v) {
    static const char *const types[] = {"alert",        "background",   "complication", "controls",
                                        "fileprovider", "liveactivity", "location",     "mdm",
                                        "pushtotalk",   "voip",         "widgets"};
    return sv_place(v, types, sizeof types / sizeof types[0]) >= 0;
}

static const char *why_no_headers(const struct exchange *x) {
    struct sv id = exchange_header(x, "apns-id"), until = exchange_header(x, "apns-expiration"),
              priority = exchange_header(x, "apns-priority"), type = exchange_header(x, "apns-push-type");
    int64_t at;
    if (id.n && !is_uuid(id))
        return "BadMessageId";
    if (until.n && (!sv_to_i64(until, &at) || at < 0))
        return "BadExpirationDate";
    if (priority.n && !sv_eq(priority, SV("10")) && !sv_eq(priority, SV("5")) && !sv_eq(priority, SV("1")))
        return "BadPriority";
    if (exchange_header(x, "apns-collapse-id").n > COLLAPSE_BYTES_MAX)
        return "BadCollapseId";
    return is_push_type(type) ? NULL : "InvalidPushType";
}

static const char *why_no_payload(const struct exchange *x, const json_t *payload) {
    bool voip = sv_eq(exchange_header(x, "apns-push-type"), SV("voip"));
    if (x->body.n > (voip ? PAYLOAD_BYTES_MAX_VOIP : PAYLOAD_BYTES_MAX))
        return "PayloadTooLarge";
    return json_is_object(payload) ? NULL : "PayloadEmpty";
}

/* The headers that tell the service what to do, and the payload. */
static struct sv extra_of(struct exchange *x) {
    static const char *const names[] = {"apns-topic", "apns-push-type", "apns-priority", "apns-expiration",
                                        "apns-collapse-id"};
    struct buf BUF_AUTO out = BUF_INIT(EXTRA_BYTES_MAX);
    buf_addc(&out, '{');
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (exchange_header(x, names[i]).n)
            json_pair(&out, names[i], exchange_header(x, names[i]));
    json_key(&out, "payload");
    buf_add(&out, x->body);
    buf_addc(&out, '}');
    return out.overflow ? SV_NONE : arena_dup(&x->arena, buf_sv(&out));
}

static void take(struct sim *sim, struct exchange *x, struct sv token, const json_t *payload) {
    const json_t *alert = json_object_get(json_object_get(payload, "aps"), "alert");
    struct sv body = json_is_string(alert) ? sv_of(json_string_value(alert)) : push_text(alert, "body");
    struct sim_call *call = call_new(sim, &sim_apns, x, 1);
    if (!call)
        return;
    call->items[0].draft.number = sim_address_number(token);
    call->items[0].draft.address = token;
    call->items[0].draft.body = arena_dup(&x->arena, body);
    call->items[0].draft.reference = id_of(sim, x);
    call->items[0].draft.extra = extra_of(x);
    call_take(sim, call);
}

static void send(struct sim *sim, struct exchange *x) {
    json_auto_t *payload = json_loadb(x->body.n ? x->body.p : "", x->body.n, 0, NULL);
    struct sv token = sv_from(x->path, devices.n);
    int64_t since = sim_now(sim);
    const char *why = NULL;
    if (token.n && token.p[0] != '/')
        why = "BadPath";
    else if (x->method != HTTP_POST)
        why = "MethodNotAllowed";
    else if (token.n <= 1)
        why = "MissingDeviceToken";
    why = why ? why : why_no_token(sim, x);
    why = why ? why : why_no_topic(x);
    why = why ? why : why_no_headers(x);
    why = why ? why : why_no_payload(x, payload);
    why = why ? why : magic_of(sv_from(token, 1), since, &since);
    if (why)
        reject(sim, x, why, since);
    else if (call_admit(sim, &sim_apns, x))
        take(sim, x, arena_dup(&x->arena, sv_from(token, 1)), payload);
}

static void handle(struct sim *sim, struct exchange *x) {
    if (!sv_starts(x->path, devices)) {
        give_key(sim, x);
        return;
    }
    sim->stats.requests++;
    send(sim, x);
}

/* Nothing but the id, in a header. */
static int answer(struct sim *sim, const struct sim_call *call, struct buf *out) {
    (void)sim;
    (void)call;
    (void)out;
    return 200;
}

static struct http_header answer_header(const struct sim_call *call) {
    return (struct http_header){SV("apns-id"), call->items[0].draft.reference};
}

const struct sim_face sim_apns = {
    .name = "apns",
    .title = "Apple Push Notification service",
    .account = "SIMTEAM001",
    .secret = "SIMKEY0001",
    .takes = takes,
    .handle = handle,
    .answer = answer,
    .answer_header = answer_header,
    .content_type = "application/json",
    .refuse = refuse,
    .reports = push_reports,
    .receipt = push_receipt,
    .reply = push_reply,
};
