/* Twilio's posts: status callbacks and texts from handsets, as signed forms. */
#include "simulator/sim_twilio.h"

#include "base/clock.h"
#include "model/form.h"
#include "model/twilio_sign.h"
#include "simulator/sim.h"
#include "simulator/sim_twilio_answer.h"
#include "text/segments.h"

enum { DEDUP_BYTES_MAX = 64 };

static void add_pair(struct form *f, struct sv key, struct sv value) {
    ASSERT(f->n < FORM_PAIRS_MAX);
    f->pairs[f->n++] = (struct form_pair){key, value};
}

void sim_twilio_post(struct callback *c, const struct form *f, struct sv dedup, struct sv token,
                     enum callback_sign sign) {
    for (size_t i = 0; i < f->n; i++)
        form_add(&c->body, f->pairs[i].key, f->pairs[i].value);
    callback_header(c, "Content-Type", SV("application/x-www-form-urlencoded; charset=UTF-8"));
    if (dedup.n)
        callback_header(c, "I-Twilio-Idempotency-Token", dedup);
    if (sign == SIGN_NONE)
        return;
    struct buf BUF_AUTO signature = BUF_INIT(64);
    twilio_sign(sign == SIGN_RIGHT ? token : SV("00000000000000000000000000000000"), buf_sv(&c->url), f,
                &signature);
    callback_header(c, "X-Twilio-Signature", buf_sv(&signature));
}

/* The carrier's own idea of the time: YYMMDDhhmm, here always UTC. */
static void add_done_date(struct buf *out, int64_t at) {
    struct buf BUF_AUTO text = BUF_INIT(64);
    clock_add_rfc3339(&text, at); /* 2026-01-02T03:04:... */
    static const uint8_t places[] = {2, 3, 5, 6, 8, 9, 11, 12, 14, 15};
    for (size_t i = 0; i < sizeof places; i++)
        buf_addc(out, text.p[places[i]]);
}

void sim_twilio_receipt(struct sim *sim, const struct sim_step *step, struct callback *c) {
    const struct sim_message *m = step->message;
    const struct sim_account *account = &sim->accounts[m->account];
    struct sid sid = store_sid(&sim->store, step->seq);
    struct sv status = sv_of(sim_status_name(step->status));
    struct sv from = words_get(&sim->store.words, m->from),
              service = words_get(&sim->store.words, m->service);
    struct buf BUF_AUTO to = BUF_INIT(64), BUF_AUTO code = BUF_INIT(16), BUF_AUTO date = BUF_INIT(16);
    message_to(sim, m, &to);
    struct form f = {.n = 0};
    add_pair(&f, SV("AccountSid"), sv_of(account->sid));
    add_pair(&f, SV("ApiVersion"), SV("2010-04-01"));
    add_pair(&f, SV("From"), from);
    add_pair(&f, SV("To"), buf_sv(&to));
    add_pair(&f, SV("MessageSid"), sid_sv(&sid));
    add_pair(&f, SV("SmsSid"), sid_sv(&sid));
    add_pair(&f, SV("MessageStatus"), status);
    add_pair(&f, SV("SmsStatus"), status);
    if (service.n)
        add_pair(&f, SV("MessagingServiceSid"), service);
    if (step->code) {
        buf_add_i64(&code, step->code);
        add_pair(&f, SV("ErrorCode"), buf_sv(&code));
    }
    if (step->status == SIM_DELIVERED || step->status == SIM_UNDELIVERED) {
        add_done_date(&date, step->at);
        add_pair(&f, SV("RawDlrDoneDate"), buf_sv(&date));
    }
    char dedup[DEDUP_BYTES_MAX];
    snprintf(dedup, sizeof dedup, "%s-%u", sid.text, step->number);
    sim_twilio_post(c, &f, sv_of(dedup), sv_of(account->token), step->sign);
}

static const struct sim_account *find_account(const struct sim *sim, struct sv sid) {
    for (size_t i = sim->n_accounts; i-- > 0;)
        if (!sid.n || sv_eq(sid, sv_of(sim->accounts[i].sid)))
            return &sim->accounts[i];
    return NULL;
}

bool sim_twilio_reply(struct sim *sim, const struct sim_reply *reply, struct callback *c, const char **why) {
    static const char *const empty[] = {"FromCity", "FromState", "FromZip", "FromCountry",
                                        "ToCity",   "ToState",   "ToZip",   "ToCountry"};
    const struct sim_account *account = find_account(sim, reply->account);
    struct sv sid = sid_sv(&reply->sid);
    struct form f = {.n = 0};
    char segments[24];
    *why = "no account is known yet: give --account-sid and --auth-token";
    if (!account)
        return false;
    snprintf(segments, sizeof segments, "%zu", segments_count(reply->body, SEGMENTS_INTERNATIONAL).segments);
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++)
        add_pair(&f, sv_of(empty[i]), SV_NONE);
    add_pair(&f, SV("MessageSid"), sid);
    add_pair(&f, SV("SmsSid"), sid);
    add_pair(&f, SV("SmsMessageSid"), sid);
    add_pair(&f, SV("SmsStatus"), SV("received"));
    add_pair(&f, SV("AccountSid"), sv_of(account->sid));
    add_pair(&f, SV("From"), reply->from);
    add_pair(&f, SV("To"), reply->to);
    add_pair(&f, SV("Body"), reply->body);
    add_pair(&f, SV("NumMedia"), SV("0"));
    add_pair(&f, SV("NumSegments"), sv_of(segments));
    add_pair(&f, SV("ApiVersion"), SV("2010-04-01"));
    sim_twilio_post(c, &f, sid, sv_of(account->token), SIGN_RIGHT);
    return true;
}
