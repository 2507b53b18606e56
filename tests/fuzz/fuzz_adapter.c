/* What any provider says: the first line names the adapter, then an answer as in a case file (`HTTP 200`,
 * header lines, an empty line, a body). It is judged as the answer to each kind of call, and its body read as
 * each kind of callback, behind the lane's own secret or a right signature. */
#include "provider/adapter.h"

#include "model/twilio_sign.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADERS = 8, ITEMS = 16 };
#define SECRET "callback-token-0123456789"
#define TOKEN "00000000000000000001abcdefabcdef01234567"

static const struct {
    const char *adapter, *field, *value;
} settings[] = {
    {"twilio", "account_sid", "AC0123456789abcdef0123456789abcdef"},
    {"twilio", "auth_token", SECRET},
    {"twilio-voice", "account_sid", "AC0123456789abcdef0123456789abcdef"},
    {"twilio-voice", "auth_token", SECRET},
    {"aws", "region", "eu-west-1"},
    {"aws", "credentials", "instance"},
    {"aws", "topics", "arn:aws:sns:eu-west-1:123456789012:gateway-events"},
    {"http", "url", "https://api.example.com/v1/sms"},
    {"http", "success", "status == 200 and json.code == 0"},
    {"http", "id", "json.data.id"},
    {"http", "error_code", "json.code"},
    {"http", "error_text", "json.message"},
    {"http", "errors", "1001: invalid_number; 9: credentials; *: rejected"},
    {"http", "receipts", "json.list"},
    {"http", "receipt_status", "item.state"},
    {"http", "receipt_id", "item.id"},
    {"http", "receipt_code", "item.err"},
    {"http", "statuses", "DELIVRD: delivered; UNDELIV: undelivered unreachable"},
    {"http", "inbounds", "json.list"},
    {"http", "inbound_from", "item.msisdn"},
    {"http", "inbound_body", "item.text"},
    {"http", "inbound_id", "item.id"},
    {"http", "lookup_url", "https://api.example.com/v1/messages?ref={{ token }}"},
    {"http", "lookup_found", "json.messages | length == 1"},
    {"http", "lookup_absent", "json.messages is defined and json.messages | length == 0"},
    {"http", "lookup_id", "json.messages[0].id"},
    {"http", "lookup_status", "json.messages[0].state"},
};

static bool open_lane(struct sv name, struct lane_config *lane) {
    struct err e = ERR_INIT;
    *lane = (struct lane_config){.name = "fuzz", .adapter = adapter_find(name), .from = SV("+15017250604")};
    for (size_t i = 0; lane->adapter && i < sizeof settings / sizeof settings[0]; i++) {
        int at = adapter_field_index(lane->adapter, sv_of(settings[i].field));
        if (sv_eq(name, sv_of(settings[i].adapter)) && at >= 0)
            lane->fields[at] = sv_of(settings[i].value);
    }
    int token = lane->adapter ? adapter_field_index(lane->adapter, SV("callback_token")) : -1;
    if (token >= 0)
        lane->fields[token] = SV(SECRET);
    return lane->adapter && lane_prepare(lane, &e);
}

static void check_text(struct sv v) {
    ASSERT(sv_is_utf8(v) && sv_find_char(v, '\0') == SIZE_MAX);
}

static void check_verdict(const struct verdict *v) {
    ASSERT(strnlen(v->provider_id, PROVIDER_ID_MAX) < PROVIDER_ID_MAX);
    ASSERT(strnlen(v->text, VERDICT_TEXT_MAX) < VERDICT_TEXT_MAX && v->retry_after_ms >= 0);
    check_text(sv_of(v->text));
    ASSERT(v->fate != FATE_SENT || v->reason == REASON_NONE);
}

static void check_receipt(const struct receipt *r) {
    ASSERT(strnlen(r->provider_id, PROVIDER_ID_MAX) < PROVIDER_ID_MAX && r->state < STATE_COUNT);
}

static void judge_all(const struct lane_config *lane, const struct http_response *r, int64_t now) {
    static const struct attempt_view attempts[] = {
        {.number = 1, .to = {"+8613800138000", 14}, .body = {"hello", 5}, .token = {TOKEN, sizeof TOKEN - 1}},
        {.number = 1, .to = {"+8613800138001", 14}, .body = {"hello", 5}}};
    const struct adapter *ad = lane->adapter;
    struct err e = ERR_INIT;
    struct verdict v = ad->judge(lane, r), both[2] = {0};
    check_verdict(&v);
    if (ad->judge_batch) {
        ad->judge_batch(lane, attempts, 2, r, both);
        check_verdict(&both[0]);
        check_verdict(&both[1]);
    }
    if (ad->judge_lookup) {
        struct lookup_answer a = ad->judge_lookup(lane, attempts, now, r);
        ASSERT(a.n <= LOOKUP_CANDIDATES_MAX && (a.found != FOUND_ABSENT || a.n == 0));
        for (size_t i = 0; i < a.n; i++)
            check_receipt(&a.candidates[i]);
    }
    static const char *const steps[] = {"", "Tmetadata-token", "Rmetadata-token\nrole"};
    for (size_t i = 0; ad->judge_grant && i < sizeof steps / sizeof steps[0]; i++) {
        struct grant g = {0};
        if (ad->judge_grant(lane, sv_of(steps[i]), now, r, &g, &e))
            ASSERT(strnlen(g.text, sizeof g.text) < sizeof g.text && strchr(g.text, '\r') == NULL);
    }
    for (int k = 0; ad->judge_pull && k < PULL_KINDS; k++) {
        size_t n;
        bool more;
        (void)ad->judge_pull(lane, (enum pull)k, r, &n, &more, &e);
    }
    if (ad->judge_probe)
        (void)ad->judge_probe(lane, r, &e);
}

