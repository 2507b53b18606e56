/* The events of a message as they are read, with rows of their own or told by an attempt, held against what
 * happened. */
#include "../base/check.h"
#include "kit.h"
#include "model/id.h"
#include "store/history.h"

enum { EVENTS = 64, MESSAGES = 400, ACCOUNT = 1, HOOK = 5 };

static struct db *db;
static struct journal *journal;
static uint64_t seed;

/* What happened to one message. */
struct tale {
    struct message *m;
    struct attempt attempt;
    struct event told[EVENTS];
    size_t n;
    int64_t now;
};

static int open_all(void **state) {
    (void)state;
    struct err e = ERR_INIT;
    seed = 7;
    db = kit_db();
    journal = journal_new(db, &e);
    return db && journal ? 0 : 1;
}

static int close_all(void **state) {
    (void)state;
    journal_free(journal);
    db_close(db);
    return 0;
}

static unsigned dice(unsigned n) {
    return (unsigned)(kit_random(&seed) % n);
}

static void create_hook(void) {
    struct hook_write w = {.act = HOOK_CREATE,
                           .hook = {.id = HOOK,
                                    .account_id = ACCOUNT,
                                    .url = SV("https://example.com/"),
                                    .types = SV("*"),
                                    .secret = {.n = 60}}};
    struct job job = {.kind = JOB_HOOK, .hook = &w, .now = KIT_NOW};
    assert_int_equal(kit_do(journal, &job), JOB_DONE);
}

static int64_t rows_of(int64_t id) {
    struct err e = ERR_INIT;
    struct db_stmt *s = db_stmt(db, "SELECT count(*) FROM event WHERE message_id=?", &e);
    bool row;
    db_int(s, id);
    assert_true(db_next(s, &row, &e) && row);
    int64_t n = db_col_int(s, 0);
    db_end(s);
    return n;
}

static void move(struct tale *t, struct job *j, enum state to, enum reason why) {
    change_move(&j->change, to, why, t->now);
    j->change.next.due_at = state_is_terminal(to) ? 0 : t->now;
}

/* As the core does it (core_begin_attempt). */
static void begin(struct tale *t, struct job *j) {
    struct change *c = &j->change;
    move(t, j, STATE_SENDING, REASON_NONE);
    kit_begin(j, "main", t->now);
    c->events[c->n_events - 1].attempt = c->next.attempts;
}

/* As dispatch/settle does it. */
static void end(struct tale *t, struct job *j, enum fate fate, int32_t code) {
    struct change *c = &j->change;
    c->attempt = t->attempt;
    kit_end(j, fate, "id", t->now);
    c->attempt.code = c->next.code = code;
}

static void store(struct tale *t, struct job *j) {
    j->now = t->now;
    assert_int_equal(kit_do(journal, j), JOB_DONE);
    if (j->change.attempt_begins || j->change.attempt_ends)
        t->attempt = j->change.attempt;
    for (unsigned i = 0; i < j->change.n_events; i++)
        t->told[t->n++] = j->change.events[i];
}

static struct job next(struct tale *t) {
    t->now += US_PER_S;
    return (struct job){.kind = JOB_MOVE, .message = t->m, .change = change_of(t->m)};
}

static void put(struct tale *t, int64_t id, bool at_once) {
    *t = (struct tale){.m = kit_message(id, "x", NULL), .now = KIT_NOW};
    struct job j = {.kind = JOB_PUT, .message = t->m, .change = change_of(t->m)};
    change_move(&j.change, STATE_ACCEPTED, REASON_NONE, t->now);
    if (at_once)
        begin(t, &j);
    else
        move(t, &j, STATE_QUEUED, REASON_LANE_FULL);
    store(t, &j);
}

static void sent(struct tale *t, int32_t code) {
    struct job j = next(t);
    end(t, &j, FATE_SENT, code);
    move(t, &j, STATE_SENT, REASON_NONE);
    j.change.attempt_was_taken = true;
    store(t, &j);
}

