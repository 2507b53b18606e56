/* twilio: the simulated provider's API: who asks (Basic authentication), for what (routes), and the answers.
 * Source: Twilio's OpenAPI description of API 2010-04-01 and its documentation.
 */
#ifndef HY_SIMULATOR_SIM_TWILIO_H
#define HY_SIMULATOR_SIM_TWILIO_H

#include "net/server.h"

struct sim;

/* A request whose path is under /2010-04-01/. Answers it, now or later. */
void sim_twilio_handle(struct sim *sim, struct exchange *x);

/* One account with a token that is checked; before the first request. False when they are too long or the sid
 * has not the form AC + 32 hex digits. */
bool sim_twilio_fix_account(struct sim *sim, struct sv sid, struct sv token);

/* The parts of sim_twilio_handle that have files of their own. */
void sim_twilio_create(struct sim *sim, struct exchange *x, uint16_t account);
void sim_twilio_list(struct sim *sim, struct exchange *x, uint16_t account);

#endif
