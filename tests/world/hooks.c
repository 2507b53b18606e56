/* Webhooks in the world: in two seeds of three, account 1 has two endpoints. The first stays; the second is
 * disabled, enabled and replayed at any time. What they are is drawn apart, so that the other seeds stay what
 * they were. */
#include "world.h"

#include "base/clock.h"

#include <string.h>

enum { STEADY = 1, OTHER = 2, SECRET_SEALED = 60, GIVE_UP_S = 120 };

bool hooks_has(const struct sim *s) {
    return siphash((struct sip_key){.k0 = s->seed, .k1 = 9}, SV("hooks")) % 3 != 0;
}

static uint64_t event_key(const struct delivery_key *k) {
    return siphash((struct sip_key){.k0 = (uint64_t)k->hook_id, .k1 = k->event},
                   sv_make((const char *)&k->subject_id, sizeof k->subject_id));
}

void hooks_settings(struct settings *set) {
    set->webhooks.timeout_ms = 5000;
    set->webhooks.window = 4;
    set->webhooks.give_up_s = GIVE_UP_S;
    set->webhooks.disable_s = 86400;
    set->webhooks.keep_s = 86400;
}

void hooks_open(struct sim *s) {
    static const char sql[] =
        "INSERT INTO webhook (id, account_id, url, types, secret, created_at, updated_at) VALUES "
        "(1, 1, 'http://steady.test/', '*', zeroblob(60), 0, 0), (2, 1, 'http://other.test/', "
        "'message.sent' || char(10) || 'message.delivered', zeroblob(60), 0, 0)";
    struct err e;
    if (hooks_has(s))
        ASSERT(db_script(s->db, sql, &e));
}

bool hooks_open_secret(void *ctx, struct sv sealed, char out[HOOK_SECRET_BYTES_MAX]) {
    (void)ctx;
    ASSERT(sealed.n == SECRET_SEALED);
    memset(out, 's', HOOK_SECRET_BYTES_MAX);
    return true;
}

/* What is said is on disk, and nothing that comes before it is still owed. A notice may have the number of a
 * message, when a crash came within a millisecond: it is event 0, and no event of that message. */
void hooks_check_call(struct sim *s, const struct call *c) {
    static const char sql[] =
        "SELECT m.id, e.state, e.note, (SELECT count(*) FROM delivery AS d WHERE d.webhook_id=?1 AND "
        "d.subject_id=?2 AND d.event>0 AND d.event<?3 AND d.due_at IS NOT NULL) FROM message AS m LEFT JOIN "
        "event AS e ON "
        "e.message_id=m.id AND e.number=?3 WHERE m.id=?2";
    const struct delivery_due *d = c->delivery;
    bool row;
    struct err e;
    struct db_stmt *st = db_stmt(s->db, sql, &e);
    ASSERT(st);
    db_int(st, d->key.hook_id);
    db_int(st, d->key.subject_id);
    db_int(st, d->key.event);
    s->calm = true;
    ASSERT(db_next(st, &row, &e));
    s->calm = false;
    if (row && d->key.event && ((unsigned)db_col_int(st, 1) != d->type || db_col_int(st, 2) != 0))
        sim_broken(s, "I10", "a webhook is told that message %llx is %s, event %u does not say so",
                   (unsigned long long)d->key.subject_id, hook_type_name(d->type), d->key.event);
    if (row && d->key.hook_id == STEADY && db_col_int(st, 3) != 0)
        sim_broken(s, "I10", "event %u of message %llx goes to a webhook while an earlier one is owed",
                   d->key.event, (unsigned long long)d->key.subject_id);
    db_end(st);
}

void hooks_answer(struct sim *s, const struct call *c, struct http_response *r) {
    const struct delivery_key *k = &c->delivery->key;
    uintptr_t before = (uintptr_t)map_get(&s->hook_posts, event_key(k));
    struct delivery_key last_of = {.hook_id = -k->hook_id, .subject_id = k->subject_id};
    uintptr_t last = (uintptr_t)map_get(&s->hook_posts, event_key(&last_of));
    bool fails = sim_chance(s, s->client_fails);
    if (!fails && !(before & 1) && k->hook_id == STEADY && k->event) { /* a notice stands alone */
        if (k->event < last)
            sim_broken(s, "I10", "a webhook took event %u of message %llx after event %u", k->event,
                       (unsigned long long)k->subject_id, (unsigned)last);
        map_put(&s->hook_posts, event_key(&last_of), (void *)(uintptr_t)k->event);
    }
    map_put(&s->hook_posts, event_key(k), (void *)((before + 2) | !fails));
    *r = (struct http_response){.transport = fails && sim_chance(s, 50) ? HTTP_CUT : HTTP_ANSWERED,
                                .status = fails ? 500 : 204,
                                .elapsed_us = 1000};
}

