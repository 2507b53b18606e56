/* vonage: texts by Vonage's SMS API (Nexmo's before). Sources: developer.vonage.com: SMS API reference and
 * its OpenAPI description, "Troubleshooting SMS" (status codes), "Delivery receipts" (statuses and err-code),
 * "Signing messages".
 *
 * Requests are JSON with Basic authentication. A text of several parts is one request and one answer with an
 * entry for each part. Receipts and replies come as a query, a form or JSON, as the account's settings say;
 * they are signed where Vonage has that switched on for the account, and known by a secret in their address
 * where not. The attempt's token travels as client-ref, which a receipt brings back. There is no call that
 * finds a text by what we know of it. */
#include "provider/kit.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/json.h"

#include <string.h>

enum {
    URL_BYTES_MAX = 1024,
    BODY_BYTES_MAX = 64 * 1024,
    ANSWER_BYTES_MAX = 64 * 1024,
    HOOK_BYTES_MAX = 64 * 1024,
    CLIENT_REF_BYTES_MAX = 100,
    TTL_S_MIN = 20,
    TTL_S_MAX = 604800,
    DIGITS_MAX = 15,
};

enum vonage_field {
    VONAGE_API_KEY,
    VONAGE_API_SECRET,
    VONAGE_SIGNATURE_SECRET,
    VONAGE_SIGNATURE_METHOD,
    VONAGE_CALLBACK_TOKEN,
    VONAGE_BASE_URL,
    VONAGE_FIELDS
};

/* ---- settings ---- */

static const char *const methods[] = {"md5hash", "md5", "sha1", "sha256", "sha512"};
enum { METHODS = 5 };

static bool check_key(struct sv v, struct err *e) {
    return kit_is_word(v, "", 32) ||
           err_set_field(e, ERR_INVALID, "api_key",
                         "an API key is letters and digits, as the dashboard shows");
}

static bool check_method(struct sv v, struct err *e) {
    return sv_place(v, methods, METHODS) >= 0 ||
           err_set_field(e, ERR_INVALID, "signature_method", "give md5hash, md5, sha1, sha256 or sha512");
}

static const struct adapter_field fields[VONAGE_FIELDS] = {
    [VONAGE_API_KEY] = {"api_key", "API key", "API 密钥", .required = true, .identifies = true,
                        .check = check_key},
    [VONAGE_API_SECRET] = {"api_secret", "API secret", "API 密码", .secret = true, .required = true,
                           .check = kit_check_secret},
    [VONAGE_SIGNATURE_SECRET] = {"signature_secret", "Secret that signs callbacks, where Vonage signs them",
                                 "回调签名密钥(Vonage 已为账户开启签名时)", .secret = true,
                                 .check = kit_check_secret},
    [VONAGE_SIGNATURE_METHOD] = {"signature_method",
                                 "How: md5hash, md5, sha1, sha256 or sha512 (HMAC but for md5hash)",
                                 "签名算法:md5hash、md5、sha1、sha256 或 sha512(除 md5hash 外均为 HMAC)",
                                 .fallback = "sha256", .check = check_method},
    [VONAGE_CALLBACK_TOKEN] = {"callback_token",
                               "Secret in the address of callbacks, where they are not signed",
                               "回调地址中的密钥(回调未签名时)", .secret = true,
                               .check = kit_check_callback_token},
    [VONAGE_BASE_URL] = {"base_url", "API address", "API 地址", .identifies = true,
                         .fallback = "https://rest.nexmo.com", .check = kit_check_base_url},
};

/* ---- codes ---- */

