#include "store/journal.h"

#include "base/clock.h"
#include "store/erasures.h"
#include "store/journal_events.h"
#include "store/journal_hooks.h"
#include "store/journal_messages.h"
#include "store/journal_nodes.h"
#include "store/journal_reads.h"
#include "store/journal_rows.h"
#include "store/lane_use.h"
#include "store/links.h"
#include "store/numbers.h"
#include "store/periods.h"
#include "store/spent.h"
#include "store/tally.h"

#include <string.h>

enum {
    NUMBERS_AT_ONCE = 200, /* rows of long lists: a few milliseconds of a commit */
    JOURNAL_JOBS_MAX = 8192,
    /* A caller may come just when a batch begins to wait for another process' write, and then waits with the
       next: no longer than both, which is what a request may take. */
    PATIENCE_MS = 1500,
    PATIENCE_IN_TROUBLE_MS = 200,
    AGAIN_MAX =
        3, /* a batch that met another transaction, or a server that was started anew, is done once more */
};

/* Its sender has given up waiting for the answer, or is gone. */
static const int64_t parcel_kept_us = INT64_C(3600) * 1000 * 1000;

struct journal {
    struct db *db;
    struct job **held; /* must-jobs of failed transactions, in order */
    size_t n_held;
    size_t n_unsettled; /* the first of them were in a transaction of which it is not known whether it is
                           stored */
    struct err trouble;
    bool heed;                    /* the suppression list may have rows */
    bool scrub;                   /* the log may have what was erased */
    struct hook_list *hooks;      /* owned; NULL: to be read */
    const struct node_self *self; /* NULL: alone */
    int64_t batch, renew_at;      /* of its transactions: the latest's number, when the lease is renewed */
    int64_t hooks_version;        /* of the list */
    struct period_touch touch;
    int64_t room_until; /* messages that come before that have a period to stand in; 0: not known */
};

struct journal *journal_new(struct db *db, struct err *e) {
    struct journal *j = calloc(1, sizeof *j);
    struct job **held = calloc(JOURNAL_JOBS_MAX, sizeof *held);
    if (!j || !held) {
        free(j);
        free(held);
        err_set(e, ERR_OUTSIDE, "out of memory for the journal");
        return NULL;
    }
    *j = (struct journal){.db = db, .held = held};
    struct err ignored = ERR_INIT; /* what fails here fails again, and is told then */
    if (!erasures_any(db, &j->scrub, &ignored))
        j->scrub = false;
    db_set_patience(db, PATIENCE_MS);
    return j;
}

void journal_join(struct journal *j, const struct node_self *self) {
    j->self = self->id ? self : NULL;
}

void journal_free(struct journal *j) {
    if (!j)
        return;
    hook_list_free(j->hooks);
    free(j->held);
    free(j);
}

void journal_abandon(struct journal *j, void (*forget)(struct job *)) {
    for (size_t i = 0; i < j->n_held; i++)
        forget(j->held[i]);
    j->n_held = j->n_unsettled = 0;
}

bool journal_wants_scrub(const struct journal *j) {
    return j->scrub;
}

void journal_scrub(struct journal *j, int ms) {
    struct err ignored = ERR_INIT; /* somebody is in the way: next time */
    if (db_scrub(j->db, ms, &ignored))
        j->scrub = false;
}

size_t journal_held(const struct journal *j) {
    return j->n_held;
}

const struct err *journal_trouble(const struct journal *j) {
    return &j->trouble;
}

static bool prune_verifications(struct db *db, struct job *job, struct err *e) {
    job->lapsed = calloc(job->limit, sizeof *job->lapsed);
    ASSERT(job->lapsed);
    return verifications_prune(db, job->now, job->keep_from, job->limit, job->lapsed, &job->n_lapsed, e);
}

