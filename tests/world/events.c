/* Business events in the world: in half of the seeds, posts come with what rules have made of them, as fronts
 * ask for it: a text at once, once for each dedupe key; a reminder, which later events of the same booking
 * withdraw or move; something gathered for a digest, which two fronts want to make. What they are is drawn
 * apart, so that the other seeds stay what they were. */
#include "world.h"

#include "base/clock.h"

#include <string.h>

enum {
    BOOKINGS = 5,
    ALARMS = 6,
    NUMBERS = 30,
    DIGEST_US = 8 * 1000 * 1000,
    VALID_US = 600 * 1000 * 1000,
    ACTS = 3,
    TOLD_MAX = 40
};
static const int64_t month_us = 30 * INT64_C(86400) * US_PER_S;

enum happening { BOOKED, MOVED, CANCELED, ALARM, NEWS, HAPPENINGS };

/* A post on its way, with all that the core is lent. One allocation, the ask's. */
struct posting {
    int number; /* of the event; -1: a digest */
    int64_t canceled_id;
    struct event_write write;
    struct event_act acts[ACTS];
    struct event_withdrawal withdrawal;
    struct event_outcome outcomes[ACTS + TOLD_MAX];
    struct event_digest digest;
    struct ask parts[ACTS];
    int64_t expires_at[ACTS]; /* of the text of each act */
    char name[16], key[16], alarm[16], to[24], bodies[ACTS][64], vars[32], recipient[24];
};

bool sim_events_has(const struct sim *s) {
    return siphash((struct sip_key){.k0 = s->seed, .k1 = 11}, SV("events")) % 2 == 0 && !s->skewed;
}

void sim_events_settings(struct settings *set) {
    set->events.keep_days = 60;
}

/* ---- posts ---- */

static void add_text(struct sim *s, struct posting *p, struct ask *a, const char *to, const char *body,
                     int64_t send_at) {
    struct sv text[TEXT_COUNT] = {
        [TEXT_TO] = sv_of(to), [TEXT_BODY] = sv_of(body), [TEXT_TOPIC] = SV("news")};
    struct message *m = message_new(text);
    ASSERT(m);
    m->account_id = 1;
    m->face = FACE_RULE;
    m->priority = PRIORITY_TRANSACTIONAL;
    m->delivery = DELIVERY_AT_MOST_ONCE;
    m->segments = 1;
    m->created_at = s->now;
    m->send_at = send_at;
    m->expires_at = s->now + VALID_US;
    p->parts[a->n_parts++] = (struct ask){
        .kind = ASK_SUBMIT, .account_id = 1, .message = m, .account_name = routes_account_name()};
}

static struct event_act *add_fire(struct sim *s, struct posting *p, struct ask *a, const char *rule,
                                  const char *what, int64_t send_at) {
    struct event_act *act = &p->acts[p->write.n_acts];
    char *body = p->bodies[p->write.n_acts++];
    snprintf(body, sizeof p->bodies[0], "event %d: %s", p->number, what);
    *act = (struct event_act){.rule = sv_of(rule), .did = EVENT_FIRED, .part = (int)a->n_parts};
    add_text(s, p, a, p->to, body, send_at);
    p->expires_at[act - p->acts] = (send_at ? send_at : s->now) + VALID_US;
    return act;
}

static void withdraw(struct posting *p) {
    p->withdrawal = (struct event_withdrawal){.rule = SV("reminder"), .key = sv_of(p->key)};
    p->write.withdrawals = &p->withdrawal;
    p->write.n_withdrawals = 1;
}

static void add_item(struct sim *s, struct posting *p) {
    snprintf(p->recipient, sizeof p->recipient, "+8613800138%03d", p->number % 3);
    snprintf(p->vars, sizeof p->vars, "{\"n\":%d}", p->number);
    p->acts[p->write.n_acts++] = (struct event_act){.rule = SV("gather"),
                                                    .did = EVENT_DIGESTED,
                                                    .part = -1,
                                                    .to = sv_of(p->recipient),
                                                    .vars = sv_of(p->vars),
                                                    .digest_due_at = s->now + DIGEST_US};
}

static enum happening happening_of(int number) {
    return (enum happening)(siphash((struct sip_key){.k0 = (uint64_t)number}, SV("what")) % HAPPENINGS);
}

static int alarm_of(int number) {
    return number % ALARMS;
}

