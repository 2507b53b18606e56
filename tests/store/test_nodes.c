/* Two processes on one database: the fence, taking over, whose message is whose, and parcels. */
#include "../base/check.h"
#include "kit.h"
#include "store/sending.h"

#include <string.h>

enum { LEASE_US = 10 * 1000 * 1000 };

struct shelf {
    struct db *db;
    struct process {
        struct node_self self;
        struct lease lease;
        struct journal *journal;
    } a, b;
    struct message *messages[8];
    size_t n;
    int64_t now;     /* of the database, and of every process' own clock */
    int64_t slow_us; /* goes by when a process has asked the database what time it is, once */
};

static int64_t now_of(void *shelf) {
    return ((struct shelf *)shelf)->now;
}

static int64_t db_now_of(void *shelf) {
    struct shelf *s = shelf;
    int64_t now = s->now;
    s->now += s->slow_us;
    s->slow_us = 0;
    return now;
}

static void join_as(struct shelf *s, struct process *p, int64_t incarnation, const struct node_self *before) {
    static const struct node_row card = {.name = "one", .version = "0", .address = "here"};
    struct err e = ERR_INIT;
    p->lease = (struct lease){.mono_us = now_of, .ctx = s};
    p->self = (struct node_self){.incarnation = incarnation,
                                 .lease_us = LEASE_US,
                                 .lease = &p->lease,
                                 .db_clock = db_now_of,
                                 .db_clock_ctx = s};
    assert_true(nodes_join(s->db, &p->self, &card, before, &e));
    journal_free(p->journal);
    p->journal = journal_new(s->db, &e);
    assert_non_null(p->journal);
    journal_join(p->journal, &p->self);
}

static int open_shelf(void **state) {
    struct shelf *s = calloc(1, sizeof *s);
    ASSERT(s);
    s->db = kit_db();
    s->now = KIT_NOW;
    join_as(s, &s->a, 11, NULL);
    join_as(s, &s->b, 22, NULL);
    *state = s;
    return 0;
}

static int close_shelf(void **state) {
    struct shelf *s = *state;
    for (size_t i = 0; i < s->n; i++)
        message_free(s->messages[i]);
    journal_free(s->a.journal);
    journal_free(s->b.journal);
    db_close(s->db);
    free(s);
    return 0;
}

static struct message *put(struct shelf *s, struct process *p, int64_t id, enum state state, int64_t due_at) {
    struct message *m = kit_message(id, "text", "");
    struct job j = kit_put(m, state, due_at);
    s->messages[s->n++] = m;
    assert_int_equal(kit_do(p->journal, &j), JOB_DONE);
    return m;
}

static struct job look(struct shelf *s, struct process *p) {
    struct job j = {.kind = JOB_NODES, .now = s->now, .limit = 8, .sending_until = s->now + 77};
    assert_int_equal(kit_do(p->journal, &j), JOB_DONE);
    return j;
}

static void done_looking(struct job *j) {
    free(j->parcels);
    free(j->woken);
}

static void let_a_expire(struct shelf *s) {
    for (int i = 0; i < 4; i++) { /* b is heard of all the time */
        s->now += LEASE_US / 3;
        struct job j = look(s, &s->b);
        done_looking(&j);
    }
}

static void test_nodes__each_gets_an_id_of_its_own_and_a_lease(void **state) {
    struct shelf *s = *state;
    assert_int_equal(s->a.self.id, 1);
    assert_int_equal(s->b.self.id, 2);
    assert_true(lease_holds(&s->a.lease));
    s->now += LEASE_US - LEASE_US / 8; /* shorter than the database grants it */
    assert_false(lease_holds(&s->a.lease));
}

static void test_join__that_took_longer_than_its_lease_is_renewed_before_others_see_it_ended(void **state) {
    struct shelf *s = *state;
    struct node_self before = s->a.self;
    s->slow_us = LEASE_US + 1; /* the row was locked, or the disk slow */
    join_as(s, &s->a, 33, &before);
    assert_int_equal(s->a.self.id, 1);
    assert_true(lease_holds(&s->a.lease));
    struct job j = look(s, &s->b);
    done_looking(&j);
    assert_int_equal(kit_number(s->db, "SELECT taken FROM node WHERE id=1"), 0);
    put(s, &s->a, 100, STATE_QUEUED, KIT_NOW);
}

static void test_fence__each_transaction_renews_the_lease_in_time(void **state) {
    struct shelf *s = *state;
    for (int i = 0; i < 20; i++) {
        s->now += LEASE_US / 4;
        put(s, &s->a, 100, STATE_QUEUED, 0);
        struct err e = ERR_INIT;
        assert_true(db_script(s->db, "DELETE FROM message; DELETE FROM event", &e));
        message_free(s->messages[--s->n]);
        assert_true(lease_holds(&s->a.lease));
    }
}

