#include "provider/tencent.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/json.h"
#include "base/json_skim.h"
#include "provider/tc3.h"
#include "provider/tencent_errors.h"

#include <string.h>

enum {
    NUMBERS_MAX = 200,             /* LimitExceeded.PhoneNumberCountLimit above */
    BODY_BYTES_MAX = 256 * 1024,   /* 200 numbers, and parameters of 1000 characters */
    ANSWER_BYTES_MAX = 512 * 1024, /* an entry is about 250 bytes, its words included */
    AUTHORIZATION_BYTES_MAX = 1024,
    LOOKUP_AFTER_MS = 60000, /* the list has reports only, and those take seconds to come */
    BODY_CHARS_MAX = 500,    /* a domestic text with its sign; longer ones are refused (1017) */
};

static const struct sv content_type = {"application/json", 16};

/* ---- fields ---- */

static bool is_plain(struct sv v, size_t max) {
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] <= ' ' || v.p[i] > '~' || v.p[i] == ',' || v.p[i] == '/')
            return false;
    return v.n <= max;
}

static bool is_digits(struct sv v) {
    uint64_t x;
    return v.n == 0 || (v.n <= 18 && sv_to_u64(v, &x));
}

static bool check_secret_id(struct sv v, struct err *e) {
    return is_plain(v, 128) ||
           err_set_field(e, ERR_INVALID, "secret_id",
                         "a SecretId is letters and digits (AKID...); the console shows it under API keys");
}

static bool check_session_token(struct sv v, struct err *e) {
    if (!kit_is_plain(v))
        return err_set_field(e, ERR_INVALID, "session_token", "a token has no spaces in it");
    return v.n <= 4096 || err_set_field(e, ERR_INVALID, "session_token", "a token has at most 4096 bytes");
}

static bool check_sdk_app_id(struct sv v, struct err *e) {
    return is_digits(v) ||
           err_set_field(e, ERR_INVALID, "sdk_app_id",
                         "an SdkAppId is digits (1400006666); the SMS console shows it under applications");
}

static bool check_sign(struct sv v, struct err *e) {
    return !(sv_starts(v, SV("【")) || sv_starts(v, SV("["))) ||
           err_set_field(e, ERR_INVALID, "sign_name",
                         "give the sign without brackets: Tencent puts them around it");
}

static bool check_template(struct sv v, struct err *e) {
    return is_digits(v) || err_set(e, ERR_INVALID, "a template id is digits (449739)");
}

static bool check_region(struct sv v, struct err *e) {
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] != '-' && (v.p[i] < 'a' || v.p[i] > 'z') && (v.p[i] < '0' || v.p[i] > '9'))
            return err_set_field(e, ERR_INVALID, "region", "a region is written as ap-guangzhou is");
    return true;
}

static bool check_absent_after(struct sv v, struct err *e) {
    uint64_t s;
    return v.n == 0 || (sv_to_u64(v, &s) && s >= 1 && s <= 6 * 86400) ||
           err_set_field(e, ERR_INVALID, "absent_after_s", "give 1 to 518400 seconds, or leave it out");
}

static bool check_pull(struct sv v, struct err *e) {
    uint64_t s;
    return v.n == 0 || (sv_to_u64(v, &s) && s >= 1 && s <= 86400) ||
           err_set(e, ERR_INVALID, "give 1 to 86400 seconds between two fetches, or leave it out: never");
}