/* What the rules of each kind of event make of it: the same whenever it comes. */
static size_t acts_of(enum happening h) {
    static const size_t n[HAPPENINGS] = {[BOOKED] = 2, [MOVED] = 1, [CANCELED] = 0, [ALARM] = 1, [NEWS] = 2};
    return n[h];
}

static void make(struct sim *s, struct posting *p, struct ask *a) {
    int64_t later = s->now + (int64_t)(sim_random(s) % (40 * US_PER_S)) + US_PER_S;
    struct event_act *act;
    switch (happening_of(p->number)) {
    case BOOKED:
        add_fire(s, p, a, "booked", "your table is booked", 0);
        add_fire(s, p, a, "reminder", "see you soon", later)->key = sv_of(p->key);
        break;
    case MOVED:
        withdraw(p);
        add_fire(s, p, a, "reminder", "see you then", later)->key = sv_of(p->key);
        break;
    case CANCELED: withdraw(p); break;
    case ALARM:
        act = add_fire(s, p, a, "alarm", "the alarm rings", 0);
        act->dedupe = sv_of(p->alarm);
        act->dedupe_us = month_us;
        break;
    case NEWS:
        add_fire(s, p, a, "news", "there are news", 0);
        add_item(s, p);
        break;
    case HAPPENINGS: break;
    }
    ASSERT(p->write.n_acts == acts_of(happening_of(p->number)));
}

static struct ask *new_post(struct sim *s, enum ask_kind kind, struct posting **out) {
    struct posting *p = calloc(1, sizeof *p);
    struct ask *a = calloc(1, sizeof *a);
    ASSERT(p && a);
    p->write.account_id = 1;
    p->write.acts = p->acts;
    p->write.outcomes = p->outcomes;
    p->write.outcomes_max = ACTS + TOLD_MAX;
    *a = (struct ask){.kind = kind,
                      .account_id = 1,
                      .reply_to = s->p->replies,
                      .lost = client_forget,
                      .owner = p,
                      .business = &p->write,
                      .parts = p->parts};
    *out = p;
    return a;
}

/* One in four comes again: its sender heard no answer, or does not trust it. */
void sim_events_post(struct sim *s) {
    struct posting *p;
    struct ask *a = new_post(s, ASK_EVENT, &p);
    bool again = s->n_events && sim_chance(s, 25);
    if (!again && s->n_events == EVENTS_MAX) {
        client_forget(a);
        return;
    }
    p->number = again ? (int)(sim_random(s) % s->n_events) : (int)s->n_events++;
    snprintf(p->name, sizeof p->name, "e-%d", p->number);
    snprintf(p->key, sizeof p->key, "booking %d", p->number % BOOKINGS);
    snprintf(p->alarm, sizeof p->alarm, "alarm %d", alarm_of(p->number));
    snprintf(p->to, sizeof p->to, "+8613900139%03d", p->number % NUMBERS);
    p->write.source = SV("world");
    p->write.name = sv_of(p->name);
    p->write.type = SV("test.event");
    p->write.data = SV("{}");
    p->write.at = s->now;
    make(s, p, a);
    sim_say(s, "event %d%s", p->number, again ? " again" : "");
    client_ask(s, a);
}

/* ---- digests ---- */

/* As a front does; now and then two of them at once. */
void sim_events_digest(struct sim *s) {
    struct digest_row *row = calloc(1, sizeof *row);
    ARENA_AUTO struct arena mem;
    struct err e = ERR_INIT;
    bool found;
    ASSERT(row);
    arena_init(&mem, 1 << 20);
    s->calm = true;
    bool ok = events_due_digest(s->db, s->now, &mem, row, &found, &e);
    ASSERT(ok);
    s->calm = false;
    for (int front = 0; found && front < (sim_chance(s, 20) ? 2 : 1); front++) {
        struct posting *p;
        struct ask *a = new_post(s, ASK_DIGEST, &p);
        p->number = -1;
        snprintf(p->recipient, sizeof p->recipient, "%.*s", SV_FMT(row->recipient));
        p->digest = (struct event_digest){.rule = SV("gather"),
                                          .recipient = sv_of(p->recipient),
                                          .last_event = row->last_event,
                                          .n_items = (unsigned)row->n_items};
        p->write.digest = &p->digest;
        snprintf(p->bodies[0], sizeof p->bodies[0], "digest of %zu, %u", row->n_items, ++s->serial);
        if (row->n_items)
            add_text(s, p, a, p->recipient, p->bodies[0], 0);
        sim_say(s, "%s for %s", p->bodies[0], p->recipient);
        client_ask(s, a);
    }
    free(row);
}

