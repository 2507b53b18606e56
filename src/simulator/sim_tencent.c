/* Tencent Cloud API 3.0: who asks (TC3-HMAC-SHA256, computed here from what the request itself says it
 * signed), and SendSms, PullSmsSendStatusByPhoneNumber, PullSmsSendStatus, PullSmsReplyStatus,
 * SendStatusStatistics of version 2021-01-11. */
#include "simulator/sim_tencent.h"

#include "base/clock.h"
#include "base/json.h"
#include "simulator/sim.h"

enum {
    NUMBERS_MAX = 200,
    CONTEXT_BYTES_MAX = 511,
    SKEW_S_MAX = 300,
    LIST_LIMIT_MAX = 100,
    REACH_S = 7 * 86400
};

/* ---- answers ---- */

static void end(struct sim *sim, struct exchange *x) {
    struct answer a = {.status = 200, .content_type = "application/json", .body = buf_sv(&sim->out)};
    server_answer(x, &a);
}

static void close_answer(struct sim *sim, struct buf *out) {
    char id[16];
    hex_u64(id, prng_next(&sim->sids));
    buf_addf(out, ",\"RequestId\":\"%.16s-0000-4000-8000-000000000000\"}}", id);
}

static void say_error(struct sim *sim, struct exchange *x, struct sv code, const char *text) {
    struct buf *out = &sim->out;
    buf_reset(out);
    buf_adds(out, "{\"Response\":{\"Error\":{");
    json_pair(out, "Code", code);
    json_pair(out, "Message", sv_of(text));
    buf_addc(out, '}');
    close_answer(sim, out);
    end(sim, x);
}

static void refuse(struct sim *sim, struct exchange *x, const struct sim_refusal *r) {
    const struct sim_tencent_word *word = sim_tencent_word_of(r->status, r->code);
    sim_count_status(sim, r->status);
    say_error(sim, x, r->word.n ? r->word : sv_of(word->word), word->text);
}

static void reject(struct sim *sim, struct exchange *x, const char *code, const char *text) {
    sim->stats.rejected++;
    say_error(sim, x, sv_of(code), text);
}

/* ---- the signature ---- */

static void hex_sha256(struct buf *out, struct sv data) {
    uint8_t hash[SHA256_BYTES];
    sha256(data, hash);
    hex_add(out, hash, sizeof hash);
}

static void add_lower(struct buf *out, struct sv v) {
    for (size_t i = 0; i < v.n; i++)
        buf_addc(out, v.p[i] >= 'A' && v.p[i] <= 'Z' ? (char)(v.p[i] + 32) : v.p[i]);
}

/* Each header that is said to be signed, in that order; host without its port, as the SDKs sign it. */
static void add_signed_headers(struct exchange *x, struct sv names, struct buf *out) {
    while (names.n) {
        struct sv name = sv_cut(&names, ';');
        struct buf BUF_AUTO key = BUF_INIT(128);
        buf_add(&key, name);
        struct sv value = sv_trim(exchange_header(x, key.n ? key.p : ""));
        if (sv_eq_nocase(name, SV("host"))) {
            struct sv rest = value;
            value = sv_cut(&rest, ':');
        }
        add_lower(out, name);
        buf_addc(out, ':');
        add_lower(out, value);
        buf_addc(out, '\n');
    }
}

struct claim {
    struct sv id, date, service, names, signature;
};

/* TC3-HMAC-SHA256 Credential=ID/DATE/SERVICE/tc3_request, SignedHeaders=a;b, Signature=HEX */
static bool read_claim(struct sv header, struct claim *c) {
    struct sv rest = header, scope = SV_NONE;
    if (!sv_eq(sv_cut(&rest, ' '), SV("TC3-HMAC-SHA256")))
        return false;
    while (rest.n) {
        struct sv part = sv_cut(&rest, ',');
        part = sv_trim(part);
        struct sv value = part;
        struct sv key = sv_cut(&value, '=');
        if (sv_eq(key, SV("Credential")))
            scope = value;
        else if (sv_eq(key, SV("SignedHeaders")))
            c->names = value;
        else if (sv_eq(key, SV("Signature")))
            c->signature = value;
    }
    c->id = sv_cut(&scope, '/');
    c->date = sv_cut(&scope, '/');
    c->service = sv_cut(&scope, '/');
    return sv_eq(scope, SV("tc3_request")) && sv_find(c->names, SV("content-type")) != SIZE_MAX &&
           sv_find(c->names, SV("host")) != SIZE_MAX;
}

