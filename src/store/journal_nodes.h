/* journal_nodes: jobs about the nodes of the database. The inside of the journal, for this room. */
#ifndef HY_STORE_JOURNAL_NODES_H
#define HY_STORE_JOURNAL_NODES_H

#include "store/journal.h"

bool journal_do_nodes(struct db *db, struct job *job, struct err *e);
bool journal_do_parcel(struct db *db, struct job *job, struct err *e);
bool journal_do_parcel_answer(struct db *db, struct job *job, struct err *e);
bool journal_do_parcel_forget(struct db *db, struct job *job, struct err *e);

#endif
