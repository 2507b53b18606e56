/* Events of End User Messaging and replies of handsets, as Amazon Data Firehose posts them: records of base64
 * behind an access key, which is the `k` of the address. */
#include "simulator/sim_aws.h"

#include "base/codec.h"
#include "base/json.h"
#include "model/form.h"
#include "simulator/sim.h"

#include <jansson.h>

enum { EVENT_BYTES_MAX = 16 * 1024 };

static struct sv key_of(struct callback *c, struct arena *mem) {
    struct form f;
    size_t at = sv_find_char(buf_sv(&c->url), '?');
    struct sv query = at == SIZE_MAX ? SV_NONE : sv_from(buf_sv(&c->url), at + 1);
    return form_parse(query, mem, &f, NULL) ? form_get(&f, SV("k")) : SV_NONE;
}

static void write_post(struct callback *c, struct sv id, int64_t at, struct sv event,
                       enum callback_sign sign) {
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 64 * 1024);
    buf_addf(&c->body, "{\"requestId\":\"%.*s\",\"timestamp\":%lld,\"records\":[{\"data\":\"", SV_FMT(id),
             (long long)(at / 1000));
    base64_add(&c->body, event.p, event.n);
    buf_adds(&c->body, "\"}]}");
    callback_header(c, "Content-Type", SV("application/json"));
    callback_header(c, "X-Amz-Firehose-Protocol-Version", SV("1.0"));
    callback_header(c, "X-Amz-Firehose-Request-Id", id);
    if (sign != SIGN_NONE)
        callback_header(c, "X-Amz-Firehose-Access-Key",
                        sign == SIGN_RIGHT ? key_of(c, &mem) : SV("00000000000000000000000000000000"));
}

static const char *text_type(enum sim_status status, int code) {
    if (status == SIM_SENT)
        return "TEXT_SUCCESSFUL";
    if (status == SIM_DELIVERED)
        return "TEXT_DELIVERED";
    switch (code) {
    case 30004: return "TEXT_CARRIER_BLOCKED";
    case 30005:
    case 30006: return "TEXT_INVALID";
    case 30007: return "TEXT_SPAM";
    case 30008: return "TEXT_UNKNOWN";
    default: return "TEXT_UNREACHABLE";
    }
}

static const char *voice_type(enum sim_status status) {
    return status == SIM_SENT        ? "VOICE_ANSWERED"
           : status == SIM_DELIVERED ? "VOICE_COMPLETED"
           : status == SIM_FAILED    ? "VOICE_FAILED"
                                     : "VOICE_NO_ANSWER";
}

void sim_aws_receipt(struct sim *sim, const struct sim_step *step, struct callback *c) {
    const struct sim_message *m = step->message;
    struct buf BUF_AUTO event = BUF_INIT(EVENT_BYTES_MAX), BUF_AUTO id = BUF_INIT(64),
                        BUF_AUTO to = BUF_INIT(64);
    struct sv extra = store_extra(m);
    json_auto_t *said = json_loadb(extra.n ? extra.p : "", extra.n, 0, NULL);
    const json_t *context = json_object_get(said, "Context");
    const char *action = json_string_value(json_object_get(said, "Action"));
    bool voice = action && sv_eq(sv_of(action), SV("SendVoiceMessage"));
    sim_aws_id_add(sim, step->seq, &id);
    sim_to_add(&to, m);
    buf_addc(&event, '{');
    json_pair(&event, "eventType",
              step->word.n ? step->word
                           : sv_of(voice ? voice_type(step->status) : text_type(step->status, step->code)));
    json_pair(&event, "eventVersion", SV("1.0"));
    json_pair_i64(&event, "eventTimestamp", step->at / 1000);
    json_pair_bool(&event, "isFinal", step->status != SIM_SENT);
    json_pair(&event, "originationPhoneNumber", words_get(&sim->store.words, m->from));
    json_pair(&event, "destinationPhoneNumber", buf_sv(&to));
    json_pair(&event, "messageId", buf_sv(&id));
    char *dumped = json_is_object(context) ? json_dumps(context, JSON_COMPACT) : NULL;
    if (dumped) {
        json_key(&event, "context");
        buf_adds(&event, dumped);
    }
    free(dumped);
    buf_addc(&event, '}');
    write_post(c, buf_sv(&id), step->at, buf_sv(&event), step->sign);
}

bool sim_aws_reply(struct sim *sim, const struct sim_reply *reply, struct callback *c, const char **why) {
    struct buf BUF_AUTO event = BUF_INIT(2 * EVENT_BYTES_MAX);
    (void)why;
    buf_addc(&event, '{');
    json_pair(&event, "originationNumber", reply->from);
    json_pair(&event, "destinationNumber", reply->to);
    json_pair(&event, "messageKeyword", SV("KEYWORD"));
    json_pair(&event, "messageBody", reply->body);
    json_pair(&event, "inboundMessageId", sid_sv(&reply->sid));
    buf_addc(&event, '}');
    write_post(c, sid_sv(&reply->sid), sim_now(sim), buf_sv(&event), SIGN_RIGHT);
    return true;
}
