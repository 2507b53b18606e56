#include "simulator/sim_reply.h"

#include "base/json.h"
#include "simulator/sim.h"
#include "simulator/sim_answer.h"
#include "text/segments.h"

#include <jansson.h>
#include <string.h>

enum { ANSWER_SHOWN_BYTES_MAX = 16 * 1024, ADDRESS_BYTES_MAX = 64, BODY_BYTES_MAX = 16 * 1024 };

/* A reply on its way. In the exchange's arena. */
struct reply {
    struct exchange *x;
    struct sid sid;
    uint64_t generation;
};

static void say(struct sim *sim, struct exchange *x, int status, const char *text) {
    buf_reset(&sim->out);
    buf_addf(&sim->out, "{\"status\":%d", status);
    json_pair(&sim->out, "detail", sv_of(text));
    buf_addc(&sim->out, '}');
    answer_json(x, status, &sim->out);
}

static void on_answer(struct sim *sim, void *ctx, const struct http_response *r) {
    struct reply *reply = ctx;
    if (reply->generation == sim->generation)
        sim->stats.replies_ok += r->transport == HTTP_ANSWERED && r->status >= 200 && r->status < 300;
    struct buf *out = &sim->out;
    buf_reset(out);
    buf_addc(out, '{');
    json_pair(out, "message_sid", sid_sv(&reply->sid));
    json_pair_i64(out, "http_status", r->status);
    json_pair(out, "answer", sv_sub(r->body, 0, ANSWER_SHOWN_BYTES_MAX));
    json_pair(out, "error", r->error);
    buf_addc(out, '}');
    sim->held--;
    answer_json(reply->x, 200, out);
}

/* A view into object; SV_NONE when there is no such text or it is too long. */
static struct sv text_of(const json_t *object, const char *key, size_t max) {
    const json_t *v = json_object_get(object, key);
    if (!json_is_string(v) || json_string_length(v) > max)
        return SV_NONE;
    return sv_make(json_string_value(v), json_string_length(v));
}

static const struct sim_account *find_account(const struct sim *sim, struct sv sid) {
    for (size_t i = sim->n_accounts; i-- > 0;)
        if (!sid.n || sv_eq(sid, sv_of(sim->accounts[i].sid)))
            return &sim->accounts[i];
    return NULL;
}

static void add_pair(struct form *f, struct sv key, struct sv value) {
    ASSERT(f->n < FORM_PAIRS_MAX);
    f->pairs[f->n++] = (struct form_pair){key, value};
}

static bool post(struct sim *sim, struct reply *reply, const json_t *object,
                 const struct sim_account *account) {
    static const char *const empty[] = {"FromCity", "FromState", "FromZip", "FromCountry",
                                        "ToCity",   "ToState",   "ToZip",   "ToCountry"};
    struct sv sid = sid_sv(&reply->sid), body = text_of(object, "body", BODY_BYTES_MAX);
    struct form f = {.n = 0};
    char segments[24];
    snprintf(segments, sizeof segments, "%zu", segments_count(body, SEGMENTS_INTERNATIONAL).segments);
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++)
        add_pair(&f, sv_of(empty[i]), SV_NONE);
    add_pair(&f, SV("MessageSid"), sid);
    add_pair(&f, SV("SmsSid"), sid);
    add_pair(&f, SV("SmsMessageSid"), sid);
    add_pair(&f, SV("SmsStatus"), SV("received"));
    add_pair(&f, SV("AccountSid"), sv_of(account->sid));
    add_pair(&f, SV("From"), text_of(object, "from", ADDRESS_BYTES_MAX));
    add_pair(&f, SV("To"), text_of(object, "to", ADDRESS_BYTES_MAX));
    add_pair(&f, SV("Body"), body);
    add_pair(&f, SV("NumMedia"), SV("0"));
    add_pair(&f, SV("NumSegments"), sv_of(segments));
    add_pair(&f, SV("ApiVersion"), SV("2010-04-01"));
    struct callback_post p = {.url = sv_of(sim->profile.inbound_url),
                              .token = sv_of(account->token),
                              .form = &f,
                              .dedup = sid,
                              .done = on_answer,
                              .ctx = reply};
    return callbacks_send(sim, &p, NULL);
}

static void reply_with(struct sim *sim, struct exchange *x, const json_t *object) {
    struct sv from = text_of(object, "from", ADDRESS_BYTES_MAX),
              to = text_of(object, "to", ADDRESS_BYTES_MAX), body = text_of(object, "body", BODY_BYTES_MAX);
    const struct sim_account *account = find_account(sim, text_of(object, "account_sid", ADDRESS_BYTES_MAX));
    if (!from.n || !to.n || !body.p) {
        say(sim, x, 400, "a reply is {\"from\", \"to\", \"body\"}, all texts");
        return;
    }
    if (!sim->profile.inbound_url[0] || !account) {
        say(sim, x, 409,
            sim->profile.inbound_url[0] ? "no account is known yet: give --account-sid and --auth-token"
                                        : "no inbound_url: give --inbound-url or set it in the profile");
        return;
    }
    struct reply *reply =
        callbacks_have_room(&sim->callbacks) ? arena_zalloc(&x->arena, sizeof *reply) : NULL;
    if (!reply) {
        say(sim, x, 503, "too much is under way: try again");
        return;
    }
    *reply = (struct reply){.x = x,
                            .sid = sid_random("SM", prng_next(&sim->sids), prng_next(&sim->sids)),
                            .generation = sim->generation};
    if (!post(sim, reply, object, account)) {
        say(sim, x, 400, "inbound_url cannot be called");
        return;
    }
    sim->held++;
    sim->stats.replies_sent++;
}

void reply_handle(struct sim *sim, struct exchange *x) {
    json_t *object = json_loadb(x->body.n ? x->body.p : "", x->body.n, JSON_REJECT_DUPLICATES, NULL);
    reply_with(sim, x, object);
    json_decref(object);
}
