/* reader: what the front threads read, each through a connection of its own. Every question carries the
 * account.
 */
#ifndef HY_STORE_READER_H
#define HY_STORE_READER_H

#include "model/message.h"
#include "store/db.h"

struct message_filter {
    int64_t account_id;
    struct sv to, from;                  /* exact; empty: any */
    int64_t created_from, created_until; /* [from, until); 0: open */
    bool by_state;
    enum state state;
    bool any_direction; /* else outbound only */
    enum direction direction;
    bool by_channel;
    enum channel channel;
    int64_t before_id; /* keyset cursor: ids below it, newest first; 0: from the newest */
    int64_t after_id;  /* or: ids above it, oldest first, then turned round; 0: not used */
    unsigned limit;    /* 1..1000 */
};

/* NULL and ERR_NOT_FOUND if the account has no such message. The caller frees it. */
MUST_USE struct message *reader_message(struct db *db, int64_t account_id, int64_t id, struct err *e);
/* Newest first. *rows is an array of *n messages, the caller's to free (reader_free); *more: there are others
 * beyond. */
MUST_USE bool reader_list(struct db *db, const struct message_filter *f, struct message ***rows, size_t *n,
                          bool *more, struct err *e);
void reader_free(struct message **rows, size_t n);
/* The attempts of one message, oldest first, up to max. (Its events: store/history.h.) */
MUST_USE bool reader_attempts(struct db *db, int64_t account_id, int64_t id, struct attempt *out, size_t max,
                              size_t *n, struct err *e);
/* Does an idempotency key of that account, from `from` on and before `to`, stand for a message at `now`? */
MUST_USE bool reader_has_key(struct db *db, int64_t account_id, struct sv from, struct sv to, int64_t now,
                             bool *has, struct err *e);
/* How many messages of every account, of that priority or a more urgent one, are due in the queue before a
 * row of that priority at (due_at, id), on the node of message id, or else on that one: counted up to
 * READER_AHEAD_MAX, then *more. */
enum { READER_AHEAD_MAX = 10000 };
MUST_USE bool reader_ahead(struct db *db, unsigned node, enum priority priority, int64_t due_at, int64_t id,
                           uint32_t *n, bool *more, struct err *e);
/* For the start: the greatest id that stands anywhere (of a message, an event, a webhook, what it is owed, a
 * parcel), so that none is made twice when the clock has stepped back; and how many rows of the node are
 * still due some time. */
MUST_USE bool reader_totals(struct db *db, unsigned node, int64_t *last_id, int64_t *backlog, struct err *e);

#endif
