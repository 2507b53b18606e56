/* hooks: the endpoints that accounts want to hear of events at (model/hook), as they are stored.
 *
 * Writing is for the journal's connection, inside its transaction. The journal keeps the list of all of them
 * in memory, and so does the core; where nobody has any, an event costs no query.
 */
#ifndef HY_STORE_HOOKS_H
#define HY_STORE_HOOKS_H

#include "base/arena.h"
#include "base/map.h"
#include "model/hook.h"
#include "store/db.h"

/* ---- the list ---- */

struct hook_list {
    struct webhook *at; /* by account */
    size_t n;
    struct arena mem;  /* holds at and its texts */
    struct map firsts; /* account -> its first */
    unsigned node;     /* who reads it; 0: alone, and all are its own */
};
/* All of them, the deleted ones too. NULL when the database fails. */
MUST_USE struct hook_list *hooks_load(struct db *db, unsigned node, struct err *e);
void hook_list_free(struct hook_list *l);
/* The first of the account's, which the others follow as long as account_id stays the same; NULL: none. */
const struct webhook *hooks_of(const struct hook_list *l, int64_t account_id);
const struct webhook *hooks_end(const struct hook_list *l);

/* ---- writing ---- */

enum hook_act {
    HOOK_CREATE,
    HOOK_UPDATE, /* what is given of url, description, types, topics */
    HOOK_ROTATE, /* a new secret; the one before is good until old_until */
    HOOK_ENABLE,
    HOOK_DISABLE, /* for the reason that status says */
    HOOK_DELETE,
    HOOK_SEND_TEST,
    HOOK_REPLAY,       /* what happened at replay_since or later, of messages up to replay_until */
    HOOK_NOTE_FAILING, /* failing_since */
};

struct hook_write {
    enum hook_act act;
    /* id and account say which one; texts are borrowed; an absent one (p == NULL) stays as it is. */
    struct webhook hook;
    int64_t notice_id; /* SEND_TEST, DISABLE: of the event that says so */
    struct sv data;    /* of that event: a JSON object */

    bool absent; /* the account has no such endpoint */
    bool full;   /* CREATE: it has as many as it may */
    bool off;    /* SEND_TEST, REPLAY: it is disabled */
};
/* Precondition: a transaction is open. DISABLE changes nothing where it is disabled already: then absent. The
 * notices of SEND_TEST and DISABLE are the caller's to owe (store/deliveries). */
MUST_USE bool hooks_write(struct db *db, struct hook_write *w, int64_t now, struct err *e);

/* ---- reading, for any connection ---- */

/* The account's endpoint with that address; *id 0: it has none. */
MUST_USE bool hooks_find(struct db *db, int64_t account_id, struct sv url, int64_t *id, struct err *e);
/* Those of the account that are not deleted, oldest first, in mem; id 0: all of them, else that one. At most
 * HOOKS_PER_ACCOUNT_MAX. */
MUST_USE bool hooks_read(struct db *db, int64_t account_id, int64_t id, struct arena *mem,
                         struct webhook *out, size_t *n, struct err *e);

#endif
