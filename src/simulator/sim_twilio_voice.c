/* Twilio's calls, under the account's Calls: created with TwiML of their own or an address to fetch it from,
 * listed, fetched, ended; the status callback of their end. Source: Twilio's OpenAPI description and its
 * guides on TwiML and answering machines. A reply is a key pressed in a call that has a <Gather>. A call
 * rings no one: the course says how it ends. */
#include "simulator/sim_answer.h"
#include "simulator/sim_call.h"
#include "simulator/sim_twilio.h"
#include "simulator/sim_twilio_answer.h"

#include "base/clock.h"
#include "base/json.h"
#include "model/form.h"
#include "model/twilio_sign.h"
#include "simulator/sim.h"
#include "simulator/sim_twiml.h"

#include <jansson.h>
#include <string.h>

enum { TWIML_CHARS_MAX = 4000, TALK_S = 9, LIST_MAX = 1000 };

/* A machine answers there. */
#define MACHINE_NUMBER UINT64_C(15005550120)

/* ---- one call ---- */

static const char *status_word(struct sim *sim, const struct sim_message *m, enum sim_status status) {
    switch (status) {
    case SIM_SENT: return "in-progress";
    case SIM_DELIVERED: return "completed";
    case SIM_UNDELIVERED:
        return m->error_word && sv_eq(words_get(&sim->store.words, m->error_word), SV("busy")) ? "busy"
                                                                                               : "no-answer";
    case SIM_FAILED: return "failed";
    case SIM_CANCELED: return "canceled";
    case SIM_QUEUED:
    case SIM_ACCEPTED:
    case SIM_SCHEDULED: break;
    }
    return "queued";
}

static void sid_add(const struct sim *sim, uint64_t seq, struct buf *out) {
    struct sid sid = store_sid(&sim->store, seq);
    buf_adds(out, "CA");
    buf_add(out, sv_from(sid_sv(&sid), 2));
}

/* What stood in MachineDetection; kept in the row's extra. */
static bool detects(const struct sim_message *m, struct sv how) {
    struct buf BUF_AUTO text = BUF_INIT(64);
    buf_addf(&text, "\"machine_detection\":\"%.*s\"", SV_FMT(how));
    return sv_find(store_extra(m), buf_sv(&text)) != SIZE_MAX;
}

static struct sv answered_by(const struct sim_message *m) {
    bool soon = detects(m, SV("Enable")), late = detects(m, SV("DetectMessageEnd"));
    if (!soon && !late)
        return SV_NONE;
    if (m->number != MACHINE_NUMBER)
        return SV("human");
    return soon ? SV("machine_start") : SV("machine_end_beep");
}

static void write_call(struct sim *sim, uint64_t seq, const struct sim_message *m, bool created,
                       struct buf *out) {
    const struct sim_account *account = &sim->accounts[m->account];
    struct buf BUF_AUTO sid = BUF_INIT(64), BUF_AUTO to = BUF_INIT(64), BUF_AUTO date = BUF_INIT(64);
    enum sim_status status = created ? SIM_QUEUED : store_status(m, sim_now(sim));
    bool spoken = status == SIM_DELIVERED;
    sid_add(sim, seq, &sid);
    sim_number_add(&to, m->number);
    clock_add_rfc2822(&date, m->created_at);
    buf_addc(out, '{');
    json_pair(out, "sid", buf_sv(&sid));
    json_pair(out, "account_sid", sv_of(account->sid));
    json_pair(out, "api_version", SV("2010-04-01"));
    json_pair(out, "to", buf_sv(&to));
    json_pair(out, "from", words_get(&sim->store.words, m->from));
    json_pair(out, "direction", SV("outbound-api"));
    json_pair(out, "status", sv_of(status_word(sim, m, status)));
    json_pair(out, "date_created", buf_sv(&date));
    json_pair(out, "date_updated", buf_sv(&date));
    json_pair_or_null(out, "start_time", spoken ? buf_sv(&date) : SV_NONE);
    json_pair_or_null(out, "end_time", spoken ? buf_sv(&date) : SV_NONE);
    json_pair_or_null(out, "answered_by", spoken ? answered_by(m) : SV_NONE);
    if (status < SIM_DELIVERED)
        buf_adds(out, ",\"duration\":null");
    else
        buf_addf(out, ",\"duration\":\"%d\"", spoken ? TALK_S : 0);
    buf_addf(out, ",\"price\":null,\"price_unit\":\"USD\",\"uri\":\"/2010-04-01/Accounts/%s/Calls/%s.json\"}",
             account->sid, sid.p);
}