static const struct adapter_field fields[TENCENT_FIELDS] = {
    [TENCENT_SECRET_ID] = {"secret_id", "SecretId", "SecretId", .required = true, .check = check_secret_id},
    [TENCENT_SECRET_KEY] = {"secret_key", "SecretKey", "SecretKey", .secret = true, .required = true,
                            .check = kit_check_secret},
    [TENCENT_SESSION_TOKEN] = {"session_token", "Token of temporary credentials (STS)",
                               "临时密钥的 Token(STS)", .secret = true, .check = check_session_token},
    [TENCENT_SDK_APP_ID] = {"sdk_app_id", "SMS application's SdkAppId", "短信应用 SdkAppId", .required = true,
                            .identifies = true, .check = check_sdk_app_id},
    [TENCENT_SIGN_NAME] = {"sign_name", "Sign, where a message names none", "默认短信签名内容",
                           .check = check_sign},
    [TENCENT_TEMPLATE_ID] = {"template_id", "Template whose only parameter takes a whole text (mainland)",
                             "以全文为唯一参数的模板 ID(境内)", .check = check_template},
    [TENCENT_TEMPLATE_ID_ABROAD] = {"template_id_abroad",
                                    "Template whose only parameter takes a whole text (abroad)",
                                    "以全文为唯一参数的模板 ID(国际/港澳台)", .check = check_template},
    [TENCENT_REGION] = {"region", "Region", "地域", .fallback = "ap-guangzhou", .check = check_region},
    [TENCENT_CALLBACK_TOKEN] = {"callback_token", "Secret in the callback address (?k=)",
                                "回调地址中的密钥(?k=)", .secret = true, .check = kit_check_callback_token},
    [TENCENT_ABSENT_AFTER_S] = {"absent_after_s",
                                "Seconds after which a number without a report counts as not sent to",
                                "多少秒后仍无回执即视为未发出", .check = check_absent_after},
    [TENCENT_PULL_REPLIES_S] = {"pull_replies_s",
                                "Seconds between two fetches of replies that Tencent keeps; none: never",
                                "拉取上行回复的间隔秒数;不填则不拉取", .check = check_pull},
    [TENCENT_PULL_RECEIPTS_S] = {"pull_receipts_s",
                                 "Seconds between two fetches of receipts that Tencent keeps; none: never",
                                 "拉取状态回执的间隔秒数;不填则不拉取", .check = check_pull},
    [TENCENT_BASE_URL] = {"base_url", "API address", "API 地址", .identifies = true,
                          .fallback = "https://sms.tencentcloudapi.com", .check = kit_check_base_url},
};

static bool check_all(const struct lane_config *lane, struct err *e) {
    return !lane->fields[TENCENT_TEMPLATE_ID].n || lane->fields[TENCENT_SIGN_NAME].n ||
           err_set_field(e, ERR_INVALID, "sign_name",
                         "missing beside template_id: texts within mainland China need a sign");
}

/* ---- requests ---- */

bool tencent_request(const struct lane_config *lane, const char *action, const struct buf *body, int64_t now,
                     struct arena *mem, struct http_request *out, struct err *e) {
    *out = (struct http_request){.method = HTTP_POST};
    struct buf BUF_AUTO url = BUF_INIT(1024), BUF_AUTO value = BUF_INIT(AUTHORIZATION_BYTES_MAX);
    buf_add(&url, kit_field(lane, TENCENT_BASE_URL));
    buf_addc(&url, '/');
    if (body->overflow)
        return err_set(e, ERR_TOO_LARGE, "the message is too long for one request");
    out->url = arena_dup(mem, buf_sv(&url));
    out->body = arena_dup(mem, buf_sv(body));

    struct sv path = out->url;
    path = sv_from(path, sv_find(path, SV("://")) + 3);
    struct sv host = sv_cut(&path, '/');
    struct tc3_request rq = {.secret_id = lane->fields[TENCENT_SECRET_ID],
                             .secret_key = lane->fields[TENCENT_SECRET_KEY],
                             .service = SV("sms"),
                             .host = sv_cut(&host, ':'),
                             .path = sv_make(path.p - 1, path.n + 1),
                             .content_type = content_type,
                             .body = out->body,
                             .at_s = now / US_PER_S};
    tc3_authorization(&rq, &value);
    if (value.overflow || url.overflow)
        return err_set(e, ERR_TOO_LARGE, "the lane's credentials or its base_url are too long");
    http_add_header(out, SV("X-TC-Action"), arena_dup(mem, sv_of(action)));
    http_add_header(out, SV("X-TC-Region"), arena_dup(mem, kit_field(lane, TENCENT_REGION)));
    struct buf BUF_AUTO at = BUF_INIT(24);
    buf_add_i64(&at, rq.at_s);
    http_add_header(out, SV("X-TC-Timestamp"), arena_dup(mem, buf_sv(&at)));
    http_add_header(out, SV("X-TC-Version"), SV("2021-01-11"));
    if (lane->fields[TENCENT_SESSION_TOKEN].n)
        http_add_header(out, SV("X-TC-Token"), arena_dup(mem, lane->fields[TENCENT_SESSION_TOKEN]));
    http_add_header(out, SV("Content-Type"), content_type);
    http_add_header(out, SV("Authorization"), arena_dup(mem, buf_sv(&value)));
    return !mem->full || err_set(e, ERR_TOO_LARGE, "no room to build the request");
}

