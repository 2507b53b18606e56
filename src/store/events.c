#include "store/events.h"

#include "model/id.h"

#include <string.h>

const char *event_did_name(enum event_did d) {
    static const char *const names[EVENT_DID_END] = {
        [EVENT_FIRED] = "fired",
        [EVENT_DEDUPED] = "deduplicated",
        [EVENT_DIGESTED] = "digested",
        [EVENT_ERROR] = "error",
        [EVENT_LATE] = "late",
        [EVENT_LIMITED] = "limited",
        [EVENT_CANCELED] = "canceled",
        [EVENT_TOO_LATE] = "too_late",
        [EVENT_UNGATHERED] = "ungathered",
    };
    return d > 0 && d < EVENT_DID_END ? names[d] : "unknown";
}

/* The first two or three parameters of most statements here. */
static struct db_stmt *of_rule(struct db *db, const char *sql, int64_t account_id, struct sv rule,
                               struct err *e) {
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, account_id);
    db_text(s, rule);
    return s;
}

static struct db_stmt *of_key(struct db *db, const char *sql, int64_t account_id, struct sv rule,
                              struct sv key, struct err *e) {
    struct db_stmt *s = of_rule(db, sql, account_id, rule, e);
    db_text(s, key);
    return s;
}

/* ---- writing ---- */

bool events_find(struct db *db, const struct event_write *w, int64_t *id, struct err *e) {
    static const char sql[] = "SELECT id FROM business_event WHERE account_id=? AND source=? AND name=?";
    *id = 0;
    return !w->name.n || db_value(of_key(db, sql, w->account_id, w->source, w->name, e), id, e);
}

static bool insert(struct db *db, const struct event_write *w, struct err *e) {
    static const char sql[] = "INSERT INTO business_event (id, account_id, source, name, type, subject, at, "
                              "data, passed, unjudged) VALUES (?,?,?,?,?,?,?,?,?,?)";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, w->id);
    db_int(s, w->account_id);
    db_text(s, w->source);
    db_text_or_null(s, w->name);
    db_text(s, w->type);
    db_text_or_null(s, w->subject);
    db_int(s, w->at);
    db_text(s, w->data);
    db_text_or_null(s, w->passed);
    db_text_or_null(s, w->unjudged);
    return db_run(s, e);
}

static void add_outcome(struct event_write *w, struct sv rule, enum event_did did, int64_t message_id,
                        struct sv detail) {
    if (w->n_outcomes < w->outcomes_max)
        w->outcomes[w->n_outcomes++] =
            (struct event_outcome){.rule = rule, .did = did, .message_id = message_id, .detail = detail};
}

static bool not_yet_begun(enum state s) {
    return s == STATE_ACCEPTED || s == STATE_SCHEDULED || s == STATE_QUEUED;
}

/* What this event has marked. */
static bool note_tied(struct db *db, struct event_write *w, const struct event_withdrawal *d, struct err *e) {
    static const char sql[] =
        "SELECT r.message_id, m.state FROM rule_message AS r JOIN message AS m ON m.id=r.message_id WHERE "
        "r.account_id=? AND r.rule=? AND r.key=? AND r.withdrawn=? AND m.done_at=0";
    struct db_stmt *s = of_key(db, sql, w->account_id, d->rule, d->key, e);
    db_int(s, w->id);
    bool row;
    for (;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        enum state state = (enum state)db_col_int(s, 1);
        if (!state_is_terminal(state) && state != STATE_SENT &&
            w->n_outcomes + w->n_acts < w->outcomes_max) /* acts find room */
            add_outcome(w, d->rule, not_yet_begun(state) ? EVENT_CANCELED : EVENT_TOO_LATE, db_col_int(s, 0),
                        SV_NONE);
    }
}

static bool withdraw(struct db *db, struct event_write *w, const struct event_withdrawal *d, struct err *e) {
    static const char mark[] =
        "UPDATE rule_message SET withdrawn=? WHERE account_id=? AND rule=? AND key=? AND withdrawn=0";
    static const char items[] = "DELETE FROM digest_item WHERE account_id=? AND rule=? AND key=?";
    struct db_stmt *s = db_stmt(db, mark, e);
    db_int(s, w->id);
    db_int(s, w->account_id);
    db_text(s, d->rule);
    db_text(s, d->key);
    /* Marked first: another node that begins an attempt of one holds its row (events_is_withdrawn), so what
     * stands in the message then is what has become of it. */
    if (!db_run(s, e) || !note_tied(db, w, d, e))
        return false;
    s = of_key(db, items, w->account_id, d->rule, d->key, e);
    if (!db_run(s, e))
        return false;
    if (db_changes(db) && w->n_outcomes + w->n_acts < w->outcomes_max)
        add_outcome(w, d->rule, EVENT_UNGATHERED, 0, SV_NONE);
    return true;
}

