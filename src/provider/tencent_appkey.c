#include "provider/tencent_appkey.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/json.h"
#include "provider/tencent_errors.h"

enum {
    NUMBERS_MAX = 200,           /* result 1046 above */
    BODY_BYTES_MAX = 256 * 1024, /* 200 numbers, and a text of 500 characters */
    ANSWER_BYTES_MAX = 512 * 1024,
    BODY_CHARS_MAX = 500,
    TEMPLATE_DIGITS_MAX = 18,
};

/* ---- fields ---- */

static bool is_digits(struct sv v) {
    uint64_t x;
    return v.n == 0 || (v.n <= TEMPLATE_DIGITS_MAX && sv_to_u64(v, &x));
}

static bool check_sdk_app_id(struct sv v, struct err *e) {
    return is_digits(v) ||
           err_set_field(e, ERR_INVALID, "sdk_app_id",
                         "an SDK AppID is digits (1400006666); the SMS console shows it under applications");
}

static bool check_template(struct sv v, struct err *e) {
    return is_digits(v) || err_set_field(e, ERR_INVALID, "template_id", "a template id is digits (449739)");
}

static bool check_type(struct sv v, struct err *e) {
    return v.n == 0 || sv_eq(v, SV("0")) || sv_eq(v, SV("1")) ||
           err_set_field(e, ERR_INVALID, "type", "give 0 for ordinary texts or 1 for marketing");
}

static const struct adapter_field fields[APPKEY_FIELDS] = {
    [APPKEY_SDK_APP_ID] = {"sdk_app_id", "SMS application's SDK AppID", "短信应用 SDK AppID",
                           .required = true, .identifies = true, .check = check_sdk_app_id},
    [APPKEY_APP_KEY] = {"app_key", "Its App Key", "短信应用 App Key", .secret = true, .required = true,
                        .check = kit_check_secret},
    [APPKEY_SIGN_NAME] = {"sign_name", "Sign, where a message names none", "默认短信签名内容"},
    [APPKEY_TEMPLATE_ID] = {"template_id", "Template whose only parameter takes a whole text",
                            "以全文为唯一参数的模板 ID", .check = check_template},
    [APPKEY_TYPE] = {"type", "Kind of whole texts: 0 ordinary, 1 marketing", "全文短信的类型:0 普通,1 营销",
                     .fallback = "0", .check = check_type},
    [APPKEY_CALLBACK_TOKEN] = {"callback_token", "Secret in the callback address (?k=)",
                               "回调地址中的密钥(?k=)", .secret = true, .check = kit_check_callback_token},
    [APPKEY_BASE_URL] = {"base_url", "API address", "API 地址", .identifies = true,
                         .fallback = "https://yun.tim.qq.com", .check = kit_check_base_url},
};

/* ---- requests ---- */

static struct sv template_of(const struct lane_config *lane, const struct attempt_view *a) {
    return a->code.code.n ? a->code.code : lane->fields[APPKEY_TEMPLATE_ID];
}

static struct sv sign_of(const struct lane_config *lane, const struct attempt_view *a) {
    return a->code.sign.n ? a->code.sign : lane->fields[APPKEY_SIGN_NAME];
}

static bool is_mainland(struct sv to) {
    return sv_starts(to, SV("+86"));
}

/* Codes of the countries' plan of ITU-T E.164: 1 and 7 have one digit, these two, all others three. */
static size_t nation_digits(struct sv digits) {
    static const char two[] =
        "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 "
        "61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98";
    if (digits.n && (digits.p[0] == '1' || digits.p[0] == '7'))
        return 1;
    return digits.n > 2 && sv_find(sv_of(two), sv_sub(digits, 0, 2)) != SIZE_MAX ? 2 : 3;
}

static void split(struct sv to, struct sv *nation, struct sv *mobile) {
    struct sv digits = sv_from(to, 1);
    size_t n = nation_digits(digits);
    *nation = sv_sub(digits, 0, n);
    *mobile = sv_from(digits, n);
}

static void add_sig(const struct lane_config *lane, struct buf *body, uint64_t random, int64_t at_s,
                    const struct attempt_view *a, size_t n) {
    struct buf BUF_AUTO text = BUF_INIT(BODY_BYTES_MAX), BUF_AUTO hex = BUF_INIT(128);
    uint8_t hash[SHA256_BYTES];
    buf_addf(&text, "appkey=%.*s&random=%llu&time=%lld", SV_FMT(lane->fields[APPKEY_APP_KEY]),
             (unsigned long long)random, (long long)at_s);
    for (size_t i = 0; i < n; i++) {
        struct sv nation, mobile;
        split(a[i].to, &nation, &mobile);
        buf_adds(&text, i ? "," : "&mobile=");
        buf_add(&text, mobile);
    }
    sha256(buf_sv(&text), hash);
    hex_add(&hex, hash, sizeof hash);
    json_pair(body, "sig", buf_sv(&hex));
    json_pair_i64(body, "time", at_s);
    body->overflow = body->overflow || text.overflow;
}

