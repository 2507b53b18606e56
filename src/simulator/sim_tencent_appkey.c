/* Tencent's older API: sendsms and sendmultisms2 under /v5/tlssmssvr/, each request signed by a hash of the
 * application's key, the random number of its address, its time and its numbers. */
#include "simulator/sim_tencent.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/json.h"
#include "model/form.h"
#include "simulator/sim.h"

enum { NUMBERS_MAX = 200, SKEW_S_MAX = 600 };

static void say(struct sim *sim, struct exchange *x, int result, struct sv words) {
    struct buf *out = &sim->out;
    buf_reset(out);
    buf_addf(out, "{\"result\":%d", result);
    json_pair(out, "errmsg", words);
    buf_adds(out, ",\"ext\":\"\"}");
    struct answer a = {.status = 200, .content_type = "application/json", .body = buf_sv(out)};
    server_answer(x, &a);
}

static void refuse(struct sim *sim, struct exchange *x, const struct sim_refusal *r) {
    const struct sim_tencent_word *word = sim_tencent_word_of(r->status, r->code);
    uint64_t own;
    sim_count_status(sim, r->status);
    say(sim, x, sv_to_u64(r->word, &own) && own <= UINT16_MAX ? (int)own : word->code, sv_of(word->text));
}

static void reject(struct sim *sim, struct exchange *x, int result, const char *words) {
    sim->stats.rejected++;
    say(sim, x, result, sv_of(words));
}

/* ---- reading ---- */

static bool read_tel(const json_t *tel, struct sim_tencent_number *out, struct arena *mem) {
    sim_tencent_number(out, sim_tencent_text(tel, "nationcode"), sim_tencent_text(tel, "mobile"), mem);
    return json_is_object(tel) && out->mobile.n;
}

static bool read_numbers(const json_t *rq, bool many, struct sim_tencent_call *own, struct arena *mem) {
    const json_t *tel = json_object_get(rq, "tel");
    own->n = many ? json_array_size(tel) : 1;
    own->numbers = arena_zalloc(mem, (own->n + 1) * sizeof *own->numbers);
    if (!own->numbers || own->n == 0)
        return false;
    for (size_t i = 0; i < own->n; i++)
        if (!read_tel(many ? json_array_get(tel, i) : tel, &own->numbers[i], mem))
            return false;
    return true;
}

static bool signature_fits(const json_t *rq, struct sv key, struct sv random, int64_t at_s,
                           const struct sim_tencent_call *own) {
    struct buf BUF_AUTO text = BUF_INIT(16384), BUF_AUTO hex = BUF_INIT(128);
    uint8_t hash[SHA256_BYTES];
    buf_addf(&text, "appkey=%.*s&random=%.*s&time=%lld&mobile=", SV_FMT(key), SV_FMT(random),
             (long long)at_s);
    for (size_t i = 0; i < own->n; i++)
        buf_addf(&text, "%s%.*s", i ? "," : "", SV_FMT(own->numbers[i].mobile));
    sha256(buf_sv(&text), hash);
    hex_add(&hex, hash, sizeof hash);
    return !text.overflow && sv_eq_secret(buf_sv(&hex), sim_tencent_text(rq, "sig"));
}

/* ---- answers ---- */

static void write_entry(struct sim *sim, const struct sim_call *call, const struct sim_tencent_number *n,
                        bool many, struct buf *out) {
    const struct sim_item *item = n->number ? &call->items[n->item] : NULL;
    bool taken = item && item->seq;
    const struct sim_tencent_word *word = sim_tencent_word_of(0, item ? item->course.code : 21211);
    uint64_t own = 0;
    if (item)
        (void)sv_to_u64(sv_of(item->course.word), &own);
    buf_addf(out, "\"result\":%d", taken ? 0 : own && own <= UINT16_MAX ? (int)own : word->code);
    json_pair(out, "errmsg", taken ? SV("OK") : sv_of(word->text));
    if (many) {
        json_pair(out, "mobile", n->mobile);
        json_pair(out, "nationcode", n->nation);
    }
    if (!taken)
        return;
    struct sid sid = store_sid(&sim->store, item->seq);
    json_pair(out, "sid", sid_sv(&sid));
    json_pair_i64(out, "fee", item->draft.row.segments);
}

