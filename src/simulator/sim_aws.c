#include "simulator/sim_aws.h"

#include "base/json.h"
#include "model/form.h"
#include "simulator/sim.h"
#include "text/segments.h"

#include <jansson.h>
#include <string.h>

enum { BODY_CHARS_MAX = 1600 };
#define TARGET SV("PinpointSMSVoiceV2.")

static bool is_signed_post(const struct exchange *x) {
    return x->method == HTTP_POST && sv_eq(x->path, SV("/"));
}

static bool takes_eum(const struct exchange *x) {
    return (is_signed_post(x) && sv_starts(exchange_header(x, "X-Amz-Target"), TARGET)) || sim_aws_lends(x);
}

static bool takes_sns(const struct exchange *x) {
    return is_signed_post(x) && !exchange_header(x, "X-Amz-Target").p &&
           (exchange_header(x, "X-Amz-Date").p ||
            sv_find(x->body, SV("Version=2010-03-31")) != SIZE_MAX); /* SNS without a signature, too */
}

void sim_aws_id_add(const struct sim *sim, uint64_t seq, struct buf *out) {
    static const uint8_t parts[] = {8, 4, 4, 4, 12};
    struct sid sid = store_sid(&sim->store, seq);
    struct sv rest = sv_from(sid_sv(&sid), 2);
    for (size_t i = 0; i < sizeof parts; i++) {
        buf_adds(out, i ? "-" : "");
        buf_add(out, sv_sub(rest, 0, parts[i]));
        rest = sv_from(rest, parts[i]);
    }
}

static struct sv text_of(const json_t *o, const char *key) {
    const json_t *v = json_object_get(o, key);
    return json_is_string(v) ? sv_make(json_string_value(v), json_string_length(v)) : SV_NONE;
}

static size_t utf8_chars(struct sv v) {
    size_t n = 0;
    for (size_t i = 0; i < v.n; i++)
        n += ((unsigned char)v.p[i] & 0xC0) != 0x80;
    return n;
}

/* ---- refusals ---- */

/* How both services say what Twilio's code means; a code of 0 stands for its status. */
static const struct word {
    int status, code;
    const char *eum, *reason; /* __type and Reason */
    int sns_status;
    const char *sns, *text;
} words[] = {
    {401, 0, "AccessDeniedException", NULL, 403, "SignatureDoesNotMatch", "The signature does not match."},
    {429, 0, "ThrottlingException", NULL, 400, "Throttling", "Rate exceeded"},
    {500, 0, "InternalServerException", NULL, 500, "InternalError", "Something went wrong here."},
    {400, 21211, "ValidationException", "INVALID_PARAMETER", 400, "InvalidParameter",
     "Invalid parameter: PhoneNumber"},
    {400, 21614, "ValidationException", "INVALID_PARAMETER", 400, "InvalidParameter",
     "Invalid parameter: PhoneNumber"},
    {400, 21610, "ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT", 400, "OptedOut",
     "The number has opted out."},
    {400, 21408, "ConflictException", "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION", 403,
     "AuthorizationError", "Not allowed there."},
    {400, 21612, "ConflictException", "NO_ORIGINATION_IDENTITIES_FOUND", 400, "InvalidParameter",
     "No origination identity fits."},
    {400, 21617, "ValidationException", "MAXIMUM_SIZE_EXCEEDED", 400, "InvalidParameter",
     "Invalid parameter: Message too long"},
    {400, 0, "ValidationException", "INVALID_REQUEST", 400, "InvalidParameter", "Invalid parameter"},
};

static const struct word *word_of(int status, int code) {
    size_t n = sizeof words / sizeof words[0];
    for (size_t i = 0; i < n; i++)
        if (words[i].code && words[i].code == code)
            return &words[i];
    for (size_t i = 0; i < n; i++)
        if (!words[i].code && (words[i].status == status || (status > 500 && words[i].status == 500)))
            return &words[i];
    return &words[n - 1];
}

static void say(struct exchange *x, int status, const char *type, const struct buf *body) {
    struct answer a = {.status = status, .content_type = type, .body = buf_sv(body)};
    server_answer(x, &a);
}

/* code: of the vendor's, perhaps with a reason behind a space. */
static void say_json(struct sim *sim, struct exchange *x, int status, struct sv code, struct sv text) {
    struct sv reason = code;
    struct sv type = sv_cut(&reason, ' ');
    buf_reset(&sim->out);
    buf_addf(&sim->out, "{\"__type\":\"com.amazonaws.pinpointsmsvoicev2#%.*s\"", SV_FMT(type));
    if (reason.n)
        json_pair(&sim->out, "Reason", reason);
    if (sv_eq(reason, SV("INVALID_PARAMETER")))
        buf_adds(&sim->out, ",\"Fields\":[{\"Name\":\"DestinationPhoneNumber\",\"Message\":\"no number\"}]");
    json_pair(&sim->out, "Message", text);
    buf_addc(&sim->out, '}');
    say(x, status, "application/x-amz-json-1.0", &sim->out);
}