static void show(struct sim *sim, struct exchange *x, uint64_t seq) {
    buf_reset(&sim->out);
    write_call(sim, seq, store_get(&sim->store, seq), false, &sim->out);
    answer_json(x, 200, &sim->out);
}

/* Status=canceled: before it was answered; completed: at any time before its end. */
static void end_call(struct sim *sim, struct exchange *x, struct sim_message *m, uint64_t seq) {
    struct form form;
    enum sim_status status = store_status(m, sim_now(sim));
    struct sv wanted = form_parse(x->body, &x->arena, &form, NULL) ? form_get(&form, SV("Status")) : SV_NONE;
    bool cancel = sv_eq(wanted, SV("canceled")) && status == SIM_QUEUED,
         complete = sv_eq(wanted, SV("completed")) && status <= SIM_SENT;
    if (!cancel && !complete) {
        answer_error(sim, x, 0, 21220, 0);
        return;
    }
    m->first = cancel ? SIM_CANCELED : SIM_DELIVERED;
    m->sent_ms = m->final_ms = SIM_NEVER;
    show(sim, x, seq);
}

static void one_call(struct sim *sim, struct exchange *x, uint16_t account, struct sv sid) {
    struct buf BUF_AUTO own = BUF_INIT(64);
    buf_addf(&own, "SM%.*s", SV_FMT(sv_sub(sv_from(sid, 2), 0, 40)));
    uint64_t seq = sv_starts(sid, SV("CA")) ? store_seq(&sim->store, buf_sv(&own)) : 0;
    struct sim_message *m = store_get(&sim->store, seq);
    if (!m || m->provider != sim_face_number(&sim_twilio_voice) || m->account != account) {
        answer_error(sim, x, 0, 20404, 0);
    } else if (x->method == HTTP_GET) {
        sim->stats.fetches++;
        show(sim, x, seq);
    } else if (x->method == HTTP_POST) {
        end_call(sim, x, m, seq);
    } else {
        answer_error(sim, x, 0, 20004, 0);
    }
}

/* ---- the list: by To, newest first, all on one page ---- */

static void list(struct sim *sim, struct exchange *x, uint16_t account) {
    struct form form;
    uint64_t number, n = 0;
    int64_t now = sim_now(sim), lag_us = (int64_t)sim->profile.list_lag_ms * US_PER_MS;
    struct buf *out = &sim->out;
    sim->stats.lists++;
    buf_reset(out);
    if (!form_parse(x->query, &x->arena, &form, NULL)) {
        answer_error(sim, x, 0, 20422, 0);
        return;
    }
    struct sv to = form_get(&form, SV("To")), from = form_get(&form, SV("From"));
    bool by_number = to.n > 0;
    if (!sim_number_parse(to, &number))
        number = 0; /* nothing has that number */
    buf_adds(out, "{\"calls\":[");
    uint64_t newest = sim->store.next - 1;
    for (uint64_t seq = by_number ? store_older_of(&sim->store, number, 0) : newest;
         seq >= sim->store.first && seq && n < LIST_MAX;
         seq = by_number ? store_older_of(&sim->store, number, seq) : seq - 1) {
        const struct sim_message *m = store_get(&sim->store, seq);
        if (!m || m->provider != sim_face_number(&sim_twilio_voice) || m->account != account ||
            m->created_at + lag_us > now || (from.n && !sv_eq(from, words_get(&sim->store.words, m->from))))
            continue;
        buf_adds(out, n++ ? "," : "");
        write_call(sim, seq, m, false, out);
    }
    buf_adds(out,
             "],\"page\":0,\"page_size\":1000,\"start\":0,\"next_page_uri\":null,\"previous_page_uri\":null");
    json_pair_i64(out, "end", (int64_t)(n ? n - 1 : 0));
    json_pair(out, "uri", x->target);
    json_pair(out, "first_page_uri", x->target);
    buf_addc(out, '}');
    answer_json(x, 200, out);
}

