#include "store/deliveries.h"

#include "base/clock.h"
#include "base/json.h"
#include "model/id.h"
#include "store/history.h"
#include "store/replies.h"
#include "store/rows.h"

#include <string.h>

enum { LOOKED_AT_MAX = 5000, EXTRA_BYTES_MAX = 32 * 1024 };

const char *delivery_outcome_name(enum delivery_outcome o) {
    static const char *const names[DELIVERY_OUTCOMES] = {"owed", "taken", "given_up"};
    ASSERT(o < DELIVERY_OUTCOMES);
    return names[o];
}

void delivery_done(struct delivery_due *d) {
    message_free(d->message);
    free(d->data);
    d->message = NULL;
    d->data = NULL;
}

static void bind_key(struct db_stmt *s, const struct delivery_key *k) {
    db_int(s, k->hook_id);
    db_int(s, k->subject_id);
    db_int(s, k->event);
}

/* ---- owing ---- */

static bool insert(struct db *db, const struct delivery_key *k, unsigned type, int64_t due_at, struct sv data,
                   int64_t now, struct err *e) {
    static const char sql[] =
        "INSERT INTO delivery (webhook_id, subject_id, event, type, created_at, due_at, "
        "data) VALUES (?,?,?,?,?,?,?) ON CONFLICT DO NOTHING";
    struct db_stmt *s = db_stmt(db, sql, e);
    bind_key(s, k);
    db_int(s, type);
    db_int(s, now);
    db_int(s, due_at);
    db_text_or_null(s, data);
    return db_run(s, e);
}

static bool is_pending(struct db *db, int64_t hook_id, int64_t subject_id, bool *pending, struct err *e) {
    static const char sql[] =
        "SELECT 1 FROM delivery WHERE webhook_id=? AND subject_id=? AND due_at IS NOT NULL LIMIT 1";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, hook_id);
    db_int(s, subject_id);
    return db_any(s, pending, e);
}

static void note(struct hooked *out, int64_t id) {
    for (unsigned i = 0; i < out->n; i++)
        if (out->ids[i] == id)
            return;
    ASSERT(out->n < HOOKS_PER_ACCOUNT_MAX);
    out->ids[out->n++] = id;
}

static bool is_ours(const struct hook_list *l, const struct webhook *h) {
    return l->node == 0 || h->node == l->node;
}

/* Behind what the endpoint is already owed of the same subject. */
static bool owe_behind(struct db *db, bool ours, const struct delivery_key *k, unsigned type, struct sv data,
                       int64_t now, struct hooked *out, struct err *e) {
    bool pending = false;
    if (ours && !is_pending(db, k->hook_id, k->subject_id, &pending, e))
        return false;
    if (!pending)
        note(out, k->hook_id);
    return insert(db, k, type, pending ? DELIVERY_WAITS : now, data, now, e);
}

static bool owe_to(struct db *db, const struct webhook *h, const struct message *m, const struct change *c,
                   bool looked, int64_t now, struct hooked *out, struct err *e) {
    bool behind = false;
    for (unsigned i = 0; i < c->n_events; i++) {
        const struct event *ev = &c->events[i];
        if (ev->note || !hook_wants(h, ev->state, m->text[TEXT_TOPIC]))
            continue;
        if (!looked && !is_pending(db, h->id, m->id, &behind, e))
            return false;
        looked = true;
        const struct delivery_key k = {h->id, m->id, ev->number};
        if (!insert(db, &k, ev->state, behind ? DELIVERY_WAITS : now, SV_NONE, now, e))
            return false;
        if (!behind)
            note(out, h->id);
        behind = true;
    }
    return true;
}

/* Runs `do_` for each endpoint of the account that is enabled. */
#define EACH_ENABLED(h, l, account)                                                                          \
    for (const struct webhook *h = hooks_of(l, account);                                                     \
         h && h != hooks_end(l) && h->account_id == (account); h++)                                          \
        if (h->status == HOOK_ENABLED)

bool deliveries_owe(struct db *db, const struct hook_list *l, const struct message *m, const struct change *c,
                    bool fresh, int64_t now, struct hooked *out, struct err *e) {
    EACH_ENABLED(h, l, m->account_id)
    if (!owe_to(db, h, m, c, fresh || !is_ours(l, h), now, out, e))
        return false;
    return true;
}

