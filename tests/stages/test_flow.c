/* How many calls at once: against providers that bear so many at once, a rate, or slow down under load. Each
 * is played in virtual time: calls go out as the window allows, the provider answers when it is done. */
#include "../base/check.h"
#include "base/clock.h"
#include "dispatch/flow.h"

#include <string.h>

enum { CALLS_MAX = 1000 };

struct provider {
    int64_t latency_us;
    unsigned at_once;  /* more than these in flight are throttled; 0: any number */
    unsigned in_order; /* it works on so many at a time, the others wait inside it; 0: on all */
    bool silent;       /* gives no answer, for five seconds */
};

struct play {
    struct flow flow;
    struct provider p;
    uint32_t max;
    int64_t now;
    struct {
        int64_t began_at, ends_at;
        bool throttled;
    } calls[CALLS_MAX];
    uint32_t in_flight;
    unsigned done, throttled;
};

static void begin(struct play *p) {
    int64_t latency = p->p.latency_us;
    if (p->p.in_order && p->in_flight >= p->p.in_order)
        latency += latency * (p->in_flight - p->p.in_order + 1) / p->p.in_order;
    bool throttled = p->p.at_once && p->in_flight >= p->p.at_once;
    p->calls[p->in_flight].began_at = p->now;
    p->calls[p->in_flight].ends_at = p->now + (p->p.silent ? 5 * US_PER_S : throttled ? 1000 : latency);
    p->calls[p->in_flight++].throttled = throttled;
}

static void end(struct play *p, uint32_t i) {
    struct verdict v = {.fate = FATE_SENT, .hint = LANE_FINE, .http_status = 201};
    if (p->p.silent)
        v = (struct verdict){.fate = FATE_UNKNOWN, .hint = LANE_FINE};
    else if (p->calls[i].throttled)
        v = (struct verdict){.fate = FATE_RETRY, .hint = LANE_SLOW_DOWN, .http_status = 429};
    struct flow_call c = {.verdict = &v,
                          .began_at = p->calls[i].began_at,
                          .elapsed_us = p->now - p->calls[i].began_at,
                          .in_flight = p->in_flight};
    flow_note(&p->flow, &c, p->max, p->now);
    uint32_t window = flow_window(&p->flow, p->max);
    assert_in_range(window, 1, p->max);
    p->throttled += p->calls[i].throttled;
    p->done += !p->calls[i].throttled && !p->p.silent;
    p->calls[i] = p->calls[--p->in_flight];
}

/* Goes on for so long with all the load the window lets through; demand: at most so many at once. */
static void run(struct play *p, int64_t for_us, uint32_t demand) {
    int64_t until = p->now + for_us;
    p->done = p->throttled = 0;
    while (p->now < until) {
        while (p->in_flight < flow_window(&p->flow, p->max) && p->in_flight < demand)
            begin(p);
        uint32_t next = 0;
        for (uint32_t i = 1; i < p->in_flight; i++)
            if (p->calls[i].ends_at < p->calls[next].ends_at)
                next = i;
        p->now = p->calls[next].ends_at > p->now ? p->calls[next].ends_at : p->now;
        end(p, next);
    }
}

static struct play play_of(struct provider provider, uint32_t max) {
    return (struct play){.p = provider, .max = max, .now = INT64_C(1767225600) * US_PER_S};
}

static void test_flow__a_provider_that_bears_it_gets_all_from_the_start(void **state) {
    (void)state;
    static const int64_t latencies[] = {100, 1000, 50000, 500000};
    for (size_t i = 0; i < 4; i++) {
        struct play p = play_of((struct provider){.latency_us = latencies[i]}, 200);
        assert_int_equal(flow_window(&p.flow, 200), 200);
        run(&p, US_PER_S + 2 * latencies[i], 200);
        assert_int_equal(flow_window(&p.flow, 200), 200);
    }
}

static void test_flow__finds_how_many_at_once_a_provider_takes(void **state) {
    (void)state;
    struct play p = play_of((struct provider){.latency_us = 50000, .at_once = 20}, 200);
    run(&p, 10 * US_PER_S, 200); /* finds it */
    run(&p, 60 * US_PER_S, 200);
    assert_true(p.throttled * 100 < p.done * 6); /* without a pause between, as a lane would make */
    assert_true(p.done > 60 * 20 * 20 * 7 / 10); /* and uses most of what it may */
}

