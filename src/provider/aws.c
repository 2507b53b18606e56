#include "provider/aws.h"

#include "base/clock.h"
#include "base/json.h"

#include <string.h>

enum {
    BODY_BYTES_MAX = 64 * 1024,
    ANSWER_BYTES_MAX = 64 * 1024,
    TTL_MIN_S = 5,
    TTL_MAX_S = 259200, /* TimeToLive: 5..259200 */
    BODY_CHARS_MAX = 1600,
};

static bool check_api(struct sv v, struct err *e) {
    return sv_eq(v, SV("sns")) || sv_eq(v, SV("sms-voice")) ||
           err_set_field(e, ERR_INVALID, "api", "give sms-voice (AWS End User Messaging) or sns");
}

static bool check_region(struct sv v, struct err *e) {
    return kit_is_word(v, "-", 32) ||
           err_set_field(e, ERR_INVALID, "region", "a region is a word such as us-east-1");
}

static bool check_key_id(struct sv v, struct err *e) {
    return kit_is_word(v, "", 256) ||
           err_set_field(e, ERR_INVALID, "access_key_id",
                         "an access key id is letters and digits, such as AKIA...");
}

static bool check_header_secret(struct sv v, struct err *e) {
    return kit_is_plain(v) ||
           err_set_field(e, ERR_INVALID, "session_token", "a session token is one word of ASCII");
}

static bool check_type(struct sv v, struct err *e) {
    return sv_eq(v, SV("TRANSACTIONAL")) || sv_eq(v, SV("PROMOTIONAL")) ||
           err_set_field(e, ERR_INVALID, "message_type", "give TRANSACTIONAL or PROMOTIONAL");
}

static bool check_price(struct sv v, struct err *e) {
    bool plain = v.n > 0 && v.n <= 8;
    for (size_t i = 0; i < v.n; i++)
        plain = plain && ((v.p[i] >= '0' && v.p[i] <= '9') || v.p[i] == '.');
    return plain || err_set_field(e, ERR_INVALID, "max_price", "give US dollars, such as 0.50");
}

/* Its path is signed as "/": there is none. */
static bool check_base(struct sv v, struct err *e) {
    if (!kit_check_base_url(v, e))
        return false;
    struct sv rest = sv_from(v, sv_find(v, SV("://")) + 3);
    return sv_find_char(rest, '/') == SIZE_MAX ||
           err_set_field(e, ERR_INVALID, "base_url", "give scheme and host alone: there is no path");
}

static const struct adapter_field fields[AWS_FIELDS] = {
    [AWS_API] = {"api", "sms-voice (End User Messaging) or sns", "sms-voice(End User Messaging)或 sns",
                 .identifies = true, .fallback = "sms-voice", .check = check_api},
    [AWS_REGION] = {"region", "Region, such as us-east-1", "区域,例如 us-east-1", .required = true,
                    .identifies = true, .check = check_region},
    [AWS_ACCESS_KEY_ID] = {"access_key_id", "Access key id, of credentials: keys",
                           "访问密钥 ID(credentials: keys)", .identifies = true, .check = check_key_id},
    [AWS_SECRET_ACCESS_KEY] = {"secret_access_key", "Secret access key, of credentials: keys",
                               "访问密钥(credentials: keys)", .secret = true, .check = kit_check_secret},
    [AWS_SESSION_TOKEN] = {"session_token", "Session token, of temporary credentials", "会话令牌(临时凭据)",
                           .secret = true, .check = check_header_secret},
    [AWS_ORIGINATION] = {"origination", "Number, sender id or pool that texts come from, without a sender",
                         "默认发送方:号码、发送方 ID 或号码池"},
    [AWS_CONFIGURATION_SET] = {"configuration_set", "Configuration set, whose events tell delivery",
                               "配置集,其事件用于送达回执"},
    [AWS_MESSAGE_TYPE] = {"message_type", "TRANSACTIONAL or PROMOTIONAL", "TRANSACTIONAL 或 PROMOTIONAL",
                          .fallback = "TRANSACTIONAL", .check = check_type},
    [AWS_MAX_PRICE] = {"max_price", "Most that one text (voice: a minute) may cost, in US dollars",
                       "单条短信(语音为每分钟)的最高价格,美元", .check = check_price},
    [AWS_VOICE_ID] = {"voice_id", "Voice of calls, such as JOANNA", "语音呼叫的声音,例如 JOANNA"},
    [AWS_CALLBACK_TOKEN] = {"callback_token", "Access key of the Firehose stream that brings events",
                            "投递事件的 Firehose 流的访问密钥", .secret = true,
                            .check = kit_check_callback_token},
    [AWS_BASE_URL] = {"base_url", "API address, where it is not the region's own", "API 地址(默认由区域决定)",
                      .identifies = true, .check = check_base},
    [AWS_CREDENTIALS] = {"credentials",
                         "Where they come from: keys (those given here), container, instance or web-identity",
                         "凭据来源:keys(此处给出)、container、instance 或 web-identity", .fallback = "keys",
                         .check = aws_check_credentials},
    [AWS_ROLE] = {"role", "The instance's role, where it has several; the ARN of a web identity's role",
                  "实例角色(有多个时);web-identity 的角色 ARN", .identifies = true, .check = aws_check_role},
    [AWS_CREDENTIALS_URL] =
        {"credentials_url",
         "Container: its endpoint, or a path at 169.254.170.2; else where it is not AWS's own",
         "容器的凭据地址,或 169.254.170.2 上的路径;其他方式默认用 AWS 的地址",
         .check = aws_check_credentials_url},
    [AWS_CREDENTIALS_TOKEN_FILE] =
        {"credentials_token_file",
         "File with the container's or web identity's token, read whenever it is needed",
         "容器或 web-identity 令牌所在文件,每次使用时读取"},
    [AWS_TOPICS] = {"topics", "SNS topics (ARN) whose posts are taken, with spaces between",
                    "接受其推送的 SNS 主题 ARN,以空格分隔", .check = aws_check_topics},
};

