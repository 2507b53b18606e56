#include "provider/apns.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/json.h"

#include <string.h>

enum {
    URL_BYTES_MAX = 1024,
    ANSWER_BYTES_MAX = 16 * 1024,
    PAYLOAD_BYTES_MAX = 4096,
    NAME_CHARS = 10, /* of a key, of a team */
    TOKEN_CHARS_MAX = 200,
    TOKEN_MIN = 50,  /* minutes it is used; renewed some minutes ahead */
    UPDATE_MIN = 20, /* minutes between two */
    KEPT_S_MAX = 30 * 86400,
};

static const char nobody[] = "0000000000000000000000000000000000000000000000000000000000000000";

/* ---- settings ---- */

static bool check_name(struct sv v, struct err *e) {
    return (v.n == NAME_CHARS && kit_is_word(v, "", NAME_CHARS)) ||
           err_set(e, ERR_INVALID, "give the %d letters and digits that Apple shows", NAME_CHARS);
}

static bool check_topic(struct sv v, struct err *e) {
    return kit_is_word(v, "-._", 255) ||
           err_set_field(e, ERR_INVALID, "topic", "give the app's bundle id: com.example.app");
}

static bool check_environment(struct sv v, struct err *e) {
    return sv_eq(v, SV("production")) || sv_eq(v, SV("sandbox")) ||
           err_set_field(e, ERR_INVALID, "environment", "give production or sandbox");
}

static const struct adapter_field fields[APNS_FIELDS] = {
    [APNS_KEY] = {"key", "Signing key: the text of the .p8 file", "签名密钥:.p8 文件内容", .secret = true,
                  .required = true, .text = ADAPTER_LINES},
    [APNS_KEY_ID] = {"key_id", "Key id, ten characters", "密钥 ID(10 个字符)", .required = true,
                     .check = check_name},
    [APNS_TEAM_ID] = {"team_id", "Team id, ten characters", "团队 ID(10 个字符)", .required = true,
                      .identifies = true, .check = check_name},
    [APNS_TOPIC] = {"topic", "The app's bundle id", "应用的 bundle ID", .required = true, .identifies = true,
                    .check = check_topic},
    [APNS_ENVIRONMENT] = {"environment", "production, or sandbox for builds out of Xcode",
                          "production,或 sandbox(Xcode 直接安装的应用)", .fallback = "production",
                          .check = check_environment},
    [APNS_SOUND] = {"sound", "Sound; none: silent", "提示音;none 为静音", .fallback = "default"},
    [APNS_CA_FILE] = {"ca_file", "Authorities to trust, PEM, instead of the system's",
                      "信任的证书颁发机构(PEM),默认为系统自带"},
    [APNS_BASE_URL] = {"base_url", "API address, where it is not the environment's own",
                       "API 地址(默认由 environment 决定)", .identifies = true, .check = kit_check_base_url},
};

static bool prepare(struct lane_config *lane, struct err *e) {
    struct err why = ERR_INIT;
    lane->prepared = jwt_key_new(JWT_ES256, lane->fields[APNS_KEY], &why);
    return lane->prepared || err_set_field(e, why.kind, "key", "%s", why.text);
}

static void release(void *prepared) {
    jwt_key_free(prepared);
}

static struct sv base_of(const struct lane_config *lane) {
    struct sv own = kit_field(lane, APNS_BASE_URL);
    bool sandbox = sv_eq(kit_field(lane, APNS_ENVIRONMENT), SV("sandbox"));
    return own.n     ? own
           : sandbox ? SV("https://api.sandbox.push.apple.com")
                     : SV("https://api.push.apple.com");
}

/* ---- tokens ---- */

static bool mint(const struct lane_config *lane, int64_t now, struct grant *out, struct err *e) {
    struct buf BUF_AUTO header = BUF_INIT(256), claims = BUF_INIT(256), token = BUF_INIT(GRANT_BYTES_MAX - 1);
    buf_addc(&header, '{');
    json_pair(&header, "alg", SV("ES256"));
    json_pair(&header, "typ", SV("JWT"));
    json_pair(&header, "kid", kit_field(lane, APNS_KEY_ID));
    buf_addc(&header, '}');
    buf_addc(&claims, '{');
    json_pair(&claims, "iss", kit_field(lane, APNS_TEAM_ID));
    json_pair_i64(&claims, "iat", now / US_PER_S);
    buf_addc(&claims, '}');
    if (!jwt_sign(lane->prepared, buf_sv(&header), buf_sv(&claims), &token, e))
        return false;
    *out = (struct grant){.expires_at = now + TOKEN_MIN * 60 * US_PER_S,
                          .renewable_at = now + UPDATE_MIN * 60 * US_PER_S};
    memcpy(out->text, token.p, token.n);
    explicit_bzero(token.p, token.n);
    return true;
}

