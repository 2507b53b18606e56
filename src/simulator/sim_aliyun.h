/* aliyun: the simulated Alibaba Cloud SMS: SendSms, SendBatchSms and QuerySendDetails of Dysmsapi 2017-05-25,
 * SendMessageToGlobe of 2018-05-01, both signatures, SmsReport and SmsUp. Source: the vendor's API reference
 * and SDKs.
 */
#ifndef HY_SIMULATOR_SIM_ALIYUN_H
#define HY_SIMULATOR_SIM_ALIYUN_H

#include "model/form.h"
#include "simulator/sim_call.h"

extern const struct sim_face sim_aliyun;

enum { ALIYUN_RETRY_WINDOW_S = 15 * 60 }; /* how far a request's time may be off */

/* One request: what it asks for, from headers, query and form together. */
struct sim_aliyun_request {
    struct exchange *x;
    struct form params; /* of query and form */
    struct sv action, version;
};

/* Whether the request is signed in one of the two ways; decides by marks alone. */
bool sim_aliyun_takes(const struct exchange *x);
/* Reads the parameters and checks key, time, signature and nonce. The vendor's code of what is wrong, or
 * NULL. */
const char *sim_aliyun_authenticate(struct sim *sim, struct exchange *x, struct sim_aliyun_request *rq);

/* Ends the exchange with a code of the vendor's. */
void sim_aliyun_refuse(struct sim *sim, struct exchange *x, const char *code, int retry_after_s);
/* QuerySendDetails. */
void sim_aliyun_query(struct sim *sim, struct sim_aliyun_request *rq);

/* E.164 digits of a number as callers write it: 11 digits in China, with or without +86, 0086, 86; else
 * country code and number. */
bool sim_aliyun_number(struct sv text, bool globe, uint64_t *out);
/* As the vendor writes it: without 86 in China. */
void sim_aliyun_number_add(struct buf *out, uint64_t number);
/* BizId or MessageId of the call that this message came with. */
void sim_aliyun_id_add(const struct sim *sim, uint64_t seq, const struct sim_message *m, struct buf *out);
/* 2026-01-02 11:04:05, Shanghai's. */
void sim_aliyun_time_add(struct buf *out, int64_t at);
/* The vendor's err_code for the end of a message. */
struct sv sim_aliyun_end_code(const struct sim *sim, const struct sim_message *m, enum sim_status status,
                              int code);

enum aliyun_kind { ALIYUN_CHINA_SMS, ALIYUN_GLOBE_SMS }; /* a row's `account` */

void sim_aliyun_receipt(struct sim *sim, const struct sim_step *step, struct callback *c);
bool sim_aliyun_reply(struct sim *sim, const struct sim_reply *reply, struct callback *c, const char **why);

#endif
