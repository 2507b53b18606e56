/* tencent: the two APIs of Tencent Cloud SMS as faces: API 3.0 (TC3-HMAC-SHA256, actions on "/") and the
 * older one with application id and key (/v5/tlssmssvr/). They share numbers, error words, receipts and
 * replies. Sources: cloud.tencent.com/document/product/382 (55981, 55976, 59177, 59178, 59179) and the
 * vendor's SDKs.
 */
#ifndef HY_SIMULATOR_SIM_TENCENT_H
#define HY_SIMULATOR_SIM_TENCENT_H

#include "simulator/sim_call.h"

#include <jansson.h>

extern const struct sim_face sim_tencent, sim_tencent_appkey;

/* The numbers of one call: those that are none have no item. */
struct sim_tencent_call {
    size_t n;
    struct sim_tencent_number {
        struct sv nation, mobile; /* digits, in the exchange's arena */
        uint64_t number;          /* 0: none */
        size_t item;
    } * numbers;
    struct sv context; /* SessionContext, ext */
    bool many;         /* of the older API: sendmultisms2 */
};

/* What a refusal is called in API 3.0, and its number in the older API. */
struct sim_tencent_word {
    const char *word;
    int code;
    const char *text;
};
/* Of a status or one of Twilio's codes. */
const struct sim_tencent_word *sim_tencent_word_of(int status, int code);

/* Fills nation, mobile and number from the digits of a country's code and of a number within it. */
void sim_tencent_number(struct sim_tencent_number *out, struct sv nation, struct sv mobile,
                        struct arena *mem);
/* A call with an item for each number that is one; NULL when there is none such (own is valid all the same),
 * or when memory was short (then the exchange was answered and *answered is true). body: what was said,
 * template parameters joined; extra: a JSON object. */
struct sim_call *sim_tencent_begin(struct sim *sim, const struct sim_face *face, struct exchange *x,
                                   struct sim_tencent_call *own, struct sv body, struct sv sign,
                                   struct sv extra, bool *answered);
/* A string member; SV_NONE when it is none. */
struct sv sim_tencent_text(const json_t *object, const char *key);
/* Member `key`, a list of strings, joined by commas into out; false when it is something else. */
MUST_USE bool sim_tencent_params(const json_t *object, const char *key, struct buf *out);

/* What is handed out once: where receipts and replies are posted nowhere (sim_tencent_pull.c). They write
 * the whole of the answer's set into out; limit: as many at most. */
void sim_tencent_pull_replies(struct sim *sim, size_t limit, struct buf *out);
void sim_tencent_pull_reports(struct sim *sim, size_t limit, struct buf *out);
bool sim_tencent_keep(struct sim *sim, const struct sim_reply *reply, const char **why);
/* One entry of a list of reports. */
void sim_tencent_write_report(struct sim *sim, const struct sim_message *m, uint64_t seq, struct buf *out);

/* Posts. */
bool sim_tencent_reports(enum sim_status status);
void sim_tencent_receipt(struct sim *sim, const struct sim_step *step, struct callback *c);
bool sim_tencent_reply(struct sim *sim, const struct sim_reply *reply, struct callback *c, const char **why);
bool sim_tencent_accepts(const struct http_response *r);
/* What a status is called in reports, and the carrier's code beside it. */
struct sv sim_tencent_report(const struct sim *sim, const struct sim_message *m, enum sim_status status,
                             struct sv *code);
/* The part of a number after 86, and "86"; others are taken as they are with their first digits as nation. */
void sim_tencent_split(uint64_t number, struct buf *nation, struct buf *mobile);

#endif
