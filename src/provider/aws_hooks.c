/* Events of End User Messaging by way of an SNS topic (aws_sns.c) or of Amazon Data Firehose: a post with a
 * list of records, each of them base64 of one event, or of several on lines of their own; and replies of
 * handsets, likewise. */
#include "provider/aws.h"

#include "base/codec.h"
#include "base/json.h"

#include <string.h>

enum { HOOK_BYTES_MAX = 1024 * 1024, EVENT_BYTES_MAX = 64 * 1024, RECORDS_MAX = 512 };

/* Firehose says who it is by the key that its stream was given. */
static bool authenticate(const struct lane_config *lane, const struct hook_request *rq, struct err *e) {
    struct sv right = kit_field(lane, AWS_CALLBACK_TOKEN);
    struct sv given = http_find_header(rq->headers, rq->n_headers, SV("X-Amz-Firehose-Access-Key"));
    if (right.n == 0)
        return err_set_field(e, ERR_AUTH, "callback_token",
                             "the lane takes no events: set callback_token, and give it to the Firehose "
                             "stream as its access key");
    if (given.n == 0)
        return err_set(e, ERR_AUTH, "no X-Amz-Firehose-Access-Key");
    if (rq->body.n > HOOK_BYTES_MAX)
        return err_set(e, ERR_TOO_LARGE, "the callback is over %d bytes", HOOK_BYTES_MAX);
    return sv_eq_secret(given, right) ||
           err_set(e, ERR_AUTH, "the stream's access key is not the lane's callback_token");
}

/* What Firehose wants to hear: its request's id and a time. */
static bool set_reply(const json_t *root, struct arena *mem, struct hook_reply *reply, struct err *e) {
    struct buf BUF_AUTO text = BUF_INIT(1024);
    struct sv id = kit_string(root, "requestId");
    if (id.n == 0 || id.n > 256)
        return err_set_field(e, ERR_INVALID, "requestId",
                             "this is no post of Firehose's: it has no requestId");
    buf_addc(&text, '{');
    json_pair(&text, "requestId", id);
    json_pair_i64(&text, "timestamp", kit_int(root, "timestamp", 0));
    buf_addc(&text, '}');
    *reply = (struct hook_reply){.content_type = "application/json", .body = arena_dup(mem, buf_sv(&text))};
    return true;
}

/* Calls take for each event; false when it does. */
static bool each_event(const json_t *root, bool (*take)(void *ctx, const json_t *event, struct err *e),
                       void *ctx, struct err *e) {
    const json_t *records = json_object_get(root, "records");
    if (!json_is_array(records) || json_array_size(records) > RECORDS_MAX)
        return err_set_field(e, ERR_INVALID, "records",
                             "the callback has no list of records, or too long a one");
    for (size_t i = 0; i < json_array_size(records); i++) {
        struct buf BUF_AUTO text = BUF_INIT(EVENT_BYTES_MAX);
        if (!base64_parse(kit_string(json_array_get(records, i), "data"), &text))
            return err_set_field(e, ERR_INVALID, "records", "a record is no base64, or too long");
        for (struct sv rest = buf_sv(&text); rest.n;) {
            struct sv line = sv_trim(sv_cut(&rest, '\n'));
            json_auto_t *event = kit_parse(line, EVENT_BYTES_MAX);
            if (event && !take(ctx, event, e))
                return false;
        }
    }
    return true;
}

struct taking {
    struct arena *mem;
    void *out;
    size_t max, n;
};

/* How SNS logs what became of a text of its own, where somebody passes the log on. */
static bool take_log(struct taking *t, const json_t *event) {
    struct receipt r = {0};
    struct sv status = kit_string(event, "status");
    bool good = sv_eq(status, SV("SUCCESS"));
    if (t->n == t->max || (!good && !sv_eq(status, SV("FAILURE"))) ||
        !kit_provider_id(r.provider_id, kit_string(json_object_get(event, "notification"), "messageId")))
        return true;
    r.state = good ? STATE_DELIVERED : STATE_UNDELIVERED;
    r.reason = good ? REASON_NONE : REASON_UNREACHABLE;
    r.number = arena_dup(t->mem, kit_string(json_object_get(event, "delivery"), "destination"));
    ((struct receipt *)t->out)[t->n++] = r;
    return true;
}

static bool take_receipt(void *ctx, const json_t *event, struct err *e) {
    (void)e;
    struct taking *t = ctx;
    struct receipt r = {0};
    if (json_is_object(json_object_get(event, "notification")))
        return take_log(t, event);
    if (t->n == t->max || !aws_event_find(kit_string(event, "eventType"), &r.state, &r.reason) ||
        !kit_provider_id(r.provider_id, kit_string(event, "messageId")))
        return true; /* of the future, or of something else: heard, and nothing to do */
    r.token = arena_dup(t->mem, kit_string(json_object_get(event, "context"), "t"));
    r.number = arena_dup(t->mem, kit_string(event, "destinationPhoneNumber"));
    ((struct receipt *)t->out)[t->n++] = r;
    return true;
}

static bool take_inbound(void *ctx, const json_t *event, struct err *e) {
    (void)e;
    struct taking *t = ctx;
    struct inbound in = {.from = kit_string(event, "originationNumber"),
                         .to = kit_string(event, "destinationNumber"),
                         .body = kit_string(event, "messageBody"),
                         .provider_id = kit_string(event, "inboundMessageId")};
    if (t->n == t->max || in.from.n == 0 || in.from.n > 128 || in.to.n == 0 || in.to.n > 128 ||
        in.provider_id.n == 0)
        return true;
    in.from = arena_dup(t->mem, in.from);
    in.to = arena_dup(t->mem, in.to);
    in.body = arena_dup(t->mem, in.body);
    in.provider_id = arena_dup(t->mem, in.provider_id);
    ((struct inbound *)t->out)[t->n++] = in;
    return true;
}

static bool take_all(const struct lane_config *lane, const struct hook_request *rq, struct taking *t,
                     bool (*take)(void *ctx, const json_t *event, struct err *e), size_t *n,
                     struct hook_reply *reply, struct err *e) {
    *n = 0;
    *reply = (struct hook_reply){.content_type = NULL};
    if (aws_is_sns_post(rq)) {
        struct sv message;
        if (!aws_sns_open(lane, rq, t->mem, &message, e))
            return false;
        json_auto_t *event = kit_parse(message, EVENT_BYTES_MAX);
        bool ok = !event || take(t, event, e);
        *n = t->n;
        return ok;
    }
    if (!authenticate(lane, rq, e))
        return false;
    json_auto_t *root = kit_parse(rq->body, HOOK_BYTES_MAX);
    if (!set_reply(root, t->mem, reply, e) || !each_event(root, take, t, e))
        return false;
    if (t->mem->full)
        return err_set(e, ERR_TOO_LARGE, "the callback is too large");
    *n = t->n;
    return true;
}

bool aws_receipt(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                 struct receipt *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e) {
    struct taking t = {.mem = mem, .out = out, .max = max};
    return take_all(lane, rq, &t, take_receipt, n, reply, e);
}

bool aws_inbound(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                 struct inbound *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e) {
    struct taking t = {.mem = mem, .out = out, .max = max};
    return take_all(lane, rq, &t, take_inbound, n, reply, e);
}

const char *aws_hook_header(const struct lane_config *lane, size_t i) {
    static const char *const names[] = {"X-Amz-Firehose-Access-Key", "X-Amz-Sns-Rawdelivery"};
    (void)lane;
    return i < sizeof names / sizeof names[0] ? names[i] : NULL;
}
