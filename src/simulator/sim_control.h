/* control: the simulator's own doors, without authentication as they are for the machine's own tests: what it
 * has seen (/_sim/stats, /_sim/messages, the page at /), how it behaves (/_sim/profile), texts from handsets
 * (/_sim/reply), and all from the start (/_sim/reset).
 */
#ifndef HY_SIMULATOR_SIM_CONTROL_H
#define HY_SIMULATOR_SIM_CONTROL_H

#include "net/server.h"

struct sim;

/* Any request that is not the provider's. Answers it, now or later. */
void control_handle(struct sim *sim, struct exchange *x);
/* Forgets messages, counters and receipts to come, closes the connections that wait for an answer, and
 * returns to the profile of the start. */
void control_reset(struct sim *sim);

#endif
