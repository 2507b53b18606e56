/* Has Aliyun got this message? QuerySendDetails lists what went to a number on a day, with the OutId of each:
 * ours is the attempt's token, so what carries it is surely this attempt. And the probe, which asks the same
 * of a number that nobody has. */
#include "provider/aliyun.h"

#include "base/clock.h"
#include "provider/aliyun_errors.h"
#include "provider/kit.h"

enum {
    PAGE_SIZE = 50, /* the most */
    LIST_BYTES_MAX = 512 * 1024,
    CHINA_OFFSET_S = 8 * 3600, /* dates are Shanghai's, which has no summer time */
    SKEW_S = 120,              /* clocks, and the time between our start and their note of it */
};

#define PROBE_NUMBER "10000000000"

static int64_t day_of(int64_t at) {
    return (at / US_PER_S + CHINA_OFFSET_S) / 86400;
}

/* yyyyMMdd */
static void add_day(struct buf *out, int64_t at) {
    struct buf BUF_AUTO text = BUF_INIT(40);
    clock_add_rfc3339(&text, at + CHINA_OFFSET_S * US_PER_S);
    buf_add(out, sv_sub(buf_sv(&text), 0, 4));
    buf_add(out, sv_sub(buf_sv(&text), 5, 2));
    buf_add(out, sv_sub(buf_sv(&text), 8, 2));
}

/* Around midnight it may stand under either day. */
static bool over_midnight(const struct attempt_view *a) {
    return day_of(a->started_at - SKEW_S * US_PER_S) != day_of(a->started_at + SKEW_S * US_PER_S);
}

static bool ask(const struct lane_config *lane, struct sv number, int64_t day_at, int page_size, int64_t now,
                uint64_t nonce, struct arena *mem, struct http_request *out, struct err *e) {
    struct aliyun_call call = {.action = "QuerySendDetails",
                               .version = ALIYUN_CHINA_API,
                               .base_url = kit_field(lane, ALIYUN_BASE_URL)};
    struct buf BUF_AUTO day = BUF_INIT(16), BUF_AUTO size = BUF_INIT(16);
    add_day(&day, day_at);
    buf_add_i64(&size, page_size);
    aliyun_param(&call, "PhoneNumber", number, false);
    aliyun_param(&call, "SendDate", buf_sv(&day), false);
    aliyun_param(&call, "PageSize", buf_sv(&size), false);
    aliyun_param(&call, "CurrentPage", SV("1"), false);
    return aliyun_request(lane, &call, now, nonce, mem, out, e);
}

bool aliyun_lookup(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                   struct arena *mem, struct http_request *out, struct err *e) {
    if (aliyun_way_of(lane, a) == ALIYUN_GLOBE)
        return err_set(e, ERR_UNPROCESSABLE,
                       "texts to other countries can only be asked about by the id that got lost");
    int64_t at = a->started_at;
    if (over_midnight(a)) /* one day now, perhaps the other one next time */
        at += (nonce & 1 ? SKEW_S : -SKEW_S) * US_PER_S;
    return ask(lane, aliyun_number(a->to), at, PAGE_SIZE, now, nonce, mem, out, e);
}

static bool read_count(const json_t *root, uint64_t *out) {
    struct sv text = kit_string(root, "TotalCount");
    int64_t number = kit_int(root, "TotalCount", -1);
    if (text.n)
        return sv_to_u64(text, out);
    *out = (uint64_t)number;
    return number >= 0;
}

/* SendStatus: 1 waits for the receipt, 2 failed, 3 delivered. */
static void read_status(const json_t *entry, struct receipt *out) {
    int64_t status = kit_int(entry, "SendStatus", 0);
    uint64_t x;
    if (!status && sv_to_u64(kit_string(entry, "SendStatus"), &x))
        status = (int64_t)x;
    out->state = status == 3 ? STATE_DELIVERED : status == 2 ? STATE_UNDELIVERED : STATE_SENT;
    if (out->state == STATE_UNDELIVERED)
        out->reason = aliyun_receipt_reason(kit_string(entry, "ErrCode"));
}

static enum lane_hint hint_of(const struct http_response *r, const json_t *root) {
    const struct aliyun_error *row = aliyun_error_find(kit_string(root, "Code"));
    return row ? row->hint : kit_lookup_hint(r);
}

