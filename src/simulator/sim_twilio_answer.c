#include "simulator/sim_twilio_answer.h"

#include "base/clock.h"
#include "base/json.h"
#include "simulator/sim.h"
#include "simulator/sim_answer.h"
#include "simulator/sim_face.h"

/* Codes and texts: twilio.com/docs/api/errors. */
static const struct error_text {
    int code, status;
    const char *text;
} errors[] = {
    {20001, 400, "Unknown parameters"},
    {20003, 401, "Authenticate"},
    {20004, 405, "Method not allowed"},
    {20007, 400, "Page size too large"},
    {20404, 404, "The requested resource was not found"},
    {20422, 400, "Invalid Parameter"},
    {20429, 429, "Too Many Requests"},
    {20500, 500, "Internal Server Error"},
    {20503, 503, "Service Unavailable"},
    {12100, 400, "Document parse failure"},
    {21201, 400, "No 'To' number is specified"},
    {21205, 400, "Url parameter is required."},
    {21210, 400, "'From' phone number not verified"},
    {21213, 400, "'From' phone number is required"},
    {21220, 400, "Call is not in a state to be ended so."},
    {32018, 400, "The TwiML is longer than 4000 characters."},
    {21211, 400, "The 'To' number is not a valid phone number."},
    {21212, 400, "The 'From' number is not a valid phone number, shortcode, or alphanumeric sender ID."},
    {21408, 400,
     "Permission to send an SMS has not been enabled for the region indicated by the 'To' number."},
    {21602, 400, "Message body is required."},
    {21603, 400, "A 'From' phone number is required."},
    {21604, 400, "A 'To' phone number is required."},
    {21606, 400,
     "The 'From' phone number provided is not a valid message-capable Twilio phone number for this "
     "destination."},
    {21609, 400, "The 'StatusCallback' URL is not a valid URL."},
    {21610, 400, "Attempt to send to unsubscribed recipient"},
    {21611, 400, "This 'From' number has exceeded the maximum number of queued messages."},
    {21612, 400,
     "Message cannot be sent with the current combination of 'To' and/or 'From' parameters: the 'To' phone "
     "number is "
     "not currently reachable."},
    {21614, 400, "'To' number is not a valid mobile number"},
    {21617, 400, "The concatenated message body exceeds the 1600 character limit."},
    {21624, 400, "ValidityPeriod must be an integer between 1 and 36000 seconds."},
    {21701, 400, "The Messaging Service does not exist."},
    {21910, 400, "Invalid 'From' and 'To' pair. 'From' and 'To' should be of the same channel."},
    {30409, 409, "The message cannot be canceled."},
    {35111, 400, "The 'SendAt' parameter is required for a scheduled message."},
    {35114, 400, "The 'SendAt' timestamp is not valid or too far in the future or too soon."},
    {35118, 400, "A 'MessagingServiceSid' is required to schedule a message."},
    {35126, 400, "The 'ScheduleType' value is not valid: use 'fixed'."},
};

static const struct error_text *error_find(int status, int code) {
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (code ? errors[i].code == code : errors[i].status == status && errors[i].code < 21000)
            return &errors[i];
    return NULL;
}

/* Answers are full of dates of the same second, and formatting them cost more than all the rest. */
static void date(struct sim *sim, struct buf *out, const char *key, int64_t at) {
    if (at / US_PER_S != sim->date_s || !sim->date.n) {
        sim->date_s = at / US_PER_S;
        buf_reset(&sim->date);
        clock_add_rfc2822(&sim->date, at);
    }
    json_key(out, key);
    buf_addc(out, '"');
    buf_add(out, buf_sv(&sim->date));
    buf_addc(out, '"');
}

static void digits_text(struct buf *out, const char *key, unsigned n) {
    json_key(out, key);
    buf_addc(out, '"');
    buf_add_u64(out, n);
    buf_addc(out, '"');
}

static void write_uris(const struct sim_account *account, const struct sid *sid, struct buf *out) {
    struct buf BUF_AUTO base = BUF_INIT(256);
    buf_adds(&base, "\"/2010-04-01/Accounts/");
    buf_adds(&base, account->sid);
    buf_adds(&base, "/Messages/");
    buf_add(&base, sid_sv(sid));
    json_key(out, "uri");
    buf_add(out, buf_sv(&base));
    buf_adds(out, ".json\",\"subresource_uris\":{\"media\":");
    buf_add(out, buf_sv(&base));
    buf_adds(out, "/Media.json\",\"feedback\":");
    buf_add(out, buf_sv(&base));
    buf_adds(out, "/Feedback.json\"}");
}

