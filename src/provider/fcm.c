#include "provider/fcm.h"

#include "base/clock.h"
#include "base/json.h"
#include "model/form.h"

#include <string.h>

enum {
    MEMORY_BYTES_MAX = 64 * 1024,
    BODY_BYTES_MAX = 32 * 1024,
    ANSWER_BYTES_MAX = 64 * 1024,
    PAYLOAD_BYTES_MAX = 4096, /* ErrorCode: keys and values of notification and data */
    TTL_S_MAX = 2419200,      /* AndroidConfig.ttl: four weeks */
    ASSERTION_S = 3600,       /* as long as Google allows */
    TOKEN_S_MAX = 24 * 3600,
    ID_CHARS_MAX = 128, /* of a project, an account, a key */
};

static const char scope[] = "https://www.googleapis.com/auth/firebase.messaging";
static const char default_token_url[] = "https://oauth2.googleapis.com/token";

/* What the service account's JSON holds, read once. */
struct fcm {
    struct arena mem;
    struct jwt_key *key;
    struct sv email, key_id, token_url;
    struct sv url; /* where messages go */
};

/* ---- settings ---- */

static bool check_project(struct sv v, struct err *e) {
    return kit_is_word(v, "-:.", ID_CHARS_MAX) ||
           err_set_field(e, ERR_INVALID, "project_id", "a project's id is a word such as my-app-1a2b3");
}

static bool check_priority(struct sv v, struct err *e) {
    return sv_eq(v, SV("auto")) || sv_eq(v, SV("high")) || sv_eq(v, SV("normal")) ||
           err_set_field(e, ERR_INVALID, "android_priority", "give auto, high or normal");
}

static bool check_yes(struct sv v, struct err *e) {
    return sv_eq(v, SV("yes")) || sv_eq(v, SV("no")) || sv_eq(v, SV("true")) || sv_eq(v, SV("false")) ||
           err_set_field(e, ERR_INVALID, "validate_only", "give yes or no");
}

static bool check_token_url(struct sv v, struct err *e) {
    struct err why = ERR_INIT;
    return kit_check_base_url(v, &why) || err_set_field(e, why.kind, "token_url", "%s", why.text);
}

static const struct adapter_field fields[FCM_FIELDS] = {
    [FCM_SERVICE_ACCOUNT] = {"service_account", "Service account: the JSON key file as Google gives it",
                             "服务账号:Google 提供的 JSON 密钥文件内容", .secret = true, .required = true,
                             .text = ADAPTER_LINES},
    [FCM_PROJECT_ID] = {"project_id", "Firebase project, where it is not the service account's",
                        "Firebase 项目 ID(默认取自服务账号)", .identifies = true, .check = check_project},
    [FCM_PRIORITY] = {"android_priority", "auto (high, but normal for marketing), high or normal",
                      "auto(营销为 normal,其余为 high)、high 或 normal", .fallback = "auto",
                      .check = check_priority},
    [FCM_ANDROID_CHANNEL] = {"android_channel", "Notification channel of the Android app",
                             "Android 应用的通知渠道"},
    [FCM_SOUND] = {"sound", "Sound on Apple devices; none: silent", "Apple 设备的提示音;none 为静音",
                   .fallback = "default"},
    [FCM_VALIDATE_ONLY] = {"validate_only", "yes: FCM checks messages and delivers none",
                           "yes:FCM 只校验消息,不投递", .fallback = "no", .check = check_yes},
    [FCM_CA_FILE] = {"ca_file", "Authorities to trust, PEM, instead of the system's",
                     "信任的证书颁发机构(PEM),默认为系统自带"},
    [FCM_BASE_URL] = {"base_url", "API address", "API 地址", .fallback = "https://fcm.googleapis.com",
                      .check = kit_check_base_url},
    [FCM_TOKEN_URL] = {"token_url", "Where access tokens are had, where the service account does not say",
                       "获取访问令牌的地址(默认取自服务账号)", .check = check_token_url},
};

static void fcm_free(struct fcm *f) {
    if (!f)
        return;
    jwt_key_free(f->key);
    arena_done(&f->mem);
    free(f);
}

static void release(void *prepared) {
    fcm_free(prepared);
}

