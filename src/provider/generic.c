#include "provider/generic.h"

#include <string.h>

/* Of one row each; names below. */
#define TEXT(name, en, zh, ...)                                                                              \
    { name, en, zh, .text = ADAPTER_LINES, ##__VA_ARGS__ }

static bool check_method(struct sv v, struct err *e) {
    enum http_method m = http_method_of(v);
    return m == HTTP_POST || m == HTTP_GET || m == HTTP_PUT ||
           err_set_field(e, ERR_INVALID, "method", "give POST, GET or PUT");
}

static bool check_preset(struct sv v, struct err *e) {
    return generic_preset_find(v) ||
           err_set_field(e, ERR_INVALID, "preset", "there is no such preset: %s", generic_preset_names());
}

static const struct adapter_field fields[GENERIC_FIELDS] = {
    [GENERIC_PRESET] = {"preset", "Settings that come with the program", "内置方案", .identifies = true,
                        .check = check_preset},
    [GENERIC_METHOD] = {"method", "Method of a request", "请求方法", .check = check_method},
    [GENERIC_URL] = TEXT("url", "Address (a template); of a preset: the server's",
                         "地址(模板);使用内置方案时为服务器地址", .identifies = true),
    [GENERIC_HEADERS] = TEXT("headers", "Headers, `Name: template` a line; one that is empty is left out",
                             "请求头,每行 `名称: 模板`;值为空则不发送"),
    [GENERIC_BODY] = TEXT("body", "Body (a template)", "请求体(模板)"),
    [GENERIC_USER] = {"user", "Name of the account, lane.user in templates", "账号,模板中为 lane.user",
                      .identifies = true},
    [GENERIC_TOKEN] = {"token", "Token or key, lane.token in templates", "令牌或密钥,模板中为 lane.token",
                       .secret = true, .check = kit_check_secret},
    [GENERIC_SECRET] = {"secret", "Secret that signs, lane.secret in templates",
                        "签名密钥,模板中为 lane.secret", .secret = true, .check = kit_check_secret},
    [GENERIC_KIND] = {"kind", "Kind of push addresses taken, what stands before their colon",
                      "接受的推送地址类型,即冒号之前的部分"},
    [GENERIC_SUCCESS] = TEXT("success", "Whether an answer means taken (an expression); without it: 2xx",
                             "应答是否表示已受理(表达式);默认:2xx"),
    [GENERIC_ID] = TEXT("id", "The provider's id of the message (an expression)", "服务商的消息编号(表达式)"),
    [GENERIC_ERROR_CODE] = TEXT("error_code", "The error code (an expression); without it: the HTTP status",
                                "错误码(表达式);默认:HTTP 状态码"),
    [GENERIC_ERROR_TEXT] = TEXT("error_text", "The error's words (an expression)", "错误说明(表达式)"),
    [GENERIC_ERRORS] =
        TEXT("errors", "What error codes mean, `CODE: reason` a line", "错误码含义,每行 `错误码: 原因`"),
    [GENERIC_RETRY_AFTER] =
        TEXT("retry_after", "Seconds to wait (an expression); without it: the header Retry-After",
             "应等待的秒数(表达式);默认:Retry-After 头"),
    [GENERIC_CALLBACK_TOKEN] = {"callback_token", "Secret in the address of callbacks", "回调地址中的密钥",
                                .secret = true, .check = kit_check_callback_token},
    [GENERIC_CALLBACK_SECRET] = {"callback_secret", "Secret that signs callbacks", "回调签名密钥",
                                 .secret = true, .check = kit_check_secret},
    [GENERIC_CALLBACK_HMAC] = {"callback_hmac",
                               "How callbacks are signed: algorithm, header, hex or base64, a prefix",
                               "回调签名方式:算法、请求头、hex 或 base64、前缀"},
    [GENERIC_CALLBACK_SIGNED] = TEXT("callback_signed", "What is signed (a template); without it: the body",
                                     "被签名的内容(模板);默认:请求体"),
    [GENERIC_CALLBACK_REPLY] = {"callback_reply", "What a callback is answered", "对回调的应答"},
    [GENERIC_RECEIPTS] =
        TEXT("receipts", "The list of receipts in a callback (an expression)", "回调中的回执列表(表达式)"),
    [GENERIC_RECEIPT_STATUS] =
        TEXT("receipt_status", "A receipt's status word (an expression)", "回执的状态(表达式)"),
    [GENERIC_RECEIPT_ID] =
        TEXT("receipt_id", "A receipt's message id (an expression)", "回执的消息编号(表达式)"),
    [GENERIC_RECEIPT_TOKEN] =
        TEXT("receipt_token", "A receipt's `token` (an expression); without it: the address's",
             "回执的 `token`(表达式);默认:取自地址"),
    [GENERIC_RECEIPT_NUMBER] =
        TEXT("receipt_number", "A receipt's number (an expression)", "回执的号码(表达式)"),
    [GENERIC_RECEIPT_CODE] =
        TEXT("receipt_code", "A receipt's error code (an expression)", "回执的错误码(表达式)"),
    [GENERIC_STATUSES] =
        TEXT("statuses", "What status words mean, `WORD: state` a line", "状态含义,每行 `状态: 本系统状态`"),
    [GENERIC_INBOUNDS] =
        TEXT("inbounds", "The list of replies in a callback (an expression)", "回调中的上行列表(表达式)"),
    [GENERIC_INBOUND_FROM] = TEXT("inbound_from", "A reply's sender (an expression)", "上行的发送者(表达式)"),
    [GENERIC_INBOUND_TO] =
        TEXT("inbound_to", "A reply's recipient (an expression); without it: the lane's from",
             "上行的接收者(表达式);默认:通道的 from"),
    [GENERIC_INBOUND_BODY] = TEXT("inbound_body", "A reply's text (an expression)", "上行的内容(表达式)"),
    [GENERIC_INBOUND_ID] = TEXT("inbound_id", "A reply's id (an expression)", "上行的编号(表达式)"),
    [GENERIC_LOOKUP_URL] = TEXT("lookup_url", "Where to ask about an attempt (a template)", "查询地址(模板)"),
    [GENERIC_LOOKUP_BODY] = TEXT("lookup_body", "Body of that request (a template); without it: GET",
                                 "查询请求体(模板);默认:GET"),
    [GENERIC_LOOKUP_FOUND] =
        TEXT("lookup_found", "Whether the provider has it (an expression)", "服务商是否已有该消息(表达式)"),
    [GENERIC_LOOKUP_ABSENT] = TEXT("lookup_absent", "Whether it surely has not (an expression)",
                                   "服务商是否确定没有该消息(表达式)"),
    [GENERIC_LOOKUP_ID] = TEXT("lookup_id", "Its id (an expression)", "其编号(表达式)"),
    [GENERIC_LOOKUP_STATUS] = TEXT("lookup_status", "Its status word (an expression)", "其状态(表达式)"),
    [GENERIC_PROBE_URL] = TEXT("probe_url", "A harmless address for `hongyan doctor` (a template)",
                               "`hongyan doctor` 使用的无害地址(模板)"),
    [GENERIC_PROBE_SUCCESS] =
        TEXT("probe_success", "Whether its answer is well (an expression)", "其应答是否正常(表达式)"),
};

/* ---- answers ---- */

void generic_put_id(char out[PROVIDER_ID_MAX], struct sv id) {
    out[0] = '\0';
    if (id.n == 0 || kit_provider_id(out, id))
        return;
    uint8_t hash[SHA256_BYTES];
    sha256(id, hash);
    struct buf BUF_AUTO hex = BUF_INIT(PROVIDER_ID_MAX);
    hex_add(&hex, hash, 20);
    snprintf(out, PROVIDER_ID_MAX, "sha256:%s", hex.p);
}

static void judge_by_row(struct verdict *v, const struct generic_error *row) {
    kit_judge_as(v, row->fate, row->hint, row->reason);
    kit_pause(v, row->pause_ms);
}

static void judge_taken(const struct generic *g, const json_t *vars, struct verdict *v) {
    struct buf BUF_AUTO id = BUF_INIT(4096);
    generic_text(g, GENERIC_ID, vars, &id);
    if (g->compiled[GENERIC_ID] && id.n == 0) {
        /* Something answered that is not this provider, or it does in a new way: every further call would
         * make one more unknown. */
        kit_judge_as(v, FATE_UNKNOWN, LANE_DOWN, REASON_OUTCOME_UNKNOWN);
        kit_say(v->text, SV("the answer names no message"));
        return;
    }
    generic_put_id(v->provider_id, buf_sv(&id));
    kit_judge_as(v, FATE_SENT, LANE_FINE, REASON_NONE);
}

static void read_retry_after(const struct generic *g, const json_t *vars, struct verdict *v) {
    struct buf BUF_AUTO text = BUF_INIT(64);
    uint64_t s;
    generic_text(g, GENERIC_RETRY_AFTER, vars, &text);
    struct sv whole = buf_sv(&text);
    whole = sv_cut(&whole, '.'); /* seconds may have a fraction */
    if (sv_to_u64(whole, &s))
        v->retry_after_ms = (int32_t)(s < 86400 ? s : 86400) * 1000;
}

static struct verdict judge(const struct lane_config *lane, const struct http_response *r) {
    const struct generic *g = lane->prepared;
    struct verdict v;
    if (kit_judge_transport(r, &v))
        return v;
    json_t *vars = generic_answer_vars(lane, r);
    bool fine = r->status >= 200 && r->status < 300;
    struct buf BUF_AUTO code = BUF_INIT(256), BUF_AUTO said = BUF_INIT(1024);
    generic_text(g, GENERIC_ERROR_CODE, vars, &code);
    if (generic_truth(g, GENERIC_SUCCESS, vars, fine)) {
        judge_taken(g, vars, &v);
        json_decref(vars);
        return v;
    }
    if (code.n == 0)
        buf_addf(&code, "%d", r->status);
    uint64_t number = 0;
    bool counts = sv_to_u64(buf_sv(&code), &number) && number <= INT32_MAX;
    bool own = !counts || number != (uint64_t)r->status; /* it says more than HTTP does */
    if (counts && own)
        v.code = (int32_t)number;
    read_retry_after(g, vars, &v);
    generic_text(g, GENERIC_ERROR_TEXT, vars, &said);
    const struct generic_error *row = generic_error_find(g, buf_sv(&code));
    /* The row of every code is for codes of the provider's own; and a 5xx may come after the message was
     * stored: of it only a code that is named is believed. */
    if (row && sv_eq(row->code, SV("*")) && (!own || r->status >= 500))
        row = NULL;
    if (row && row->fate == FATE_SENT)
        judge_taken(g, vars, &v);
    else if (row)
        judge_by_row(&v, row);
    else if (fine && own) /* a code of its own: it refuses */
        kit_judge_as(&v, FATE_REJECTED, LANE_FINE, REASON_REJECTED);
    else /* for a 2xx: what answers there is not what the settings describe */
        kit_judge_class(&v);
    if (!row && own)
        kit_unknown_code(&v, buf_sv(&code));
    if (said.n)
        kit_say(v.text, buf_sv(&said));
    json_decref(vars);
    return v;
}

/* ---- sending ---- */

static bool build(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                  struct arena *mem, struct http_request *out, struct err *e) {
    const struct generic *g = lane->prepared;
    json_t *vars = generic_request_vars(lane, a, now, nonce);
    bool ok = generic_request(lane, GENERIC_URL, GENERIC_BODY, g->method, vars, mem, out, e);
    json_decref(vars);
    return ok;
}

/* A push goes to one kind of device: `ntfy:topic` is nothing to a lane for `bark:`. */
static enum reason refuses(const struct lane_config *lane, const struct attempt_view *a) {
    const struct generic *g = lane->prepared;
    if (a->channel != CHANNEL_PUSH || g->kind.n == 0)
        return REASON_NONE;
    struct sv rest = a->to;
    struct sv kind = sv_cut(&rest, ':');
    return rest.p && sv_eq(kind, g->kind) ? REASON_NONE : REASON_NO_LANE;
}

/* ---- probe ---- */

static bool probe(const struct lane_config *lane, int64_t now, uint64_t nonce, struct arena *mem,
                  struct http_request *out, struct err *e) {
    const struct generic *g = lane->prepared;
    struct attempt_view nobody = {.channel = (enum channel)(lane->channel ? lane->channel - 1 : 0)};
    *out = (struct http_request){.method = HTTP_GET};
    if (!g->compiled[GENERIC_PROBE_URL]) { /* then only whether anybody is there */
        struct buf BUF_AUTO url = BUF_INIT(GENERIC_URL_BYTES_MAX);
        buf_addf(&url, "%.*s/", SV_FMT(g->origin));
        out->url = arena_dup(mem, buf_sv(&url));
        return out->url.p || err_set(e, ERR_TOO_LARGE, "no room to build the request");
    }
    json_t *vars = generic_request_vars(lane, &nobody, now, nonce);
    bool ok = generic_request(lane, GENERIC_PROBE_URL, GENERIC_FIELDS, HTTP_GET, vars, mem, out, e);
    json_decref(vars);
    return ok;
}

static bool judge_probe(const struct lane_config *lane, const struct http_response *r, struct err *e) {
    const struct generic *g = lane->prepared;
    if (!kit_probe_answered(g->origin, r, e))
        return false;
    if (!g->compiled[GENERIC_PROBE_URL])
        return r->status < 500 ||
               err_set_field(e, ERR_OUTSIDE, "url", "%.*s fails (HTTP %d)", SV_FMT(g->origin), r->status);
    if (r->status == 401 || r->status == 403)
        return err_set_field(e, ERR_AUTH, "token", "the provider refuses the credentials (HTTP %d)",
                             r->status);
    json_t *vars = generic_answer_vars(lane, r);
    bool well = generic_truth(g, GENERIC_PROBE_SUCCESS, vars, r->status >= 200 && r->status < 300);
    json_decref(vars);
    return well || err_set_field(e, ERR_OUTSIDE, "probe_url",
                                 "the answer is not what probe_success asks for (HTTP %d)", r->status);
}

const struct adapter generic_adapter = {
    .name = "http",
    .fields = fields,
    .n_fields = GENERIC_FIELDS,
    .channels = (1u << CHANNEL_COUNT) - 1,
    .batch_max = 1,
    .can_lookup = true,
    .lookup_after_ms = 15000,
    .prepare = generic_prepare,
    .release = generic_release,
    .build = build,
    .judge = judge,
    .refuses = refuses,
    .looks_up = generic_looks_up,
    .lookup = generic_lookup,
    .judge_lookup = generic_judge_lookup,
    .hook_header = generic_hook_header,
    .receipt = generic_receipt,
    .inbound = generic_inbound,
    .probe = probe,
    .judge_probe = judge_probe,
};