static bool request(const struct lane_config *lane, const char *call, uint64_t random, const struct buf *body,
                    struct arena *mem, struct http_request *out, struct err *e) {
    *out = (struct http_request){.method = HTTP_POST};
    struct buf BUF_AUTO url = BUF_INIT(1024);
    buf_addf(&url, "%.*s/v5/tlssmssvr/%s?sdkappid=%.*s&random=%llu", SV_FMT(kit_field(lane, APPKEY_BASE_URL)),
             call, SV_FMT(lane->fields[APPKEY_SDK_APP_ID]), (unsigned long long)random);
    if (body->overflow || url.overflow)
        return err_set(e, ERR_TOO_LARGE, "the message is too long for one request");
    out->url = arena_dup(mem, buf_sv(&url));
    out->body = arena_dup(mem, buf_sv(body));
    http_add_header(out, SV("Content-Type"), SV("application/json"));
    return !mem->full || err_set(e, ERR_TOO_LARGE, "no room to build the request");
}

static void add_tel(struct buf *body, struct sv to) {
    struct sv nation, mobile;
    split(to, &nation, &mobile);
    buf_addc(body, '{');
    json_pair(body, "nationcode", nation);
    json_pair(body, "mobile", mobile);
    buf_addc(body, '}');
}

/* What is said: a template with its parameters, or a whole text, the sign before it. */
static bool add_content(const struct lane_config *lane, const struct attempt_view *a, struct buf *body,
                        struct err *e) {
    struct sv template = template_of(lane, a), sign = sign_of(lane, a);
    if (!template.n) {
        struct buf BUF_AUTO text = BUF_INIT(BODY_BYTES_MAX);
        bool signed_already = sv_starts(a->body, SV("【"));
        if (sign.n && !signed_already && is_mainland(a->to))
            buf_addf(&text, "【%.*s】", SV_FMT(sign));
        buf_add(&text, a->body);
        buf_addf(body, ",\"type\":%.*s", SV_FMT(kit_field(lane, APPKEY_TYPE)));
        json_pair(body, "msg", buf_sv(&text));
        return true;
    }
    if (!is_digits(template))
        return err_set_field(e, ERR_INVALID, "template", "a template id of Tencent is digits (449739)");
    json_pair(body, "sign", is_mainland(a->to) ? sign : SV_NONE);
    buf_addf(body, ",\"tpl_id\":%.*s", SV_FMT(template));
    json_key(body, "params");
    return tencent_params_add(body, a->code.params, a->code.code.n ? SV_NONE : a->body) ||
           err_set_field(e, ERR_INVALID, "params",
                         "Tencent's templates count their parameters: give a list, or names 1, 2, 3");
}

static bool build_batch(const struct lane_config *lane, const struct attempt_view *a, size_t n, int64_t now,
                        uint64_t nonce, struct arena *mem, struct http_request *out, struct err *e) {
    ASSERT(n >= 1 && n <= NUMBERS_MAX);
    uint64_t random = nonce % 100000; /* as the vendor's SDK: it only has to be the same in both places */
    struct buf BUF_AUTO body = BUF_INIT(BODY_BYTES_MAX);
    buf_adds(&body, n > 1 ? "{\"tel\":[" : "{\"tel\":");
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_addc(&body, ',');
        add_tel(&body, a[i].to);
    }
    if (n > 1)
        buf_addc(&body, ']');
    if (!add_content(lane, a, &body, e))
        return false;
    add_sig(lane, &body, random, now / US_PER_S, a, n);
    json_pair(&body, "extend", SV_NONE);
    struct buf BUF_AUTO context = BUF_INIT(TENCENT_CONTEXT_MAX);
    tencent_context_add(&context, a, n);
    json_pair(&body, "ext", buf_sv(&context));
    buf_addc(&body, '}');
    return request(lane, n > 1 ? "sendmultisms2" : "sendsms", random, &body, mem, out, e);
}

static bool build(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                  struct arena *mem, struct http_request *out, struct err *e) {
    return build_batch(lane, a, 1, now, nonce, mem, out, e);
}

static bool joins(const struct lane_config *lane, const struct attempt_view *a,
                  const struct attempt_view *b) {
    bool same_text = (a->code.code.n && b->code.code.n) || sv_eq(a->body, b->body);
    return is_mainland(a->to) == is_mainland(b->to) && same_text &&
           sv_eq(template_of(lane, a), template_of(lane, b)) && sv_eq(a->code.params, b->code.params) &&
           sv_eq(sign_of(lane, a), sign_of(lane, b));
}

/* ---- answers ---- */