static bool check_all(const struct lane_config *lane, struct err *e) {
    if (!aws_check_credential_fields(lane, e))
        return false;
    bool sns = aws_is_sns(lane);
    return !sns || kit_field(lane, AWS_CONFIGURATION_SET).n == 0 ||
           err_set_field(e, ERR_INVALID, "configuration_set", "SNS has none: use api: sms-voice");
}

/* ---- requests ---- */

static struct sv sender_of(const struct lane_config *lane, const struct attempt_view *a) {
    return a->from.n ? a->from : lane->from.n ? lane->from : kit_field(lane, AWS_ORIGINATION);
}

static void add_pair(struct buf *out, const char *key, struct sv value) {
    buf_addf(out, "&%s=", key);
    percent_add(out, value);
}

static void add_attribute(struct buf *out, unsigned *n, const char *name, const char *type, struct sv value) {
    char key[64];
    ++*n;
    snprintf(key, sizeof key, "MessageAttributes.entry.%u.Name", *n);
    add_pair(out, key, sv_of(name));
    snprintf(key, sizeof key, "MessageAttributes.entry.%u.Value.DataType", *n);
    add_pair(out, key, sv_of(type));
    snprintf(key, sizeof key, "MessageAttributes.entry.%u.Value.StringValue", *n);
    add_pair(out, key, value);
}

static void sns_body(const struct lane_config *lane, const struct attempt_view *a, struct buf *out) {
    struct sv from = sender_of(lane, a), price = kit_field(lane, AWS_MAX_PRICE);
    unsigned n = 0;
    buf_adds(out, "Action=Publish&Version=2010-03-31");
    add_pair(out, "PhoneNumber", a->to);
    add_pair(out, "Message", a->body);
    bool promotional = sv_eq(kit_field(lane, AWS_MESSAGE_TYPE), SV("PROMOTIONAL"));
    add_attribute(out, &n, "AWS.SNS.SMS.SMSType", "String",
                  promotional ? SV("Promotional") : SV("Transactional"));
    if (price.n)
        add_attribute(out, &n, "AWS.SNS.SMS.MaxPrice", "Number", price);
    bool number = from.n && (from.p[0] == '+' || (from.p[0] >= '0' && from.p[0] <= '9'));
    if (from.n)
        add_attribute(out, &n, number ? "AWS.MM.SMS.OriginationNumber" : "AWS.SNS.SMS.SenderID", "String",
                      from);
}

static void pair_if(struct buf *out, const char *key, struct sv value) {
    if (value.n)
        json_pair(out, key, value);
}

