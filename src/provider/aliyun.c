#include "provider/aliyun.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/json_skim.h"
#include "provider/aliyun_errors.h"
#include "provider/kit.h"

enum {
    BODY_CHARS_MAX = 500, /* signature and text together; the signature counts, too */
    PARAMS_BYTES_MAX = 16 * 1024,
    LOOKUP_AFTER_MS = 30000, /* nothing promises within which time QuerySendDetails lists a message */
    MINUTE_MS = 60 * 1000,
    HOUR_MS = 3600 * 1000,
    VALIDITY_S_MAX = 24 * 3600,
};

/* ---- fields ---- */

static bool is_word(struct sv v, const char *more) {
    return v.n == 0 || kit_is_word(v, more, SIZE_MAX);
}

static bool check_key_id(struct sv v, struct err *e) {
    return is_word(v, "._-") ||
           err_set_field(e, ERR_INVALID, "access_key_id",
                         "an AccessKey ID is letters and digits (LTAI...): the RAM console "
                         "shows it");
}

static bool check_security_token(struct sv v, struct err *e) {
    return kit_is_plain(v) ||
           err_set_field(e, ERR_INVALID, "security_token", "an STS token has no spaces or line breaks");
}

static bool check_sign_name(struct sv v, struct err *e) {
    bool bare = sv_find(v, SV("【")) == SIZE_MAX && sv_find(v, SV("】")) == SIZE_MAX;
    return (bare && kit_is_text(v)) ||
           err_set_field(e, ERR_INVALID, "sign_name", "give the signature without its brackets 【】");
}

static bool check_template_code(struct sv v, struct err *e) {
    return is_word(v, "_-") ||
           err_set_field(e, ERR_INVALID, "template_code",
                         "a template's code is like SMS_123456789: the SMS console shows it");
}

static bool check_template_param(struct sv v, struct err *e) {
    return is_word(v, "_") || err_set_field(e, ERR_INVALID, "template_param",
                                            "give the bare name of the template's variable: content, not "
                                            "${content}");
}

static bool check_extend_code(struct sv v, struct err *e) {
    uint64_t x;
    return v.n == 0 || (v.n <= 10 && sv_to_u64(v, &x)) ||
           err_set_field(e, ERR_INVALID, "extend_code", "an extension code is up to ten digits");
}

static bool check_signature(struct sv v, struct err *e) {
    return sv_eq(v, SV("v3")) || sv_eq(v, SV("v1")) ||
           err_set_field(e, ERR_INVALID, "signature",
                         "v3 (ACS3-HMAC-SHA256), or v1 (HMAC-SHA1) for gateways that know no other");
}

static bool check_global_url(struct sv v, struct err *e) {
    struct err why = ERR_INIT;
    return v.n == 0 || kit_check_base_url(v, &why) ||
           err_set_field(e, ERR_INVALID, "global_url", "%s", why.text);
}

static const struct adapter_field fields[ALIYUN_FIELDS] = {
    [ALIYUN_KEY_ID] = {"access_key_id", "AccessKey ID", "AccessKey ID", .required = true, .identifies = true,
                       .check = check_key_id},
    [ALIYUN_KEY_SECRET] = {"access_key_secret", "AccessKey secret", "AccessKey Secret(密钥)", .secret = true,
                           .required = true, .check = kit_check_secret},
    [ALIYUN_SECURITY_TOKEN] = {"security_token", "STS token, where the AccessKey is a temporary one",
                               "STS 令牌(使用临时 AccessKey 时)", .secret = true,
                               .check = check_security_token},
    [ALIYUN_SIGN_NAME] = {"sign_name",
                          "Signature, without brackets, unless the message's template brings its own",
                          "短信签名(不含【】),模板未自带签名时使用", .check = check_sign_name},
    [ALIYUN_TEMPLATE_CODE] = {"template_code", "Template for texts without one, to China",
                              "默认模板 CODE:用于未指定模板、发往中国大陆的短信",
                              .check = check_template_code},
    [ALIYUN_TEMPLATE_PARAM] = {"template_param", "The variable of that template that takes the whole text",
                               "默认模板中承载全文的变量名", .check = check_template_param},
    [ALIYUN_EXTEND_CODE] = {"extend_code", "Extension code (SmsUpExtendCode), for replies",
                            "上行扩展码(SmsUpExtendCode)", .check = check_extend_code},
    [ALIYUN_CALLBACK_TOKEN] = {"callback_token", "Secret at the end of the callback addresses (?k=...)",
                               "回调地址末尾的密钥(?k=...)", .secret = true,
                               .check = kit_check_callback_token},
    [ALIYUN_SIGNATURE] = {"signature", "How requests are signed: v3, or v1", "请求签名方式:v3 或 v1",
                          .fallback = "v3", .check = check_signature},
    [ALIYUN_BASE_URL] = {"base_url", "API address", "API 地址", .identifies = true,
                         .fallback = "https://dysmsapi.aliyuncs.com", .check = kit_check_base_url},
    [ALIYUN_GLOBAL_URL] =
        {"global_url",
         "API address for plain texts to other countries, such as "
         "https://dysmsapi.ap-southeast-1.aliyuncs.com; empty: they need templates, too",
         "国际短信(纯文本)API 地址,例如 https://dysmsapi.ap-southeast-1.aliyuncs.com;留空则国际短信也需模板",
         .identifies = true, .check = check_global_url},
};

