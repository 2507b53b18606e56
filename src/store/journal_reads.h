/* journal_reads: the jobs of the journal that store nothing: pages of the queue, rows to load. The inside of
 * the journal, for this room. Each reads within the transaction of its batch; false with e: the database
 * failed.
 */
#ifndef HY_STORE_JOURNAL_READS_H
#define HY_STORE_JOURNAL_READS_H

#include "store/db.h"
#include "store/journal.h"

bool journal_do_load(struct db *db, struct job *job, struct err *e);
bool journal_do_scan(struct db *db, struct job *job, struct err *e);
bool journal_do_sweep(struct db *db, struct job *job, struct err *e);
bool journal_do_callback_scan(struct db *db, struct job *job, struct err *e);
bool journal_do_accounts(struct db *db, struct job *job, struct err *e);

#endif