static const struct row {
    int32_t code; /* the status of an answer's message */
    enum fate fate;
    enum lane_hint hint;
    enum reason reason;
} rows[] = {
    {1, FATE_RETRY, LANE_SLOW_DOWN, REASON_THROTTLED},       /* throttled */
    {2, FATE_REJECTED, LANE_FINE, REASON_REQUEST_REJECTED},  /* missing parameters */
    {3, FATE_REJECTED, LANE_FINE, REASON_REQUEST_REJECTED},  /* invalid parameters */
    {4, FATE_RETRY, LANE_BROKEN, REASON_CREDENTIALS},        /* invalid credentials */
    {5, FATE_UNKNOWN, LANE_DOWN, REASON_PROVIDER_DOWN},      /* internal error */
    {6, FATE_REJECTED, LANE_FINE, REASON_INVALID_NUMBER},    /* an unrecognized number prefix */
    {7, FATE_REJECTED, LANE_FINE, REASON_BLOCKED},           /* number barred */
    {8, FATE_RETRY, LANE_BROKEN, REASON_CREDENTIALS},        /* account barred */
    {9, FATE_RETRY, LANE_BROKEN, REASON_QUOTA},              /* no credit */
    {10, FATE_RETRY, LANE_SLOW_DOWN, REASON_THROTTLED},      /* too many connections */
    {11, FATE_RETRY, LANE_BROKEN, REASON_CREDENTIALS},       /* account not enabled for HTTP */
    {12, FATE_REJECTED, LANE_FINE, REASON_CONTENT_REJECTED}, /* message too long */
    {13, FATE_RETRY, LANE_DOWN, REASON_PROVIDER_DOWN},       /* was not submitted */
    {14, FATE_RETRY, LANE_BROKEN, REASON_CREDENTIALS},       /* invalid signature */
    {15, FATE_REJECTED, LANE_FINE, REASON_SENDER_REJECTED},  /* invalid sender address */
    {16, FATE_REJECTED, LANE_FINE, REASON_REQUEST_REJECTED}, /* invalid ttl */
    {17, FATE_REJECTED, LANE_FINE, REASON_UNREACHABLE},      /* number unreachable */
    {19, FATE_RETRY, LANE_BROKEN, REASON_CREDENTIALS},       /* facility not allowed */
    {20, FATE_REJECTED, LANE_FINE, REASON_REQUEST_REJECTED}, /* invalid message class */
    {22, FATE_REJECTED, LANE_FINE, REASON_INVALID_NUMBER},   /* invalid network code */
    {23, FATE_REJECTED, LANE_FINE, REASON_REQUEST_REJECTED}, /* invalid callback */
    {29, FATE_REJECTED, LANE_FINE, REASON_CREDENTIALS},      /* a trial account writes to its own numbers */
    {32, FATE_RETRY, LANE_BROKEN, REASON_CREDENTIALS},       /* signature and secret together */
    {33, FATE_REJECTED, LANE_FINE, REASON_INVALID_NUMBER},   /* number de-activated */
};

static const struct row *row_of(int64_t code) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == code)
            return &rows[i];
    return NULL;
}

static bool code_row(size_t i, struct adapter_code *out) {
    if (i >= sizeof rows / sizeof rows[0])
        return false;
    *out = (struct adapter_code){.fate = rows[i].fate, .hint = rows[i].hint, .reason = rows[i].reason};
    snprintf(out->code, sizeof out->code, "%d", (int)rows[i].code);
    return true;
}

/* A receipt's err-code. */
static enum reason reason_of(int64_t code) {
    switch (code) {
    case 3: /* absent subscriber, for good */
    case 9: /* illegal number */ return REASON_INVALID_NUMBER;
    case 4: /* barred by user */ return REASON_OPTED_OUT;
    case 53: /* consent filter */ return REASON_OPTED_OUT;
    case 13: /* age */
    case 14: /* blocked by carrier */ return REASON_BLOCKED;
    case 6:  /* anti-spam */
    case 10: /* illegal message */
    case 52: /* content filter */
    case 54: /* regulation */ return REASON_CONTENT_REJECTED;
    case 50: /* entity filter */
    case 51: /* header filter */ return REASON_SENDER_REJECTED;
    case 16: /* gateway quota exceeded */ return REASON_QUOTA;
    default: return REASON_UNREACHABLE;
    }
}

