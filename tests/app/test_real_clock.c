/* The clock of a node: it follows another machine's and never goes back. */
#include "app/real_world.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const int64_t hour = 3600 * US_PER_S, slack = 200 * 1000;

static int64_t offset_of(struct real_clock *c) {
    for (;;) {
        int64_t before = clock_monotonic_us(), now = real_now_us(c), after = clock_monotonic_us();
        if (after - before < slack / 4) /* else another program had the processor in between */
            return now - after;
    }
}

static void assert_about(int64_t is, int64_t should_be) {
    if (is < should_be - slack || is > should_be + slack)
        fail_msg("%lld us, not about %lld", (long long)is, (long long)should_be);
}

static void test_clock__that_follows_another_does_not_look_at_its_own(void **state) {
    (void)state;
    struct real_clock c;
    real_clock_init(&c);
    int64_t own = offset_of(&c);
    for (int64_t away = -hour; away <= hour; away += 2 * hour) {
        real_clock_init(&c);
        real_clock_follow(&c, own + away, clock_monotonic_us());
        assert_about(offset_of(&c), own + away);
        assert_int_equal(real_clock_ahead_us(&c), 0);
    }
}

static void test_clock__goes_ahead_at_once_when_the_other_has_jumped(void **state) {
    (void)state;
    struct real_clock c;
    real_clock_init(&c);
    int64_t own = offset_of(&c), now = clock_monotonic_us();
    real_clock_follow(&c, own, now);
    real_clock_follow(&c, own + 400 * 1000, now);
    assert_int_equal(real_clock_apart_us(&c), 0);
    assert_about(offset_of(&c), own);
    real_clock_follow(&c, own + hour, now);
    assert_about(real_clock_apart_us(&c), hour);
    assert_about(offset_of(&c), own + hour);
}

static void test_clock__comes_back_without_ever_going_back(void **state) {
    (void)state;
    struct real_clock c;
    real_clock_init(&c);
    int64_t own = offset_of(&c), heard = clock_monotonic_us(), said = 0;
    real_clock_follow(&c, own + hour, heard);
    int calls = 0;
    do {
        said = real_now_us(&c);
        heard += 2 * US_PER_S; /* as if two seconds had passed: half a second of it is made good */
        real_clock_follow(&c, own, heard);
        assert_true(real_now_us(&c) >= said);
        calls++;
    } while (real_clock_apart_us(&c) != 0 && calls < 10000);
    assert_in_range(calls, 7190, 7210);
    real_clock_init(&c);
    real_clock_follow(&c, own + US_PER_S, clock_monotonic_us());
    said = real_now_us(&c);
    real_clock_follow(&c, own, clock_monotonic_us() + 8 * US_PER_S);
    assert_true(real_now_us(&c) >=
                said + 8 * US_PER_S - slack); /* it stands still until it is what was said then */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock__that_follows_another_does_not_look_at_its_own),
        cmocka_unit_test(test_clock__goes_ahead_at_once_when_the_other_has_jumped),
        cmocka_unit_test(test_clock__comes_back_without_ever_going_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