bool events_begin(struct db *db, struct event_write *w, struct err *e) {
    w->n_outcomes = 0;
    if (!insert(db, w, e))
        return false;
    for (size_t i = 0; i < w->n_withdrawals; i++)
        if (!withdraw(db, w, &w->withdrawals[i], e))
            return false;
    return true;
}

bool events_mark(struct db *db, const struct event_write *w, const struct event_act *a, int64_t now,
                 bool *fresh, struct err *e) {
    static const char sql[] =
        "INSERT INTO rule_mark (account_id, rule, key, event_id, expires_at) VALUES (?,?,?,?,?) ON CONFLICT "
        "(account_id, rule, key) DO UPDATE SET event_id=excluded.event_id, expires_at=excluded.expires_at "
        "WHERE rule_mark.expires_at<=? OR rule_mark.event_id=excluded.event_id";
    *fresh = true;
    if (!a->dedupe.n)
        return true;
    struct db_stmt *s = of_key(db, sql, w->account_id, a->rule, a->dedupe, e);
    db_int(s, w->id);
    db_int(s, now + a->dedupe_us);
    db_int(s, now);
    if (!db_run(s, e))
        return false;
    *fresh = db_changes(db) > 0;
    return true;
}

static bool tie(struct db *db, const struct event_write *w, const struct event_act *a,
                const struct message *m, struct err *e) {
    static const char sql[] =
        "INSERT INTO rule_message (account_id, rule, key, message_id, expires_at) VALUES (?,?,?,?,?)";
    struct db_stmt *s = of_key(db, sql, w->account_id, a->rule, a->key, e);
    db_int(s, m->id);
    db_int(s, m->expires_at);
    return db_run(s, e);
}

/* For the outcome added last. */
static bool gather(struct db *db, const struct event_write *w, const struct event_act *a, struct err *e) {
    /* Written over if it is there: so it stays until this is committed, though another node makes it. */
    static const char digest[] =
        "INSERT INTO digest (account_id, rule, recipient, due_at) VALUES (?,?,?,?) "
        "ON CONFLICT (account_id, rule, recipient) DO UPDATE SET due_at=digest.due_at";
    static const char item[] =
        "INSERT INTO digest_item (account_id, rule, recipient, event_id, key, vars, outcome) VALUES "
        "(?,?,?,?,?,?,?) ON CONFLICT DO NOTHING";
    struct db_stmt *s = of_key(db, digest, w->account_id, a->rule, a->to, e);
    db_int(s, a->digest_due_at);
    if (!db_run(s, e))
        return false;
    s = of_key(db, item, w->account_id, a->rule, a->to, e);
    db_int(s, w->id);
    db_text_or_null(s, a->key);
    db_text(s, a->vars);
    db_int(s, (int64_t)w->n_outcomes - 1);
    return db_run(s, e);
}

bool events_did(struct db *db, struct event_write *w, const struct event_act *a, enum event_did did,
                const struct message *m, struct err *e) {
    add_outcome(w, a->rule, did, m ? m->id : 0, a->detail);
    if (did == EVENT_DIGESTED)
        return gather(db, w, a, e);
    return !m || !a->key.n || tie(db, w, a, m, e);
}

static bool put_outcomes(struct db *db, const struct event_write *w, struct err *e) {
    static const char sql[] = "INSERT INTO event_outcome (event_id, number, rule, did, message_id, detail) "
                              "VALUES (?,?,?,?,?,?)";
    for (size_t i = 0; i < w->n_outcomes; i++) {
        const struct event_outcome *o = &w->outcomes[i];
        struct db_stmt *s = db_stmt(db, sql, e);
        db_int(s, w->id);
        db_int(s, (int64_t)i);
        db_text(s, o->rule);
        db_int(s, o->did);
        db_int_or_null(s, o->message_id);
        db_text_or_null(s, o->detail);
        if (!db_run(s, e))
            return false;
    }
    return true;
}

