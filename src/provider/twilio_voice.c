/* twilio-voice: calls that speak, by Twilio Programmable Voice, API version 2010-04-01. Sources: the OpenAPI
 * description twilio publishes (twilio_api_v2010), its guides on TwiML and status callbacks.
 *
 * The call carries its own TwiML (twilio_say); only when a key is pressed are we asked, at the address of its
 * receipts. A template code that is an http(s) address is fetched by Twilio instead (Url).
 *
 * A call is delivered when it was completed and took time; a machine that answered was not the person, where
 * machine_detection is asked for. */
#include "provider/twilio_voice.h"

#include "base/clock.h"
#include "provider/kit.h"
#include "provider/twilio_errors.h"
#include "provider/twilio_say.h"

#include <string.h>

enum {
    FORM_MAX_BYTES = 64 * 1024,
    URL_MAX_BYTES = 2048,
    ANSWER_MAX_BYTES = 64 * 1024,
    LIST_MAX_BYTES = 1024 * 1024,
    TEXT_CHARS_MAX = 1500,
    PAGE_SIZE = 50,
    LOOKUP_AFTER_MS = 15000,
};

#define SKEW_US (60 * US_PER_S)

/* ---- settings ---- */

static bool check_number(struct sv v, uint64_t least, uint64_t most, struct err *e) {
    uint64_t x;
    return (sv_to_u64(v, &x) && x >= least && x <= most) ||
           err_set(e, ERR_INVALID, "a whole number from %u to %u", (unsigned)least, (unsigned)most);
}

static bool check_repeat(struct sv v, struct err *e) {
    return check_number(v, 1, 5, e);
}

static bool check_ring(struct sv v, struct err *e) {
    return check_number(v, 5, 600, e);
}

static bool check_machine(struct sv v, struct err *e) {
    return sv_eq(v, SV("off")) || sv_eq(v, SV("hear")) || sv_eq(v, SV("leave")) ||
           err_set_field(
               e, ERR_INVALID, "machine_detection",
               "off, hear (a machine that answers counts as not delivered) or leave (the text is left on "
               "it after its greeting)");
}

static bool check_keys(struct sv v, struct err *e) {
    return sv_eq(v, SV("yes")) || sv_eq(v, SV("no")) || sv_eq(v, SV("true")) || sv_eq(v, SV("false")) ||
           err_set_field(e, ERR_INVALID, "repeat_on_key", "give yes or no");
}

/* Letters, digits, - and .: they become an attribute. */
static bool check_name(struct sv v, struct err *e) {
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
              c == '.'))
            return err_set(e, ERR_INVALID, "a name as Twilio lists it: en-US, Polly.Joanna");
    }
    return v.n <= 64 || err_set(e, ERR_INVALID, "too long for a name");
}

static const struct adapter_field fields[VOICE_FIELDS] = {
    TWILIO_SHARED_ROWS,
    [VOICE_LANGUAGE] = {"language", "Language of texts that have none", "未注明语言时的朗读语言",
                        .fallback = "en-US", .check = check_name},
    [VOICE_VOICE] = {"voice", "Voice, such as Polly.Joanna", "音色,例如 Polly.Zhiyu", .check = check_name},
    [VOICE_REPEAT] = {"repeat", "How often the text is said", "朗读次数", .fallback = "3",
                      .check = check_repeat},
    [VOICE_KEYS] = {"repeat_on_key", "Whether a key pressed has the text said again (needs `public_url`)",
                    "按任意键是否重听(需要 `public_url`)", .fallback = "yes", .check = check_keys},
    [VOICE_RING_S] = {"ring_s", "Seconds to ring", "振铃秒数", .fallback = "40", .check = check_ring},
    [VOICE_MACHINE] = {"machine_detection", "Answering machines: off, hear or leave",
                       "答录机检测:off、hear 或 leave", .fallback = "off", .check = check_machine},
};

static bool check_all(const struct lane_config *lane, struct err *e) {
    return twilio_check_key_whole(lane, e) &&
           (lane->from.n ||
            err_set_field(e, ERR_INVALID, "from",
                          "a call needs a caller: a number of the account, or one it has verified"));
}

/* ---- requests ---- */

static bool is_address(struct sv code) {
    return sv_starts(code, SV("https://")) || sv_starts(code, SV("http://"));
}