static void say_xml(struct sim *sim, struct exchange *x, int status, struct sv code, struct sv text) {
    buf_reset(&sim->out);
    buf_addf(&sim->out,
             "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>%s</Type>"
             "<Code>%.*s</Code><Message>%.*s</Message></Error><RequestId>simulated</RequestId>"
             "</ErrorResponse>",
             status < 500 ? "Sender" : "Receiver", SV_FMT(code), SV_FMT(text));
    say(x, status, "text/xml", &sim->out);
}

static void refuse_eum(struct sim *sim, struct exchange *x, const struct sim_refusal *r) {
    const struct word *w = word_of(r->status, r->code);
    struct buf BUF_AUTO code = BUF_INIT(256);
    if (r->word.n)
        buf_add(&code, r->word);
    else
        buf_addf(&code, "%s%s%s", w->eum, w->reason ? " " : "", w->reason ? w->reason : "");
    sim_count_status(sim, r->status);
    say_json(sim, x, r->status >= 500 ? r->status : 400, buf_sv(&code), sv_of(w->text));
}

static void refuse_sns(struct sim *sim, struct exchange *x, const struct sim_refusal *r) {
    const struct word *w = word_of(r->status, r->code);
    sim_count_status(sim, r->status);
    say_xml(sim, x, r->status >= 500 ? r->status : w->sns_status, r->word.n ? r->word : sv_of(w->sns),
            sv_of(w->text));
}

static void reject(struct sim *sim, struct exchange *x, const struct sim_face *face, int code) {
    struct sim_refusal r = {.status = 400, .code = code};
    sim->stats.rejected++;
    face->refuse(sim, x, &r);
}

/* ---- calls ---- */

static void take(struct sim *sim, struct exchange *x, const struct sim_face *face, struct sv to,
                 struct sv from, struct sv body, struct sv extra) {
    struct sim_item *item;
    uint64_t number;
    if (!sim_number_parse(to, &number)) {
        reject(sim, x, face, 21211);
        return;
    }
    if (body.n == 0 || utf8_chars(body) > BODY_CHARS_MAX || !sv_is_utf8(body)) {
        reject(sim, x, face, body.n ? 21617 : 0);
        return;
    }
    struct sim_call *call = call_new(sim, face, x, 1);
    if (!call)
        return;
    size_t segments = segments_count(body, SEGMENTS_INTERNATIONAL).segments;
    item = &call->items[0];
    item->draft.number = number;
    item->draft.body = body;
    item->draft.extra = extra;
    item->draft.row.segments = (uint8_t)(segments < UINT8_MAX ? segments : UINT8_MAX);
    if (words_put(&sim->store.words, from, &item->draft.row.from))
        call_take(sim, call);
    else
        reject(sim, x, face, 0);
}

static void handle_eum(struct sim *sim, struct exchange *x) {
    if (sim_aws_lends(x)) {
        sim_aws_lend(sim, x);
        return;
    }
    struct sv action = sv_from(exchange_header(x, "X-Amz-Target"), TARGET.n);
    const char *wrong = sim_aws_authenticate(sim, x, &sim_aws, SV("sms-voice"));
    sim->stats.requests++;
    if (wrong) {
        sim_count_status(sim, 401);
        bool key = sv_eq(sv_of(wrong), SV("InvalidClientTokenId")),
             sign = sv_eq(sv_of(wrong), SV("SignatureDoesNotMatch")),
             old = sv_eq(sv_of(wrong), SV("ExpiredToken"));
        say_json(sim, x, 400,
                 sv_of(key    ? "UnrecognizedClientException"
                       : sign ? "InvalidSignatureException"
                       : old  ? "ExpiredTokenException"
                              : wrong),
                 sv_of(wrong));
        return;
    }
    if (sv_eq(action, SV("DescribeAccountAttributes"))) {
        buf_reset(&sim->out);
        buf_adds(&sim->out, "{\"AccountAttributes\":[{\"Name\":\"ACCOUNT_TIER\",\"Value\":\"PRODUCTION\"}]}");
        say(x, 200, "application/x-amz-json-1.0", &sim->out);
        return;
    }
    bool voice = sv_eq(action, SV("SendVoiceMessage"));
    json_auto_t *rq = json_loadb(x->body.n ? x->body.p : "", x->body.n, 0, NULL);
    if ((!voice && !sv_eq(action, SV("SendTextMessage"))) || !json_is_object(rq)) {
        reject(sim, x, &sim_aws, 0);
        return;
    }
    struct buf BUF_AUTO extra = BUF_INIT(UINT16_MAX);
    json_auto_t *kept = json_copy(rq);
    json_object_del(kept, "MessageBody");
    json_object_set_new(kept, "Action", json_stringn(action.p, action.n));
    char *dumped = json_dumps(kept, JSON_COMPACT);
    buf_adds(&extra, dumped ? dumped : "");
    free(dumped);
    if (extra.overflow)
        reject(sim, x, &sim_aws, 0);
    else if (call_admit(sim, &sim_aws, x))
        take(sim, x, &sim_aws, text_of(rq, "DestinationPhoneNumber"), text_of(rq, "OriginationIdentity"),
             text_of(rq, "MessageBody"), buf_sv(&extra));
}

