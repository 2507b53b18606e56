#include "store/journal_hooks.h"

#include "store/consent_news.h"
#include "store/journal_rows.h"

bool journal_do_hook(struct db *db, struct job *job, struct err *e) {
    struct hook_write *w = job->hook;
    const struct webhook *h = &w->hook;
    bool test = w->act == HOOK_SEND_TEST, disabled = w->act == HOOK_DISABLE && h->status != HOOK_BY_CALLER;
    w->hook.node = (unsigned)journal_node(job);
    if (!hooks_write(db, w, job->now, e))
        return false;
    if (w->absent || w->full || w->off)
        return true;
    job->rehook = !test && w->act != HOOK_NOTE_FAILING;
    if (!job->hooks || !(test || disabled))
        return true;
    const struct notice notice = {.account_id = h->account_id,
                                  .type = test ? HOOK_TEST : HOOK_DISABLED,
                                  .id = w->notice_id,
                                  .data = w->data,
                                  .only = test ? h->id : 0,
                                  .except = h->id};
    return deliveries_owe_notice(db, job->hooks, &notice, job->now, &job->hooked, e);
}

bool journal_do_hooks(struct db *db, struct job *job, struct err *e) {
    job->hook_list = hooks_load(db, job->self ? job->self->id : 0, e);
    return job->hook_list != NULL;
}

bool journal_do_hook_scan(struct db *db, struct job *job, struct err *e) {
    return deliveries_scan(db, job->id, job->after_due_at, job->now, job->limit, &job->deliveries,
                           &job->n_deliveries, &job->more, &job->next_due_at, e);
}

bool journal_do_hook_tried(struct db *db, struct job *job, struct err *e) {
    return deliveries_tried(db, job->tried, job->now, &job->released, e);
}

bool journal_do_hook_replay(struct db *db, struct job *job, struct err *e) {
    for (const struct webhook *h = job->hooks ? job->hooks->at : NULL; h && h != hooks_end(job->hooks); h++)
        if (h->id == job->id && h->replay_until && h->status == HOOK_ENABLED) {
            job->rehook = true;
            return deliveries_replay(db, h, job->limit, job->now, &job->more, e);
        }
    return true;
}

bool journal_do_hook_prune(struct db *db, struct job *job, struct err *e) {
    return !job->hooks ||
           deliveries_prune(db, job->hooks, job->due_at, job->limit, job->now, &job->more, &job->rehook, e);
}

bool journal_do_consent_news(struct db *db, struct job *job, struct err *e) {
    return !job->hooks || consent_news_tell(db, job->hooks, job->notice_ids, CONSENT_NEWS_MAX, job->now,
                                            &job->hooked, &job->more, e);
}