static bool build(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                  struct arena *mem, struct http_request *out, struct err *e) {
    (void)now;
    (void)nonce;
    struct sv from = twilio_sender(lane, a), machine = kit_field(lane, VOICE_MACHINE);
    struct buf BUF_AUTO url = BUF_INIT(URL_MAX_BYTES), form = BUF_INIT(FORM_MAX_BYTES),
                        twiml = BUF_INIT(FORM_MAX_BYTES);
    if (from.n == 0)
        return err_set_field(e, ERR_INVALID, "from", "no caller: give the message or the lane a `from`");
    bool fetched = is_address(a->code.code);
    if (!fetched && !twilio_say(lane, a, &twiml))
        return err_set_field(e, ERR_TOO_LARGE, "body",
                             "the text is too long to be said: a call holds %d characters", TWIML_CHARS_MAX);
    twilio_account_url(lane, &url);
    buf_adds(&url, "/Calls.json");
    if (!twilio_request(lane, HTTP_POST, &url, mem, out, e))
        return false;
    http_add_header(out, SV("Content-Type"), SV("application/x-www-form-urlencoded"));
    /* In the order of the vendor's SDKs, so that their requests and ours are the same bytes. */
    form_add(&form, SV("To"), a->to);
    form_add(&form, SV("From"), from);
    if (a->status_url.n)
        form_add(&form, SV("StatusCallback"), a->status_url);
    form_add(&form, SV("Timeout"), kit_field(lane, VOICE_RING_S));
    if (!sv_eq(machine, SV("off")))
        form_add(&form, SV("MachineDetection"),
                 sv_eq(machine, SV("hear")) ? SV("Enable") : SV("DetectMessageEnd"));
    if (fetched)
        form_add(&form, SV("Url"), a->code.code);
    else
        form_add(&form, SV("Twiml"), buf_sv(&twiml));
    if (form.overflow)
        return err_set(e, ERR_TOO_LARGE, "the message is too long for one request");
    out->body = arena_dup(mem, buf_sv(&form));
    return !mem->full || err_set(e, ERR_TOO_LARGE, "no room to build the request");
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_call_sid(struct sv v) {
    if (v.n != 34 || !sv_starts(v, SV("CA")))
        return false;
    for (size_t i = 2; i < v.n; i++)
        if (!is_digit(v.p[i]) && !(v.p[i] >= 'a' && v.p[i] <= 'f'))
            return false;
    return true;
}

/* ---- answers ---- */

static bool call_status(struct sv word, int32_t code, bool spoken, struct receipt *out) {
    static const char *const open[] = {"queued", "initiated", "ringing", "in-progress", "answered"};
    const struct twilio_error *row = twilio_error_find(code);
    out->code = code;
    out->reason = REASON_NONE;
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
        if (sv_eq(word, sv_of(open[i]))) {
            out->state = STATE_SENDING;
            return true;
        }
    out->state = STATE_UNDELIVERED;
    if (sv_eq(word, SV("completed"))) {
        out->state = spoken ? STATE_DELIVERED : STATE_UNDELIVERED;
        out->reason = spoken ? REASON_NONE : REASON_UNREACHABLE;
    } else if (sv_eq(word, SV("busy")) || sv_eq(word, SV("no-answer"))) {
        out->reason = REASON_UNREACHABLE;
    } else if (sv_eq(word, SV("failed"))) {
        out->reason = row ? row->reason : REASON_UNREACHABLE;
    } else if (sv_eq(word, SV("canceled"))) {
        out->reason = REASON_CANCELED;
    } else {
        return false;
    }
    return true;
}

static struct verdict judge(const struct lane_config *lane, const struct http_response *r) {
    (void)lane;
    struct verdict v;
    if (kit_judge_transport(r, &v))
        return v;
    json_auto_t *answer = kit_parse(r->body, ANSWER_MAX_BYTES);
    if (r->status < 200 || r->status >= 300) {
        twilio_judge_refusal(r, answer, &v);
        return v;
    }
    struct sv sid = kit_string(answer, "sid");
    if (!is_call_sid(sid)) {
        kit_judge_as(&v, FATE_UNKNOWN, LANE_DOWN, REASON_OUTCOME_UNKNOWN);
        kit_say(v.text, SV("the answer names no call"));
        return v;
    }
    memcpy(v.provider_id, sid.p, sid.n);
    kit_judge_as(&v, FATE_SENT, LANE_FINE, REASON_NONE);
    return v;
}

/* ---- look-up ---- */

static bool lookup(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                   struct arena *mem, struct http_request *out, struct err *e) {
    (void)now;
    (void)nonce;
    struct buf BUF_AUTO url = BUF_INIT(URL_MAX_BYTES);
    twilio_account_url(lane, &url);
    buf_adds(&url, "/Calls.json?");
    form_add(&url, SV("To"), a->to);
    form_add(&url, SV("From"), twilio_sender(lane, a));
    buf_addf(&url, "&PageSize=%d", PAGE_SIZE);
    return twilio_request(lane, HTTP_GET, &url, mem, out, e);
}

static struct lookup_answer judge_lookup(const struct lane_config *lane, const struct attempt_view *a,
                                         int64_t now, const struct http_response *r) {
    (void)lane;
    if (r->transport != HTTP_ANSWERED || r->status != 200)
        return kit_cannot_tell(kit_lookup_hint(r), "the call list could not be read");
    json_auto_t *page = kit_parse(r->body, LIST_MAX_BYTES);
    const json_t *list = json_object_get(page, "calls"), *next = json_object_get(page, "next_page_uri");
    struct lookup_answer out = {.hint = LANE_FINE, .complete = true};
    if (!json_is_array(list) || !(json_is_null(next) || json_is_string(next)))
        return kit_cannot_tell(LANE_FINE, "the answer is no call list");
    if (json_is_string(next))
        return kit_cannot_tell(LANE_FINE, "the list goes on");
    if (!twilio_clocks_agree(r, now))
        return kit_cannot_tell(LANE_FINE, "the provider's clock and ours differ");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        struct sv sid = kit_string(entry, "sid");
        int64_t created;
        if (!is_call_sid(sid) || !twilio_parse_date(kit_string(entry, "date_created"), &created) ||
            created > now + SKEW_US)
            return kit_cannot_tell(LANE_FINE, "an entry of the call list makes no sense");
        if (created < a->started_at - SKEW_US || !sv_eq(kit_string(entry, "direction"), SV("outbound-api")) ||
            !sv_eq(kit_string(entry, "to"), a->to))
            continue;
        if (out.n == LOOKUP_CANDIDATES_MAX)
            return kit_cannot_tell(LANE_FINE, "too many calls look alike");
        struct receipt *c = &out.candidates[out.n++];
        *c = (struct receipt){.number = a->to};
        uint64_t took = 0;
        bool spoken = sv_to_u64(kit_string(entry, "duration"), &took) && took > 0;
        if (!call_status(kit_string(entry, "status"), 0, spoken, c))
            c->state = STATE_SENDING;
        memcpy(c->provider_id, sid.p, sid.n);
    }
    /* The list shows no text, so a call of that time may be another message's to the same number. */
    if (out.n > 1)
        return kit_cannot_tell(LANE_FINE,
                               "several calls to that number, and the list does not say what they said");
    out.found = out.n ? FOUND_YES : FOUND_ABSENT;
    return out;
}

