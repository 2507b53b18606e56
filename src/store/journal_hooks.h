/* journal_hooks: the jobs of the journal that are about webhooks; part of store/journal. */
#ifndef HY_STORE_JOURNAL_HOOKS_H
#define HY_STORE_JOURNAL_HOOKS_H

#include "store/journal.h"

MUST_USE bool journal_do_hook(struct db *db, struct job *job, struct err *e);
MUST_USE bool journal_do_hooks(struct db *db, struct job *job, struct err *e);
MUST_USE bool journal_do_hook_scan(struct db *db, struct job *job, struct err *e);
MUST_USE bool journal_do_hook_tried(struct db *db, struct job *job, struct err *e);
MUST_USE bool journal_do_hook_replay(struct db *db, struct job *job, struct err *e);
MUST_USE bool journal_do_hook_prune(struct db *db, struct job *job, struct err *e);
MUST_USE bool journal_do_consent_news(struct db *db, struct job *job, struct err *e);

#endif
