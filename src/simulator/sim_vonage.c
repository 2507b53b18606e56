/* Vonage's SMS API: POST /sms/json and GET /account/get-balance with Basic authentication; receipts and
 * replies as signed forms (HMAC-SHA256 with the account's `secret`). Sources: the vendor's API reference,
 * "Troubleshooting SMS", "Signing messages"; nothing is taken from the adapter. */
#include "simulator/sim_vonage.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/json.h"
#include "model/form.h"
#include "simulator/sim.h"
#include "simulator/sim_answer.h"
#include "text/segments.h"

#include <jansson.h>
#include <string.h>

enum { TEXT_CHARS_MAX = 3200, PAIRS_MAX = 16 };

/* ---- answers ---- */

static const struct word {
    int status, code; /* ours; see sim_face.h */
    int own;
    const char *text;
} words[] = {
    {401, 0, 4, "Bad Credentials"},
    {429, 0, 1, "Throughput Rate Exceeded - please wait [ 250 ] and retry"},
    {0, 21211, 6, "Unroutable message - rejected"},
    {0, 21614, 6, "Unroutable message - rejected"},
    {0, 21612, 6, "Unroutable message - rejected"},
    {0, 21610, 7, "Number barred"},
    {0, 21408, 29, "Non White-listed Destination - rejected"},
    {0, 21617, 12, "Message too long"},
    {0, 21606, 15, "Illegal Sender Address - rejected"},
    {0, 0, 3, "Invalid value for a parameter"},
};

static const struct word *word_of(int status, int code) {
    size_t n = sizeof words / sizeof words[0];
    for (size_t i = 0; i + 1 < n; i++)
        if ((words[i].code && words[i].code == code) || (words[i].status && words[i].status == status))
            return &words[i];
    return &words[n - 1];
}

static void say_status(struct sim *sim, struct exchange *x, int own, const char *text) {
    buf_reset(&sim->out);
    buf_addf(&sim->out, "{\"message-count\":\"1\",\"messages\":[{\"status\":\"%d\"", own);
    json_pair(&sim->out, "error-text", sv_of(text));
    buf_adds(&sim->out, "}]}");
    answer_json(x, 200, &sim->out);
}

static void refuse(struct sim *sim, struct exchange *x, const struct sim_refusal *r) {
    const struct word *w = word_of(r->status, r->code);
    uint64_t own;
    sim_count_status(sim, r->status);
    if (r->status >= 500) {
        buf_reset(&sim->out);
        buf_adds(&sim->out, "{\"title\":\"Internal Error\"}");
        answer_json(x, r->status, &sim->out);
    } else {
        say_status(sim, x, sv_to_u64(r->word, &own) && own <= UINT16_MAX ? (int)own : w->own, w->text);
    }
}

static void reject(struct sim *sim, struct exchange *x, int code) {
    const struct sim_refusal r = {.status = 400, .code = code};
    sim->stats.rejected++;
    refuse(sim, x, &r);
}

static int answer(struct sim *sim, const struct sim_call *call, struct buf *out) {
    const struct sim_item *item = &call->items[0];
    struct sid sid = store_sid(&sim->store, item->seq);
    unsigned parts = item->draft.row.segments ? item->draft.row.segments : 1;
    buf_addf(out, "{\"message-count\":\"%u\",\"messages\":[", parts);
    for (unsigned i = 0; i < parts; i++) {
        buf_addf(out, "%s{\"to\":\"%llu\",\"message-id\":\"%.*s", i ? "," : "",
                 (unsigned long long)item->draft.number, SV_FMT(sid_sv(&sid)));
        if (i)
            buf_addf(out, "-%u", i + 1);
        buf_adds(out,
                 "\",\"status\":\"0\",\"remaining-balance\":\"10.28000000\",\"message-price\":\"0.03330000\","
                 "\"network\":\"23410\"}");
    }
    buf_adds(out, "]}");
    return 200;
}

/* ---- requests ---- */

static bool is_known(struct sim *sim, const struct exchange *x) {
    struct sim_access access = sim_access(sim, &sim_vonage);
    struct buf BUF_AUTO pair = BUF_INIT(1024), BUF_AUTO right = BUF_INIT(2048);
    buf_join(&pair, access.account, SV(":"), access.secret);
    buf_adds(&right, "Basic ");
    base64_add(&right, pair.p, pair.n);
    return sv_eq_secret(exchange_header(x, "Authorization"), buf_sv(&right));
}