static bool do_prune(struct db *db, struct job *job, struct err *e) {
    static const char sql[] =
        "DELETE FROM idempotency WHERE (account_id, key) IN (SELECT account_id, key FROM "
        "idempotency WHERE expires_at<=? LIMIT ?)";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, job->now);
    db_int(s, job->limit);
    if (!db_run(s, e))
        return false;
    bool numbers_more = false;
    bool ok = lane_use_prune(db, job->now, e) && spent_prune(db, job->now, job->limit, e) &&
              links_prune(db, job->now, job->limit, e) && suppression_prune(db, job->now, job->limit, e) &&
              tally_prune(db, job->now, job->limit, e) && prune_verifications(db, job, e) &&
              erasures_go_on(db, job->now, &job->scrubs, &job->more, e) &&
              events_prune(db, job->events_floor, job->now, job->limit, e) &&
              (!job->self || parcels_prune(db, job->now - parcel_kept_us, job->limit, e)) &&
              numbers_catch_up(db, NUMBERS_AT_ONCE, &numbers_more, e);
    job->more |= numbers_more;
    return ok;
}

static bool do_verify(struct db *db, struct job *job, struct err *e) {
    return verifications_write(db, job->verification, job->now, e);
}

static bool do_write(struct db *db, struct job *job, struct err *e) {
    job->write->suppresses = job->write->scrubs = false;
    bool ok = job->write->run(db, job->write, job->now, e);
    job->wrote = job->write->suppresses;
    job->scrubs = job->write->scrubs;
    return ok;
}

static bool do_job(struct db *db, struct job *job, struct err *e) {
    static bool (*const doers[])(struct db *, struct job *, struct err *) = {
        [JOB_PUT] = journal_do_put,
        [JOB_MOVE] = journal_do_move,
        [JOB_REDACT] = journal_do_redact,
        [JOB_DELETE] = journal_do_delete,
        [JOB_LOAD] = journal_do_load,
        [JOB_SCAN] = journal_do_scan,
        [JOB_SWEEP] = journal_do_sweep,
        [JOB_CALLBACK_SCAN] = journal_do_callback_scan,
        [JOB_CALLBACK_END] = journal_do_callback_end,
        [JOB_CALLBACK_AGAIN] = journal_do_callback_again,
        [JOB_KEY] = journal_do_key,
        [JOB_LANE_STATE] = lane_use_keep_state,
        [JOB_LANE_USE] = lane_use_read,
        [JOB_PRUNE] = do_prune,
        [JOB_ACCOUNTS] = journal_do_accounts,
        [JOB_WRITE] = do_write,
        [JOB_HOOK] = journal_do_hook,
        [JOB_HOOKS] = journal_do_hooks,
        [JOB_HOOK_SCAN] = journal_do_hook_scan,
        [JOB_HOOK_TRIED] = journal_do_hook_tried,
        [JOB_HOOK_REPLAY] = journal_do_hook_replay,
        [JOB_HOOK_PRUNE] = journal_do_hook_prune,
        [JOB_VERIFY] = do_verify,
        [JOB_EVENT] = journal_do_event,
        [JOB_NODES] = journal_do_nodes,
        [JOB_PARCEL] = journal_do_parcel,
        [JOB_PARCEL_ANSWER] = journal_do_parcel_answer,
        [JOB_PARCEL_FORGET] = journal_do_parcel_forget,
        [JOB_CONSENT_NEWS] = journal_do_consent_news,
    };
    return doers[job->kind](db, job, e);
}

/* Forgets what a job read in a transaction that came to nothing. */
static void reset_outcome(struct job *job) {
    message_free(job->loaded);
    job->loaded = NULL;
    for (unsigned i = 0; i < job->n_rows; i++)
        message_free(job->rows[i]);
    free(job->rows);
    free(job->attempts);
    job->rows = NULL;
    job->attempts = NULL;
    job->n_rows = 0;
    for (unsigned i = 0; i < job->n_callbacks; i++)
        message_free(job->callbacks[i].message);
    free(job->callbacks);
    job->callbacks = NULL;
    job->n_callbacks = 0;
    free(job->use);
    free(job->senders);
    job->use = NULL;
    job->senders = NULL;
    job->n_use = job->n_senders = 0;
    free(job->accounts);
    job->accounts = NULL;
    job->n_accounts = 0;
    hook_list_free(job->hook_list);
    job->hook_list = NULL;
    for (unsigned i = 0; i < job->n_deliveries; i++)
        delivery_done(&job->deliveries[i]);
    free(job->deliveries);
    job->deliveries = NULL;
    job->n_deliveries = 0;
    job->hooked.n = 0;
    job->released = job->rehook = false;
    free(job->lapsed);
    job->lapsed = NULL;
    job->n_lapsed = 0;
    free(job->parcels);
    free(job->woken);
    job->parcels = NULL;
    job->woken = NULL;
    job->n_parcels = job->n_answers = job->n_woken = 0;
    job->news = (struct node_news){0};
    job->adopted = false;
    for (size_t i = 0; i < job->n_parts; i++)
        reset_outcome(job->parts[i]);
    job->more = false;
    job->wrote = job->scrubs = false;
    job->why = REASON_NONE;
    job->until = 0;
    job->result = JOB_DONE;
}