static void check(const struct tale *t) {
    struct event *events;
    struct err e = ERR_INIT;
    size_t n;
    assert_true(history_read(db, ACCOUNT, t->m->id, HISTORY_ALL, &events, &n, &e));
    assert_int_equal(n, t->n);
    for (size_t i = 0; i < n; i++) {
        const struct event *a = &events[i], *b = &t->told[i];
        if (a->number != b->number || a->at != b->at || a->state != b->state || a->reason != b->reason ||
            a->attempt != b->attempt || a->code != b->code || a->note != b->note)
            fail_msg("message %lld, event %zu: %s at %lld, attempt %u, code %d; but it was %s at %lld, "
                     "attempt %u, code %d",
                     (long long)t->m->id, i + 1, state_name(a->state), (long long)a->at, a->attempt, a->code,
                     state_name(b->state), (long long)b->at, b->attempt, b->code);
    }
    free(events);
}

static void test_history__a_message_that_goes_at_once_and_is_taken_has_no_rows(void **state) {
    (void)state;
    struct tale t;
    put(&t, 1, true);
    check(&t);
    sent(&t, 7);
    check(&t);
    assert_int_equal(rows_of(1), 0);
    struct job j = next(&t);
    move(&t, &j, STATE_DELIVERED, REASON_NONE);
    store(&t, &j);
    check(&t);
    assert_int_equal(rows_of(1), 1);
    message_free(t.m);
}

static void test_history__what_somebody_is_owed_has_rows(void **state) {
    (void)state;
    struct tale t;
    create_hook();
    put(&t, 1, true);
    sent(&t, 0);
    check(&t);
    assert_int_equal(rows_of(1), 3);
    message_free(t.m);
}

static void test_history__a_callback_has_the_row_of_its_event(void **state) {
    (void)state;
    struct tale t;
    put(&t, 1, true);
    struct job j = next(&t);
    end(&t, &j, FATE_SENT, 0);
    move(&t, &j, STATE_SENT, REASON_NONE);
    j.change.attempt_was_taken = true;
    kit_owe(&j, t.now);
    store(&t, &j);
    check(&t);
    assert_int_equal(rows_of(1), 1);
    message_free(t.m);
}

/* The receipt's change ends the attempt, too, and the answer that comes then writes it once more. */
static void test_history__a_receipt_faster_than_the_answer_keeps_its_own_time(void **state) {
    (void)state;
    struct tale t;
    put(&t, 1, true);
    struct job receipt = next(&t);
    end(&t, &receipt, FATE_SENT, 3);
    move(&t, &receipt, STATE_SENT, REASON_NONE);
    store(&t, &receipt);
    struct job answer = next(&t);
    end(&t, &answer, FATE_SENT, 9);
    store(&t, &answer);
    check(&t);
    message_free(t.m);
}

static void test_history__only_the_first_that_were_asked_for_and_of_ones_own_account(void **state) {
    (void)state;
    struct tale t;
    struct event *events;
    struct err e = ERR_INIT;
    size_t n;
    put(&t, 1, true);
    sent(&t, 0);
    assert_true(history_read(db, ACCOUNT, 1, 2, &events, &n, &e));
    assert_int_equal(n, 2);
    assert_int_equal(events[1].state, STATE_SENDING);
    free(events);
    assert_true(history_read(db, ACCOUNT + 1, 1, 2, &events, &n, &e));
    assert_int_equal(n, 0);
    assert_null(events);
    message_free(t.m);
}

