#include "world.h"

#include "base/clock.h"
#include "model/id.h"
#include "store/history.h"

static struct db_stmt *query(struct sim *s, const char *sql) {
    struct err e;
    struct db_stmt *st = db_stmt(s->db, sql, &e);
    ASSERT(st);
    return st;
}

static bool next(struct sim *s, struct db_stmt *st) {
    struct err e;
    bool row;
    s->calm = true;
    bool ok = db_next(st, &row, &e);
    ASSERT(ok);
    s->calm = false;
    return row;
}

size_t oracle_history(struct sim *s, int64_t account_id, int64_t id, struct event **out) {
    struct err e;
    size_t n;
    s->calm = true;
    bool ok = history_read(s->db, account_id, id, HISTORY_ALL, out, &n, &e);
    ASSERT(ok);
    s->calm = false;
    return n;
}

/* A status callback tells what is on disk, and nothing else. */
static void check_callback(struct sim *s, const struct call *c) {
    static const char sql[] = "SELECT m.id, e.state, e.note FROM message AS m LEFT JOIN event AS e ON "
                              "e.message_id=m.id AND e.number=? WHERE m.id=?";
    struct db_stmt *st = query(s, sql);
    db_int(st, c->callback.event);
    db_int(st, c->callback.message_id);
    if (next(s, st) && ((enum state)db_col_int(st, 1) != c->callback.state || db_col_int(st, 2) != 0))
        sim_broken(s, "I10", "a callback says message %llx is %s, event %u does not",
                   (unsigned long long)c->callback.message_id, state_name(c->callback.state),
                   c->callback.event);
    db_end(st);
}

/* Nobody is written to who was on the suppression list when the attempt began. A row was there all the time
 * since it was made; of the same turn it may be either, and of two nodes within a second: times are of
 * decisions, and theirs are not committed in that order (seed 5451). */
static void check_consent(struct sim *s, const struct call *c) {
    static const char sql[] =
        "SELECT s.kind, s.created_at FROM suppression AS s JOIN attempt AS a ON a.message_id=?1 AND "
        "a.number=?2 "
        "JOIN message AS m ON m.id=?1 WHERE s.number=m.recipient AND s.account_id IN (0, m.account_id) AND "
        "(s.topic='' OR s.topic=m.topic) AND s.created_at<a.started_at-?3 AND (s.expires_at=0 OR "
        "s.expires_at>a.started_at) AND NOT (s.kind=1 AND coalesce(m.topic,'')='otp')";
    _Static_assert(SUPPRESSION_OPT_OUT == 1, "as the statement has it");
    struct db_stmt *st = query(s, sql);
    db_int(st, c->message->id);
    db_int(st, c->attempt);
    db_int(st, s->n_procs > 1 ? US_PER_S : 0);
    if (next(s, st))
        sim_broken(s, "I7", "attempt %u of %llx began after %s of its number at %lld", c->attempt,
                   (unsigned long long)c->message->id,
                   suppression_kind_name((enum suppression_kind)db_col_int(st, 0)),
                   (long long)db_col_int(st, 1));
    db_end(st);
}

/* Nor anybody about "promo" whose latest word before the attempt was not a consent. Of the same turn it may
 * be either. */
static void check_granted(struct sim *s, const struct call *c) {
    static const char sql[] =
        "SELECT 1 FROM attempt AS a JOIN message AS m ON m.id=a.message_id WHERE a.message_id=?1 AND "
        "a.number=?2 AND m.topic='promo' AND coalesce((SELECT act FROM consent WHERE number=m.recipient AND "
        "topic IN ('', 'promo') AND act<>3 AND created_at<a.started_at ORDER BY at DESC, id DESC LIMIT 1), 0)"
        "<>1 AND NOT EXISTS (SELECT 1 FROM consent WHERE number=m.recipient AND act=1 AND "
        "created_at=a.started_at)";
    struct db_stmt *st = query(s, sql);
    db_int(st, c->message->id);
    db_int(st, c->attempt);
    if (next(s, st))
        sim_broken(s, "I7", "attempt %u of %llx began without the consent its topic needs", c->attempt,
                   (unsigned long long)c->message->id);
    db_end(st);
}

/* Is another call for the same message at a sender of that process, or on the wire? Another process may not
 * know yet what came of its own. */
