/* Aliyun's calls to us: SmsReport (what became of messages) and SmsUp (replies), arrays of JSON objects.
 * Nothing in them is signed: the secret in the address is all that shows who calls. Source: help.aliyun.com,
 * "SmsReport" and "SmsUp" of HTTP batch push. */
#include "provider/aliyun.h"

#include "provider/aliyun_errors.h"
#include "provider/kit.h"

enum { HOOK_BYTES_MAX = 1024 * 1024, TEXT_BYTES_MAX = 16 * 1024, ADDRESS_BYTES_MAX = 128 };

/* Its `code` being a number is all that is looked at; else it is posted again three times. */
static const struct hook_reply understood = {.content_type = "application/json",
                                             .body = {"{\"code\":0,\"msg\":\"接收成功\"}", 31}};

/* The array, once the address has shown its secret. NULL and an error otherwise. Free with json_decref. */
static json_t *authenticate(const struct lane_config *lane, const struct hook_request *rq, size_t max,
                            struct arena *mem, struct err *e) {
    if (!kit_hook_secret(kit_field(lane, ALIYUN_CALLBACK_TOKEN), "callback_token", rq, mem, e))
        return NULL;
    if (rq->method != HTTP_POST) {
        err_set(e, ERR_INVALID, "Aliyun calls back by POST");
        return NULL;
    }
    if (rq->body.n > HOOK_BYTES_MAX) {
        err_set(e, ERR_TOO_LARGE, "the callback is over %d bytes", HOOK_BYTES_MAX);
        return NULL;
    }
    json_t *root = kit_parse(rq->body, HOOK_BYTES_MAX);
    if (!json_is_array(root))
        err_set(e, ERR_INVALID, "the callback is no JSON array");
    else if (json_array_size(root) > max)
        err_set(e, ERR_TOO_LARGE, "more than %zu entries in one callback", max);
    else
        return root;
    json_decref(root);
    return NULL;
}

/* A text, or a number as text: sequence_id was one and is now the other. In mem. */
static struct sv text_of(const json_t *object, const char *key, size_t max, struct arena *mem) {
    const json_t *v = json_object_get(object, key);
    struct sv text = kit_string(object, key);
    struct buf BUF_AUTO digits = BUF_INIT(32);
    if (json_is_integer(v)) {
        buf_add_i64(&digits, (int64_t)json_integer_value(v));
        text = buf_sv(&digits);
    }
    if (text.n > max || !kit_is_text(text))
        return SV_NONE;
    return arena_dup(mem, text);
}

/* SmsReport: phone_number, success, err_code, biz_id, out_id; the international one: To, Status, ErrorCode,
 * MessageId, TaskId. False for an entry that names no message, or says nothing. */
static bool read_receipt(const json_t *entry, struct arena *mem, struct receipt *out) {
    const json_t *success = json_object_get(entry, "success");
    bool globe = json_object_get(entry, "MessageId") != NULL && !success;
    struct sv id = text_of(entry, globe ? "MessageId" : "biz_id", PROVIDER_ID_MAX, mem),
              out_id = text_of(entry, globe ? "TaskId" : "out_id", 256, mem),
              number = text_of(entry, globe ? "To" : "phone_number", ADDRESS_BYTES_MAX, mem),
              code = text_of(entry, globe ? "ErrorCode" : "err_code", ADDRESS_BYTES_MAX, mem),
              status = text_of(entry, "Status", 16, mem);
    bool foreign = false, batch = aliyun_is_batch_out_id(out_id, &foreign);
    *out = (struct receipt){.number = aliyun_e164(number, globe || foreign, mem),
                            .token = batch ? SV_NONE : out_id};
    if (!kit_provider_id(out->provider_id, id))
        return false;
    bool good = globe ? sv_eq(status, SV("1")) : json_is_true(success);
    bool bad = globe ? sv_eq(status, SV("2")) || sv_eq(status, SV("6")) : json_is_false(success);
    if (!good && !bad)
        return false;
    out->state = good ? STATE_DELIVERED : STATE_UNDELIVERED;
    if (bad)
        out->reason = sv_eq(status, SV("6")) ? REASON_EXPIRED : aliyun_receipt_reason(code);
    return true;
}

bool aliyun_receipt(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                    struct receipt *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e) {
    *n = 0;
    *reply = understood;
    json_auto_t *root = authenticate(lane, rq, max, mem, e);
    if (!root)
        return false;
    size_t read = 0;
    for (size_t i = 0; i < json_array_size(root); i++)
        read += read_receipt(json_array_get(root, i), mem, &out[read]);
    if (mem->full)
        return err_set(e, ERR_TOO_LARGE, "no room to read the callback");
    *n = read;
    return true;
}

static bool read_inbound(const json_t *entry, struct arena *mem, struct inbound *out) {
    *out = (struct inbound){
        .from = aliyun_e164(text_of(entry, "phone_number", ADDRESS_BYTES_MAX, mem), false, mem),
        .to = text_of(entry, "dest_code", ADDRESS_BYTES_MAX, mem),
        .body = text_of(entry, "content", TEXT_BYTES_MAX, mem),
        .provider_id = text_of(entry, "sequence_id", PROVIDER_ID_MAX - 1, mem)};
    if (!out->to.n)
        out->to = text_of(entry, "sign_name", ADDRESS_BYTES_MAX, mem);
    if (!out->to.n)
        out->to = SV("aliyun");
    return out->from.n && json_is_string(json_object_get(entry, "content"));
}

bool aliyun_inbound(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                    struct inbound *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e) {
    *n = 0;
    *reply = understood;
    json_auto_t *root = authenticate(lane, rq, max, mem, e);
    if (!root)
        return false;
    size_t read = 0;
    for (size_t i = 0; i < json_array_size(root); i++)
        read += read_inbound(json_array_get(root, i), mem, &out[read]);
    if (mem->full)
        return err_set(e, ERR_TOO_LARGE, "no room to read the callback");
    *n = read;
    return true;
}
