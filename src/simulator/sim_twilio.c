#include "simulator/sim_twilio.h"

#include "base/json.h"
#include "model/form.h"
#include "simulator/sim.h"
#include "simulator/sim_answer.h"
#include "simulator/sim_call.h"
#include "simulator/sim_twilio_answer.h"

#include <string.h>

/* ---- accounts ---- */

static bool is_sid(struct sv v, const char *prefix) {
    uint8_t bytes[16];
    return v.n == SID_BYTES && sv_starts(v, sv_of(prefix)) && hex_parse(sv_from(v, 2), bytes, sizeof bytes);
}

static void set_text(char *out, struct sv v) {
    memcpy(out, v.p, v.n);
    out[v.n] = '\0';
}

static bool account_of(const struct sim *sim, struct sv sid, uint16_t *out) {
    for (size_t i = 0; i < sim->n_accounts; i++)
        if (sv_eq(sid, sv_make(sim->accounts[i].sid, SID_BYTES))) {
            *out = (uint16_t)i;
            return true;
        }
    return false;
}

/* Without credentials of our own any account may come along; its password is what signs its callbacks. */
static bool account_learn(struct sim *sim, struct sv sid, struct sv token, uint16_t *out) {
    if (!account_of(sim, sid, out)) {
        if (sim->n_accounts == SIM_ACCOUNTS_MAX)
            return false;
        *out = (uint16_t)sim->n_accounts++;
        set_text(sim->accounts[*out].sid, sid);
    }
    set_text(sim->accounts[*out].token, token);
    return true;
}

bool sim_twilio_fix_account(struct sim *sim, struct sv sid, struct sv token) {
    if (!is_sid(sid, "AC") || token.n == 0 || token.n > SIM_TOKEN_BYTES_MAX)
        return false;
    uint16_t number;
    sim->fixed_account = account_learn(sim, sid, token, &number);
    return sim->fixed_account;
}

bool sim_twilio_authenticate(struct sim *sim, struct exchange *x, struct sv sid, uint16_t *account) {
    struct sv header = exchange_header(x, "Authorization");
    struct buf BUF_AUTO plain = BUF_INIT(512);
    if (!sv_eq_nocase(sv_sub(header, 0, 6), SV("Basic ")) ||
        !base64_parse(sv_trim(sv_from(header, 6)), &plain) || !is_sid(sid, "AC"))
        return false;
    struct sv password = buf_sv(&plain);
    struct sv user = sv_cut(&password, ':');
    if (password.n == 0 || password.n > SIM_TOKEN_BYTES_MAX || memchr(password.p, '\0', password.n) ||
        !sv_eq(user, sid))
        return false;
    if (sim->fixed_account)
        return account_of(sim, sid, account) && sv_eq_secret(password, sv_of(sim->accounts[*account].token));
    return account_learn(sim, sid, password, account);
}

/* ---- one message ---- */

static void cancel(struct sim *sim, struct exchange *x, struct sim_message *m, uint64_t seq) {
    if (store_status(m, sim_now(sim)) != SIM_SCHEDULED) {
        answer_error(sim, x, 0, 30409, 0);
        return;
    }
    m->first = SIM_CANCELED;
    m->sent_ms = m->final_ms = SIM_NEVER;
    answer_message(sim, x, 200, seq);
}

/* Cancels a scheduled message (Status=canceled) or takes the text out of one (Body=). */
static void update(struct sim *sim, struct exchange *x, struct sim_message *m, uint64_t seq) {
    struct form form;
    if (!form_parse(x->body, &x->arena, &form, NULL)) {
        answer_error(sim, x, 0, 20422, 0);
        return;
    }
    struct sv status = form_get(&form, SV("Status")), body = form_get(&form, SV("Body"));
    if (sv_eq(status, SV("canceled"))) {
        cancel(sim, x, m, seq);
    } else if (body.p && body.n == 0 && !status.p) {
        m->redacted = true;
        answer_message(sim, x, 200, seq);
    } else {
        answer_error(sim, x, 0, 20422, 0);
    }
}