static bool is_called(const struct sim *s, const struct proc *p, const struct call *c) {
    for (size_t i = 0; i < p->n_flying; i++) {
        const struct flying *f = &p->flying[i];
        bool out = p == s->p || (!f->answered && f->call->lane &&
                                 s->now - f->since <= (int64_t)f->call->lane->timeout_ms * US_PER_MS);
        for (const struct call *at = f->call; out && at; at = at->joined)
            if (at != c && at->kind == CALL_ATTEMPT && at->message->id == c->message->id)
                return true;
    }
    return false;
}

void oracle_call(struct sim *s, const struct call *c) {
    static const char open[] = "SELECT count(*) FROM attempt WHERE message_id=? AND ended_at=0";
    static const char mine[] = "SELECT ended_at, fate FROM attempt WHERE message_id=? AND number=?";
    if (c->kind == CALL_HOOK)
        hooks_check_call(s, c);
    else if (c->kind == CALL_CALLBACK)
        check_callback(s, c);
    if (c->kind != CALL_ATTEMPT)
        return;
    if (!s->skewed) { /* else before and after are not to be told */
        check_consent(s, c);
        check_granted(s, c);
    }
    routes_check_call(s, c);
    sim_push_check_call(s, c);
    prices_check(s);
    sim_events_check_call(s, c);
    struct db_stmt *st = query(s, mine);
    db_int(st, c->message->id);
    db_int(st, c->attempt);
    if (!next(s, st))
        sim_broken(s, "I4", "attempt %u of %llx is called without a row", c->attempt,
                   (unsigned long long)c->message->id);
    else if (db_col_int(st, 0) != 0 &&
             db_col_int(st, 1) != FATE_UNKNOWN) /* else by a receipt for one before */
        sim_broken(s, "I4", "attempt %u of %llx is called after its end", c->attempt,
                   (unsigned long long)c->message->id);
    db_end(st);
    st = query(s, open);
    db_int(st, c->message->id);
    if (next(s, st) && db_col_int(st, 0) > 1)
        sim_broken(s, "I3", "%lld open attempts of %llx", (long long)db_col_int(st, 0),
                   (unsigned long long)c->message->id);
    db_end(st);
    for (unsigned k = 0; k < s->n_procs; k++)
        if (is_called(s, &s->procs[k], c))
            sim_broken(s, "I3", "two calls at once for %llx", (unsigned long long)c->message->id);
}

static int64_t number(struct sim *s, const char *sql, int64_t a) {
    struct db_stmt *st = query(s, sql);
    db_int(st, a);
    int64_t n = next(s, st) ? db_col_int(st, 0) : 0;
    db_end(st);
    return n;
}

static size_t times_taken(struct sim *s, const struct promise *p) {
    size_t times = 0;
    for (size_t i = 0; i < s->provider.n_taken; i++) {
        const struct taken *t = &s->provider.taken[i];
        if (t->message_id != p->id)
            continue;
        times++;
        if (!sv_eq(sv_of(t->body), sv_of(p->body)))
            sim_broken(s, "I11", "message %llx was sent with another text", (unsigned long long)p->id);
    }
    return times;
}

/* What the row says against what the provider saw. */
static void check_truth(struct sim *s, const struct promise *p, enum state state, enum reason reason) {
    static const char open[] = "SELECT count(*) FROM attempt WHERE fate=3 AND message_id=?";
    _Static_assert(FATE_UNKNOWN == 3, "as the statement has it");
    size_t times = times_taken(s, p);
    unsigned long long id = (unsigned long long)p->id;
    bool once = p->delivery == DELIVERY_AT_MOST_ONCE;
    if (times > 1 && once)
        sim_broken(s, "I5", "message %llx was taken %zu times", id, times);
    bool gone_out = state == STATE_SENT || state == STATE_DELIVERED || state == STATE_UNDELIVERED;
    if (gone_out && times == 0)
        sim_broken(s, "I1", "message %llx is %s but the provider never had it", id, state_name(state));
    bool says_not = state == STATE_CANCELED || state == STATE_EXPIRED || state == STATE_SUPPRESSED ||
                    (state == STATE_FAILED && reason != REASON_OUTCOME_UNKNOWN);
    /* at_least_once goes on with an outcome unknown, and may end so */
    if (times > 0 && says_not && (once || number(s, open, p->id) == 0))
        sim_broken(s, "I6", "message %llx is %s (%s) but was sent", id, state_name(state),
                   reason_name(reason));
}

