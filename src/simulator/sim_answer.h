/* answer: what the simulated API says: messages and errors in Twilio's JSON, and saying nothing at all.
 * Each function ends the exchange.
 */
#ifndef HY_SIMULATOR_SIM_ANSWER_H
#define HY_SIMULATOR_SIM_ANSWER_H

#include "net/server.h"
#include "simulator/sim_course.h"

struct sim;

/* The message as a JSON object, as of now. */
void message_write(struct sim *sim, uint64_t seq, const struct sim_message *m, struct buf *out);

void answer_json(struct exchange *x, int status, const struct buf *body);
/* The message; the connection is closed when it is forgotten. */
void answer_message(struct sim *sim, struct exchange *x, int status, uint64_t seq);
/* code 0: the usual one of the status; status 0: the usual one of the code. */
void answer_error(struct sim *sim, struct exchange *x, int status, int code, int retry_after_s);
/* Closes the connection without an answer. */
void answer_nothing(struct exchange *x);
/* What the course says of a create call: seq is its message, 0 when it was not recorded. */
void answer_course(struct sim *sim, struct exchange *x, const struct course *course, uint64_t seq);

#endif
