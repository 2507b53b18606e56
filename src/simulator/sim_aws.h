/* aws: the simulated Amazon Web Services, on "/", signed by Signature Version 4: End User Messaging SMS
 * (SendTextMessage, SendVoiceMessage, DescribeAccountAttributes; events and replies as Amazon Data Firehose
 * posts them) and SNS (Publish to a telephone number, GetSMSAttributes; no events). Beside the access key of
 * the profile it takes credentials that it has lent itself, as containers, instances and web identities get
 * them. Source: the vendor's API references; nothing is taken from the adapter.
 */
#ifndef HY_SIMULATOR_SIM_AWS_H
#define HY_SIMULATOR_SIM_AWS_H

#include "simulator/sim_call.h"

extern const struct sim_face sim_aws, sim_aws_sns;

/* What is wrong with the signature of that service (the vendor's code), or NULL. */
const char *sim_aws_authenticate(struct sim *sim, struct exchange *x, const struct sim_face *face,
                                 struct sv service);
/* Requests for credentials: GET /v2/credentials..., the metadata service, STS. */
bool sim_aws_lends(const struct exchange *x);
void sim_aws_lend(struct sim *sim, struct exchange *x);
bool sim_aws_is_lent(struct sv key_id);
/* Appends the secret of lent credentials; what is wrong with them (the vendor's code), or NULL. */
const char *sim_aws_check_lent(struct sim *sim, struct sv key_id, struct sv session_token,
                               struct buf *secret);
/* 01234567-89ab-cdef-0123-456789abcdef */
void sim_aws_id_add(const struct sim *sim, uint64_t seq, struct buf *out);

void sim_aws_receipt(struct sim *sim, const struct sim_step *step, struct callback *c);
bool sim_aws_reply(struct sim *sim, const struct sim_reply *reply, struct callback *c, const char **why);

#endif
