#include "provider/twilio.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/json_skim.h"
#include "provider/kit.h"
#include "provider/twilio_errors.h"

#include <string.h>

enum {
    URL_MAX_BYTES = 2048,
    FORM_MAX_BYTES = 64 * 1024,   /* 1600 characters of four bytes, each %XX, and two addresses */
    ANSWER_MAX_BYTES = 64 * 1024, /* one message resource is about 2 kB */
    VALIDITY_MAX_S = 36000,       /* ValidityPeriod: 1..36000 */
    BODY_MAX_CHARS = 1600,        /* error 21617 above */
    LOOKUP_AFTER_MS = 15000,
};

static bool is_hex_sid(struct sv v, const char *prefix) {
    uint8_t bytes[16];
    return sv_starts(v, sv_of(prefix)) && hex_parse(sv_from(v, 2), bytes, sizeof bytes);
}

bool twilio_is_message_sid(struct sv v) {
    return is_hex_sid(v, "SM") || is_hex_sid(v, "MM");
}

bool twilio_check_account_sid(struct sv v, struct err *e) {
    return is_hex_sid(v, "AC") || err_set_field(e, ERR_INVALID, "account_sid",
                                                "an account SID is AC and 32 hex digits; the Twilio console "
                                                "shows it on its first page");
}

bool twilio_check_api_key(struct sv v, struct err *e) {
    return v.n == 0 || is_hex_sid(v, "SK") ||
           err_set_field(e, ERR_INVALID, "api_key",
                         "an API key's SID is SK and 32 hex digits (its secret goes into api_secret)");
}

static bool check_service_sid(struct sv v, struct err *e) {
    return v.n == 0 || is_hex_sid(v, "MG") ||
           err_set_field(e, ERR_INVALID, "messaging_service_sid",
                         "a Messaging Service SID is MG and 32 hex digits");
}

static const struct adapter_field fields[TWILIO_FIELDS] = {
    TWILIO_SHARED_ROWS,
    [TWILIO_SERVICE_SID] = {"messaging_service_sid", "Messaging Service SID", "消息服务 SID",
                            .check = check_service_sid},
};

bool twilio_check_key_whole(const struct lane_config *lane, struct err *e) {
    bool key = kit_field(lane, TWILIO_API_KEY).n > 0, secret = kit_field(lane, TWILIO_API_SECRET).n > 0;
    return key == secret ||
           err_set_field(e, ERR_INVALID, key ? "api_key" : "api_secret",
                         "%s is missing beside it: api_key and api_secret go together, and without both the "
                         "auth token is used",
                         key ? "api_secret" : "api_key");
}

static bool check_all(const struct lane_config *lane, struct err *e) {
    if (!twilio_check_key_whole(lane, e))
        return false;
    return lane->from.n || kit_field(lane, TWILIO_SERVICE_SID).n ||
           err_set_field(e, ERR_INVALID, "from",
                         "missing, and messaging_service_sid, too: Twilio sends only from one of the two");
}

/* ---- requests ---- */

void twilio_account_url(const struct lane_config *lane, struct buf *out) {
    buf_add(out, kit_field(lane, TWILIO_BASE_URL));
    buf_adds(out, "/2010-04-01/Accounts/");
    percent_add(out, kit_field(lane, TWILIO_ACCOUNT_SID));
}

struct sv twilio_sender(const struct lane_config *lane, const struct attempt_view *a) {
    return a->from.n ? a->from : lane->from;
}

struct sv twilio_number(struct sv address) {
    return sv_starts(address, TWILIO_WHATSAPP) ? sv_from(address, TWILIO_WHATSAPP.n) : address;
}

void twilio_add_address(struct buf *form, struct sv key, const struct attempt_view *a, struct sv address) {
    struct buf BUF_AUTO text = BUF_INIT(1024);
    if (a->channel != CHANNEL_WHATSAPP) {
        form_add(form, key, address);
        return;
    }
    buf_join(&text, TWILIO_WHATSAPP, twilio_number(address));
    form->overflow = form->overflow || text.overflow;
    form_add(form, key, buf_sv(&text));
}

/* A template of Twilio's instead of a text: ContentSid, and its variables as an object. Parameters by place
 * are named "1", "2", as WhatsApp names them. */