bool deliveries_owe_extra(struct db *db, const struct hook_list *l, const struct message *m,
                          enum hook_type type, struct sv data, int64_t now, struct hooked *out,
                          struct err *e) {
    EACH_ENABLED(h, l, m->account_id) {
        const struct delivery_key k = {h->id, m->id, (uint16_t)(DELIVERY_EXTRA + type)};
        if (hook_wants(h, type, m->text[TEXT_TOPIC]) &&
            !owe_behind(db, is_ours(l, h), &k, type, data, now, out, e))
            return false;
    }
    return true;
}

bool deliveries_owe_notice(struct db *db, const struct hook_list *l, const struct notice *w, int64_t now,
                           struct hooked *out, struct err *e) {
    EACH_ENABLED(h, l, w->account_id) {
        const struct delivery_key k = {h->id, w->id, 0};
        bool wanted = w->only ? h->id == w->only : h->id != w->except && hook_wants(h, w->type, w->topic);
        if (wanted && !owe_behind(db, is_ours(l, h), &k, w->type, w->data, now, out, e))
            return false;
    }
    return true;
}

/* ---- replay ---- */

static bool owe_again(struct db *db, const struct delivery_key *k, unsigned type, int64_t now,
                      struct err *e) {
    static const char sql[] =
        "INSERT INTO delivery (webhook_id, subject_id, event, type, created_at, due_at) VALUES (?,?,?,?,?,?) "
        "ON CONFLICT (webhook_id, subject_id, event) DO UPDATE SET created_at=excluded.created_at, "
        "due_at=excluded.due_at, tries=0, "
        "outcome=0 "
        "WHERE delivery.due_at IS NULL";
    struct db_stmt *s = db_stmt(db, sql, e);
    bind_key(s, k);
    db_int(s, type);
    db_int(s, now);
    db_int(s, DELIVERY_WAITS);
    return db_run(s, e);
}

/* The first that is pending may go, the others wait for it. */
static bool put_in_order(struct db *db, int64_t hook_id, int64_t subject_id, int64_t now, struct err *e) {
    static const char wait[] =
        "UPDATE delivery SET due_at=9223372036854775807 WHERE webhook_id=?1 AND subject_id=?2 AND due_at IS "
        "NOT NULL AND event>(SELECT min(event) FROM delivery WHERE webhook_id=?1 AND subject_id=?2 AND "
        "due_at "
        "IS NOT NULL)";
    static const char go[] =
        "UPDATE delivery SET due_at=?3 WHERE webhook_id=?1 AND subject_id=?2 AND due_at=9223372036854775807 "
        "AND event=(SELECT min(event) FROM delivery WHERE webhook_id=?1 AND subject_id=?2 AND due_at IS NOT "
        "NULL)";
    struct db_stmt *s = db_stmt(db, wait, e);
    db_int(s, hook_id);
    db_int(s, subject_id);
    if (!db_run(s, e))
        return false;
    s = db_stmt(db, go, e);
    db_int(s, hook_id);
    db_int(s, subject_id);
    db_int(s, now);
    return db_run(s, e);
}

/* Was this text told as an alarm, too? Then it is again. */
static bool replay_alarm(struct db *db, const struct webhook *h, int64_t id, struct sv topic, int64_t now,
                         bool *some, struct err *e) {
    static const char sql[] = "SELECT 1 FROM reply WHERE message_id=? AND mood=?";
    const struct delivery_key k = {h->id, id, (uint16_t)(DELIVERY_EXTRA + HOOK_REPLY_NEGATIVE)};
    bool negative;
    if (!hook_wants(h, HOOK_REPLY_NEGATIVE, topic))
        return true;
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, id);
    db_int(s, REPLY_NEGATIVE);
    if (!db_any(s, &negative, e))
        return false;
    *some |= negative;
    return !negative || owe_again(db, &k, HOOK_REPLY_NEGATIVE, now, e);
}