static bool is_mainland(struct sv to) {
    return sv_starts(to, SV("+86"));
}

/* The template of an attempt; empty: none. */
static struct sv template_of(const struct lane_config *lane, const struct attempt_view *a) {
    if (a->code.code.n)
        return a->code.code;
    return lane->fields[is_mainland(a->to) ? TENCENT_TEMPLATE_ID : TENCENT_TEMPLATE_ID_ABROAD];
}

/* Abroad a sign is not part of the text; Tencent would put it there all the same. */
static struct sv sign_of(const struct lane_config *lane, const struct attempt_view *a) {
    if (!is_mainland(a->to))
        return SV_NONE;
    return a->code.sign.n ? a->code.sign : lane->fields[TENCENT_SIGN_NAME];
}

static struct sv sender_of(const struct lane_config *lane, const struct attempt_view *a) {
    if (is_mainland(a->to))
        return SV_NONE;
    return a->from.n ? a->from : lane->from;
}

/* The text, where it is the parameter of the lane's own template. */
static struct sv text_of(const struct attempt_view *a) {
    return a->code.code.n ? SV_NONE : a->body;
}

static enum reason refuses(const struct lane_config *lane, const struct attempt_view *a) {
    if (!template_of(lane, a).n)
        return REASON_NO_TEMPLATE_CODE;
    return is_mainland(a->to) && !sign_of(lane, a).n ? REASON_SENDER_REJECTED : REASON_NONE;
}

static bool joins(const struct lane_config *lane, const struct attempt_view *a,
                  const struct attempt_view *b) {
    return is_mainland(a->to) == is_mainland(b->to) && sv_eq(template_of(lane, a), template_of(lane, b)) &&
           sv_eq(a->code.params, b->code.params) && sv_eq(text_of(a), text_of(b)) &&
           sv_eq(sign_of(lane, a), sign_of(lane, b)) && sv_eq(sender_of(lane, a), sender_of(lane, b));
}

static bool build_batch(const struct lane_config *lane, const struct attempt_view *a, size_t n, int64_t now,
                        uint64_t nonce, struct arena *mem, struct http_request *out, struct err *e) {
    (void)nonce; /* the API takes no idempotency key */
    struct sv template = template_of(lane, a), sign = sign_of(lane, a), sender = sender_of(lane, a);
    ASSERT(n >= 1 && n <= NUMBERS_MAX);
    if (!template.n)
        return err_set_field(e, ERR_INVALID, "template",
                             "Tencent sends templates only: give the message a code for it, or the lane a "
                             "%s that takes a whole text",
                             is_mainland(a->to) ? "template_id" : "template_id_abroad");
    /* In the order of the vendor's examples; an SDK's user writes them in any. */
    struct buf BUF_AUTO body = BUF_INIT(BODY_BYTES_MAX);
    buf_adds(&body, "{\"PhoneNumberSet\":[");
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_addc(&body, ',');
        json_add_string(&body, a[i].to);
    }
    buf_addc(&body, ']');
    json_pair(&body, "SmsSdkAppId", lane->fields[TENCENT_SDK_APP_ID]);
    json_pair(&body, "TemplateId", template);
    if (sign.n)
        json_pair(&body, "SignName", sign);
    json_key(&body, "TemplateParamSet");
    if (!tencent_params_add(&body, a->code.params, text_of(a)))
        return err_set_field(e, ERR_INVALID, "params",
                             "Tencent's templates count their parameters: give a list, or names 1, 2, 3");
    if (sender.n)
        json_pair(&body, "SenderId", sender);
    struct buf BUF_AUTO context = BUF_INIT(TENCENT_CONTEXT_MAX);
    tencent_context_add(&context, a, n);
    if (context.n)
        json_pair(&body, "SessionContext", buf_sv(&context));
    buf_addc(&body, '}');
    return tencent_request(lane, "SendSms", &body, now, mem, out, e);
}

static bool build(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                  struct arena *mem, struct http_request *out, struct err *e) {
    return build_batch(lane, a, 1, now, nonce, mem, out, e);
}

/* ---- answers ---- */