/* ---- requests ---- */

static struct sv plain_number(struct sv v) {
    return sv_starts(v, SV("+")) ? sv_from(v, 1) : v;
}

static bool begin(const struct lane_config *lane, enum http_method method, struct sv path, struct arena *mem,
                  struct http_request *out) {
    struct buf BUF_AUTO url = BUF_INIT(URL_BYTES_MAX);
    struct sv basic = kit_basic(lane->fields[VONAGE_API_KEY], lane->fields[VONAGE_API_SECRET], mem);
    buf_join(&url, kit_field(lane, VONAGE_BASE_URL), path);
    *out = (struct http_request){.method = method, .url = arena_dup(mem, buf_sv(&url))};
    if (method == HTTP_POST)
        http_add_header(out, SV("Content-Type"), SV("application/json"));
    http_add_header(out, SV("Authorization"), basic);
    return basic.n && !url.overflow && !mem->full;
}

static void add_callback(const struct lane_config *lane, struct sv url, struct buf *out) {
    struct buf BUF_AUTO own = BUF_INIT(URL_BYTES_MAX);
    struct sv secret = lane->fields[VONAGE_CALLBACK_TOKEN];
    buf_add(&own, url);
    if (secret.n && !lane->fields[VONAGE_SIGNATURE_SECRET].n)
        buf_join(&own, SV("&k="), secret);
    json_pair(out, "callback", buf_sv(&own));
}

/* In the order of the vendor's examples. */
static bool build(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                  struct arena *mem, struct http_request *out, struct err *e) {
    (void)nonce;
    struct buf BUF_AUTO body = BUF_INIT(BODY_BYTES_MAX);
    struct sv from = a->from.n ? a->from : lane->from;
    if (from.n == 0)
        return err_set_field(e, ERR_INVALID, "from", "no sender: give the message or the lane a `from`");
    buf_addc(&body, '{');
    json_pair(&body, "to", plain_number(a->to));
    json_pair(&body, "from", plain_number(from));
    json_pair(&body, "text", a->body);
    if (segments_count(a->body, SEGMENTS_INTERNATIONAL).encoding == SMS_UCS2)
        json_pair(&body, "type", SV("unicode"));
    if (a->token.n && a->token.n <= CLIENT_REF_BYTES_MAX)
        json_pair(&body, "client-ref", a->token);
    if (a->status_url.n)
        add_callback(lane, a->status_url, &body);
    if (a->expires_at) {
        int64_t left_s = (a->expires_at - now) / US_PER_S;
        json_pair_i64(&body, "ttl",
                      (left_s < TTL_S_MIN   ? TTL_S_MIN
                       : left_s > TTL_S_MAX ? TTL_S_MAX
                                            : left_s) *
                          1000);
    }
    buf_addc(&body, '}');
    if (body.overflow)
        return err_set_field(e, ERR_TOO_LARGE, "body", "the text is too long for one request");
    if (!begin(lane, HTTP_POST, SV("/sms/json"), mem, out))
        return err_set(e, ERR_TOO_LARGE, "no room to build the request");
    out->body = arena_dup(mem, buf_sv(&body));
    return !mem->full || err_set(e, ERR_TOO_LARGE, "no room to build the request");
}

/* ---- answers ---- */

static int64_t status_of(const json_t *entry) {
    uint64_t code;
    return sv_to_u64(kit_string(entry, "status"), &code) && code <= INT32_MAX ? (int64_t)code : -1;
}

static void judge_refusal(const json_t *entry, int64_t code, struct verdict *v) {
    const struct row *row = row_of(code);
    if (row)
        kit_judge_as(v, row->fate, row->hint, row->reason);
    else
        kit_judge_as(v, FATE_REJECTED, LANE_FINE, REASON_REJECTED);
    v->code = (int32_t)code;
    if (!row)
        kit_unknown_number(v);
    kit_say(v->text, kit_string(entry, "error-text"));
}