/* ---- receipts ---- */

static bool receipt(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                    struct receipt *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e) {
    *n = 0;
    *reply = (struct hook_reply){.content_type = NULL};
    struct form f, query;
    if (!twilio_authenticate(lane, rq, mem, &f, e))
        return false;
    if (!form_parse(rq->query, mem, &query, e))
        return false;
    if (twilio_say_asked(&query))
        return twilio_say_again(lane, rq, &query, mem, reply, e);
    struct sv sid = twilio_only(&f, SV("CallSid")), by = twilio_only(&f, SV("AnsweredBy"));
    if (!is_call_sid(sid))
        return err_set_field(e, ERR_INVALID, "CallSid", "the callback names no call");
    struct sv took_text = twilio_only(&f, SV("CallDuration"));
    uint64_t took = 1, code = 0; /* without a duration, completed is taken at its word */
    if (took_text.n && !sv_to_u64(took_text, &took))
        took = 1;
    if (!sv_to_u64(twilio_only(&f, SV("ErrorCode")), &code) || code > INT32_MAX)
        code = 0;
    bool machine = sv_starts(by, SV("machine")) || sv_eq(by, SV("fax"));
    bool left = sv_eq(kit_field(lane, VOICE_MACHINE), SV("leave")) && !sv_eq(by, SV("fax"));
    struct receipt r = {.number = twilio_only(&f, SV("To"))};
    if (!call_status(twilio_only(&f, SV("CallStatus")), (int32_t)code, took > 0 && (!machine || left), &r) ||
        max == 0)
        return true; /* a status of the future: heard, and nothing to do */
    memcpy(r.provider_id, sid.p, sid.n);
    if (!kit_is_text(r.number) || r.number.n > 32)
        r.number = SV_NONE;
    r.token = twilio_only(&query, SV("t"));
    out[0] = r;
    *n = 1;
    return true;
}

const struct adapter twilio_voice_adapter = {
    .name = "twilio-voice",
    .fields = fields,
    .n_fields = VOICE_FIELDS,
    .check_all = check_all,
    .channels = 1u << CHANNEL_VOICE,
    .batch_max = 1,
    .body_chars_max = TEXT_CHARS_MAX,
    .can_lookup = true,
    .lookup_after_ms = LOOKUP_AFTER_MS,
    .build = build,
    .judge = judge,
    .lookup = lookup,
    .judge_lookup = judge_lookup,
    .receipt = receipt,
    .probe = twilio_probe,
    .judge_probe = twilio_judge_probe,
    .code = twilio_error_row,
};