static void test_fence__a_node_that_was_taken_stores_nothing_any_more(void **state) {
    struct shelf *s = *state;
    put(s, &s->a, 100, STATE_QUEUED, KIT_NOW);
    let_a_expire(s);
    assert_int_equal(kit_number(s->db, "SELECT node FROM message WHERE id=100"), 2);
    struct message *m = kit_message(101, "late", "");
    struct job j = kit_put(m, STATE_QUEUED, KIT_NOW);
    s->messages[s->n++] = m;
    assert_int_equal(kit_do(s->a.journal, &j), JOB_FAILED);
    assert_non_null(strstr(j.err.text, "another node has taken over the work of node 1"));
    assert_true(atomic_load(&s->a.lease.lost));
    assert_int_equal(kit_number(s->db, "SELECT count(*) FROM message"), 1);
}

static void test_takeover__nobody_is_taken_while_its_lease_runs(void **state) {
    struct shelf *s = *state;
    s->now += LEASE_US - 1;
    struct job j = look(s, &s->b);
    assert_int_equal(j.news.n_taken, 0);
    assert_int_equal(j.news.alive, 2);
    done_looking(&j);
}

static void test_takeover__what_was_being_sent_is_open_for_an_attempt_more(void **state) {
    struct shelf *s = *state;
    struct message *m = put(s, &s->a, 100, STATE_QUEUED, KIT_NOW);
    put(s, &s->a, 101, STATE_QUEUED, KIT_NOW);
    struct job j = kit_move(m, STATE_SENDING, KIT_NOW + 5);
    kit_begin(&j, "main", KIT_NOW);
    assert_int_equal(kit_do(s->a.journal, &j), JOB_DONE);
    let_a_expire(s);
    assert_true(kit_number(s->db, "SELECT due_at FROM message WHERE id=100") > KIT_NOW + LEASE_US);
    assert_int_equal(kit_number(s->db, "SELECT due_at FROM message WHERE id=101"), KIT_NOW);
}

/* A message that goes out at once: its attempt begins with it, and it is due far (dispatch/settle.h). */
static void put_far(struct shelf *s, struct process *p, int64_t id) {
    struct message *m = kit_message(id, "text", "");
    struct job j = kit_put(m, STATE_SENDING, KIT_NOW + 900 * US_PER_S);
    s->messages[s->n++] = m;
    kit_begin(&j, "main", KIT_NOW);
    assert_int_equal(kit_do(p->journal, &j), JOB_DONE);
}

static int64_t due_at(struct shelf *s, int64_t id) {
    struct err e = ERR_INIT;
    struct db_stmt *st = db_stmt(s->db, "SELECT due_at FROM message WHERE id=?", &e);
    bool row;
    db_int(st, id);
    assert_true(db_next(st, &row, &e) && row);
    int64_t at = db_col_int(st, 0);
    db_end(st);
    return at;
}

static bool mark(struct process *p, int64_t at, int64_t last_id) {
    struct sending_write w = {.write.run = sending_run,
                              .node = p->self.id,
                              .mark = at,
                              .resumes = last_id != 0,
                              .last_id = last_id,
                              .longest_us = 13};
    struct job j = {.kind = JOB_WRITE, .write = &w.write, .now = KIT_NOW};
    assert_int_equal(kit_do(p->journal, &j), JOB_DONE);
    return w.resumed;
}

static void test_takeover__what_was_due_far_is_due_after_an_attempts_time(void **state) {
    struct shelf *s = *state;
    put_far(s, &s->a, 100);
    put_far(s, &s->b, 101);
    put(s, &s->a, 102, STATE_QUEUED, KIT_NOW + 900 * US_PER_S);
    let_a_expire(s);
    assert_in_range(due_at(s, 100) - KIT_NOW, LEASE_US, 2 * LEASE_US + 77);
    assert_int_equal(due_at(s, 101), KIT_NOW + 900 * US_PER_S);
    assert_int_equal(due_at(s, 102), KIT_NOW + 900 * US_PER_S);
}

static void test_loading__what_was_due_far_at_a_node_that_is_gone_is_due_soon(void **state) {
    struct shelf *s = *state;
    struct err e = ERR_INIT;
    put_far(s, &s->a, 100);
    assert_true(nodes_leave(s->db, &s->a.self, &e));
    struct job j = {.kind = JOB_LOAD, .id = 100, .now = s->now, .sending_until = s->now + 77};
    assert_int_equal(kit_do(s->b.journal, &j), JOB_DONE);
    assert_int_equal(j.loaded->head.due_at, s->now + 77);
    kit_forget(&j);
}