const json_t *tencent_response(const json_t *root, struct sv *code, struct sv *words) {
    const json_t *response = json_object_get(root, "Response"), *error = json_object_get(response, "Error");
    *code = kit_string(error, "Code");
    *words = kit_string(error, "Message");
    return json_is_object(response) ? response : NULL;
}

enum lane_hint tencent_hint(struct sv code) {
    const struct tencent_error *row = tencent_error_named(code);
    return row ? row->hint : LANE_FINE;
}

/* "Code: words" */
static void say(struct verdict *v, struct sv code, struct sv words) {
    struct buf BUF_AUTO text = BUF_INIT(2048);
    buf_add(&text, sv_sub(code, 0, 96));
    if (code.n && words.n)
        buf_adds(&text, ": ");
    buf_add(&text, sv_sub(words, 0, 512));
    kit_say(v->text, buf_sv(&text));
}

/* A code that is not Ok, of one number or of the whole call. */
static void judge_code(struct verdict *v, struct sv code, struct sv words) {
    const struct tencent_error *row = tencent_error_named(code);
    say(v, code, words);
    if (!row || !sv_eq(code, sv_of(row->name))) /* what stands before its point is no more than a guess */
        kit_unknown_code(v, code);
    if (!row) {
        kit_judge_as(v, FATE_REJECTED, LANE_FINE, REASON_REJECTED);
        return;
    }
    v->code = row->code;
    kit_judge_as(v, row->fate, row->hint, row->reason);
    kit_pause(v, row->pause_ms);
}

static void judge_entry(struct verdict *v, const json_t *entry) {
    struct sv code = kit_string(entry, "Code");
    if (!sv_eq(code, SV("Ok"))) {
        if (code.n)
            judge_code(v, code, kit_string(entry, "Message"));
        else
            say(v, SV_NONE, SV("the answer says nothing of the number"));
        return;
    }
    int64_t fee = kit_int(entry, "Fee", 0);
    if (fee > 0 && fee <= INT16_MAX)
        v->segments = (int16_t)fee;
    kit_judge_as(v, FATE_SENT, LANE_FINE, REASON_NONE);
    if (!kit_provider_id(v->provider_id, kit_string(entry, "SerialNo")))
        v->provider_id[0] = '\0'; /* taken all the same: Ok is Ok */
}

/* All of a call that was refused or answered without sense: v is what is said of each. */
static void judge_whole(struct verdict *v, const json_t *response, struct sv code, struct sv words,
                        size_t n) {
    if (code.n && (v->http_status < 500 || tencent_error_named(code))) {
        judge_code(v, code, words);
        /* One number spoils the call, and it does not say which. */
        if (n > 1 && (v->reason == REASON_INVALID_NUMBER || v->reason == REASON_OPTED_OUT))
            v->fate = FATE_RETRY;
        return;
    }
    if (v->http_status < 200 || v->http_status >= 300) {
        kit_judge_class(v);
        return;
    }
    kit_judge_as(v, FATE_UNKNOWN, LANE_DOWN, REASON_OUTCOME_UNKNOWN);
    kit_say(v->text, response ? SV("the answer lacks SendStatusSet") : SV("the answer is not Tencent's"));
}

/* The entry of attempt i: that at its place if it has its number, else the one that has it: no two attempts
 * of a batch have the same (batch_distinct). */
static const json_t *entry_of(const json_t *set, const struct attempt_view *a, size_t i) {
    const json_t *same = json_array_get(set, i);
    if (sv_eq(kit_string(same, "PhoneNumber"), a[i].to))
        return same;
    for (size_t k = 0; k < json_array_size(set); k++) {
        const json_t *entry = json_array_get(set, k);
        if (sv_eq(kit_string(entry, "PhoneNumber"), a[i].to))
            return entry;
    }
    return NULL;
}

static void judge_all(const struct attempt_view *a, size_t n, const struct http_response *r,
                      struct verdict *out) {
    struct verdict all;
    bool silent = kit_judge_transport(r, &all);
    json_auto_t *root = silent ? NULL : kit_parse(r->body, ANSWER_BYTES_MAX);
    struct sv code, words;
    const json_t *response = tencent_response(root, &code, &words);
    const json_t *set = json_object_get(response, "SendStatusSet");
    bool usable = r->status == 200 && json_is_array(set) && json_array_size(set) > 0 && !code.n;
    if (!usable && !silent)
        judge_whole(&all, response, code, words, n);
    for (size_t i = 0; i < n; i++) {
        out[i] = all;
        if (!usable)
            continue;
        kit_judge_as(&out[i], FATE_UNKNOWN, LANE_FINE, REASON_OUTCOME_UNKNOWN);
        judge_entry(&out[i], a                           ? entry_of(set, a, i)
                             : json_array_size(set) == 1 ? json_array_get(set, 0)
                                                         : NULL);
    }
}

