/* replies: what is known of inbound texts besides their message rows: the message they answer, their mood,
 * what they ask for and what they were answered.
 *
 * Writing is for the journal's connection, inside the transaction that stores the text itself, so that an
 * opt-out is on the list when the text is on disk. Reading is for any connection and carries the account.
 */
#ifndef HY_STORE_REPLIES_H
#define HY_STORE_REPLIES_H

#include "base/arena.h"
#include "model/message.h"
#include "model/reply.h"
#include "store/write.h"

/* ---- writing ---- */

/* Stores r beside its message m, and does what it asks for: puts the number on the suppression list, or takes
 * it off, or confirms a consent that was asked for (r says so then). r->answer is emptied when it must not be
 * given: its number has had answers_max of them within the last hour, is blocked, or has opted out and asks
 * for nothing. *opted: the list has a new row. */
MUST_USE bool replies_put(struct db *db, const struct message *m, struct reply *r, int64_t now, bool *opted,
                          struct err *e);
MUST_USE bool replies_forget(struct db *db, int64_t message_id, struct err *e);
/* A text of the account is to be marked as read, or as unread. */
struct reply_mark {
    struct store_write write; /* first; run: replies_mark */
    int64_t account_id, message_id;
    bool read;
    bool there; /* the outcome: the account has a text of that id */
};

/* For store_write.run. */
MUST_USE bool replies_mark(struct db *db, struct store_write *write, int64_t now, struct err *e);

/* ---- reading ---- */

enum { REPLIES_PAGE_MAX = 500 };

struct reply_row {
    struct message *message; /* owned by the caller */
    struct reply reply;      /* its texts in the caller's arena */
    int64_t answered_at, read_at;
};

struct reply_filter {
    int64_t account_id;
    struct sv from, to;                  /* exact; empty: any */
    int64_t created_from, created_until; /* [from, until); 0: open */
    bool by_mood, unread;
    enum reply_mood mood;
    bool by_action;
    enum reply_action action;
    int64_t in_reply_to; /* 0: any */
    int64_t before_id;   /* keyset cursor; 0: from the newest */
    unsigned limit;      /* 1..REPLIES_PAGE_MAX */
};
/* Newest first. At most a bounded number of rows is looked at: a page may be short, or empty, with *more set
 * and *last_id to go on below. The messages of out[0..*n) are the caller's to free, in any case. */
MUST_USE bool replies_list(struct db *db, const struct reply_filter *f, struct arena *mem,
                           struct reply_row *out, size_t *n, bool *more, int64_t *last_id, struct err *e);
/* What is known of one inbound text; false in *there: nothing (it came before this was kept). */
MUST_USE bool replies_get(struct db *db, int64_t message_id, struct arena *mem, struct reply *out,
                          int64_t *answered_at, int64_t *read_at, bool *there, struct err *e);

/* Whose the message of that id is, and its topic (in mem; empty: none). Only for an id that came with an
 * attempt's token, which nobody can make up: it is asked without an account. 0: there is none. */
MUST_USE bool replies_owner(struct db *db, int64_t message_id, struct arena *mem, int64_t *account_id,
                            struct sv *topic, struct err *e);
/* Whom a text from a handset is for: the newest message to that number, by that lane and from the number that
 * was written to if there is one, else by that lane, else by any; of those a provider may have. 0 and 0:
 * there is none. */
MUST_USE bool replies_conversation(struct db *db, struct sv handset, struct sv own, struct sv lane,
                                   int64_t *account_id, int64_t *message_id, struct err *e);

#endif
