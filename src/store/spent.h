/* spent: what the provider has of messages that were deleted or redacted, so that a look-up for another
 * message with the same number and text does not take it for its own.
 *
 * Kept are hashes, never a number, a text or a provider's id: one for each provider id, bound to the number,
 * and one for number and text when an attempt's outcome stayed open. They go after SPENT_KEPT_S (prune).
 */
#ifndef HY_STORE_SPENT_H
#define HY_STORE_SPENT_H

#include "model/message.h"
#include "store/db.h"

enum { SPENT_KEPT_S = 7 * 24 * 3600 };

/* Before m's attempts or its text go from the database. */
MUST_USE bool spent_keep(struct db *db, const struct message *m, int64_t now, struct err *e);

/* The same of several at once: by their ids, which rise, and no other message with attempts has one between.
 * n > 0. */
MUST_USE bool spent_keep_all(struct db *db, const struct message *const *m, size_t n, int64_t now,
                             struct err *e);

/* Was this provider id a deleted message's to the same number? Or (open) had one with m's number and text an
 * attempt without an outcome? */
MUST_USE bool spent_ask(struct db *db, const struct message *m, struct sv provider_id, bool *taken,
                        bool *open, struct err *e);

MUST_USE bool spent_prune(struct db *db, int64_t now, unsigned limit, struct err *e);

#endif
