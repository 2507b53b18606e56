/* Twilio's calls to us: delivery receipts and replies from handsets. */
#include "provider/twilio.h"

#include "model/twilio_sign.h"
#include "provider/twilio_errors.h"

#include <string.h>

enum {
    HOOK_MAX_BYTES = 64 * 1024, /* a status callback is below 1 kB, a reply with its text below 16 kB */
    ADDRESS_MAX_BYTES = 128,
};

static const struct {
    struct sv word;
    enum state state;
} statuses[] = {
    {{"accepted", 8}, STATE_QUEUED}, {{"scheduled", 9}, STATE_QUEUED},
    {{"queued", 6}, STATE_QUEUED},   {{"sending", 7}, STATE_SENDING},
    {{"sent", 4}, STATE_SENT},       {{"delivered", 9}, STATE_DELIVERED},
    {{"read", 4}, STATE_DELIVERED},  {{"undelivered", 11}, STATE_UNDELIVERED},
    {{"failed", 6}, STATE_FAILED},   {{"canceled", 8}, STATE_FAILED},
};

bool twilio_status(struct sv word, int32_t code, struct receipt *out) {
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (!sv_eq(word, statuses[i].word))
            continue;
        out->state = statuses[i].state;
        out->code = code;
        out->reason = REASON_NONE;
        if (out->state == STATE_FAILED || out->state == STATE_UNDELIVERED) {
            const struct twilio_error *row = twilio_error_find(code);
            out->reason = row ? row->reason : sv_eq(word, SV("canceled")) ? REASON_CANCELED : REASON_REJECTED;
        }
        return true;
    }
    return false;
}

/* The call's parameters, once the signature has shown that Twilio made them: the form of a POST, the query of
 * a GET. */
bool twilio_authenticate(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                         struct form *params, struct err *e) {
    if (rq->method != HTTP_POST && rq->method != HTTP_GET)
        return err_set(e, ERR_INVALID, "Twilio calls back by POST or GET");
    struct sv signature = http_find_header(rq->headers, rq->n_headers, SV("X-Twilio-Signature"));
    if (signature.n == 0)
        return err_set(e, ERR_AUTH, "no X-Twilio-Signature");
    if (rq->body.n > HOOK_MAX_BYTES || rq->url.n > HOOK_MAX_BYTES)
        return err_set(e, ERR_TOO_LARGE, "the callback is over %d bytes", HOOK_MAX_BYTES);
    bool post = rq->method == HTTP_POST;
    /* The signature covers the decoded form, so that much has to be read first: a bounded, flat list. */
    if (!form_parse(post ? rq->body : rq->query, mem, params, e))
        return false;
    if (!twilio_sign_check(lane->fields[TWILIO_AUTH_TOKEN], rq->url, post ? params : NULL, signature))
        return err_set(e, ERR_AUTH,
                       "X-Twilio-Signature is wrong: either this is not Twilio, or auth_token or the public "
                       "address configured here differs from what Twilio uses");
    return true;
}

/* The value of a key. The signature does not cover the order of equal keys, so a key with two different
 * values says nothing that can be trusted: taken as absent. */
struct sv twilio_only(const struct form *f, struct sv key) {
    struct sv value = form_get(f, key);
    for (size_t i = 0; i < f->n; i++)
        if (sv_eq(f->pairs[i].key, key) && !sv_eq(f->pairs[i].value, value))
            return SV_NONE;
    return value;
}

static bool message_sid(const struct form *f, struct sv *sid, struct err *e) {
    *sid = twilio_only(f, SV("MessageSid"));
    if (sid->n == 0)
        *sid = twilio_only(f, SV("SmsSid")); /* its name before 2013, still sent beside it */
    return twilio_is_message_sid(*sid) ||
           err_set_field(e, ERR_INVALID, "MessageSid", "the callback names no message");
}