static bool bad(struct err *e, const char *what) {
    return err_set_field(e, ERR_INVALID, "service_account",
                         "%s: give the JSON key file of a service account, whole (Firebase console, project "
                         "settings, service accounts)",
                         what);
}

static bool read_account(const struct lane_config *lane, struct fcm *f, struct err *e) {
    json_auto_t *o = kit_parse(lane->fields[FCM_SERVICE_ACCOUNT], MEMORY_BYTES_MAX);
    struct sv project = kit_field(lane, FCM_PROJECT_ID), token_url = kit_field(lane, FCM_TOKEN_URL);
    struct err why = ERR_INIT;
    struct buf BUF_AUTO url = BUF_INIT(1024);
    if (!json_is_object(o))
        return bad(e, "not JSON");
    if (!sv_eq(kit_string(o, "type"), SV("service_account")))
        return bad(e, "`type` is not service_account");
    f->email = arena_dup(&f->mem, kit_string(o, "client_email"));
    f->key_id = arena_dup(&f->mem, kit_string(o, "private_key_id"));
    if (!kit_is_word(f->email, "@-._:", ID_CHARS_MAX) ||
        (f->key_id.n && !kit_is_word(f->key_id, "-_", ID_CHARS_MAX)))
        return bad(e, "`client_email` or `private_key_id` makes no sense");
    if (!project.n)
        project = kit_string(o, "project_id");
    if (!check_project(project, &why))
        return bad(e, "`project_id` is missing");
    if (!token_url.n)
        token_url = kit_string(o, "token_uri");
    if (!token_url.n)
        token_url = sv_of(default_token_url);
    if (!kit_check_base_url(token_url, &why))
        return bad(e, "`token_uri` is no https address");
    f->key = jwt_key_new(JWT_RS256, kit_string(o, "private_key"), &why);
    if (!f->key)
        return bad(e, why.text);
    buf_addf(&url, "%.*s/v1/projects/%.*s/messages:send", SV_FMT(kit_field(lane, FCM_BASE_URL)),
             SV_FMT(project));
    f->url = arena_dup(&f->mem, buf_sv(&url));
    f->token_url = arena_dup(&f->mem, token_url);
    return !f->mem.full || err_set(e, ERR_TOO_LARGE, "the service account is too long");
}

static bool prepare(struct lane_config *lane, struct err *e) {
    struct fcm *f = calloc(1, sizeof *f);
    if (!f)
        return err_set(e, ERR_OUTSIDE, "out of memory");
    arena_init(&f->mem, MEMORY_BYTES_MAX);
    if (!read_account(lane, f, e)) {
        fcm_free(f);
        return false;
    }
    lane->prepared = f;
    return true;
}

/* ---- tokens ---- */

/* RFC 7523: a signed assertion for an access token. */
static bool grant(const struct lane_config *lane, struct sv so_far, int64_t now, uint64_t nonce,
                  struct arena *mem, struct http_request *out, struct err *e) {
    (void)so_far;
    (void)nonce;
    const struct fcm *f = lane->prepared;
    struct buf BUF_AUTO header = BUF_INIT(1024), claims = BUF_INIT(2048), token = BUF_INIT(8192),
                        body = BUF_INIT(16 * 1024);
    int64_t at_s = now / US_PER_S;
    buf_addc(&header, '{');
    json_pair(&header, "alg", SV("RS256"));
    json_pair(&header, "typ", SV("JWT"));
    if (f->key_id.n)
        json_pair(&header, "kid", f->key_id);
    buf_addc(&header, '}');
    buf_addc(&claims, '{');
    json_pair(&claims, "iss", f->email);
    json_pair(&claims, "scope", sv_of(scope));
    json_pair(&claims, "aud", f->token_url);
    json_pair_i64(&claims, "exp", at_s + ASSERTION_S);
    json_pair_i64(&claims, "iat", at_s);
    buf_addc(&claims, '}');
    if (!jwt_sign(f->key, buf_sv(&header), buf_sv(&claims), &token, e))
        return false;
    form_add(&body, SV("grant_type"), SV("urn:ietf:params:oauth:grant-type:jwt-bearer"));
    form_add(&body, SV("assertion"), buf_sv(&token));
    *out = (struct http_request){
        .method = HTTP_POST, .url = f->token_url, .ca_file = kit_field(lane, FCM_CA_FILE)};
    http_add_header(out, SV("Content-Type"), SV("application/x-www-form-urlencoded"));
    out->body = arena_dup(mem, buf_sv(&body));
    return (!body.overflow && out->body.p) || err_set(e, ERR_TOO_LARGE, "no room to build the request");
}

