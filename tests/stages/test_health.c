/* A lane's health: what moves it, and how it comes back. */
#include "../base/check.h"
#include "base/clock.h"
#include "dispatch/health.h"

static const int64_t start = INT64_C(1767225600) * US_PER_S, minute = 60 * US_PER_S;

static const struct verdict sent = {.fate = FATE_SENT, .hint = LANE_FINE},
                            refused = {.fate = FATE_REJECTED, .hint = LANE_FINE},
                            throttled = {.fate = FATE_RETRY, .hint = LANE_SLOW_DOWN},
                            down = {.fate = FATE_RETRY, .hint = LANE_DOWN},
                            lost = {.fate = FATE_UNKNOWN, .hint = LANE_FINE};

static double score(struct health *h, int64_t now) {
    return health_of(h, now).score;
}

static void note(struct health *h, const struct verdict *v, int n, int64_t now) {
    for (int i = 0; i < n; i++)
        health_note(h, v, now);
}

static void test_health__a_lane_nobody_used_is_as_good_as_any(void **state) {
    (void)state;
    struct health h = {0};
    assert_true(score(&h, start) == 1);
    note(&h, &sent, 1000, start);
    assert_true(score(&h, start) == 1);
}

static void test_health__refusals_for_the_messages_sake_and_throttles_say_nothing(void **state) {
    (void)state;
    struct health h = {0};
    note(&h, &refused, 100, start);
    note(&h, &throttled, 100, start);
    assert_true(score(&h, start) == 1);
}

static void test_health__falls_with_outages_and_lost_answers_and_recovers_in_minutes(void **state) {
    (void)state;
    struct health h = {0};
    note(&h, &lost, 1, start);
    assert_true(score(&h, start) >= 0.8); /* one is no verdict */
    note(&h, &down, 99, start);
    assert_true(score(&h, start) < 0.05);
    note(&h, &sent, 100, start + minute);
    assert_true(score(&h, start + minute) > 0.4 && score(&h, start + minute) < 0.6);
    assert_true(score(&h, start + 6 * minute) > 0.99);
}

static void test_health__a_lane_whose_messages_do_not_arrive_is_ill(void **state) {
    (void)state;
    struct health h = {0};
    note(&h, &sent, 100, start);
    for (int i = 0; i < 100; i++)
        health_receipt(&h, i % 4 == 0, start);
    assert_true(score(&h, start) > 0.25 && score(&h, start) < 0.4);
    struct health_seen s = health_of(&h, start);
    assert_int_equal(s.good, 100);
    assert_int_equal(s.delivered, 25);
    assert_int_equal(s.undelivered, 75);
    assert_true(score(&h, start + 70 * minute) > 0.99);
}

static void test_health__stays_between_nought_and_one_whatever_comes(void **state) {
    (void)state;
    struct health h = {0};
    uint64_t seed = 88172645463325252u;
    const struct verdict *const all[] = {&sent, &refused, &throttled, &down, &lost};
    int64_t now = start;
    for (int i = 0; i < 100000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        now += (int64_t)(seed >> 40) % (2 * US_PER_S) - US_PER_S / 4; /* now and then back */
        if (seed % 3)
            health_note(&h, all[seed / 3 % 5], now);
        else
            health_receipt(&h, seed / 3 % 2, now);
        double v = score(&h, now);
        assert_true(v >= 0 && v <= 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_health__a_lane_nobody_used_is_as_good_as_any),
        cmocka_unit_test(test_health__refusals_for_the_messages_sake_and_throttles_say_nothing),
        cmocka_unit_test(test_health__falls_with_outages_and_lost_answers_and_recovers_in_minutes),
        cmocka_unit_test(test_health__a_lane_whose_messages_do_not_arrive_is_ill),
        cmocka_unit_test(test_health__stays_between_nought_and_one_whatever_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
