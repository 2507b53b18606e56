/* retention: messages that are over are deleted, with their events, attempts and deliveries, once they are
 * older than the settings keep them (messages.keep_days).
 *
 * A walk over the ids, which are ordered by time, in steps that hold up nobody for long; what is still to be
 * sent, asked about or released stays, however old. Where the history is kept by periods (store/periods.h), a
 * message stays until its period is over, and the whole period goes at once unless something in it has to
 * stay. Short links, counts of frequency caps, consents and the
 * history of erasures have times of their own and are not touched. Part of the journal (store/write.h).
 */
#ifndef HY_STORE_RETENTION_H
#define HY_STORE_RETENTION_H

#include "store/write.h"

#include <stdint.h>

enum { RETENTION_STEP = 128 }; /* rows looked at */

struct retention_write {
    struct store_write write; /* first; run: retention_run */
    int64_t before;           /* a time: what has not changed since then goes; 0: nothing does */
    uint16_t keep_days;       /* for the periods to come; 0: for ever */
    int64_t after_id;         /* where the walk stands */
    int64_t end_id;           /* told: where it stands now; 0: it has come to its end */
    uint64_t deleted;         /* told */
    bool hindered;            /* told: somebody had a table that was to go: to be tried again soon */
};
MUST_USE bool retention_run(struct db *db, struct store_write *w, int64_t now, struct err *e);

#endif