static bool replay_message(struct db *db, const struct webhook *h, int64_t id, struct sv topic, int64_t now,
                           struct err *e) {
    struct event *events;
    bool some = false, received = false;
    size_t n;
    bool ok = history_read(db, h->account_id, id, HISTORY_ALL, &events, &n, e);
    for (size_t i = 0; ok && i < n; i++) {
        const struct event *ev = &events[i];
        if (ev->note || ev->at < h->replay_since)
            continue;
        received |= ev->state == STATE_RECEIVED;
        const struct delivery_key k = {h->id, id, ev->number};
        if (ev->state == STATE_NONE || !hook_wants(h, (unsigned)ev->state, topic))
            continue;
        ok = owe_again(db, &k, (unsigned)ev->state, now, e);
        some = true;
    }
    free(events);
    if (!ok)
        return false;
    if (received && !replay_alarm(db, h, id, topic, now, &some, e))
        return false;
    return !some || put_in_order(db, h->id, id, now, e);
}

bool deliveries_replay(struct db *db, const struct webhook *h, unsigned limit, int64_t now, bool *more,
                       struct err *e) {
    static const char sql[] =
        "SELECT id, topic FROM message INDEXED BY message_account WHERE account_id/*pg +0 */=?1 AND id>?2 "
        "AND id<=?3 /*pg AND (account_id,id)>(?1,?2) AND (account_id,id)<=(?1,?3) */ ORDER BY account_id, id "
        "LIMIT ?4"; /* as in reader.c */
    static const char note_sql[] = "UPDATE webhook SET replay_after=?, replay_until=? WHERE id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    int64_t last = h->replay_after;
    unsigned n = 0;
    db_int(s, h->account_id);
    db_int(s, h->replay_after);
    db_int(s, h->replay_until);
    db_int(s, limit);
    for (bool row;; n++) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            break;
        last = db_col_int(s, 0);
        if (!replay_message(db, h, last, db_col_text(s, 1), now, e))
            return false;
    }
    *more = n == limit;
    s = db_stmt(db, note_sql, e);
    db_int(s, last);
    db_int(s, *more ? h->replay_until : 0);
    db_int(s, h->id);
    return db_run(s, e);
}

/* ---- paying ---- */

/* What is known of an inbound text, as members of a JSON object. */
static bool read_reply(struct db *db, struct delivery_due *d, struct err *e) {
    struct arena ARENA_AUTO mem;
    struct reply r;
    int64_t answered_at, read_at;
    bool there;
    arena_init(&mem, EXTRA_BYTES_MAX);
    if (!replies_get(db, d->message->id, &mem, &r, &answered_at, &read_at, &there, e))
        return false;
    if (!there)
        return true;
    struct buf BUF_AUTO out = BUF_INIT(EXTRA_BYTES_MAX);
    d->in_reply_to = r.in_reply_to;
    json_pair(&out, "mood", sv_of(reply_mood_name(r.mood)));
    json_pair_i64(&out, "polarity", r.polarity);
    json_pair(&out, "action", sv_of(reply_action_name(r.action)));
    json_pair_or_null(&out, "keyword", r.keyword);
    json_pair_or_null(&out, "answer", r.answer);
    d->data = buf_steal(&out);
    return true;
}

/* The event has no row of its own: it is told by an attempt, from before the webhook was there. */
static bool find_told(struct db *db, struct delivery_due *d, struct err *e) {
    struct event *events;
    size_t n;
    bool ok = history_read(db, d->message->account_id, d->message->id, d->key.event, &events, &n, e);
    if (ok && n && n == d->key.event) {
        d->at = events[n - 1].at;
        d->state = events[n - 1].state;
        d->reason = events[n - 1].reason;
        d->code = events[n - 1].code;
        d->judged = d->state == STATE_SENT; /* an attempt tells of its end that it was taken */
        d->fate = FATE_SENT;
        d->hint = LANE_FINE;
    }
    free(events);
    return ok;
}

#define AFTER(i) (ROW_COLUMNS_N + (i))

