/* twilio_answer: what the simulated Twilio says: messages and errors in its JSON. Each function whose name
 * begins with answer ends the exchange.
 */
#ifndef HY_SIMULATOR_SIM_TWILIO_ANSWER_H
#define HY_SIMULATOR_SIM_TWILIO_ANSWER_H

#include "base/buf.h"
#include "net/server.h"
#include "simulator/sim_store.h"

struct sim;

/* Its To, with the word before it that its From has. */
void message_to(struct sim *sim, const struct sim_message *m, struct buf *out);
/* The message as a JSON object, as of now. */
void message_write(struct sim *sim, uint64_t seq, const struct sim_message *m, struct buf *out);
/* As it is told to its sender: just created, it is never further than its first status. */
void created_write(struct sim *sim, uint64_t seq, const struct sim_message *m, struct buf *out);
/* The message; the connection is closed when it is forgotten. */
void answer_message(struct sim *sim, struct exchange *x, int status, uint64_t seq);
/* code 0: the usual one of the status; status 0: the usual one of the code. */
void answer_error(struct sim *sim, struct exchange *x, int status, int code, int retry_after_s);

#endif
