/* What the simulated Aliyun tells of messages: QuerySendDetails, SmsReport, the international report, SmsUp;
 * and the forms of numbers, ids and times they share. */
#include "simulator/sim_aliyun.h"

#include "base/clock.h"
#include "base/json.h"
#include "simulator/sim.h"
#include "simulator/sim_answer.h"

enum { PAGE_SIZE_MAX = 50, SHANGHAI_S = 8 * 3600 };
#define CHINA UINT64_C(8600000000000)

bool sim_aliyun_number(struct sv text, bool globe, uint64_t *out) {
    struct sv digits = sv_starts(text, SV("+")) ? sv_from(text, 1) : text;
    if (sv_starts(digits, SV("00")))
        digits = sv_from(digits, 2);
    if (!sv_to_u64(digits, out) || digits.n < 7 || digits.n > 15 || digits.p[0] == '0')
        return false;
    if (!globe && digits.n == 11 && digits.p[0] == '1' && digits.p[1] >= '3') {
        *out += CHINA;
        return true;
    }
    bool china = digits.n > 2 && sv_starts(digits, SV("86"));
    return china ? !globe && digits.n == 13 && digits.p[2] == '1' && digits.p[3] >= '3' : true;
}

void sim_aliyun_number_add(struct buf *out, uint64_t number) {
    bool china = number > CHINA && number < CHINA + UINT64_C(100000000000);
    buf_add_u64(out, china ? number - CHINA : number);
}

void sim_aliyun_id_add(const struct sim *sim, uint64_t seq, const struct sim_message *m, struct buf *out) {
    struct sid sid = store_sid(&sim->store, seq - m->group_place);
    uint64_t id = siphash(sim->store.key, sid_sv(&sid));
    buf_addf(out, "%llu^%llu", (unsigned long long)(seq - m->group_place), (unsigned long long)(id >> 32));
}

void sim_aliyun_time_add(struct buf *out, int64_t at) {
    struct buf BUF_AUTO text = BUF_INIT(40);
    clock_add_rfc3339(&text, at + SHANGHAI_S * US_PER_S);
    buf_add(out, sv_sub(buf_sv(&text), 0, 10));
    buf_addc(out, ' ');
    buf_add(out, sv_sub(buf_sv(&text), 11, 8));
}

struct sv sim_aliyun_end_code(const struct sim *sim, const struct sim_message *m, enum sim_status status,
                              int code) {
    if (status == SIM_DELIVERED)
        return SV("DELIVERED");
    if (m->error_word)
        return words_get(&sim->store.words, m->error_word);
    switch (code) {
    case 30003: return SV("MOBILE_NOT_ON_SERVICE");
    case 30005: return SV("INVALID_NUMBER");
    case 30007: return SV("CONTENT_KEYWORD");
    default: return SV("UNDELIV");
    }
}

/* ---- QuerySendDetails ---- */

struct query {
    uint64_t number, size, page;
    int64_t from, to; /* the day */
    struct sv biz_id;
};

static const char *read_query(const struct sim_aliyun_request *rq, struct query *q) {
    struct sv number = form_get(&rq->params, SV("PhoneNumber")), day = form_get(&rq->params, SV("SendDate")),
              size = form_get(&rq->params, SV("PageSize")), page = form_get(&rq->params, SV("CurrentPage"));
    struct buf BUF_AUTO text = BUF_INIT(16);
    if (!number.n || !day.n || !size.n || !page.n)
        return "MissingParameter";
    buf_addf(&text, "%.*s-%.*s-%.*s", SV_FMT(sv_sub(day, 0, 4)), SV_FMT(sv_sub(day, 4, 2)),
             SV_FMT(sv_from(day, 6)));
    if (day.n != 8 || !clock_parse_day(buf_sv(&text), &q->from) || !sv_to_u64(size, &q->size) ||
        q->size == 0 || q->size > PAGE_SIZE_MAX || !sv_to_u64(page, &q->page) || q->page == 0 ||
        q->page > UINT32_MAX)
        return "isv.INVALID_PARAMETERS";
    q->from -= SHANGHAI_S * US_PER_S;
    q->to = q->from + 86400 * US_PER_S;
    q->biz_id = form_get(&rq->params, SV("BizId"));
    if (!sim_aliyun_number(number, false, &q->number))
        q->number = 0; /* nothing has that number */
    return NULL;
}