static bool add_content(struct buf *form, const struct attempt_view *a, struct err *e) {
    form_add(form, SV("ContentSid"), a->code.code);
    if (!a->code.params.n)
        return true;
    json_auto_t *params = json_loadb(a->code.params.p, a->code.params.n, 0, NULL);
    json_auto_t *named = json_is_array(params) ? json_object() : json_incref(params);
    for (size_t i = 0; i < json_array_size(params); i++) {
        char place[24];
        snprintf(place, sizeof place, "%zu", i + 1);
        json_object_set(named, place, json_array_get(params, i));
    }
    char *text = json_is_object(named) ? json_dumps(named, JSON_COMPACT) : NULL;
    if (text)
        form_add(form, SV("ContentVariables"), sv_of(text));
    free(text);
    return text ||
           err_set_field(e, ERR_INVALID, "params", "the template's parameters are no JSON object or list");
}

static bool add_authorization(const struct lane_config *lane, struct arena *mem, struct http_request *out,
                              struct err *e) {
    struct sv key = kit_field(lane, TWILIO_API_KEY), secret = kit_field(lane, TWILIO_API_SECRET);
    if (!twilio_check_key_whole(lane, e))
        return false;
    struct sv value =
        key.n ? kit_basic(key, secret, mem)
              : kit_basic(kit_field(lane, TWILIO_ACCOUNT_SID), kit_field(lane, TWILIO_AUTH_TOKEN), mem);
    if (!value.n)
        return err_set(e, ERR_TOO_LARGE, "the lane's credentials are too long");
    return http_add_header(out, SV("Authorization"), value);
}

bool twilio_request(const struct lane_config *lane, enum http_method method, const struct buf *url,
                    struct arena *mem, struct http_request *out, struct err *e) {
    *out = (struct http_request){.method = method};
    if (url->overflow)
        return err_set(e, ERR_TOO_LARGE, "the request's address is too long");
    out->url = arena_dup(mem, buf_sv(url));
    if (!add_authorization(lane, mem, out, e))
        return false;
    http_add_header(out, SV("Accept"), SV("application/json"));
    return !mem->full || err_set(e, ERR_TOO_LARGE, "no room to build the request");
}

/* A trace context is the caller's: it may not break out of its header. */
static bool is_header_safe(struct sv v) {
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] < ' ' || v.p[i] > '~')
            return false;
    return v.n > 0;
}

static bool build(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                  struct arena *mem, struct http_request *out, struct err *e) {
    (void)nonce; /* the API takes no idempotency key */
    struct sv from = twilio_sender(lane, a), service = kit_field(lane, TWILIO_SERVICE_SID);
    if (from.n == 0 && service.n == 0)
        return err_set_field(e, ERR_INVALID, "from",
                             "no sender: give the message or the lane a `from`, or the lane a "
                             "messaging_service_sid");

    struct buf BUF_AUTO url = BUF_INIT(URL_MAX_BYTES);
    twilio_account_url(lane, &url);
    buf_adds(&url, "/Messages.json");
    if (!twilio_request(lane, HTTP_POST, &url, mem, out, e))
        return false;
    http_add_header(out, SV("Content-Type"), SV("application/x-www-form-urlencoded"));
    if (is_header_safe(a->traceparent))
        http_add_header(out, SV("traceparent"), arena_dup(mem, a->traceparent));

    /* In the order of the vendor's SDKs, so that their requests and ours are the same bytes. */
    struct buf BUF_AUTO form = BUF_INIT(FORM_MAX_BYTES);
    twilio_add_address(&form, SV("To"), a, a->to);
    if (from.n)
        twilio_add_address(&form, SV("From"), a, from);
    if (service.n)
        form_add(&form, SV("MessagingServiceSid"), service);
    if (!is_hex_sid(a->code.code, "HX"))
        form_add(&form, SV("Body"), a->body);
    else if (!add_content(&form, a, e))
        return false;
    if (a->status_url.n)
        form_add(&form, SV("StatusCallback"), a->status_url);
    if (a->expires_at) {
        int64_t left_s = (a->expires_at - now) / US_PER_S;
        struct buf BUF_AUTO digits = BUF_INIT(24);
        buf_add_i64(&digits, left_s < 1 ? 1 : left_s > VALIDITY_MAX_S ? VALIDITY_MAX_S : left_s);
        form_add(&form, SV("ValidityPeriod"), buf_sv(&digits));
    }
    if (form.overflow)
        return err_set(e, ERR_TOO_LARGE, "the message is too long for one request");
    out->body = arena_dup(mem, buf_sv(&form));
    return !mem->full || err_set(e, ERR_TOO_LARGE, "no room to build the request");
}

