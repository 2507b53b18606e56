/* history: the events of a message, as they happened. Most have a row of their own. Two need none, because
 * the attempt's row says the same: that it began (the move to `sending`, and `accepted` in the same change),
 * and that the provider took it (the move to `sent`). Of a message that goes out at once and is taken,
 * nothing is written but the message and its attempt. When an event is owed to somebody (a status callback,
 * webhooks), it has its row all the same, which is joined to what is owed.
 *
 * Numbers count on: one without a row is told by the state before it. Behind nothing it is `accepted`; in
 * `sending` it is the attempt's end, `sent`; in any other state the next attempt's beginning.
 */
#ifndef HY_STORE_HISTORY_H
#define HY_STORE_HISTORY_H

#include "model/change.h"
#include "store/db.h"

/* Does the row of c's attempt say all that c->events[i] says? is_new: the change is of a new message. */
bool history_is_told(const struct change *c, unsigned i, bool is_new);

enum { HISTORY_ALL = UINT16_MAX };

/* The first events of the message, up to max, oldest first: *out, n of them, is the caller's to free. NULL
 * and 0 when the account has no such message, or on an error. */
MUST_USE bool history_read(struct db *db, int64_t account_id, int64_t id, size_t max, struct event **out,
                           size_t *n, struct err *e);

#endif
