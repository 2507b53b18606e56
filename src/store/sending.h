/* sending: attempts under way whose message is due *far*: when it will be due after the usual outcome, not
 * when the attempt is lost (dispatch/settle.h). While the process that began them lives, its memory has them.
 * When it is gone, whoever goes on with its work has to make them due soon: another node does so for each row
 * it takes over (nodes.h); the same process, or a lone one, by sending_run at its start.
 *
 * To find them it keeps a mark: a node's attempts that are due far are of messages with that id or a higher
 * one. A mark that lags behind costs only the looking.
 */
#ifndef HY_STORE_SENDING_H
#define HY_STORE_SENDING_H

#include "model/message.h"
#include "store/write.h"

/* By this a row is told that is due far, in statements about `message`. */
#define SENDING_IS_FAR "state=4 AND due_at>updated_at+330000000"

/* Moves the mark; at the start of a process it first makes due what its predecessor had begun. */
struct sending_write {
    struct store_write write; /* first; run: sending_run */
    unsigned node;
    int64_t mark;
    bool resumes;
    int64_t last_id;    /* resumes: nothing above it is a predecessor's */
    int64_t longest_us; /* resumes: how long after its beginning an attempt may still have an outcome */
    bool resumed;       /* outcome: some were made due */
};
MUST_USE bool sending_run(struct db *db, struct store_write *w, int64_t now, struct err *e);
/* A lone gateway is to find all there are. Goes through all messages. */
MUST_USE bool sending_mark_all(struct db *db, struct err *e);
/* Nothing of that node is left that its mark could lead to: another process begins in its place. */
MUST_USE bool sending_forget(struct db *db, unsigned node, struct err *e);

#endif