static void voice_sms_body(const struct lane_config *lane, const struct attempt_view *a, int64_t now,
                           struct buf *out) {
    bool voice = a->channel == CHANNEL_VOICE;
    buf_addc(out, '{');
    json_pair(out, "DestinationPhoneNumber", a->to);
    pair_if(out, "OriginationIdentity", sender_of(lane, a));
    json_pair(out, "MessageBody", a->body);
    if (voice)
        json_pair(out, "MessageBodyTextType", SV("TEXT"));
    else
        json_pair(out, "MessageType", kit_field(lane, AWS_MESSAGE_TYPE));
    if (voice)
        pair_if(out, "VoiceId", kit_field(lane, AWS_VOICE_ID));
    pair_if(out, "ConfigurationSetName", kit_field(lane, AWS_CONFIGURATION_SET));
    pair_if(out, voice ? "MaxPricePerMinute" : "MaxPrice", kit_field(lane, AWS_MAX_PRICE));
    if (a->expires_at) {
        int64_t left = (a->expires_at - now) / US_PER_S;
        json_pair_i64(out, "TimeToLive", left < TTL_MIN_S ? TTL_MIN_S : left > TTL_MAX_S ? TTL_MAX_S : left);
    }
    if (a->token.n) { /* comes back with each event */
        json_key(out, "Context");
        buf_addc(out, '{');
        json_pair(out, "t", a->token);
        buf_addc(out, '}');
    }
    buf_addc(out, '}');
}

static bool build(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                  struct arena *mem, struct http_request *out, struct err *e) {
    (void)nonce; /* neither API takes an idempotency key */
    struct buf BUF_AUTO body = BUF_INIT(BODY_BYTES_MAX);
    if (aws_is_sns(lane)) {
        sns_body(lane, a, &body);
        return aws_request(lane, a->grant, SV_NONE, &body, now, mem, out, e);
    }
    voice_sms_body(lane, a, now, &body);
    return aws_request(lane, a->grant,
                       a->channel == CHANNEL_VOICE ? SV("PinpointSMSVoiceV2.SendVoiceMessage")
                                                   : SV("PinpointSMSVoiceV2.SendTextMessage"),
                       &body, now, mem, out, e);
}

static enum reason refuses(const struct lane_config *lane, const struct attempt_view *a) {
    return a->channel == CHANNEL_VOICE && aws_is_sns(lane) ? REASON_NO_LANE : REASON_NONE;
}

/* ---- answers ---- */

struct sv aws_element(struct sv xml, const char *open, const char *close) {
    size_t at = sv_find(xml, sv_of(open));
    if (at == SIZE_MAX)
        return SV_NONE;
    struct sv rest = sv_from(xml, at + strlen(open));
    size_t end = sv_find(rest, sv_of(close));
    return end == SIZE_MAX ? SV_NONE : sv_sub(rest, 0, end);
}

struct said {
    struct sv id, code, reason, text;
    bool number; /* it is the number that is wrong */
};

static struct said read_xml(struct sv body) {
    struct sv error = aws_element(body, "<Error>", "</Error>");
    return (struct said){.id = aws_element(body, "<MessageId>", "</MessageId>"),
                         .code = aws_element(error, "<Code>", "</Code>"),
                         .text = aws_element(error, "<Message>", "</Message>"),
                         .number = sv_find(error, SV("PhoneNumber")) != SIZE_MAX};
}

static struct said read_json(const json_t *o) {
    struct sv text = kit_string(o, "Message");
    const json_t *fields_wrong = json_object_get(o, "Fields");
    bool number = false;
    for (size_t i = 0; i < json_array_size(fields_wrong); i++)
        number = number ||
                 sv_eq(kit_string(json_array_get(fields_wrong, i), "Name"), SV("DestinationPhoneNumber"));
    return (struct said){.id = kit_string(o, "MessageId"),
                         .code = kit_string(o, "__type"),
                         .reason = kit_string(o, "Reason"),
                         .text = text.n ? text : kit_string(o, "message"),
                         .number = number};
}

/* The vendor's words, with the name of the error, which is all the code there is. */
static void say(struct verdict *v, const struct said *s) {
    struct buf BUF_AUTO text = BUF_INIT(4096);
    size_t hash = sv_find_char(s->code, '#');
    buf_add(&text, sv_from(s->code, hash == SIZE_MAX ? 0 : hash + 1));
    if (s->reason.n)
        buf_addf(&text, " %.*s", SV_FMT(s->reason));
    if (s->text.n)
        buf_addf(&text, "%s%.*s", text.n ? ": " : "", SV_FMT(sv_sub(s->text, 0, 1024)));
    kit_say(v->text, buf_sv(&text));
}

static void judge_error(const struct lane_config *lane, const struct said *s, struct verdict *v) {
    const struct aws_error *row = aws_error_find(s->code, s->reason);
    say(v, s);
    if (!row)
        kit_unknown_code(v,
                         sv_from(s->code, sv_find_char(s->code, '#') + 1)); /* behind a name space, if any */
    if (!row || (v->http_status >= 500 && row->fate != FATE_UNKNOWN)) {
        kit_judge_class(v);
        return;
    }
    kit_judge_as(v, row->fate, row->hint, row->says);
    /* Lent credentials end by themselves; others are fetched. */
    if (aws_needs_grant(lane) && sv_starts(sv_of(row->code), SV("ExpiredToken")))
        v->hint = LANE_SLOW_DOWN, v->grant_refused = true;
    kit_pause(v, row->pause_ms);
    /* One code for all that is not liked; words or fields say what. */
    if (row->says == REASON_REQUEST_REJECTED && s->number)
        v->reason = REASON_INVALID_NUMBER;
}

