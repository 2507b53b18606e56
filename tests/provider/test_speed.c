/* What a message costs its adapter: build and judge, of cases given by name; printed, and held to a limit
 * that only a mistake of another order passes. */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

enum { ROUNDS = 2000, US_MAX = 250, MEM_BYTES_MAX = 4 << 20 };

static void run_case(void **state) {
    struct arena ARENA_AUTO mem, ARENA_AUTO scratch;
    arena_init(&mem, MEM_BYTES_MAX);
    arena_init(&scratch, MEM_BYTES_MAX);
    struct fixture f;
    fixture_load(&f, *state, &mem);
    struct lane_config lane = fixture_lane(&f);
    struct attempt_view a = fixture_attempt(&f, "attempt");
    struct http_response r = fixture_response(&f);
    int64_t now = fixture_time(&f, "case", "now", 0);
    struct err e = ERR_INIT;
    assert_true(lane_prepare(&lane, &e));
    clock_t start = clock();
    for (int i = 0; i < ROUNDS; i++) {
        struct http_request rq;
        assert_true(lane.adapter->build(&lane, &a, now, 1, &scratch, &rq, &e));
        struct verdict v = lane.adapter->judge(&lane, &r);
        assert_int_equal(v.fate, FATE_SENT);
        arena_reset(&scratch);
    }
    double us = (double)(clock() - start) * 1e6 / CLOCKS_PER_SEC / ROUNDS;
    printf("# %s: %.1f us of CPU to build and judge\n", (const char *)*state, us);
    assert_true(us < US_MAX);
    lane_release(&lane);
}

int main(int argc, char **argv) {
    struct CMUnitTest tests[16];
    int n = argc - 1;
    if (n < 1 || n > 16)
        return 1;
    for (int i = 0; i < n; i++)
        tests[i] =
            (struct CMUnitTest){.name = argv[i + 1], .test_func = run_case, .initial_state = argv[i + 1]};
    return _cmocka_run_group_tests("speed", tests, (size_t)n, NULL, NULL);
}