static bool check_all(const struct lane_config *lane, struct err *e) {
    bool code = kit_field(lane, ALIYUN_TEMPLATE_CODE).n > 0,
         param = kit_field(lane, ALIYUN_TEMPLATE_PARAM).n > 0;
    if (code != param)
        return err_set_field(e, ERR_INVALID, code ? "template_param" : "template_code",
                             "missing beside %s: texts without a template of their own need both",
                             code ? "template_code" : "template_param");
    return !code || kit_field(lane, ALIYUN_SIGN_NAME).n ||
           err_set_field(e, ERR_INVALID, "sign_name", "missing: texts by template_code need a signature");
}

/* ---- which way ---- */

enum aliyun_way aliyun_way_of(const struct lane_config *lane, const struct attempt_view *a) {
    if (a->code.code.n)
        return ALIYUN_OWN_TEMPLATE;
    if (aliyun_is_china(a->to))
        return kit_field(lane, ALIYUN_TEMPLATE_CODE).n ? ALIYUN_LANE_TEMPLATE : ALIYUN_NO_WAY;
    return kit_field(lane, ALIYUN_GLOBAL_URL).n ? ALIYUN_GLOBE : ALIYUN_NO_WAY;
}

struct sv aliyun_sign_name(const struct lane_config *lane, const struct attempt_view *a) {
    return a->code.sign.n ? a->code.sign : kit_field(lane, ALIYUN_SIGN_NAME);
}

void aliyun_template_params(const struct lane_config *lane, const struct attempt_view *a, struct buf *out) {
    if (a->code.code.n) {
        buf_add(out, a->code.params);
        return;
    }
    buf_addc(out, '{');
    json_add_string(out, kit_field(lane, ALIYUN_TEMPLATE_PARAM));
    buf_addc(out, ':');
    json_add_string(out, a->body);
    buf_addc(out, '}');
}

static enum reason refuses(const struct lane_config *lane, const struct attempt_view *a) {
    enum aliyun_way way = aliyun_way_of(lane, a);
    struct sv params = sv_trim(a->code.params);
    if (way == ALIYUN_NO_WAY)
        return REASON_NO_TEMPLATE_CODE;
    if (way == ALIYUN_GLOBE)
        return REASON_NONE;
    if (way == ALIYUN_OWN_TEMPLATE && params.n && params.p[0] != '{')
        return REASON_NO_TEMPLATE_CODE; /* variables by place: this provider knows them by name */
    return aliyun_sign_name(lane, a).n ? REASON_NONE : REASON_SENDER_REJECTED;
}

/* ---- requests ---- */

