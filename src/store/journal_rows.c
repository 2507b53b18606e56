#include "store/journal_rows.h"

#include "store/history.h"

int64_t journal_node(const struct job *job) {
    return job->self ? (int64_t)job->self->id : 0;
}

bool journal_insert_message(struct db *db, const struct job *job, struct err *e) {
    const struct message *m = job->message;
    const struct head *h = &job->change.next;
    static const char sql[] =
        "INSERT INTO message (id, account_id, direction, priority, delivery, face, "
        "encoding, segments, created_at, "
        "send_at, expires_at, state, reason, attempts, lookups, events, code, due_at, "
        "updated_at, sent_at, done_at, "
        "lane, provider_id, recipient, sender, body, topic, metadata, status_callback, "
        "traceparent, template, template_version, channel, content, step, step_from, "
        "spared, node) "
        "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
    struct db_stmt *s = db_stmt(db, sql, e);
    const int64_t numbers[] = {m->id,         m->account_id, m->direction, m->priority,   m->delivery,
                               m->face,       m->encoding,   m->segments,  m->created_at, m->send_at,
                               m->expires_at, h->state,      h->reason,    h->attempts,   h->lookups,
                               h->events,     h->code};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        db_int(s, numbers[i]);
    db_int_or_null(s, h->due_at);
    db_int(s, h->updated_at);
    db_int(s, h->sent_at);
    db_int(s, h->done_at);
    db_text_or_null(s, sv_of(h->lane));
    db_text_or_null(s, sv_of(h->provider_id));
    db_text(s, m->text[TEXT_TO]);
    db_text_or_null(s, m->text[TEXT_FROM]);
    db_text(s, m->text[TEXT_BODY]);
    for (int i = TEXT_TOPIC; i <= TEXT_TEMPLATE; i++)
        db_text_or_null(s, m->text[i]);
    db_int_or_null(s, m->template_version);
    db_int(s, m->channel);
    db_text_or_null(s, m->text[TEXT_CONTENT]);
    db_int(s, h->step);
    db_int(s, h->step_from);
    db_int(s, h->spared);
    db_int(s, journal_node(job));
    return db_put(s, e);
}

bool journal_update_message(struct db *db, const struct message *m, const struct head *h, struct err *e) {
    static const char sql[] = "UPDATE message SET state=?, reason=?, attempts=?, lookups=?, events=?, "
                              "code=?, due_at=?, updated_at=?, "
                              "sent_at=?, done_at=?, lane=?, provider_id=?, step=?, step_from=?, spared=? "
                              "WHERE id=? AND account_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, h->state);
    db_int(s, h->reason);
    db_int(s, h->attempts);
    db_int(s, h->lookups);
    db_int(s, h->events);
    db_int(s, h->code);
    db_int_or_null(s, h->due_at);
    db_int(s, h->updated_at);
    db_int(s, h->sent_at);
    db_int(s, h->done_at);
    db_text_or_null(s, sv_of(h->lane));
    db_text_or_null(s, sv_of(h->provider_id));
    db_int(s, h->step);
    db_int(s, h->step_from);
    db_int(s, h->spared);
    db_int(s, m->id);
    db_int(s, m->account_id);
    return db_put(s, e);
}

/* Has event i to have a row? Whoever is owed it reads it there. */
static bool wants_row(const struct job *job, unsigned i) {
    bool owed =
        job->change.callbacks & 1u << i || (job->hooks && hooks_of(job->hooks, job->message->account_id));
    return owed || !history_is_told(&job->change, i, job->kind == JOB_PUT);
}

static bool insert_events(struct db *db, const struct job *job, struct err *e) {
    static const char sql[] = "INSERT INTO event (message_id, number, at, state, reason, attempt, code, "
                              "note) VALUES (?,?,?,?,?,?,?,?)";
    const struct change *c = &job->change;
    for (unsigned i = 0; i < c->n_events; i++) {
        if (!wants_row(job, i))
            continue;
        const struct event *ev = &c->events[i];
        struct db_stmt *s = db_stmt(db, sql, e);
        db_int(s, job->message->id);
        db_int(s, ev->number);
        db_int(s, ev->at);
        db_int(s, ev->state);
        db_int(s, ev->reason);
        db_int(s, ev->attempt);
        db_int(s, ev->code);
        db_int(s, ev->note);
        if (!db_put(s, e))
            return false;
    }
    return true;
}