/* ---- creating ---- */

static size_t utf8_chars(struct sv v) {
    size_t n = 0;
    for (size_t i = 0; i < v.n; i++)
        n += ((unsigned char)v.p[i] & 0xC0) != 0x80;
    return n;
}

static bool is_url(struct sv v) {
    return sv_starts(v, SV("https://")) || sv_starts(v, SV("http://"));
}

/* Twilio's code of what is wrong, or 0. */
static int read_call(const struct sim *sim, const struct form *f, struct sim_item *item, struct buf *said,
                     struct buf *extra) {
    struct sv to = form_get(f, SV("To")), from = form_get(f, SV("From")), twiml = form_get(f, SV("Twiml")),
              url = form_get(f, SV("Url")), machine = form_get(f, SV("MachineDetection"));
    struct sim_twiml doc = {.said = said};
    bool owned = sim->profile.n_senders == 0;
    uint64_t sender;
    item->callback = form_get(f, SV("StatusCallback"));
    if (!to.n || !from.n)
        return to.n ? 21213 : 21201;
    for (size_t i = 0; i < sim->profile.n_senders; i++)
        owned = owned || sv_eq(from, sv_of(sim->profile.senders[i]));
    if (!sim_number_parse(to, &item->draft.number))
        return 21211;
    if (!sim_number_parse(from, &sender) || !owned)
        return 21210;
    if (!url.n && !twiml.n)
        return 21205;
    if (item->callback.n && !is_url(item->callback))
        return 21609;
    if (utf8_chars(twiml) > TWIML_CHARS_MAX)
        return 32018;
    if (!url.n && !sim_twiml_read(twiml, &doc)) /* with an address, TwiML is not looked at */
        return 12100;
    buf_addc(extra, '{');
    json_pair(extra, "url", url);
    json_pair(extra, "machine_detection", machine);
    json_pair(extra, "timeout", form_get(f, SV("Timeout")));
    json_pair(extra, "language", doc.language);
    json_pair(extra, "voice", doc.voice);
    json_pair_i64(extra, "times", doc.times);
    json_pair(extra, "twiml", url.n ? SV_NONE : twiml);
    buf_addc(extra, '}');
    return extra->overflow || said->overflow ? 21205 : 0;
}

/* A call whose TwiML is fetched. */
struct fetch {
    uint64_t seq, generation;
};

static void on_document(struct sim *sim, void *ctx, const struct http_response *r) {
    struct fetch *f = ctx;
    struct buf BUF_AUTO said = BUF_INIT(UINT16_MAX);
    struct sim_twiml doc = {.said = &said};
    bool there = r->transport == HTTP_ANSWERED && r->status == 200 && sim_twiml_read(r->body, &doc);
    struct sv text = there ? buf_sv(&said) : SV("We're sorry, an application error has occurred. Goodbye.");
    if (f->generation == sim->generation && store_get(&sim->store, f->seq) &&
        !store_retell(&sim->store, f->seq, text))
        sim->stats.server_errors++;
    free(f);
}

/* Twilio asks when somebody picks up; here it is asked as soon as the call is there. */
static void fetch_document(struct sim *sim, uint64_t seq, struct sv url) {
    const struct sim_message *m = store_get(&sim->store, seq);
    struct fetch *f = callbacks_have_room(&sim->callbacks) ? malloc(sizeof *f) : NULL;
    struct buf BUF_AUTO sid = BUF_INIT(64), BUF_AUTO to = BUF_INIT(64);
    if (!f || !m) {
        free(f);
        return;
    }
    *f = (struct fetch){seq, sim->generation};
    const struct sim_account *account = &sim->accounts[m->account];
    sid_add(sim, seq, &sid);
    sim_number_add(&to, m->number);
    const struct form_pair pairs[] = {
        {SV("CallSid"), buf_sv(&sid)},
        {SV("AccountSid"), sv_of(account->sid)},
        {SV("From"), words_get(&sim->store.words, m->from)},
        {SV("To"), buf_sv(&to)},
        {SV("CallStatus"), SV("in-progress")},
        {SV("ApiVersion"), SV("2010-04-01")},
        {SV("Direction"), SV("outbound-api")},
    };
    struct form asked = {.n = sizeof pairs / sizeof pairs[0]};
    memcpy(asked.pairs, pairs, sizeof pairs);
    struct callback *c = callback_begin(sim, url);
    sim_twilio_post(c, &asked, SV_NONE, sv_of(account->token), SIGN_RIGHT);
    if (!callback_send(c, on_document, f, NULL))
        free(f);
}

