/* Business events on disk: all of one is written or nothing, once; what was withdrawn begins no attempt;
 * digests. */
#include "../base/check.h"
#include "kit.h"

static struct event_outcome outcomes[64];

static struct message *made_by_rule(struct kit_shelf *s, int64_t id) {
    struct message *m = kit_message(id, "hello", "");
    m->face = FACE_RULE;
    return s->messages[s->n++] = m;
}

static struct event_write event_of(int64_t id, const char *name) {
    return (struct event_write){.account_id = 1,
                                .id = id,
                                .source = SV("shop"),
                                .name = sv_of(name),
                                .type = SV("order.paid"),
                                .data = SV("{}"),
                                .at = KIT_NOW,
                                .outcomes = outcomes,
                                .outcomes_max = 64};
}

static enum job_result do_event(struct kit_shelf *s, struct event_write *w, struct job *part) {
    struct job j = {
        .kind = JOB_EVENT, .business = w, .now = KIT_NOW, .parts = &part, .n_parts = part ? 1 : 0};
    return kit_do(s->journal, &j);
}

/* An event whose rule `r` makes message `id`, tied by `key`. */
static enum job_result fire(struct kit_shelf *s, int64_t id, const char *name, const char *key,
                            const char *dedupe) {
    struct event_write w = event_of(id * 100, name);
    struct event_act act = {.rule = SV("r"),
                            .did = EVENT_FIRED,
                            .key = sv_of(key),
                            .dedupe = sv_of(dedupe),
                            .dedupe_us = US_PER_S};
    struct job part = kit_put(made_by_rule(s, id), STATE_SCHEDULED, KIT_NOW + US_PER_S);
    w.acts = &act;
    w.n_acts = 1;
    enum job_result result = do_event(s, &w, &part);
    if (result == JOB_DONE)
        part.message->head = part.change.next;
    return result;
}

static enum job_result withdraw(struct kit_shelf *s, int64_t id, const char *key) {
    const struct event_withdrawal d = {.rule = SV("r"), .key = sv_of(key)};
    struct event_write w = event_of(id, "");
    w.withdrawals = &d;
    w.n_withdrawals = 1;
    return do_event(s, &w, NULL);
}

static void test_event__the_same_name_again_changes_nothing(void **state) {
    struct kit_shelf *s = *state;
    struct buf BUF_AUTO before = BUF_INIT(1 << 20), BUF_AUTO after = BUF_INIT(1 << 20);
    assert_int_equal(fire(s, 1, "a", "k", ""), JOB_DONE);
    kit_picture(s->db, &before);
    assert_int_equal(fire(s, 2, "a", "k", ""), JOB_DUPLICATE);
    kit_picture(s->db, &after);
    assert_string_equal(before.p, after.p);
    assert_int_equal(fire(s, 3, "b", "k", ""), JOB_DONE);
    assert_int_equal(fire(s, 4, "", "k", ""), JOB_DONE);
    assert_int_equal(fire(s, 5, "", "k", ""), JOB_DONE);
}

static void test_event__a_dedupe_key_is_taken_once(void **state) {
    struct kit_shelf *s = *state;
    assert_int_equal(fire(s, 1, "", "", "pump"), JOB_DONE);
    assert_int_equal(outcomes[0].did, EVENT_FIRED);
    assert_int_equal(fire(s, 2, "", "", "pump"), JOB_DONE);
    assert_int_equal(outcomes[0].did, EVENT_DEDUPED);
    assert_int_equal(fire(s, 3, "", "", "fan"), JOB_DONE);
    assert_int_equal(outcomes[0].did, EVENT_FIRED);
    struct rule_count n;
    struct err e = ERR_INIT;
    assert_true(events_count(s->db, 1, SV("r"), &n, &e));
    assert_int_equal(n.matched, 3);
    assert_int_equal(n.fired, 2);
    assert_int_equal(n.suppressed, 1);
}

static void test_event__a_message_that_may_not_be_sent_takes_the_event_back(void **state) {
    struct kit_shelf *s = *state;
    struct buf BUF_AUTO before = BUF_INIT(1 << 20), BUF_AUTO after = BUF_INIT(1 << 20);
    const struct suppression row = {.account_id = 1,
                                    .number = SV("+8613800138000"),
                                    .kind = SUPPRESSION_OPT_OUT,
                                    .source = SUPPRESSION_BY_API};
    struct suppression_write w = {
        .write = {.run = suppression_run}, .act = SUPPRESSION_ADD, .rows = &row, .n = 1};
    struct job j = {.kind = JOB_WRITE, .write = &w.write, .now = KIT_NOW};
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
    kit_picture(s->db, &before);
    assert_int_equal(fire(s, 1, "a", "k", "d"), JOB_SUPPRESSED);
    kit_picture(s->db, &after);
    assert_string_equal(before.p, after.p);
}