/* The words of RFC 6749 section 5.2 and RFC 7523; without them the status tells. */
static bool grant_refused(const struct http_response *r, const json_t *answer, struct err *e) {
    struct sv word = kit_string(answer, "error"), text = kit_string(answer, "error_description");
    bool ours = r->status == 400 || r->status == 401 || r->status == 403;
    return err_set_field(e, ours && word.n ? ERR_AUTH : ERR_OUTSIDE, "service_account",
                         "Google gives no access token (HTTP %d, %.*s: %.*s)", r->status,
                         SV_FMT(sv_sub(word, 0, 40)), SV_FMT(sv_sub(text, 0, 100)));
}

static bool judge_grant(const struct lane_config *lane, struct sv so_far, int64_t now,
                        const struct http_response *r, struct grant *out, struct err *e) {
    (void)lane;
    (void)so_far;
    if (r->transport != HTTP_ANSWERED)
        return err_set(e, ERR_OUTSIDE, "no access token: %.*s", SV_FMT(sv_sub(r->error, 0, 160)));
    json_auto_t *answer = kit_parse(r->body, ANSWER_BYTES_MAX);
    struct sv token = kit_string(answer, "access_token");
    int64_t lasts_s = kit_int(answer, "expires_in", ASSERTION_S);
    if (r->status != 200)
        return grant_refused(r, answer, e);
    if (!token.n || !kit_is_plain(token) || token.n >= GRANT_BYTES_MAX || lasts_s <= 0)
        return err_set(e, ERR_OUTSIDE, "the answer holds no access token");
    memcpy(out->text, token.p, token.n);
    out->text[token.n] = '\0';
    out->expires_at = now + (lasts_s < TOKEN_S_MAX ? lasts_s : TOKEN_S_MAX) * US_PER_S;
    return true;
}

/* ---- messages ---- */

static bool setting_is_on(const struct lane_config *lane, enum fcm_field f) {
    struct sv v = kit_field(lane, f);
    return sv_eq(v, SV("yes")) || sv_eq(v, SV("true"));
}

static void add_notification(const struct attempt_view *a, struct buf *out) {
    json_key(out, "notification");
    buf_addc(out, '{');
    if (a->title.n)
        json_pair(out, "title", a->title);
    json_pair(out, "body", a->body);
    buf_addc(out, '}');
    if (a->data.n) {
        json_key(out, "data");
        buf_add(out, a->data);
    }
}

static void add_android(const struct lane_config *lane, const struct attempt_view *a, int64_t ttl_s,
                        struct sv tag, struct buf *out) {
    struct sv priority = kit_field(lane, FCM_PRIORITY), channel = kit_field(lane, FCM_ANDROID_CHANNEL);
    if (sv_eq(priority, SV("auto")))
        priority = push_is_urgent(a) ? SV("high") : SV("normal");
    json_key(out, "android");
    buf_addc(out, '{');
    json_pair(out, "priority", priority);
    json_key(out, "ttl");
    buf_addf(out, "\"%llds\"", (long long)ttl_s);
    json_key(out, "notification");
    buf_addc(out, '{');
    json_pair(out, "tag", tag);
    if (channel.n)
        json_pair(out, "channel_id", channel);
    buf_addc(out, '}');
    if (a->collapse.n)
        json_pair(out, "collapse_key", a->collapse);
    buf_addc(out, '}');
}

static void add_apple(const struct lane_config *lane, const struct attempt_view *a, int64_t until_s,
                      struct sv tag, struct buf *out) {
    struct sv sound = kit_field(lane, FCM_SOUND);
    json_key(out, "apns");
    buf_adds(out, "{\"headers\":{");
    json_pair(out, "apns-priority", push_is_urgent(a) ? SV("10") : SV("5"));
    json_key(out, "apns-expiration");
    buf_addf(out, "\"%lld\"", (long long)until_s);
    json_pair(out, "apns-collapse-id", tag);
    buf_addc(out, '}');
    if (!sv_eq(sound, SV("none"))) {
        buf_adds(out, ",\"payload\":{\"aps\":{");
        json_pair(out, "sound", sound);
        buf_adds(out, "}}");
    }
    buf_addc(out, '}');
}