static void check_promise(struct sim *s, const struct promise *p) {
    static const char sql[] =
        "SELECT state, due_at, done_at, body, reason, expires_at FROM message WHERE id=?";
    struct db_stmt *st = query(s, sql);
    db_int(st, p->id);
    unsigned long long id = (unsigned long long)p->id;
    if (!next(s, st)) {
        if (!p->delete_asked)
            sim_broken(s, "I1", "message %llx was promised and is gone", id);
        return;
    }
    enum state state = (enum state)db_col_int(st, 0);
    enum reason reason = (enum reason)db_col_int(st, 4);
    if (db_col_int(st, 1) != 0 || db_col_int(st, 2) == 0)
        sim_broken(s, "I9", "message %llx is still %s at the end (due %lld, done %lld)", id,
                   state_name(state), (long long)db_col_int(st, 1), (long long)db_col_int(st, 2));
    if (db_col_int(st, 5) != p->expires_at)
        sim_broken(s, "I9", "message %llx has another validity than was asked for", id);
    if (p->deleted)
        sim_broken(s, "I1", "message %llx was deleted and is still there", id);
    if (p->redacted && db_col_text(st, 3).n)
        sim_broken(s, "I1", "message %llx was redacted and still has its text", id);
    if (p->canceled && state != STATE_CANCELED)
        sim_broken(s, "I6", "message %llx was canceled and is %s", id, state_name(state));
    db_end(st);
    check_truth(s, p, state, reason);
}

_Static_assert(STATE_SENT == 5 && STATE_SUPPRESSED == 11, "the states in between are the ends of messages");
static void check_posted(struct sim *s, int64_t id, const struct event *ev) {
    uint64_t key = client_callback_key(id, ev->number);
    uintptr_t posted = (uintptr_t)map_get(&s->posts, key);
    if (!(posted & 1) && posted / 2 < lanes_settings(s)->callbacks.attempts_max)
        sim_broken(s, "I9", "a callback about message %llx being %s was posted %u times and never taken",
                   (unsigned long long)id, state_name(ev->state), (unsigned)(posted / 2));
}

/* Every event that owes a callback was taken, or tried as often as the settings say; none is owed for ever.
 */
static void check_callbacks(struct sim *s) {
    static const char sql[] = "SELECT id, account_id FROM message WHERE status_callback IS NOT NULL";
    static const char left[] = "SELECT count(*) FROM callback WHERE due_at>=?";
    struct db_stmt *st = query(s, sql);
    while (next(s, st)) {
        struct event *events;
        int64_t id = db_col_int(st, 0);
        size_t n = oracle_history(s, db_col_int(st, 1), id, &events);
        for (size_t i = 0; i < n; i++)
            if (!events[i].note && events[i].state >= STATE_SENT && events[i].state <= STATE_SUPPRESSED)
                check_posted(s, id, &events[i]);
        free(events);
    }
    int64_t n = number(s, left, 0);
    if (n)
        sim_broken(s, "I9", "%lld callbacks are still owed at the end", (long long)n);
}

/* What belongs to a message goes with it. */
static void check_orphans(struct sim *s) {
    static const char *const sql[] = {
        "SELECT count(*) FROM event WHERE message_id>? AND message_id NOT IN (SELECT id FROM message)",
        "SELECT count(*) FROM attempt WHERE message_id>? AND message_id NOT IN (SELECT id FROM message)",
        "SELECT count(*) FROM callback WHERE message_id>? AND message_id NOT IN (SELECT id FROM message)"};
    static const char *const what[] = {"events", "attempts", "callbacks"};
    for (size_t i = 0; i < 3; i++) {
        int64_t n = number(s, sql[i], 0);
        if (n)
            sim_broken(s, "I1", "%lld %s of messages that were deleted", (long long)n, what[i]);
    }
}

/* No interval of a lane's rate has more attempts than it allows. */
static void check_rates(struct sim *s) {
    static const char sql[] =
        "SELECT a.started_at FROM attempt AS a WHERE a.lane=?1 AND (SELECT count(*) FROM attempt AS b WHERE "
        "b.lane=?1 AND b.started_at>a.started_at-?2 AND b.started_at<=a.started_at)>?3 LIMIT 1";
    for (unsigned i = 0; i < HOSTS; i++) {
        if (!s->rates[i].max)
            continue;
        struct db_stmt *st = query(s, sql);
        db_text(st, sv_of(host_names[i]));
        db_int(st, s->rates[i].period_us);
        db_int(st, s->rates[i].max);
        if (next(s, st) && db_col_int(st, 0) > 0)
            sim_broken(s, "I8", "lane %s began more than %u attempts in the second before %lld",
                       host_names[i], s->rates[i].max, (long long)db_col_int(st, 0));
        db_end(st);
    }
}

