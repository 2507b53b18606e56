/* Short links on disk: with their message or not at all, opened while their time runs, counted. */
#include "../base/check.h"
#include "kit.h"
#include "store/links.h"

static const struct link two[] = {{.code = 7, .target = {"https://example.com/a", 21}},
                                  {.code = 62, .target = {"https://example.com/b", 21}}};
enum { LATER_S = 1000 };

static struct job put_linked(struct message *m, const struct link *links, size_t n) {
    struct job job = kit_put(m, STATE_QUEUED, KIT_NOW);
    job.links = links;
    job.n_links = n;
    job.links_until = KIT_NOW + LATER_S * US_PER_S;
    return job;
}

static bool leads(struct db *db, int64_t code, int64_t now, const char *to) {
    BUF_AUTO struct buf target = BUF_INIT(100);
    struct err e = ERR_INIT;
    bool found;
    assert_true(links_target(db, code, now, &target, &found, &e));
    if (found)
        assert_sv(buf_sv(&target), to);
    return found;
}

static size_t of_message(struct db *db, int64_t account, int64_t id, struct link_row rows[2],
                         struct arena *a) {
    struct err e = ERR_INIT;
    size_t n;
    assert_true(links_of(db, account, id, a, rows, 2, &n, &e));
    return n;
}

static void test_links__are_stored_with_their_message_and_go_with_it(void **state) {
    (void)state;
    struct err e = ERR_INIT;
    struct db *db = kit_db();
    struct journal *j = journal_new(db, &e);
    struct message *m = kit_message(1, "x", NULL);
    struct job put = put_linked(m, two, 2);
    assert_int_equal(kit_do(j, &put), JOB_DONE);
    assert_true(leads(db, 7, KIT_NOW, "https://example.com/a"));
    assert_true(leads(db, 62, KIT_NOW + LATER_S * US_PER_S - 1, "https://example.com/b"));
    assert_false(leads(db, 62, KIT_NOW + LATER_S * US_PER_S, ""));
    assert_false(leads(db, 8, KIT_NOW, ""));
    ARENA_AUTO struct arena a;
    arena_init(&a, 10000);
    struct link_row rows[2];
    assert_int_equal(of_message(db, 1, 1, rows, &a), 2);
    assert_int_equal(rows[0].link.code, 7);
    assert_int_equal(rows[0].clicks, 0);
    assert_int_equal(rows[0].created_at, KIT_NOW);
    assert_int_equal(of_message(db, 2, 1, rows, &a), 0); /* another account sees none */
    struct job gone = {.kind = JOB_DELETE, .message = m, .id = 1, .now = KIT_NOW};
    assert_int_equal(kit_do(j, &gone), JOB_DONE);
    assert_false(leads(db, 7, KIT_NOW, ""));
    message_free(m);
    journal_free(j);
    db_close(db);
}

static void test_links__a_message_whose_code_is_taken_is_not_stored(void **state) {
    (void)state;
    struct err e = ERR_INIT;
    struct db *db = kit_db();
    struct journal *j = journal_new(db, &e);
    struct message *m = kit_message(1, "x", NULL), *other = kit_message(2, "x", "key");
    struct job put = put_linked(m, two, 1), again = put_linked(other, two, 2);
    assert_int_equal(kit_do(j, &put), JOB_DONE);
    BUF_AUTO struct buf before = BUF_INIT(1 << 16), after = BUF_INIT(1 << 16);
    kit_picture(db, &before);
    assert_int_equal(kit_do(j, &again), JOB_FAILED);
    assert_int_equal(again.err.kind, ERR_BUSY);
    kit_picture(db, &after);
    assert_string_equal(before.p, after.p);
    again = put_linked(other, &two[1], 1); /* drawn anew */
    assert_int_equal(kit_do(j, &again), JOB_DONE);
    message_free(m);
    message_free(other);
    journal_free(j);
    db_close(db);
}

static void test_links__clicks_add_up_and_the_earliest_stays(void **state) {
    (void)state;
    struct err e = ERR_INIT;
    struct db *db = kit_db();
    struct journal *j = journal_new(db, &e);
    struct message *m = kit_message(1, "x", NULL);
    struct job put = put_linked(m, two, 2);
    assert_int_equal(kit_do(j, &put), JOB_DONE);
    /* Two fronts tell of the same time, the later one first; one link is none of ours. */
    const struct clicks late[] = {{7, 3, KIT_NOW + 50, KIT_NOW + 90}, {8, 1, KIT_NOW, KIT_NOW}},
                        early[] = {{7, 2, KIT_NOW + 10, KIT_NOW + 60}};
    struct links_clicked later = {.write = {.run = links_count}, .clicks = late, .n = 2},
                         earlier = {.write = {.run = links_count}, .clicks = early, .n = 1};
    struct job a = {.kind = JOB_WRITE, .write = &later.write},
               b = {.kind = JOB_WRITE, .write = &earlier.write};
    assert_int_equal(kit_do(j, &a), JOB_DONE);
    assert_int_equal(kit_do(j, &b), JOB_DONE);
    ARENA_AUTO struct arena mem;
    arena_init(&mem, 10000);
    struct link_row rows[2];
    assert_int_equal(of_message(db, 1, 1, rows, &mem), 2);
    assert_int_equal(rows[0].clicks, 5);
    assert_int_equal(rows[0].first_click_at, KIT_NOW + 10);
    assert_int_equal(rows[0].last_click_at, KIT_NOW + 90);
    assert_int_equal(rows[1].clicks, 0);
    assert_int_equal(rows[1].first_click_at, 0);
    message_free(m);
    journal_free(j);
    db_close(db);
}

static void test_links__go_when_their_time_is_up(void **state) {
    (void)state;
    struct err e = ERR_INIT;
    struct db *db = kit_db();
    struct journal *j = journal_new(db, &e);
    struct message *m = kit_message(1, "x", NULL);
    struct job put = put_linked(m, two, 2);
    assert_int_equal(kit_do(j, &put), JOB_DONE);
    ARENA_AUTO struct arena mem;
    arena_init(&mem, 10000);
    struct link_row rows[2];
    struct job prune = {.kind = JOB_PRUNE, .now = KIT_NOW + LATER_S * US_PER_S - 1, .limit = 100};
    assert_int_equal(kit_do(j, &prune), JOB_DONE);
    assert_int_equal(of_message(db, 1, 1, rows, &mem), 2);
    prune = (struct job){.kind = JOB_PRUNE, .now = KIT_NOW + LATER_S * US_PER_S, .limit = 1};
    assert_int_equal(kit_do(j, &prune), JOB_DONE);
    assert_int_equal(of_message(db, 1, 1, rows, &mem), 1); /* one at a time, as it was told */
    message_free(m);
    journal_free(j);
    db_close(db);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links__are_stored_with_their_message_and_go_with_it),
        cmocka_unit_test(test_links__a_message_whose_code_is_taken_is_not_stored),
        cmocka_unit_test(test_links__clicks_add_up_and_the_earliest_stays),
        cmocka_unit_test(test_links__go_when_their_time_is_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