static struct sv text_of(const json_t *o, const char *key) {
    const json_t *v = json_object_get(o, key);
    return json_is_string(v) ? sv_make(json_string_value(v), json_string_length(v)) : SV_NONE;
}

/* Digits alone, as Vonage writes numbers. */
static bool read_number(struct sv digits, uint64_t *out) {
    struct buf BUF_AUTO e164 = BUF_INIT(32);
    buf_join(&e164, SV("+"), digits);
    return !e164.overflow && sim_number_parse(buf_sv(&e164), out);
}

static int read_message(const json_t *rq, struct sim_item *item, struct buf *extra) {
    struct sv to = text_of(rq, "to"), from = text_of(rq, "from"), text = text_of(rq, "text"),
              type = text_of(rq, "type");
    struct segments counted = segments_count(text, SEGMENTS_INTERNATIONAL);
    if (!to.n || !from.n || !text.n || (type.n && !sv_eq(type, SV("unicode")) && !sv_eq(type, SV("text"))))
        return 1; /* none of Twilio's: status 3 */
    if (!read_number(to, &item->draft.number))
        return 21211;
    if (from.n > 15 || sv_starts(from, SV("+")))
        return 21606;
    if (text.n > TEXT_CHARS_MAX)
        return 21617;
    if (counted.encoding == SMS_UCS2 && !sv_eq(type, SV("unicode")))
        return 1; /* Vonage would send question marks; here it is told */
    item->draft.body = text;
    item->draft.reference = text_of(rq, "client-ref");
    item->callback = text_of(rq, "callback");
    item->draft.row.segments = (uint8_t)(counted.segments < UINT8_MAX ? counted.segments : UINT8_MAX);
    buf_addc(extra, '{');
    json_pair(extra, "type", type);
    json_pair_i64(extra, "ttl", json_integer_value(json_object_get(rq, "ttl")));
    buf_addc(extra, '}');
    return item->draft.reference.n > 100 ? 1 : 0;
}

static void send(struct sim *sim, struct exchange *x) {
    json_auto_t *rq = json_loadb(x->body.n ? x->body.p : "", x->body.n, 0, NULL);
    struct buf BUF_AUTO extra = BUF_INIT(1024);
    if (!is_known(sim, x)) {
        refuse(sim, x, &(struct sim_refusal){.status = 401});
        return;
    }
    if (!call_admit(sim, &sim_vonage, x))
        return;
    struct sim_call *call = call_new(sim, &sim_vonage, x, 1);
    if (!call)
        return;
    int code = read_message(rq, &call->items[0], &extra);
    if (!code && !words_put(&sim->store.words, text_of(rq, "from"), &call->items[0].draft.row.from))
        code = 1;
    if (code) {
        reject(sim, x, code);
        return;
    }
    call->items[0].callback = arena_dup(&x->arena, call->items[0].callback); /* beyond the request's JSON */
    call->items[0].draft.body = arena_dup(&x->arena, call->items[0].draft.body);
    call->items[0].draft.reference = arena_dup(&x->arena, call->items[0].draft.reference);
    call->items[0].draft.extra = arena_dup(&x->arena, buf_sv(&extra));
    call_take(sim, call);
}

static bool takes(const struct exchange *x) {
    return sv_eq(x->path, SV("/sms/json")) || sv_eq(x->path, SV("/account/get-balance"));
}

static void handle(struct sim *sim, struct exchange *x) {
    sim->stats.requests++;
    if (sv_eq(x->path, SV("/sms/json"))) {
        send(sim, x);
        return;
    }
    bool known = is_known(sim, x);
    buf_reset(&sim->out);
    buf_adds(&sim->out, known ? "{\"value\":10.28,\"autoReload\":false}"
                              : "{\"error-code\":\"401\",\"error-code-label\":\"authentication failed\"}");
    sim_count_status(sim, known ? 200 : 401);
    answer_json(x, known ? 200 : 401, &sim->out);
}

/* ---- posts ---- */

static int by_key(const void *a, const void *b) {
    return sv_cmp(((const struct form_pair *)a)->key, ((const struct form_pair *)b)->key);
}

