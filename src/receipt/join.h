/* join: a provider's later report meets its message.
 *
 * Reports come late, twice, out of order, for earlier attempts, and before the answer of the call they report
 * on. States have a rank and never go back; what would take a message back is recorded as a note or, when it
 * says nothing new, ignored. A report that carries another provider id than the attempt it names is a note,
 * too, and moves nothing.
 */
#ifndef HY_RECEIPT_JOIN_H
#define HY_RECEIPT_JOIN_H

#include "model/change.h"
#include "model/settings.h"

enum joined { JOINED_NOTHING_NEW, JOINED_CHANGE };

/* number: which attempt the report is about (0: not known); latest: the message's latest attempt as stored: a
 * report on it is its outcome, if nothing was faster. window_us: when, after it was sent, something is to be
 * done about what is `sent`.
 * Writes c when there is something to store. */
enum joined join_receipt(const struct message *m, const struct receipt *r, unsigned number,
                         const struct attempt *latest, int64_t window_us, int64_t now, struct change *c);

/* m is `sent` and its window has closed: it ends as it is, with reason no_receipt. */
void join_window_closed(const struct message *m, int64_t now, struct change *c);

#endif