static bool is_address(struct sv v) {
    return v.n > 0 && v.n <= ADDRESS_MAX_BYTES && kit_is_text(v);
}

bool twilio_receipt(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                    struct receipt *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e) {
    *n = 0;
    *reply = (struct hook_reply){.content_type = NULL};
    struct form f;
    struct sv sid;
    if (!twilio_authenticate(lane, rq, mem, &f, e) || !message_sid(&f, &sid, e))
        return false;
    struct sv status = twilio_only(&f, SV("MessageStatus"));
    if (status.n == 0)
        return err_set_field(e, ERR_INVALID, "MessageStatus", "the callback names no status");
    uint64_t code;
    if (!sv_to_u64(twilio_only(&f, SV("ErrorCode")), &code) || code > INT32_MAX)
        code = 0;
    struct receipt r = {.number = twilio_number(twilio_only(&f, SV("To")))};
    if (max == 0 || !twilio_status(status, (int32_t)code, &r))
        return true; /* a status of the future: heard, and nothing to do */
    memcpy(r.provider_id, sid.p, sid.n);
    if (!is_address(r.number))
        r.number = SV_NONE;
    /* Part of the signed address: ours, unless somebody reuses an address, and then it does not parse. */
    struct form query;
    if (!form_parse(rq->query, mem, &query, e))
        return false;
    r.token = twilio_only(&query, SV("t"));
    out[0] = r;
    *n = 1;
    return true;
}

bool twilio_inbound(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                    struct inbound *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e) {
    *n = 0;
    /* Never plain text: Twilio would send it to the handset. */
    *reply = (struct hook_reply){
        .content_type = "text/xml",
        .body = SV("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>"),
    };
    struct form f;
    struct inbound in = {0};
    if (!twilio_authenticate(lane, rq, mem, &f, e) || !message_sid(&f, &in.provider_id, e))
        return false;
    in.from = twilio_number(twilio_only(&f, SV("From")));
    in.to = twilio_number(twilio_only(&f, SV("To")));
    in.body = twilio_only(&f, SV("Body"));
    if (!is_address(in.from))
        return err_set_field(e, ERR_INVALID, "From", "the callback names no sender");
    if (!is_address(in.to))
        return err_set_field(e, ERR_INVALID, "To", "the callback names no recipient");
    if (!kit_is_text(in.body))
        return err_set_field(e, ERR_INVALID, "Body", "the text is not UTF-8, or has a NUL in it");
    struct sv class = twilio_only(&f, SV("OptOutType"));
    if (sv_eq(class, SV("STOP")) || sv_eq(class, SV("START")) || sv_eq(class, SV("HELP")))
        in.opt_out = class;
    if (max == 0)
        return true;
    out[0] = in;
    *n = 1;
    return true;
}

/* XML 1.0, section 2.2: of the control characters few may stand in a document. */
void twilio_add_xml(struct buf *out, struct sv text) {
    size_t plain = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool control = ((unsigned char)c < ' ' && c != '\n') || c == 0x7f;
        if (!control && c != '&' && c != '<' && c != '>')
            continue;
        buf_add(out, sv_sub(text, plain, i - plain));
        buf_adds(out, control ? " " : c == '&' ? "&amp;" : c == '<' ? "&lt;" : "&gt;");
        plain = i + 1;
    }
    buf_add(out, sv_from(text, plain));
}

bool twilio_answer(struct sv text, struct arena *mem, struct hook_reply *out) {
    struct buf BUF_AUTO xml = BUF_INIT(HOOK_MAX_BYTES);
    buf_adds(&xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Message>");
    twilio_add_xml(&xml, text);
    buf_adds(&xml, "</Message></Response>");
    struct sv kept = xml.overflow ? SV_NONE : arena_dup(mem, buf_sv(&xml));
    if (kept.n)
        *out = (struct hook_reply){.content_type = "text/xml", .body = kept};
    return kept.n != 0;
}