/* What one outcome adds to its rule's counters, in the order of the statement below. */
enum { N_MATCHED, N_FIRED, N_SUPPRESSED, N_ERRORS, N_CANCELED, N_COUNTS };

static bool count(struct db *db, int64_t account_id, struct sv rule, const int64_t n[N_COUNTS], int64_t now,
                  struct err *e) {
    static const char sql[] =
        "INSERT INTO rule_count (account_id, rule, matched, fired, suppressed, errors, canceled, last_at) "
        "VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (account_id, rule) DO UPDATE SET "
        "matched=rule_count.matched+excluded.matched, fired=rule_count.fired+excluded.fired, "
        "suppressed=rule_count.suppressed+excluded.suppressed, errors=rule_count.errors+excluded.errors, "
        "canceled=rule_count.canceled+excluded.canceled, last_at=excluded.last_at";
    struct db_stmt *s = of_rule(db, sql, account_id, rule, e);
    for (int i = 0; i < N_COUNTS; i++)
        db_int(s, n[i]);
    db_int(s, now);
    return db_run(s, e);
}

/* An event matches a rule once, however many it is to tell. */
static void reckon(enum event_did did, int64_t n[N_COUNTS]) {
    bool withdraws = did == EVENT_CANCELED || did == EVENT_TOO_LATE || did == EVENT_UNGATHERED;
    if (!withdraws)
        n[N_MATCHED] = 1;
    n[N_FIRED] += did == EVENT_FIRED;
    n[N_SUPPRESSED] += did == EVENT_DEDUPED || did == EVENT_LATE || did == EVENT_LIMITED;
    n[N_ERRORS] += did == EVENT_ERROR;
    n[N_CANCELED] += did == EVENT_CANCELED || did == EVENT_UNGATHERED;
}

bool events_end(struct db *db, struct event_write *w, int64_t now, struct err *e) {
    int64_t n[N_COUNTS] = {0};
    for (size_t i = 0; i < w->n_outcomes; i++) {
        const struct event_outcome *o = &w->outcomes[i];
        reckon(o->did, n);
        if (i + 1 < w->n_outcomes && sv_eq(o[1].rule, o->rule))
            continue;
        if (!count(db, w->account_id, o->rule, n, now, e))
            return false;
        memset(n, 0, sizeof n);
    }
    return put_outcomes(db, w, e);
}

/* ---- digests ---- */

static struct db_stmt *of_digest(struct db *db, const char *sql, const struct event_write *w, struct err *e) {
    return of_key(db, sql, w->account_id, w->digest->rule, w->digest->recipient, e);
}

/* Nobody else, on whichever node, makes it or adds to it until this transaction has ended. */
static bool hold_digest(struct db *db, const struct event_write *w, struct err *e) {
    static const char sql[] =
        "SELECT 1 FROM digest WHERE account_id=? AND rule=? AND recipient=? /*pg FOR UPDATE */";
    return db_run(of_digest(db, sql, w, e), e);
}

static bool count_items(struct db *db, const struct event_write *w, bool *there, struct err *e) {
    static const char sql[] = "SELECT count(*) FROM digest_item WHERE account_id=? AND rule=? AND "
                              "recipient=? AND event_id<=?";
    int64_t n;
    struct db_stmt *s = of_digest(db, sql, w, e);
    db_int(s, w->digest->last_event);
    if (!db_value(s, &n, e))
        return false;
    *there = n == (int64_t)w->digest->n_items;
    return true;
}

/* What its events say of it from now on. */
static bool tell_events(struct db *db, const struct event_write *w, int64_t message_id, struct err *e) {
    static const char sql[] =
        "UPDATE event_outcome SET did=?, message_id=?, detail=? WHERE (event_id, number) IN (SELECT "
        "i.event_id, coalesce(i.outcome, (SELECT min(o.number) FROM event_outcome AS o WHERE "
        "o.event_id=i.event_id AND o.rule=i.rule AND o.did=3 AND o.message_id IS NULL)) FROM digest_item AS "
        "i WHERE i.account_id=? AND i.rule=? AND i.recipient=? AND i.event_id<=?)";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, message_id ? EVENT_DIGESTED : EVENT_ERROR);
    db_int_or_null(s, message_id);
    db_text_or_null(s, w->digest->failed);
    db_int(s, w->account_id);
    db_text(s, w->digest->rule);
    db_text(s, w->digest->recipient);
    db_int(s, w->digest->last_event);
    return db_run(s, e);
}