static bool add_authorization(const struct attempt_view *a, struct arena *mem, struct http_request *out) {
    struct buf BUF_AUTO text = BUF_INIT(GRANT_BYTES_MAX + 16);
    buf_addf(&text, "Bearer %.*s", SV_FMT(a->grant));
    struct sv kept = arena_dup(mem, buf_sv(&text));
    explicit_bzero(text.p, text.n);
    return http_add_header(out, SV("Authorization"), kept) && kept.p;
}

/* In the order of the vendor's SDK, so that its requests and ours are the same bytes. */
static bool build(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                  struct arena *mem, struct http_request *out, struct err *e) {
    (void)nonce;
    const struct fcm *f = lane->prepared;
    char own[PUSH_COLLAPSE_BYTES_MAX + 1];
    struct sv tag = push_collapse(a, own), token = push_token(a->to, SV("fcm"));
    struct buf BUF_AUTO body = BUF_INIT(BODY_BYTES_MAX);
    int64_t ttl_s = push_ttl_s(a, now, TTL_S_MAX);
    if (!token.n)
        return err_set_field(e, ERR_INVALID, "to", "not a device of FCM: fcm:TOKEN");
    if (a->title.n + a->body.n + a->data.n > PAYLOAD_BYTES_MAX)
        return err_set_field(e, ERR_TOO_LARGE, "body",
                             "title, body and data have over %d bytes: FCM takes no more", PAYLOAD_BYTES_MAX);
    buf_adds(&body, "{\"message\":{");
    json_pair(&body, "token", token);
    add_notification(a, &body);
    add_android(lane, a, ttl_s, tag, &body);
    add_apple(lane, a, now / US_PER_S + ttl_s, tag, &body);
    buf_addc(&body, '}');
    if (setting_is_on(lane, FCM_VALIDATE_ONLY))
        json_pair_bool(&body, "validate_only", true);
    buf_addc(&body, '}');
    *out = (struct http_request){
        .method = HTTP_POST, .url = f->url, .multiplexes = true, .ca_file = kit_field(lane, FCM_CA_FILE)};
    if (body.overflow || !add_authorization(a, mem, out))
        return err_set(e, ERR_TOO_LARGE, "the message is too long for one request");
    http_add_header(out, SV("Content-Type"), SV("application/json;charset=utf-8"));
    out->body = arena_dup(mem, buf_sv(&body));
    return !mem->full || err_set(e, ERR_TOO_LARGE, "no room to build the request");
}

static enum reason refuses(const struct lane_config *lane, const struct attempt_view *a) {
    (void)lane;
    return push_refuses(a, SV("fcm"));
}

/* ---- answers ---- */

static bool is_type(const json_t *detail, const char *name) {
    return sv_ends(kit_string(detail, "@type"), sv_of(name));
}

/* FcmError's own code goes before the canonical status. *token: it is the registration token that is wrong.
 */
static struct sv code_of(const json_t *error, bool *token) {
    const json_t *details = json_object_get(error, "details"), *detail, *violation;
    struct sv code = SV_NONE;
    size_t i, k;
    *token = false;
    json_array_foreach(details, i, detail) {
        if (is_type(detail, "google.firebase.fcm.v1.FcmError") && !code.n)
            code = kit_string(detail, "errorCode");
        if (is_type(detail, "google.rpc.BadRequest"))
            json_array_foreach(json_object_get(detail, "fieldViolations"), k, violation) *token |=
                sv_eq(kit_string(violation, "field"), SV("message.token"));
    }
    *token |= sv_find(kit_string(error, "message"), SV("registration token is not a valid")) != SIZE_MAX;
    return code.n ? code : kit_string(error, "status");
}

