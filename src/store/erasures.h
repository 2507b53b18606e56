/* erasures: one person's data taken out of an account, and the certificate of it.
 *
 * Goes: their contacts with devices, the history of their consents, and of each message from or to them the
 * number, the texts, metadata, callback address, short links and what a reply said; and what mentions them
 * besides (store/traces.h): the data of business events, what waits in digests, dedupe keys, counts of caps.
 * Stays: that there was a message (its id, times, states, attempts, segments), and that the number opted out
 * or was blocked, under a pseudonym (store/suppression.h), so that it stays so. A message that is not over
 * keeps what it needs until it is: then the erasure is gone on with (erasures_go_on), which keeps the
 * person's addresses until then. So it does while there are more events to go through than one transaction
 * should.
 *
 * Rows that are deleted are overwritten in the file; the log is emptied after a commit that erased
 * (db_scrub).
 */
#ifndef HY_STORE_ERASURES_H
#define HY_STORE_ERASURES_H

#include "store/traces.h"
#include "store/write.h"

enum { ERASURE_ID_BYTES = 34, ERASURE_SUBJECT_BYTES = 32, ERASURE_REQUEST_BYTES_MAX = 40 };

struct erasure {
    char id[ERASURE_ID_BYTES + 1]; /* ER and 32 hex digits */
    int64_t account_id;
    char subject[ERASURE_SUBJECT_BYTES + 1]; /* a keyed hash of what was asked for, hex */
    char request[ERASURE_REQUEST_BYTES_MAX + 1];
    int64_t requested_at;
    int64_t finished_at; /* 0: messages are left that are not over, or events to be gone through */
    int64_t contacts, devices, consents, messages, replies, links, marks, left_over;
    int64_t events, gathered, counted; /* business events; what waited in digests; keys and counts */
    struct traces_place place;         /* how far it is with those */
};

struct erasure_write {
    struct store_write write; /* first; erasure_write_run */
    /* id, account_id, subject, request: given; the rest is the outcome. */
    struct erasure erasure;
    struct sv contact; /* its id; or: */
    struct sv address;
    bool absent; /* outcome: there is no such contact */
};
MUST_USE bool erasure_write_run(struct db *db, struct store_write *w, int64_t now, struct err *e);

/* Goes on with what is due; *erased: there was something; *more: there is more to be done at once. */
MUST_USE bool erasures_go_on(struct db *db, int64_t now, bool *erased, bool *more, struct err *e);
/* Was anything ever erased? */
MUST_USE bool erasures_any(struct db *db, bool *any, struct err *e);
/* ERR_NOT_FOUND if the account has none of that id. */
MUST_USE bool erasures_get(struct db *db, int64_t account_id, struct sv id, struct erasure *out,
                           struct err *e);

#endif
