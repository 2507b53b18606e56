#include "store/journal_messages.h"
#include "store/consents.h"

#include "base/json.h"
#include "model/content.h"
#include "store/contacts.h"
#include "store/journal_hooks.h"
#include "store/journal_rows.h"
#include "store/lane_use.h"
#include "store/links.h"
#include "store/periods.h"
#include "store/savings.h"
#include "store/spent.h"
#include "store/tally.h"
#include "store/usage.h"

#include <string.h>

/* How far apart two attempts may begin and still be taken for each other in a provider's list. */
static const int64_t twin_window_us = INT64_C(3600) * 1000 * 1000;

/* Who has the message's idempotency key: JOB_DUPLICATE, or the result as it was when nobody does. */
static bool find_key(struct db *db, struct job *job, struct err *e) {
    static const char who[] =
        "SELECT message_id, fingerprint FROM idempotency WHERE account_id=? AND key=? AND expires_at>?";
    const struct message *m = job->message;
    struct db_stmt *s = db_stmt(db, who, e);
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

bool journal_do_key(struct db *db, struct job *job, struct err *e) {
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
        "expires_at=excluded.expires_at WHERE idempotency.expires_at<=?";
    enum { TRIES_MAX = 3 }; /* another node may prune the key that stood in the way, before it is looked at */
    const struct message *m = job->message;
    for (int i = 0; i < TRIES_MAX; i++) {
        struct db_stmt *s = db_stmt(db, take, e);
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
        if (!find_key(db, job, e))
            return false;
        if (job->result == JOB_DUPLICATE)
            return true;
    }
    return err_set(e, ERR_OUTSIDE, "an idempotency key comes and goes: try again");
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

bool journal_sends(const struct job *job) {
    for (size_t i = 0; i < job->n_parts; i++)
        if (journal_sends(job->parts[i]))
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
    db_int(s, job->message->id);
    return db_run(s, e);
}

/* Is there anything against sending it? */
static bool check_consent(struct db *db, struct job *job, struct err *e) {
    if (!journal_sends(job))
        return true;
    if (job->message->sealed && !check_code(db, job, e))
        return false;
    if (job->kind == JOB_MOVE && job->message->face == FACE_RULE && !check_withdrawn(db, job, e))
        return false;
    if (!(job->heed || job->needs_consent) || job->result != JOB_DONE)
        return true;
    const struct suppression_question q = {.m = job->message,
                                           .step = job->change.next.step,
                                           .list = job->heed,
                                           .exempt = job->exempt,
                                           .consent = job->needs_consent,
                                           .begins = job->change.attempt_begins,
                                           .now = job->now};
    if (!suppression_ask(db, &q, &job->why, e))
        return false;
    if (job->why != REASON_NONE)
        job->result = JOB_SUPPRESSED;
    return true;
}

/* A repeat is told as one, whatever has happened to the number since. */
static bool check_put(struct db *db, struct job *job, struct err *e) {
    if (!check_consent(db, job, e) || (job->result == JOB_DONE && !tally_check(db, job, e)) ||
        (job->result == JOB_DONE && !usage_check(db, job, e)))
        return false;
    return job->result == JOB_DONE || !job->message->text[TEXT_IDEMPOTENCY_KEY].n || find_key(db, job, e);
}

/* Webhooks are owed the events of a change, by the transaction that stores it. */
static bool tell_hooks(struct db *db, struct job *job, struct err *e) {
    return !job->hooks || deliveries_owe(db, job->hooks, job->message, &job->change, job->kind == JOB_PUT,
                                         job->now, &job->hooked, e);
}

/* Opt-outs, whatever made them, and alarms. */
static bool tell_extra(struct db *db, struct job *job, enum hook_type type, struct sv data, struct err *e) {
    return !job->hooks ||
           deliveries_owe_extra(db, job->hooks, job->message, type, data, job->now, &job->hooked, e);
}

static bool put_reply(struct db *db, struct job *job, struct err *e) {
    const struct reply *r = job->reply;
    if (!replies_put(db, job->message, job->reply, job->now, &job->wrote, e) ||
        (r->mood == REPLY_NEGATIVE && !tell_extra(db, job, HOOK_REPLY_NEGATIVE, SV_NONE, e)))
        return false;
    if (r->action != REPLY_STOP && r->action != REPLY_START && r->action != REPLY_CONFIRM)
        return true;
    struct buf BUF_AUTO data = BUF_INIT(4096);
    json_pair(&data, "number", job->message->text[TEXT_FROM]);
    json_pair_or_null(&data, "topic", r->topic);
    json_pair(&data, "source", SV("reply"));
    json_pair_or_null(&data, "keyword", r->keyword);
    return tell_extra(db, job, r->action == REPLY_STOP ? HOOK_OPTED_OUT : HOOK_OPTED_IN, buf_sv(&data), e);
}

/* What is not sent asks nobody. */
static bool put_consent(struct db *db, const struct job *job, struct err *e) {
    return !job->consent || job->change.next.state == STATE_SUPPRESSED ||
           consents_request(db, job->consent, job->message->id, job->now, e);
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
    return journal_insert_message(db, job, e) && journal_write_change(db, job, e) &&
           lane_use_count(db, job, e) && usage_count(db, job, e) && savings_count(db, job, e) &&
           add_links(db, job, e) && tally_write(db, job, e) && forget_secret(db, job, e) &&
           (!job->verification || verifications_put(db, job->message, job->verification, job->now, e)) &&
           put_consent(db, job, e) && tell_hooks(db, job, e) && (!job->reply || put_reply(db, job, e));
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
    db_text(s, job->message->text[TEXT_TO]);
    db_int(s, job->message->id);
    db_text(s, sv_of(job->change.next.provider_id));
    if (!db_any(s, &row, e))
        return false;
    bool gone, open;
    if (!spent_ask(db, job->message, sv_of(job->change.next.provider_id), &gone, &open, e))
        return false;
    if (row || gone) {
        job->result = JOB_CLAIMED;
        return true;
    }
    s = db_stmt(db, twin, e);
    db_text(s, job->message->text[TEXT_TO]);
    db_int(s, job->message->id);
    db_text(s, job->message->text[TEXT_BODY]);
    db_int(s, FATE_UNKNOWN);
    db_int(s, job->change.attempt.started_at - twin_window_us);
    if (!db_any(s, &row, e))
        return false;
    if (row || open)
        job->result = JOB_AMBIGUOUS;
    return true;
}

/* A device that a push service calls dead is nobody's any more. *alive: its app has shown itself since. */
static bool forget_device(struct db *db, const struct job *job, int64_t since, bool *alive, struct err *e) {
    struct arena ARENA_AUTO mem;
    arena_init(&mem, CONTENT_BYTES_MAX);
    struct sv token = suppression_step_address(job->message, job->message->head.step, &mem),
              platform = sv_cut(&token, ':');
    *alive = false;
    return !token.n || contacts_forget_device(db, job->message->account_id, platform, token, since, alive, e);
}

/* A provider that refuses the number says something for the next message to it. */
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
    return tell_extra(db, job, HOOK_OPTED_OUT, buf_sv(&data), e);
}

/* What nothing was due for may have been deleted since it was read (store/retention.h), and then nothing is
 * written of it any more. */
static bool check_there(struct db *db, struct job *job, struct err *e) {
    static const char sql[] = "SELECT 1 FROM message WHERE id=? /*pg FOR UPDATE */";
    bool row;
    if (job->message->head.due_at != 0)
        return true;
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, job->message->id);
    if (!db_any(s, &row, e))
        return false;
    if (!row)
        job->result = JOB_ABSENT;
    return true;
}

