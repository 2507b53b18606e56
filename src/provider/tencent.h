/* tencent: Tencent Cloud SMS, API version 2021-01-11. Sources: the API reference (cloud.tencent.com/document/
 * product/382: SendSms 55981, PullSmsSendStatusByPhoneNumber 55976, callbacks 59178 and 59179, error codes
 * 59177) and the models of the vendor's SDK (tencentcloud-sdk-nodejs-sms).
 *
 * This header is shared by the adapter's parts (send and probe, look-up, hooks); the rest of the program sees
 * only tencent_adapter, through provider/list.c.
 */
#ifndef HY_PROVIDER_TENCENT_H
#define HY_PROVIDER_TENCENT_H

#include "provider/kit.h"

extern const struct adapter tencent_adapter;

/* Indexes into lane->fields, in the order of the adapter's table. */
enum tencent_field {
    TENCENT_SECRET_ID,
    TENCENT_SECRET_KEY,
    TENCENT_SESSION_TOKEN,
    TENCENT_SDK_APP_ID,
    TENCENT_SIGN_NAME,
    TENCENT_TEMPLATE_ID,
    TENCENT_TEMPLATE_ID_ABROAD,
    TENCENT_REGION,
    TENCENT_CALLBACK_TOKEN,
    TENCENT_ABSENT_AFTER_S,
    TENCENT_PULL_REPLIES_S,
    TENCENT_PULL_RECEIPTS_S,
    TENCENT_BASE_URL,
    TENCENT_FIELDS
};

/* A signed request for an action with that body; everything is copied to mem. ERR_TOO_LARGE when mem is full
 * or the body overflowed. */
MUST_USE bool tencent_request(const struct lane_config *lane, const char *action, const struct buf *body,
                              int64_t now, struct arena *mem, struct http_request *out, struct err *e);
/* Response of an answer, and its Error's code and words if it has one; NULL when the body is none. Borrowed
 * from root. */
const json_t *tencent_response(const json_t *root, struct sv *code, struct sv *words);
/* What an error's code says of the lane. */
enum lane_hint tencent_hint(struct sv code);

/* ---- SessionContext: what of ours Tencent gives back ---- */

enum { TENCENT_CONTEXT_MAX = 511 }; /* "less than 512 bytes" */
/* The attempt's token; for several, a set that can be asked whether a token is in it (wrongly yes about once
 * in 1500 times with 200 of them). */
void tencent_context_add(struct buf *out, const struct attempt_view *a, size_t n);
bool tencent_context_has(struct sv context, struct sv token);

/* ---- what both of Tencent's APIs have in common: template parameters, callbacks ---- */

/* A list of strings, in JSON, from params (a list, or an object whose names are 1, 2, ...); from body alone
 * where params is empty. False when params is neither. */
MUST_USE bool tencent_params_add(struct buf *out, struct sv params, struct sv body);
/* What a receipt's code (DELIVRD, 002, -106 ...) says of a text that did not arrive. */
enum reason tencent_report_reason(struct sv code);
/* What ReportStatus and the code beside it say. False for a word that is not known. */
bool tencent_report(struct sv status, struct sv code, struct receipt *out);
/* +{nation}{mobile} in mem; SV_NONE when they are no number. */
struct sv tencent_number(struct sv nation, struct sv mobile, struct arena *mem);
/* The callbacks, once the secret in their address is right; reply says {"result":0,"errmsg":"OK"}. */
bool tencent_read_receipts(struct sv secret, const struct hook_request *rq, struct arena *mem,
                           struct receipt *out, size_t max, size_t *n, struct hook_reply *reply,
                           struct err *e);
bool tencent_read_inbound(struct sv secret, const struct hook_request *rq, struct arena *mem,
                          struct inbound *out, size_t max, size_t *n, struct hook_reply *reply,
                          struct err *e);

/* ---- what Tencent keeps until it is fetched: PullSmsReplyStatus, PullSmsSendStatus ---- */

/* How the members of a reply are called. */
struct tencent_reply_names {
    const char *nation, *mobile, *text, *sign, *extend, *time;
};
MUST_USE bool tencent_read_reply(const struct tencent_reply_names *names, const json_t *entry,
                                 struct arena *mem, struct inbound *out, struct err *e);
uint32_t tencent_pulls(const struct lane_config *lane, enum pull what);
bool tencent_pull(const struct lane_config *lane, enum pull what, int64_t now, struct arena *mem,
                  struct http_request *out, struct err *e);
bool tencent_judge_pull(const struct lane_config *lane, enum pull what, const struct http_response *r,
                        size_t *n, bool *more, struct err *e);
/* The entries of a body that judge_pull was content with; false: none of them has any sense. */
MUST_USE bool tencent_pulled_receipts(struct sv body, struct arena *mem, struct receipt *out, size_t max,
                                      size_t *n, struct err *e);
MUST_USE bool tencent_pulled_replies(struct sv body, struct arena *mem, struct inbound *out, size_t max,
                                     size_t *n, struct err *e);

bool tencent_receipt(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                     struct receipt *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e);
bool tencent_inbound(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                     struct inbound *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e);
bool tencent_lookup(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                    struct arena *mem, struct http_request *out, struct err *e);
struct lookup_answer tencent_judge_lookup(const struct lane_config *lane, const struct attempt_view *a,
                                          int64_t now, const struct http_response *r);

#endif
