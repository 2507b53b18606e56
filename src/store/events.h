/* events: business events on disk, and all that one event does there: its row, what each rule did, dedupe
 * marks, what is withdrawn, what is gathered for a digest, and counters.
 *
 * An event is written in the transaction that stores the messages its rules made, or not at all; the same
 * source and name come in once (until the row is pruned). What is withdrawn is marked here, in that
 * transaction: such a message begins no attempt any more (events_is_withdrawn is asked before), so that the
 * core may move it to `canceled` when it likes.
 *
 * Writing is for the journal's connection, inside a transaction of the caller's; reading for any connection.
 * Every question carries the account, except what looks for due digests and what prunes.
 */
#ifndef HY_STORE_EVENTS_H
#define HY_STORE_EVENTS_H

#include "base/arena.h"
#include "model/message.h"
#include "store/db.h"

enum {
    EVENT_TYPE_BYTES_MAX = 128,
    EVENT_NAME_BYTES_MAX = 255, /* of id, source and subject each */
    EVENT_KEY_BYTES_MAX = 255,
    EVENT_DETAIL_BYTES_MAX = 400,
    EVENT_FIRES_MAX = 100,    /* texts, made or gathered, of one event */
    EVENT_OUTCOMES_MAX = 400, /* with what is withdrawn */
    DIGEST_ITEMS_MAX = 500,   /* in one text */
};

/* What a rule did for an event. Stored as numbers: append only. */
enum event_did {
    EVENT_FIRED = 1,      /* a message, message_id */
    EVENT_DEDUPED = 2,    /* nothing: its dedupe key was seen before */
    EVENT_DIGESTED = 3,   /* gathered; message_id once the digest was made */
    EVENT_ERROR = 4,      /* it could not be evaluated, or its message could not be made */
    EVENT_LATE = 5,       /* nothing: the time it was to be sent at had passed */
    EVENT_LIMITED = 6,    /* nothing: a rate of limits.rates was used up */
    EVENT_CANCELED = 7,   /* withdrew message_id */
    EVENT_TOO_LATE = 8,   /* was to withdraw message_id, which was on its way: it is not tried again */
    EVENT_UNGATHERED = 9, /* took something out of a digest before it was made */
    EVENT_DID_END
};
const char *event_did_name(enum event_did d);

struct event_outcome {
    struct sv rule;
    enum event_did did;
    int64_t message_id; /* 0: none */
    struct sv detail;
};

/* What one rule wants to do. */
struct event_act {
    struct sv rule;
    enum event_did did; /* FIRED, DIGESTED, ERROR, LATE; the core: LIMITED; the journal: DEDUPED */
    struct sv detail;   /* of an error */
    struct sv key;      /* ties things together; empty: nothing withdraws it */
    struct sv dedupe;   /* empty: none */
    int64_t dedupe_us;  /* its window */
    int part;           /* FIRED: which of the ask's messages; -1: none (any more) */
    struct sv to, vars; /* DIGESTED */
    int64_t digest_due_at;
};

struct event_withdrawal {
    struct sv rule, key;
};

/* A digest that is made: its items up to last_event become one message. Or it could not be made (failed says
 * why): it is tried again at again_at, or given up (0), which its events then say. */
struct event_digest {
    struct sv rule, recipient;
    int64_t last_event;
    unsigned n_items;
    struct sv failed;
    int64_t again_at;
};

struct event_write {
    int64_t account_id;
    int64_t id; /* the core gives it */
    struct sv source, name, type, subject, data;
    struct sv passed, unjudged; /* names of rules, by commas */
    int64_t at;
    struct event_act *acts;
    size_t n_acts;
    const struct event_withdrawal *withdrawals;
    size_t n_withdrawals;
    const struct event_digest *digest; /* instead of all the above: there is no event, the part is its text */

    /* Filled by the journal: what the event did, with room for outcomes_max (at most EVENT_OUTCOMES_MAX), one
     * for each act at least; of what is withdrawn, as much as there is room. rule and detail are views of
     * what was given. */
    struct event_outcome *outcomes;
    size_t outcomes_max, n_outcomes;
};