static void judge_nonsense(struct verdict *v) {
    kit_judge_as(v, FATE_UNKNOWN, LANE_DOWN, REASON_OUTCOME_UNKNOWN);
    kit_say(v->text, SV("the answer names no message"));
}

/* One entry a part. What one part was taken of has gone out. */
static void judge_parts(const json_t *parts, struct verdict *v) {
    const json_t *refused = NULL;
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *entry = json_array_get(parts, i);
        int64_t code = status_of(entry);
        if (code == 0 && v->provider_id[0] == '\0' &&
            !kit_provider_id(v->provider_id, kit_string(entry, "message-id")))
            code = -1;
        if (code < 0) {
            judge_nonsense(v);
            return;
        }
        v->segments = (int16_t)(v->segments + (code == 0));
        refused = code && !refused ? entry : refused;
    }
    if (v->segments > 0)
        kit_judge_as(v, FATE_SENT, LANE_FINE, REASON_NONE);
    else if (refused)
        judge_refusal(refused, status_of(refused), v);
    else
        judge_nonsense(v);
}

static struct verdict judge(const struct lane_config *lane, const struct http_response *r) {
    (void)lane;
    struct verdict v;
    if (kit_judge_transport(r, &v))
        return v;
    json_auto_t *answer = kit_parse(r->body, ANSWER_BYTES_MAX);
    if (r->status == 200) {
        judge_parts(json_object_get(answer, "messages"), &v);
    } else {
        kit_judge_class(&v);
        kit_say(v.text, kit_string(answer, "title"));
    }
    return v;
}

/* ---- callbacks ---- */

/* What was posted, whichever way: a query, a form, or an object of texts. */
static bool read_params(const struct hook_request *rq, struct arena *mem, struct form *f, struct err *e) {
    f->n = 0;
    if (rq->body.n > HOOK_BYTES_MAX || rq->query.n > HOOK_BYTES_MAX)
        return err_set(e, ERR_TOO_LARGE, "the callback is over %d bytes", HOOK_BYTES_MAX);
    if (rq->method == HTTP_GET)
        return form_parse(rq->query, mem, f, e);
    if (sv_find(rq->content_type, SV("json")) == SIZE_MAX)
        return form_parse(rq->body, mem, f, e);
    json_auto_t *o = kit_parse(rq->body, HOOK_BYTES_MAX);
    const char *key;
    json_t *value;
    if (!json_is_object(o) || json_object_size(o) > FORM_PAIRS_MAX)
        return err_set(e, ERR_INVALID, "the callback is no JSON object");
    json_object_foreach(o, key, value) {
        if (!json_is_string(value))
            continue;
        struct sv text = sv_make(json_string_value(value), json_string_length(value));
        f->pairs[f->n++] = (struct form_pair){arena_dup(mem, sv_of(key)), arena_dup(mem, text)};
    }
    return !mem->full || err_set(e, ERR_TOO_LARGE, "no room to read the callback");
}

static int by_key(const void *a, const void *b) {
    return sv_cmp(((const struct form_pair *)a)->key, ((const struct form_pair *)b)->key);
}

/* All but the signature itself, and but what our own address brought (t, k) where it is one query. */
static bool is_signed(struct sv key) {
    return !sv_eq(key, SV("sig")) && !sv_eq(key, SV("t")) && !sv_eq(key, SV("k"));
}

