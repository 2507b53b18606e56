#include "simulator/sim_reply.h"

#include "base/json.h"
#include "simulator/sim.h"
#include "simulator/sim_answer.h"
#include "simulator/sim_face.h"

#include <jansson.h>
#include <string.h>

enum {
    ANSWER_SHOWN_BYTES_MAX = 16 * 1024,
    ADDRESS_BYTES_MAX = 64,
    BODY_BYTES_MAX = 16 * 1024,
    URL_BYTES_MAX = 8192
};

/* A reply on its way. In the exchange's arena. */
struct reply {
    struct exchange *x;
    struct sid sid;
    const struct sim_face *face;
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
    bool ok = r->transport == HTTP_ANSWERED && r->status >= 200 && r->status < 300;
    if (ok && reply->face->accepts)
        ok = reply->face->accepts(r);
    if (reply->generation == sim->generation)
        sim->stats.replies_ok += ok;
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

static const struct sim_face *face_of(const json_t *object) {
    struct sv name = text_of(object, "provider", ADDRESS_BYTES_MAX);
    int place = name.n ? sim_face_place(name) : 0;
    return place < 0 ? NULL : sim_faces[place];
}

static struct reply *begin(struct sim *sim, struct exchange *x, const struct sim_face *face) {
    struct reply *reply =
        callbacks_have_room(&sim->callbacks) ? arena_zalloc(&x->arena, sizeof *reply) : NULL;
    if (reply)
        *reply = (struct reply){.x = x,
                                .face = face,
                                .sid = sid_random("SM", prng_next(&sim->sids), prng_next(&sim->sids)),
                                .generation = sim->generation};
    return reply;
}

static void post(struct sim *sim, struct exchange *x, const struct sim_face *face, struct sim_reply *said,
                 struct sv url) {
    struct reply *reply = begin(sim, x, face);
    const char *why = "";
    if (!reply) {
        say(sim, x, 503, "too much is under way: try again");
        return;
    }
    said->sid = reply->sid;
    struct callback *c = callback_begin(sim, url);
    if (!face->reply(sim, said, c, &why)) {
        callback_drop(c);
        say(sim, x, 409, why);
        return;
    }
    if (!callback_send(c, on_answer, reply, NULL)) {
        say(sim, x, 400, "inbound_url cannot be called");
        return;
    }
    sim->held++;
    sim->stats.replies_sent++;
}

static void reply_with(struct sim *sim, struct exchange *x, const json_t *object) {
    const struct sim_face *face = face_of(object);
    struct sim_reply said = {.from = text_of(object, "from", ADDRESS_BYTES_MAX),
                             .to = text_of(object, "to", ADDRESS_BYTES_MAX),
                             .body = text_of(object, "body", BODY_BYTES_MAX),
                             .account = text_of(object, "account_sid", ADDRESS_BYTES_MAX)};
    if (!said.from.n || !said.to.n || !said.body.p || !face) {
        say(sim, x, 400,
            face ? "a reply is {\"from\", \"to\", \"body\"}, all texts" : "no such provider is played");
        return;
    }
    struct buf BUF_AUTO own = BUF_INIT(URL_BYTES_MAX);
    const char *why = "";
    if (face->reply_to && !face->reply_to(sim, &said, &own, &why)) {
        say(sim, x, 409, why);
        return;
    }
    struct sv url = face->reply_to ? buf_sv(&own) : sim_inbound_url(sim, face);
    if (!url.n && face->keep)
        say(sim, x, face->keep(sim, &said, &why) ? 200 : 409, why);
    else if (!url.n)
        say(sim, x, 409,
            face == sim_faces[0] ? "no inbound_url: give --inbound-url or set it in the profile"
                                 : "no inbound_url of that provider: set it in the profile");
    else
        post(sim, x, face, &said, url);
}

void reply_handle(struct sim *sim, struct exchange *x) {
    json_t *object = json_loadb(x->body.n ? x->body.p : "", x->body.n, JSON_REJECT_DUPLICATES, NULL);
    reply_with(sim, x, object);
    json_decref(object);
}
