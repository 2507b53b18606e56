/* journal_messages: the jobs that store a message or move it: what stands against that (a repeated key, an
 * opt-out, a cap, a code that is over, another message's claim) is asked in the same transaction. The inside
 * of the journal, for this room. False with e: the database failed.
 */
#ifndef HY_STORE_JOURNAL_MESSAGES_H
#define HY_STORE_JOURNAL_MESSAGES_H

#include "store/db.h"
#include "store/journal.h"

/* Does it send, or promise to? Not what stores what is over, or comes from outside. */
bool journal_sends(const struct job *job);

bool journal_do_key(struct db *db, struct job *job, struct err *e);
bool journal_do_put(struct db *db, struct job *job, struct err *e);
bool journal_do_move(struct db *db, struct job *job, struct err *e);
bool journal_do_redact(struct db *db, struct job *job, struct err *e);
bool journal_do_delete(struct db *db, struct job *job, struct err *e);

#endif
