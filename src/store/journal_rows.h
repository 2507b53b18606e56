/* journal_rows: the rows of a message, its events, attempts and callbacks, written. The inside of the
 * journal, for this room. Each writes within the transaction of its batch; false with e: the database failed.
 */
#ifndef HY_STORE_JOURNAL_ROWS_H
#define HY_STORE_JOURNAL_ROWS_H

#include "store/db.h"
#include "store/journal.h"

/* The node that a job's rows belong to. */
int64_t journal_node(const struct job *job);
MUST_USE bool journal_insert_message(struct db *db, const struct job *job, struct err *e);
MUST_USE bool journal_update_message(struct db *db, const struct message *m, const struct head *h,
                                     struct err *e);
/* What a change adds beside the message's own row: events, what is owed for them, the attempt. */
MUST_USE bool journal_write_change(struct db *db, const struct job *job, struct err *e);
/* Its text goes, its story stays. */
MUST_USE bool journal_redact_message(struct db *db, const struct message *m, struct err *e);
/* No id up to this one is given again, whatever the clock does (reader_totals). */
MUST_USE bool journal_remember_deleted(struct db *db, int64_t id, struct err *e);
/* The events, attempts and callbacks of the messages from first to last. */
MUST_USE bool journal_delete_story(struct db *db, int64_t first, int64_t last, struct err *e);
/* With its story; its id is remembered. */
MUST_USE bool journal_delete_message(struct db *db, const struct message *m, struct err *e);

bool journal_do_callback_end(struct db *db, struct job *job, struct err *e);
bool journal_do_callback_again(struct db *db, struct job *job, struct err *e);

#endif
