/* poll: a message whose receipt is overdue: its provider is asked how it ended, a few times with gaps that
 * double, until its receipt window closes. What is asked, how often and when goes by the message's row alone
 * (sent_at, lookups), so that a restart or a crash asks neither twice as often nor never. Asking sends
 * nothing again. Pure: the time is handed in.
 */
#ifndef HY_DISPATCH_POLL_H
#define HY_DISPATCH_POLL_H

#include "model/change.h"
#include "model/settings.h"

enum poll {
    POLL_LATER, /* nothing is to be done before *due_at */
    POLL_ASK,   /* now */
    POLL_CLOSE, /* its receipt window is over */
};

/* How long after it was sent something is to be done about it: a first question, or the end of its window.
 * lane: NULL if it is no longer configured; then no receipt is waited for. */
int64_t poll_first_us(const struct lane_config *lane);
/* m is `sent`, and no other step of its plan is due. */
enum poll poll_when(const struct message *m, const struct lane_config *lane, int64_t now, int64_t *due_at);

/* What the provider said: true when *r is how m ended, to be joined like a receipt of its latest attempt.
 * Else c counts the question, and says when something is to be done next. */
bool poll_answered(const struct message *m, const struct lane_config *lane, const struct lookup_answer *a,
                   int64_t now, struct receipt *r, struct change *c);

#endif