/* MessageAttributes.entry.N.Name and .Value.StringValue, as an object. */
static struct sv read_attributes(const struct form *f, struct buf *out) {
    struct sv from = SV_NONE;
    buf_addc(out, '{');
    for (unsigned i = 1; i <= 10; i++) {
        char key[64];
        snprintf(key, sizeof key, "MessageAttributes.entry.%u.Name", i);
        struct sv name = form_get(f, sv_of(key));
        snprintf(key, sizeof key, "MessageAttributes.entry.%u.Value.StringValue", i);
        struct sv value = form_get(f, sv_of(key));
        char text[128];
        if (!name.n || name.n >= sizeof text)
            continue;
        snprintf(text, sizeof text, "%.*s", SV_FMT(name));
        json_pair(out, text, value);
        if (sv_eq(name, SV("AWS.SNS.SMS.SenderID")) || sv_eq(name, SV("AWS.MM.SMS.OriginationNumber")))
            from = value;
    }
    buf_addc(out, '}');
    return from;
}

static void handle_sns(struct sim *sim, struct exchange *x) {
    const char *wrong = sim_aws_authenticate(sim, x, &sim_aws_sns, SV("sns"));
    struct form f;
    sim->stats.requests++;
    if (wrong) {
        sim_count_status(sim, 401);
        say_xml(sim, x, 403, sv_of(wrong), SV("The request is not signed as it has to be."));
        return;
    }
    if (!form_parse(x->body, &x->arena, &f, NULL) || !sv_eq(form_get(&f, SV("Version")), SV("2010-03-31"))) {
        reject(sim, x, &sim_aws_sns, 0);
        return;
    }
    struct sv action = form_get(&f, SV("Action"));
    if (sv_eq(action, SV("GetSMSAttributes"))) {
        buf_reset(&sim->out);
        buf_adds(&sim->out, "<GetSMSAttributesResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">"
                            "<GetSMSAttributesResult><attributes/></GetSMSAttributesResult>"
                            "<ResponseMetadata><RequestId>simulated</RequestId></ResponseMetadata>"
                            "</GetSMSAttributesResponse>");
        say(x, 200, "text/xml", &sim->out);
        return;
    }
    struct buf BUF_AUTO extra = BUF_INIT(UINT16_MAX);
    struct sv from = read_attributes(&f, &extra);
    if (!sv_eq(action, SV("Publish")) || extra.overflow)
        reject(sim, x, &sim_aws_sns, 0);
    else if (call_admit(sim, &sim_aws_sns, x))
        take(sim, x, &sim_aws_sns, form_get(&f, SV("PhoneNumber")), from, form_get(&f, SV("Message")),
             buf_sv(&extra));
}

/* ---- answers ---- */

static int answer_eum(struct sim *sim, const struct sim_call *call, struct buf *out) {
    buf_adds(out, "{\"MessageId\":\"");
    sim_aws_id_add(sim, call->items[0].seq, out);
    buf_adds(out, "\"}");
    return 200;
}

static int answer_sns(struct sim *sim, const struct sim_call *call, struct buf *out) {
    buf_adds(out, "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>"
                  "<MessageId>");
    sim_aws_id_add(sim, call->items[0].seq, out);
    buf_adds(out, "</MessageId></PublishResult><ResponseMetadata><RequestId>simulated</RequestId>"
                  "</ResponseMetadata></PublishResponse>");
    return 200;
}

/* SNS has no events over HTTP. */
static bool reports_nothing(enum sim_status status) {
    (void)status;
    return false;
}

const struct sim_face sim_aws = {
    .name = "aws",
    .title = "AWS End User Messaging",
    .account = "AKIASIMULATOR",
    .secret = "simulator-secret",
    .takes = takes_eum,
    .handle = handle_eum,
    .answer = answer_eum,
    .content_type = "application/x-amz-json-1.0",
    .refuse = refuse_eum,
    .receipt = sim_aws_receipt,
    .reply = sim_aws_reply,
};

const struct sim_face sim_aws_sns = {
    .name = "aws-sns",
    .title = "AWS SNS",
    .account = "AKIASIMULATOR",
    .secret = "simulator-secret",
    .takes = takes_sns,
    .handle = handle_sns,
    .answer = answer_sns,
    .content_type = "text/xml",
    .refuse = refuse_sns,
    .reports = reports_nothing,
    .receipt = sim_aws_receipt,
    .reply = sim_aws_reply,
};