static void test_restart__finds_what_was_due_far_above_the_mark_and_of_its_own(void **state) {
    struct shelf *s = *state;
    const struct node_self before = s->a.self;
    put_far(s, &s->a, 99);
    assert_false(mark(&s->a, 100, 99)); /* without a mark there is nothing to be found */
    for (int64_t id = 100; id < 103; id++)
        put_far(s, id == 101 ? &s->b : &s->a, id);
    join_as(s, &s->a, 55, &before);
    put_far(s, &s->a, 103);
    assert_true(mark(&s->a, 103, 102));
    static const bool far[] = {true, false, true, false, true};
    for (int64_t id = 99; id < 104; id++)
        assert_int_equal(due_at(s, id), KIT_NOW + (far[id - 99] ? 900 * US_PER_S : 13));
    assert_false(mark(&s->a, 104, 102)); /* nor a second time */
}

static void test_restart__a_new_node_has_no_mark_of_the_one_before(void **state) {
    struct shelf *s = *state;
    struct err e = ERR_INIT;
    mark(&s->a, 100, 0);
    assert_true(nodes_leave(s->db, &s->a.self, &e));
    let_a_expire(s);
    join_as(s, &s->a, 44, NULL);
    assert_int_equal(s->a.self.id, 1);
    assert_int_equal(kit_number(s->db, "SELECT count(*) FROM meta WHERE name='sending_from_1'"), 0);
}

static void test_nodes__one_of_before_is_told_from_those_that_see_far(void **state) {
    struct shelf *s = *state;
    struct err e = ERR_INIT;
    struct job j = look(s, &s->b);
    assert_true(j.news.all_see_far);
    done_looking(&j);
    assert_true(db_script(s->db, "UPDATE node SET sees_far=0 WHERE id=1", &e));
    j = look(s, &s->b);
    assert_false(j.news.all_see_far);
    done_looking(&j);
    let_a_expire(s);
    j = look(s, &s->b);
    assert_true(j.news.all_see_far);
    done_looking(&j);
}

static void test_leaving__the_rest_is_the_others_at_once(void **state) {
    struct shelf *s = *state;
    struct err e = ERR_INIT;
    put(s, &s->a, 100, STATE_SCHEDULED, KIT_NOW + LEASE_US);
    assert_true(nodes_leave(s->db, &s->a.self, &e));
    struct job j = look(s, &s->b);
    assert_int_equal(j.news.messages, 0); /* the rows of before there were nodes come first */
    done_looking(&j);
    j = look(s, &s->b);
    assert_int_equal(j.news.from, 1);
    assert_int_equal(j.news.messages, 1);
    assert_true(j.news.moved && j.news.more);
    done_looking(&j);
    assert_int_equal(kit_number(s->db, "SELECT taken FROM node WHERE id=1"), NODE_EMPTY);
}

static void test_ids__one_is_given_again_when_its_work_is_moved(void **state) {
    struct shelf *s = *state;
    struct process third = {.journal = NULL};
    struct err e = ERR_INIT;
    assert_true(nodes_leave(s->db, &s->a.self, &e));
    join_as(s, &third, 33, NULL);
    assert_int_equal(third.self.id, 3);
    let_a_expire(s);
    join_as(s, &s->a, 44, NULL);
    assert_int_equal(s->a.self.id, 1);
    journal_free(third.journal);
}

static void test_restart__one_that_is_known_to_be_gone_is_replaced_with_its_work(void **state) {
    struct shelf *s = *state;
    put(s, &s->a, 100, STATE_QUEUED, KIT_NOW);
    const struct node_self before = s->a.self;
    join_as(s, &s->a, 55, &before);
    assert_int_equal(s->a.self.id, 1);
    assert_int_equal(kit_number(s->db, "SELECT node FROM message WHERE id=100"), 1);
    put(s, &s->a, 101, STATE_QUEUED, KIT_NOW);
    let_a_expire(s);
    const struct node_self taken = s->a.self;
    join_as(s, &s->a, 66, &taken); /* too late: the work is another's */
    assert_int_equal(kit_number(s->db, "SELECT node FROM message WHERE id=100"), 2);
}

static void test_loading__says_whose_it_is_while_that_one_lives_and_adopts_it_after(void **state) {
    struct shelf *s = *state;
    put(s, &s->a, 100, STATE_SUPPRESSED, 0);
    struct job j = {.kind = JOB_LOAD, .id = 100};
    assert_int_equal(kit_do(s->b.journal, &j), JOB_ELSEWHERE);
    assert_int_equal(j.owner_node, 1);
    let_a_expire(s);
    assert_int_equal(kit_number(s->db, "SELECT node FROM message WHERE id=100"),
                     1); /* nothing is due for it */
    j = (struct job){.kind = JOB_LOAD, .id = 100};
    assert_int_equal(kit_do(s->b.journal, &j), JOB_DONE);
    assert_true(j.adopted);
    kit_forget(&j);
    assert_int_equal(kit_number(s->db, "SELECT node FROM message WHERE id=100"), 2);
    j = (struct job){.kind = JOB_LOAD, .id = 999};
    assert_int_equal(kit_do(s->b.journal, &j), JOB_ABSENT);
}

