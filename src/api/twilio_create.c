/* POST Messages.json: from Twilio's parameters to a submission. */
#include "api/fields.h"
#include "api/twilio.h"

#include "base/clock.h"
#include "notify/owed.h"

enum { KEY_CHARS_MAX = 255, VALIDITY_S_MAX = 36000 };

static const struct admit_names names = {.to = "To",
                                         .from = "From",
                                         .body = "Body",
                                         .status_callback = "StatusCallback",
                                         .send_at = "SendAt",
                                         .validity = "ValidityPeriod"};

/* ---- reading ---- */

static bool read_schedule(const struct form *f, struct submission *in, struct err *e) {
    struct sv type = form_get(f, SV("ScheduleType")), at = form_get(f, SV("SendAt"));
    if (!type.n && !at.n)
        return true;
    /* A time alone is refused: sent at once it would be the one thing that was not wanted. */
    if (!sv_eq(type, SV("fixed")))
        return err_set_field(e, ERR_INVALID, "ScheduleType", "with SendAt it must be `fixed`");
    if (!at.n)
        return err_set_field(e, ERR_UNPROCESSABLE, "SendAt", "ScheduleType=fixed needs it");
    return clock_parse_rfc3339(at, &in->send_at) ||
           err_set_field(e, ERR_INVALID, "SendAt", "not a time such as 2026-01-31T08:30:00Z");
}

static bool read_numbers(const struct form *f, struct submission *in, struct err *e) {
    struct sv validity = form_get(f, SV("ValidityPeriod")), smart = form_get(f, SV("SmartEncoded"));
    uint64_t s;
    if (validity.n) {
        if (!sv_to_u64(validity, &s) || s < 1 || s > VALIDITY_S_MAX)
            return err_set_field(e, ERR_INVALID, "ValidityPeriod", "a whole number of seconds from 1 to %d",
                                 VALIDITY_S_MAX);
        in->validity_s = (int64_t)s;
    }
    if (smart.n && !sv_eq_nocase(smart, SV("true")) && !sv_eq_nocase(smart, SV("false")))
        return err_set_field(e, ERR_INVALID, "SmartEncoded", "either true or false");
    if (smart.n)
        in->smart_encoding = sv_eq_nocase(smart, SV("true")) ? SMART_YES : SMART_NO;
    return true;
}

/* A template of ours takes the place of a content template at Twilio. *vars is the caller's. */
static bool read_content(const struct form *f, struct submission *in, json_t **vars, struct err *e) {
    struct sv given = form_get(f, SV("ContentVariables"));
    in->template = form_get(f, SV("ContentSid"));
    if (!in->template.n && given.n)
        return err_set_field(e, ERR_INVALID, "ContentSid", "ContentVariables are given, so it must be too");
    if (!in->template.n && !form_get(f, SV("Body")).n)
        return err_set_field(e, ERR_INVALID, "Body", "give a Body, or a ContentSid that names a template");
    if (in->template.n && form_get(f, SV("Body")).n)
        return err_set(e, ERR_INVALID, "give either Body or ContentSid, not both");
    if (!given.n)
        return true;
    *vars = json_loadb(given.p, given.n, JSON_REJECT_DUPLICATES, NULL);
    in->vars = *vars;
    return json_is_object(*vars) ||
           err_set_field(e, ERR_INVALID, "ContentVariables", "not a JSON object in a string");
}

/* What stands behind # tunes Twilio's own retries; it is neither posted to nor signed. */
static struct sv without_fragment(struct sv url) {
    return sv_cut(&url, '#');
}

static bool read_callback(const struct api_request *rq, const struct form *f, struct submission *in,
                          struct err *e) {
    struct sv url = form_get(f, SV("StatusCallback"));
    if (!url.n)
        return true;
    in->status_callback = without_fragment(url);
    return api_check_callback(rq, "StatusCallback", in->status_callback, e);
}

static bool read_service(struct api_request *rq, const struct form *f, struct submission *in, struct err *e) {
    struct sv service = form_get(f, SV("MessagingServiceSid"));
    if (!service.n)
        return true;
    if (!twilio_is_service(service))
        return err_set_field(e, ERR_INVALID, "MessagingServiceSid",
                             "it is MG and 32 hexadecimal digits; leave it out, it is not needed here");
    BUF_AUTO struct buf kept = BUF_INIT(128);
    twilio_keep_service(service, &kept);
    in->metadata = arena_dup(&rq->x->arena, buf_sv(&kept));
    return true;
}

static bool read_key(const struct api_request *rq, struct submission *in, struct err *e) {
    if (!api_token_header(rq, "Idempotency-Key", KEY_CHARS_MAX, &in->idempotency_key, e))
        return false;
    return in->idempotency_key.n ||
           api_token_header(rq, "I-Twilio-Idempotency-Token", KEY_CHARS_MAX, &in->idempotency_key, e);
}