static void write_answer(struct sim *sim, const struct sim_call *call, const struct sim_tencent_call *own,
                         struct buf *out) {
    bool many = own->many;
    buf_addc(out, '{');
    if (many) {
        buf_adds(out, "\"result\":0,\"errmsg\":\"OK\",\"detail\":[");
        for (size_t i = 0; i < own->n; i++) {
            buf_adds(out, i ? ",{" : "{");
            write_entry(sim, call, &own->numbers[i], true, out);
            buf_addc(out, '}');
        }
        buf_addc(out, ']');
    } else {
        write_entry(sim, call, &own->numbers[0], false, out);
    }
    json_pair(out, "ext", own->context);
    buf_addc(out, '}');
}

static int answer(struct sim *sim, const struct sim_call *call, struct buf *out) {
    write_answer(sim, call, call->own, out);
    return 200;
}

/* ---- the call ---- */

static void send(struct sim *sim, struct exchange *x, const json_t *rq, struct sim_tencent_call *own) {
    struct buf BUF_AUTO body = BUF_INIT(60000), BUF_AUTO extra = BUF_INIT(4096);
    struct sv text = sim_tencent_text(rq, "msg"), sign = sim_tencent_text(rq, "sign");
    const json_t *template = json_object_get(rq, "tpl_id");
    if (!text.n && (!json_is_integer(template) || !sim_tencent_params(rq, "params", &body))) {
        reject(sim, x, 1004, "neither msg nor tpl_id with params");
        return;
    }
    own->context = arena_dup(&x->arena, sim_tencent_text(rq, "ext"));
    buf_addf(&extra, "{\"tpl_id\":%lld,\"type\":%lld}", (long long)json_integer_value(template),
             (long long)json_integer_value(json_object_get(rq, "type")));
    bool answered;
    struct sim_call *call = sim_tencent_begin(sim, &sim_tencent_appkey, x, own, text.n ? text : buf_sv(&body),
                                              sign, buf_sv(&extra), &answered);
    if (call) {
        call_take(sim, call);
    } else if (!answered) {
        struct answer a = {.status = 200, .content_type = "application/json"};
        sim->stats.rejected++;
        buf_reset(&sim->out);
        write_answer(sim, NULL, own, &sim->out);
        a.body = buf_sv(&sim->out);
        server_answer(x, &a);
    }
}

static void act(struct sim *sim, struct exchange *x, const json_t *rq, bool many) {
    struct sim_access access = sim_access(sim, &sim_tencent_appkey);
    struct sim_tencent_call *own = arena_zalloc(&x->arena, sizeof *own);
    struct form query;
    const json_t *time = json_object_get(rq, "time");
    int64_t at_s = json_integer_value(time), now_s = sim_now(sim) / US_PER_S;
    if (!own || !json_is_object(rq) || !form_parse(x->query, &x->arena, &query, NULL) ||
        !read_numbers(rq, many, own, &x->arena)) {
        reject(sim, x, 1004, "the packet could not be resolved");
        return;
    }
    own->many = many;
    bool signed_well = signature_fits(rq, access.secret, form_get(&query, SV("random")), at_s, own);
    if (!signed_well || !sv_eq(form_get(&query, SV("sdkappid")), access.account)) {
        sim_count_status(sim, 401);
        say(sim, x, signed_well ? 1019 : 1001, signed_well ? SV("no such sdkappid") : SV("sig is wrong"));
    } else if (at_s < now_s - SKEW_S_MAX || at_s > now_s + SKEW_S_MAX) {
        sim_count_status(sim, 401);
        say(sim, x, 1021, SV("time differs"));
    } else if (own->n > NUMBERS_MAX) {
        reject(sim, x, 1046, "more than 200 numbers");
    } else if (call_admit(sim, &sim_tencent_appkey, x)) {
        send(sim, x, rq, own);
    }
}

static bool takes(const struct exchange *x) {
    return sv_starts(x->path, SV("/v5/tlssmssvr/"));
}

static void handle(struct sim *sim, struct exchange *x) {
    bool many = sv_ends(x->path, SV("/sendmultisms2"));
    if (!many && !sv_ends(x->path, SV("/sendsms"))) {
        reject(sim, x, 1011, "no such call here");
        return;
    }
    json_auto_t *rq = json_loadb(x->body.n ? x->body.p : "", x->body.n, 0, NULL);
    act(sim, x, rq, many);
}

const struct sim_face sim_tencent_appkey = {
    .name = "tencent-appkey",
    .title = "Tencent Cloud (app key)",
    .account = "1400006666",
    .secret = "5f03a35d00ee52a21327ab048186a2c4",
    .items_apart = true,
    .takes = takes,
    .handle = handle,
    .answer = answer,
    .content_type = "application/json",
    .refuse = refuse,
    .reports = sim_tencent_reports,
    .receipt = sim_tencent_receipt,
    .reply = sim_tencent_reply,
    .accepts = sim_tencent_accepts,
};