static void test_scanning__sees_the_nodes_own_rows_only(void **state) {
    struct shelf *s = *state;
    put(s, &s->a, 100, STATE_QUEUED, KIT_NOW);
    put(s, &s->b, 101, STATE_QUEUED, KIT_NOW);
    struct job j = {.kind = JOB_SCAN, .now = KIT_NOW, .limit = 10, .priority = s->messages[0]->priority};
    assert_int_equal(kit_do(s->b.journal, &j), JOB_DONE);
    assert_int_equal(j.n_rows, 1);
    assert_int_equal(j.rows[0]->id, 101);
    kit_forget(&j);
}

static void test_parcels__come_to_the_owner_and_their_answers_back(void **state) {
    struct shelf *s = *state;
    struct parcel p = {
        .id = 7, .to = 1, .from = 2, .kind = PARCEL_CANCEL, .message_id = 100, .account_id = 1};
    struct job j = {.kind = JOB_PARCEL, .now = KIT_NOW, .parcel = &p};
    assert_int_equal(kit_do(s->b.journal, &j), JOB_DONE);
    struct job seen = look(s, &s->a);
    assert_int_equal(seen.n_parcels, 1);
    assert_int_equal(seen.parcels[0].kind, PARCEL_CANCEL);
    p = seen.parcels[0];
    done_looking(&seen);
    p.result = PARCEL_REFUSED;
    p.receipt.state = STATE_DELIVERED;
    j = (struct job){.kind = JOB_PARCEL_ANSWER, .parcel = &p};
    assert_int_equal(kit_do(s->a.journal, &j), JOB_DONE);
    seen = look(s, &s->b);
    assert_int_equal(seen.n_answers, 1);
    assert_int_equal(seen.parcels[seen.n_parcels].result, PARCEL_REFUSED);
    assert_int_equal(seen.parcels[seen.n_parcels].receipt.state, STATE_DELIVERED);
    done_looking(&seen);
}

static void test_parcels__to_a_node_that_is_gone_are_anybodys(void **state) {
    struct shelf *s = *state;
    struct parcel p = {.id = 7, .to = 1, .from = 2, .kind = PARCEL_RECEIPT, .message_id = 100};
    struct job j = {.kind = JOB_PARCEL, .now = KIT_NOW, .parcel = &p};
    assert_int_equal(kit_do(s->b.journal, &j), JOB_DONE);
    let_a_expire(s);
    struct job seen = look(s, &s->b);
    assert_int_equal(seen.n_parcels, 1);
    done_looking(&seen);
}

static void test_keeper__is_one_of_the_living(void **state) {
    struct shelf *s = *state;
    struct job j = look(s, &s->a);
    assert_true(j.news.keeper);
    done_looking(&j);
    j = look(s, &s->b);
    assert_false(j.news.keeper);
    done_looking(&j);
    let_a_expire(s);
    j = look(s, &s->b);
    assert_true(j.news.keeper);
    done_looking(&j);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_shelf, close_shelf)
        TEST(test_nodes__each_gets_an_id_of_its_own_and_a_lease),
        TEST(test_join__that_took_longer_than_its_lease_is_renewed_before_others_see_it_ended),
        TEST(test_fence__each_transaction_renews_the_lease_in_time),
        TEST(test_fence__a_node_that_was_taken_stores_nothing_any_more),
        TEST(test_takeover__nobody_is_taken_while_its_lease_runs),
        TEST(test_takeover__what_was_being_sent_is_open_for_an_attempt_more),
        TEST(test_takeover__what_was_due_far_is_due_after_an_attempts_time),
        TEST(test_loading__what_was_due_far_at_a_node_that_is_gone_is_due_soon),
        TEST(test_restart__finds_what_was_due_far_above_the_mark_and_of_its_own),
        TEST(test_restart__a_new_node_has_no_mark_of_the_one_before),
        TEST(test_nodes__one_of_before_is_told_from_those_that_see_far),
        TEST(test_leaving__the_rest_is_the_others_at_once),
        TEST(test_ids__one_is_given_again_when_its_work_is_moved),
        TEST(test_restart__one_that_is_known_to_be_gone_is_replaced_with_its_work),
        TEST(test_loading__says_whose_it_is_while_that_one_lives_and_adopts_it_after),
        TEST(test_scanning__sees_the_nodes_own_rows_only),
        TEST(test_parcels__come_to_the_owner_and_their_answers_back),
        TEST(test_parcels__to_a_node_that_is_gone_are_anybodys),
        TEST(test_keeper__is_one_of_the_living),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
