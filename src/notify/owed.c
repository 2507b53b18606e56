#include "notify/owed.h"

#include "base/clock.h"
#include "base/json.h"
#include "model/twilio_sign.h"

enum { POST_MAX_BYTES = 32 * 1024 };

const char *owed_twilio_status(enum state s) {
    static const char *const words[STATE_COUNT] = {
        [STATE_NONE] = "accepted",       [STATE_ACCEPTED] = "accepted",       [STATE_SCHEDULED] = "scheduled",
        [STATE_QUEUED] = "queued",       [STATE_SENDING] = "sending",         [STATE_SENT] = "sent",
        [STATE_DELIVERED] = "delivered", [STATE_UNDELIVERED] = "undelivered", [STATE_FAILED] = "failed",
        [STATE_EXPIRED] = "failed",      [STATE_CANCELED] = "canceled",       [STATE_SUPPRESSED] = "failed",
        [STATE_UNKNOWN] = "sending",     [STATE_RECEIVED] = "received",
    };
    return words[s];
}

static const int32_t reason_codes[REASON_COUNT] = {
    [REASON_NONE] = 0,
    [REASON_INVALID_NUMBER] = 30005,
    [REASON_OPTED_OUT] = 21610,
    [REASON_CONTENT_REJECTED] = 30007,
    [REASON_SENDER_REJECTED] = 21606,
    [REASON_CREDENTIALS] = 30002,
    [REASON_QUOTA] = 30001,
    [REASON_THROTTLED] = 20429,
    [REASON_PROVIDER_DOWN] = 30017,
    [REASON_UNREACHABLE] = 30003,
    [REASON_OUTCOME_UNKNOWN] = 30410, /* "not retried, to avoid duplicates": what happened here too */
    [REASON_EXPIRED] = 30036,
    [REASON_CANCELED] = 0,
    [REASON_NO_RECEIPT] = 0,
    [REASON_SCREENED] = 30007,
    [REASON_BLOCKED] = 30004,
    [REASON_DUPLICATE] = 30450,
    [REASON_NO_LANE] = 21612,
    [REASON_ATTEMPTS_EXHAUSTED] = 30008,
    [REASON_REJECTED] = 30008,
    [REASON_REQUEST_REJECTED] = 20422,
    [REASON_SCHEDULED] = 0,
    [REASON_LANE_FULL] = 0,
    [REASON_RECONCILING] = 0,
    [REASON_LANE_RATE] = 0,
    [REASON_NO_ROUTE] = 21612,
    [REASON_OTHER_PROVIDER_ID] = 0,
    [REASON_LANE_QUOTA] = 0,
    [REASON_WARM_UP] = 0,
};

int32_t owed_twilio_code(enum reason r) {
    ASSERT(r < REASON_COUNT);
    return reason_codes[r];
}

static bool owes(const struct event *ev) {
    switch (ev->state) {
    case STATE_SENT:
    case STATE_DELIVERED:
    case STATE_UNDELIVERED:
    case STATE_FAILED:
    case STATE_EXPIRED:
    case STATE_CANCELED:
    case STATE_SUPPRESSED: return true;
    case STATE_NONE:
    case STATE_ACCEPTED:
    case STATE_SCHEDULED:
    case STATE_QUEUED:
    case STATE_SENDING:
    case STATE_UNKNOWN:
    case STATE_RECEIVED:
    case STATE_COUNT: return false;
    }
    return false;
}

bool owed_mark(const struct message *m, struct change *c) {
    if (!m->text[TEXT_STATUS_CALLBACK].n)
        return false;
    for (unsigned i = 0; i < c->n_events; i++) {
        if (!c->events[i].note && owes(&c->events[i]))
            c->callbacks |= 1u << i;
    }
    return c->callbacks != 0;
}

static bool finish(struct http_request *out, struct arena *mem, struct sv url, struct buf *body,
                   const char *type, const struct owed *o) {
    out->method = HTTP_POST;
    out->url = arena_dup(mem, url);
    out->body = arena_dup(mem, buf_sv(body));
    struct sv trace = o->message->text[TEXT_TRACEPARENT];
    bool ok = http_add_header(out, SV("Content-Type"), sv_of(type));
    if (trace.n)
        ok = ok && http_add_header(out, SV("traceparent"), trace);
    return ok && !mem->full && !body->overflow;
}

/* An address as Twilio writes it: with the word before it that its channel has. */
static struct sv twilio_address(const struct message *m, struct sv address, struct arena *mem) {
    struct buf BUF_AUTO text = BUF_INIT(1024);
    if (m->channel != CHANNEL_WHATSAPP || !address.n)
        return address;
    buf_join(&text, SV("whatsapp:"), address);
    return arena_dup(mem, buf_sv(&text));
}