static void judge_error(const json_t *error, struct verdict *v) {
    bool token;
    struct sv code = code_of(error, &token), text = kit_string(error, "message");
    const struct fcm_error *row = fcm_error_find(code);
    struct buf BUF_AUTO words = BUF_INIT(2048);
    buf_addf(&words, "%.*s%s%.*s", SV_FMT(sv_sub(code, 0, 80)), code.n && text.n ? ": " : "",
             SV_FMT(sv_sub(text, 0, 1024)));
    kit_say(v->text, buf_sv(&words));
    if (!row)
        kit_unknown_code(v, code);
    v->grant_refused = v->http_status == 401 && (!row || row->hint == LANE_BROKEN);
    if (!row || (v->http_status >= 500 && v->http_status != 503 && row->fate != FATE_UNKNOWN)) {
        kit_judge_class(v);
        return;
    }
    kit_judge_as(v, row->fate, row->hint, row->says);
    kit_pause(v, row->pause_ms);
    if (row->says == REASON_REQUEST_REJECTED && token)
        v->reason = REASON_INVALID_NUMBER;
}

/* projects/P/messages/ID: the project is the lane's. */
static struct sv id_of(struct sv name) {
    size_t at = sv_find(name, SV("/messages/"));
    return at == SIZE_MAX ? SV_NONE : sv_from(name, at + 10);
}

static struct verdict judge(const struct lane_config *lane, const struct http_response *r) {
    (void)lane;
    struct verdict v;
    if (kit_judge_transport(r, &v))
        return v;
    json_auto_t *answer = kit_parse(r->body, ANSWER_BYTES_MAX);
    if (r->status != 200) {
        judge_error(json_object_get(answer, "error"), &v);
    } else if (kit_provider_id(v.provider_id, id_of(kit_string(answer, "name")))) {
        kit_judge_as(&v, FATE_SENT, LANE_FINE, REASON_NONE);
    } else {
        kit_judge_as(&v, FATE_UNKNOWN, LANE_DOWN, REASON_OUTCOME_UNKNOWN);
        kit_say(v.text, SV("the answer names no message"));
    }
    return v;
}

/* ---- probe: a message to nobody, which FCM is only asked to look at ---- */

static bool probe_granted(const struct lane_config *lane, struct sv token, int64_t now, uint64_t nonce,
                          struct arena *mem, struct http_request *out, struct err *e) {
    (void)now;
    (void)nonce;
    const struct fcm *f = lane->prepared;
    const struct attempt_view nobody = {.grant = token};
    *out = (struct http_request){.method = HTTP_POST, .url = f->url, .ca_file = kit_field(lane, FCM_CA_FILE)};
    if (!add_authorization(&nobody, mem, out))
        return err_set(e, ERR_TOO_LARGE, "no room to build the request");
    http_add_header(out, SV("Content-Type"), SV("application/json;charset=utf-8"));
    out->body = SV("{\"message\":{\"token\":\"nobody\",\"notification\":{\"body\":\"doctor\"}},"
                   "\"validate_only\":true}");
    return true;
}

static bool judge_probe(const struct lane_config *lane, const struct http_response *r, struct err *e) {
    if (!kit_probe_answered(kit_field(lane, FCM_BASE_URL), r, e))
        return false;
    json_auto_t *answer = kit_parse(r->body, ANSWER_BYTES_MAX);
    const json_t *error = json_object_get(answer, "error");
    bool token;
    struct sv code = code_of(error, &token);
    if (r->status == 200 || sv_eq(code, SV("INVALID_ARGUMENT")) || sv_eq(code, SV("UNREGISTERED")))
        return true;
    if (r->status == 401 || r->status == 403)
        return err_set_field(e, ERR_AUTH, "service_account",
                             "FCM refuses the service account (HTTP %d, %.*s): check project_id, that the "
                             "account may send (role Firebase Cloud Messaging API Admin), and that the API "
                             "is enabled",
                             r->status, SV_FMT(sv_sub(code, 0, 80)));
    return err_set(e, r->status == 429 ? ERR_LIMITED : ERR_OUTSIDE, "FCM answers HTTP %d, %.*s", r->status,
                   SV_FMT(sv_sub(code, 0, 80)));
}

const struct adapter fcm_adapter = {
    .name = "fcm",
    .fields = fields,
    .n_fields = FCM_FIELDS,
    .prepare = prepare,
    .release = release,
    .channels = 1u << CHANNEL_PUSH,
    .batch_max = 1,
    .build = build,
    .judge = judge,
    .refuses = refuses,
    .grant = grant,
    .judge_grant = judge_grant,
    .probe_granted = probe_granted,
    .judge_probe = judge_probe,
    .code = fcm_code,
};
