#include "simulator/sim_aliyun.h"

#include "base/clock.h"
#include "base/json.h"
#include "simulator/sim.h"
#include "simulator/sim_answer.h"

#include <jansson.h>
#include <string.h>

enum {
    NUMBERS_MAX = 1000, /* of SendSms */
    BATCH_MAX = 100,
    OUT_ID_BYTES_MAX = 255,
    PIECE_CHARS = 70,
    PART_CHARS = 67,
    EXTRA_BYTES_MAX = 65535,
    SIGN_BYTES_MAX = 64,
};

/* What is said with each code; the others say themselves. */
static const struct code {
    const char *code;
    int status; /* of HTTP; of a send that was understood it is always 200 */
    const char *text;
} codes[] = {
    {"InternalError", 500, "The request processing has failed due to some unknown error."},
    {"InvalidAccessKeyId.NotFound", 404, "Specified access key is not found."},
    {"InvalidAction.NotFound", 404, "Specified api is not found, please check your url and method."},
    {"InvalidVersion", 400, "Specified parameter Version is not valid."},
    {"InvalidTimeStamp.Expired", 400, "Specified time stamp or date value is expired."},
    {"InvalidTimeStamp.Format", 400, "Specified time stamp or date value is not well formatted."},
    {"IncompleteSignature", 400, "The request signature does not conform to Aliyun standards."},
    {"MissingAccessKeyId", 400, "AccessKeyId is mandatory for this action."},
    {"MissingParameter", 400, "A mandatory parameter is missing."},
    {"ServiceUnavailable", 503, "The request has failed due to a temporary failure of the server."},
    {"SignatureDoesNotMatch", 400, "Specified signature is not matched with our calculation."},
    {"SignatureNonceUsed", 400, "Specified signature nonce was used already."},
    {"Throttling.User", 503, "Request was denied due to user flow control."},
    {"isv.CUSTOMER_REFUSED", 200, "用户已退订推广短信"},
    {"isv.INVALID_JSON_PARAM", 200, "JSON参数不合法"},
    {"isv.MOBILE_COUNT_OVER_LIMIT", 200, "手机号码数量超过限制"},
    {"isv.MOBILE_NUMBER_ILLEGAL", 200, "非法手机号"},
    {"isv.SMS_SIGNATURE_ILLEGAL", 200, "该账号下找不到对应签名"},
    {"isv.SMS_SIGNATURE_SCENE_ILLEGAL", 200, "签名的适用场景与短信类型不匹配"},
    {"isv.SMS_TEMPLATE_ILLEGAL", 200, "该账号下找不到对应模板"},
    {"MOBILE_NUMBER_ILLEGAL", 200, "The phone number is invalid."},
};

/* The magic numbers' codes, in the vendor's words. */
static const struct {
    int twilio;
    const char *code;
} translations[] = {
    {20429, "Throttling.User"},
    {20500, "InternalError"},
    {20503, "ServiceUnavailable"},
    {21211, "isv.MOBILE_NUMBER_ILLEGAL"},
    {21408, "isv.SMS_SIGNATURE_SCENE_ILLEGAL"},
    {21610, "isv.CUSTOMER_REFUSED"},
    {21612, "isv.MOBILE_NUMBER_ILLEGAL"},
    {21614, "isv.MOBILE_NUMBER_ILLEGAL"},
};

/* ---- answers ---- */

static bool is_globe(const struct exchange *x) {
    return sv_eq(exchange_header(x, "x-acs-action"), SV("SendMessageToGlobe")) ||
           sv_find(x->body, SV("Action=SendMessageToGlobe")) != SIZE_MAX;
}

static void add_request_id(struct sim *sim, struct buf *out) {
    char digits[16];
    hex_u64(digits, prng_next(&sim->sids));
    json_key(out, "RequestId");
    buf_addf(out, "\"%.8s-%.4s-4%.3s-8%.3s-%.12s\"", digits, digits + 8, digits + 12, digits + 4, digits);
}

static void say(struct sim *sim, struct exchange *x, int status, struct sv code, const char *text,
                int retry_after_s) {
    bool globe = is_globe(x);
    char seconds[16];
    buf_reset(&sim->out);
    buf_addc(&sim->out, '{');
    add_request_id(sim, &sim->out);
    if (status != 200)
        json_pair(&sim->out, "HostId", exchange_header(x, "Host"));
    json_pair(&sim->out, globe ? "ResponseDescription" : "Message", sv_of(text));
    json_pair(&sim->out, globe ? "ResponseCode" : "Code", code);
    buf_addc(&sim->out, '}');
    struct answer a = {
        .status = status, .content_type = "application/json;charset=utf-8", .body = buf_sv(&sim->out)};
    snprintf(seconds, sizeof seconds, "%d", retry_after_s);
    if (retry_after_s > 0)
        a.headers[a.n_headers++] = (struct http_header){SV("Retry-After"), sv_of(seconds)};
    server_answer(x, &a);
}

