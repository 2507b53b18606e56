/* Rates against a naive model that remembers every message: no interval ever holds more than it may, what is
 * told of waiting is true, and nobody is refused without reason. */
#include "../base/check.h"
#include "base/clock.h"
#include "base/window.h"
#include "policy/limits.h"

#include <stdlib.h>
#include <string.h>

static uint64_t draw(uint64_t *seed, uint64_t bound) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed % bound;
}

enum { STEPS = 4000 };

/* Any interval that ends with the newest of times is as full as it gets. */
static size_t in_interval(const int64_t *times, size_t n, int64_t period_us) {
    size_t k = 0;
    for (size_t i = n; i-- > 0 && times[n - 1] - times[i] < period_us;)
        k++;
    return k;
}

static void run_window(uint64_t seed, uint32_t max, int64_t period_us) {
    static int64_t taken[STEPS];
    struct window w = {0};
    size_t n = 0;
    int64_t now = INT64_C(1767225600) * US_PER_S;
    for (int step = 0; step < STEPS; step++) {
        now += (int64_t)draw(&seed, 3) * (int64_t)draw(&seed, (uint64_t)(2 * period_us / max + 1));
        if (window_left(&w, max, period_us, now) == 0) {
            /* Refused with reason: about as many as may be were taken in an interval a slot longer. */
            int64_t longer = period_us + 2 * ((period_us + 15) / 16);
            size_t k = 0;
            for (size_t i = n; i-- > 0 && now - taken[i] < longer;)
                k++;
            assert_true(k >= max);
            int64_t wait = window_wait_us(&w, period_us, now);
            assert_true(wait > 0 && wait <= longer);
            struct window later = w;
            assert_int_equal(window_left(&later, max, period_us, now + wait - 1), 0);
            assert_true(window_left(&later, max, period_us, now + wait) > 0);
            if (draw(&seed, 2))
                now += wait;
            continue;
        }
        window_count(&w, 1, period_us, now);
        taken[n++] = now;
        assert_true(in_interval(taken, n, period_us) <= max);
    }
    assert_true(n > max);
    assert_int_equal(window_left(&w, max, period_us, window_empty_at(&w, period_us)), max);
}

static void test_window__no_interval_holds_more(void **state) {
    (void)state;
    static const int64_t periods[] = {US_PER_S, 60 * US_PER_S, 3600 * US_PER_S,
                                      7 * INT64_C(86400) * US_PER_S};
    static const uint32_t maxima[] = {1, 2, 3, 5, 17, 60, 100};
    for (size_t p = 0; p < 4; p++)
        for (size_t m = 0; m < 7; m++)
            for (uint64_t seed = 1; seed <= 5; seed++)
                run_window(seed * 7919 + m, maxima[m], periods[p]);
}

static void test_window__a_clock_that_steps_back_frees_nothing(void **state) {
    (void)state;
    struct window w = {0};
    int64_t now = INT64_C(1767225600) * US_PER_S;
    for (int i = 0; i < 3; i++)
        window_count(&w, 1, US_PER_S, now);
    assert_int_equal(window_left(&w, 3, US_PER_S, now - 3600 * US_PER_S), 0);
    assert_int_equal(window_left(&w, 3, US_PER_S, now), 0);
}

static struct rate parse(const char *text) {
    struct rate r;
    struct err e = ERR_INIT;
    if (!rate_parse(sv_of(text), &r, &e))
        fail_msg("%s: %s", text, e.text);
    return r;
}

