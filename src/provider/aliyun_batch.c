/* SendBatchSms: several numbers, each with its signature and variables, one template, one OutId, one BizId.
 */
#include "provider/aliyun.h"

#include "base/json.h"
#include "provider/kit.h"

enum {
    /* Longer ones go alone: a batch must always fit, and JSON may make six bytes of one. 500 characters are
       1500. */
    ITEM_BYTES_MAX = 1500,
    SIGN_BYTES_MAX = 128,
    LIST_BYTES_MAX = ALIYUN_BATCH_MAX * (6 * ITEM_BYTES_MAX + 128),
    OUT_ID_BYTES_MAX = 255,
};

static bool fits(const struct lane_config *lane, const struct attempt_view *a) {
    return a->body.n <= ITEM_BYTES_MAX && a->code.params.n <= ITEM_BYTES_MAX &&
           aliyun_sign_name(lane, a).n <= SIGN_BYTES_MAX;
}

/* Second attempts go alone: a batch that was refused for one of its messages does not say for which. */
bool aliyun_joins(const struct lane_config *lane, const struct attempt_view *a,
                  const struct attempt_view *b) {
    enum aliyun_way way = aliyun_way_of(lane, a);
    return way == aliyun_way_of(lane, b) && (way == ALIYUN_OWN_TEMPLATE || way == ALIYUN_LANE_TEMPLATE) &&
           a->number == 1 && b->number == 1 && sv_eq(a->code.code, b->code.code) &&
           !a->code.params.n == !b->code.params.n && aliyun_is_china(a->to) == aliyun_is_china(b->to) &&
           fits(lane, a) && fits(lane, b);
}

bool aliyun_build_batch(const struct lane_config *lane, const struct attempt_view *a, size_t n, int64_t now,
                        uint64_t nonce, struct arena *mem, struct http_request *out, struct err *e) {
    struct aliyun_call call = {
        .action = "SendBatchSms", .version = ALIYUN_CHINA_API, .base_url = kit_field(lane, ALIYUN_BASE_URL)};
    struct buf BUF_AUTO numbers = BUF_INIT(LIST_BYTES_MAX), BUF_AUTO signs = BUF_INIT(LIST_BYTES_MAX),
                        BUF_AUTO params = BUF_INIT(LIST_BYTES_MAX), BUF_AUTO codes = BUF_INIT(4096),
                        BUF_AUTO out_id = BUF_INIT(OUT_ID_BYTES_MAX);
    struct sv extend = kit_field(lane, ALIYUN_EXTEND_CODE);
    bool own = a[0].code.code.n > 0, has_params = !own || a[0].code.params.n > 0;
    for (size_t i = 0; i < n; i++) {
        const char *between = i ? "," : "[";
        buf_adds(&numbers, between);
        json_add_string(&numbers, aliyun_number(a[i].to));
        buf_adds(&signs, between);
        json_add_string(&signs, aliyun_sign_name(lane, &a[i]));
        buf_adds(&params, between);
        aliyun_template_params(lane, &a[i], &params);
        buf_adds(&codes, between);
        json_add_string(&codes, extend);
    }
    buf_addc(&numbers, ']');
    buf_addc(&signs, ']');
    buf_addc(&params, ']');
    buf_addc(&codes, ']');
    aliyun_batch_out_id(a, n, &out_id);
    if (numbers.overflow || signs.overflow || params.overflow || codes.overflow || out_id.overflow)
        return err_set(e, ERR_TOO_LARGE, "the messages are too long for one request");
    aliyun_param(&call, "PhoneNumberJson", buf_sv(&numbers), true);
    aliyun_param(&call, "SignNameJson", buf_sv(&signs), true);
    if (has_params)
        aliyun_param(&call, "TemplateParamJson", buf_sv(&params), true);
    aliyun_param(&call, "TemplateCode", own ? a[0].code.code : kit_field(lane, ALIYUN_TEMPLATE_CODE), false);
    if (extend.n)
        aliyun_param(&call, "SmsUpExtendCodeJson", buf_sv(&codes), true);
    aliyun_param(&call, "OutId", buf_sv(&out_id), false);
    return aliyun_request(lane, &call, now, nonce, mem, out, e);
}

/* One answer for all. What refuses one message (its number, its text, its limit) has refused the batch with
 * it and does not say which: each is tried again, alone. */
void aliyun_judge_batch(const struct lane_config *lane, const struct attempt_view *a, size_t n,
                        const struct http_response *r, struct verdict *out) {
    (void)a;
    struct verdict v = aliyun_judge(lane, r);
    bool about_one = (v.fate == FATE_REJECTED || v.fate == FATE_RETRY) && v.hint == LANE_FINE;
    if (about_one) {
        v.fate = FATE_RETRY;
        v.retry_after_ms = 0;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = v;
}