static bool signature_fits(const struct lane_config *lane, const struct form *f) {
    struct form sorted = *f;
    struct buf BUF_AUTO text = BUF_INIT(2 * HOOK_BYTES_MAX), BUF_AUTO hex = BUF_INIT(2 * HASH_BYTES_MAX + 1);
    struct sv secret = lane->fields[VONAGE_SIGNATURE_SECRET], given = form_get(f, SV("sig"));
    int method = sv_place(kit_field(lane, VONAGE_SIGNATURE_METHOD), methods, METHODS);
    static const enum hash_kind kinds[METHODS] = {HASH_MD5, HASH_MD5, HASH_SHA1, HASH_SHA256, HASH_SHA512};
    uint8_t hash[HASH_BYTES_MAX];
    char lower[2 * HASH_BYTES_MAX];
    ASSERT(method >= 0);
    qsort(sorted.pairs, sorted.n, sizeof sorted.pairs[0], by_key);
    for (size_t i = 0; i < sorted.n; i++) {
        if (!is_signed(sorted.pairs[i].key))
            continue;
        buf_join(&text, SV("&"), sorted.pairs[i].key, SV("="));
        for (size_t k = 0; k < sorted.pairs[i].value.n; k++) {
            char c = sorted.pairs[i].value.p[k];
            buf_addc(&text, c == '&' || c == '=' ? '_' : c);
        }
    }
    if (method == 0)
        buf_add(&text, secret);
    size_t n = method == 0 ? hash_data(kinds[method], buf_sv(&text), hash)
                           : hmac_data(kinds[method], secret, buf_sv(&text), hash);
    hex_add(&hex, hash, n);
    for (size_t i = 0; i < given.n && i < sizeof lower; i++)
        lower[i] = given.p[i] >= 'A' && given.p[i] <= 'F' ? (char)(given.p[i] + 32) : given.p[i];
    return !text.overflow && given.n == 2 * n && sv_eq_secret(sv_make(lower, given.n), buf_sv(&hex));
}

static bool authenticate(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                         struct form *f, struct err *e) {
    if (rq->method != HTTP_POST && rq->method != HTTP_GET)
        return err_set(e, ERR_INVALID, "Vonage calls back by POST or GET");
    if (!lane->fields[VONAGE_SIGNATURE_SECRET].n)
        return kit_hook_secret(lane->fields[VONAGE_CALLBACK_TOKEN], "callback_token", rq, mem, e) &&
               read_params(rq, mem, f, e);
    if (!read_params(rq, mem, f, e))
        return false;
    if (!form_get(f, SV("sig")).n)
        return err_set(e, ERR_AUTH,
                       "the callback is not signed: Vonage does so once it is switched on for the account");
    return signature_fits(lane, f) ||
           err_set_field(
               e, ERR_AUTH, "signature_secret",
               "the callback's signature is wrong: either this is not Vonage, or signature_secret or "
               "signature_method is not the account's");
}

static struct sv e164(struct sv msisdn, struct arena *mem) {
    if (msisdn.n == 0 || msisdn.n > DIGITS_MAX)
        return SV_NONE;
    for (size_t i = 0; i < msisdn.n; i++)
        if (msisdn.p[i] < '0' || msisdn.p[i] > '9')
            return SV_NONE;
    struct buf BUF_AUTO text = BUF_INIT(DIGITS_MAX + 1);
    buf_join(&text, SV("+"), msisdn);
    return arena_dup(mem, buf_sv(&text));
}

static bool state_of(struct sv word, int64_t code, struct receipt *out) {
    static const struct {
        const char *word;
        enum state state;
    } states[] = {{"delivered", STATE_DELIVERED}, {"accepted", STATE_SENT},
                  {"buffered", STATE_SENDING},    {"expired", STATE_UNDELIVERED},
                  {"failed", STATE_UNDELIVERED},  {"rejected", STATE_UNDELIVERED}};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (sv_eq(word, sv_of(states[i].word))) {
            out->state = states[i].state;
            bool bad = out->state == STATE_UNDELIVERED;
            out->code = bad && code <= INT32_MAX ? (int32_t)code : 0;
            out->reason = !bad ? REASON_NONE : sv_eq(word, SV("expired")) ? REASON_EXPIRED : reason_of(code);
            return true;
        }
    return false;
}