void sim_aliyun_refuse(struct sim *sim, struct exchange *x, const char *code, int retry_after_s) {
    struct sv name = sv_of(code);
    bool key = sv_starts(name, SV("Signature")) || sv_starts(name, SV("InvalidAccessKeyId")) ||
               sv_starts(name, SV("IncompleteSignature")) || sv_starts(name, SV("InvalidTimeStamp"));
    sim_count_status(sim, sv_starts(name, SV("Throttling")) ? 429 : key ? 401 : 0);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (strcmp(codes[i].code, code) == 0) {
            sim_count_status(sim, sv_starts(name, SV("Throttling")) ? 0 : codes[i].status);
            say(sim, x, codes[i].status, name, codes[i].text, retry_after_s);
            return;
        }
    say(sim, x, 200, name, "Simulated error", retry_after_s);
}

static void refuse(struct sim *sim, struct exchange *x, const struct sim_refusal *r) {
    if (r->word.n) { /* the profile's own word, and its status where that is none of the send's own */
        bool business = sv_starts(r->word, SV("isv.")) || sv_starts(r->word, SV("isp."));
        sim_count_status(sim, r->status);
        say(sim, x, business ? 200 : r->status, r->word, "Simulated error", r->retry_after_s);
        return;
    }
    for (size_t i = 0; i < sizeof translations / sizeof translations[0]; i++)
        if (translations[i].twilio == r->code) {
            sim_aliyun_refuse(sim, x, translations[i].code, r->retry_after_s);
            return;
        }
    sim_aliyun_refuse(sim, x,
                      r->status == 429   ? "Throttling.User"
                      : r->status == 401 ? "SignatureDoesNotMatch"
                      : r->status == 503 ? "ServiceUnavailable"
                      : r->status >= 500 ? "InternalError"
                                         : "isv.INVALID_PARAMETERS",
                      r->retry_after_s);
}

static int answer(struct sim *sim, const struct sim_call *call, struct buf *out) {
    const struct sim_item *first = &call->items[0];
    const struct sim_message *m = store_get(&sim->store, first->seq);
    struct buf BUF_AUTO id = BUF_INIT(32);
    sim_aliyun_id_add(sim, first->seq, m, &id);
    buf_addc(out, '{');
    add_request_id(sim, out);
    if (m->account == ALIYUN_GLOBE_SMS) {
        struct buf BUF_AUTO to = BUF_INIT(32), BUF_AUTO segments = BUF_INIT(16);
        buf_add_u64(&to, m->number);
        buf_add_u64(&segments, m->segments);
        json_pair(out, "ResponseCode", SV("OK"));
        json_pair(out, "ResponseDescription", SV("The SMS Send Request was accepted"));
        json_pair(out, "To", buf_sv(&to));
        json_pair(out, "From", words_get(&sim->store.words, m->from));
        json_pair(out, "Segments", buf_sv(&segments));
        json_pair(out, "MessageId", buf_sv(&id));
    } else {
        json_pair(out, "Message", SV("OK"));
        json_pair(out, "BizId", buf_sv(&id));
        json_pair(out, "Code", SV("OK"));
    }
    buf_addc(out, '}');
    return 200;
}

/* ---- sending: each step returns the vendor's code of what is wrong, or NULL ---- */

struct text {
    struct sv sign, template, params, out_id, extend;
};

static size_t chars(struct sv v) {
    size_t n = 0;
    for (size_t i = 0; i < v.n; i++)
        n += ((unsigned char)v.p[i] & 0xC0) != 0x80;
    return n;
}

/* Signature with its brackets and text: 70 in one piece, else 67 in each. */
static uint8_t pieces(struct sv sign, struct sv body) {
    size_t n = chars(sign) + 2 + chars(body);
    size_t parts = n <= PIECE_CHARS ? 1 : (n + PART_CHARS - 1) / PART_CHARS;
    return (uint8_t)(parts < UINT8_MAX ? parts : UINT8_MAX);
}

static bool owned(const struct sim *sim, struct sv sign) {
    const struct profile *p = &sim->profile;
    for (size_t i = 0; i < p->n_senders; i++)
        if (sv_eq(sign, sv_of(p->senders[i])))
            return true;
    return p->n_senders == 0;
}

/* The text that would be shown is the template's, which only the vendor has: of one variable its value, of
 * more all of them. */