/* ---- answers ---- */

/* The front asks for what was withdrawn to be canceled, unless it dies before. */
static void cancel_withdrawn(struct sim *s, const struct posting *p) {
    for (size_t i = 0; i < p->write.n_outcomes; i++) {
        const struct event_outcome *o = &p->write.outcomes[i];
        if (o->did == EVENT_CANCELED && s->n_withdrawn < WITHDRAWN_MAX)
            s->withdrawn[s->n_withdrawn++] = (struct withdrawn){.id = o->message_id, .heard_at = s->now};
        if (o->did != EVENT_CANCELED || sim_chance(s, 60))
            continue;
        struct ask *a = calloc(1, sizeof *a);
        ASSERT(a);
        *a = (struct ask){.kind = ASK_CANCEL,
                          .reply_to = s->p->replies,
                          .lost = client_forget,
                          .id = o->message_id,
                          .account_id = 1};
        client_ask(s, a);
    }
}

/* What its rules made is promised as any message is. */
static void promise(struct sim *s, const struct posting *p) {
    for (size_t i = 0; i < p->write.n_outcomes; i++) {
        const struct event_outcome *o = &p->write.outcomes[i];
        if (o->did != EVENT_FIRED || s->n_promises == PROMISES_MAX)
            continue;
        struct promise *new = &s->promises[s->n_promises];
        *new = (struct promise){.id = o->message_id, .delivery = DELIVERY_AT_MOST_ONCE, .key = -1};
        for (size_t k = 0; k < p->write.n_acts; k++)
            if (sv_eq(p->acts[k].rule, o->rule)) {
                memcpy(new->body, p->bodies[k], sizeof new->body);
                new->expires_at = p->expires_at[k];
                s->n_promises++;
            }
    }
}

void sim_events_heard(struct sim *s, const struct ask *a) {
    const struct posting *p = a->owner;
    if (p->number < 0 || a->result == ASK_FAILED)
        return;
    int64_t *known = &s->events[p->number], id = a->result == ASK_DUPLICATE ? a->dup_id : a->id;
    if (a->result != ASK_DONE && a->result != ASK_DUPLICATE)
        sim_broken(s, "I18", "event %d is answered %d", p->number, a->result);
    bool first =
        a->result == ASK_DONE && s->n_procs == 1; /* else its repeat may be answered before, elsewhere */
    if (*known && (first || *known != id))
        sim_broken(s, "I18", "event %d came in twice", p->number);
    *known = id;
    if (a->result != ASK_DONE)
        return;
    promise(s, p);
    cancel_withdrawn(s, p);
}

/* Of what a later event withdrew no attempt begins once that is told. */
void sim_events_check_call(struct sim *s, const struct call *c) {
    static const char sql[] = "SELECT started_at FROM attempt WHERE message_id=? AND number=?";
    struct err e;
    bool row;
    for (size_t i = 0; i < s->n_withdrawn; i++) {
        if (s->withdrawn[i].id != c->message->id)
            continue;
        struct db_stmt *st = db_stmt(s->db, sql, &e);
        db_int(st, c->message->id);
        db_int(st, c->attempt);
        s->calm = true;
        ASSERT(db_next(st, &row, &e));
        s->calm = false;
        if (row && db_col_int(st, 0) > s->withdrawn[i].heard_at)
            sim_broken(s, "I18", "attempt %u of %llx began after it was withdrawn", c->attempt,
                       (unsigned long long)c->message->id);
        db_end(st);
    }
}

/* ---- the end ---- */

static struct db_stmt *query(struct sim *s, const char *sql) {
    struct err e;
    struct db_stmt *st = db_stmt(s->db, sql, &e);
    ASSERT(st);
    return st;
}

static bool next(struct db_stmt *st) {
    struct err e;
    bool row;
    ASSERT(db_next(st, &row, &e));
    return row;
}

static bool may_be_gone(const struct sim *s, int64_t id) {
    for (size_t i = 0; i < s->n_promises; i++)
        if (s->promises[i].id == id)
            return s->promises[i].delete_asked;
    return false;
}