void message_to(struct sim *sim, const struct sim_message *m, struct buf *out) {
    static const struct sv whatsapp = {"whatsapp:", 9};
    if (sv_starts(words_get(&sim->store.words, m->from), whatsapp))
        buf_add(out, whatsapp);
    sim_number_add(out, m->number);
}

void message_write(struct sim *sim, uint64_t seq, const struct sim_message *m, struct buf *out) {
    const struct sim_account *account = &sim->accounts[m->account];
    const struct words *words = &sim->store.words;
    struct sid sid = store_sid(&sim->store, seq);
    enum sim_status status = store_status(m, sim_now(sim));
    bool sent = status >= SIM_SENT && status != SIM_CANCELED,
         bad = status == SIM_UNDELIVERED || status == SIM_FAILED;
    /* With a Messaging Service the sender, and so the price, is chosen only when the message goes. */
    bool open = status == SIM_ACCEPTED || status == SIM_SCHEDULED;
    buf_addc(out, '{');
    json_pair(out, "account_sid", sv_of(account->sid));
    json_pair(out, "api_version", SV("2010-04-01"));
    json_pair(out, "body", store_body(m));
    date(sim, out, "date_created", m->created_at);
    if (sent)
        date(sim, out, "date_sent",
             m->created_at + (m->sent_ms != SIM_NEVER ? m->sent_ms : m->final_ms) * US_PER_MS);
    else
        buf_adds(out, ",\"date_sent\":null");
    date(sim, out, "date_updated", m->created_at);
    buf_adds(out, ",\"direction\":\"outbound-api\"");
    if (bad && m->error_code)
        json_pair_i64(out, "error_code", m->error_code);
    else
        buf_adds(out, ",\"error_code\":null");
    buf_adds(out, ",\"error_message\":null");
    json_pair_or_null(out, "from", open ? SV_NONE : words_get(words, m->from));
    json_pair_or_null(out, "messaging_service_sid", words_get(words, m->service));
    buf_adds(out, ",\"num_media\":\"0\"");
    digits_text(out, "num_segments", open ? 0 : m->segments);
    buf_adds(out, ",\"price\":null,\"price_unit\":\"USD\"");
    json_pair(out, "sid", sid_sv(&sid));
    json_pair(out, "status", sv_of(sim_status_name(status)));
    buf_adds(out, ",\"to\":\"");
    message_to(sim, m, out);
    buf_addc(out, '"');
    write_uris(account, &sid, out);
    buf_addc(out, '}');
}

void created_write(struct sim *sim, uint64_t seq, const struct sim_message *m, struct buf *out) {
    struct sim_message young = *m;
    young.sent_ms = young.final_ms = SIM_NEVER;
    message_write(sim, seq, &young, out);
}

void answer_message(struct sim *sim, struct exchange *x, int status, uint64_t seq) {
    const struct sim_message *m = store_get(&sim->store, seq);
    if (!m) {
        answer_nothing(x);
        return;
    }
    buf_reset(&sim->out);
    message_write(sim, seq, m, &sim->out);
    answer_json(x, status, &sim->out);
}

void answer_error(struct sim *sim, struct exchange *x, int status, int code, int retry_after_s) {
    const struct error_text *known = error_find(status, code);
    if (!status)
        status = known ? known->status : 400;
    if (!code)
        code = known ? known->code : 20000 + status;
    sim_count_status(sim, status);
    buf_reset(&sim->out);
    buf_addf(&sim->out, "{\"code\":%d,\"message\":", code);
    json_add_string(&sim->out, sv_of(known ? known->text : "Simulated error"));
    buf_addf(&sim->out, ",\"more_info\":\"https://www.twilio.com/docs/errors/%d\",\"status\":%d}", code,
             status);
    struct answer a = {.status = status, .content_type = "application/json", .body = buf_sv(&sim->out)};
    char seconds[16];
    snprintf(seconds, sizeof seconds, "%d", retry_after_s);
    if (retry_after_s > 0)
        a.headers[a.n_headers++] = (struct http_header){SV("Retry-After"), sv_of(seconds)};
    if (status == 401)
        a.headers[a.n_headers++] =
            (struct http_header){SV("WWW-Authenticate"), SV("Basic realm=\"Twilio API\"")};
    server_answer(x, &a);
}
