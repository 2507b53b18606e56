#include "check.h"

#include "base/clock.h"

#include <stdlib.h>
#include <time.h>

static void test_clock__written_times_read_back(void **state) {
    (void)state;
    static const struct {
        int64_t at;
        const char *rfc3339, *rfc2822;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 +0000"},
        {INT64_C(1692853305678000), "2023-08-24T05:01:45.678Z", "Thu, 24 Aug 2023 05:01:45 +0000"},
        {INT64_C(951782400000000), "2000-02-29T00:00:00.000Z", "Tue, 29 Feb 2000 00:00:00 +0000"},
        {INT64_C(253402300799999000), "9999-12-31T23:59:59.999Z", "Fri, 31 Dec 9999 23:59:59 +0000"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf BUF_AUTO b = BUF_INIT(100);
        int64_t at = -1;
        clock_add_rfc3339(&b, rows[i].at);
        assert_sv(buf_sv(&b), rows[i].rfc3339);
        assert_true(clock_parse_rfc3339(buf_sv(&b), &at));
        assert_int_equal(at, rows[i].at);
        buf_reset(&b);
        clock_add_rfc2822(&b, rows[i].at);
        assert_sv(buf_sv(&b), rows[i].rfc2822);
    }
}

static void test_clock__parts_of_a_millisecond_and_times_before_the_epoch(void **state) {
    (void)state;
    struct buf BUF_AUTO b = BUF_INIT(100);
    clock_add_rfc3339(&b, 1999);
    assert_sv(buf_sv(&b), "1970-01-01T00:00:00.001Z");
    buf_reset(&b);
    clock_add_rfc3339(&b, -1);
    assert_sv(buf_sv(&b), "1969-12-31T23:59:59.999Z");
}

static void test_clock__rfc3339_in_all_its_forms(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t at;
    } rows[] = {
        {"1970-01-01T00:00:01Z", 1000000},
        {"1970-01-01t00:00:01z", 1000000},
        {"1970-01-01 00:00:01Z", 1000000},
        {"1970-01-01T08:00:00+08:00", 0},
        {"1970-01-01T00:00:00-01:30", INT64_C(5400000000)},
        {"1970-01-01T00:00:00.5Z", 500000},
        {"1970-01-01T00:00:00.123456789Z", 123456},
        {"1970-01-01T00:00:60Z", 60000000}, /* a leap second is the next minute */
        {"2024-02-29T00:00:00Z", INT64_C(1709164800000000)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t at = -1;
        if (!clock_parse_rfc3339(sv_of(rows[i].text), &at) || at != rows[i].at)
            fail_msg("%s gives %lld", rows[i].text, (long long)at);
    }
}

static void test_clock__what_is_no_time_is_refused_and_changes_nothing(void **state) {
    (void)state;
    static const char *const rows[] = {
        "",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:61Z",
        "1970-13-01T00:00:00Z",
        "1970-00-01T00:00:00Z",
        "1970-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z ",
        "1970-01-01T00:00:00+0800",
        "1970-01-01T00:00:00+24:00",
        "1970-1-1T00:00:00Z",
        "+1970-01-01T00:00:00Z",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t at = 42;
        if (clock_parse_rfc3339(sv_of(rows[i]), &at) || at != 42)
            fail_msg("%s is taken", rows[i]);
    }
}

/* timegm is the C library's own calendar. */
static void test_clock__every_day_agrees_with_the_c_library(void **state) {
    (void)state;
    int64_t day = 0;
    for (int y = 1970; y < 2110; y++)
        for (int m = 1; m <= 12; m++)
            for (int d = 1; d <= 31; d++) {
                struct tm tm = {.tm_year = y - 1900, .tm_mon = m - 1, .tm_mday = d};
                int64_t right = timegm(&tm);
                char text[40];
                snprintf(text, sizeof text, "%04d-%02d-%02d", y, m, d);
                int64_t at = -1;
                bool exists = tm.tm_mday == d; /* timegm moves the 31st of February on */
                assert_int_equal(clock_parse_day(sv_of(text), &at), exists);
                if (!exists)
                    continue;
                assert_int_equal(at, right * US_PER_S);
                assert_int_equal(clock_days_of(y, m, d), day++);
            }
    int64_t at;
    assert_false(clock_parse_day(SV("2024-01-01T"), &at));
}

static void test_clock__the_machines_clocks_run(void **state) {
    (void)state;
    int64_t a = clock_monotonic_us();
    assert_true(clock_monotonic_us() >= a);
    assert_true(llabs(clock_system_us() - (int64_t)time(NULL) * US_PER_S) < 5 * US_PER_S);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock__written_times_read_back),
        cmocka_unit_test(test_clock__parts_of_a_millisecond_and_times_before_the_epoch),
        cmocka_unit_test(test_clock__rfc3339_in_all_its_forms),
        cmocka_unit_test(test_clock__what_is_no_time_is_refused_and_changes_nothing),
        cmocka_unit_test(test_clock__every_day_agrees_with_the_c_library),
        cmocka_unit_test(test_clock__the_machines_clocks_run),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
