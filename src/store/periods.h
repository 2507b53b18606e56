/* periods: on PostgreSQL the tables message, attempt and event are made of parts, each with the messages
 * whose ids, hence whose times of coming, are of one period; so that what is old goes by dropping tables,
 * which costs the same for a million messages as for one (docs/decisions/0060). Table period says which there
 * are. SQLite has none: there every function here finds nothing to do.
 *
 * A period is of one day where messages are kept for up to a month, else of a week where it is up to a year,
 * else of four weeks; all in UTC, counted from Monday, 2024-01-01. The first one holds all from before there
 * were any. Those to come are made days ahead, since what has no part to stand in cannot be stored.
 *
 * Writing is for a transaction of the caller's.
 */
#ifndef HY_STORE_PERIODS_H
#define HY_STORE_PERIODS_H

#include "store/db.h"

enum { PERIOD_NAME_MAX = 15 };

struct period {
    int64_t from_id, to_id; /* ids from the one up to, not including, the other */
    int64_t touched_at;
    char name[PERIOD_NAME_MAX + 1];
};

/* Makes what is missing of the next three days. keep_days: how long messages are kept, 0: for ever;
 * PERIODS_AS_LAST: as long as the latest is. Waits no longer for a lock than the transaction's lock_timeout,
 * 200 ms where it has one: what could not be had is left for the next time. *until: ids of before that time
 * have a part to stand in. */
enum { PERIODS_AS_LAST = -1 };
MUST_USE bool periods_make(struct db *db, int64_t now, int keep_days, int64_t *until, struct err *e);

/* The first that reaches beyond an id. *there: is there one? */
MUST_USE bool periods_find(struct db *db, int64_t after_id, struct period *out, bool *there, struct err *e);

/* Longer than any that is made in time: the first one, and one over a time in which nobody made any, or a
 * clock was far ahead. */
bool periods_is_long(const struct period *p);

/* What was touched last. Zero at first, and again when the transaction came to nothing. */
struct period_touch {
    int64_t day, until;
};
/* Something of the message changed at that time: its period stays for as long as the message has to. */
MUST_USE bool periods_touch(struct db *db, int64_t id, int64_t at, struct period_touch *last, struct err *e);

/* Has nothing of its messages changed since that time? */
bool periods_rests(const struct period *p, int64_t since);
/* Is there anything left to be done for one of them? */
MUST_USE bool periods_waits(struct db *db, const struct period *p, bool *waits, struct err *e);
/* Takes it away, with its messages, attempts and events, unless something is to be done for one, or has
 * changed since, by now. *messages: how many there were (of millions, as many as PostgreSQL thinks); -1: it
 * is still there, be it that somebody was in the way for 200 ms. Its tables are left, apart from the others,
 * for periods_discard. */
MUST_USE bool periods_take(struct db *db, const struct period *p, int64_t since, int64_t *messages,
                           struct err *e);
/* Drops a table of one that was taken away: a gigabyte takes the disk a tenth of a second. *any: there was
 * one. */
MUST_USE bool periods_discard(struct db *db, bool *any, struct err *e);

#endif
