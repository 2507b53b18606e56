/* nodes: the processes that share one database, and whose work is whose.
 *
 * A node has an id (1..255, the node bits of the ids it makes), an incarnation (random, new with each
 * process), and a lease by the database's clock. Every message, status callback and webhook has `node`: the
 * one whose memory may hold it. Each transaction of a node's journal begins by touching the node's own row,
 * with its incarnation and taken=0 (nodes_fence); taking over sets taken once the lease is over. The lock of
 * that row orders the two: a transaction of the old node is committed before it was taken, or never. Then the
 * live nodes move its rows to themselves, a chunk at a time.
 *
 * A message that nothing is due for stays where it is; when something comes for it and its node is not alive,
 * the one it came to makes it its own (nodes_adopt).
 *
 * A database with one process has no node: id 0, no lease, no fence. Writing is for the journal's connection.
 */
#ifndef HY_STORE_NODES_H
#define HY_STORE_NODES_H

#include "model/lease.h"
#include "store/db.h"

enum { NODES_MAX = 255, NODE_NAME_MAX = 64, NODE_ADDRESS_MAX = 128, NODE_VERSION_MAX = 32 };

enum node_taken { NODE_ALIVE = 0, NODE_TAKEN = 1, NODE_EMPTY = 2 };

/* Who this process is. */
struct node_self {
    unsigned id; /* 0: alone */
    int64_t incarnation;
    int64_t lease_us;
    struct lease *lease; /* borrowed */
    /* For tests: the database's clock. NULL: it is asked. */
    int64_t (*db_clock)(void *ctx);
    void *db_clock_ctx;
};

struct node_row {
    unsigned id;
    char name[NODE_NAME_MAX + 1], version[NODE_VERSION_MAX + 1], address[NODE_ADDRESS_MAX + 1];
    int64_t incarnation, started_at, seen_at, lease_until;
    enum node_taken taken;
    int64_t due; /* its messages with something still to be done */
};

/* The time by the database's clock. */
MUST_USE bool nodes_now(struct db *db, const struct node_self *self, int64_t *now, struct err *e);

/* Takes a free id for self, whose incarnation, lease_us and lease are set; its lease begins. before: the id
 * and incarnation that a process which is surely gone had here (0: none): while nobody has taken that over,
 * self goes on in its place, with its work. ERR_BUSY: all ids are taken. A transaction of its own. */
MUST_USE bool nodes_join(struct db *db, struct node_self *self, const struct node_row *card,
                         const struct node_self *before, struct err *e);
/* The others may have what is left of self's work at once. A transaction of its own; of the last words of a
 * process, so nothing of it comes after. */
MUST_USE bool nodes_leave(struct db *db, const struct node_self *self, struct err *e);
/* All that ever were, by id, but for row 0; *now by the same clock. out has room for NODES_MAX. */
MUST_USE bool nodes_list(struct db *db, struct node_row *out, size_t *n, int64_t *now, struct err *e);

/* ---- within a transaction of the journal ---- */

/* *ours: it is still self's. renew: its lease begins anew. *hooks_version: of the webhooks as they are now
 * (nodes_hooks_changed). */
MUST_USE bool nodes_fence(struct db *db, const struct node_self *self, int64_t batch, bool renew, bool *ours,
                          int64_t *hooks_version, struct err *e);
/* The other nodes must read the webhooks again. */
MUST_USE bool nodes_hooks_changed(struct db *db, struct err *e);
/* Whose message is it, and is that node alive? When it is not, it is self's from now on, and *owner says so.
 * Attempts under way begin to count as lost at sending_until, at the earliest. */
MUST_USE bool nodes_adopt(struct db *db, const struct node_self *self, int64_t message_id,
                          int64_t sending_until, unsigned *owner, bool *adopted, struct err *e);

/* What a look around found and did. */
struct node_news {
    unsigned taken[8]; /* nodes that were taken just now */
    unsigned n_taken;
    unsigned alive;   /* nodes, self included */
    bool all_see_far; /* none of them is of a version from before store/sending.h */
    bool keeper;      /* jobs that must run once are self's */
    unsigned from;    /* rows of that node were moved to self; 0 and messages 0: of none */
    int64_t messages; /* how many of them were messages */
    bool moved;       /* some rows were: all that is due must be read again */
    bool more;        /* there are more */
};
/* Takes what nobody holds any more, moves a chunk of up to `limit` rows of each kind, and sees who the keeper
 * is. */
MUST_USE bool nodes_look(struct db *db, const struct node_self *self, int64_t sending_until, unsigned limit,
                         struct node_news *out, struct err *e);

#endif