static void test_flow__does_not_pile_up_inside_a_provider_that_is_full(void **state) {
    (void)state;
    struct play p = play_of((struct provider){.latency_us = 100000, .in_order = 10}, 500);
    run(&p, 5 * US_PER_S, 5);    /* its ordinary speed is known */
    run(&p, 60 * US_PER_S, 500); /* and now there is a rush */
    assert_true(flow_window(&p.flow, 500) < 100);
    assert_true(p.flow.latency_us < 1200000); /* not the 5 s that 500 at once take */
    assert_true(p.done > 60 * 90);            /* and it is as busy as it can be */
}

static void test_flow__comes_down_to_one_in_silence_and_back(void **state) {
    (void)state;
    struct play p = play_of((struct provider){.latency_us = 20000, .silent = true}, 100);
    run(&p, 120 * US_PER_S, 100);
    assert_int_equal(flow_window(&p.flow, 100), 1);
    p.p.silent = false;
    run(&p, 60 * US_PER_S, 100);
    assert_true(flow_window(&p.flow, 100) > 70);
}

static void test_flow__calls_that_were_under_way_together_count_once(void **state) {
    (void)state;
    struct flow f = {0};
    struct verdict v = {.fate = FATE_RETRY, .hint = LANE_SLOW_DOWN, .http_status = 429};
    for (uint32_t i = 0; i < 64; i++)
        flow_note(&f, &(struct flow_call){.verdict = &v, .began_at = 1000, .in_flight = 64 - i}, 64,
                  2000 + i);
    assert_int_equal(flow_window(&f, 64), 32);
}

static void test_flow__does_not_grow_by_what_is_not_used(void **state) {
    (void)state;
    struct play p = play_of((struct provider){.latency_us = 20000}, 100);
    p.flow.window = p.flow.quick_up_to = 10;
    run(&p, 60 * US_PER_S, 3);
    assert_int_equal(flow_window(&p.flow, 100), 10);
}

static void test_flow__a_provider_that_stays_slower_is_taken_as_it_is(void **state) {
    (void)state;
    struct play p = play_of((struct provider){.latency_us = 20000}, 100);
    run(&p, 5 * US_PER_S, 100);
    p.p.latency_us = 900000;
    run(&p, 20 * US_PER_S, 100);
    assert_in_range(flow_window(&p.flow, 100), 2, 99); /* first a little less */
    run(&p, 180 * US_PER_S, 100);
    assert_true(flow_window(&p.flow, 100) > 60);
}

static void test_flow__stays_within_its_bounds_whatever_comes(void **state) {
    (void)state;
    struct flow f = {0};
    uint64_t seed = 88172645463325252u;
    int64_t now = INT64_C(1767225600) * US_PER_S;
    for (int i = 0; i < 300000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        struct verdict v = {.fate = (enum fate)(seed >> 8 & 3),
                            .hint = (enum lane_hint)(seed >> 10 & 3),
                            .http_status = seed >> 12 & 1 ? 200 : 0};
        uint32_t max = 1 + (uint32_t)(seed >> 20 & 255);
        now += (int64_t)(seed >> 40 & 0xFFFFF) - 1000;
        struct flow_call c = {.verdict = &v,
                              .began_at = now - (int64_t)(seed >> 30 & 0xFFFFF),
                              .elapsed_us = (int64_t)(seed >> 30 & 0xFFFFF),
                              .in_flight = 1 + (uint32_t)(seed >> 50 & 255)};
        flow_note(&f, &c, max, now);
        assert_in_range(flow_window(&f, max), 1, max);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flow__a_provider_that_bears_it_gets_all_from_the_start),
        cmocka_unit_test(test_flow__finds_how_many_at_once_a_provider_takes),
        cmocka_unit_test(test_flow__does_not_pile_up_inside_a_provider_that_is_full),
        cmocka_unit_test(test_flow__comes_down_to_one_in_silence_and_back),
        cmocka_unit_test(test_flow__calls_that_were_under_way_together_count_once),
        cmocka_unit_test(test_flow__does_not_grow_by_what_is_not_used),
        cmocka_unit_test(test_flow__a_provider_that_stays_slower_is_taken_as_it_is),
        cmocka_unit_test(test_flow__stays_within_its_bounds_whatever_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