static const struct hook_reply taken = {.content_type = "text/plain", .body = {"ok", 2}};

static bool receipt(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                    struct receipt *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e) {
    struct form f, query;
    uint64_t code;
    *n = 0;
    *reply = taken;
    if (!authenticate(lane, rq, mem, &f, e))
        return false;
    struct sv id = form_get(&f, SV("messageId")), ref = form_get(&f, SV("client-ref"));
    struct receipt r = {.number = e164(form_get(&f, SV("msisdn")), mem)};
    if (!kit_provider_id(r.provider_id, id))
        return err_set_field(e, ERR_INVALID, "messageId", "the callback names no message");
    if (!sv_to_u64(form_get(&f, SV("err-code")), &code))
        code = 0;
    if (max == 0 || !state_of(form_get(&f, SV("status")), (int64_t)code, &r))
        return true; /* "unknown", or a status of the future: heard, and nothing to do */
    if (!ref.n && form_parse(rq->query, mem, &query, NULL))
        ref = form_get(&query, SV("t"));
    r.token = ref;
    out[0] = r;
    *n = 1;
    return true;
}

static bool inbound(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                    struct inbound *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e) {
    struct form f;
    *n = 0;
    *reply = taken;
    if (!authenticate(lane, rq, mem, &f, e))
        return false;
    struct inbound in = {.from = e164(form_get(&f, SV("msisdn")), mem),
                         .to = form_get(&f, SV("to")),
                         .body = form_get(&f, SV("text")),
                         .provider_id = form_get(&f, SV("messageId"))};
    struct sv number = e164(in.to, mem);
    in.to = number.n ? number : in.to;
    char id[PROVIDER_ID_MAX];
    if (!in.from.n)
        return err_set_field(e, ERR_INVALID, "msisdn", "the callback names no sender");
    if (!in.to.n || in.to.n > DIGITS_MAX + 1 || !kit_is_text(in.to))
        return err_set_field(e, ERR_INVALID, "to", "the callback names no recipient");
    if (!kit_is_text(in.body))
        return err_set_field(e, ERR_INVALID, "text", "the text is not UTF-8, or has a NUL in it");
    if (!kit_provider_id(id, in.provider_id))
        return err_set_field(e, ERR_INVALID, "messageId", "the callback names no message");
    if (max == 0)
        return true;
    out[0] = in;
    *n = 1;
    return true;
}

/* ---- probe: what the account has ---- */

static bool probe(const struct lane_config *lane, int64_t now, uint64_t nonce, struct arena *mem,
                  struct http_request *out, struct err *e) {
    (void)now;
    (void)nonce;
    return begin(lane, HTTP_GET, SV("/account/get-balance"), mem, out) ||
           err_set(e, ERR_TOO_LARGE, "no room to build the request");
}

static bool judge_probe(const struct lane_config *lane, const struct http_response *r, struct err *e) {
    if (!kit_probe_answered(kit_field(lane, VONAGE_BASE_URL), r, e))
        return false;
    json_auto_t *answer = kit_parse(r->body, ANSWER_BYTES_MAX);
    if (r->status == 401 || r->status == 403)
        return err_set_field(e, ERR_AUTH, "api_secret", "Vonage refuses api_key and api_secret (HTTP %d)",
                             r->status);
    return (r->status == 200 && json_is_number(json_object_get(answer, "value"))) ||
           err_set_field(e, ERR_OUTSIDE, "base_url", "what answers there is not Vonage (HTTP %d)", r->status);
}

const struct adapter vonage_adapter = {
    .name = "vonage",
    .fields = fields,
    .n_fields = VONAGE_FIELDS,
    .channels = 1u << CHANNEL_SMS,
    .batch_max = 1,
    .senders_by_country = true,
    .build = build,
    .judge = judge,
    .receipt = receipt,
    .inbound = inbound,
    .probe = probe,
    .judge_probe = judge_probe,
    .code = code_row,
};