/* ---- answers ---- */

int32_t twilio_code(const json_t *object, const char *key) {
    const json_t *v = json_object_get(object, key);
    json_int_t code = json_is_integer(v) ? json_integer_value(v) : 0;
    return code > 0 && code <= INT32_MAX ? (int32_t)code : 0;
}

static void judge_by_row(struct verdict *v, const struct twilio_error *row) {
    kit_judge_as(v, row->fate, row->hint, row->reason);
    kit_pause(v, row->pause_ms);
}

/* A 2xx: only a message with a sid is a message. */
static void judge_created(struct verdict *v, const json_t *message) {
    struct sv sid = kit_string(message, "sid");
    struct receipt said;
    v->code = twilio_code(message, "error_code");
    if (!twilio_is_message_sid(sid)) {
        /* Something answered that is not Twilio, or Twilio in a new way: every further call would make one
         * more unknown. */
        kit_judge_as(v, FATE_UNKNOWN, LANE_DOWN, REASON_OUTCOME_UNKNOWN);
        kit_say(v->text, SV("the answer names no message"));
        return;
    }
    memcpy(v->provider_id, sid.p, sid.n);
    uint64_t segments;
    if (sv_to_u64(kit_string(message, "num_segments"), &segments) && segments <= INT16_MAX)
        v->segments = (int16_t)segments;
    kit_judge_as(v, FATE_SENT, LANE_FINE, REASON_NONE);
    if (!twilio_status(kit_string(message, "status"), v->code, &said) ||
        (said.state != STATE_FAILED && said.state != STATE_UNDELIVERED))
        return;
    /* Stored by Twilio and given up in the same breath: "failed" means it could not be sent. */
    const struct twilio_error *row = twilio_error_find(v->code);
    if (row)
        judge_by_row(v, row);
    else
        kit_judge_as(v, FATE_REJECTED, LANE_FINE, said.reason);
    if (!row)
        kit_unknown_number(v);
    kit_say(v->text, kit_string(message, "error_message"));
}

/* The answer of nearly every call: a message with a sid, on its way. Anything else is left to the full
 * reading. */
static bool judge_taken(struct verdict *v, struct sv body) {
    enum { SID, STATUS, SEGMENTS, CODE, MEMBERS };
    struct json_member m[MEMBERS] = {
        [SID] = {.name = "sid"},
        [STATUS] = {.name = "status"},
        [SEGMENTS] = {.name = "num_segments"},
        [CODE] = {.name = "error_code"},
    };
    struct receipt said;
    if (body.n > ANSWER_MAX_BYTES || !json_skim(body, m, MEMBERS) || m[SID].kind != JSON_PLAIN_STRING ||
        m[STATUS].kind != JSON_PLAIN_STRING || m[CODE].kind == JSON_NUMERAL ||
        !twilio_is_message_sid(m[SID].text) || !twilio_status(m[STATUS].text, 0, &said) ||
        said.state == STATE_FAILED || said.state == STATE_UNDELIVERED)
        return false;
    memcpy(v->provider_id, m[SID].text.p, m[SID].text.n);
    uint64_t segments;
    if (m[SEGMENTS].kind == JSON_PLAIN_STRING && sv_to_u64(m[SEGMENTS].text, &segments) &&
        segments <= INT16_MAX)
        v->segments = (int16_t)segments;
    kit_judge_as(v, FATE_SENT, LANE_FINE, REASON_NONE);
    return true;
}

void twilio_judge_refusal(const struct http_response *r, const json_t *answer, struct verdict *v) {
    v->code = twilio_code(answer, "code");
    kit_say(v->text, kit_string(answer, "message"));
    const struct twilio_error *row = twilio_error_find(v->code);
    /* A 5xx may come after the message was stored, whatever its body says, but for the one code. */
    bool refused = r->status >= 400 && (r->status < 500 || v->code == TWILIO_TOO_MANY_REQUESTS);
    if (row && refused)
        judge_by_row(v, row);
    else
        kit_judge_class(v);
    if (!row)
        kit_unknown_number(v);
}