static void create(struct sim *sim, struct exchange *x, uint16_t account) {
    struct form form;
    struct buf BUF_AUTO said = BUF_INIT(UINT16_MAX), BUF_AUTO extra = BUF_INIT(UINT16_MAX);
    if (!call_admit(sim, &sim_twilio_voice, x))
        return;
    struct sim_call *call = call_new(sim, &sim_twilio_voice, x, 1);
    if (!call)
        return;
    struct sim_item *item = &call->items[0];
    int code =
        form_parse(x->body, &x->arena, &form, NULL) ? read_call(sim, &form, item, &said, &extra) : 20422;
    if (!code && !words_put(&sim->store.words, form_get(&form, SV("From")), &item->draft.row.from))
        code = 20503;
    if (code) {
        sim->stats.rejected++;
        answer_error(sim, x, 0, code, 0);
        return;
    }
    item->draft.body = buf_sv(&said);
    item->draft.extra = buf_sv(&extra);
    item->draft.row.account = account;
    struct buf BUF_AUTO url = BUF_INIT(UINT16_MAX);
    buf_add(&url, form_get(&form, SV("Url")));
    uint64_t seq = sim->store.next;
    call_take(sim, call); /* x may be void from here on */
    if (url.n && sim->store.next > seq)
        fetch_document(sim, seq, buf_sv(&url));
}

/* ---- the face ---- */

static bool takes(const struct exchange *x) {
    return sv_starts(x->path, SV("/2010-04-01/")) &&
           (sv_ends(x->path, SV("/Calls.json")) || sv_find(x->path, SV("/Calls/")) != SIZE_MAX);
}

static void handle(struct sim *sim, struct exchange *x) {
    struct sv rest = x->path;
    sim->stats.requests++;
    for (int i = 0; i < 3; i++) /* "", 2010-04-01, Accounts */
        sv_cut(&rest, '/');
    struct sv sid = sv_cut(&rest, '/');
    sv_cut(&rest, '/'); /* Calls */
    struct sv one = sv_ends(rest, SV(".json")) ? sv_sub(rest, 0, rest.n - 5) : rest;
    uint16_t account;
    if (!sim_twilio_authenticate(sim, x, sid, &account))
        answer_error(sim, x, 0, 20003, 0);
    else if (one.n)
        one_call(sim, x, account, one);
    else if (x->method == HTTP_POST)
        create(sim, x, account);
    else if (x->method == HTTP_GET)
        list(sim, x, account);
    else
        answer_error(sim, x, 0, 20004, 0);
}

static int answer(struct sim *sim, const struct sim_call *call, struct buf *out) {
    uint64_t seq = call->items[0].seq;
    write_call(sim, seq, store_get(&sim->store, seq), true, out);
    return 201;
}

static void refuse(struct sim *sim, struct exchange *x, const struct sim_refusal *r) {
    answer_error(sim, x, r->status, r->code, r->retry_after_s);
}

/* Unless StatusCallbackEvent asks for more, only the end is told. */
static bool reports(enum sim_status status) {
    return status >= SIM_DELIVERED;
}

