/* What is counted of lanes: places are given once, codes are bounded. */
#include "../base/check.h"
#include "model/lane_meters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct lane_board *board;

static int setup(void **state) {
    (void)state;
    board = calloc(1, sizeof *board);
    return board ? 0 : 1;
}

static int teardown(void **state) {
    (void)state;
    free(board);
    return 0;
}

static void assert_prints(const char *line, bool wanted) {
    struct buf BUF_AUTO out = BUF_INIT(1 << 20);
    lane_board_print(board, &out);
    if ((sv_find(buf_sv(&out), sv_of(line)) != SIZE_MAX) != wanted)
        fail_msg("%s line `%s` in:\n%.*s", wanted ? "no" : "a", line, (int)out.n, out.p);
}

static void test_board__a_lane_keeps_its_place(void **state) {
    (void)state;
    struct lane_meters *a = lane_meters_of(board, "a"), *b = lane_meters_of(board, "b");
    assert_ptr_not_equal(a, b);
    assert_ptr_equal(lane_meters_of(board, "a"), a);
    lane_meter_add(b, LANE_COUNT_SENT);
    lane_meter_set(b, LANE_GAUGE_HEALTH, 875);
    assert_prints("lane_outcomes_total{lane=\"b\",outcome=\"sent\"} 1\n", true);
    assert_prints("lane_outcomes_total{lane=\"a\",outcome=\"sent\"} 0\n", true);
    assert_prints("lane_health{lane=\"b\"} 0.875\n", true);
}

static void test_board__lanes_beyond_its_places_are_not_counted(void **state) {
    (void)state;
    char name[16];
    for (int i = 0; i < LANE_METERS_MAX; i++) {
        snprintf(name, sizeof name, "l%d", i);
        assert_non_null(lane_meters_of(board, name));
    }
    assert_null(lane_meters_of(board, "one-more"));
    assert_non_null(lane_meters_of(board, "l7"));
    lane_meter_add(NULL, LANE_COUNT_SENT);
    lane_meter_set(NULL, LANE_GAUGE_OPEN, 1);
    lane_meter_code(NULL, "7");
}

static void test_board__codes_beyond_the_bound_count_together(void **state) {
    (void)state;
    struct lane_meters *m = lane_meters_of(board, "main");
    for (int i = 1; i <= LANE_CODES_MAX + 10; i++) {
        char code[16];
        snprintf(code, sizeof code, "%d", 1000 + i);
        lane_meter_code(m, code);
    }
    lane_meter_code(m, "1001");
    lane_meter_code(m, "isv.NEW");
    assert_prints("sms_unknown_codes_total{lane=\"main\",code=\"1001\"} 2\n", true);
    assert_prints("sms_unknown_codes_total{lane=\"main\",code=\"other\"} 11\n", true);
    assert_prints("isv.NEW", false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_board__a_lane_keeps_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_board__lanes_beyond_its_places_are_not_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_board__codes_beyond_the_bound_count_together, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