static bool build_twilio(const struct world *w, const struct owed *o, struct arena *mem,
                         struct http_request *out) {
    const struct message *m = o->message;
    struct buf BUF_AUTO body = BUF_INIT(POST_MAX_BYTES);
    struct sid sid = sid_message(w->id_key, m->id);
    char code[16];
    int32_t shown = o->code ? o->code : owed_twilio_code(o->reason);
    snprintf(code, sizeof code, "%d", shown);
    struct form *f = arena_zalloc(mem, sizeof *f);
    if (!f)
        return false;
    const struct form_pair pairs[] = {
        {SV("AccountSid"), o->account_sid},
        {SV("ApiVersion"), SV("2010-04-01")},
        {SV("From"), twilio_address(m, m->text[TEXT_FROM], mem)},
        {SV("MessageSid"), sid_sv(&sid)},
        {SV("MessageStatus"), sv_of(owed_twilio_status(o->state))},
        {SV("SmsSid"), sid_sv(&sid)},
        {SV("SmsStatus"), sv_of(owed_twilio_status(o->state))},
        {SV("To"), twilio_address(m, m->text[TEXT_TO], mem)},
        {SV("ErrorCode"), sv_of(code)},
    };
    f->n = sizeof pairs / sizeof pairs[0] - (shown == 0);
    for (size_t i = 0; i < f->n; i++) {
        f->pairs[i] = pairs[i];
        form_add(&body, pairs[i].key, pairs[i].value);
    }
    struct buf BUF_AUTO signature = BUF_INIT(64);
    twilio_sign(o->account_token, m->text[TEXT_STATUS_CALLBACK], f, &signature);
    return finish(out, mem, m->text[TEXT_STATUS_CALLBACK], &body, "application/x-www-form-urlencoded", o) &&
           http_add_header(out, SV("X-Twilio-Signature"), arena_dup(mem, buf_sv(&signature)));
}

static bool build_native(const struct world *w, const struct owed *o, struct arena *mem,
                         struct http_request *out) {
    const struct message *m = o->message;
    int64_t now = world_now(w);
    struct sid sid = sid_message(w->id_key, m->id);
    struct buf BUF_AUTO body = BUF_INIT(POST_MAX_BYTES);
    buf_adds(&body, "{\"type\":\"message.");
    buf_adds(&body, state_name(o->state));
    buf_adds(&body, "\"");
    json_pair_time(&body, "timestamp", o->at);
    json_key(&body, "data");
    buf_addc(&body, '{');
    json_pair(&body, "id", sid_sv(&sid));
    json_pair(&body, "status", sv_of(state_name(o->state)));
    json_pair_i64(&body, "event", o->event);
    json_pair(&body, "to", m->text[TEXT_TO]);
    json_pair_or_null(&body, "from", m->text[TEXT_FROM]);
    if (o->reason != REASON_NONE)
        json_pair(&body, "reason", sv_of(reason_name(o->reason)));
    if (o->code)
        json_pair_i64(&body, "provider_code", o->code);
    if (m->text[TEXT_METADATA].n) {
        json_key(&body, "metadata");
        buf_add(&body, m->text[TEXT_METADATA]);
    }
    buf_adds(&body, "}}");

    struct buf BUF_AUTO id = BUF_INIT(64), stamp = BUF_INIT(32), text = BUF_INIT(POST_MAX_BYTES + 128),
                        signature = BUF_INIT(64);
    buf_addf(&id, "%s-%u", sid.text, o->event);
    buf_add_i64(&stamp, now / US_PER_S);
    buf_addf(&text, "%s.%s.", id.p, stamp.p);
    buf_add(&text, buf_sv(&body));
    uint8_t mac[SHA256_BYTES];
    hmac_sha256(o->account_token, buf_sv(&text), mac);
    buf_adds(&signature, "v1,");
    base64_add(&signature, mac, sizeof mac);
    return finish(out, mem, m->text[TEXT_STATUS_CALLBACK], &body, "application/json", o) &&
           http_add_header(out, SV("webhook-id"), arena_dup(mem, buf_sv(&id))) &&
           http_add_header(out, SV("webhook-timestamp"), arena_dup(mem, buf_sv(&stamp))) &&
           http_add_header(out, SV("webhook-signature"), arena_dup(mem, buf_sv(&signature)));
}

bool owed_build(const struct world *w, const struct owed *o, struct arena *mem, struct http_request *out,
                struct err *e) {
    *out = (struct http_request){0};
    bool ok = o->message->face == FACE_TWILIO ? build_twilio(w, o, mem, out) : build_native(w, o, mem, out);
    return (ok && !mem->full) || err_set(e, ERR_TOO_LARGE, "the status callback does not fit");
}