static void hear(const struct lane_config *lane, const struct hook_request *rq) {
    struct arena ARENA_AUTO mem;
    struct receipt receipts[ITEMS];
    struct inbound in[ITEMS];
    struct hook_reply reply;
    struct err e = ERR_INIT;
    size_t n = 0;
    arena_init(&mem, 4 << 20);
    if (lane->adapter->receipt && lane->adapter->receipt(lane, rq, &mem, receipts, ITEMS, &n, &reply, &e)) {
        ASSERT(n <= ITEMS);
        for (size_t i = 0; i < n; i++)
            check_receipt(&receipts[i]);
    }
    n = 0;
    if (lane->adapter->inbound && lane->adapter->inbound(lane, rq, &mem, in, ITEMS, &n, &reply, &e)) {
        ASSERT(n <= ITEMS);
        for (size_t i = 0; i < n; i++) {
            check_text(in[i].from);
            check_text(in[i].to);
            check_text(in[i].body);
        }
    }
}

static void hear_all(const struct lane_config *lane, struct sv body) {
    struct arena ARENA_AUTO mem;
    struct buf BUF_AUTO signature = BUF_INIT(64);
    struct form f;
    struct http_header headers[] = {{SV("X-Amz-Firehose-Access-Key"), SV(SECRET)},
                                    {SV("X-Twilio-Signature"), SV("none")},
                                    {SV("X-Amz-Sns-Message-Type"), SV("Notification")}};
    struct hook_request rq = {.method = HTTP_POST,
                              .url = SV("https://gw.example.com/hooks/fuzz/status?k=" SECRET),
                              .query = SV("k=" SECRET),
                              .body = body,
                              .content_type = SV("application/json"),
                              .headers = headers,
                              .n_headers = 2};
    arena_init(&mem, 4 << 20);
    if (form_parse(body, &mem, &f, NULL)) {
        twilio_sign(SV(SECRET), rq.url, &f, &signature);
        headers[1].value = buf_sv(&signature);
    }
    hear(lane, &rq);
    rq.pulled = lane->adapter->pull != NULL;
    hear(lane, &rq);
    rq.pulled = false;
    rq.n_headers = 3;
    hear(lane, &rq);
    rq.content_type = SV("application/x-www-form-urlencoded");
    rq.n_headers = 0;
    hear(lane, &rq);
    /* A key pressed in a call: what was sealed stands in the signed address. */
    struct buf BUF_AUTO url = BUF_INIT(16384);
    struct sv base = SV("https://gw.example.com/hooks/fuzz/status?");
    buf_join(&url, base, SV("t=x&say="));
    percent_add(&url, sv_sub(body, 0, 4096));
    buf_reset(&signature);
    rq.url = buf_sv(&url);
    rq.query = sv_from(rq.url, base.n);
    rq.n_headers = 2;
    if (form_parse(body, &mem, &f, NULL)) {
        twilio_sign(SV(SECRET), rq.url, &f, &signature);
        headers[1].value = buf_sv(&signature);
    }
    hear(lane, &rq);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sv rest = sv_make((const char *)data, size);
    struct lane_config lane;
    if (!open_lane(sv_cut(&rest, '\n'), &lane)) {
        lane_release(&lane);
        return 0;
    }
    struct http_header headers[HEADERS];
    struct http_response r = {.headers = headers};
    struct sv status = sv_from(sv_cut(&rest, '\n'), 5);
    uint64_t code;
    r.status = sv_to_u64(status, &code) && code >= 100 && code < 600 ? (int)code : 200;
    for (struct sv line; (line = sv_cut(&rest, '\n')).n;) {
        struct sv value = line;
        struct sv name = sv_cut(&value, ':');
        if (r.n_headers < HEADERS)
            headers[r.n_headers++] = (struct http_header){name, sv_trim(value)};
    }
    r.body = rest;
    judge_all(&lane, &r, INT64_C(1767323045250000));
    hear_all(&lane, rest);
    lane_release(&lane);
    return 0;
}