static struct sv view(const uint8_t key[SHA256_BYTES]) {
    return sv_make((const char *)key, SHA256_BYTES);
}

static bool signature_fits(struct exchange *x, const struct claim *c, struct sv secret, struct sv timestamp) {
    struct buf BUF_AUTO canonical = BUF_INIT(16384), BUF_AUTO text = BUF_INIT(4096),
                        BUF_AUTO key = BUF_INIT(512), BUF_AUTO hex = BUF_INIT(128);
    buf_addf(&canonical, "%s\n%.*s\n%.*s\n", http_method_name(x->method), SV_FMT(x->path), SV_FMT(x->query));
    add_signed_headers(x, c->names, &canonical);
    buf_addf(&canonical, "\n%.*s\n", SV_FMT(c->names));
    hex_sha256(&canonical, x->body);
    buf_addf(&text, "TC3-HMAC-SHA256\n%.*s\n%.*s/%.*s/tc3_request\n", SV_FMT(timestamp), SV_FMT(c->date),
             SV_FMT(c->service));
    hex_sha256(&text, buf_sv(&canonical));
    uint8_t day[SHA256_BYTES], service[SHA256_BYTES], signing[SHA256_BYTES], mac[SHA256_BYTES];
    buf_addf(&key, "TC3%.*s", SV_FMT(secret));
    hmac_sha256(buf_sv(&key), c->date, day);
    hmac_sha256(view(day), c->service, service);
    hmac_sha256(view(service), SV("tc3_request"), signing);
    hmac_sha256(view(signing), buf_sv(&text), mac);
    hex_add(&hex, mac, sizeof mac);
    return !canonical.overflow && !text.overflow && sv_eq_secret(buf_sv(&hex), c->signature);
}

/* NULL, or the code of what is wrong. */
static const char *authenticate(struct sim *sim, struct exchange *x) {
    struct sim_access access = sim_access(sim, &sim_tencent);
    struct sv timestamp = exchange_header(x, "X-TC-Timestamp");
    struct claim c = {.id = SV_NONE};
    int64_t at_s, now_s = sim_now(sim) / US_PER_S;
    struct buf BUF_AUTO date = BUF_INIT(64);
    if (!read_claim(exchange_header(x, "Authorization"), &c) || !sv_to_i64(timestamp, &at_s))
        return "AuthFailure.InvalidAuthorization";
    if (at_s < now_s - SKEW_S_MAX || at_s > now_s + SKEW_S_MAX)
        return "AuthFailure.SignatureExpire";
    clock_add_rfc3339(&date, at_s * US_PER_S);
    if (!sv_eq(c.date, sv_sub(buf_sv(&date), 0, 10)) || !sv_eq(c.service, SV("sms")))
        return "AuthFailure.SignatureFailure";
    if (!sv_eq(c.id, access.account))
        return "AuthFailure.SecretIdNotFound";
    return signature_fits(x, &c, access.secret, timestamp) ? NULL : "AuthFailure.SignatureFailure";
}

/* ---- SendSms ---- */

/* +86..., 0086..., 86..., and eleven digits that begin with 1; abroad always with +. */
static void read_number(struct sv v, struct sim_tencent_number *out, struct arena *mem) {
    if (sv_starts(v, SV("0086")))
        v = sv_from(v, 2);
    if (sv_starts(v, SV("+")))
        sim_tencent_number(out, SV_NONE, sv_from(v, 1), mem);
    else if (v.n == 13 && sv_starts(v, SV("86")))
        sim_tencent_number(out, SV_NONE, v, mem);
    else
        sim_tencent_number(out, SV("86"), v, mem);
}

static bool is_mainland(const struct sim_tencent_number *n) {
    return n->number / UINT64_C(100000000000) == 86;
}

