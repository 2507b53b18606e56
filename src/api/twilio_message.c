/* The Message resource: how it is printed, and what becomes of one that is there. */
#include "api/twilio.h"

#include "base/clock.h"
#include "base/json.h"
#include "notify/owed.h"
#include "provider/adapter.h"

#include <string.h>

enum { ERROR_TEXT_BYTES_MAX = 256, SERVICE_SID_BYTES = 34 };

/* ---- the Messaging Service a caller named ---- */

#define SERVICE_KEY "{\"messaging_service_sid\":\""

bool twilio_is_service(struct sv v) {
    uint8_t bytes[16];
    return sv_starts(v, SV("MG")) && hex_parse(sv_from(v, 2), bytes, sizeof bytes);
}

void twilio_keep_service(struct sv service, struct buf *out) {
    buf_adds(out, SERVICE_KEY);
    buf_add(out, service);
    buf_adds(out, "\"}");
}

struct sv twilio_kept_service(const struct message *m) {
    struct sv kept = m->text[TEXT_METADATA];
    if (m->face != FACE_TWILIO || !sv_starts(kept, SV(SERVICE_KEY)))
        return SV_NONE;
    return sv_sub(kept, sizeof SERVICE_KEY - 1, SERVICE_SID_BYTES);
}

/* ---- printing ---- */

static void print_date(const char *key, int64_t at, struct buf *out) {
    json_key(out, key);
    if (!at) {
        buf_adds(out, "null");
        return;
    }
    buf_addc(out, '"');
    clock_add_rfc2822(out, at);
    buf_addc(out, '"');
}

static void print_error(const struct twilio_message *m, struct buf *out) {
    if (!m->error_code) {
        buf_adds(out, ",\"error_code\":null,\"error_message\":null");
        return;
    }
    const struct twilio_code *c = twilio_code_find(m->error_code);
    BUF_AUTO struct buf text = BUF_INIT(ERROR_TEXT_BYTES_MAX);
    if (c)
        buf_adds(&text, c->title);
    if (c && m->error_text.n)
        buf_adds(&text, ": ");
    buf_add(&text, m->error_text);
    json_pair_i64(out, "error_code", m->error_code);
    json_pair_or_null(out, "error_message", buf_sv(&text));
}

static void print_address(const char *key, const struct twilio_message *m, struct sv address,
                          struct buf *out) {
    BUF_AUTO struct buf text = BUF_INIT(1024);
    if (m->channel != CHANNEL_WHATSAPP || !address.n) {
        json_pair_or_null(out, key, address);
        return;
    }
    buf_join(&text, SV("whatsapp:"), address);
    json_pair(out, key, buf_sv(&text));
}

/* A charge is below nought there. */
static void print_price(const struct twilio_message *m, struct buf *out) {
    BUF_AUTO struct buf text = BUF_INIT(64);
    if (m->currency.n)
        buf_addc(&text, '-');
    if (m->currency.n)
        price_print(m->cost, &text);
    json_pair_or_null(out, "price", buf_sv(&text));
    json_pair(out, "price_unit", m->currency.n ? m->currency : SV("USD"));
}

void twilio_print_message(const struct twilio_message *m, struct buf *out) {
    const char *account = m->account->text;
    buf_addc(out, '{');
    json_pair(out, "account_sid", sid_sv(m->account));
    json_pair(out, "api_version", SV("2010-04-01"));
    json_pair(out, "body", m->body);
    print_date("date_created", m->created_at, out);
    print_date("date_sent", m->sent_at, out);
    print_date("date_updated", m->updated_at, out);
    json_pair(out, "direction", m->direction == DIRECTION_IN ? SV("inbound") : SV("outbound-api"));
    print_error(m, out);
    print_address("from", m, m->from, out);
    json_pair_or_null(out, "messaging_service_sid", m->service);
    json_pair(out, "num_media", SV("0"));
    json_key(out, "num_segments");
    buf_addf(out, "\"%u\"", m->segments);
    print_price(m, out);
    json_pair(out, "sid", sid_sv(&m->sid));
    json_pair(out, "status", sv_of(m->status));
    buf_addf(out, ",\"subresource_uris\":{\"media\":\"/2010-04-01/Accounts/%s/Messages/%s/Media.json\"}",
             account, m->sid.text);
    print_address("to", m, m->to, out);
    buf_addf(out, ",\"uri\":\"/2010-04-01/Accounts/%s/Messages/%s.json\"}", account, m->sid.text);
}

const char *twilio_first_status(enum state s, bool service) {
    /* A message that can go at once is stored together with its first attempt. */
    bool fresh = s == STATE_ACCEPTED || s == STATE_QUEUED || s == STATE_SENDING;
    return fresh ? service ? "accepted" : "queued" : owed_twilio_status(s);
}

static bool is_twilio_lane(const struct settings *s, const char *name) {
    for (uint32_t i = 0; i < s->n_lanes; i++)
        if (strcmp(s->lanes[i].name, name) == 0)
            return strcmp(s->lanes[i].adapter->name, "twilio") == 0;
    return false;
}