/* No day, month or sender's day has more attempts than its lane's quotas and warm-ups allow. Senders are held
 * to what they may at the most, as if all of them had begun on the first day. */
static void check_quotas(struct sim *s) {
    static const char days[] =
        "SELECT started_at/86400000000 AS day, count(*) FROM attempt WHERE lane=? GROUP BY day";
    static const char senders[] = "SELECT a.started_at/86400000000 AS day, count(*) FROM attempt AS a JOIN "
                                  "message AS m ON m.id=a.message_id "
                                  "WHERE a.lane=? GROUP BY day, coalesce(m.sender, '+15005550006')";
    static const int64_t first_day = 20454; /* 2026-01-01 */
    for (unsigned i = 0; i < HOSTS; i++) {
        const struct lane_config *q = &s->quotas[i];
        for (int by_sender = 0; by_sender < 2; by_sender++) {
            struct db_stmt *st = query(s, by_sender ? senders : days);
            db_text(st, sv_of(host_names[i]));
            while (next(s, st)) {
                int64_t day = db_col_int(st, 0) - first_day + 1, n = db_col_int(st, 1);
                int64_t max = warm_up_ceiling(by_sender ? &q->sender_warm_up : &q->warm_up, day);
                if (!by_sender && q->quota.day && q->quota.day < max)
                    max = q->quota.day;
                if (n > max)
                    sim_broken(s, "I8", "lane %s began %lld attempts on day %lld%s, which may have %lld",
                               host_names[i], (long long)n, (long long)day,
                               by_sender ? " for one sender" : "", (long long)max);
            }
            db_end(st);
        }
        static const char month[] = "SELECT count(*) FROM attempt WHERE lane=? AND started_at<?";
        struct db_stmt *st = query(s, month);
        db_text(st, sv_of(host_names[i]));
        db_int(st, (first_day + 31) * 86400 * US_PER_S);
        if (next(s, st) && q->quota.month && db_col_int(st, 0) > q->quota.month)
            sim_broken(s, "I8", "lane %s began %lld attempts in a month that may have %u", host_names[i],
                       (long long)db_col_int(st, 0), q->quota.month);
        db_end(st);
    }
}

void oracle_stopped(struct sim *s) {
    static const char sql[] =
        "SELECT m.id FROM attempt AS a JOIN message AS m ON m.id=a.message_id AND a.number=m.attempts "
        "WHERE a.ended_at=0 AND a.started_at>? LIMIT 1";
    if (s->n_procs > 1) /* those of a node that is gone may just have come to it */
        return;
    int64_t id = number(s, sql, s->p->opened_at);
    if (id)
        sim_broken(s, "I3", "an attempt of message %llx has no outcome after a clean stop",
                   (unsigned long long)id);
}

void oracle_timely(struct sim *s) {
    static const char sql[] = "SELECT id, state FROM message WHERE expires_at<? AND state IN (1,2,3) LIMIT 1";
    _Static_assert(STATE_ACCEPTED == 1 && STATE_SCHEDULED == 2 && STATE_QUEUED == 3,
                   "as the statement has it");
    struct db_stmt *st = query(s, sql);
    db_int(st, s->now - (int64_t)(s->skewed ? 150 : 30) * US_PER_S);
    if (next(s, st))
        sim_broken(s, "I9", "message %llx is still %s, long after its validity",
                   (unsigned long long)db_col_int(st, 0), state_name((enum state)db_col_int(st, 1)));
    db_end(st);
}

void oracle_alive(struct sim *s) {
    static const char sql[] =
        "SELECT id, state FROM message WHERE due_at<?1 OR (state=4 AND updated_at<?1) LIMIT 1";
    struct db_stmt *st = query(s, sql);
    db_int(st, s->now - (int64_t)(s->skewed ? 220 : 100) * US_PER_S);
    if (next(s, st))
        sim_broken(s, "I9", "message %llx is %s, due long ago, and forgotten",
                   (unsigned long long)db_col_int(st, 0), state_name((enum state)db_col_int(st, 1)));
    db_end(st);
}

