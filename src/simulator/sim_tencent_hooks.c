/* What both of Tencent's APIs share: numbers, words, receipts (arrays) and replies (objects). Nothing is
 * signed: what tells a true post from a lie is the secret in the address (k=). */
#include "simulator/sim_tencent.h"

#include "base/clock.h"
#include "base/json.h"
#include "simulator/sim.h"
#include "text/segments.h"

#include <string.h>

const struct sim_tencent_word *sim_tencent_word_of(int status, int code) {
    static const struct {
        int status, code; /* Twilio's */
        struct sim_tencent_word word;
    } rows[] = {
        {0, 21211, {"InvalidParameterValue.IncorrectPhoneNumber", 1016, "incorrect phone number"}},
        {0, 21614, {"InvalidParameterValue.IncorrectPhoneNumber", 1016, "incorrect phone number"}},
        {0, 21612, {"UnsupportedOperation.UnsupportedRegion", 1045, "unsupported region"}},
        {0, 21408, {"UnsupportedOperation.UnsupportedRegion", 1045, "unsupported region"}},
        {0, 21610, {"FailedOperation.PhoneNumberInBlacklist", 1015, "phone number in blacklist"}},
        {429, 0, {"RequestLimitExceeded", 1013, "your current request times exceeds the limit"}},
        {401, 0, {"AuthFailure.SignatureFailure", 1001, "the provided credentials could not be validated"}},
        {0, 0, {"FailedOperation.FailResolvePacket", 1004, "request packet could not be resolved"}},
    };
    static const struct sim_tencent_word internal = {"InternalError.Timeout", 1008, "request timeout"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if ((rows[i].code && rows[i].code == code) || (rows[i].status && rows[i].status == status))
            return &rows[i].word;
    return status >= 500 ? &internal : &rows[sizeof rows / sizeof rows[0] - 1].word;
}

/* ---- numbers ---- */

void sim_tencent_number(struct sim_tencent_number *out, struct sv nation, struct sv mobile,
                        struct arena *mem) {
    struct buf BUF_AUTO e164 = BUF_INIT(64);
    uint64_t x;
    *out = (struct sim_tencent_number){arena_dup(mem, nation), arena_dup(mem, mobile), 0, 0};
    if (nation.n > 4 || mobile.n > 15 || !sv_to_u64(mobile, &x) || (nation.n && !sv_to_u64(nation, &x)))
        return;
    buf_addf(&e164, "+%.*s%.*s", SV_FMT(nation), SV_FMT(mobile));
    bool mainland = sv_starts(buf_sv(&e164), SV("+86"));
    if (sim_number_parse(buf_sv(&e164), &out->number) && mainland && e164.n != 14)
        out->number = 0; /* +86 and eleven digits */
}

void sim_tencent_split(uint64_t number, struct buf *nation, struct buf *mobile) {
    struct buf BUF_AUTO digits = BUF_INIT(32);
    buf_add_u64(&digits, number);
    struct sv all = buf_sv(&digits);
    /* Codes of one digit: 1 and 7; of two here 86 and 44; the rest of three, as Hong Kong's 852. */
    size_t n = sv_starts(all, SV("1")) || sv_starts(all, SV("7"))     ? 1
               : sv_starts(all, SV("86")) || sv_starts(all, SV("44")) ? 2
                                                                      : 3;
    buf_add(nation, sv_sub(all, 0, n));
    buf_add(mobile, sv_from(all, n));
}

/* ---- calls ---- */

struct sv sim_tencent_text(const json_t *object, const char *key) {
    const json_t *v = json_object_get(object, key);
    return json_is_string(v) ? sv_make(json_string_value(v), json_string_length(v)) : SV_NONE;
}

bool sim_tencent_params(const json_t *object, const char *key, struct buf *out) {
    const json_t *list = json_object_get(object, key);
    if (list && !json_is_array(list))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        if (!json_is_string(v))
            return false;
        if (i)
            buf_addc(out, ',');
        buf_add(out, sv_make(json_string_value(v), json_string_length(v)));
    }
    return !out->overflow;
}