static void test_withdrawn__what_is_begins_no_attempt(void **state) {
    struct kit_shelf *s = *state;
    assert_int_equal(fire(s, 1, "", "k", ""), JOB_DONE);
    assert_int_equal(fire(s, 2, "", "other", ""), JOB_DONE);
    assert_int_equal(withdraw(s, 900, "k"), JOB_DONE);
    assert_int_equal(outcomes[0].did, EVENT_CANCELED);
    assert_int_equal(outcomes[0].message_id, 1);
    for (int i = 0; i < 2; i++) {
        struct job j = kit_move(s->messages[i], STATE_SENDING, KIT_NOW);
        kit_begin(&j, "main", KIT_NOW);
        assert_int_equal(kit_do(s->journal, &j), i == 0 ? JOB_SUPPRESSED : JOB_DONE);
        if (i == 0)
            assert_int_equal(j.why, REASON_CANCELED);
    }
    assert_int_equal(withdraw(s, 901, "other"), JOB_DONE);
    assert_int_equal(outcomes[0].did, EVENT_TOO_LATE);
}

static void gather(struct kit_shelf *s, int64_t id, const char *key) {
    struct event_write w = event_of(id, "");
    struct event_act act = {.rule = SV("r"),
                            .did = EVENT_DIGESTED,
                            .key = sv_of(key),
                            .part = -1,
                            .to = SV("+8613800138000"),
                            .vars = SV("{}"),
                            .digest_due_at = KIT_NOW + US_PER_S};
    w.acts = &act;
    w.n_acts = 1;
    assert_int_equal(do_event(s, &w, NULL), JOB_DONE);
}

static enum job_result make_digest(struct kit_shelf *s, int64_t id, const struct digest_row *row) {
    const struct event_digest d = {.rule = row->rule,
                                   .recipient = row->recipient,
                                   .last_event = row->last_event,
                                   .n_items = (unsigned)row->n_items};
    struct event_write w = {.account_id = 1, .digest = &d};
    struct job part = kit_put(made_by_rule(s, id), STATE_QUEUED, KIT_NOW);
    return do_event(s, &w, &part);
}

static void test_digest__it_has_what_was_read_or_is_not_made(void **state) {
    struct kit_shelf *s = *state;
    struct digest_row *row = calloc(1, sizeof *row);
    struct err e = ERR_INIT;
    bool found;
    ARENA_AUTO struct arena a;
    arena_init(&a, 1 << 20);
    assert_non_null(row);
    gather(s, 100, "x");
    gather(s, 101, "");
    assert_true(events_due_digest(s->db, KIT_NOW, &a, row, &found, &e));
    assert_false(found);
    assert_true(events_due_digest(s->db, KIT_NOW + US_PER_S, &a, row, &found, &e));
    assert_true(found);
    assert_int_equal(row->n_items, 2);
    assert_int_equal(withdraw(s, 900, "x"), JOB_DONE);
    assert_int_equal(outcomes[0].did, EVENT_UNGATHERED);
    assert_int_equal(make_digest(s, 1, row), JOB_ABSENT);
    assert_true(events_due_digest(s->db, KIT_NOW + US_PER_S, &a, row, &found, &e));
    assert_int_equal(row->n_items, 1);
    gather(s, 102, ""); /* after it was read: it waits for the next text */
    assert_int_equal(make_digest(s, 2, row), JOB_DONE);
    assert_int_equal(make_digest(s, 3, row), JOB_ABSENT);
    assert_true(events_due_digest(s->db, KIT_NOW, &a, row, &found, &e));
    assert_true(found);
    assert_int_equal(row->n_items, 1);
    assert_int_equal(make_digest(s, 4, row), JOB_DONE);
    assert_true(events_due_digest(s->db, INT64_MAX, &a, row, &found, &e));
    assert_false(found);
    struct event_row stored;
    assert_true(events_load(s->db, 1, 101, &a, &stored, &e));
    assert_int_equal(stored.outcomes[0].message_id, 2);
    free(row);
}

