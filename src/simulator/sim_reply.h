/* reply: a text from a handset, posted in the provider's form to the tested side's inbound URL.
 *
 * POST /_sim/reply {"from", "to", "body"[, "provider"][, "account_sid"]}. The answer comes when the tested
 * side has answered, and says what it said.
 */
#ifndef HY_SIMULATOR_SIM_REPLY_H
#define HY_SIMULATOR_SIM_REPLY_H

#include "net/server.h"

struct sim;

void reply_handle(struct sim *sim, struct exchange *x);

#endif
