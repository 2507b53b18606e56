/* aws: text messages (and calls that speak) by Amazon Web Services, over one of two APIs: AWS End User
 * Messaging SMS (`sms-voice`, API version 2022-03-31, JSON 1.0) or SNS Publish to a telephone number (`sns`,
 * API version 2010-03-31, Query protocol). Sources: the API references of both, Signature Version 4 in the
 * AWS General Reference, "HTTP endpoint delivery request and response specifications" of Amazon Data
 * Firehose.
 *
 * Neither keeps a reference of ours nor can be asked what became of a message, and neither takes an
 * idempotency key: what is unknown stays so until an event tells. Events of End User Messaging come by
 * Firehose to an HTTP endpoint, which shows that it is itself by an access key, or by an SNS topic, whose
 * posts are signed; texts by SNS have no events over HTTP but what somebody passes on from its delivery logs.
 *
 * This header is shared by the adapter's parts; the rest of the program sees only aws_adapter.
 */
#ifndef HY_PROVIDER_AWS_H
#define HY_PROVIDER_AWS_H

#include "provider/kit.h"

extern const struct adapter aws_adapter;

/* Indexes into lane->fields, in the order of the adapter's table. */
enum aws_field {
    AWS_API,
    AWS_REGION,
    AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY,
    AWS_SESSION_TOKEN,
    AWS_ORIGINATION,
    AWS_CONFIGURATION_SET,
    AWS_MESSAGE_TYPE,
    AWS_MAX_PRICE,
    AWS_VOICE_ID,
    AWS_CALLBACK_TOKEN,
    AWS_BASE_URL,
    AWS_CREDENTIALS,
    AWS_ROLE,
    AWS_CREDENTIALS_URL,
    AWS_CREDENTIALS_TOKEN_FILE,
    AWS_TOPICS,
    AWS_FIELDS
};

bool aws_is_sns(const struct lane_config *lane);

/* ---- credentials (aws_credentials.c): as adapter.h says of grants ---- */

enum aws_credentials { AWS_KEYS, AWS_CONTAINER, AWS_INSTANCE, AWS_WEB_IDENTITY };
enum aws_credentials aws_credentials_kind(const struct lane_config *lane);
bool aws_check_credentials(struct sv v, struct err *e);
bool aws_check_credentials_url(struct sv v, struct err *e);
bool aws_check_role(struct sv v, struct err *e);
/* Which of the fields go together. */
bool aws_check_credential_fields(const struct lane_config *lane, struct err *e);
bool aws_needs_grant(const struct lane_config *lane);
struct sv aws_grant_file(const struct lane_config *lane);
bool aws_grant(const struct lane_config *lane, struct sv so_far, int64_t now, uint64_t nonce,
               struct arena *mem, struct http_request *out, struct err *e);
bool aws_judge_grant(const struct lane_config *lane, struct sv so_far, int64_t now,
                     const struct http_response *r, struct grant *out, struct err *e);
/* What signs: the lane's own keys, or what its grant holds (views into it). token may be empty. */
struct aws_keys {
    struct sv id, secret, token;
};
struct aws_keys aws_keys_of(const struct lane_config *lane, struct sv grant);

/* ---- posts of SNS (aws_sns.c) ---- */

bool aws_check_topics(struct sv v, struct err *e);
bool aws_is_sns_post(const struct hook_request *rq);
/* What a notification says, in mem, once its signature is checked; empty: of a subscription, and done.
 * ERR_BUSY: it has to be posted again. */
MUST_USE bool aws_sns_open(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                           struct sv *message, struct err *e);

/* ---- the rest ---- */

/* The text of the first element of that name, as it stands; names and ids have nothing to unescape. */
struct sv aws_element(struct sv xml, const char *open, const char *close);

/* A POST of body to the API's root, signed. grant: of a lane that needs one. target: X-Amz-Target, or empty
 * (SNS). Everything is copied to mem. */
MUST_USE bool aws_request(const struct lane_config *lane, struct sv grant, struct sv target,
                          const struct buf *body, int64_t now, struct arena *mem, struct http_request *out,
                          struct err *e);

/* What an error means. code: the vendor's name without "Exception" or what stands before '#'; reason: of
 * End User Messaging, or empty. NULL: not known. */
struct aws_error {
    const char *code, *reason; /* reason NULL: any */
    enum fate fate;
    enum lane_hint hint;
    enum reason says;
    int32_t pause_ms;
};
const struct aws_error *aws_error_find(struct sv code, struct sv reason);
bool aws_code(size_t i, struct adapter_code *out); /* as adapter.code */
/* What an event's type says of a message; false: nothing (a type of the future). */
bool aws_event_find(struct sv type, enum state *state, enum reason *reason);

bool aws_receipt(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                 struct receipt *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e);
bool aws_inbound(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                 struct inbound *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e);
const char *aws_hook_header(const struct lane_config *lane, size_t i);

#endif