/* Periods are made days ahead; unless nobody was awake for so long, or the clock was set. */
static bool have_room(struct journal *j, struct job **jobs, size_t n, struct err *e) {
    int64_t now = 0;
    for (size_t i = 0; i < n; i++)
        if (jobs[i]->now > now)
            now = jobs[i]->now;
    return now < j->room_until - US_PER_DAY || periods_make(j->db, now, PERIODS_AS_LAST, &j->room_until, e);
}

/* Another process may have written it: one look a batch, while it is empty. */
static bool look_at_list(struct journal *j, struct job **jobs, size_t n, struct err *e) {
    for (size_t i = 0; i < n; i++)
        if (journal_sends(jobs[i]))
            return suppression_any(j->db, &j->heed, e);
    return true;
}

/* Reads the webhooks where they are not known, or others by now. */
static bool look_at_hooks(struct journal *j, bool again, struct err *e) {
    if (again) {
        hook_list_free(j->hooks);
        j->hooks = NULL;
    }
    if (!j->hooks)
        j->hooks = hooks_load(j->db, j->self ? j->self->id : 0, e);
    return j->hooks != NULL;
}

/* A transaction of a node that another has taken over must not be. *granted: when its lease began anew, by
 * the monotonic clock; 0: it did not. */
static bool pass_fence(struct journal *j, int64_t *granted, struct err *e) {
    const struct node_self *self = j->self;
    int64_t begun = self->lease->mono_us(self->lease->ctx), version;
    bool ours, renew = begun >= j->renew_at;
    if (!nodes_fence(j->db, self, j->batch + 1, renew, &ours, &version, e))
        return false;
    if (!ours) {
        atomic_store(&self->lease->lost, true);
        return err_set(e, ERR_OUTSIDE, "another node has taken over the work of node %u", self->id);
    }
    if (version != j->hooks_version) {
        hook_list_free(j->hooks);
        j->hooks = NULL;
        j->hooks_version = version;
    }
    *granted = renew ? begun : 0;
    return true;
}

static void passed_fence(struct journal *j, int64_t granted) {
    const struct node_self *self = j->self;
    j->batch++;
    if (!granted)
        return;
    j->renew_at = granted + self->lease_us / 6;
    atomic_store(&self->lease->until_us, granted + self->lease_us - self->lease_us / 8);
}

/* The other nodes keep the list of webhooks, too. */
static bool tell_nodes(struct journal *j, const struct job *job, struct err *e) {
    return !j->self || !job->rehook || nodes_hooks_changed(j->db, e);
}

/* May the list of webhooks be another than the one known here? Who asks for it knows why: a door was opened.
 */
static bool may_differ(const struct job *job) {
    return job->rehook || job->kind == JOB_HOOKS;
}

static bool attempt(struct journal *j, struct job **jobs, size_t n, struct err *e) {
    bool scrub = false;
    int64_t granted = 0, room_until = j->room_until;
    bool ok = db_in_place(j->db, e) && db_begin(j->db, e) && (!j->self || pass_fence(j, &granted, e));
    if (ok && !j->heed)
        ok = look_at_list(j, jobs, n, e);
    ok = ok && have_room(j, jobs, n, e) && look_at_hooks(j, false, e);
    for (size_t i = 0; ok && i < n; i++) {
        jobs[i]->heed = j->heed;
        jobs[i]->hooks = j->hooks->n ? j->hooks : NULL;
        jobs[i]->self = j->self;
        jobs[i]->touch = &j->touch;
        jobs[i]->hooks_version = j->hooks_version;
        ok = do_job(j->db, jobs[i], e) && tell_nodes(j, jobs[i], e) &&
             (!may_differ(jobs[i]) || look_at_hooks(j, true, e));
        j->heed |= jobs[i]->wrote;
        scrub |= jobs[i]->scrubs;
    }
    ok = ok && db_commit(j->db, e);
    if (ok && j->self)
        passed_fence(j, granted);
    j->scrub |= ok && scrub;
    if (!ok) {
        db_rollback(j->db);
        for (size_t i = 0; i < n && db_failure(j->db) != DB_UNSETTLED; i++)
            reset_outcome(jobs[i]);
        hook_list_free(j->hooks); /* it may say what was rolled back */
        j->hooks = NULL;
        j->touch = (struct period_touch){0};
        j->room_until = room_until;
    }
    return ok;
}