static bool build_template(const struct lane_config *lane, const struct attempt_view *a, int64_t now,
                           uint64_t nonce, struct arena *mem, struct http_request *out, struct err *e) {
    struct aliyun_call call = {
        .action = "SendSms", .version = ALIYUN_CHINA_API, .base_url = kit_field(lane, ALIYUN_BASE_URL)};
    struct buf BUF_AUTO params = BUF_INIT(PARAMS_BYTES_MAX);
    bool own = a->code.code.n > 0;
    aliyun_template_params(lane, a, &params);
    if (params.overflow)
        return err_set(e, ERR_TOO_LARGE, "the template's variables are over %d bytes", PARAMS_BYTES_MAX);
    aliyun_param(&call, "PhoneNumbers", aliyun_number(a->to), false);
    aliyun_param(&call, "SignName", aliyun_sign_name(lane, a), false);
    aliyun_param(&call, "TemplateCode", own ? a->code.code : kit_field(lane, ALIYUN_TEMPLATE_CODE), false);
    if (params.n)
        aliyun_param(&call, "TemplateParam", buf_sv(&params), false);
    if (kit_field(lane, ALIYUN_EXTEND_CODE).n)
        aliyun_param(&call, "SmsUpExtendCode", kit_field(lane, ALIYUN_EXTEND_CODE), false);
    if (a->token.n)
        aliyun_param(&call, "OutId", a->token, false);
    return aliyun_request(lane, &call, now, nonce, mem, out, e);
}

static bool build_globe(const struct lane_config *lane, const struct attempt_view *a, int64_t now,
                        uint64_t nonce, struct arena *mem, struct http_request *out, struct err *e) {
    struct aliyun_call call = {.action = "SendMessageToGlobe",
                               .version = ALIYUN_GLOBE_API,
                               .base_url = kit_field(lane, ALIYUN_GLOBAL_URL)};
    struct sv from = a->from.n ? a->from : lane->from;
    struct buf BUF_AUTO validity = BUF_INIT(24);
    int64_t left_s = (a->expires_at - now) / US_PER_S;
    buf_add_i64(&validity, left_s < 1 ? 1 : left_s > VALIDITY_S_MAX ? VALIDITY_S_MAX : left_s);
    aliyun_param(&call, "To", aliyun_number(a->to), false);
    if (from.n)
        aliyun_param(&call, "From", sv_starts(from, SV("+")) ? sv_from(from, 1) : from, false);
    aliyun_param(&call, "Message", a->body, false);
    if (a->token.n)
        aliyun_param(&call, "TaskId", a->token, false);
    if (a->expires_at)
        aliyun_param(&call, "ValidityPeriod", buf_sv(&validity), false);
    return aliyun_request(lane, &call, now, nonce, mem, out, e);
}

static bool build(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                  struct arena *mem, struct http_request *out, struct err *e) {
    switch (aliyun_way_of(lane, a)) {
    case ALIYUN_OWN_TEMPLATE:
    case ALIYUN_LANE_TEMPLATE: return build_template(lane, a, now, nonce, mem, out, e);
    case ALIYUN_GLOBE: return build_globe(lane, a, now, nonce, mem, out, e);
    case ALIYUN_NO_WAY: break;
    }
    return err_set_field(
        e, ERR_UNPROCESSABLE, "template_code",
        "no template: the message has no code for this provider, and the lane no template_code");
}

/* ---- answers ---- */

/* The answer of nearly every call. Anything else is left to the full reading. */
static bool judge_taken(struct verdict *v, struct sv body) {
    enum { CODE, ID, MESSAGE_CODE, MESSAGE_ID, SEGMENTS, MEMBERS };
    struct json_member m[MEMBERS] = {[CODE] = {.name = "Code"},
                                     [ID] = {.name = "BizId"},
                                     [MESSAGE_CODE] = {.name = "ResponseCode"},
                                     [MESSAGE_ID] = {.name = "MessageId"},
                                     [SEGMENTS] = {.name = "Segments"}};
    if (body.n > ALIYUN_ANSWER_BYTES_MAX || !json_skim(body, m, MEMBERS))
        return false;
    bool globe = m[MESSAGE_CODE].kind != JSON_MISSING;
    const struct json_member *code = &m[globe ? MESSAGE_CODE : CODE], *id = &m[globe ? MESSAGE_ID : ID];
    uint64_t segments;
    if (code->kind != JSON_PLAIN_STRING || !sv_eq(code->text, SV("OK")) || id->kind != JSON_PLAIN_STRING ||
        !kit_provider_id(v->provider_id, id->text))
        return false;
    if (globe && sv_to_u64(m[SEGMENTS].text, &segments) && segments <= INT16_MAX)
        v->segments = (int16_t)segments;
    kit_judge_as(v, FATE_SENT, LANE_FINE, REASON_NONE);
    return true;
}