static void write_status(struct sim *sim, const struct sim_call *call, const struct sim_tencent_call *own,
                         const struct sim_tencent_number *n, struct buf *out) {
    const struct sim_item *item = n->number ? &call->items[n->item] : NULL;
    bool taken = item && item->seq;
    const struct sim_tencent_word *word =
        taken ? NULL : sim_tencent_word_of(0, item ? item->course.code : 21211);
    struct sid sid = taken ? store_sid(&sim->store, item->seq) : (struct sid){.text = ""};
    struct sv said = item ? sv_of(item->course.word) : SV_NONE;
    buf_addc(out, '{');
    json_pair(out, "SerialNo", taken ? sid_sv(&sid) : SV_NONE);
    json_key(out, "PhoneNumber");
    buf_addf(out, "\"+%.*s%.*s\"", SV_FMT(n->nation), SV_FMT(n->mobile));
    json_pair_i64(out, "Fee", taken ? item->draft.row.segments : 0);
    json_pair(out, "SessionContext", own->context);
    json_pair(out, "Code", taken ? SV("Ok") : said.n ? said : sv_of(word->word));
    json_pair(out, "Message", taken ? SV("send success") : sv_of(word->text));
    json_pair(out, "IsoCode", is_mainland(n) ? SV("CN") : SV("DEF"));
    buf_addc(out, '}');
}

static void write_set(struct sim *sim, const struct sim_call *call, const struct sim_tencent_call *own,
                      struct buf *out) {
    buf_adds(out, "{\"Response\":{\"SendStatusSet\":[");
    for (size_t i = 0; i < own->n; i++) {
        if (i)
            buf_addc(out, ',');
        write_status(sim, call, own, &own->numbers[i], out);
    }
    buf_addc(out, ']');
    close_answer(sim, out);
}

static int answer(struct sim *sim, const struct sim_call *call, struct buf *out) {
    write_set(sim, call, call->own, out);
    return 200;
}

static bool read_numbers(struct exchange *x, const json_t *set, struct sim_tencent_call *own) {
    own->n = json_array_size(set);
    own->numbers = arena_zalloc(&x->arena, (own->n + 1) * sizeof *own->numbers);
    for (size_t i = 0; own->numbers && i < own->n; i++) {
        const json_t *v = json_array_get(set, i);
        if (!json_is_string(v))
            return false;
        read_number(sv_make(json_string_value(v), json_string_length(v)), &own->numbers[i], &x->arena);
    }
    return own->numbers && own->n > 0;
}

/* How many of the numbers are mainland's; *abroad: how many are others'. What is none is neither. */
static size_t count_mainland(const struct sim_tencent_call *own, size_t *abroad) {
    size_t mainland = 0;
    *abroad = 0;
    for (size_t i = 0; i < own->n; i++) {
        mainland += is_mainland(&own->numbers[i]);
        *abroad += own->numbers[i].number && !is_mainland(&own->numbers[i]);
    }
    return mainland;
}