static struct verdict judge(const struct lane_config *lane, const struct http_response *r) {
    (void)lane;
    struct verdict v;
    if (kit_judge_transport(r, &v))
        return v;
    if (r->status >= 200 && r->status < 300 && judge_taken(&v, r->body))
        return v;
    json_auto_t *answer = kit_parse(r->body, ANSWER_MAX_BYTES);
    if (r->status >= 200 && r->status < 300) {
        judge_created(&v, answer);
        return v;
    }
    twilio_judge_refusal(r, answer, &v);
    return v;
}

/* ---- probe ---- */

bool twilio_probe(const struct lane_config *lane, int64_t now, uint64_t nonce, struct arena *mem,
                  struct http_request *out, struct err *e) {
    (void)now;
    (void)nonce;
    struct buf BUF_AUTO url = BUF_INIT(URL_MAX_BYTES);
    twilio_account_url(lane, &url);
    /* A standard API key may not read the account itself, but may list messages. */
    buf_adds(&url, kit_field(lane, TWILIO_API_KEY).n ? "/Messages.json?PageSize=1" : ".json");
    return twilio_request(lane, HTTP_GET, &url, mem, out, e);
}

static bool judge_account(const struct lane_config *lane, const json_t *answer, struct err *e) {
    struct sv sid = kit_string(answer, "sid"), status = kit_string(answer, "status");
    if (json_is_array(json_object_get(answer, "messages")))
        return true;
    if (!sv_eq(sid, kit_field(lane, TWILIO_ACCOUNT_SID)))
        return err_set_field(e, ERR_OUTSIDE, "base_url",
                             "what answers there is not Twilio's API: no account in the answer");
    if (status.n && !sv_eq(status, SV("active")))
        return err_set(e, ERR_FORBIDDEN, "the Twilio account is %.*s: it cannot send",
                       (int)(status.n < 20 ? status.n : 20), status.p);
    return true;
}

bool twilio_judge_probe(const struct lane_config *lane, const struct http_response *r, struct err *e) {
    struct sv base = kit_field(lane, TWILIO_BASE_URL);
    bool key = kit_field(lane, TWILIO_API_KEY).n > 0;
    if (!kit_probe_answered(base, r, e))
        return false;
    json_auto_t *answer = kit_parse(r->body, ANSWER_MAX_BYTES);
    if (r->status == 200)
        return judge_account(lane, answer, e);
    int32_t code = twilio_code(answer, "code");
    if (r->status == 401)
        return err_set_field(e, ERR_AUTH, key ? "api_secret" : "auth_token",
                             "Twilio refuses the credentials (HTTP 401, code %d): check account_sid and %s, "
                             "and that both belong to the region of base_url",
                             (int)code, key ? "api_key with api_secret" : "auth_token");
    if (r->status == 403)
        return err_set(e, ERR_FORBIDDEN,
                       "Twilio knows the credentials but forbids the call (HTTP 403, code %d): the account "
                       "may be suspended, or the key restricted",
                       (int)code);
    if (r->status == 404)
        return err_set_field(e, ERR_NOT_FOUND, "account_sid",
                             "no such account at %.*s (HTTP 404, code %d): check account_sid and base_url",
                             SV_FMT(base), (int)code);
    if (r->status == 429)
        return err_set(e, ERR_LIMITED, "Twilio asks to slow down (HTTP 429): credentials were not checked");
    if (r->status >= 500)
        return err_set(e, ERR_OUTSIDE, "Twilio fails (HTTP %d): try again later", r->status);
    return err_set_field(e, ERR_OUTSIDE, "base_url", "%.*s answers HTTP %d, which Twilio's API does not",
                         SV_FMT(base), r->status);
}

const struct adapter twilio_adapter = {
    .name = "twilio",
    .fields = fields,
    .n_fields = TWILIO_FIELDS,
    .check_all = check_all,
    .channels = 1u << CHANNEL_SMS | 1u << CHANNEL_WHATSAPP,
    .batch_max = 1,
    .body_chars_max = BODY_MAX_CHARS,
    .senders_by_country = true,
    .rate_counts_segments = true, /* sender throughput is in segments a second */
    .can_lookup = true,
    .lookup_after_ms = LOOKUP_AFTER_MS,
    .build = build,
    .judge = judge,
    .lookup = twilio_lookup,
    .judge_lookup = twilio_judge_lookup,
    .receipt = twilio_receipt,
    .inbound = twilio_inbound,
    .answer = twilio_answer,
    .probe = twilio_probe,
    .judge_probe = twilio_judge_probe,
    .code = twilio_error_row,
};
