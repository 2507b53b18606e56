/* What SNS posts to an HTTPS endpoint: notifications (events of End User Messaging, replies of handsets) and
 * the question whether the endpoint wants them. Sources: "Verifying the signatures of Amazon SNS messages",
 * "Confirm the subscription" in the developer guide of SNS.
 *
 * Whoever has an account with AWS can have SNS sign what he likes: only the lane's own topics count, and the
 * address has a secret besides. The signer's certificate and the confirming address are fetched from SNS of
 * the topic's own region and from nowhere else. Its certificate is believed because it comes from there by
 * TLS, which is how the vendor's own validators do it. */
#include "provider/aws.h"

#include "base/certificate.h"
#include "base/clock.h"

enum {
    BODY_BYTES_MAX = 512 * 1024,
    TEXT_BYTES_MAX = 512 * 1024,
    URL_BYTES_MAX = 1024,
    TOPIC_BYTES_MAX = 300
};

/* ---- topics ---- */

static struct sv part(struct sv v, unsigned i, char sep) {
    while (i-- > 0)
        sv_cut(&v, sep);
    return sv_cut(&v, sep);
}

static bool is_word(struct sv v) {
    return kit_is_word(v, "-_.", URL_BYTES_MAX);
}

/* arn:aws:sns:REGION:ACCOUNT:NAME */
static bool is_topic(struct sv v) {
    return v.n <= TOPIC_BYTES_MAX && sv_eq(part(v, 0, ':'), SV("arn")) &&
           sv_starts(part(v, 1, ':'), SV("aws")) && sv_eq(part(v, 2, ':'), SV("sns")) &&
           is_word(part(v, 3, ':')) && is_word(part(v, 4, ':')) && is_word(part(v, 5, ':')) &&
           sv_find_char(part(v, 3, ':'), '.') == SIZE_MAX && !part(v, 6, ':').n;
}

bool aws_check_topics(struct sv v, struct err *e) {
    while (v.n)
        if (!is_topic(sv_word(&v)))
            return err_set_field(e, ERR_INVALID, "topics",
                                 "a topic is arn:aws:sns:REGION:ACCOUNT:NAME; several with spaces between");
    return true;
}

static bool is_ours(const struct lane_config *lane, struct sv topic) {
    struct sv rest = kit_field(lane, AWS_TOPICS);
    while (rest.n)
        if (sv_eq(sv_word(&rest), topic))
            return true;
    return false;
}

/* ---- addresses ---- */

/* What follows the address of SNS itself in url; p == NULL: it is elsewhere. */
static struct sv behind_sns(const struct lane_config *lane, struct sv topic, struct sv url) {
    struct buf BUF_AUTO own = BUF_INIT(URL_BYTES_MAX);
    struct sv base = kit_field(lane, AWS_BASE_URL), region = part(topic, 3, ':');
    if (base.n && lane->allow_private) /* an AWS of one's own, on one's own network */
        buf_addf(&own, "%.*s/", SV_FMT(base));
    else
        buf_addf(&own, "https://sns.%.*s.amazonaws.com%s/", SV_FMT(region),
                 sv_starts(region, SV("cn-")) ? ".cn" : "");
    bool whole =
        kit_is_plain(url) && sv_find_char(url, '\\') == SIZE_MAX && sv_find_char(url, '#') == SIZE_MAX;
    return whole && sv_starts(url, buf_sv(&own)) && url.n < URL_BYTES_MAX ? sv_from(url, own.n) : SV_NONE;
}

static bool is_certificate_url(const struct lane_config *lane, struct sv topic, struct sv url) {
    struct sv name = behind_sns(lane, topic, url);
    return name.p && sv_starts(name, SV("SimpleNotificationService-")) && sv_ends(name, SV(".pem")) &&
           is_word(name) && sv_find(name, SV("..")) == SIZE_MAX;
}

/* ---- signature ---- */

static void add_line(struct buf *out, const json_t *o, const char *key) {
    if (json_is_string(json_object_get(o, key)))
        buf_addf(out, "%s\n%.*s\n", key, SV_FMT(kit_string(o, key)));
}

/* In the order of the bytes of the keys. */
static void signed_text(const json_t *o, bool notification, struct buf *out) {
    static const char *const told[] = {"Message",  "MessageId", "Subject", "Timestamp",
                                       "TopicArn", "Type",      NULL};
    static const char *const asked[] = {"Message", "MessageId", "SubscribeURL", "Timestamp",
                                        "Token",   "TopicArn",  "Type",         NULL};
    for (const char *const *key = notification ? told : asked; *key; key++)
        add_line(out, o, *key);
}