static const char *read_body(const struct text *t, const json_t *params, struct sv *body) {
    const char *name;
    json_t *value;
    *body = t->params;
    if (!t->params.n)
        return NULL;
    if (!json_is_object(params))
        return "isv.INVALID_JSON_PARAM";
    json_object_foreach((json_t *)params, name,
                        value) if (!json_is_string(value)) return "isv.INVALID_JSON_PARAM";
    if (json_object_size(params) == 1) {
        value = json_object_iter_value(json_object_iter((json_t *)params));
        *body = sv_make(json_string_value(value), json_string_length(value));
    }
    return NULL;
}

static const char *fill(struct sim *sim, const struct text *t, const json_t *params, struct sv number,
                        struct arena *mem, struct sim_item *item) {
    struct buf BUF_AUTO extra = BUF_INIT(EXTRA_BYTES_MAX);
    struct sv body;
    const char *wrong = read_body(t, params, &body);
    if (!t->template.n || !sv_starts(t->template, SV("SMS_")))
        return "isv.SMS_TEMPLATE_ILLEGAL";
    if (!t->sign.n || t->sign.n > SIGN_BYTES_MAX || !owned(sim, t->sign))
        return "isv.SMS_SIGNATURE_ILLEGAL";
    if (!sim_aliyun_number(number, false, &item->draft.number))
        return "isv.MOBILE_NUMBER_ILLEGAL";
    if (wrong)
        return wrong;
    buf_addc(&extra, '{');
    json_pair(&extra, "template_code", t->template);
    json_pair(&extra, "sign_name", t->sign);
    json_pair(&extra, "template_param", t->params);
    json_pair_or_null(&extra, "extend_code", t->extend);
    buf_addc(&extra, '}');
    item->draft.body = arena_dup(mem, body);
    item->draft.reference = t->out_id;
    item->draft.extra = arena_dup(mem, buf_sv(&extra));
    item->draft.row.account = ALIYUN_CHINA_SMS;
    item->draft.row.segments = pieces(t->sign, body);
    bool room = words_put(&sim->store.words, t->sign, &item->draft.row.from);
    return room && !extra.overflow && body.n <= UINT16_MAX && !mem->full ? NULL : "ServiceUnavailable";
}

static void reject(struct sim *sim, struct exchange *x, const char *code) {
    sim->stats.rejected++;
    sim_aliyun_refuse(sim, x, code, 0);
}

static struct sv param(const struct sim_aliyun_request *rq, const char *key) {
    return form_get(&rq->params, sv_of(key));
}

static json_t *parse(struct sv text) {
    return json_loadb(text.n ? text.p : "", text.n, 0, NULL);
}

static void send_sms(struct sim *sim, struct sim_aliyun_request *rq) {
    struct text t = {.sign = param(rq, "SignName"),
                     .template = param(rq, "TemplateCode"),
                     .params = param(rq, "TemplateParam"),
                     .out_id = param(rq, "OutId"),
                     .extend = param(rq, "SmsUpExtendCode")};
    struct sv numbers = param(rq, "PhoneNumbers");
    size_t n = 1, i = 0;
    for (size_t at = 0; at < numbers.n; at++)
        n += numbers.p[at] == ',';
    if (!numbers.n || t.out_id.n > OUT_ID_BYTES_MAX) {
        reject(sim, rq->x, numbers.n ? "isv.INVALID_PARAMETERS" : "MissingParameter");
        return;
    }
    if (n > NUMBERS_MAX) {
        reject(sim, rq->x, "isv.MOBILE_COUNT_OVER_LIMIT");
        return;
    }
    struct sim_call *call = call_new(sim, &sim_aliyun, rq->x, n);
    if (!call)
        return;
    json_auto_t *params = parse(t.params);
    const char *wrong = NULL;
    while (numbers.p && !wrong)
        wrong = fill(sim, &t, params, sv_cut(&numbers, ','), &rq->x->arena, &call->items[i++]);
    if (wrong)
        reject(sim, rq->x, wrong);
    else
        call_take(sim, call);
}

static struct sv text_at(const json_t *list, size_t i) {
    const json_t *v = json_array_get(list, i);
    return json_is_string(v) ? sv_make(json_string_value(v), json_string_length(v)) : SV_NONE;
}

static const char *fill_batch(struct sim *sim, struct sim_aliyun_request *rq, struct sim_call *call,
                              const json_t *numbers, const json_t *signs, const json_t *params,
                              const json_t *extends) {
    struct arena *mem = &rq->x->arena;
    const char *wrong = NULL;
    for (size_t i = 0; i < call->n && !wrong; i++) {
        const json_t *own = json_array_get(params, i);
        struct text t = {.sign = text_at(signs, i),
                         .template = param(rq, "TemplateCode"),
                         .out_id = param(rq, "OutId"),
                         .extend = text_at(extends, i)};
        char *dumped = own ? json_dumps(own, JSON_COMPACT) : NULL;
        t.params = arena_dup(mem, sv_of(dumped));
        free(dumped);
        wrong = fill(sim, &t, own, text_at(numbers, i), mem, &call->items[i]);
    }
    return wrong;
}

