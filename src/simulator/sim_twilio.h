/* twilio: the simulated provider's API: who asks (Basic authentication), for what (routes), and the answers.
 * Source: Twilio's OpenAPI description of API 2010-04-01 and its documentation.
 */
#ifndef HY_SIMULATOR_SIM_TWILIO_H
#define HY_SIMULATOR_SIM_TWILIO_H

#include "model/form.h"
#include "simulator/sim_face.h"

struct sim;

/* sim_twilio takes what is under /2010-04-01/, but for calls, which are sim_twilio_voice's. */
extern const struct sim_face sim_twilio, sim_twilio_voice;
enum { TWILIO_PLACE = 0 }; /* in sim_faces */

/* One account with a token that is checked; before the first request. False when they are too long or the sid
 * has not the form AC + 32 hex digits. */
bool sim_twilio_fix_account(struct sim *sim, struct sv sid, struct sv token);

/* Basic authentication as the account sid of the path; *account is its place. */
MUST_USE bool sim_twilio_authenticate(struct sim *sim, struct exchange *x, struct sv sid, uint16_t *account);
/* A signed form. dedup: I-Twilio-Idempotency-Token; may be empty. */
void sim_twilio_post(struct callback *c, const struct form *f, struct sv dedup, struct sv token,
                     enum callback_sign sign);

/* The parts that have files of their own. */
void sim_twilio_create(struct sim *sim, struct exchange *x, uint16_t account);
void sim_twilio_list(struct sim *sim, struct exchange *x, uint16_t account);
void sim_twilio_receipt(struct sim *sim, const struct sim_step *step, struct callback *c);
bool sim_twilio_reply(struct sim *sim, const struct sim_reply *reply, struct callback *c, const char **why);

#endif