/* Only what changed the message's state is owed, so the event is no note. */
static void read_verdict(struct db_stmt *s, struct delivery_due *d) {
    const struct event ev = {.at = d->at, .state = d->state, .attempt = (uint16_t)db_col_int(s, AFTER(11))};
    const struct attempt a = {.number = ev.attempt,
                              .ended_at = db_col_int(s, AFTER(12)),
                              .fate = rows_fate(db_col_int(s, AFTER(13))),
                              .hint = rows_hint(db_col_int(s, AFTER(14)))};
    d->judged = event_verdict(&ev, &a, &d->fate, &d->hint);
}

static bool read_one(struct db *db, struct db_stmt *s, int64_t hook_id, struct delivery_due *d,
                     struct err *e) {
    *d = (struct delivery_due){
        .key = {hook_id, db_col_int(s, AFTER(0)), (uint16_t)db_col_int(s, AFTER(1))},
        .type = (unsigned)db_col_int(s, AFTER(2)),
        .created_at = db_col_int(s, AFTER(3)),
        .due_at = db_col_int(s, AFTER(4)),
        .tries = (uint32_t)db_col_int(s, AFTER(5)),
        .at = db_col_int(s, AFTER(7)),
        .state = (enum state)db_col_int(s, AFTER(8)),
        .reason = (enum reason)db_col_int(s, AFTER(9)),
        .code = (int32_t)db_col_int(s, AFTER(10)),
    };
    read_verdict(s, d);
    struct sv data = db_col_text(s, AFTER(6));
    if (data.n) {
        d->data = strndup(data.p, data.n);
        ASSERT(d->data);
    }
    if (d->reason >= REASON_COUNT)
        d->reason = REASON_NONE;
    if (db_col_int(s, 0))
        d->message = rows_message(s);
    if (d->at == 0 && d->message && d->type < STATE_COUNT && !find_told(db, d, e))
        return false;
    if (d->at == 0)
        d->at = d->created_at;
    bool reply = d->type == STATE_RECEIVED || d->type == HOOK_REPLY_NEGATIVE;
    return !reply || !d->message || read_reply(db, d, e);
}

static bool next_due(struct db *db, int64_t hook_id, int64_t now, int64_t *out, struct err *e) {
    static const char sql[] = "SELECT due_at FROM delivery INDEXED BY delivery_due WHERE webhook_id=? AND "
                              "due_at IS NOT NULL AND due_at>? ORDER BY due_at LIMIT 1";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, hook_id);
    db_int(s, now);
    if (!db_value(s, out, e))
        return false;
    if (*out == DELIVERY_WAITS)
        *out = 0;
    return true;
}

static bool make_wait(struct db *db, const struct delivery_key *k, struct err *e) {
    static const char sql[] = "UPDATE delivery SET due_at=9223372036854775807 WHERE webhook_id=? AND "
                              "subject_id=? AND event=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    bind_key(s, k);
    return db_run(s, e);
}

bool deliveries_scan(struct db *db, int64_t hook_id, int64_t from, int64_t now, unsigned limit,
                     struct delivery_due **out, unsigned *n, bool *more, int64_t *next_due_at,
                     struct err *e) {
    static const char sql[] =
        "SELECT " ROW_COLUMNS ", d.subject_id, d.event, d.type, d.created_at, d.due_at, d.tries, d.data, "
        "ev.at, ev.state, ev.reason, ev.code, ev.attempt, a.ended_at, a.fate, a.hint, EXISTS (SELECT 1 FROM "
        "delivery AS p WHERE p.webhook_id=d.webhook_id AND p.subject_id=d.subject_id AND p.event<d.event AND "
        "p.due_at IS NOT NULL) FROM delivery AS d "
        "INDEXED BY "
        "delivery_due "
        "LEFT JOIN message AS m ON m.id=d.subject_id "
        "LEFT JOIN event AS ev ON ev.message_id=d.subject_id AND ev.number=d.event "
        "LEFT JOIN attempt AS a ON a.message_id=d.subject_id AND a.number=ev.attempt "
        "WHERE d.webhook_id=? AND d.due_at IS NOT NULL AND d.due_at>=? AND d.due_at<=? ORDER BY d.due_at, "
        "d.subject_id, d.event LIMIT ?";
    struct db_stmt *s = db_stmt(db, sql, e);
    *n = 0;
    *out = NULL;
    *more = false;
    *next_due_at = 0;
    if (!s)
        return false;
    *out = calloc(limit, sizeof **out);
    ASSERT(*out);
    struct delivery_due *behind = *out + limit; /* from the end: keys of those that come behind others */
    db_int(s, hook_id);
    db_int(s, from);
    db_int(s, now);
    db_int(s, limit);
    for (bool row;;) {
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            break;
        if (db_col_int(s, AFTER(15))) {
            (--behind)->key =
                (struct delivery_key){hook_id, db_col_int(s, AFTER(0)), (uint16_t)db_col_int(s, AFTER(1))};
            continue;
        }
        (*n)++; /* also if it fails: what it owns is freed with the others */
        if (!read_one(db, s, hook_id, &(*out)[*n - 1], e)) {
            db_end(s);
            return false;
        }
    }
    *more = *out + *n == behind;
    for (; behind < *out + limit; behind++)
        if (!make_wait(db, &behind->key, e))
            return false;
    return *more || next_due(db, hook_id, now, next_due_at, e);
}