static struct verdict judge(const struct lane_config *lane, const struct http_response *r) {
    struct verdict v;
    if (kit_judge_transport(r, &v))
        return v;
    bool sns = aws_is_sns(lane);
    json_auto_t *answer = sns ? NULL : kit_parse(r->body, ANSWER_BYTES_MAX);
    struct said s = sns ? read_xml(sv_sub(r->body, 0, ANSWER_BYTES_MAX)) : read_json(answer);
    if (r->status != 200) {
        judge_error(lane, &s, &v);
    } else if (kit_provider_id(v.provider_id, s.id)) {
        kit_judge_as(&v, FATE_SENT, LANE_FINE, REASON_NONE);
    } else {
        kit_judge_as(&v, FATE_UNKNOWN, LANE_DOWN, REASON_OUTCOME_UNKNOWN);
        kit_say(v.text, SV("the answer names no message"));
    }
    return v;
}

/* ---- probe ---- */

static bool probe_granted(const struct lane_config *lane, struct sv grant, int64_t now, uint64_t nonce,
                          struct arena *mem, struct http_request *out, struct err *e) {
    (void)nonce;
    struct buf BUF_AUTO body = BUF_INIT(256);
    bool sns = aws_is_sns(lane);
    buf_adds(&body, sns ? "Action=GetSMSAttributes&Version=2010-03-31" : "{}");
    return aws_request(lane, grant, sns ? SV_NONE : SV("PinpointSMSVoiceV2.DescribeAccountAttributes"), &body,
                       now, mem, out, e);
}

static bool probe(const struct lane_config *lane, int64_t now, uint64_t nonce, struct arena *mem,
                  struct http_request *out, struct err *e) {
    return probe_granted(lane, SV_NONE, now, nonce, mem, out, e);
}

static bool judge_probe(const struct lane_config *lane, const struct http_response *r, struct err *e) {
    struct sv base = kit_field(lane, AWS_BASE_URL);
    bool sns = aws_is_sns(lane);
    if (!kit_probe_answered(base.n ? base : kit_field(lane, AWS_REGION), r, e))
        return false;
    json_auto_t *answer = sns ? NULL : kit_parse(r->body, ANSWER_BYTES_MAX);
    if (r->status == 200)
        return (sns ? sv_find(r->body, SV("<GetSMSAttributesResponse")) != SIZE_MAX
                    : json_is_array(json_object_get(answer, "AccountAttributes"))) ||
               err_set_field(e, ERR_OUTSIDE, "base_url", "what answers there is not AWS");
    struct said s = sns ? read_xml(sv_sub(r->body, 0, ANSWER_BYTES_MAX)) : read_json(answer);
    const struct aws_error *row = aws_error_find(s.code, s.reason);
    if ((row && row->says == REASON_CREDENTIALS) || r->status == 401 || r->status == 403)
        return err_set_field(e, ERR_AUTH, "secret_access_key",
                             "AWS refuses the credentials (HTTP %d, %.*s): check the keys, the region, the "
                             "permissions of the keys' user, and this machine's clock",
                             r->status, SV_FMT(sv_sub(s.code, 0, 80)));
    return err_set(e, r->status == 429 ? ERR_LIMITED : ERR_OUTSIDE, "AWS answers HTTP %d, %.*s", r->status,
                   SV_FMT(sv_sub(s.code, 0, 80)));
}

const struct adapter aws_adapter = {
    .name = "aws",
    .fields = fields,
    .n_fields = AWS_FIELDS,
    .check_all = check_all,
    .channels = 1u << CHANNEL_SMS | 1u << CHANNEL_VOICE,
    .batch_max = 1,
    .body_chars_max = BODY_CHARS_MAX,
    .senders_by_country = true,
    .rate_counts_segments = true, /* message parts a second, of the number or the account */
    .build = build,
    .judge = judge,
    .refuses = refuses,
    .hook_header = aws_hook_header,
    .receipt = aws_receipt,
    .inbound = aws_inbound,
    .needs_grant = aws_needs_grant,
    .grant_file = aws_grant_file,
    .grant = aws_grant,
    .judge_grant = aws_judge_grant,
    .probe = probe,
    .probe_granted = probe_granted,
    .judge_probe = judge_probe,
    .code = aws_code,
};
