/* twilio: Twilio Programmable Messaging, API version 2010-04-01. Sources: the API reference and OpenAPI
 * description twilio publishes (twilio_api_v2010), and its guides on status callbacks, webhook security and
 * error codes.
 *
 * This header is shared by the adapter's parts (send and probe, look-up, hooks); the rest of the program sees
 * only twilio_adapter, through provider/list.c.
 */
#ifndef HY_PROVIDER_TWILIO_H
#define HY_PROVIDER_TWILIO_H

#include "provider/kit.h"

extern const struct adapter twilio_adapter;

/* Indexes into lane->fields, in the order of the adapter's table. */
enum twilio_field {
    TWILIO_ACCOUNT_SID,
    TWILIO_AUTH_TOKEN,
    TWILIO_API_KEY,
    TWILIO_API_SECRET,
    TWILIO_BASE_URL,
    TWILIO_SHARED_FIELDS, /* those above are every adapter's that speaks to Twilio, in this order */
    TWILIO_SERVICE_SID = TWILIO_SHARED_FIELDS,
    TWILIO_FIELDS
};

bool twilio_check_account_sid(struct sv v, struct err *e);
bool twilio_check_api_key(struct sv v, struct err *e);
/* The token signs the callbacks, so it is needed even where an API key authenticates the calls. */
#define TWILIO_SHARED_ROWS                                                                                   \
    [TWILIO_ACCOUNT_SID] = {"account_sid",    "Account SID",      "账户 SID",                                \
                            .required = true, .identifies = true, .check = twilio_check_account_sid},        \
    [TWILIO_AUTH_TOKEN] = {"auth_token",                                                                     \
                           "Auth token (signs callbacks)",                                                   \
                           "认证令牌(用于回调签名)",                                                         \
                           .secret = true,                                                                   \
                           .required = true,                                                                 \
                           .check = kit_check_secret},                                                       \
    [TWILIO_API_KEY] = {"api_key", "API key SID, instead of the auth token for calls",                       \
                        "API 密钥 SID(调用时代替认证令牌)", .check = twilio_check_api_key},                  \
    [TWILIO_API_SECRET] = {"api_secret", "API key secret", "API 密钥的密码", .secret = true,                 \
                           .check = kit_check_secret},                                                       \
    [TWILIO_BASE_URL] = {"base_url",                                                                         \
                         "API address",                                                                      \
                         "API 地址",                                                                         \
                         .identifies = true,                                                                 \
                         .fallback = "https://api.twilio.com",                                               \
                         .check = kit_check_base_url}
/* api_key and api_secret go together. */
bool twilio_check_key_whole(const struct lane_config *lane, struct err *e);

/* {base_url}/2010-04-01/Accounts/{sid} into out. */
void twilio_account_url(const struct lane_config *lane, struct buf *out);
/* A request with url and the headers every call has; everything is copied to mem. ERR_INVALID when the lane's
 * API key has no secret or the other way round, ERR_TOO_LARGE when mem is full. */
MUST_USE bool twilio_request(const struct lane_config *lane, enum http_method method, const struct buf *url,
                             struct arena *mem, struct http_request *out, struct err *e);
/* WhatsApp's addresses are numbers with this before them. */
#define TWILIO_WHATSAPP SV("whatsapp:")
/* key=address, as the attempt's channel has it. */
void twilio_add_address(struct buf *form, struct sv key, const struct attempt_view *a, struct sv address);
/* A number without what WhatsApp puts before it. */
struct sv twilio_number(struct sv address);
/* The attempt's sender, or the lane's; may be empty. */
struct sv twilio_sender(const struct lane_config *lane, const struct attempt_view *a);

/* A member that is an error code; 0 when absent, null, or no 32-bit number. */
int32_t twilio_code(const json_t *object, const char *key);
/* SM or MM and 32 hex digits. */
bool twilio_is_message_sid(struct sv v);
/* What a status word says: state and rank are the message's, reason comes from code for failures. False for a
 * word that is not known. */
bool twilio_status(struct sv word, int32_t code, struct receipt *out);

/* What a callback's parameters say once the signature has shown that Twilio made them. */
MUST_USE bool twilio_authenticate(const struct lane_config *lane, const struct hook_request *rq,
                                  struct arena *mem, struct form *params, struct err *e);
/* The value of a key; absent where it comes with two different values, whose order is not signed. */
struct sv twilio_only(const struct form *f, struct sv key);
/* "Thu, 24 Aug 2023 05:01:45 +0000", and HTTP's Date. */
bool twilio_parse_date(struct sv v, int64_t *at);
/* Whether the answer's Date is within a minute of ours. */
bool twilio_clocks_agree(const struct http_response *r, int64_t now);
bool twilio_probe(const struct lane_config *lane, int64_t now, uint64_t nonce, struct arena *mem,
                  struct http_request *out, struct err *e);
bool twilio_judge_probe(const struct lane_config *lane, const struct http_response *r, struct err *e);
/* What a refusal means: by its code's row, or else by HTTP class. Of an answer that is no 2xx. */
void twilio_judge_refusal(const struct http_response *r, const json_t *answer, struct verdict *v);

bool twilio_lookup(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                   struct arena *mem, struct http_request *out, struct err *e);
struct lookup_answer twilio_judge_lookup(const struct lane_config *lane, const struct attempt_view *a,
                                         int64_t now, const struct http_response *r);
bool twilio_receipt(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                    struct receipt *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e);
/* Text between the tags of TwiML, and in an attribute where it holds no quotation marks. */
void twilio_add_xml(struct buf *out, struct sv text);
/* TwiML: twilio.com/docs/messaging/twiml/message */
bool twilio_answer(struct sv text, struct arena *mem, struct hook_reply *out);
bool twilio_inbound(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                    struct inbound *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e);

#endif
