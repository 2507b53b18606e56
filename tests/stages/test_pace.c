/* The pace of a lane whose limit nobody knows: played in virtual time against providers that count by whole
 * seconds of their clock, or evenly with a burst, with wavering latency. A campaign waits all the time. */
#include "../base/check.h"
#include "base/clock.h"
#include "dispatch/pace.h"

#include <stdlib.h>

enum { CALLS_MAX = 4096, MINUTE_S = 60 };

struct provider {
    double limit; /* units a second */
    double burst; /* that it bears at once; 0: it counts by seconds of its clock */
    int64_t latency_us;
};

struct play {
    struct pace pace;
    struct provider p;
    int64_t now, paused_until;
    uint64_t random;
    struct call {
        int64_t began_at, ends_at;
        bool throttled;
    } calls[CALLS_MAX];
    unsigned n_calls;
    int64_t second; /* of the provider's clock, and what it has taken in it */
    double taken, debt_at;
    unsigned sent, refused;
};

static uint64_t draw(struct play *p) {
    p->random ^= p->random << 13;
    p->random ^= p->random >> 7;
    return p->random ^= p->random << 17;
}

static bool takes(struct play *p, int64_t at) {
    if (p->p.burst > 0) {
        double step = US_PER_S / p->p.limit, debt = p->debt_at > (double)at ? p->debt_at : (double)at;
        if (debt - (double)at > p->p.burst * step)
            return false;
        p->debt_at = debt + step;
        return true;
    }
    if (at / US_PER_S != p->second) {
        p->second = at / US_PER_S;
        p->taken = 0;
    }
    return p->taken + 1 <= p->p.limit && ++p->taken > 0;
}

static void begin(struct play *p) {
    struct call *c = &p->calls[p->n_calls++];
    c->began_at = p->now;
    c->throttled = !takes(p, p->now);
    c->ends_at = p->now + p->p.latency_us / 2 + (int64_t)(draw(p) % (uint64_t)p->p.latency_us);
    pace_begin(&p->pace, 1, p->now);
}

static void end(struct play *p, unsigned i) {
    struct call c = p->calls[i];
    p->calls[i] = p->calls[--p->n_calls];
    const struct verdict v = {.fate = c.throttled ? FATE_RETRY : FATE_SENT,
                              .hint = c.throttled ? LANE_SLOW_DOWN : LANE_FINE,
                              .reason = c.throttled ? REASON_THROTTLED : REASON_NONE};
    pace_note(&p->pace, &v, c.began_at, p->now);
    if (c.throttled && p->now >= p->paused_until)
        p->paused_until = p->now + US_PER_S;
    c.throttled ? p->refused++ : p->sent++;
}

static void run(struct play *p, int64_t for_us) {
    for (int64_t until = p->now + for_us; p->now < until; p->now += 500) {
        for (unsigned i = 0; i < p->n_calls;)
            if (p->calls[i].ends_at <= p->now)
                end(p, i);
            else
                i++;
        while (p->now >= p->paused_until && p->n_calls < CALLS_MAX && pace_lets(&p->pace, p->now))
            begin(p);
    }
}

static struct play *play(struct provider of) {
    struct play *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->p = of;
    p->now = 1000 * US_PER_S + 123456;
    p->random = 88172645463325252u;
    return p;
}

static const struct provider providers[] = {
    {2, 2, 100000}, {20, 5, 80000},  {100, 20, 30000}, {100, 100, 200000}, {1000, 100, 30000},
    {20, 0, 80000}, {100, 0, 30000}, {100, 0, 300000}, {1000, 0, 30000},
};

static void test_pace__finds_the_limit_with_less_than_one_in_a_hundred_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof providers / sizeof providers[0]; i++) {
        struct play *p = play(providers[i]);
        double limit = p->p.limit;
        run(p, (limit < 10 ? 60 : 10) * MINUTE_S * US_PER_S);
        unsigned calls = p->sent + p->refused, sent = p->sent;
        assert_true(p->refused * 100 <= calls);
        run(p, MINUTE_S * US_PER_S);
        assert_true(p->sent - sent >= 0.85 * limit * MINUTE_S);
        free(p);
    }
}

static void test_pace__follows_a_limit_that_is_lowered_and_raised_again(void **state) {
    (void)state;
    struct play *p = play((struct provider){.limit = 200, .burst = 20, .latency_us = 50000});
    run(p, 5 * MINUTE_S * US_PER_S);
    p->p.limit = 80;
    run(p, 5 * MINUTE_S * US_PER_S);
    unsigned sent = p->sent;
    run(p, MINUTE_S * US_PER_S);
    assert_true(p->sent - sent >= 0.85 * 80 * MINUTE_S);
    p->p.limit = 200;
    run(p, 30 * MINUTE_S * US_PER_S);
    sent = p->sent;
    run(p, MINUTE_S * US_PER_S);
    assert_true(p->sent - sent >= 120 * MINUTE_S); /* by five in a hundred a minute */
    assert_true(p->refused * 100 <= p->sent + p->refused);
    free(p);
}

static void test_pace__what_was_learned_goes_on_after_a_restart(void **state) {
    (void)state;
    struct play *p = play((struct provider){.limit = 100, .burst = 10, .latency_us = 50000});
    run(p, 5 * MINUTE_S * US_PER_S);
    struct pace before = p->pace;
    p->pace = (struct pace){0};
    pace_resume(&p->pace, pace_good(&before), pace_bad(&before));
    unsigned sent = p->sent, refused = p->refused;
    run(p, 10 * US_PER_S);
    assert_true(p->sent - sent >= 850);
    assert_true(p->refused - refused <= 10);
    free(p);
}

static void test_pace__is_not_misled_by_what_a_process_before_began_in_the_same_second(void **state) {
    (void)state;
    struct play *p = play((struct provider){.limit = 40, .latency_us = 200000});
    run(p, 2 * MINUTE_S * US_PER_S);
    while (p->now % US_PER_S < 700000)
        run(p, 1000);
    struct pace before = p->pace;
    p->pace = (struct pace){0};
    pace_resume(&p->pace, pace_good(&before), pace_bad(&before));
    p->taken = p->p.limit; /* the provider has had enough for this second */
    unsigned sent = p->sent;
    run(p, 20 * US_PER_S);
    assert_true(p->sent - sent >= 0.85 * 40 * 18);
    free(p);
}

static void test_pace__a_quota_says_nothing_about_it(void **state) {
    (void)state;
    struct pace p = {0};
    const struct verdict v = {.fate = FATE_RETRY, .hint = LANE_SLOW_DOWN, .reason = REASON_QUOTA};
    pace_begin(&p, 1, US_PER_S);
    pace_note(&p, &v, US_PER_S, 2 * US_PER_S);
    assert_int_equal(pace_bad(&p), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pace__finds_the_limit_with_less_than_one_in_a_hundred_refused),
        cmocka_unit_test(test_pace__follows_a_limit_that_is_lowered_and_raised_again),
        cmocka_unit_test(test_pace__what_was_learned_goes_on_after_a_restart),
        cmocka_unit_test(test_pace__is_not_misled_by_what_a_process_before_began_in_the_same_second),
        cmocka_unit_test(test_pace__a_quota_says_nothing_about_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