struct lookup_answer aliyun_judge_lookup(const struct lane_config *lane, const struct attempt_view *a,
                                         int64_t now, const struct http_response *r) {
    (void)lane;
    (void)now; /* the settling time before a look-up is the core's matter: lookup_after_ms */
    if (r->transport != HTTP_ANSWERED)
        return kit_cannot_tell(kit_lookup_hint(r), "the list of sent messages could not be read");
    json_auto_t *root = kit_parse(r->body, LIST_BYTES_MAX);
    uint64_t total;
    if (r->status != 200 || !sv_eq(kit_string(root, "Code"), SV("OK")))
        return kit_cannot_tell(hint_of(r, root), "the list of sent messages could not be read");
    const json_t *list = json_object_get(json_object_get(root, "SmsSendDetailDTOs"), "SmsSendDetailDTO");
    if (!read_count(root, &total) || (total && !json_is_array(list)))
        return kit_cannot_tell(LANE_FINE, "the answer is no list of sent messages");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        if (!aliyun_is_out_id_of(kit_string(entry, "OutId"), a))
            continue;
        struct lookup_answer found = {.found = FOUND_YES, .complete = true, .n = 1, .hint = LANE_FINE};
        found.candidates[0] = (struct receipt){.number = a->to, .surely = true};
        read_status(entry, &found.candidates[0]);
        return found;
    }
    if (total != json_array_size(list))
        return kit_cannot_tell(LANE_FINE, "the list goes on, and its first page does not show the attempt");
    if (over_midnight(a))
        return kit_cannot_tell(LANE_FINE, "sent about midnight: it may stand under the other day");
    return (struct lookup_answer){.found = FOUND_ABSENT, .hint = LANE_FINE};
}

/* ---- the probe ---- */

bool aliyun_probe(const struct lane_config *lane, int64_t now, uint64_t nonce, struct arena *mem,
                  struct http_request *out, struct err *e) {
    return ask(lane, SV(PROBE_NUMBER), now, 1, now, nonce, mem, out, e);
}

bool aliyun_judge_probe(const struct lane_config *lane, const struct http_response *r, struct err *e) {
    struct sv base = kit_field(lane, ALIYUN_BASE_URL);
    if (!kit_probe_answered(base, r, e))
        return false;
    json_auto_t *root = kit_parse(r->body, LIST_BYTES_MAX);
    struct sv code = kit_string(root, "Code"), words = sv_sub(kit_string(root, "Message"), 0, 160);
    const struct aliyun_error *row = aliyun_error_find(code);
    /* A number that nobody has may be called illegal: then address and key are right. */
    if (sv_eq(code, SV("OK")) || (row && row->reason == REASON_INVALID_NUMBER))
        return true;
    if (!code.n)
        return err_set_field(e, ERR_OUTSIDE, "base_url", "%.*s answers HTTP %d, and not as Aliyun's API does",
                             SV_FMT(base), r->status);
    code = sv_sub(code, 0, 64);
    if (sv_starts(code, SV("InvalidTimeStamp")))
        return err_set(e, ERR_OUTSIDE, "this machine's clock is wrong (%.*s): set it by NTP", SV_FMT(code));
    if (sv_starts(code, SV("InvalidAccessKeyId")))
        return err_set_field(e, ERR_AUTH, "access_key_id",
                             "Aliyun does not know access_key_id (%.*s): look into the RAM console",
                             SV_FMT(code));
    if (sv_eq(code, SV("SignatureDoesNotMatch")) || sv_eq(code, SV("IncompleteSignature")))
        return err_set_field(e, ERR_AUTH, "access_key_secret",
                             "access_key_secret does not belong to access_key_id (%.*s)", SV_FMT(code));
    if (row && row->reason == REASON_CREDENTIALS)
        return err_set_field(
            e, ERR_AUTH, "access_key_id",
            "Aliyun refuses this account (%.*s: %.*s): it needs the SMS product, and the right "
            "dysms:QuerySendDetails",
            SV_FMT(code), SV_FMT(words));
    if (row && row->hint == LANE_SLOW_DOWN)
        return err_set(e, ERR_LIMITED, "Aliyun asks to slow down (%.*s): credentials were not checked",
                       SV_FMT(code));
    return err_set(e, ERR_OUTSIDE, "Aliyun answers %.*s: %.*s", SV_FMT(code), SV_FMT(words));
}