static bool drop_items(struct db *db, const struct event_write *w, int64_t now, struct err *e) {
    static const char items[] =
        "DELETE FROM digest_item WHERE account_id=? AND rule=? AND recipient=? AND event_id<=?";
    static const char rest[] = "UPDATE digest SET due_at=?, tries=0 WHERE account_id=? AND rule=? AND "
                               "recipient=?";
    static const char all[] =
        "DELETE FROM digest WHERE account_id=?1 AND rule=?2 AND recipient=?3 AND NOT EXISTS (SELECT 1 FROM "
        "digest_item WHERE account_id=?1 AND rule=?2 AND recipient=?3)";
    struct db_stmt *s = of_digest(db, items, w, e);
    db_int(s, w->digest->last_event);
    if (!db_run(s, e))
        return false;
    s = db_stmt(db, rest, e);
    db_int(s, now);
    db_int(s, w->account_id);
    db_text(s, w->digest->rule);
    db_text(s, w->digest->recipient);
    if (!db_run(s, e))
        return false;
    s = of_digest(db, all, w, e);
    return db_run(s, e);
}

static bool try_later(struct db *db, const struct event_write *w, struct err *e) {
    static const char sql[] =
        "UPDATE digest SET due_at=?, tries=tries+1 WHERE account_id=? AND rule=? AND recipient=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, w->digest->again_at);
    db_int(s, w->account_id);
    db_text(s, w->digest->rule);
    db_text(s, w->digest->recipient);
    return db_run(s, e);
}

bool events_digest(struct db *db, const struct event_write *w, int64_t message_id, int64_t now, bool *there,
                   struct err *e) {
    if (!hold_digest(db, w, e) || !count_items(db, w, there, e))
        return false;
    if (!*there)
        return true;
    if (w->digest->failed.n && w->digest->again_at)
        return try_later(db, w, e);
    int64_t n[N_COUNTS] = {[N_FIRED] = message_id != 0, [N_ERRORS] = message_id == 0 && w->digest->n_items};
    return tell_events(db, w, message_id, e) && drop_items(db, w, now, e) &&
           count(db, w->account_id, w->digest->rule, n, now, e);
}

bool events_is_withdrawn(struct db *db, int64_t message_id, bool *yes, struct err *e) {
    static const char sql[] = "SELECT withdrawn FROM rule_message WHERE message_id=? /*pg FOR UPDATE */";
    struct db_stmt *s = db_stmt(db, sql, e);
    int64_t withdrawn;
    db_int(s, message_id);
    if (!db_value(s, &withdrawn, e))
        return false;
    *yes = withdrawn != 0;
    return true;
}

/* ---- pruning ---- */

static bool prune(struct db *db, const char *sql, int64_t before, unsigned limit, struct err *e) {
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, before);
    db_int(s, limit);
    return db_run(s, e);
}

bool events_prune(struct db *db, int64_t floor, int64_t now, unsigned limit, struct err *e) {
    /* The greatest id stays known by meta.deleted_id, as a message's does. */
    static const char remember[] =
        "INSERT INTO meta (name, value) SELECT 'deleted_id', max(id) FROM business_event WHERE id<?1 HAVING "
        "max(id) IS NOT NULL ON CONFLICT (name) DO UPDATE SET value=max(meta.value, excluded.value)";
    static const char outcomes[] =
        "DELETE FROM event_outcome WHERE event_id IN (SELECT id FROM business_event WHERE id<? ORDER BY id "
        "LIMIT ?)";
    static const char rows[] =
        "DELETE FROM business_event WHERE id IN (SELECT id FROM business_event WHERE id<? ORDER BY id LIMIT "
        "?)";
    static const char ties[] =
        "DELETE FROM rule_message WHERE (account_id, rule, key, message_id) IN (SELECT account_id, rule, "
        "key, message_id FROM rule_message WHERE expires_at<=? LIMIT ?)";
    static const char marks[] =
        "DELETE FROM rule_mark WHERE (account_id, rule, key) IN (SELECT account_id, rule, key FROM rule_mark "
        "WHERE expires_at<=? LIMIT ?)";
    struct db_stmt *s = db_stmt(db, remember, e);
    db_int(s, floor);
    return db_run(s, e) && prune(db, outcomes, floor, limit, e) && prune(db, rows, floor, limit, e) &&
           prune(db, ties, now, limit, e) && prune(db, marks, now, limit, e);
}
