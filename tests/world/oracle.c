#include "world.h"

#include "base/clock.h"
#include "model/id.h"

static struct db_stmt *query(struct sim *s, const char *sql) {
    struct err e;
    struct db_stmt *st = db_stmt(s->db, sql, &e);
    ASSERT(st);
    return st;
}

static bool next(struct sim *s, struct db_stmt *st) {
    struct err e;
    bool row, failing = s->db_fails;
    s->db_fails = false;
    bool ok = db_next(st, &row, &e);
    ASSERT(ok);
    s->db_fails = failing;
    return row;
}

void oracle_call(struct sim *s, const struct call *c) {
    static const char open[] = "SELECT count(*) FROM attempt WHERE message_id=? AND ended_at=0";
    static const char mine[] = "SELECT ended_at FROM attempt WHERE message_id=? AND number=?";
    if (c->kind != CALL_ATTEMPT)
        return;
    struct db_stmt *st = query(s, mine);
    db_int(st, c->message->id);
    db_int(st, c->attempt);
    if (!next(s, st))
        sim_broken(s, "I4", "attempt %u of %llx is called without a row", c->attempt,
                   (unsigned long long)c->message->id);
    else if (db_col_int(st, 0) != 0)
        sim_broken(s, "I4", "attempt %u of %llx is called after its end", c->attempt,
                   (unsigned long long)c->message->id);
    db_end(st);
    st = query(s, open);
    db_int(st, c->message->id);
    if (next(s, st) && db_col_int(st, 0) > 1)
        sim_broken(s, "I3", "%lld open attempts of %llx", (long long)db_col_int(st, 0),
                   (unsigned long long)c->message->id);
    db_end(st);
    for (size_t i = 0; i < s->n_flying; i++)
        if (s->flying[i].call != c && s->flying[i].call->kind == CALL_ATTEMPT &&
            s->flying[i].call->message->id == c->message->id)
            sim_broken(s, "I3", "two calls at once for %llx", (unsigned long long)c->message->id);
}

static void check_promise(struct sim *s, const struct promise *p) {
    static const char sql[] = "SELECT state, due_at, done_at, events, delivery, body FROM message WHERE id=?";
    struct db_stmt *st = query(s, sql);
    db_int(st, p->id);
    if (!next(s, st)) {
        sim_broken(s, "I1", "message %llx was promised and is gone", (unsigned long long)p->id);
        return;
    }
    enum state state = (enum state)db_col_int(st, 0);
    if (db_col_int(st, 1) != 0 || db_col_int(st, 2) == 0)
        sim_broken(s, "I9", "message %llx is still %s at the end (due %lld, done %lld)",
                   (unsigned long long)p->id, state_name(state), (long long)db_col_int(st, 1),
                   (long long)db_col_int(st, 2));
    db_end(st);
    size_t times = 0;
    for (size_t i = 0; i < s->provider.n_taken; i++) {
        int64_t id;
        unsigned attempt;
        const struct taken *t = &s->provider.taken[i];
        if (!token_parse(s->world.id_key, sv_of(t->token), &id, &attempt) || id != p->id)
            continue;
        times++;
        if (!sv_eq(sv_of(t->body), sv_of(p->body)))
            sim_broken(s, "I11", "message %llx was sent with another text", (unsigned long long)p->id);
    }
    if (times > 1 && p->delivery == DELIVERY_AT_MOST_ONCE)
        sim_broken(s, "I5", "message %llx was taken %zu times", (unsigned long long)p->id, times);
    bool gone_out = state == STATE_SENT || state == STATE_DELIVERED || state == STATE_UNDELIVERED;
    if (gone_out && times == 0)
        sim_broken(s, "I1", "message %llx is %s but the provider never had it", (unsigned long long)p->id,
                   state_name(state));
    if (times > 0 && (state == STATE_CANCELED || state == STATE_EXPIRED))
        sim_broken(s, "I6", "message %llx is %s but was sent", (unsigned long long)p->id, state_name(state));
}

/* Events of each message: numbered 1.. without a gap, each a legal move or a note, the last move being the
 * row's state. */
static void check_events(struct sim *s) {
    static const char sql[] =
        "SELECT e.message_id, e.number, e.state, m.state, m.events, e.note FROM event AS e JOIN message AS m "
        "ON m.id=e.message_id ORDER BY e.message_id, e.number";
    struct db_stmt *st = query(s, sql);
    int64_t id = 0, number = 0, wanted = 0, count = 0;
    enum state at = STATE_NONE;
    for (;;) {
        bool row = next(s, st);
        if (!row || db_col_int(st, 0) != id) {
            if (id && (at != (enum state)wanted || number != count))
                sim_broken(s, "I10", "message %llx: events end at %s, the row says %s",
                           (unsigned long long)id, state_name(at), state_name((enum state)wanted));
            if (!row)
                return;
            id = db_col_int(st, 0);
            number = 0;
            at = STATE_NONE;
        }
        if (db_col_int(st, 1) != ++number)
            sim_broken(s, "I10", "message %llx: event %lld is missing", (unsigned long long)id,
                       (long long)number);
        enum state to = (enum state)db_col_int(st, 2);
        wanted = db_col_int(st, 3);
        count = db_col_int(st, 4);
        if (db_col_int(st, 5) != 0)
            continue; /* a note moves nothing */
        if (!state_may_move(at, to))
            sim_broken(s, "I6", "message %llx went from %s to %s", (unsigned long long)id, state_name(at),
                       state_name(to));
        at = to;
    }
}

static void check_open_attempts(struct sim *s) {
    static const char sql[] = "SELECT count(*) FROM attempt WHERE ended_at=0";
    struct db_stmt *st = query(s, sql);
    if (next(s, st) && db_col_int(st, 0) > 0)
        sim_broken(s, "I9", "%lld attempts never got an outcome", (long long)db_col_int(st, 0));
    db_end(st);
}

void oracle_end(struct sim *s) {
    for (size_t i = 0; i < s->n_promises && !s->failure[0]; i++)
        check_promise(s, &s->promises[i]);
    check_events(s);
    check_open_attempts(s);
}
