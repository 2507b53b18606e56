/* links: the short links of messages on disk: written with their message, opened by whoever has the text,
 * counted, and forgotten when their time is up.
 *
 * Writing is for the journal, inside its transaction. Reading is for any connection. The one question without
 * an account is that of whoever opens a link: its code, which cannot be guessed, is the credential.
 */
#ifndef HY_STORE_LINKS_H
#define HY_STORE_LINKS_H

#include "base/arena.h"
#include "model/link.h"
#include "store/write.h"

/* ---- writing ---- */

/* Whether one of these codes is another link's. */
MUST_USE bool links_taken(struct db *db, const struct link *links, size_t n, bool *taken, struct err *e);

struct links_owner {
    int64_t account_id, message_id, created_at, expires_at;
};
/* Precondition: no code is taken. */
MUST_USE bool links_add(struct db *db, const struct links_owner *of, const struct link *links, size_t n,
                        struct err *e);
/* Clicks to be counted; borrowed. */
struct links_clicked {
    struct store_write write; /* first; run: links_count */
    const struct clicks *clicks;
    size_t n;
};

/* For store_write.run. Links that are gone meanwhile are passed over. */
MUST_USE bool links_count(struct db *db, struct store_write *write, int64_t now, struct err *e);
MUST_USE bool links_delete(struct db *db, int64_t message_id, struct err *e);
MUST_USE bool links_prune(struct db *db, int64_t now, unsigned limit, struct err *e);

/* ---- reading ---- */

/* Where the link leads; false in *found when there is none or its time is up. */
MUST_USE bool links_target(struct db *db, int64_t code, int64_t now, struct buf *target, bool *found,
                           struct err *e);

struct link_row {
    struct link link; /* the target lives in the arena */
    int64_t created_at, expires_at;
    int64_t clicks, first_click_at, last_click_at;
};
/* Of one message, up to max, by code. */
MUST_USE bool links_of(struct db *db, int64_t account_id, int64_t message_id, struct arena *a,
                       struct link_row *out, size_t max, size_t *n, struct err *e);

#endif