static void explain(const struct settings *s, const struct head *h, struct twilio_message *out) {
    bool by_provider = h->state == STATE_FAILED || h->state == STATE_UNDELIVERED;
    if (!by_provider && h->state != STATE_EXPIRED && h->state != STATE_SUPPRESSED)
        return;
    if (by_provider && h->code && is_twilio_lane(s, h->lane)) {
        out->error_code = h->code;
        if (twilio_code_find(h->code)) /* its title says it */
            return;
    } else
        out->error_code = owed_twilio_code(h->reason);
    out->error_text = h->reason == REASON_NONE ? SV_NONE : sv_of(reason_meaning(h->reason));
}

struct twilio_message twilio_message_of(const struct api_request *rq, const struct message *m) {
    struct twilio_message out = {
        .sid = sid_message(api_world(rq)->id_key, m->id),
        .account = &rq->account_sid,
        .body = m->text[TEXT_BODY],
        .to = m->text[TEXT_TO],
        .from = m->text[TEXT_FROM],
        .channel = m->channel,
        .service = twilio_kept_service(m),
        .status = owed_twilio_status(m->head.state),
        .direction = m->direction,
        .segments = m->segments,
        .created_at = m->created_at,
        .updated_at = m->head.updated_at,
        .sent_at = m->direction == DIRECTION_IN ? m->created_at : m->head.sent_at,
        .cost = m->cost,
        .currency = sv_of(m->currency),
    };
    explain(api_settings(rq), &m->head, &out);
    return out;
}

/* ---- one that is there ---- */

bool twilio_own_account(struct api_request *rq) {
    if (sv_eq(rq->params[0], sid_sv(&rq->account_sid)))
        return true;
    api_problem(rq, PROBLEM_NOT_FOUND, NULL);
    return false;
}

static bool unnamed(struct err *e) {
    struct err why = *e;
    return why.field[0] ? err_set(e, why.kind, "%s: %s", why.field, why.text) : false;
}

bool twilio_form(struct api_request *rq, struct form *out, struct err *e) {
    return api_form(rq, out, e) || unnamed(e);
}

bool twilio_url_query(struct api_request *rq, struct form *out, struct err *e) {
    return api_query(rq, out, e) || unnamed(e);
}

static void answer_message(struct api_request *rq, const struct message *m) {
    struct buf *out = api_scratch(rq);
    struct twilio_message shown = twilio_message_of(rq, m);
    twilio_print_message(&shown, out);
    api_answer_json(rq, 200, buf_sv(out));
}

void twilio_fetch(struct api_request *rq) {
    if (!twilio_own_account(rq))
        return;
    struct message *m = api_find_message(rq, rq->params[1]);
    if (!m)
        return;
    answer_message(rq, m);
    message_free(m);
}

static void answer_stored(struct api_request *rq, struct ask *a) {
    struct err e = ERR_INIT;
    struct message *m = reader_message(api_db(rq), rq->account_id, a->id, &e);
    if (!m) {
        api_fail(rq, &e);
        return;
    }
    answer_message(rq, m);
    message_free(m);
}

static void answer_nothing(struct api_request *rq, struct ask *a) {
    (void)a;
    api_answer(rq, &(struct answer){.status = 204});
}

void twilio_delete(struct api_request *rq) {
    int64_t id;
    if (twilio_own_account(rq) && api_parse_sid(rq, rq->params[1], &id))
        api_command(rq, ASK_DELETE, id, answer_nothing);
}

/* Two things can be changed: Status=canceled withdraws a message that waits, an empty Body erases the text.
 */
static bool read_update(const struct form *f, enum ask_kind *kind, struct err *e) {
    struct sv status = form_get(f, SV("Status")), body = form_get(f, SV("Body"));
    if (status.n && !sv_eq(status, SV("canceled")))
        return err_set_field(e, ERR_INVALID, "Status", "the only status that can be set is `canceled`");
    if (status.n && body.p)
        return err_set_field(e, ERR_INVALID, "Status", "cancel and redact by two requests");
    if (body.n) /* not `Body`: that one's code says that the text is missing */
        return err_set(e, ERR_INVALID, "Body can only be emptied");
    if (!status.n && !body.p)
        return err_set(e, ERR_INVALID, "give Status=canceled, or an empty Body to redact the message");
    *kind = status.n ? ASK_CANCEL : ASK_REDACT;
    return true;
}

void twilio_update(struct api_request *rq) {
    struct form f;
    struct err e = ERR_INIT;
    enum ask_kind kind = ASK_KINDS;
    int64_t id;
    if (!twilio_own_account(rq))
        return;
    if (!twilio_form(rq, &f, &e) || !read_update(&f, &kind, &e)) {
        api_fail(rq, &e);
        return;
    }
    if (api_parse_sid(rq, rq->params[1], &id))
        api_command(rq, kind, id, answer_stored);
}
