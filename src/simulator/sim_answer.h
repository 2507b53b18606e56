/* answer: what all faces say alike: JSON with a status, and nothing at all. Each function ends the exchange.
 */
#ifndef HY_SIMULATOR_SIM_ANSWER_H
#define HY_SIMULATOR_SIM_ANSWER_H

#include "base/buf.h"
#include "net/server.h"

void answer_json(struct exchange *x, int status, const struct buf *body);
/* Closes the connection without an answer. */
void answer_nothing(struct exchange *x);

#endif
