/* Replies and receipts that Tencent keeps instead of posting them: PullSmsReplyStatus (document 55977) and
 * PullSmsSendStatus (55978). Each is handed out once: whoever asked has the only copy. So a lane asks only
 * where its settings say how often. One answer has a hundred at most; a full one says that others may wait.
 */
#include "provider/tencent.h"

#include "base/json.h"
#include "model/id.h"
#include "provider/tencent_errors.h"

enum { PULL_LIMIT = 100, PULL_BYTES_MAX = 1024 * 1024 };

static const struct {
    const char *action, *set;
    size_t field;
} kinds[PULL_KINDS] = {
    [PULL_REPLIES] = {"PullSmsReplyStatus", "PullSmsReplyStatusSet", TENCENT_PULL_REPLIES_S},
    [PULL_RECEIPTS] = {"PullSmsSendStatus", "PullSmsSendStatusSet", TENCENT_PULL_RECEIPTS_S},
};

uint32_t tencent_pulls(const struct lane_config *lane, enum pull what) {
    uint64_t s;
    return sv_to_u64(lane->fields[kinds[what].field], &s) ? (uint32_t)s : 0;
}

bool tencent_pull(const struct lane_config *lane, enum pull what, int64_t now, struct arena *mem,
                  struct http_request *out, struct err *e) {
    struct buf BUF_AUTO body = BUF_INIT(1024);
    buf_addf(&body, "{\"Limit\":%d", PULL_LIMIT);
    json_pair(&body, "SmsSdkAppId", lane->fields[TENCENT_SDK_APP_ID]);
    buf_addc(&body, '}');
    return tencent_request(lane, kinds[what].action, &body, now, mem, out, e);
}

static bool refused(struct sv code, struct err *e) {
    const struct tencent_error *row = tencent_error_named(code);
    enum err_kind kind = !row                                ? ERR_OUTSIDE
                         : row->reason == REASON_CREDENTIALS ? ERR_AUTH
                         : row->reason == REASON_THROTTLED   ? ERR_LIMITED
                                                             : ERR_OUTSIDE;
    return err_set(e, kind, "Tencent hands nothing out: %.*s", SV_FMT(sv_sub(code, 0, 96)));
}

bool tencent_judge_pull(const struct lane_config *lane, enum pull what, const struct http_response *r,
                        size_t *n, bool *more, struct err *e) {
    (void)lane;
    struct sv code, words;
    *n = 0;
    *more = false;
    if (r->transport != HTTP_ANSWERED)
        return err_set(e, ERR_OUTSIDE, "no answer: %.*s", SV_FMT(sv_sub(r->error, 0, 200)));
    json_auto_t *root = kit_parse(r->body, PULL_BYTES_MAX);
    const json_t *response = tencent_response(root, &code, &words);
    if (code.n)
        return refused(code, e);
    const json_t *set = json_object_get(response, kinds[what].set);
    if (r->status != 200 || !json_is_array(set))
        return err_set(e, ERR_OUTSIDE, "the answer has no %s (HTTP %d)", kinds[what].set, r->status);
    *n = json_array_size(set);
    *more = *n >= PULL_LIMIT;
    return true;
}

/* The entries of an answer that was judged before; NULL: they are none, or too many. */
static json_t *open_set(struct sv body, enum pull what, size_t max, const json_t **set, struct err *e) {
    struct sv code, words;
    json_t *root = kit_parse(body, PULL_BYTES_MAX);
    *set = json_object_get(tencent_response(root, &code, &words), kinds[what].set);
    if (json_is_array(*set) && json_array_size(*set) <= max)
        return root;
    json_decref(root);
    err_set(e, ERR_INVALID, "what Tencent handed out is no list of at most %zu", max);
    return NULL;
}

/* False: not a receipt. */
static bool read_report(const json_t *entry, struct arena *mem, struct receipt *out, bool *known) {
    *out = (struct receipt){.state = STATE_NONE};
    struct sv status = kit_string(entry, "ReportStatus"), context = kit_string(entry, "SessionContext");
    if (!kit_provider_id(out->provider_id, kit_string(entry, "SerialNo")) || !status.n)
        return false;
    out->number = tencent_number(SV_NONE, kit_string(entry, "PhoneNumber"), mem);
    if (context.n == TOKEN_BYTES)
        out->token = arena_dup(mem, context);
    *known = tencent_report(status, kit_string(entry, "Description"), out);
    return out->number.n > 0;
}

bool tencent_pulled_receipts(struct sv body, struct arena *mem, struct receipt *out, size_t max, size_t *n,
                             struct err *e) {
    const json_t *set;
    *n = 0;
    json_auto_t *root = open_set(body, PULL_RECEIPTS, max, &set, e);
    if (!root)
        return false;
    size_t size = json_array_size(set), good = 0;
    for (size_t i = 0; i < size; i++) {
        bool known;
        if (!read_report(json_array_get(set, i), mem, &out[*n], &known))
            continue; /* the others are handed out no second time */
        good++;
        *n += known;
    }
    if (!mem->full && (good || size == 0))
        return true;
    *n = 0;
    return err_set_field(e, ERR_INVALID, "SerialNo",
                         "none that was handed out has SerialNo, PhoneNumber and ReportStatus");
}

bool tencent_pulled_replies(struct sv body, struct arena *mem, struct inbound *out, size_t max, size_t *n,
                            struct err *e) {
    static const struct tencent_reply_names names = {"CountryCode", "SubscriberNumber", "ReplyContent",
                                                     "SignName",    "ExtendCode",       "ReplyTime"};
    const json_t *set;
    *n = 0;
    json_auto_t *root = open_set(body, PULL_REPLIES, max, &set, e);
    if (!root)
        return false;
    size_t size = json_array_size(set), good = 0;
    for (size_t i = 0; i < size; i++)
        good += tencent_read_reply(&names, json_array_get(set, i), mem, &out[good], e);
    if (good == 0 && size)
        return false;
    if (e)
        *e = ERR_INIT;
    *n = good;
    return true;
}
