/* journal_events: the job of the journal that stores a business event with all that its rules made of it. The
 * inside of the journal, for this room. False with e: the database failed.
 */
#ifndef HY_STORE_JOURNAL_EVENTS_H
#define HY_STORE_JOURNAL_EVENTS_H

#include "store/journal.h"

bool journal_do_event(struct db *db, struct job *job, struct err *e);

#endif
