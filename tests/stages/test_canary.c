/* When a lane on trial is taken out: by how often it fails and how slow it is, and not by chance. */
#include "../base/check.h"
#include "policy/canary.h"

static uint64_t draw(uint64_t *seed, uint64_t bound) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed % bound;
}

/* One in twenty goes to the canary; failures in a thousand, and milliseconds. The attempt at which it is
 * taken out; 0: it never is. */
static unsigned trial(uint64_t seed, unsigned attempts, unsigned others_fail, unsigned canary_fails,
                      unsigned others_ms, unsigned canary_ms, enum canary_verdict *why) {
    struct canary c = {0};
    seed = seed * 2654435761u + 88172645463325252u;
    for (unsigned i = 1; i <= attempts; i++) {
        bool canary = draw(&seed, 20) == 0;
        unsigned ms = canary ? canary_ms : others_ms;
        canary_attempt(&c, canary, draw(&seed, 1000) < (canary ? canary_fails : others_fail),
                       (int64_t)(ms / 2 + draw(&seed, ms)) * 1000, (int64_t)i * 10000);
        *why = canary_judge(&c);
        if (*why != CANARY_FINE)
            return i;
    }
    return 0;
}

static void test_canary__that_fails_more_is_taken_out_soon(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        enum canary_verdict why;
        unsigned at = trial(seed, 20000, 20, 200, 100, 100, &why);
        assert_true(at > 0 && at < 5000);
        assert_int_equal(why, CANARY_FAILS);
    }
}

static void test_canary__that_is_far_slower_is_taken_out(void **state) {
    (void)state;
    enum canary_verdict why;
    assert_true(trial(1, 20000, 20, 20, 100, 400, &why) > 0);
    assert_int_equal(why, CANARY_SLOW);
    assert_int_equal(trial(1, 20000, 20, 20, 100, 150, &why), 0);
}

static void test_canary__as_good_as_the_others_stays_however_often_one_looks(void **state) {
    (void)state;
    unsigned taken_out = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        enum canary_verdict why;
        taken_out += trial(seed, 20000, 50, 50, 100, 100, &why) > 0;
    }
    assert_true(taken_out <= 6); /* three in a hundred trials of twenty thousand attempts */
}

static void test_canary__that_three_count_is_judged_as_by_one(void **state) {
    (void)state;
    struct canary one = {0}, three[3] = {{0}};
    uint64_t seed = 88172645463325252u;
    int64_t now = 0;
    for (unsigned i = 0; i < 240; i++, now += 100000) {
        bool canary = draw(&seed, 2) == 0, failed = canary && draw(&seed, 4) == 0;
        struct canary *each = &three[i % 3];
        canary_attempt(&one, canary, failed, 20000, now);
        canary_attempt(each, canary, failed, 20000, now);
        if (i % 7 == 0)
            canary_undelivered(&one, canary, now);
        if (i % 7 == 0)
            canary_undelivered(each, canary, now);
        assert_int_equal(canary_judge(each), CANARY_FINE); /* none alone has seen fifty of each */
    }
    struct canary_sample untold[3][2];
    for (int k = 0; k < 3; k++)
        for (int which = 0; which < 2; which++)
            assert_true(canary_untold(&three[k], which, &untold[k][which]));
    for (int k = 0; k < 3; k++)
        for (int from = 0; from < 3; from++)
            for (int which = 0; which < 2; which++)
                if (from != k)
                    canary_hear(&three[k], which, &untold[from][which], now);
    assert_int_equal(canary_judge(&one), CANARY_FAILS);
    for (int k = 0; k < 3; k++) {
        assert_int_equal(canary_judge(&three[k]), CANARY_FAILS);
        for (int which = 0; which < 2; which++) {
            struct canary_sample want = canary_window(&one, which), got = canary_window(&three[k], which), s;
            assert_int_equal(got.n, want.n);
            assert_int_equal(got.failed, want.failed);
            assert_false(canary_untold(&three[k], which, &s)); /* what was heard is not told on */
        }
    }
}

static void test_canary__nothing_is_said_of_a_few_attempts(void **state) {
    (void)state;
    struct canary c = {0};
    for (int i = 0; i < 49; i++) {
        canary_attempt(&c, true, true, 0, i);
        canary_attempt(&c, false, false, 0, i);
        canary_attempt(&c, false, false, 0, i);
    }
    assert_int_equal(canary_judge(&c), CANARY_FINE);
    canary_attempt(&c, true, true, 0, 50);
    assert_int_equal(canary_judge(&c), CANARY_FAILS);
    canary_attempt(&c, true, false, 0, INT64_C(7200) * 1000000); /* all that is long ago */
    assert_int_equal(canary_window(&c, 1).n, 1);
}

static void test_canary__receipts_count_too(void **state) {
    (void)state;
    struct canary c = {0};
    for (int i = 0; i < 100; i++) {
        canary_attempt(&c, true, false, 0, i);
        canary_attempt(&c, false, false, 0, i);
    }
    assert_int_equal(canary_judge(&c), CANARY_FINE);
    for (int i = 0; i < 30; i++)
        canary_undelivered(&c, true, 100);
    assert_int_equal(canary_judge(&c), CANARY_FAILS);
}

static void test_canary__receipts_for_attempts_of_long_ago_are_no_more_than_its_attempts(void **state) {
    (void)state;
    struct canary c = {0};
    for (int i = 0; i < CANARY_SAMPLE_MIN; i++) {
        canary_attempt(&c, true, false, 0, i);
        canary_attempt(&c, false, false, 0, i);
    }
    for (int i = 0; i < 200; i++)
        canary_undelivered(&c, true, 100);
    assert_int_equal(canary_window(&c, 1).failed, CANARY_SAMPLE_MIN);
    assert_int_equal(canary_judge(&c), CANARY_FAILS);
}

static void test_canary__what_was_counted_comes_back_from_its_text(void **state) {
    (void)state;
    struct buf BUF_AUTO text = BUF_INIT(512);
    struct canary c = {0}, back = {0}, same = {0};
    for (int i = 0; i < 200; i++)
        canary_attempt(&c, i % 3 == 0, i % 7 == 0, 1000 + 37 * i, (int64_t)i * 10000000 + 1);
    memset(c.untold, 0, sizeof c.untold); /* that is not kept */
    canary_print(&c, &text);
    assert_true(canary_parse(buf_sv(&text), &back));
    assert_memory_equal(&back, &c, sizeof c);
    for (size_t n = 0; n < text.n; n++) { /* what was cut off is none, or what it says */
        struct canary cut = {0};
        if (!canary_parse(sv_sub(buf_sv(&text), 0, n), &cut))
            assert_memory_equal(&cut, &same, sizeof cut);
    }
    assert_false(canary_parse(SV(""), &back));
    assert_false(canary_parse(SV("1 2 3 nonsense"), &back));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canary__that_fails_more_is_taken_out_soon),
        cmocka_unit_test(test_canary__that_is_far_slower_is_taken_out),
        cmocka_unit_test(test_canary__as_good_as_the_others_stays_however_often_one_looks),
        cmocka_unit_test(test_canary__nothing_is_said_of_a_few_attempts),
        cmocka_unit_test(test_canary__that_three_count_is_judged_as_by_one),
        cmocka_unit_test(test_canary__receipts_count_too),
        cmocka_unit_test(test_canary__receipts_for_attempts_of_long_ago_are_no_more_than_its_attempts),
        cmocka_unit_test(test_canary__what_was_counted_comes_back_from_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