static bool insert_callbacks(struct db *db, const struct job *job, struct err *e) {
    static const char sql[] = "INSERT INTO callback (message_id, event, due_at, tries, state, reason, code, "
                              "node) VALUES (?,?,?,0,?,?,?,?)";
    const struct change *c = &job->change;
    for (unsigned i = 0; i < c->n_events; i++) {
        if (!(c->callbacks & 1u << i))
            continue;
        struct db_stmt *s = db_stmt(db, sql, e);
        db_int(s, job->message->id);
        db_int(s, c->events[i].number);
        db_int(s, c->callback_due_at);
        db_int(s, c->events[i].state);
        db_int(s, c->events[i].reason);
        db_int(s, c->events[i].code);
        db_int(s, journal_node(job));
        if (!db_put(s, e))
            return false;
    }
    return true;
}

static bool write_attempt(struct db *db, const struct change *c, struct err *e) {
    static const char begin[] =
        "INSERT INTO attempt (message_id, number, lane, account, started_at, ended_at, fate, hint, "
        "reason, code, http_status, sender, price, currency, country) VALUES (?,?,?,?,?,0,0,0,0,0,0,?,?,?,?)";
    static const char end[] =
        "UPDATE attempt SET ended_at=?, fate=?, hint=?, reason=?, code=?, http_status=?, "
        "provider_id=? WHERE message_id=? AND number=?";
    const struct attempt *a = &c->attempt;
    if (c->attempt_begins) {
        struct db_stmt *s = db_stmt(db, begin, e);
        db_int(s, a->message_id);
        db_int(s, a->number);
        db_text(s, sv_of(a->lane));
        db_int(s, a->account);
        db_int(s, a->started_at);
        db_text(s, sv_of(a->sender));
        db_int(s, a->price);
        db_text_or_null(s, sv_of(a->currency));
        db_text_or_null(s, sv_of(a->country));
        if (!db_put(s, e))
            return false;
    }
    if (!c->attempt_ends)
        return true;
    struct db_stmt *s = db_stmt(db, end, e);
    db_int(s, a->ended_at);
    db_int(s, a->fate);
    db_int(s, a->hint);
    db_int(s, a->reason);
    db_int(s, a->code);
    db_int(s, a->http_status);
    db_text_or_null(s, sv_of(a->provider_id));
    db_int(s, a->message_id);
    db_int(s, a->number);
    return db_put(s, e);
}

bool journal_write_change(struct db *db, const struct job *job, struct err *e) {
    const struct change *c = &job->change;
    return insert_events(db, job, e) && write_attempt(db, c, e) && insert_callbacks(db, job, e);
}

/* One statement with up to two parameters. */
static bool run2(struct db *db, const char *sql, int64_t a, int64_t b, struct err *e) {
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, a);
    if (b)
        db_int(s, b);
    return db_run(s, e);
}

bool journal_redact_message(struct db *db, const struct message *m, struct err *e) {
    static const char sql[] =
        "UPDATE message SET body='', metadata=NULL, content=NULL WHERE id=? AND account_id=?";
    return run2(db, sql, m->id, m->account_id, e);
}

bool journal_remember_deleted(struct db *db, int64_t id, struct err *e) {
    static const char sql[] =
        "INSERT INTO meta (name, value) VALUES ('deleted_id', ?) ON CONFLICT (name) DO UPDATE SET "
        "value=max(meta.value, excluded.value)";
    return run2(db, sql, id, 0, e);
}

bool journal_delete_story(struct db *db, int64_t first, int64_t last, struct err *e) {
    static const char events[] = "DELETE FROM event WHERE message_id>=? AND message_id<=?";
    static const char attempts[] = "DELETE FROM attempt WHERE message_id>=? AND message_id<=?";
    static const char callbacks[] = "DELETE FROM callback WHERE message_id>=? AND message_id<=?";
    return run2(db, events, first, last, e) && run2(db, attempts, first, last, e) &&
           run2(db, callbacks, first, last, e);
}

bool journal_delete_message(struct db *db, const struct message *m, struct err *e) {
    static const char sql[] = "DELETE FROM message WHERE id=? AND account_id=?";
    return journal_remember_deleted(db, m->id, e) && journal_delete_story(db, m->id, m->id, e) &&
           run2(db, sql, m->id, m->account_id, e);
}

bool journal_do_callback_end(struct db *db, struct job *job, struct err *e) {
    static const char sql[] = "DELETE FROM callback WHERE message_id=? AND event=?";
    return run2(db, sql, job->id, job->event, e);
}

bool journal_do_callback_again(struct db *db, struct job *job, struct err *e) {
    static const char sql[] = "UPDATE callback SET tries=?, due_at=? WHERE message_id=? AND event=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, job->tries);
    db_int(s, job->due_at);
    db_int(s, job->id);
    db_int(s, job->event);
    return db_run(s, e);
}