/* Which window is full stands in the message's words alone: 触发分钟级流控Permits:1, 触发小时级...,
 * 触发天级.... The minute and the hour are the calendar's, a day is any 24 hours. Nothing else may come to
 * that number from this signature until then, by whatever lane, so the message waits; a day is too long for
 * that. */
static void judge_number_limit(struct verdict *v, struct sv words) {
    if (sv_find(words, SV("天级")) != SIZE_MAX)
        kit_judge_as(v, FATE_REJECTED, LANE_FINE, REASON_THROTTLED);
    else if (!v->retry_after_ms)
        v->retry_after_ms = sv_find(words, SV("小时级")) != SIZE_MAX ? HOUR_MS : MINUTE_MS;
}

static void say_code(struct verdict *v, struct sv code, struct sv words) {
    struct buf BUF_AUTO text = BUF_INIT(4096);
    buf_add(&text, sv_sub(code, 0, 100));
    if (words.n) {
        buf_adds(&text, ": ");
        buf_add(&text, sv_sub(words, 0, 1000));
    }
    kit_say(v->text, buf_sv(&text));
}

static void judge_code(struct verdict *v, struct sv code, struct sv words) {
    const struct aliyun_error *row = aliyun_error_find(code);
    say_code(v, code, words);
    if (!row || !sv_eq(code, sv_of(row->code))) /* what it begins with is no more than a guess */
        kit_unknown_code(v, code);
    if (!row) {
        kit_judge_class(v);
        if (v->http_status >= 400 && v->http_status < 500 && v->fate == FATE_REJECTED)
            v->reason = REASON_REJECTED;
        return;
    }
    kit_judge_as(v, row->fate, row->hint, row->reason);
    if (sv_eq(code, SV("isv.BUSINESS_LIMIT_CONTROL")))
        judge_number_limit(v, words);
    kit_pause(v, row->pause_ms);
}

struct verdict aliyun_judge(const struct lane_config *lane, const struct http_response *r) {
    (void)lane;
    struct verdict v;
    if (kit_judge_transport(r, &v))
        return v;
    if (r->status == 200 && judge_taken(&v, r->body))
        return v;
    json_auto_t *root = kit_parse(r->body, ALIYUN_ANSWER_BYTES_MAX);
    struct sv code = kit_string(root, "ResponseCode"), words = kit_string(root, "ResponseDescription");
    if (!code.n) {
        code = kit_string(root, "Code");
        words = kit_string(root, "Message");
    }
    struct sv id = kit_string(root, "BizId");
    if (code.n && !sv_eq(code, SV("OK"))) {
        judge_code(&v, code, words);
    } else if (code.n && r->status == 200 &&
               kit_provider_id(v.provider_id, id.n ? id : kit_string(root, "MessageId"))) {
        kit_judge_as(&v, FATE_SENT, LANE_FINE, REASON_NONE);
    } else if (r->status >= 200 && r->status < 300) {
        /* Something answered that is not Aliyun, or Aliyun in a new way: every further call would make one
         * more unknown. */
        kit_judge_as(&v, FATE_UNKNOWN, LANE_DOWN, REASON_OUTCOME_UNKNOWN);
        kit_say(v.text, SV("the answer names no message"));
    } else {
        kit_judge_class(&v);
    }
    return v;
}

const struct adapter aliyun_adapter = {
    .name = "aliyun",
    .segment_rule = SEGMENTS_CHINA,
    .fields = fields,
    .n_fields = ALIYUN_FIELDS,
    .check_all = check_all,
    .channels = 1u << CHANNEL_SMS,
    .batch_max = ALIYUN_BATCH_MAX,
    .batch_distinct = true, /* receipts of a batch have its BizId and the number alone */
    .body_chars_max = BODY_CHARS_MAX,
    .can_lookup = true,
    .lookup_after_ms = LOOKUP_AFTER_MS,
    .build = build,
    .judge = aliyun_judge,
    .refuses = refuses,
    .joins = aliyun_joins,
    .build_batch = aliyun_build_batch,
    .judge_batch = aliyun_judge_batch,
    .lookup = aliyun_lookup,
    .judge_lookup = aliyun_judge_lookup,
    .receipt = aliyun_receipt,
    .inbound = aliyun_inbound,
    .probe = aliyun_probe,
    .judge_probe = aliyun_judge_probe,
    .code = aliyun_code,
};
