/* traces: where a person is mentioned besides contacts, consents and messages: in business events, in what is
 * gathered for digests, in the keys by which rules know what they have seen, and in what frequency caps
 * count.
 *
 * An event is a person's when one of its texts went to them, when its subject is a contact of theirs, or when
 * its data, id or subject say a number, address or device of theirs (text/mention.h), or, as a whole text,
 * the id of a contact (ids shorter than TRACE_ID_BYTES_MIN are too common to go by).
 *
 * Events may be many, and only reading shows whom they mention: they are gone through in parts, up to a
 * number of rows each, from a place that the caller keeps.
 */
#ifndef HY_STORE_TRACES_H
#define HY_STORE_TRACES_H

#include "store/person.h"

enum { TRACE_ID_BYTES_MIN = 4, TRACES_ROWS_MAX = 1000, TRACES_BYTES_MAX = 4 << 20 };

/* Stored as numbers: append only. */
enum traces_step { TRACES_EVENTS = 0, TRACES_MARKS = 1, TRACES_TALLIES = 2, TRACES_DONE = 3 };

/* Behind the last row that was gone through. All zero: from the beginning. */
struct traces_place {
    enum traces_step step;
    int64_t a, b;
    struct sv rule, key;
};

/* ---- erasing: a transaction is open ---- */

/* What waits in digests for them goes; *n: how many events of theirs. */
MUST_USE bool traces_erase_digests(struct db *db, const struct person *p, int64_t *n, struct err *e);
/* Goes on through events with ids below `until`, then through what else there is, for some TRACES_ROWS_MAX
 * rows: an event keeps its type, source and time, a key or a count goes. Before `over` it does not go beyond
 * events and keys: counts are told by messages that are erased. Adds to *events and *counted; the place's
 * texts live in mem. */
MUST_USE bool traces_erase_some(struct db *db, const struct person *p, int64_t until, bool over,
                                struct traces_place *place, struct arena *mem, int64_t *events,
                                int64_t *counted, struct err *e);

/* ---- reading ---- */

/* Ids of their events above *after, rising, up to limit, among the next TRACES_ROWS_MAX of the account's;
 * *after: behind the last looked at; *more: there are others. */
MUST_USE bool traces_events(struct db *db, const struct person *p, int64_t *after, size_t limit, int64_t *ids,
                            size_t *n, bool *more, struct err *e);

#endif
