/* plan: on to a message's next channel, when the one it is on has failed for good, or brought no receipt of
 * delivery in the time that was set for it. Each channel has its own chain of attempts. It ends with the
 * first that delivers, with the last one's end, or with the message's validity.
 *
 * Not every end leads on: who does not want messages is not followed to another channel, and an outcome that
 * nobody knows (the text may have arrived) is no failure. Pure.
 */
#ifndef HY_DISPATCH_PLAN_H
#define HY_DISPATCH_PLAN_H

#include "model/change.h"

/* Looks at what a change has made of m: an end that leads on becomes a place in the queue for the next
 * channel, and `sent` is due when its wait is over. Called on every change that may hold either. */
void plan_apply(const struct message *m, int64_t now, struct change *c);
/* m is `sent` and due: true when its wait is over, and c queues it for the next channel. */
bool plan_waited(const struct message *m, int64_t now, struct change *c);
/* m is queued (or, new, in c), and the channel it is on is no way (no lane is there for it, or its address
 * cannot be written to): on to the next. Precondition: plan_has_next. */
void plan_skip(const struct message *m, enum reason why, int64_t now, struct change *c);
/* Does what stands against sending m on its channel concern that channel's address alone, and another channel
 * is to come? Who does not want messages is not followed there. */
bool plan_passes_by(const struct message *m, enum reason why);
/* m is `sent`: when its wait for a receipt ends and the next channel's turn comes; 0: there is none. */
int64_t plan_waits_until(const struct message *m);
bool plan_has_next(const struct message *m, const struct head *h);

#endif
