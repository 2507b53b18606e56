/* aliyun: Alibaba Cloud SMS: Dysmsapi 2017-05-25 (templates; China, and other countries by international
 * templates), and 2018-05-01 (plain texts to other countries). Sources: the API reference at help.aliyun.com
 * and the SDKs Alibaba Cloud publishes (@alicloud/dysmsapi20170525, @alicloud/dysmsapi20180501,
 * @alicloud/pop-core).
 *
 * How a message goes:
 *  - with the code of a template (attempt_view.code): SendSms with that template, whatever the country;
 *  - to China without one: SendSms with the lane's template_code, whose template_param takes the whole text;
 *  - elsewhere without one: SendMessageToGlobe at the lane's global_url.
 * The attempt's token is the OutId (TaskId of the last), which receipts and QuerySendDetails bring back.
 *
 * This header is shared by the adapter's parts (send, sign, batch, look-up, hooks); the rest of the program
 * sees only aliyun_adapter, through provider/list.c.
 */
#ifndef HY_PROVIDER_ALIYUN_H
#define HY_PROVIDER_ALIYUN_H

#include "provider/adapter.h"

extern const struct adapter aliyun_adapter;

/* Indexes into lane->fields, in the order of the adapter's table. */
enum aliyun_field {
    ALIYUN_KEY_ID,
    ALIYUN_KEY_SECRET,
    ALIYUN_SECURITY_TOKEN,
    ALIYUN_SIGN_NAME,
    ALIYUN_TEMPLATE_CODE,
    ALIYUN_TEMPLATE_PARAM,
    ALIYUN_EXTEND_CODE,
    ALIYUN_CALLBACK_TOKEN,
    ALIYUN_SIGNATURE,
    ALIYUN_BASE_URL,
    ALIYUN_GLOBAL_URL,
    ALIYUN_FIELDS
};

enum {
    ALIYUN_BATCH_MAX = 50, /* the API takes 100; so many tags fit into one OutId */
    ALIYUN_PARAMS_MAX = 12,
    ALIYUN_ANSWER_BYTES_MAX = 64 * 1024,
};

#define ALIYUN_CHINA_API "2017-05-25"
#define ALIYUN_GLOBE_API "2018-05-01"

/* ---- requests (aliyun_sign.c) ---- */

/* One parameter of a call. in_body: goes into the form, where the older signature does not put all there. */
struct aliyun_param {
    const char *key;
    struct sv value;
    bool in_body;
};

struct aliyun_call {
    const char *action, *version;
    struct sv base_url;
    struct aliyun_param params[ALIYUN_PARAMS_MAX]; /* in any order */
    size_t n;
};

void aliyun_param(struct aliyun_call *call, const char *key, struct sv value, bool in_body);
/* Signs and writes the call, by the lane's `signature`. ERR_TOO_LARGE when it is too long or mem is full. */
MUST_USE bool aliyun_request(const struct lane_config *lane, struct aliyun_call *call, int64_t now,
                             uint64_t nonce, struct arena *mem, struct http_request *out, struct err *e);

/* ---- numbers and ids (aliyun_ids.c) ---- */

/* Whether the address is a number of mainland China. */
bool aliyun_is_china(struct sv e164);
/* The number as the API wants it: 11 digits in China, elsewhere country code and number. */
struct sv aliyun_number(struct sv e164);
/* E.164 from what the API reports, in mem; empty when it is no number. What could be either is a number of
 * China, unless foreign is set. */
struct sv aliyun_e164(struct sv number, bool foreign, struct arena *mem);

/* OutId of a batch: a mark and five characters of each attempt's token, as one OutId is all that a batch has.
 */
void aliyun_batch_out_id(const struct attempt_view *a, size_t n, struct buf *out);
bool aliyun_is_batch_out_id(struct sv out_id, bool *foreign);
/* Whether this OutId is of the attempt, or of a batch with it. */
bool aliyun_is_out_id_of(struct sv out_id, const struct attempt_view *a);

/* ---- sending (aliyun.c) ---- */

/* Which of the three ways. */
enum aliyun_way { ALIYUN_OWN_TEMPLATE, ALIYUN_LANE_TEMPLATE, ALIYUN_GLOBE, ALIYUN_NO_WAY };
enum aliyun_way aliyun_way_of(const struct lane_config *lane, const struct attempt_view *a);
struct sv aliyun_sign_name(const struct lane_config *lane, const struct attempt_view *a);
/* TemplateParam: the caller's, or the whole text as the lane's parameter. */
void aliyun_template_params(const struct lane_config *lane, const struct attempt_view *a, struct buf *out);
/* The verdict of an answer to one send. */
struct verdict aliyun_judge(const struct lane_config *lane, const struct http_response *r);

bool aliyun_joins(const struct lane_config *lane, const struct attempt_view *a, const struct attempt_view *b);
bool aliyun_build_batch(const struct lane_config *lane, const struct attempt_view *a, size_t n, int64_t now,
                        uint64_t nonce, struct arena *mem, struct http_request *out, struct err *e);
void aliyun_judge_batch(const struct lane_config *lane, const struct attempt_view *a, size_t n,
                        const struct http_response *r, struct verdict *out);
bool aliyun_lookup(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                   struct arena *mem, struct http_request *out, struct err *e);
struct lookup_answer aliyun_judge_lookup(const struct lane_config *lane, const struct attempt_view *a,
                                         int64_t now, const struct http_response *r);
bool aliyun_probe(const struct lane_config *lane, int64_t now, uint64_t nonce, struct arena *mem,
                  struct http_request *out, struct err *e);
bool aliyun_judge_probe(const struct lane_config *lane, const struct http_response *r, struct err *e);
bool aliyun_receipt(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                    struct receipt *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e);
bool aliyun_inbound(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                    struct inbound *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e);

#endif