static bool transact(struct journal *j, struct job **jobs, size_t n, struct err *e) {
    for (int tries = 0; n && !attempt(j, jobs, n, e); tries++) {
        if (db_failure(j->db) != DB_AGAIN || tries == AGAIN_MAX)
            return false;
        *e = ERR_INIT;
    }
    return true;
}

static size_t hand_back(struct job **jobs, size_t n, struct job **done, size_t n_done) {
    for (size_t i = 0; i < n; i++)
        done[n_done++] = jobs[i];
    return n_done;
}

/* The batch failed as one: refuse what may be refused, keep the rest. */
static size_t split(struct journal *j, struct job **jobs, size_t n, struct job **done) {
    size_t n_done = 0;
    for (size_t i = 0; i < n; i++) {
        if (jobs[i]->must) {
            ASSERT(j->n_held < JOURNAL_JOBS_MAX);
            j->held[j->n_held++] = jobs[i];
            continue;
        }
        jobs[i]->result = JOB_FAILED;
        jobs[i]->err = j->trouble;
        done[n_done++] = jobs[i];
    }
    return n_done;
}

static void set_trouble(struct journal *j, struct err e) {
    if ((e.kind == ERR_NONE) != (j->trouble.kind == ERR_NONE))
        db_set_patience(j->db, e.kind == ERR_NONE ? PATIENCE_MS : PATIENCE_IN_TROUBLE_MS);
    j->trouble = e;
}

/* What became of the transaction that was sent and not answered? Its jobs are finished, or done again with
 * the others that are held. */
static size_t settle(struct journal *j, struct job **done, struct err *e) {
    bool committed = false;
    if (j->n_unsettled == 0 || !db_settle(j->db, &committed, e))
        return 0;
    size_t n = j->n_unsettled, n_done = 0;
    j->n_unsettled = 0;
    if (!committed) {
        for (size_t i = 0; i < n; i++)
            reset_outcome(j->held[i]);
        return 0;
    }
    n_done = hand_back(j->held, n, done, 0);
    j->n_held -= n;
    memmove(j->held, j->held + n, j->n_held * sizeof *j->held);
    return n_done;
}

/* Nobody is told anything of a batch that may be stored: it is held whole. */
static void hold(struct journal *j, struct job **jobs, size_t n) {
    ASSERT(j->n_held + n <= JOURNAL_JOBS_MAX);
    memcpy(j->held + j->n_held, jobs, n * sizeof *jobs);
    j->n_held += n;
    j->n_unsettled = j->n_held;
}

size_t journal_apply(struct journal *j, struct job **jobs, size_t n, struct job **done) {
    struct err e = ERR_INIT;
    size_t n_done = settle(j, done, &e);
    if (e.kind == ERR_NONE && j->n_held) {
        if (transact(j, j->held, j->n_held, &e)) {
            n_done = hand_back(j->held, j->n_held, done, n_done);
            j->n_held = 0;
        } else if (db_failure(j->db) == DB_UNSETTLED)
            j->n_unsettled = j->n_held;
    }
    for (size_t i = 0; i < n; i++)
        jobs[i]->result = JOB_DONE;
    if (e.kind == ERR_NONE && transact(j, jobs, n, &e)) {
        set_trouble(j, ERR_INIT);
        return hand_back(jobs, n, done, n_done);
    }
    set_trouble(j, e);
    if (j->n_held == 0 && n && db_failure(j->db) == DB_UNSETTLED) {
        hold(j, jobs, n);
        return n_done;
    }
    size_t refused = split(j, jobs, n, done + n_done);
    return n_done + refused;
}