void hooks_change(struct sim *s) {
    static const enum hook_act acts[] = {HOOK_DISABLE, HOOK_ENABLE, HOOK_ENABLE, HOOK_REPLAY};
    if (!hooks_has(s))
        return;
    struct hook_write *w = calloc(1, sizeof *w); /* to the second; the ask's */
    struct ask *a = calloc(1, sizeof *a);
    ASSERT(w && a);
    w->act = acts[sim_random(s) % 4];
    w->hook = (struct webhook){.id = OTHER,
                               .account_id = 1,
                               .status = HOOK_BY_CALLER,
                               .replay_since = s->now - (int64_t)(sim_random(s) % 60) * US_PER_S};
    *a = (struct ask){
        .kind = ASK_HOOK, .reply_to = s->p->replies, .lost = client_forget, .owner = w, .hook = w};
    sim_say(s, "webhook act %d", w->act);
    client_ask(s, a);
}

/* Of what recipients said by API one notice is owed for each word, and none is left to be told. */
static void check_consents_told(struct sim *s) {
    static const char sql[] =
        "SELECT (SELECT count(*) FROM consent WHERE untold IS NOT NULL), (SELECT count(*) "
        "FROM consent), (SELECT count(*) FROM delivery WHERE webhook_id=1 AND event=0)";
    struct err e;
    bool row;
    struct db_stmt *st = db_stmt(s->db, sql, &e);
    ASSERT(st);
    bool ok = db_next(st, &row, &e);
    ASSERT(ok && row);
    if (db_col_int(st, 0) != 0 || db_col_int(st, 1) != db_col_int(st, 2))
        sim_broken(s, "I10", "of %lld words of recipients a webhook was told %lld; %lld are left",
                   (long long)db_col_int(st, 1), (long long)db_col_int(st, 2), (long long)db_col_int(st, 0));
    db_end(st);
}

/* Where the endpoint is well at the end, every event was taken there, or given up after all that time. */
static void check_told(struct sim *s, int64_t id, const struct event *ev) {
    static const char sql[] = "SELECT outcome, tried_at-created_at FROM delivery WHERE webhook_id=1 AND "
                              "subject_id=? AND event=?";
    struct err e;
    bool row;
    struct db_stmt *st = db_stmt(s->db, sql, &e);
    ASSERT(st);
    db_int(st, id);
    db_int(st, ev->number);
    s->calm = true;
    bool ok = db_next(st, &row, &e);
    s->calm = false;
    ASSERT(ok);
    const struct delivery_key k = {STEADY, id, ev->number};
    int64_t outcome = row ? db_col_int(st, 0) : DELIVERY_OWED;
    bool taken = ((uintptr_t)map_get(&s->hook_posts, event_key(&k)) & 1) != 0;
    bool given_up = outcome == DELIVERY_GIVEN_UP && db_col_int(st, 1) >= GIVE_UP_S * US_PER_S;
    if (!(outcome == DELIVERY_TAKEN && taken) && !given_up)
        sim_broken(s, "I10", "event %u of message %llx: the webhook %s it, the log says %s", k.event,
                   (unsigned long long)k.subject_id, taken ? "took" : "never took",
                   delivery_outcome_name((enum delivery_outcome)outcome));
    db_end(st);
}

void sim_hooks_end(struct sim *s) {
    static const char sql[] = "SELECT id FROM message WHERE account_id=1";
    struct err e;
    if (!hooks_has(s) || s->client_fails)
        return;
    s->calm = true;
    check_consents_told(s);
    struct db_stmt *st = db_stmt(s->db, sql, &e);
    ASSERT(st);
    for (bool row;;) {
        s->calm = true;
        bool ok = db_next(st, &row, &e);
        s->calm = false;
        ASSERT(ok);
        if (!row)
            return;
        struct event *events;
        int64_t id = db_col_int(st, 0);
        size_t n = oracle_history(s, 1, id, &events);
        for (size_t i = 0; i < n; i++)
            if (!events[i].note)
                check_told(s, id, &events[i]);
        free(events);
    }
}
