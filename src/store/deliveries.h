/* deliveries: the outbox of webhooks: what each endpoint is owed, as rows with a due_at, and, when that is
 * over, what came of it.
 *
 * A row is written in the transaction of the change that it tells of. Of one message at most one row of an
 * endpoint is due at any time: the others wait (DELIVERY_WAITS) until the one before is over, so that the
 * order holds over retries and crashes. Nothing marks a row as being delivered: a crash leaves it due.
 *
 * Writing is for the journal's connection, inside its transaction.
 */
#ifndef HY_STORE_DELIVERIES_H
#define HY_STORE_DELIVERIES_H

#include "model/change.h"
#include "store/hooks.h"

enum { DELIVERY_ERROR_MAX = 160, DELIVERY_EXTRA = 0x8000, DELIVERY_PAGE_MAX = 500 };
#define DELIVERY_WAITS INT64_MAX

/* Stored as numbers: append only. */
enum delivery_outcome { DELIVERY_OWED = 0, DELIVERY_TAKEN = 1, DELIVERY_GIVEN_UP = 2, DELIVERY_OUTCOMES };
const char *delivery_outcome_name(enum delivery_outcome o); /* "owed", "taken", "given_up" */

/* One event for one endpoint: together they name it for good. event: the number of the message's event; or
 * DELIVERY_EXTRA + type, of what a text did besides; 0 of a notice. */
struct delivery_key {
    int64_t hook_id;
    int64_t subject_id; /* message, or notice */
    uint16_t event;
};

/* One that is due. */
struct delivery_due {
    struct delivery_key key;
    unsigned type; /* enum hook_type */
    uint32_t tries;
    int64_t created_at, due_at;
    int64_t at; /* when the event happened */
    enum state state;
    enum reason reason;
    int32_t code;
    bool judged; /* the provider's answer made the event: what it means */
    enum fate fate;
    enum lane_hint hint;
    struct message *message; /* owned; NULL: a notice */
    char *data;          /* owned: of a notice, a JSON object; of an inbound text, members of one; or NULL */
    int64_t in_reply_to; /* of an inbound text; 0: none is known */
};
void delivery_done(struct delivery_due *d);

/* The outcome of a try. */
struct delivery_try {
    struct delivery_key key;
    enum delivery_outcome outcome; /* OWED: again, at due_at */
    uint32_t tries;
    int status; /* HTTP; 0: no answer */
    int64_t due_at, tried_at, duration_us;
    char error[DELIVERY_ERROR_MAX + 1]; /* why there was none, or "" */
};

/* Endpoints that are owed something new, due now. */
struct hooked {
    int64_t ids[HOOKS_PER_ACCOUNT_MAX];
    unsigned n;
};

/* ---- owing ---- */

/* What an endpoint is owed of one message comes in order: what follows waits, with the greatest due_at, until
 * the one before is over. The node that has the endpoint alone decides so, in its own transactions: what
 * another node owes is due at once, and is made to wait when it is read (deliveries_scan). Two transactions
 * that cannot see each other, one that ends the event before and one that has the next wait for it, would
 * have it wait for ever. */

/* The events of a change of m. fresh: m is stored by the same transaction. */
MUST_USE bool deliveries_owe(struct db *db, const struct hook_list *l, const struct message *m,
                             const struct change *c, bool fresh, int64_t now, struct hooked *out,
                             struct err *e);
/* What m did besides: HOOK_OPTED_OUT, HOOK_OPTED_IN; or what it is, HOOK_REPLY_NEGATIVE. data: members of a
 * JSON object. */
MUST_USE bool deliveries_owe_extra(struct db *db, const struct hook_list *l, const struct message *m,
                                   enum hook_type type, struct sv data, int64_t now, struct hooked *out,
                                   struct err *e);
/* A notice for the account's endpoints: what is told without a message. */
struct notice {
    int64_t account_id;
    enum hook_type type;
    int64_t id;
    struct sv topic; /* that it is about; empty: all */
    struct sv data;  /* a JSON object */
    int64_t only;    /* for that endpoint, whatever it wants; 0: for all that want it */
    int64_t except;  /* not for that one; 0: nobody */
};
MUST_USE bool deliveries_owe_notice(struct db *db, const struct hook_list *l, const struct notice *w,
                                    int64_t now, struct hooked *out, struct err *e);
/* The next stretch of a replay of h, at most limit messages; *more: there are others. */
MUST_USE bool deliveries_replay(struct db *db, const struct webhook *h, unsigned limit, int64_t now,
                                bool *more, struct err *e);

/* ---- paying ---- */

/* For the node that has the endpoint. Those due from `from` to now, oldest first, without those that come
 * behind another of their message, which wait from now on: up to limit, into *out, the caller's to free with
 * what they own. *more: there may be others. *next_due_at: the earliest after now; 0: none. */
MUST_USE bool deliveries_scan(struct db *db, int64_t hook_id, int64_t from, int64_t now, unsigned limit,
                              struct delivery_due **out, unsigned *n, bool *more, int64_t *next_due_at,
                              struct err *e);
/* Writes down what came of a try. *released: the next event of the same message is due now. */
MUST_USE bool deliveries_tried(struct db *db, const struct delivery_try *t, int64_t now, bool *released,
                               struct err *e);

/* ---- forgetting ---- */

/* All that the account's endpoints are owed, and were given, of one message. */
MUST_USE bool deliveries_forget(struct db *db, int64_t account_id, int64_t message_id, struct err *e);
/* Deletes what was owed before `until` and is over, and gives up what is not; of deleted endpoints all, and
 * then them. At most limit rows; *more: there may be others. */
MUST_USE bool deliveries_prune(struct db *db, const struct hook_list *l, int64_t until, unsigned limit,
                               int64_t now, bool *more, bool *gone, struct err *e);

/* ---- reading, for any connection ---- */

struct delivery_row {
    struct delivery_key key;
    unsigned type;
    enum delivery_outcome outcome;
    uint32_t tries;
    int status;
    int64_t created_at, due_at, tried_at, duration_us; /* due_at: 0 when over */
    char error[DELIVERY_ERROR_MAX + 1];
};

struct delivery_filter {
    int64_t hook_id;
    bool by_outcome;
    enum delivery_outcome outcome;
    int64_t before_subject; /* keyset cursor: subject and event; 0: from the newest */
    uint16_t before_event;
    unsigned limit; /* 1..DELIVERY_PAGE_MAX */
};
/* Newest messages first. At most a bounded number of rows is looked at: a page may be short, or empty, with
 * *more set and *last to go on after. The caller has seen that the endpoint is the account's. */
MUST_USE bool deliveries_list(struct db *db, const struct delivery_filter *f, struct delivery_row *out,
                              size_t *n, bool *more, struct delivery_key *last, struct err *e);

#endif