static bool matches(struct sim *sim, const struct query *q, uint64_t seq, const struct sim_message *m,
                    int64_t now) {
    int64_t lag_us = (int64_t)sim->profile.list_lag_ms * US_PER_MS;
    struct buf BUF_AUTO id = BUF_INIT(64);
    if (m->provider != sim_face_number(&sim_aliyun) || m->account != ALIYUN_CHINA_SMS ||
        m->created_at + lag_us > now || m->created_at < q->from || m->created_at >= q->to)
        return false;
    sim_aliyun_id_add(sim, seq, m, &id);
    return !q->biz_id.n || sv_eq(q->biz_id, buf_sv(&id));
}

static void write_entry(struct sim *sim, const struct sim_message *m, int64_t now, struct buf *out) {
    struct buf BUF_AUTO number = BUF_INIT(32), BUF_AUTO sent = BUF_INIT(32), BUF_AUTO received = BUF_INIT(32),
                        BUF_AUTO content = BUF_INIT(70000);
    enum sim_status status = store_status(m, now);
    bool good = status == SIM_DELIVERED, bad = status == SIM_UNDELIVERED || status == SIM_FAILED;
    sim_aliyun_number_add(&number, m->number);
    sim_aliyun_time_add(&sent, m->created_at);
    if (good || bad)
        sim_aliyun_time_add(&received, m->created_at + m->final_ms * US_PER_MS);
    buf_adds(&content, "【");
    buf_add(&content, words_get(&sim->store.words, m->from));
    buf_adds(&content, "】");
    buf_add(&content, store_body(m));
    buf_addc(out, '{');
    json_pair(out, "PhoneNum", buf_sv(&number));
    json_pair_i64(out, "SendStatus", good ? 3 : bad ? 2 : 1);
    json_pair(out, "ErrCode", good || bad ? sim_aliyun_end_code(sim, m, status, m->error_code) : SV_NONE);
    json_pair(out, "Content", buf_sv(&content));
    json_pair(out, "SendDate", buf_sv(&sent));
    json_pair(out, "ReceiveDate", buf_sv(&received));
    json_pair(out, "OutId", store_reference(m));
    buf_addc(out, '}');
}

void sim_aliyun_query(struct sim *sim, struct sim_aliyun_request *rq) {
    struct query q = {0};
    const char *wrong = read_query(rq, &q);
    if (wrong) {
        sim_aliyun_refuse(sim, rq->x, wrong, 0);
        return;
    }
    sim->stats.lists++;
    int64_t now = sim_now(sim);
    uint64_t total = 0, first = (q.page - 1) * q.size;
    struct buf *out = &sim->out;
    buf_reset(out);
    buf_adds(out, "{\"SmsSendDetailDTOs\":{\"SmsSendDetailDTO\":[");
    for (uint64_t seq = store_older_of(&sim->store, q.number, 0); seq;
         seq = store_older_of(&sim->store, q.number, seq)) {
        const struct sim_message *m = store_get(&sim->store, seq);
        if (!matches(sim, &q, seq, m, now))
            continue;
        if (total >= first && total < first + q.size) {
            if (total > first)
                buf_addc(out, ',');
            write_entry(sim, m, now, out);
        }
        total++;
    }
    buf_addf(out, "]},\"TotalCount\":\"%llu\",\"Message\":\"OK\",\"Code\":\"OK\"}",
             (unsigned long long)total);
    answer_json(rq->x, 200, out);
}

/* ---- posts ---- */

/* Nothing is signed: the secret in the address is all there is to get wrong. */
static void spoil(struct callback *c, enum callback_sign sign) {
    struct buf *url = &c->url;
    size_t query = sv_find_char(buf_sv(url), '?');
    if (sign == SIGN_WRONG && url->n)
        url->p[url->n - 1] = url->p[url->n - 1] == 'x' ? 'y' : 'x';
    else if (sign == SIGN_NONE && query != SIZE_MAX) {
        url->n = query;
        url->p[query] = '\0';
    }
}