/* A webhook that was not there yet when it happened is told by a replay, with the times of the events. */
static void test_history__is_replayed_whole(void **state) {
    (void)state;
    struct tale t;
    int64_t id = (KIT_NOW / US_PER_MS - INT64_C(1704067200000)) << 22;
    put(&t, id, true);
    sent(&t, 4);
    create_hook();
    struct hook_write w = {.act = HOOK_REPLAY,
                           .hook = {.id = HOOK, .account_id = ACCOUNT, .replay_until = id + 1}};
    struct job replay = {.kind = JOB_HOOK, .hook = &w, .now = KIT_NOW};
    assert_int_equal(kit_do(journal, &replay), JOB_DONE);
    struct job page = {.kind = JOB_HOOK_REPLAY, .id = HOOK, .now = t.now, .limit = 10};
    assert_int_equal(kit_do(journal, &page), JOB_DONE);
    for (size_t i = 0; i < t.n; i++) {
        struct job scan = {.kind = JOB_HOOK_SCAN, .id = HOOK, .now = t.now, .limit = 10};
        assert_int_equal(kit_do(journal, &scan), JOB_DONE);
        assert_int_equal(scan.n_deliveries, 1);
        const struct delivery_due *d = &scan.deliveries[0];
        assert_int_equal(d->key.event, t.told[i].number);
        assert_int_equal(d->at, t.told[i].at);
        assert_int_equal(d->state, t.told[i].state);
        assert_int_equal(d->code, t.told[i].code);
        struct delivery_try tried = {.key = d->key, .outcome = DELIVERY_TAKEN, .tries = 1, .tried_at = t.now};
        struct job done = {.kind = JOB_HOOK_TRIED, .tried = &tried, .now = t.now};
        assert_int_equal(kit_do(journal, &done), JOB_DONE);
        delivery_done(&scan.deliveries[0]);
        free(scan.deliveries);
    }
    message_free(t.m);
}

/* One step of a life: what calls, receipts, look-ups and rubbish may do next. */
static void step(struct tale *t) {
    struct job j = next(t);
    struct change *c = &j.change;
    int32_t code = (int32_t)dice(2) * 30001;
    if (dice(5) == 0) {
        change_note(c, STATE_DELIVERED, REASON_OTHER_PROVIDER_ID, code, t->now);
    } else if (t->m->head.state == STATE_SENDING && dice(2)) {
        sent(t, code);
        return;
    } else if (t->m->head.state == STATE_SENDING && dice(2)) {
        end(t, &j, FATE_UNKNOWN, code);
        move(t, &j, STATE_UNKNOWN, REASON_OUTCOME_UNKNOWN);
    } else if (t->m->head.state == STATE_SENDING && dice(2)) { /* a receipt was faster */
        end(t, &j, FATE_SENT, code);
        move(t, &j, STATE_SENT, REASON_NONE);
    } else if (t->m->head.state == STATE_SENDING) {
        end(t, &j, FATE_RETRY, code);
        move(t, &j, STATE_QUEUED, REASON_NONE);
    } else if (t->m->head.state == STATE_UNKNOWN) { /* looked up */
        end(t, &j, dice(2) ? FATE_SENT : FATE_RETRY, code);
        move(t, &j, c->attempt.fate == FATE_SENT ? STATE_SENT : STATE_QUEUED, REASON_NONE);
    } else if (t->m->head.state ==
               STATE_SENT) { /* its plan goes on, or the answer comes behind the receipt */
        if (dice(2))
            move(t, &j, STATE_QUEUED, REASON_NO_RECEIPT);
        else
            end(t, &j, t->attempt.fate, code);
        if (!c->n_events && t->m->head.events && t->attempt.fate == FATE_SENT)
            return; /* an attempt whose answer was taken has no second one */
    } else {
        begin(t, &j);
    }
    if (dice(8) == 0 && c->n_events)
        kit_owe(&j, t->now);
    store(t, &j);
}

static void test_history__any_life_is_read_as_it_was(void **state) {
    (void)state;
    int64_t rows = 0, events = 0;
    for (int64_t id = 1; id <= MESSAGES; id++) {
        struct tale t;
        put(&t, id, dice(2));
        for (unsigned left = dice(20); left; left--) {
            step(&t);
            if (left % 4 == 0)
                check(&t);
        }
        check(&t);
        rows += rows_of(id);
        events += (int64_t)t.n;
        message_free(t.m);
    }
    assert_in_range(rows, 1, events - MESSAGES);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_all, close_all)
        TEST(test_history__a_message_that_goes_at_once_and_is_taken_has_no_rows),
        TEST(test_history__what_somebody_is_owed_has_rows),
        TEST(test_history__a_callback_has_the_row_of_its_event),
        TEST(test_history__a_receipt_faster_than_the_answer_keeps_its_own_time),
        TEST(test_history__only_the_first_that_were_asked_for_and_of_ones_own_account),
        TEST(test_history__is_replayed_whole),
        TEST(test_history__any_life_is_read_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