static void one_message(struct sim *sim, struct exchange *x, uint16_t account, struct sv sid) {
    uint64_t seq = store_seq(&sim->store, sid);
    struct sim_message *m = store_get(&sim->store, seq);
    if (!m || m->deleted || m->provider != TWILIO_PLACE || m->account != account) {
        answer_error(sim, x, 0, 20404, 0);
    } else if (x->method == HTTP_GET) {
        sim->stats.fetches++;
        answer_message(sim, x, 200, seq);
    } else if (x->method == HTTP_POST) {
        update(sim, x, m, seq);
    } else if (x->method == HTTP_DELETE) {
        m->deleted = true;
        struct answer a = {.status = 204};
        server_answer(x, &a);
    } else {
        answer_error(sim, x, 0, 20004, 0);
    }
}

/* ---- the account ---- */

static void account_json(struct sim *sim, struct exchange *x, uint16_t account) {
    struct sv sid = sv_of(sim->accounts[account].sid);
    struct buf *out = &sim->out;
    buf_reset(out);
    buf_addc(out, '{');
    json_pair(out, "sid", sid);
    json_pair(out, "friendly_name", SV("Hongyan simulator"));
    json_pair(out, "status", SV("active"));
    json_pair(out, "type", SV("Full"));
    json_pair(out, "owner_account_sid", sid);
    buf_adds(out, ",\"auth_token\":\"redacted\",\"date_created\":\"Thu, 01 Jan 2026 00:00:00 +0000\","
                  "\"date_updated\":\"Thu, 01 Jan 2026 00:00:00 +0000\",\"subresource_uris\":{}");
    buf_addf(out, ",\"uri\":\"/2010-04-01/Accounts/%.*s.json\"}", SV_FMT(sid));
    answer_json(x, 200, out);
}

static void balance_json(struct sim *sim, struct exchange *x, uint16_t account) {
    buf_reset(&sim->out);
    buf_addf(&sim->out, "{\"account_sid\":\"%s\",\"balance\":\"1000.00\",\"currency\":\"USD\"}",
             sim->accounts[account].sid);
    answer_json(x, 200, &sim->out);
}

/* ---- routes ---- */

static struct sv without_json(struct sv v) {
    return sv_ends(v, SV(".json")) ? sv_sub(v, 0, v.n - 5) : v;
}

static void handle(struct sim *sim, struct exchange *x) {
    sim->stats.requests++;
    struct sv rest = x->path;
    sv_cut(&rest, '/'); /* before the first slash */
    sv_cut(&rest, '/'); /* 2010-04-01 */
    bool accounts = sv_eq(sv_cut(&rest, '/'), SV("Accounts"));
    struct sv sid = without_json(sv_cut(&rest, '/'));
    struct sv what = without_json(sv_cut(&rest, '/'));
    struct sv message = without_json(sv_cut(&rest, '/'));
    uint16_t account;
    if (!accounts || rest.p)
        answer_error(sim, x, 0, 20404, 0);
    else if (!sim_twilio_authenticate(sim, x, sid, &account))
        answer_error(sim, x, 0, 20003, 0);
    else if (sv_eq(what, SV("Messages")) && message.n)
        one_message(sim, x, account, message);
    else if (sv_eq(what, SV("Messages")) && x->method == HTTP_POST)
        sim_twilio_create(sim, x, account);
    else if (x->method != HTTP_GET)
        answer_error(sim, x, 0, 20004, 0);
    else if (sv_eq(what, SV("Messages")))
        sim_twilio_list(sim, x, account);
    else if (sv_eq(what, SV("Balance")) && !message.n)
        balance_json(sim, x, account);
    else if (what.n == 0 && !message.n)
        account_json(sim, x, account);
    else
        answer_error(sim, x, 0, 20404, 0);
}

static bool takes(const struct exchange *x) {
    return sv_starts(x->path, SV("/2010-04-01/")) && !sim_twilio_voice.takes(x);
}

static int answer(struct sim *sim, const struct sim_call *call, struct buf *out) {
    uint64_t seq = call->items[0].seq;
    created_write(sim, seq, store_get(&sim->store, seq), out);
    return 201;
}

static void refuse(struct sim *sim, struct exchange *x, const struct sim_refusal *r) {
    answer_error(sim, x, r->status, r->code, r->retry_after_s);
}

const struct sim_face sim_twilio = {
    .name = "twilio",
    .title = "Twilio",
    .takes = takes,
    .handle = handle,
    .answer = answer,
    .content_type = "application/json",
    .refuse = refuse,
    .receipt = sim_twilio_receipt,
    .reply = sim_twilio_reply,
};