/* The inside of the list or object that a member is. */
static struct sv nested(struct sv text, const char *name) {
    struct json_member m = {.name = name};
    return json_skim(text, &m, 1) && m.kind == JSON_NESTED ? m.text : SV_NONE;
}

/* The answer of nearly every call, of one number that was taken. Anything else is left to the full reading.
 */
static bool judge_taken(const struct http_response *r, struct verdict *v) {
    enum { CODE, SERIAL, FEE, MEMBERS };
    struct json_member m[MEMBERS] = {
        [CODE] = {.name = "Code"}, [SERIAL] = {.name = "SerialNo"}, [FEE] = {.name = "Fee"}};
    if (r->transport != HTTP_ANSWERED || r->status != 200 || r->body.n > ANSWER_BYTES_MAX)
        return false;
    /* With two entries the inside of the list is no object, and so not read. */
    struct sv set = nested(nested(r->body, "Response"), "SendStatusSet");
    uint64_t fee;
    *v = (struct verdict){.http_status = (int16_t)r->status};
    if (set.n < 2 || !json_skim(sv_sub(set, 1, set.n - 2), m, MEMBERS) || m[CODE].kind != JSON_PLAIN_STRING ||
        !sv_eq(m[CODE].text, SV("Ok")) || m[SERIAL].kind != JSON_PLAIN_STRING ||
        !kit_provider_id(v->provider_id, m[SERIAL].text))
        return false;
    if (m[FEE].kind == JSON_NUMERAL && sv_to_u64(m[FEE].text, &fee) && fee <= INT16_MAX)
        v->segments = (int16_t)fee;
    kit_judge_as(v, FATE_SENT, LANE_FINE, REASON_NONE);
    return true;
}

static struct verdict judge(const struct lane_config *lane, const struct http_response *r) {
    (void)lane;
    struct verdict v;
    if (!judge_taken(r, &v))
        judge_all(NULL, 1, r, &v);
    return v;
}

static void judge_batch(const struct lane_config *lane, const struct attempt_view *a, size_t n,
                        const struct http_response *r, struct verdict *out) {
    (void)lane;
    judge_all(a, n, r, out);
}

/* ---- callbacks ---- */

bool tencent_receipt(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                     struct receipt *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e) {
    *reply = (struct hook_reply){.content_type = NULL};
    if (rq->pulled)
        return tencent_pulled_receipts(rq->body, mem, out, max, n, e);
    return tencent_read_receipts(lane->fields[TENCENT_CALLBACK_TOKEN], rq, mem, out, max, n, reply, e);
}

bool tencent_inbound(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                     struct inbound *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e) {
    *reply = (struct hook_reply){.content_type = NULL};
    bool read = rq->pulled ? tencent_pulled_replies(rq->body, mem, out, max, n, e)
                           : tencent_read_inbound(lane->fields[TENCENT_CALLBACK_TOKEN], rq, mem, out, max, n,
                                                  reply, e);
    if (!read)
        return false;
    for (size_t i = 0; i < *n; i++) /* whom it was sent to, where nothing says it better */
        if (!out[i].to.n)
            out[i].to = lane->fields[TENCENT_SDK_APP_ID];
    return true;
}

/* ---- probe: the statistics of an hour, which changes nothing ---- */

static void add_hour(struct buf *out, int64_t at) {
    struct buf BUF_AUTO text = BUF_INIT(64);
    clock_add_rfc3339(&text, at + 8 * 3600 * US_PER_S); /* Beijing's */
    static const uint8_t places[] = {0, 1, 2, 3, 5, 6, 8, 9, 11, 12};
    for (size_t i = 0; i < sizeof places; i++)
        buf_addc(out, text.p[places[i]]);
}