/* ---- writing ---- */

/* Whether that source and name are there already: its id, else 0. */
MUST_USE bool events_find(struct db *db, const struct event_write *w, int64_t *id, struct err *e);
/* The event's row and its withdrawals; fills outcomes with what was withdrawn. */
MUST_USE bool events_begin(struct db *db, struct event_write *w, struct err *e);
/* Whether an act's dedupe key lets it be done; takes the key then. All acts of one event may. */
MUST_USE bool events_mark(struct db *db, const struct event_write *w, const struct event_act *a, int64_t now,
                          bool *fresh, struct err *e);
/* An act was done, or found to be nothing: m: its message, or NULL. Adds the outcome. */
MUST_USE bool events_did(struct db *db, struct event_write *w, const struct event_act *a, enum event_did did,
                         const struct message *m, struct err *e);
/* Writes the outcomes and counts them. */
MUST_USE bool events_end(struct db *db, struct event_write *w, int64_t now, struct err *e);
/* The digest's items become message_id's, or it failed; *there is false when they are not those any more:
 * nothing was written. */
MUST_USE bool events_digest(struct db *db, const struct event_write *w, int64_t message_id, int64_t now,
                            bool *there, struct err *e);
/* Was this message, made by a rule, withdrawn? Nobody withdraws it until this transaction has ended. */
MUST_USE bool events_is_withdrawn(struct db *db, int64_t message_id, bool *yes, struct err *e);
/* Up to limit rows of each kind that are past: events with ids below `floor`. */
MUST_USE bool events_prune(struct db *db, int64_t floor, int64_t now, unsigned limit, struct err *e);

/* ---- reading ---- */

struct event_row {
    int64_t id;
    struct sv source, name, type, subject, data, passed, unjudged;
    int64_t at;
    struct event_outcome *outcomes;
    size_t n_outcomes;
};

/* ERR_NOT_FOUND if the account has no such event. Texts and outcomes in the arena. */
MUST_USE bool events_load(struct db *db, int64_t account_id, int64_t id, struct arena *a,
                          struct event_row *out, struct err *e);
/* Newest first, those below `before` (0: from the newest), of one type (empty: any), without data and
 * outcomes; at most limit (1..1000). */
MUST_USE bool events_list(struct db *db, int64_t account_id, struct sv type, int64_t before, unsigned limit,
                          struct arena *a, struct event_row *out, size_t *n, bool *more, struct err *e);
/* Messages that a withdrawal would withdraw now; for dry runs. */
MUST_USE bool events_tied(struct db *db, int64_t account_id, const struct event_withdrawal *w, int64_t *ids,
                          size_t max, size_t *n, struct err *e);
/* Whether a dedupe key was seen; likewise. */
MUST_USE bool events_is_marked(struct db *db, int64_t account_id, struct sv rule, struct sv key, int64_t now,
                               bool *yes, struct err *e);

/* What a digest's recipient begins with who is a contact: its id follows. */
#define DIGEST_CONTACT "contact:"

struct digest_row {
    int64_t account_id;
    struct sv rule, recipient;
    unsigned tries;
    struct sv items[DIGEST_ITEMS_MAX]; /* JSON, oldest first */
    size_t n_items;
    int64_t last_event;
};

/* The digest due longest, of any account; *found false: none is. */
MUST_USE bool events_due_digest(struct db *db, int64_t now, struct arena *a, struct digest_row *out,
                                bool *found, struct err *e);

struct rule_count {
    int64_t account_id;
    struct sv rule;
    int64_t matched, fired, suppressed, errors, canceled, last_at;
};
/* All zero when it did nothing yet. */
MUST_USE bool events_count(struct db *db, int64_t account_id, struct sv rule, struct rule_count *out,
                           struct err *e);
/* The first `limit` of all accounts. */
MUST_USE bool events_counts(struct db *db, unsigned limit, struct arena *a, struct rule_count *out, size_t *n,
                            struct err *e);

#endif