static void receipt(struct sim *sim, const struct sim_step *step, struct callback *c) {
    const struct sim_message *m = step->message;
    const struct sim_account *account = &sim->accounts[m->account];
    struct buf BUF_AUTO sid = BUF_INIT(64), BUF_AUTO to = BUF_INIT(64), BUF_AUTO time = BUF_INIT(64);
    bool spoken = step->status == SIM_DELIVERED;
    struct sv by = spoken ? answered_by(m) : SV_NONE;
    sid_add(sim, step->seq, &sid);
    sim_number_add(&to, m->number);
    clock_add_rfc2822(&time, step->at);
    const struct form_pair pairs[] = {
        {SV("CallSid"), buf_sv(&sid)},
        {SV("AccountSid"), sv_of(account->sid)},
        {SV("From"), words_get(&sim->store.words, m->from)},
        {SV("To"), buf_sv(&to)},
        {SV("CallStatus"), sv_of(status_word(sim, m, step->status))},
        {SV("ApiVersion"), SV("2010-04-01")},
        {SV("Direction"), SV("outbound-api")},
        {SV("CallDuration"), spoken ? SV("9") : SV("0")},
        {SV("Timestamp"), buf_sv(&time)},
        {SV("CallbackSource"), SV("call-progress-events")},
        {SV("SequenceNumber"), SV("0")},
        {SV("AnsweredBy"), by},
    };
    _Static_assert(TALK_S == 9, "as it is written above");
    struct form f = {.n = sizeof pairs / sizeof pairs[0] - (by.n ? 0 : 1)};
    memcpy(f.pairs, pairs, f.n * sizeof pairs[0]);
    sim_twilio_post(c, &f, buf_sv(&sid), sv_of(account->token), step->sign);
}

/* ---- keys ---- */

/* The newest call to that number, which somebody must be in. */
static struct sim_message *call_of(struct sim *sim, struct sv number, uint64_t *seq) {
    uint64_t digits;
    if (!sim_number_parse(number, &digits))
        return NULL;
    for (*seq = store_older_of(&sim->store, digits, 0); *seq;
         *seq = store_older_of(&sim->store, digits, *seq)) {
        struct sim_message *m = store_get(&sim->store, *seq);
        if (m && m->provider == sim_face_number(&sim_twilio_voice))
            return store_status(m, sim_now(sim)) < SIM_DELIVERED ? m : NULL;
    }
    return NULL;
}

/* What the call's <Gather> names. */
static bool reply_to(struct sim *sim, const struct sim_reply *said, struct buf *url, const char **why) {
    uint64_t seq;
    struct sim_message *m = call_of(sim, said->from, &seq);
    struct buf BUF_AUTO text = BUF_INIT(UINT16_MAX);
    struct sim_twiml doc = {.said = &text};
    *why = "nobody is in a call with that number";
    if (!m)
        return false;
    struct sv extra = store_extra(m);
    json_t *o = json_loadb(extra.p, extra.n, 0, NULL);
    const json_t *twiml = json_object_get(o, "twiml");
    *why = "that call asks for no keys";
    bool ok = sim_twiml_read(sv_make(json_string_value(twiml), json_string_length(twiml)), &doc) &&
              is_url(doc.action) && sim_twiml_text(url, doc.action);
    json_decref(o);
    return ok;
}

static bool reply(struct sim *sim, const struct sim_reply *said, struct callback *c, const char **why) {
    uint64_t seq;
    struct sim_message *m = call_of(sim, said->from, &seq);
    struct buf BUF_AUTO sid = BUF_INIT(64);
    *why = "nobody is in a call with that number";
    if (!m)
        return false;
    const struct sim_account *account = &sim->accounts[m->account];
    sid_add(sim, seq, &sid);
    struct form f = {.n = 0};
    const struct form_pair pairs[] = {
        {SV("CallSid"), buf_sv(&sid)},
        {SV("AccountSid"), sv_of(account->sid)},
        {SV("From"), words_get(&sim->store.words, m->from)},
        {SV("To"), said->from},
        {SV("CallStatus"), SV("in-progress")},
        {SV("ApiVersion"), SV("2010-04-01")},
        {SV("Direction"), SV("outbound-api")},
        {SV("Digits"), said->body},
        {SV("msg"), SV("Gather End")},
    };
    f.n = sizeof pairs / sizeof pairs[0];
    memcpy(f.pairs, pairs, sizeof pairs);
    sim_twilio_post(c, &f, SV_NONE, sv_of(account->token), SIGN_RIGHT);
    return true;
}

const struct sim_face sim_twilio_voice = {
    .name = "twilio-voice",
    .title = "Twilio (calls)",
    .takes = takes,
    .handle = handle,
    .answer = answer,
    .content_type = "application/json",
    .refuse = refuse,
    .reports = reports,
    .receipt = receipt,
    .reply_to = reply_to,
    .reply = reply,
};