static bool move(struct db *db, struct job *job, struct err *e) {
    if ((job->claim && !check_claim(db, job, e)) || !check_consent(db, job, e) ||
        (job->result == JOB_DONE && !tally_check(db, job, e)) ||
        (job->result == JOB_DONE && !usage_check(db, job, e)))
        return false;
    if (job->result != JOB_DONE)
        return true;
    return usage_count(db, job, e) && savings_count(db, job, e) &&
           journal_update_message(db, job->message, &job->change.next, e) &&
           periods_touch(db, job->message->id, job->change.next.updated_at, job->touch, e) &&
           journal_write_change(db, job, e) && lane_use_count(db, job, e) && tally_write(db, job, e) &&
           forget_secret(db, job, e) && tell_hooks(db, job, e) && learn(db, job, e);
}

bool journal_do_move(struct db *db, struct job *job, struct err *e) {
    return check_there(db, job, e) && (job->result != JOB_DONE || move(db, job, e));
}

bool journal_do_redact(struct db *db, struct job *job, struct err *e) {
    return check_there(db, job, e) &&
           (job->result != JOB_DONE || (spent_keep(db, job->message, job->now, e) &&
                                        journal_redact_message(db, job->message, e) && move(db, job, e)));
}

bool journal_do_delete(struct db *db, struct job *job, struct err *e) {
    int64_t id = job->message->id;
    return spent_keep(db, job->message, job->now, e) && links_delete(db, id, e) &&
           replies_forget(db, id, e) && tally_forget(db, id, e) &&
           (!job->hooks || deliveries_forget(db, job->message->account_id, id, e)) &&
           journal_delete_message(db, job->message, e);
}