/* ---- messages ---- */

/* A UUID of the attempt's token (RFC 4122: version 4, as of random bytes). */
static struct sv id_of(struct sv token, char out[37]) {
    uint8_t hash[SHA256_BYTES];
    struct buf BUF_AUTO hex = BUF_INIT(64);
    sha256(token, hash);
    hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x40);
    hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80);
    hex_add(&hex, hash, 16);
    snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex.p, hex.p + 8, hex.p + 12, hex.p + 16, hex.p + 20);
    return sv_make(out, 36);
}

static bool payload(const struct lane_config *lane, const struct attempt_view *a, struct buf *out) {
    struct sv sound = kit_field(lane, APNS_SOUND);
    buf_addc(out, '{');
    if (a->data.n > 2) { /* the members of {...} */
        buf_add(out, sv_sub(a->data, 1, a->data.n - 2));
    }
    json_key(out, "aps");
    buf_addc(out, '{');
    if (!sv_eq(sound, SV("none")))
        json_pair(out, "sound", sound);
    json_key(out, "alert");
    buf_addc(out, '{');
    json_pair(out, "body", a->body);
    if (a->title.n)
        json_pair(out, "title", a->title);
    buf_adds(out, "}}}");
    return !out->overflow;
}

static void add_header(struct http_request *rq, struct arena *mem, const char *name, struct sv value) {
    http_add_header(rq, sv_of(name), arena_dup(mem, value));
}

static bool begin(const struct lane_config *lane, struct sv device, struct sv token, struct arena *mem,
                  struct http_request *out) {
    struct buf BUF_AUTO url = BUF_INIT(URL_BYTES_MAX), authorization = BUF_INIT(GRANT_BYTES_MAX + 16);
    buf_join(&url, base_of(lane), SV("/3/device/"), device);
    buf_join(&authorization, SV("bearer "), token);
    *out = (struct http_request){.method = HTTP_POST,
                                 .url = arena_dup(mem, buf_sv(&url)),
                                 .multiplexes = true,
                                 .ca_file = kit_field(lane, APNS_CA_FILE)};
    add_header(out, mem, "authorization", buf_sv(&authorization));
    explicit_bzero(authorization.p, authorization.n);
    add_header(out, mem, "apns-topic", kit_field(lane, APNS_TOPIC));
    add_header(out, mem, "apns-push-type", SV("alert"));
    return !url.overflow && !mem->full;
}

static bool build(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                  struct arena *mem, struct http_request *out, struct err *e) {
    (void)nonce;
    char id[37], own[PUSH_COLLAPSE_BYTES_MAX + 1], until[24];
    struct sv device = push_token(a->to, SV("apns"));
    struct buf BUF_AUTO body = BUF_INIT(PAYLOAD_BYTES_MAX);
    if (!kit_is_word(device, "", TOKEN_CHARS_MAX))
        return err_set_field(e, ERR_INVALID, "to", "not a device of Apple's: apns:TOKEN, in hexadecimal");
    if (!payload(lane, a, &body))
        return err_set_field(e, ERR_TOO_LARGE, "body",
                             "the notification has over %d bytes: APNs takes no more", PAYLOAD_BYTES_MAX);
    if (!begin(lane, device, a->grant, mem, out))
        return err_set(e, ERR_TOO_LARGE, "no room to build the request");
    int n =
        snprintf(until, sizeof until, "%lld", (long long)(now / US_PER_S + push_ttl_s(a, now, KEPT_S_MAX)));
    add_header(out, mem, "apns-expiration", sv_make(until, (size_t)n));
    add_header(out, mem, "apns-priority", push_is_urgent(a) ? SV("10") : SV("5"));
    if (a->token.n)
        add_header(out, mem, "apns-id", id_of(a->token, id));
    add_header(out, mem, "apns-collapse-id", push_collapse(a, own));
    add_header(out, mem, "content-type", SV("application/json"));
    out->body = arena_dup(mem, buf_sv(&body));
    return !mem->full || err_set(e, ERR_TOO_LARGE, "no room to build the request");
}