static void test_rate__is_read_as_written(void **state) {
    (void)state;
    struct rate r = parse("  60/min   per recipient ");
    assert_true(r.max == 60 && r.period_us == 60 * US_PER_S && r.scopes == 1u << RATE_RECIPIENT &&
                r.topic.n == 0);
    r = parse("5/10min per recipient+template for topic otp");
    assert_true(r.max == 5 && r.period_us == 600 * US_PER_S && sv_eq(r.topic, SV("otp")));
    assert_int_equal(r.scopes, 1u << RATE_RECIPIENT | 1u << RATE_TEMPLATE);
    assert_int_equal(parse("1/7d per account+key+source+topic").period_us / US_PER_S, 7 * 86400);
    static const char *const wrong[] = {"",
                                        "60",
                                        "60/min",
                                        "60/min per",
                                        "60/min per user",
                                        "0/s per key",
                                        "60/0s per key",
                                        "60/32d per key",
                                        "-1/s per key",
                                        "60/min per key+key",
                                        "60/min per key+",
                                        "60/min for key",
                                        "60/min per key for",
                                        "60/min per key for topic",
                                        "60/min per key for topic a b",
                                        "60/min per key key",
                                        "1000001/s per key",
                                        "60 /min per key",
                                        "60/minper key",
                                        "99999999999999999999/s per key",
                                        "1/99999999999999999999d per key"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct err e = ERR_INIT;
        if (rate_parse(sv_of(wrong[i]), &r, &e))
            fail_msg("taken: %s", wrong[i]);
        assert_true(e.kind == ERR_INVALID && strncmp(e.text, "must be ", 8) == 0);
    }
}

static struct limit_subject someone(const char *account, const char *to) {
    return (struct limit_subject){.parts = {[RATE_ACCOUNT] = sv_of(account), [RATE_RECIPIENT] = sv_of(to)}};
}

static void test_limits__count_in_all_rules_or_in_none(void **state) {
    (void)state;
    const struct rate rates[] = {parse("3/min per recipient"), parse("5/min per account"),
                                 parse("1/s per template")};
    struct limits *l = limits_new((struct sip_key){1, 2}, 1000);
    assert_non_null(l);
    int64_t now = INT64_C(1767225600) * US_PER_S;
    struct limit_answer a;
    struct limit_subject ann = someone("shop", "+1"), bob = someone("shop", "+2"),
                         eve = someone("bank", "+1");
    for (int i = 2; i >= 0; i--) {
        assert_true(limits_take(l, rates, 3, &ann, now, &a));
        assert_true(a.rate == &rates[0] && a.left == (uint32_t)i);
    }
    for (int i = 0; i < 20; i++) { /* refused ones use up nothing of the account's */
        assert_false(limits_take(l, rates, 3, &ann, now, &a));
        assert_true(a.rate == &rates[0] && a.left == 0 && a.wait_us > 0);
    }
    assert_true(limits_take(l, rates, 3, &bob, now, &a) && a.rate == &rates[1] && a.left == 1);
    assert_true(limits_take(l, rates, 3, &bob, now, &a) && a.left == 0);
    assert_false(limits_take(l, rates, 3, &bob, now, &a));
    assert_ptr_equal(a.rate, &rates[1]);
    assert_true(limits_take(l, rates, 3, &eve, now, &a)); /* nobody uses up another account's */
    limits_give_back(l, rates, 3, &bob, now);
    assert_true(limits_take(l, rates, 3, &bob, now, &a));
    assert_int_equal(limits_keys(l), 5);
    struct limit_subject nobody = {0};
    assert_true(limits_take(l, rates, 3, &nobody, now, &a) && a.rate == NULL);
    limits_free(l);
}

static void test_limits__memory_is_bounded_and_comes_free(void **state) {
    (void)state;
    const struct rate rates[] = {parse("3/s per recipient")};
    struct limits *l = limits_new((struct sip_key){1, 2}, 100);
    assert_non_null(l);
    int64_t now = INT64_C(1767225600) * US_PER_S;
    struct limit_answer a;
    char to[24];
    for (int i = 0; i < 5000; i++) {
        snprintf(to, sizeof to, "+%d", i);
        struct limit_subject s = someone("shop", to);
        assert_true(limits_take(l, rates, 1, &s, now + i, &a));
        assert_true(limits_keys(l) <= 100);
    }
    assert_int_equal(limits_dropped(l), 4900);
    struct limit_subject ann = someone("shop", "+ann");
    for (int i = 0; i < 200; i++)
        limits_take(l, rates, 1, &ann, now + 3600 * US_PER_S, &a);
    assert_int_equal(limits_keys(l), 1);
    limits_free(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window__no_interval_holds_more),
        cmocka_unit_test(test_window__a_clock_that_steps_back_frees_nothing),
        cmocka_unit_test(test_rate__is_read_as_written),
        cmocka_unit_test(test_limits__count_in_all_rules_or_in_none),
        cmocka_unit_test(test_limits__memory_is_bounded_and_comes_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
