/* gossip: what the nodes of a database tell each other of what they counted: each writes a few lines now and
 * then, all others read them once.
 *
 * A node has GOSSIP_SLOTS rows and writes them in turn, so nothing has to be taken away; who does not look
 * for as many of them misses what was in the first. What the lines say is their writers' business
 * (pipeline/core_gossip). Part of the journal (store/write.h).
 */
#ifndef HY_STORE_GOSSIP_H
#define HY_STORE_GOSSIP_H

#include "store/write.h"

enum { GOSSIP_SLOTS = 8, GOSSIP_BODY_MAX = 16 * 1024, GOSSIP_HEARD_MAX = 256 * 1024, GOSSIP_NODES = 256 };

struct gossip_write {
    struct store_write write; /* first; run: gossip_run */
    unsigned node, slot;
    int64_t told_at;                   /* later than what this node told before */
    int64_t after[GOSSIP_NODES];       /* when each node told what was heard of it before */
    int64_t heard_until[GOSSIP_NODES]; /* told: the same, with what is heard now */
    size_t n_body, n_heard;
    char body[GOSSIP_BODY_MAX];   /* whole lines; n_body of 0: nothing is told */
    char heard[GOSSIP_HEARD_MAX]; /* told: those of the others since; what found no room is for the next time
                                   */
};
MUST_USE bool gossip_run(struct db *db, struct store_write *w, int64_t now, struct err *e);

#endif