/* whatsapp:+1... is a number on another channel. */
static struct sv without_channel(struct sv address) {
    static const struct sv prefix = {"whatsapp:", 9};
    return sv_starts(address, prefix) ? sv_from(address, prefix.n) : address;
}

static bool read_addresses(const struct form *f, struct submission *in, struct err *e) {
    struct sv to = form_get(f, SV("To")), from = form_get(f, SV("From"));
    in->to = without_channel(to);
    in->from = without_channel(from);
    if (!to.n)
        return err_set_field(e, ERR_INVALID, "To", "such as +8613800138000");
    if (in->to.n != to.n)
        in->channel = CHANNEL_WHATSAPP;
    return !from.n || (in->to.n != to.n) == (in->from.n != from.n) ||
           err_set_field(e, ERR_INVALID, "From",
                         "From and To are of one channel: both whatsapp:, or neither");
}

/* Programs that set it and a gateway that knows no prices get along. */
static bool read_max_price(const struct api_request *rq, const struct form *f, struct submission *in,
                           struct err *e) {
    struct sv text = form_get(f, SV("MaxPrice"));
    return !text.n || !api_has_prices(api_settings(rq)) ||
           api_read_max_price(rq, "MaxPrice", text, &in->max_price, e);
}

static bool read_create(struct api_request *rq, const struct form *f, struct submission *in, json_t **vars,
                        struct err *e) {
    const struct settings *s = api_settings(rq);
    *in = (struct submission){
        .account_id = rq->account_id,
        .body = form_get(f, SV("Body")).n ? form_get(f, SV("Body")) : SV_NONE,
        .priority = s->defaults.priority,
        .delivery = s->defaults.delivery,
        .face = FACE_TWILIO,
        .fingerprint_of = rq->x->body,
        .traceparent = api_traceparent(rq),
        .names = &names,
    };
    if (!read_addresses(f, in, e))
        return false;
    if (form_has(f, SV("MediaUrl")))
        return err_set_field(e, ERR_INVALID, "MediaUrl", "this gateway sends texts only, no media");
    return read_content(f, in, vars, e) && read_schedule(f, in, e) && read_numbers(f, in, e) &&
           read_callback(rq, f, in, e) && read_service(rq, f, in, e) && read_max_price(rq, f, in, e) &&
           read_key(rq, in, e);
}

/* ---- answering ---- */

static void answer_created(struct api_request *rq, const struct twilio_message *shown, bool replayed) {
    struct buf *out = api_scratch(rq);
    twilio_print_message(shown, out);
    struct answer a = {.status = 201, .content_type = "application/json", .body = buf_sv(out)};
    if (replayed)
        a.headers[a.n_headers++] = (struct http_header){SV("Idempotency-Replayed"), SV("true")};
    api_answer(rq, &a);
}

static void replayed_before(struct api_request *rq, int64_t id) {
    struct err e = ERR_INIT;
    struct message *m = reader_message(api_db(rq), rq->account_id, id, &e);
    if (!m) {
        api_fail(rq, &e);
        return;
    }
    struct twilio_message shown = twilio_message_of(rq, m);
    answer_created(rq, &shown, true);
    message_free(m);
}

static void created(struct api_request *rq, const struct api_brief *b, bool replayed) {
    struct form f; /* read again: nothing of this face's own outlives the asking */
    if (replayed) {
        replayed_before(rq, b->id);
        return;
    }
    struct sv service = api_form(rq, &f, NULL) ? form_get(&f, SV("MessagingServiceSid")) : SV_NONE;
    struct twilio_message shown = {
        .sid = sid_message(api_world(rq)->id_key, b->id),
        .account = &rq->account_sid,
        .body = b->body,
        .to = b->to,
        .from = b->from,
        .channel = b->channel,
        .service = service,
        .status = twilio_first_status(b->state, service.n),
        .direction = b->direction,
        .segments = b->segments,
        .created_at = b->created_at,
        .updated_at = b->created_at,
    };
    if (b->state == STATE_SUPPRESSED) {
        shown.error_code = owed_twilio_code(b->reason);
        shown.error_text = sv_of(reason_meaning(b->reason));
    }
    answer_created(rq, &shown, false);
}

void twilio_create(struct api_request *rq) {
    JSON_AUTO json_t *vars = NULL;
    struct form f;
    struct submission in;
    struct err e = ERR_INIT;
    if (!twilio_own_account(rq))
        return;
    if (rq->x->body.n && api_content_is(rq, SV("application/json"))) {
        err_set(&e, ERR_INVALID, "send a form (application/x-www-form-urlencoded), as Twilio's SDKs do");
        api_fail(rq, &e);
        return;
    }
    if (!twilio_form(rq, &f, &e) || !read_create(rq, &f, &in, &vars, &e)) {
        api_fail(rq, &e);
        return;
    }
    api_submit(rq, &in, true, created);
}
