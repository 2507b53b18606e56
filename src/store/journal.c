#include "store/journal.h"

#include "base/json.h"
#include "model/content.h"
#include "store/contacts.h"
#include "store/erasures.h"
#include "store/journal_events.h"
#include "store/journal_hooks.h"
#include "store/journal_reads.h"
#include "store/journal_rows.h"
#include "store/lane_use.h"
#include "store/links.h"
#include "store/spent.h"
#include "store/tally.h"
#include "store/usage.h"

#include <string.h>

enum {
    JOURNAL_JOBS_MAX = 8192,
    /* A caller may come just when a batch begins to wait for another process' write, and then waits with the
       next: no longer than both, which is what a request may take. */
    PATIENCE_MS = 1500,
    PATIENCE_IN_TROUBLE_MS = 200,
};

/* How far apart two attempts may begin and still be taken for each other in a provider's list. */
static const int64_t twin_window_us = INT64_C(3600) * 1000 * 1000;

struct journal {
    struct db *db;
    struct job **held; /* must-jobs of failed transactions, in order */
    size_t n_held;
    struct err trouble;
    bool heed;               /* the suppression list may have rows */
    bool scrub;              /* the log may have what was erased */
    struct hook_list *hooks; /* owned; NULL: to be read */
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
    j->n_held = 0;
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

/* Who has the message's idempotency key: JOB_DUPLICATE, or the result as it was when nobody does. */
static bool find_key(struct db *db, struct job *job, struct err *e) {
    static const char who[] =
        "SELECT message_id, fingerprint FROM idempotency WHERE account_id=? AND key=? AND expires_at>?";
    const struct message *m = job->message;
    struct db_stmt *s = db_stmt(db, who, e);
    if (!s)
        return false;
    db_int(s, m->account_id);
    db_text(s, m->text[TEXT_IDEMPOTENCY_KEY]);
    db_int(s, m->created_at);
    bool row;
    if (!db_next(s, &row, e))
        return false;
    if (!row)
        return true;
    job->dup_id = db_col_int(s, 0);
    job->dup_same = sv_eq(db_col_text(s, 1), sv_make((const char *)m->fingerprint, sizeof m->fingerprint));
    job->result = JOB_DUPLICATE;
    db_end(s);
    return true;
}

static bool do_key(struct db *db, struct job *job, struct err *e) {
    if (!find_key(db, job, e))
        return false;
    if (job->result != JOB_DUPLICATE)
        job->result = JOB_ABSENT;
    return true;
}

/* Takes the message's idempotency key, or says who has it. */
static bool take_key(struct db *db, struct job *job, struct err *e) {
    static const char take[] =
        "INSERT INTO idempotency (account_id, key, message_id, fingerprint, expires_at) "
        "VALUES (?,?,?,?,?) ON CONFLICT (account_id, key) DO UPDATE SET "
        "message_id=excluded.message_id, fingerprint=excluded.fingerprint, "
        "expires_at=excluded.expires_at WHERE expires_at <= ?";
    const struct message *m = job->message;
    struct db_stmt *s = db_stmt(db, take, e);
    if (!s)
        return false;
    db_int(s, m->account_id);
    db_text(s, m->text[TEXT_IDEMPOTENCY_KEY]);
    db_int(s, m->id);
    db_blob(s, m->fingerprint, sizeof m->fingerprint);
    db_int(s, job->idempotency_until);
    db_int(s, m->created_at);
    if (!db_run(s, e))
        return false;
    if (db_changes(db) > 0)
        return true;
    bool ok = find_key(db, job, e);
    ASSERT(!ok || job->result == JOB_DUPLICATE);
    return ok;
}

/* The text is made and says these codes: when one is another link's, the message has to be made anew. */
static bool check_links(struct db *db, struct job *job, struct err *e) {
    bool taken;
    if (!links_taken(db, job->links, job->n_links, &taken, e))
        return false;
    if (taken) {
        job->result = JOB_FAILED;
        err_set(&job->err, ERR_BUSY, "a short link's code was drawn twice: try again");
    }
    return true;
}

static bool add_links(struct db *db, const struct job *job, struct err *e) {
    const struct links_owner of = {.account_id = job->message->account_id,
                                   .message_id = job->message->id,
                                   .created_at = job->message->created_at,
                                   .expires_at = job->links_until};
    return links_add(db, &of, job->links, job->n_links, e);
}

/* Does it send, or promise to? Not what stores what is over, or comes from outside. */
static bool sends(const struct job *job) {
    for (size_t i = 0; i < job->n_parts; i++)
        if (sends(job->parts[i]))
            return true;
    if (job->kind == JOB_PUT)
        return job->message->direction == DIRECTION_OUT && job->change.next.due_at != 0;
    return job->kind == JOB_MOVE && job->change.attempt_begins;
}

/* A code that was used, or withdrawn, is not sent any more. */
static bool check_code(struct db *db, struct job *job, struct err *e) {
    bool over = false;
    if (job->kind == JOB_MOVE && !verifications_over(db, job->message->id, job->now, &over, e))
        return false;
    if (over) {
        job->why = REASON_CODE_OVER;
        job->result = JOB_SUPPRESSED;
    }
    return true;
}

/* A later event may have withdrawn what a rule made. */
static bool check_withdrawn(struct db *db, struct job *job, struct err *e) {
    bool withdrawn;
    if (!events_is_withdrawn(db, job->message->id, &withdrawn, e))
        return false;
    if (withdrawn) {
        job->why = REASON_CANCELED;
        job->result = JOB_SUPPRESSED;
    }
    return true;
}

/* Nothing is left to be done with it: the secret in its text goes. */
static bool forget_secret(struct db *db, const struct job *job, struct err *e) {
    static const char sql[] = "UPDATE message SET content=json_remove(content, '$.sealed') WHERE id=?";
    if (!job->message->sealed || job->change.next.due_at != 0)
        return true;
    struct db_stmt *s = db_stmt(db, sql, e);
    if (!s)
        return false;
    db_int(s, job->message->id);
    return db_run(s, e);
}

/* Is there anything against sending it? */
static bool check_consent(struct db *db, struct job *job, struct err *e) {
    bool lacks = false;
    unsigned step = job->change.next.step;
    if (!sends(job))
        return true;
    if (job->message->sealed && !check_code(db, job, e))
        return false;
    if (job->kind == JOB_MOVE && job->message->face == FACE_RULE && !check_withdrawn(db, job, e))
        return false;
    if (!(job->heed || job->needs_consent) || job->result != JOB_DONE)
        return true;
    if (job->heed && !suppression_ask(db, job->message, step, job->exempt, job->now, &job->why, e))
        return false;
    if (job->needs_consent && job->why == REASON_NONE &&
        !suppression_lacks_consent(db, job->message, step, &lacks, e))
        return false;
    if (lacks)
        job->why = REASON_NO_CONSENT;
    if (job->why != REASON_NONE)
        job->result = JOB_SUPPRESSED;
    return true;
}

/* A repeat is told as one, whatever has happened to the number since. */
static bool check_put(struct db *db, struct job *job, struct err *e) {
    if (!check_consent(db, job, e) || (job->result == JOB_DONE && !tally_check(db, job, e)))
        return false;
    return job->result == JOB_DONE || !job->message->text[TEXT_IDEMPOTENCY_KEY].n || find_key(db, job, e);
}

/* Webhooks are owed the events of a change, by the transaction that stores it. */
static bool tell_hooks(struct db *db, struct job *job, struct err *e) {
    return !job->hooks || deliveries_owe(db, job->hooks, job->message, &job->change, job->kind == JOB_PUT,
                                         job->now, &job->hooked, e);
}

/* They hear of an opt-out whatever made it. */
static bool tell_consent(struct db *db, struct job *job, enum hook_type type, struct sv data, struct err *e) {
    return !job->hooks ||
           deliveries_owe_extra(db, job->hooks, job->message, type, data, job->now, &job->hooked, e);
}

static bool put_reply(struct db *db, struct job *job, struct err *e) {
    const struct reply *r = job->reply;
    if (!replies_put(db, job->message, job->reply, job->now, &job->wrote, e))
        return false;
    if (r->action != REPLY_STOP && r->action != REPLY_START)
        return true;
    struct buf BUF_AUTO data = BUF_INIT(4096);
    json_pair(&data, "number", job->message->text[TEXT_FROM]);
    json_pair_or_null(&data, "topic", r->topic);
    json_pair(&data, "source", SV("reply"));
    json_pair_or_null(&data, "keyword", r->keyword);
    return tell_consent(db, job, r->action == REPLY_STOP ? HOOK_OPTED_OUT : HOOK_OPTED_IN, buf_sv(&data), e);
}

/* Before anything is written: what is refused leaves nothing behind. A repeat is told as one, however soon it
 * comes. */
static bool check_verification(struct db *db, struct job *job, struct err *e) {
    if (job->message->text[TEXT_IDEMPOTENCY_KEY].n && !find_key(db, job, e))
        return false;
    if (job->result != JOB_DONE)
        return true;
    if (!verifications_admit(db, job->message, job->verification, job->now, &job->err, e))
        return false;
    if (job->err.kind != ERR_NONE)
        job->result = JOB_FAILED;
    return true;
}

bool journal_do_put(struct db *db, struct job *job, struct err *e) {
    if ((job->n_links && !check_links(db, job, e)) || (job->result == JOB_DONE && !check_put(db, job, e)))
        return false;
    if (job->verification && job->result == JOB_DONE && !check_verification(db, job, e))
        return false;
    if (job->result != JOB_DONE)
        return true;
    if (job->message->text[TEXT_IDEMPOTENCY_KEY].n) {
        if (!take_key(db, job, e))
            return false;
        if (job->result == JOB_DUPLICATE)
            return true;
    }
    return journal_insert_message(db, job->message, &job->change.next, e) &&
           journal_write_change(db, job->message->id, &job->change, e) && lane_use_count(db, job, e) &&
           usage_count(db, job, e) && add_links(db, job, e) && tally_write(db, job, e) &&
           forget_secret(db, job, e) &&
           (!job->verification || verifications_put(db, job->message, job->verification, job->now, e)) &&
           tell_hooks(db, job, e) && (!job->reply || put_reply(db, job, e));
}

/* A provider id found by number and text may be claimed only if no other message can have a better right to
 * it: none that has it or had it before it was deleted, and none with the same number and text whose own
 * attempt at about that time has an open outcome; be it an earlier one, which another attempt followed. */
static bool check_claim(struct db *db, struct job *job, struct err *e) {
    static const char taken[] = "SELECT 1 FROM message WHERE recipient=? AND id<>? AND provider_id=? LIMIT 1";
    static const char twin[] =
        "SELECT 1 FROM message AS m JOIN attempt AS a ON a.message_id=m.id WHERE m.recipient=? AND m.id<>? "
        "AND "
        "m.body=? AND (a.ended_at=0 OR a.fate=?) AND a.started_at>=? LIMIT 1";
    bool row;
    struct db_stmt *s = db_stmt(db, taken, e);
    if (!s)
        return false;
    db_text(s, job->message->text[TEXT_TO]);
    db_int(s, job->message->id);
    db_text(s, sv_of(job->change.next.provider_id));
    if (!db_next(s, &row, e))
        return false;
    db_end(s);
    bool gone, open;
    if (!spent_ask(db, job->message, sv_of(job->change.next.provider_id), &gone, &open, e))
        return false;
    if (row || gone) {
        job->result = JOB_CLAIMED;
        return true;
    }
    s = db_stmt(db, twin, e);
    if (!s)
        return false;
    db_text(s, job->message->text[TEXT_TO]);
    db_int(s, job->message->id);
    db_text(s, job->message->text[TEXT_BODY]);
    db_int(s, FATE_UNKNOWN);
    db_int(s, job->change.attempt.started_at - twin_window_us);
    if (!db_next(s, &row, e))
        return false;
    db_end(s);
    if (row || open)
        job->result = JOB_AMBIGUOUS;
    return true;
}

/* A provider that refuses the number says something for the next message to it. */
/* A device that a push service calls dead is nobody's any more. *alive: its app has shown itself since. */
static bool forget_device(struct db *db, const struct job *job, int64_t since, bool *alive, struct err *e) {
    struct arena ARENA_AUTO mem;
    arena_init(&mem, CONTENT_BYTES_MAX);
    struct sv token = suppression_step_address(job->message, job->message->head.step, &mem),
              platform = sv_cut(&token, ':');
    *alive = false;
    return !token.n || contacts_forget_device(db, job->message->account_id, platform, token, since, alive, e);
}

static bool learn(struct db *db, struct job *job, struct err *e) {
    const struct change *c = &job->change;
    bool ended = (c->next.state == STATE_FAILED || c->next.state == STATE_UNDELIVERED) && c->n_events &&
                 !c->events[c->n_events - 1].note;
    bool at_the_door = c->attempt_ends && c->attempt.fate == FATE_REJECTED;
    if (!ended && !at_the_door)
        return true;
    /* A receipt's "unknown handset" may be one that is off: only a refusal at the door makes a number
     * invalid. */
    const struct suppression_lesson lesson = {
        .reason = at_the_door ? c->attempt.reason : c->next.reason,
        .lane = c->next.lane,
        .code = at_the_door ? c->attempt.code : c->next.code,
        .invalid_until = at_the_door ? job->invalid_until : 0,
    };
    if (at_the_door && lesson.reason == REASON_INVALID_NUMBER &&
        content_channel(job->message, job->message->head.step) == CHANNEL_PUSH) {
        bool alive;
        if (!forget_device(db, job, c->attempt.dead_since, &alive, e))
            return false;
        if (alive)
            return true;
    }
    if (!suppression_learn(db, job->message, &lesson, job->now, &job->wrote, e))
        return false;
    if (!job->wrote || lesson.reason != REASON_OPTED_OUT)
        return true;
    struct buf BUF_AUTO data = BUF_INIT(4096);
    json_pair(&data, "number", job->message->text[TEXT_TO]);
    json_pair_or_null(&data, "topic", SV_NONE);
    json_pair(&data, "source", SV("provider"));
    json_pair_i64(&data, "provider_code", lesson.code);
    return tell_consent(db, job, HOOK_OPTED_OUT, buf_sv(&data), e);
}

static bool do_move(struct db *db, struct job *job, struct err *e) {
    if ((job->claim && !check_claim(db, job, e)) || !check_consent(db, job, e) ||
        (job->result == JOB_DONE && !tally_check(db, job, e)))
        return false;
    if (job->result != JOB_DONE)
        return true;
    return usage_count(db, job, e) && journal_update_message(db, job->message, &job->change.next, e) &&
           journal_write_change(db, job->message->id, &job->change, e) && lane_use_count(db, job, e) &&
           tally_write(db, job, e) && forget_secret(db, job, e) && tell_hooks(db, job, e) &&
           learn(db, job, e);
}

static bool do_redact(struct db *db, struct job *job, struct err *e) {
    return spent_keep(db, job->message, job->now, e) && journal_redact_message(db, job->message, e) &&
           do_move(db, job, e);
}

static bool do_delete(struct db *db, struct job *job, struct err *e) {
    int64_t id = job->message->id;
    return spent_keep(db, job->message, job->now, e) && links_delete(db, id, e) &&
           replies_forget(db, id, e) && tally_forget(db, id, e) &&
           (!job->hooks || deliveries_forget(db, job->message->account_id, id, e)) &&
           journal_delete_message(db, job->message, e);
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
    if (!s)
        return false;
    db_int(s, job->now);
    db_int(s, job->limit);
    if (!db_run(s, e))
        return false;
    return lane_use_prune(db, job->now, e) && spent_prune(db, job->now, job->limit, e) &&
           links_prune(db, job->now, job->limit, e) && suppression_prune(db, job->now, job->limit, e) &&
           tally_prune(db, job->now, job->limit, e) && prune_verifications(db, job, e) &&
           erasures_go_on(db, job->now, &job->scrubs, e) &&
           events_prune(db, job->events_floor, job->now, job->limit, e);
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
        [JOB_MOVE] = do_move,
        [JOB_REDACT] = do_redact,
        [JOB_DELETE] = do_delete,
        [JOB_LOAD] = journal_do_load,
        [JOB_SCAN] = journal_do_scan,
        [JOB_SWEEP] = journal_do_sweep,
        [JOB_CALLBACK_SCAN] = journal_do_callback_scan,
        [JOB_CALLBACK_END] = journal_do_callback_end,
        [JOB_CALLBACK_AGAIN] = journal_do_callback_again,
        [JOB_KEY] = do_key,
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
    for (size_t i = 0; i < job->n_parts; i++)
        reset_outcome(job->parts[i]);
    job->more = false;
    job->wrote = job->scrubs = false;
    job->why = REASON_NONE;
    job->until = 0;
    job->result = JOB_DONE;
}

/* Another process may have written it: one look a batch, while it is empty. */
static bool look_at_list(struct journal *j, struct job **jobs, size_t n, struct err *e) {
    for (size_t i = 0; i < n; i++)
        if (sends(jobs[i]))
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
        j->hooks = hooks_load(j->db, e);
    return j->hooks != NULL;
}

static bool transact(struct journal *j, struct job **jobs, size_t n, struct err *e) {
    if (n == 0)
        return true;
    bool scrub = false;
    bool ok = db_in_place(j->db, e) && db_begin(j->db, e);
    if (ok && !j->heed)
        ok = look_at_list(j, jobs, n, e);
    ok = ok && look_at_hooks(j, false, e);
    for (size_t i = 0; ok && i < n; i++) {
        jobs[i]->heed = j->heed;
        jobs[i]->hooks = j->hooks->n ? j->hooks : NULL;
        ok = do_job(j->db, jobs[i], e) && (!jobs[i]->rehook || look_at_hooks(j, true, e));
        j->heed |= jobs[i]->wrote;
        scrub |= jobs[i]->scrubs;
    }
    ok = ok && db_commit(j->db, e);
    j->scrub |= ok && scrub;
    if (!ok) {
        db_rollback(j->db);
        for (size_t i = 0; i < n; i++)
            reset_outcome(jobs[i]);
        hook_list_free(j->hooks); /* it may say what was rolled back */
        j->hooks = NULL;
    }
    return ok;
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

size_t journal_apply(struct journal *j, struct job **jobs, size_t n, struct job **done) {
    struct err e = ERR_INIT;
    size_t n_done = 0;
    if (j->n_held && transact(j, j->held, j->n_held, &e)) {
        n_done = hand_back(j->held, j->n_held, done, 0);
        j->n_held = 0;
    }
    for (size_t i = 0; i < n; i++)
        jobs[i]->result = JOB_DONE;
    if (e.kind == ERR_NONE && transact(j, jobs, n, &e)) {
        set_trouble(j, ERR_INIT);
        return hand_back(jobs, n, done, n_done);
    }
    set_trouble(j, e);
    size_t refused = split(j, jobs, n, done + n_done);
    return n_done + refused;
}