static void send_sms(struct sim *sim, struct exchange *x, const json_t *rq) {
    struct sim_tencent_call *own = arena_zalloc(&x->arena, sizeof *own);
    struct sv app = sim_tencent_text(rq, "SmsSdkAppId"), template = sim_tencent_text(rq, "TemplateId"),
              sign = sim_tencent_text(rq, "SignName"), context = sim_tencent_text(rq, "SessionContext");
    struct buf BUF_AUTO body = BUF_INIT(60000), BUF_AUTO extra = BUF_INIT(8192);
    if (!call_admit(sim, &sim_tencent, x))
        return;
    if (!own || !app.n || !template.n || !read_numbers(x, json_object_get(rq, "PhoneNumberSet"), own)) {
        reject(sim, x, "MissingParameter", "PhoneNumberSet, SmsSdkAppId and TemplateId are needed");
        return;
    }
    if (own->n > NUMBERS_MAX) {
        reject(sim, x, "LimitExceeded.PhoneNumberCountLimit", "more than 200 numbers");
        return;
    }
    size_t abroad, mainland = count_mainland(own, &abroad);
    if (mainland && abroad) {
        reject(sim, x, "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber", "mixed numbers");
        return;
    }
    if (context.n > CONTEXT_BYTES_MAX || !sim_tencent_params(rq, "TemplateParamSet", &body)) {
        reject(sim, x, "InvalidParameterValue", "SessionContext or TemplateParamSet");
        return;
    }
    if (mainland && !sign.n) {
        reject(sim, x, "FailedOperation.SignatureIncorrectOrUnapproved", "SignName is missing");
        return;
    }
    own->context = arena_dup(&x->arena, context);
    buf_addc(&extra, '{');
    json_pair(&extra, "SmsSdkAppId", app);
    json_pair(&extra, "TemplateId", template);
    json_pair(&extra, "SessionContext", context);
    json_pair(&extra, "SenderId", sim_tencent_text(rq, "SenderId"));
    buf_addc(&extra, '}');
    bool answered;
    struct sim_call *call =
        sim_tencent_begin(sim, &sim_tencent, x, own, buf_sv(&body), sign, buf_sv(&extra), &answered);
    if (call) {
        call_take(sim, call);
        return;
    }
    if (answered)
        return;
    sim->stats.rejected++;
    buf_reset(&sim->out);
    write_set(sim, NULL, own, &sim->out);
    end(sim, x);
}

/* ---- PullSmsSendStatusByPhoneNumber ---- */

void sim_tencent_write_report(struct sim *sim, const struct sim_message *m, uint64_t seq, struct buf *out) {
    struct buf BUF_AUTO nation = BUF_INIT(8), BUF_AUTO mobile = BUF_INIT(24);
    struct sv code, status = sim_tencent_report(sim, m, m->final, &code), extra = store_extra(m);
    json_auto_t *said = json_loadb(extra.p, extra.n, 0, NULL);
    struct sid sid = store_sid(&sim->store, seq);
    sim_tencent_split(m->number, &nation, &mobile);
    buf_addc(out, '{');
    json_pair_i64(out, "UserReceiveTime", (m->created_at + m->final_ms * US_PER_MS) / US_PER_S);
    json_pair(out, "CountryCode", buf_sv(&nation));
    json_pair(out, "SubscriberNumber", buf_sv(&mobile));
    json_key(out, "PhoneNumber");
    buf_addf(out, "\"+%llu\"", (unsigned long long)m->number);
    json_pair(out, "SerialNo", sid_sv(&sid));
    json_pair(out, "ReportStatus", status);
    json_pair(out, "Description", code);
    json_pair(out, "SessionContext", sim_tencent_text(said, "SessionContext"));
    buf_addc(out, '}');
}

static void pull_by_number(struct sim *sim, struct exchange *x, const json_t *rq) {
    struct sim_tencent_number n;
    int64_t now = sim_now(sim), lag_us = (int64_t)sim->profile.list_lag_ms * US_PER_MS;
    const json_t *begin = json_object_get(rq, "BeginTime"), *limit = json_object_get(rq, "Limit");
    read_number(sim_tencent_text(rq, "PhoneNumber"), &n, &x->arena);
    if (!n.number || !json_is_integer(begin) || !json_is_integer(limit) || json_integer_value(limit) < 1 ||
        json_integer_value(limit) > LIST_LIMIT_MAX || !sim_tencent_text(rq, "SmsSdkAppId").n ||
        json_integer_value(begin) < now / US_PER_S - REACH_S) {
        reject(sim, x, "InvalidParameterValue", "PhoneNumber, BeginTime, Limit or SmsSdkAppId");
        return;
    }
    struct buf *out = &sim->out;
    json_int_t left = json_integer_value(limit);
    uint8_t provider = sim_face_number(&sim_tencent);
    sim->stats.lists++;
    buf_reset(out);
    buf_adds(out, "{\"Response\":{\"PullSmsSendStatusSet\":[");
    for (uint64_t seq = store_older_of(&sim->store, n.number, 0); seq && left;
         seq = store_older_of(&sim->store, n.number, seq)) {
        const struct sim_message *m = store_get(&sim->store, seq);
        if (m->provider != provider || m->created_at / US_PER_S < json_integer_value(begin) ||
            m->created_at + lag_us > now || !sim_tencent_reports(store_status(m, now)))
            continue;
        if (out->p[out->n - 1] != '[')
            buf_addc(out, ',');
        sim_tencent_write_report(sim, m, seq, out);
        left--;
    }
    buf_addc(out, ']');
    close_answer(sim, out);
    end(sim, x);
}