static bool probe(const struct lane_config *lane, int64_t now, uint64_t nonce, struct arena *mem,
                  struct http_request *out, struct err *e) {
    (void)nonce;
    struct buf BUF_AUTO body = BUF_INIT(1024);
    buf_adds(&body, "{\"BeginTime\":\"");
    add_hour(&body, now - 3600 * US_PER_S);
    buf_adds(&body, "\",\"EndTime\":\"");
    add_hour(&body, now);
    buf_addc(&body, '"');
    json_pair(&body, "SmsSdkAppId", lane->fields[TENCENT_SDK_APP_ID]);
    buf_adds(&body, ",\"Limit\":0,\"Offset\":0}");
    return tencent_request(lane, "SendStatusStatistics", &body, now, mem, out, e);
}

static bool judge_probe(const struct lane_config *lane, const struct http_response *r, struct err *e) {
    struct sv base = kit_field(lane, TENCENT_BASE_URL), code, words;
    if (!kit_probe_answered(base, r, e))
        return false;
    json_auto_t *root = kit_parse(r->body, ANSWER_BYTES_MAX);
    const json_t *response = tencent_response(root, &code, &words);
    if (json_is_object(json_object_get(response, "SendStatusStatistics")))
        return true;
    struct sv said = sv_sub(code, 0, 96);
    if (sv_eq(code, SV("AuthFailure.SecretIdNotFound")) || sv_eq(code, SV("AuthFailure.InvalidSecretId")))
        return err_set_field(e, ERR_AUTH, "secret_id", "Tencent knows no such SecretId (%.*s)", SV_FMT(said));
    if (sv_eq(code, SV("AuthFailure.SignatureFailure")))
        return err_set_field(e, ERR_AUTH, "secret_key", "the SecretKey is not the one of secret_id (%.*s)",
                             SV_FMT(said));
    if (sv_eq(code, SV("AuthFailure.SignatureExpire")))
        return err_set(e, ERR_AUTH,
                       "this machine's clock and Tencent's are more than five minutes apart (%.*s): set the "
                       "time (NTP)",
                       SV_FMT(said));
    if (sv_eq(code, SV("AuthFailure.TokenFailure")))
        return err_set_field(e, ERR_AUTH, "session_token", "the token is wrong or has expired (%.*s)",
                             SV_FMT(said));
    if (sv_starts(code, SV("InvalidParameterValue.SdkAppIdNotExist")))
        return err_set_field(e, ERR_NOT_FOUND, "sdk_app_id", "this account has no such application (%.*s)",
                             SV_FMT(said));
    const struct tencent_error *row = tencent_error_named(code);
    if (row && row->reason == REASON_CREDENTIALS)
        return err_set(e, ERR_FORBIDDEN,
                       "Tencent knows the credentials but forbids the call (%.*s): give the key's user the "
                       "policy QcloudSMSFullAccess, and look at its IP list",
                       SV_FMT(said));
    if (row && row->reason == REASON_THROTTLED)
        return err_set(e, ERR_LIMITED, "Tencent asks to slow down (%.*s): credentials were not checked",
                       SV_FMT(said));
    if (code.n)
        return err_set(e, ERR_OUTSIDE, "Tencent refuses the statistics call: %.*s", SV_FMT(said));
    return err_set_field(e, ERR_OUTSIDE, "base_url", "what answers at %.*s is not Tencent's API (HTTP %d)",
                         SV_FMT(base), r->status);
}

const struct adapter tencent_adapter = {
    .name = "tencent",
    .segment_rule = SEGMENTS_CHINA,
    .fields = fields,
    .n_fields = TENCENT_FIELDS,
    .check_all = check_all,
    .channels = 1u << CHANNEL_SMS,
    .batch_max = NUMBERS_MAX,
    .batch_distinct = true,
    .body_chars_max = BODY_CHARS_MAX,
    .rate_counts_segments = false, /* requests and numbers are limited */
    .can_lookup = true,
    .lookup_after_ms = LOOKUP_AFTER_MS,
    .build = build,
    .judge = judge,
    .refuses = refuses,
    .joins = joins,
    .build_batch = build_batch,
    .judge_batch = judge_batch,
    .lookup = tencent_lookup,
    .judge_lookup = tencent_judge_lookup,
    .receipt = tencent_receipt,
    .inbound = tencent_inbound,
    .pulls = tencent_pulls,
    .pull = tencent_pull,
    .judge_pull = tencent_judge_pull,
    .probe = probe,
    .judge_probe = judge_probe,
    .code = tencent_code,
};