/* Each event that was answered is there, once, with all that its rules did; and nothing is there besides. */
static void check_whole(struct sim *s) {
    static const char sql[] =
        "SELECT b.name, b.id, count(o.did) FILTER (WHERE o.did IN (1,2,3,4,5,6)), min(o.did) FILTER (WHERE "
        "o.rule='alarm'), max(o.did) FILTER (WHERE o.did IN (4,5,6)) FROM business_event AS b LEFT JOIN "
        "event_outcome AS o ON o.event_id=b.id GROUP BY b.id";
    unsigned rung[ALARMS] = {0}, fired[ALARMS] = {0};
    size_t there = 0, answered = 0;
    struct db_stmt *st = query(s, sql);
    while (next(st)) {
        int64_t number;
        struct sv name = db_col_text(st, 0);
        ASSERT(sv_to_i64(sv_from(name, 2), &number) && number < EVENTS_MAX);
        enum happening h = happening_of((int)number);
        if (s->events[number] && s->events[number] != db_col_int(st, 1))
            sim_broken(s, "I18", "event %lld has another id than was answered", (long long)number);
        there += s->events[number] != 0;
        if ((size_t)db_col_int(st, 2) != acts_of(h) || db_col_int(st, 4) != 0)
            sim_broken(s, "I18", "event %lld did %lld things, and not %zu", (long long)number,
                       (long long)db_col_int(st, 2), acts_of(h));
        rung[alarm_of((int)number)] += h == ALARM;
        fired[alarm_of((int)number)] += h == ALARM && db_col_int(st, 3) == EVENT_FIRED;
    }
    for (size_t i = 0; i < s->n_events; i++)
        answered += s->events[i] != 0;
    if (there != answered)
        sim_broken(s, "I18", "%zu events were answered, %zu of them are there", answered, there);
    for (int i = 0; i < ALARMS; i++)
        if (fired[i] != (rung[i] > 0))
            sim_broken(s, "I18", "alarm %d rang %u times and was told %u times", i, rung[i], fired[i]);
}

static void check_texts(struct sim *s) {
    static const char lost[] =
        "SELECT o.message_id, b.name FROM event_outcome AS o JOIN business_event AS b ON "
        "b.id=o.event_id WHERE o.did=1 AND NOT EXISTS (SELECT 1 FROM message WHERE "
        "id=o.message_id)";
    static const char twice[] =
        "SELECT body, count(*) FROM message WHERE body LIKE 'event %' GROUP BY body HAVING count(*)>1";
    static const char stray[] = "SELECT body FROM message WHERE body LIKE 'event %' AND id NOT IN (SELECT "
                                "message_id FROM event_outcome WHERE did=1)";
    struct db_stmt *st = query(s, lost);
    while (next(st))
        if (!may_be_gone(s, db_col_int(st, 0)))
            sim_broken(s, "I18", "event %.*s fired a text that is not there", SV_FMT(db_col_text(st, 1)));
    st = query(s, twice);
    while (next(st))
        sim_broken(s, "I18", "fired %lld times: %.*s", (long long)db_col_int(st, 1),
                   SV_FMT(db_col_text(st, 0)));
    st = query(s, stray);
    while (next(st))
        sim_broken(s, "I18", "no event fired: %.*s", SV_FMT(db_col_text(st, 0)));
}

/* Each event that was gathered is in one text, which counts right. */
static void check_digests(struct sim *s) {
    static const char texts[] = "SELECT m.body, (SELECT count(*) FROM event_outcome WHERE did=3 AND "
                                "message_id=m.id) FROM message AS m WHERE m.body LIKE 'digest %'";
    static const char open[] =
        "SELECT (SELECT count(*) FROM event_outcome WHERE did=3 AND message_id IS NULL), "
        "(SELECT count(*) FROM digest_item)";
    struct db_stmt *st = query(s, texts);
    while (next(st)) {
        struct sv rest = sv_from(db_col_text(st, 0), sizeof "digest of " - 1);
        int64_t n;
        ASSERT(sv_to_i64(sv_cut(&rest, ','), &n));
        if (n != db_col_int(st, 1))
            sim_broken(s, "I18", "a digest of %lld events has %lld", (long long)n,
                       (long long)db_col_int(st, 1));
    }
    st = query(s, open);
    ASSERT(next(st));
    if (db_col_int(st, 0) != 0 || db_col_int(st, 1) != 0)
        sim_broken(s, "I18", "%lld gathered events are in no digest, %lld of them wait",
                   (long long)db_col_int(st, 0), (long long)db_col_int(st, 1));
    db_end(st);
}

void sim_events_end(struct sim *s) {
    if (!sim_events_has(s))
        return;
    s->calm = true;
    check_whole(s);
    check_texts(s);
    check_digests(s);
}