/* PullSmsReplyStatus and PullSmsSendStatus: what nobody was posted, once. */
static void pull(struct sim *sim, struct exchange *x, const json_t *rq, const char *set,
                 void (*write)(struct sim *sim, size_t limit, struct buf *out)) {
    const json_t *limit = json_object_get(rq, "Limit");
    if (!json_is_integer(limit) || json_integer_value(limit) < 1 ||
        json_integer_value(limit) > LIST_LIMIT_MAX || !sim_tencent_text(rq, "SmsSdkAppId").n) {
        reject(sim, x, "InvalidParameterValue", "Limit or SmsSdkAppId");
        return;
    }
    struct buf *out = &sim->out;
    sim->stats.lists++;
    buf_reset(out);
    buf_addf(out, "{\"Response\":{\"%s\":[", set);
    write(sim, (size_t)json_integer_value(limit), out);
    buf_addc(out, ']');
    close_answer(sim, out);
    end(sim, x);
}

static void statistics(struct sim *sim, struct exchange *x) {
    buf_reset(&sim->out);
    buf_adds(&sim->out, "{\"Response\":{\"SendStatusStatistics\":{\"FeeCount\":0,\"RequestCount\":0,"
                        "\"RequestSuccessCount\":0}");
    close_answer(sim, &sim->out);
    end(sim, x);
}

/* ---- routes ---- */

static bool takes(const struct exchange *x) {
    return exchange_header(x, "X-TC-Action").n > 0;
}

static void act(struct sim *sim, struct exchange *x, const json_t *rq) {
    struct sv action = exchange_header(x, "X-TC-Action");
    if (sv_eq(action, SV("SendSms")))
        send_sms(sim, x, rq);
    else if (sv_eq(action, SV("PullSmsSendStatusByPhoneNumber")))
        pull_by_number(sim, x, rq);
    else if (sv_eq(action, SV("PullSmsReplyStatus")))
        pull(sim, x, rq, "PullSmsReplyStatusSet", sim_tencent_pull_replies);
    else if (sv_eq(action, SV("PullSmsSendStatus")))
        pull(sim, x, rq, "PullSmsSendStatusSet", sim_tencent_pull_reports);
    else if (sv_eq(action, SV("SendStatusStatistics")))
        statistics(sim, x);
    else
        reject(sim, x, "InvalidAction", "no such action here");
}

static void handle(struct sim *sim, struct exchange *x) {
    const char *wrong = authenticate(sim, x);
    if (wrong) {
        struct sim_refusal r = {.status = 401, .word = sv_of(wrong)};
        refuse(sim, x, &r);
        return;
    }
    if (!sv_eq(exchange_header(x, "X-TC-Version"), SV("2021-01-11")) ||
        !exchange_header(x, "X-TC-Region").n) {
        reject(sim, x, "NoSuchVersion", "X-TC-Version is 2021-01-11, with an X-TC-Region");
        return;
    }
    json_auto_t *rq = json_loadb(x->body.n ? x->body.p : "", x->body.n, 0, NULL);
    if (json_is_object(rq))
        act(sim, x, rq);
    else
        reject(sim, x, "FailedOperation.JsonParseFail", "the body is no object");
}

const struct sim_face sim_tencent = {
    .name = "tencent",
    .title = "Tencent Cloud",
    .account = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
    .secret = "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
    .items_apart = true,
    .takes = takes,
    .handle = handle,
    .answer = answer,
    .content_type = "application/json",
    .refuse = refuse,
    .reports = sim_tencent_reports,
    .receipt = sim_tencent_receipt,
    .reply = sim_tencent_reply,
    .keep = sim_tencent_keep,
    .accepts = sim_tencent_accepts,
};