static enum reason refuses(const struct lane_config *lane, const struct attempt_view *a) {
    (void)lane;
    return push_refuses(a, SV("apns"));
}

/* ---- answers ---- */

static void judge_error(const json_t *answer, struct verdict *v) {
    struct sv reason = kit_string(answer, "reason");
    const struct apns_error *row = apns_error_find(reason);
    kit_say(v->text, reason);
    if (!row)
        kit_unknown_code(v, reason);
    v->grant_refused = v->http_status == 403 && sv_eq(reason, SV("ExpiredProviderToken"));
    if (!row || (v->http_status >= 500 && row->fate == FATE_REJECTED)) {
        kit_judge_class(v);
        return;
    }
    kit_judge_as(v, row->fate, row->hint, row->says);
    kit_pause(v, row->pause_ms);
    int64_t since_ms = v->http_status == 410 ? kit_int(answer, "timestamp", 0) : 0;
    if (since_ms > 0 && since_ms < INT64_MAX / US_PER_MS)
        v->dead_since = since_ms * US_PER_MS;
}

static struct verdict judge(const struct lane_config *lane, const struct http_response *r) {
    (void)lane;
    struct verdict v;
    if (kit_judge_transport(r, &v))
        return v;
    json_auto_t *answer = r->status == 200 ? NULL : kit_parse(r->body, ANSWER_BYTES_MAX);
    if (r->status != 200) {
        judge_error(answer, &v);
        return v;
    }
    kit_judge_as(&v, FATE_SENT, LANE_FINE, REASON_NONE);
    if (!kit_provider_id(v.provider_id, http_find_header(r->headers, r->n_headers, SV("apns-id"))))
        v.provider_id[0] = '\0'; /* it is taken all the same */
    return v;
}

/* ---- probe: a device that cannot be ---- */

static bool probe_granted(const struct lane_config *lane, struct sv token, int64_t now, uint64_t nonce,
                          struct arena *mem, struct http_request *out, struct err *e) {
    (void)now;
    (void)nonce;
    if (!begin(lane, sv_of(nobody), token, mem, out))
        return err_set(e, ERR_TOO_LARGE, "no room to build the request");
    add_header(out, mem, "content-type", SV("application/json"));
    out->body = SV("{\"aps\":{\"alert\":{\"body\":\"doctor\"}}}");
    return true;
}

static bool judge_probe(const struct lane_config *lane, const struct http_response *r, struct err *e) {
    if (!kit_probe_answered(base_of(lane), r, e))
        return false;
    json_auto_t *answer = kit_parse(r->body, ANSWER_BYTES_MAX);
    struct sv reason = kit_string(answer, "reason");
    const struct apns_error *row = apns_error_find(reason);
    if (r->status == 200 || (row && row->says == REASON_INVALID_NUMBER))
        return true;
    if (r->status == 403)
        return err_set_field(e, ERR_AUTH, "key",
                             "APNs refuses the key (%.*s): check key_id, team_id, environment, and this "
                             "machine's clock",
                             SV_FMT(sv_sub(reason, 0, 60)));
    if (row && row->says == REASON_SENDER_REJECTED)
        return err_set_field(e, ERR_AUTH, "topic", "APNs refuses the topic (%.*s): it is the app's bundle id",
                             SV_FMT(sv_sub(reason, 0, 60)));
    return err_set(e, r->status == 429 ? ERR_LIMITED : ERR_OUTSIDE, "APNs answers HTTP %d, %.*s", r->status,
                   SV_FMT(sv_sub(reason, 0, 60)));
}

const struct adapter apns_adapter = {
    .name = "apns",
    .fields = fields,
    .n_fields = APNS_FIELDS,
    .prepare = prepare,
    .release = release,
    .channels = 1u << CHANNEL_PUSH,
    .batch_max = 1,
    .build = build,
    .judge = judge,
    .refuses = refuses,
    .mint = mint,
    .probe_granted = probe_granted,
    .judge_probe = judge_probe,
    .code = apns_code,
};