/* Numbered 1.. without a gap, each a legal move or a note, the last move being the row's state. */
static void check_history(struct sim *s, unsigned long long id, const struct event *events, size_t n,
                          enum state wanted) {
    enum state at = STATE_NONE;
    int64_t before = 0;
    for (size_t i = 0; i < n; i++) {
        const struct event *ev = &events[i];
        if (ev->number != i + 1)
            sim_broken(s, "I10", "message %llx: event %zu is missing", id, i + 1);
        if (!s->skewed && ev->at < before)
            sim_broken(s, "I10", "message %llx: event %zu happened before the one in front of it", id, i + 1);
        before = ev->at;
        if (ev->note)
            continue; /* a note moves nothing */
        if (!state_may_move(at, ev->state))
            sim_broken(s, "I6", "message %llx went from %s to %s", id, state_name(at), state_name(ev->state));
        at = ev->state;
    }
    if (at != wanted)
        sim_broken(s, "I10", "message %llx: events end at %s, the row says %s", id, state_name(at),
                   state_name(wanted));
}

static void check_events(struct sim *s) {
    static const char sql[] = "SELECT id, account_id, state, events FROM message ORDER BY id";
    struct db_stmt *st = query(s, sql);
    while (next(s, st)) {
        struct event *events;
        int64_t id = db_col_int(st, 0), wanted = db_col_int(st, 3);
        size_t n = oracle_history(s, db_col_int(st, 1), id, &events);
        if ((int64_t)n != wanted)
            sim_broken(s, "I10", "message %llx has %zu events, the row says %lld", (unsigned long long)id, n,
                       (long long)wanted);
        check_history(s, (unsigned long long)id, events, n, (enum state)db_col_int(st, 2));
        free(events);
    }
}

/* The validity says how long a message may be sent. */
static void check_validity(struct sim *s) {
    static const char sql[] = "SELECT m.id FROM attempt AS a JOIN message AS m ON m.id=a.message_id WHERE "
                              "a.started_at>=m.expires_at AND m.id>? LIMIT 1";
    int64_t id = number(s, sql, 0);
    if (id)
        sim_broken(s, "I9", "an attempt of message %llx began after its validity", (unsigned long long)id);
}

static void check_open_attempts(struct sim *s) {
    static const char sql[] = "SELECT count(*) FROM attempt WHERE ended_at=0";
    struct db_stmt *st = query(s, sql);
    if (next(s, st) && db_col_int(st, 0) > 0)
        sim_broken(s, "I9", "%lld attempts never got an outcome", (long long)db_col_int(st, 0));
    db_end(st);
}

/* Whose receipt never came was asked about while its provider could be asked, and is not left as it is when
 * the provider knew. */
static void check_polls(struct sim *s) {
    static const char sql[] =
        "SELECT id, lookups FROM message WHERE state=5 AND reason=13 AND sent_at>=? AND "
        "lookups=0 LIMIT 1";
    _Static_assert(STATE_SENT == 5 && REASON_NO_RECEIPT == 13, "as the statement has it");
    if (!s->polls || !s->mended_at)
        return;
    /* By then the settings that brought every lane back have been taken over. */
    int64_t id = number(s, sql, s->mended_at + US_PER_S);
    if (id)
        sim_broken(s, "I9", "message %llx got no receipt, and nobody was asked for it",
                   (unsigned long long)id);
}

/* What the core believes waits on disk is what waits there. */
static void check_backlog(struct sim *s) {
    int64_t told = 0;
    for (unsigned i = 0; i < s->n_procs; i++)
        told += atomic_load(&s->procs[i].meters.gauges[GAUGE_BACKLOG]);
    int64_t there = number(s, "SELECT count(*) FROM message WHERE due_at>?", 0);
    if (told != there)
        sim_broken(s, "I9", "%lld messages wait on disk, and the core tells of %lld", (long long)there,
                   (long long)told);
}

void oracle_end(struct sim *s) {
    for (size_t i = 0; i < s->n_promises && !s->failure[0]; i++)
        check_promise(s, &s->promises[i]);
    check_events(s);
    check_open_attempts(s);
    if (!s->skewed)
        check_validity(s);
    check_callbacks(s);
    sim_hooks_end(s);
    sim_events_end(s);
    sim_codes_end(s);
    check_orphans(s);
    check_rates(s);
    check_quotas(s);
    prices_end(s);
    if (!s->skewed) {
        times_check(s);
        guard_check(s);
        check_polls(s);
    }
    check_backlog(s);
}