static bool write_try(struct db *db, const struct delivery_try *t, struct err *e) {
    static const char sql[] =
        "UPDATE delivery SET outcome=?, tries=?, status=?, tried_at=?, duration_us=?, error=?, due_at=CASE "
        "WHEN ?7 IS NULL THEN NULL WHEN EXISTS (SELECT 1 FROM delivery AS p WHERE p.webhook_id=?8 AND "
        "p.subject_id=?9 AND p.event<?10 AND p.due_at IS NOT NULL) THEN 9223372036854775807 ELSE ?7 END "
        "WHERE webhook_id=?8 AND subject_id=?9 AND event=?10";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, t->outcome);
    db_int(s, t->tries);
    db_int(s, t->status);
    db_int(s, t->tried_at);
    db_int(s, t->duration_us);
    db_text_or_null(s, sv_of(t->error));
    db_int_or_null(s, t->outcome == DELIVERY_OWED ? t->due_at : 0);
    bind_key(s, &t->key);
    return db_run(s, e);
}

static bool release(struct db *db, const struct delivery_key *k, int64_t now, bool *released, struct err *e) {
    static const char sql[] =
        "UPDATE delivery SET due_at=?3 WHERE webhook_id=?1 AND subject_id=?2 AND due_at=9223372036854775807 "
        "AND event=(SELECT event FROM delivery WHERE webhook_id=?1 AND subject_id=?2 AND due_at IS NOT NULL "
        "ORDER BY event LIMIT 1)";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, k->hook_id);
    db_int(s, k->subject_id);
    db_int(s, now);
    if (!db_run(s, e))
        return false;
    *released = db_changes(db) > 0;
    return true;
}

bool deliveries_tried(struct db *db, const struct delivery_try *t, int64_t now, bool *released,
                      struct err *e) {
    return write_try(db, t, e) && release(db, &t->key, now, released, e);
}

/* ---- forgetting ---- */

bool deliveries_forget(struct db *db, int64_t account_id, int64_t message_id, struct err *e) {
    static const char sql[] = "DELETE FROM delivery WHERE webhook_id IN (SELECT id FROM webhook INDEXED BY "
                              "webhook_account WHERE account_id=?) AND subject_id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, account_id);
    db_int(s, message_id);
    return db_run(s, e);
}

static bool delete_old(struct db *db, const struct webhook *h, int64_t until, unsigned limit, unsigned *n,
                       struct err *e) {
    static const char sql[] =
        "DELETE FROM delivery WHERE webhook_id=?1 AND (subject_id, event) IN (SELECT subject_id, event FROM "
        "delivery WHERE webhook_id=?1 AND subject_id<?2 AND created_at<?3 AND (due_at IS NULL OR ?4<>0) "
        "LIMIT "
        "?5)";
    bool all = h->status == HOOK_DELETED;
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, h->id);
    db_int(s, all ? INT64_MAX : id_floor(until));
    db_int(s, all ? INT64_MAX : until);
    db_int(s, all);
    db_int(s, limit);
    if (!db_run(s, e))
        return false;
    *n = (unsigned)db_changes(db);
    return true;
}