/* By result: 0 is taken. entry is the answer of one number, or a whole one. */
static void judge_result(struct verdict *v, const json_t *entry) {
    const json_t *member = json_object_get(entry, "result");
    json_int_t result = json_integer_value(member);
    if (!json_is_integer(member)) {
        kit_judge_as(v, FATE_UNKNOWN, LANE_DOWN, REASON_OUTCOME_UNKNOWN);
        kit_say(v->text, SV("the answer has no result"));
        return;
    }
    if (result == 0) {
        int64_t fee = kit_int(entry, "fee", 0);
        v->segments = fee > 0 && fee <= INT16_MAX ? (int16_t)fee : 0;
        kit_judge_as(v, FATE_SENT, LANE_FINE, REASON_NONE);
        if (!kit_provider_id(v->provider_id, kit_string(entry, "sid")))
            v->provider_id[0] = '\0'; /* taken all the same */
        return;
    }
    const struct tencent_error *row = tencent_error_numbered(result);
    v->code = result > 0 && result <= INT32_MAX ? (int32_t)result : 0;
    kit_say(v->text, kit_string(entry, "errmsg"));
    kit_judge_as(v, row ? row->fate : FATE_REJECTED, row ? row->hint : LANE_FINE,
                 row ? row->reason : REASON_REJECTED);
    if (!row)
        kit_unknown_number(v);
    kit_pause(v, row ? row->pause_ms : 0);
}

static bool is_about(const json_t *entry, const struct attempt_view *a) {
    struct sv nation, mobile;
    split(a->to, &nation, &mobile);
    return sv_eq(kit_string(entry, "mobile"), mobile) && sv_eq(kit_string(entry, "nationcode"), nation);
}

static const json_t *entry_of(const json_t *detail, const struct attempt_view *a, size_t i) {
    const json_t *same = json_array_get(detail, i);
    if (is_about(same, &a[i]))
        return same;
    for (size_t k = 0; k < json_array_size(detail); k++)
        if (is_about(json_array_get(detail, k), &a[i]))
            return json_array_get(detail, k);
    return NULL;
}

static void judge_batch(const struct lane_config *lane, const struct attempt_view *a, size_t n,
                        const struct http_response *r, struct verdict *out) {
    (void)lane;
    struct verdict all;
    bool silent = kit_judge_transport(r, &all);
    json_auto_t *root = silent ? NULL : kit_parse(r->body, ANSWER_BYTES_MAX);
    const json_t *detail = json_object_get(root, "detail");
    bool each = r->status == 200 && n > 1 && kit_int(root, "result", -1) == 0 && json_is_array(detail);
    if (!silent && !each) {
        if (r->status != 200)
            kit_judge_class(&all);
        else
            judge_result(&all, root);
        if (n > 1 && all.fate == FATE_SENT) { /* taken, but no number has an answer */
            kit_judge_as(&all, FATE_UNKNOWN, LANE_FINE, REASON_OUTCOME_UNKNOWN);
            kit_say(all.text, SV("the answer says nothing of the number"));
        }
        if (n > 1 && (all.reason == REASON_INVALID_NUMBER || all.reason == REASON_OPTED_OUT))
            all.fate = FATE_RETRY; /* one number spoils the call, and it does not say which */
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *entry = each ? entry_of(detail, a, i) : NULL;
        out[i] = all;
        if (entry) {
            judge_result(&out[i], entry);
        } else if (each) {
            kit_judge_as(&out[i], FATE_UNKNOWN, LANE_FINE, REASON_OUTCOME_UNKNOWN);
            kit_say(out[i].text, SV("the answer says nothing of the number"));
        }
    }
}

static struct verdict judge(const struct lane_config *lane, const struct http_response *r) {
    struct verdict v;
    judge_batch(lane, NULL, 1, r, &v);
    return v;
}

/* ---- callbacks ---- */

static bool receipt(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                    struct receipt *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e) {
    return tencent_read_receipts(lane->fields[APPKEY_CALLBACK_TOKEN], rq, mem, out, max, n, reply, e);
}

static bool inbound(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                    struct inbound *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e) {
    if (!tencent_read_inbound(lane->fields[APPKEY_CALLBACK_TOKEN], rq, mem, out, max, n, reply, e))
        return false;
    for (size_t i = 0; i < *n; i++)
        if (!out[i].to.n)
            out[i].to = lane->fields[APPKEY_SDK_APP_ID];
    return true;
}

const struct adapter tencent_appkey_adapter = {
    .name = "tencent-appkey",
    .fields = fields,
    .n_fields = APPKEY_FIELDS,
    .channels = 1u << CHANNEL_SMS,
    .batch_max = NUMBERS_MAX,
    .batch_distinct = true,
    .body_chars_max = BODY_CHARS_MAX,
    .rate_counts_segments = false,
    /* pullstatus4mobile would have to be opened for the account, and has reports only. */
    .can_lookup = false,
    .build = build,
    .judge = judge,
    .joins = joins,
    .build_batch = build_batch,
    .judge_batch = judge_batch,
    .receipt = receipt,
    .inbound = inbound,
    .code = tencent_appkey_code,
};