static void write_china(struct sim *sim, const struct sim_step *step, struct sv id, struct buf *out) {
    const struct sim_message *m = step->message;
    struct buf BUF_AUTO number = BUF_INIT(32), BUF_AUTO sent = BUF_INIT(32), BUF_AUTO reported = BUF_INIT(32),
                        BUF_AUTO size = BUF_INIT(16);
    bool good = step->status == SIM_DELIVERED;
    sim_aliyun_number_add(&number, m->number);
    sim_aliyun_time_add(&sent, m->created_at);
    sim_aliyun_time_add(&reported, step->at);
    buf_add_u64(&size, m->segments);
    json_pair(out, "phone_number", buf_sv(&number));
    json_pair(out, "send_time", buf_sv(&sent));
    json_pair(out, "report_time", buf_sv(&reported));
    json_pair_bool(out, "success", good);
    json_pair(out, "err_code", sim_aliyun_end_code(sim, m, step->status, step->code));
    json_pair(out, "err_msg", good ? SV("用户接收成功") : SV("用户未收到"));
    json_pair(out, "sms_size", buf_sv(&size));
    json_pair(out, "biz_id", id);
    json_pair(out, "out_id", store_reference(m));
}

static void write_globe(struct sim *sim, const struct sim_step *step, struct sv id, struct buf *out) {
    const struct sim_message *m = step->message;
    struct buf BUF_AUTO number = BUF_INIT(32), BUF_AUTO sent = BUF_INIT(40), BUF_AUTO received = BUF_INIT(40),
                        BUF_AUTO size = BUF_INIT(16);
    bool good = step->status == SIM_DELIVERED;
    buf_add_u64(&number, m->number);
    clock_add_rfc2822(&sent, m->created_at);
    clock_add_rfc2822(&received, step->at);
    buf_add_u64(&size, m->segments);
    struct sv code = good ? SV("success") : sim_aliyun_end_code(sim, m, step->status, step->code);
    json_pair(out, "To", buf_sv(&number));
    json_pair(out, "SendDate", buf_sv(&sent));
    json_pair(out, "ReceiveDate", buf_sv(&received));
    json_pair(out, "Status", good ? SV("1") : SV("2"));
    json_pair(out, "ErrorCode", code);
    json_pair(out, "ErrorDescription", code);
    json_pair(out, "TaskId", store_reference(m));
    json_pair(out, "SmsSize", buf_sv(&size));
    json_pair(out, "MessageId", id);
}

void sim_aliyun_receipt(struct sim *sim, const struct sim_step *step, struct callback *c) {
    struct buf BUF_AUTO id = BUF_INIT(64);
    sim_aliyun_id_add(sim, step->seq, step->message, &id);
    spoil(c, step->sign);
    callback_header(c, "Content-Type", SV("application/json;charset=utf-8"));
    buf_adds(&c->body, "[{");
    (step->message->account == ALIYUN_GLOBE_SMS ? write_globe : write_china)(sim, step, buf_sv(&id),
                                                                             &c->body);
    buf_adds(&c->body, "}]");
}

bool sim_aliyun_reply(struct sim *sim, const struct sim_reply *reply, struct callback *c, const char **why) {
    struct buf BUF_AUTO number = BUF_INIT(32), BUF_AUTO sent = BUF_INIT(32);
    uint64_t digits;
    *why = "from is no number";
    if (!sim_aliyun_number(reply->from, false, &digits))
        return false;
    sim_aliyun_number_add(&number, digits);
    sim_aliyun_time_add(&sent, sim_now(sim));
    callback_header(c, "Content-Type", SV("application/json;charset=utf-8"));
    buf_adds(&c->body, "[{");
    json_pair(&c->body, "phone_number", buf_sv(&number));
    json_pair(&c->body, "send_time", buf_sv(&sent));
    json_pair(&c->body, "content", reply->body);
    json_pair(&c->body, "dest_code", reply->to);
    json_pair_i64(&c->body, "sequence_id", (int64_t)(prng_next(&sim->sids) >> 12));
    buf_adds(&c->body, "}]");
    return true;
}