struct sim_call *sim_tencent_begin(struct sim *sim, const struct sim_face *face, struct exchange *x,
                                   struct sim_tencent_call *own, struct sv body, struct sv sign,
                                   struct sv extra, bool *answered) {
    size_t good = 0;
    *answered = false;
    for (size_t i = 0; i < own->n; i++)
        good += own->numbers[i].number != 0;
    if (!good)
        return NULL;
    struct sim_call *call = call_new(sim, face, x, good);
    *answered = !call;
    if (!call)
        return NULL;
    size_t segments = segments_count(body, SEGMENTS_INTERNATIONAL).segments;
    size_t at = 0;
    for (size_t i = 0; i < own->n; i++) {
        if (!own->numbers[i].number)
            continue;
        own->numbers[i].item = at;
        struct sim_draft *d = &call->items[at++].draft;
        d->number = own->numbers[i].number;
        d->body = body;
        d->extra = extra;
        d->reference = own->context.n <= UINT8_MAX ? own->context : SV_NONE;
        d->row.segments = (uint8_t)(segments < UINT8_MAX ? segments : UINT8_MAX);
        d->row.first = SIM_QUEUED;
        if (!words_put(&sim->store.words, sign, &d->row.from)) {
            struct sim_refusal r = {.status = 503};
            face->refuse(sim, x, &r);
            *answered = true;
            return NULL;
        }
    }
    call->own = own;
    return call;
}

/* ---- posts ---- */

bool sim_tencent_reports(enum sim_status status) {
    return status == SIM_DELIVERED || status == SIM_UNDELIVERED || status == SIM_FAILED;
}

struct sv sim_tencent_report(const struct sim *sim, const struct sim_message *m, enum sim_status status,
                             struct sv *code) {
    if (status == SIM_DELIVERED) {
        *code = SV("DELIVRD");
        return SV("SUCCESS");
    }
    *code = m->error_word ? words_get(&sim->store.words, m->error_word) : SV("002");
    return SV("FAIL");
}

/* The secret in the address wrong, or gone. */
static void spoil_secret(struct callback *c, enum callback_sign sign) {
    size_t at = sv_find(buf_sv(&c->url), SV("?k="));
    if (sign == SIGN_RIGHT || at == SIZE_MAX || c->url.n == at + 3)
        return;
    if (sign == SIGN_NONE)
        c->url.n = at;
    else
        c->url.p[c->url.n - 1] ^= 1;
    c->url.p[c->url.n] = '\0';
}

/* Beijing's: 2015-10-17 08:03:04 */
static void add_time(struct buf *out, const char *key, int64_t at) {
    struct buf BUF_AUTO text = BUF_INIT(64);
    clock_add_rfc3339(&text, at + 8 * 3600 * US_PER_S);
    text.p[10] = ' ';
    json_pair(out, key, sv_sub(buf_sv(&text), 0, 19));
}

void sim_tencent_receipt(struct sim *sim, const struct sim_step *step, struct callback *c) {
    struct buf BUF_AUTO nation = BUF_INIT(8), BUF_AUTO mobile = BUF_INIT(24);
    struct sid sid = store_sid(&sim->store, step->seq);
    struct sv code, status = sim_tencent_report(sim, step->message, step->status, &code);
    sim_tencent_split(step->message->number, &nation, &mobile);
    buf_adds(&c->body, "[{");
    add_time(&c->body, "user_receive_time", step->at);
    json_pair(&c->body, "nationcode", buf_sv(&nation));
    json_pair(&c->body, "mobile", buf_sv(&mobile));
    json_pair(&c->body, "report_status", status);
    json_pair(&c->body, "errmsg", step->word.n ? step->word : code);
    json_pair(&c->body, "description",
              step->status == SIM_DELIVERED ? SV("用户短信送达成功") : SV("短信未送达"));
    json_pair(&c->body, "sid", sid_sv(&sid));
    buf_adds(&c->body, "}]");
    callback_header(c, "Content-Type", SV("application/json"));
    spoil_secret(c, step->sign);
}

bool sim_tencent_reply(struct sim *sim, const struct sim_reply *reply, struct callback *c, const char **why) {
    struct buf BUF_AUTO nation = BUF_INIT(8), BUF_AUTO mobile = BUF_INIT(24);
    uint64_t number;
    *why = "from is no telephone number";
    if (!sim_number_parse(reply->from, &number))
        return false;
    sim_tencent_split(number, &nation, &mobile);
    buf_addc(&c->body, '{');
    json_pair(&c->body, "extend", SV(""));
    json_pair(&c->body, "mobile", buf_sv(&mobile));
    json_pair(&c->body, "nationcode", buf_sv(&nation));
    json_pair(&c->body, "sign", reply->to);
    json_pair(&c->body, "text", reply->body);
    json_pair_i64(&c->body, "time", sim_now(sim) / US_PER_S);
    buf_addc(&c->body, '}');
    callback_header(c, "Content-Type", SV("application/json"));
    return true;
}

bool sim_tencent_accepts(const struct http_response *r) {
    json_auto_t *root = json_loadb(r->body.p ? r->body.p : "", r->body.n, 0, NULL);
    const json_t *result = json_object_get(root, "result");
    return r->status == 200 && json_is_integer(result) && json_integer_value(result) == 0;
}