/* What nobody took in all that time, since its endpoint is disabled. */
static bool give_up_old(struct db *db, const struct webhook *h, int64_t until, unsigned limit, int64_t now,
                        unsigned *n, struct err *e) {
    static const char sql[] = "SELECT subject_id, event, tries FROM delivery WHERE webhook_id=? AND "
                              "subject_id<? AND created_at<? AND due_at IS NOT NULL LIMIT 1";
    for (*n = 0; *n < limit; (*n)++) {
        struct db_stmt *s = db_stmt(db, sql, e);
        bool row, released;
        db_int(s, h->id);
        db_int(s, id_floor(until));
        db_int(s, until);
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        const struct delivery_try t = {
            .key = {h->id, db_col_int(s, 0), (uint16_t)db_col_int(s, 1)},
            .outcome = DELIVERY_GIVEN_UP,
            .tries = (uint32_t)db_col_int(s, 2),
        };
        db_end(s);
        if (!deliveries_tried(db, &t, now, &released, e))
            return false;
    }
    return true;
}

static bool forget_hook(struct db *db, const struct webhook *h, struct err *e) {
    static const char sql[] = "DELETE FROM webhook WHERE id=?";
    struct db_stmt *s = db_stmt(db, sql, e);
    db_int(s, h->id);
    return db_run(s, e);
}

bool deliveries_prune(struct db *db, const struct hook_list *l, int64_t until, unsigned limit, int64_t now,
                      bool *more, bool *gone, struct err *e) {
    *more = *gone = false;
    for (size_t i = 0; i < l->n && limit; i++) {
        const struct webhook *h = &l->at[i];
        unsigned n, given_up = 0;
        if (!delete_old(db, h, until, limit, &n, e))
            return false;
        bool deleted = h->status == HOOK_DELETED;
        if (!deleted && h->status != HOOK_ENABLED && !give_up_old(db, h, until, limit, now, &given_up, e))
            return false;
        if (deleted && n < limit) {
            if (!forget_hook(db, h, e))
                return false;
            *gone = true;
        }
        n += given_up;
        limit -= n < limit ? n : limit;
    }
    *more = limit == 0;
    return true;
}

/* ---- reading ---- */

bool deliveries_list(struct db *db, const struct delivery_filter *f, struct delivery_row *out, size_t *n,
                     bool *more, struct delivery_key *last, struct err *e) {
    static const char sql[] =
        "SELECT subject_id, event, type, outcome, tries, status, created_at, due_at, tried_at, duration_us, "
        "error FROM delivery WHERE webhook_id=? AND (subject_id, event) < (?, ?) ORDER BY subject_id DESC, "
        "event DESC";
    ASSERT(f->limit >= 1 && f->limit <= DELIVERY_PAGE_MAX);
    struct db_stmt *s = db_stmt(db, sql, e);
    *n = 0;
    *more = false;
    db_int(s, f->hook_id);
    db_int(s, f->before_subject ? f->before_subject : INT64_MAX);
    db_int(s, f->before_event);
    for (unsigned looked = 0;; looked++) {
        bool row;
        if (!db_next(s, &row, e))
            return false;
        if (!row)
            return true;
        if (*n == f->limit || looked == LOOKED_AT_MAX) {
            *more = true;
            db_end(s);
            return true;
        }
        *last = (struct delivery_key){f->hook_id, db_col_int(s, 0), (uint16_t)db_col_int(s, 1)};
        int64_t outcome = db_col_int(s, 3);
        if (outcome < 0 || outcome >= DELIVERY_OUTCOMES || (f->by_outcome && outcome != (int64_t)f->outcome))
            continue;
        struct delivery_row *r = &out[(*n)++];
        *r = (struct delivery_row){.key = *last,
                                   .type = (unsigned)db_col_int(s, 2),
                                   .outcome = (enum delivery_outcome)outcome,
                                   .tries = (uint32_t)db_col_int(s, 4),
                                   .status = (int)db_col_int(s, 5),
                                   .created_at = db_col_int(s, 6),
                                   .due_at = db_col_int(s, 7),
                                   .tried_at = db_col_int(s, 8),
                                   .duration_us = db_col_int(s, 9)};
        rows_copy(r->error, sizeof r->error, db_col_text(s, 10));
    }
}