static void send_batch(struct sim *sim, struct sim_aliyun_request *rq) {
    json_auto_t *numbers = parse(param(rq, "PhoneNumberJson")), *signs = parse(param(rq, "SignNameJson")),
                *params = parse(param(rq, "TemplateParamJson")),
                *extends = parse(param(rq, "SmsUpExtendCodeJson"));
    size_t n = json_array_size(numbers);
    const char *wrong = NULL;
    if (n == 0 || json_array_size(signs) != n || (params && json_array_size(params) != n) ||
        (extends && json_array_size(extends) != n) || param(rq, "OutId").n > OUT_ID_BYTES_MAX)
        wrong = "isv.INVALID_JSON_PARAM";
    else if (n > BATCH_MAX)
        wrong = "isv.MOBILE_COUNT_OVER_LIMIT";
    if (wrong) {
        reject(sim, rq->x, wrong);
        return;
    }
    struct sim_call *call = call_new(sim, &sim_aliyun, rq->x, n);
    if (!call)
        return;
    wrong = fill_batch(sim, rq, call, numbers, signs, params, extends);
    if (wrong)
        reject(sim, rq->x, wrong);
    else
        call_take(sim, call);
}

static void send_globe(struct sim *sim, struct sim_aliyun_request *rq) {
    struct sv body = param(rq, "Message"), task = param(rq, "TaskId");
    uint64_t number;
    if (!body.n || task.n > OUT_ID_BYTES_MAX || !sim_aliyun_number(param(rq, "To"), true, &number)) {
        reject(sim, rq->x, body.n ? "MOBILE_NUMBER_ILLEGAL" : "MissingParameter");
        return;
    }
    struct sim_call *call = call_new(sim, &sim_aliyun, rq->x, 1);
    if (!call)
        return;
    struct sim_draft *d = &call->items[0].draft;
    d->number = number;
    d->body = body;
    d->reference = task;
    d->row.account = ALIYUN_GLOBE_SMS;
    d->row.segments = pieces(SV_NONE, body);
    if (body.n <= UINT16_MAX && words_put(&sim->store.words, param(rq, "From"), &d->row.from))
        call_take(sim, call);
    else
        reject(sim, rq->x, "ServiceUnavailable");
}

/* ---- routes ---- */

static const struct {
    const char *action, *version;
    bool sends;
    void (*handle)(struct sim *sim, struct sim_aliyun_request *rq);
} actions[] = {
    {"SendSms", "2017-05-25", true, send_sms},
    {"SendBatchSms", "2017-05-25", true, send_batch},
    {"QuerySendDetails", "2017-05-25", false, sim_aliyun_query},
    {"SendMessageToGlobe", "2018-05-01", true, send_globe},
};

static void handle(struct sim *sim, struct exchange *x) {
    struct sim_aliyun_request rq;
    sim->stats.requests++;
    const char *wrong = sim_aliyun_authenticate(sim, x, &rq);
    if (wrong) {
        sim_aliyun_refuse(sim, x, wrong, 0);
        return;
    }
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (!sv_eq(rq.action, sv_of(actions[i].action)))
            continue;
        if (!sv_eq(rq.version, sv_of(actions[i].version)))
            sim_aliyun_refuse(sim, x, "InvalidVersion", 0);
        else if (!actions[i].sends || call_admit(sim, &sim_aliyun, x))
            actions[i].handle(sim, &rq);
        return;
    }
    sim_aliyun_refuse(sim, x, "InvalidAction.NotFound", 0);
}

/* Only the end is reported. */
static bool reports(enum sim_status status) {
    return status == SIM_DELIVERED || status == SIM_UNDELIVERED || status == SIM_FAILED;
}

/* HTTP 200 and a JSON object whose `code` is a number; else the vendor posts again. */
static bool accepts(const struct http_response *r) {
    json_auto_t *root = parse(r->body);
    return r->status == 200 && json_is_integer(json_object_get(root, "code"));
}

const struct sim_face sim_aliyun = {
    .name = "aliyun",
    .title = "Alibaba Cloud SMS",
    .account = "LTAI-simulator",
    .secret = "simulator-secret",
    .takes = sim_aliyun_takes,
    .handle = handle,
    .answer = answer,
    .content_type = "application/json;charset=utf-8",
    .refuse = refuse,
    .reports = reports,
    .receipt = sim_aliyun_receipt,
    .reply = sim_aliyun_reply,
    .accepts = accepts,
};