static bool check_signature(const struct lane_config *lane, const struct hook_request *rq, const json_t *o,
                            bool notification, struct err *e) {
    struct sv topic = kit_string(o, "TopicArn"), url = kit_string(o, "SigningCertURL"),
              version = kit_string(o, "SignatureVersion");
    struct buf BUF_AUTO text = BUF_INIT(TEXT_BYTES_MAX), BUF_AUTO signature = BUF_INIT(2048);
    bool sha1 = sv_eq(version, SV("1"));
    int64_t at;
    if (!sha1 && !sv_eq(version, SV("2")))
        return err_set_field(e, ERR_AUTH, "SignatureVersion",
                             "the post is signed in a way that is not known");
    if (!is_certificate_url(lane, topic, url))
        return err_set_field(e, ERR_AUTH, "SigningCertURL",
                             "the certificate is not where SNS of the topic's region has it");
    if (!base64_parse(kit_string(o, "Signature"), &signature) ||
        !clock_parse_rfc3339(kit_string(o, "Timestamp"), &at))
        return err_set_field(e, ERR_AUTH, "Signature", "the post has no signature, or no time");
    struct sv pem = rq->document ? rq->document(rq->document_ctx, url) : SV_NONE;
    if (!pem.p)
        return err_set(e, ERR_BUSY, "the signer's certificate is being fetched: post again");
    signed_text(o, notification, &text);
    return !text.overflow ? certificate_signed(pem, sha1 ? HASH_SHA1 : HASH_SHA256, buf_sv(&text),
                                               buf_sv(&signature), at, e)
                          : err_set(e, ERR_TOO_LARGE, "the post is too long");
}

/* ---- posts ---- */

bool aws_is_sns_post(const struct hook_request *rq) {
    return http_find_header(rq->headers, rq->n_headers, SV("X-Amz-Sns-Message-Type")).n > 0;
}

static bool confirm(const struct lane_config *lane, const struct hook_request *rq, const json_t *o,
                    struct err *e) {
    struct sv url = kit_string(o, "SubscribeURL"), query = behind_sns(lane, kit_string(o, "TopicArn"), url);
    if (!query.p || !sv_starts(query, SV("?Action=ConfirmSubscription&")))
        return err_set_field(e, ERR_AUTH, "SubscribeURL", "the address to confirm at is not of SNS");
    return (rq->document && rq->document(rq->document_ctx, url).p) ||
           err_set(e, ERR_BUSY, "the subscription is being confirmed: post again");
}

static bool check_post(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                       struct err *e) {
    struct sv raw = http_find_header(rq->headers, rq->n_headers, SV("X-Amz-Sns-Rawdelivery"));
    if (kit_field(lane, AWS_TOPICS).n == 0)
        return err_set_field(e, ERR_AUTH, "topics", "the lane takes no posts of SNS: set topics");
    if (!kit_hook_secret(kit_field(lane, AWS_CALLBACK_TOKEN), "callback_token", rq, mem, e))
        return false;
    if (raw.n && !sv_eq(raw, SV("false")))
        return err_set(e, ERR_AUTH,
                       "raw messages are not signed: turn off raw message delivery of the "
                       "subscription");
    return rq->body.n <= BODY_BYTES_MAX ||
           err_set(e, ERR_TOO_LARGE, "the callback is over %d bytes", BODY_BYTES_MAX);
}

bool aws_sns_open(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                  struct sv *message, struct err *e) {
    *message = SV_NONE;
    if (!check_post(lane, rq, mem, e))
        return false;
    json_auto_t *o = kit_parse(rq->body, BODY_BYTES_MAX);
    struct sv type = kit_string(o, "Type");
    bool notification = sv_eq(type, SV("Notification")),
         subscribe = sv_eq(type, SV("SubscriptionConfirmation"));
    if (!notification && !subscribe && !sv_eq(type, SV("UnsubscribeConfirmation")))
        return err_set_field(e, ERR_INVALID, "Type", "this is no post of SNS's");
    if (!is_ours(lane, kit_string(o, "TopicArn")))
        return err_set_field(e, ERR_AUTH, "TopicArn", "the topic is none of the lane's topics");
    if (!check_signature(lane, rq, o, notification, e))
        return false;
    if (notification)
        *message = arena_dup(mem, kit_string(o, "Message"));
    return !subscribe || confirm(lane, rq, o, e);
}