/* Two events, each gathered for two; the second one's items as an older program wrote them. */
static void test_digest__each_outcome_tells_of_its_own_recipients_text(void **state) {
    struct kit_shelf *s = *state;
    struct digest_row *row = calloc(1, sizeof *row);
    struct err e = ERR_INIT;
    ARENA_AUTO struct arena a;
    arena_init(&a, 1 << 20);
    assert_non_null(row);
    static const char forget[] = "UPDATE digest_item SET outcome=NULL WHERE event_id=101";
    for (int64_t id = 100; id <= 101; id++) {
        struct event_act acts[2];
        struct event_write w = event_of(id, "");
        for (int i = 0; i < 2; i++)
            acts[i] = (struct event_act){.rule = SV("r"),
                                         .did = EVENT_DIGESTED,
                                         .part = -1,
                                         .to = i ? SV("+8613800138000") : SV("+8613800138001"),
                                         .vars = SV("{}"),
                                         .digest_due_at = KIT_NOW + (2 - i) * US_PER_S};
        w.acts = acts;
        w.n_acts = 2;
        assert_int_equal(do_event(s, &w, NULL), JOB_DONE);
    }
    assert_true(db_run(db_stmt(s->db, forget, &e), &e));
    for (int64_t id = 1; id <= 2; id++) {
        bool found;
        assert_true(events_due_digest(s->db, INT64_MAX, &a, row, &found, &e) && found);
        assert_true(sv_eq(row->recipient, id == 1 ? SV("+8613800138000") : SV("+8613800138001")));
        assert_int_equal(make_digest(s, id, row), JOB_DONE);
    }
    for (int64_t id = 100; id <= 101; id++) {
        struct event_row stored;
        assert_true(events_load(s->db, 1, id, &a, &stored, &e));
        assert_int_equal(stored.n_outcomes, 2);
        /* Of the older program's, the first text made is the first outcome's: nothing else tells them apart.
         */
        assert_int_equal(stored.outcomes[0].message_id, id == 100 ? 2 : 1);
        assert_int_equal(stored.outcomes[1].message_id, id == 100 ? 1 : 2);
    }
    free(row);
}

static void test_prune__events_go_by_age_and_their_ids_are_not_given_again(void **state) {
    struct kit_shelf *s = *state;
    struct err e = ERR_INIT;
    struct event_row row;
    ARENA_AUTO struct arena a;
    arena_init(&a, 1 << 20);
    assert_int_equal(fire(s, 1, "a", "k", "d"), JOB_DONE);
    struct job j = {.kind = JOB_PRUNE, .now = KIT_NOW + 86400 * US_PER_S, .limit = 100, .events_floor = 101};
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
    assert_false(events_load(s->db, 1, 100, &a, &row, &e));
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_int_equal(fire(s, 2, "a", "k", "d"), JOB_DONE);
}

/* Rows that a driver gathers stand on one side of a savepoint or on the other, as they were put. */
static void put_count(struct db *db, int64_t account_id) {
    static const char sql[] =
        "INSERT INTO rule_count (account_id, rule, matched, fired, suppressed, errors, canceled, last_at) "
        "VALUES (?,?,?,?,?,?,?,?)";
    struct err e = ERR_INIT;
    struct db_stmt *s = db_stmt(db, sql, &e);
    db_int(s, account_id);
    db_text(s, SV("r"));
    for (int i = 0; i < 6; i++)
        db_int(s, 1);
    assert_true(db_put(s, &e));
}

static void say(struct db *db, const char *sql) {
    struct err e = ERR_INIT;
    assert_true(db_run(db_stmt(db, sql, &e), &e));
}

static void test_savepoint__takes_back_what_was_put_behind_it_and_nothing_else(void **state) {
    struct db *db = ((struct kit_shelf *)*state)->db;
    struct err e = ERR_INIT;
    bool row;
    int64_t sum = 0;
    assert_true(db_begin(db, &e));
    put_count(db, 1);
    for (int i = 0; i < 2; i++) {
        say(db, "SAVEPOINT event");
        put_count(db, 2);
        if (i == 0) /* what is seen by a statement is written */
            say(db, "DELETE FROM rule_count WHERE account_id=7");
        put_count(db, 4);
        say(db, "ROLLBACK TO event");
        say(db, "RELEASE event");
    }
    put_count(db, 8);
    say(db, "SAVEPOINT event");
    put_count(db, 2);
    say(db, "RELEASE event");
    assert_true(db_commit(db, &e));
    struct db_stmt *s = db_stmt(db, "SELECT account_id FROM rule_count", &e);
    while (db_next(s, &row, &e) && row)
        sum += db_col_int(s, 0);
    assert_int_equal(sum, 1 + 8 + 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_event__the_same_name_again_changes_nothing, kit_open_shelf,
                                        kit_close_shelf),
        cmocka_unit_test_setup_teardown(test_event__a_dedupe_key_is_taken_once, kit_open_shelf,
                                        kit_close_shelf),
        cmocka_unit_test_setup_teardown(test_savepoint__takes_back_what_was_put_behind_it_and_nothing_else,
                                        kit_open_shelf, kit_close_shelf),
        cmocka_unit_test_setup_teardown(test_event__a_message_that_may_not_be_sent_takes_the_event_back,
                                        kit_open_shelf, kit_close_shelf),
        cmocka_unit_test_setup_teardown(test_withdrawn__what_is_begins_no_attempt, kit_open_shelf,
                                        kit_close_shelf),
        cmocka_unit_test_setup_teardown(test_digest__it_has_what_was_read_or_is_not_made, kit_open_shelf,
                                        kit_close_shelf),
        cmocka_unit_test_setup_teardown(test_digest__each_outcome_tells_of_its_own_recipients_text,
                                        kit_open_shelf, kit_close_shelf),
        cmocka_unit_test_setup_teardown(test_prune__events_go_by_age_and_their_ids_are_not_given_again,
                                        kit_open_shelf, kit_close_shelf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