static void post(struct sim *sim, struct callback *c, struct form_pair *pairs, size_t n,
                 enum callback_sign how) {
    struct buf BUF_AUTO text = BUF_INIT(UINT16_MAX), BUF_AUTO hex = BUF_INIT(80);
    uint8_t mac[SHA256_BYTES];
    qsort(pairs, n, sizeof *pairs, by_key);
    for (size_t i = 0; i < n; i++) {
        form_add(&c->body, pairs[i].key, pairs[i].value);
        buf_join(&text, SV("&"), pairs[i].key, SV("="));
        for (size_t k = 0; k < pairs[i].value.n; k++) {
            char ch = pairs[i].value.p[k];
            buf_addc(&text, ch == '&' || ch == '=' ? '_' : ch);
        }
    }
    hmac_sha256(how == SIGN_RIGHT ? sim_access(sim, &sim_vonage).secret : SV("somebody else's"),
                buf_sv(&text), mac);
    hex_add(&hex, mac, sizeof mac);
    if (how != SIGN_NONE)
        form_add(&c->body, SV("sig"), buf_sv(&hex));
    callback_header(c, "Content-Type", SV("application/x-www-form-urlencoded"));
}

/* err-code of what Twilio's code says. */
static const char *err_code_of(const struct sim_step *step) {
    switch (step->code) {
    case 30005: return "9"; /* unknown handset */
    case 30007: return "6"; /* filtered */
    case 30004: return "4"; /* blocked */
    default: return step->status == SIM_DELIVERED ? "0" : "2";
    }
}

static void receipt(struct sim *sim, const struct sim_step *step, struct callback *c) {
    struct sid sid = store_sid(&sim->store, step->seq);
    struct buf BUF_AUTO number = BUF_INIT(32), BUF_AUTO at = BUF_INIT(32), BUF_AUTO code = BUF_INIT(32);
    struct sv ref = store_reference(step->message);
    buf_add_u64(&number, step->message->number);
    buf_add_i64(&at, step->at / US_PER_S);
    if (step->word.n)
        buf_add(&code, step->word);
    else
        buf_adds(&code, err_code_of(step));
    struct form_pair pairs[PAIRS_MAX] = {
        {SV("msisdn"), buf_sv(&number)},
        {SV("to"), words_get(&sim->store.words, step->message->from)},
        {SV("network-code"), SV("23410")},
        {SV("messageId"), sid_sv(&sid)},
        {SV("price"), SV("0.03330000")},
        {SV("status"), step->status == SIM_DELIVERED ? SV("delivered")
                       : step->status == SIM_FAILED  ? SV("rejected")
                                                     : SV("failed")},
        {SV("err-code"), buf_sv(&code)},
        {SV("api-key"), sim_access(sim, &sim_vonage).account},
        {SV("timestamp"), buf_sv(&at)},
        {SV("client-ref"), ref},
    };
    post(sim, c, pairs, ref.n ? 10 : 9, step->sign);
}

static bool reply(struct sim *sim, const struct sim_reply *said, struct callback *c, const char **why) {
    struct buf BUF_AUTO at = BUF_INIT(32);
    (void)why;
    buf_add_i64(&at, sim_now(sim) / US_PER_S);
    struct form_pair pairs[PAIRS_MAX] = {
        {SV("msisdn"), sv_starts(said->from, SV("+")) ? sv_from(said->from, 1) : said->from},
        {SV("to"), sv_starts(said->to, SV("+")) ? sv_from(said->to, 1) : said->to},
        {SV("messageId"), sid_sv(&said->sid)},
        {SV("text"), said->body},
        {SV("type"), SV("text")},
        {SV("api-key"), sim_access(sim, &sim_vonage).account},
        {SV("timestamp"), buf_sv(&at)},
    };
    post(sim, c, pairs, 7, SIGN_RIGHT);
    return true;
}

static bool reports(enum sim_status status) {
    return status >= SIM_DELIVERED;
}

const struct sim_face sim_vonage = {
    .name = "vonage",
    .title = "Vonage",
    .account = "abcd1234",
    .secret = "simulator-secret",
    .takes = takes,
    .handle = handle,
    .answer = answer,
    .content_type = "application/json",
    .refuse = refuse,
    .reports = reports,
    .receipt = receipt,
    .reply = reply,
};
