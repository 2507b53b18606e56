/* Days and months of time zones, against dates worked out by hand. */
#include "../base/check.h"
#include "base/clock.h"
#include "text/zone.h"

static int64_t at(const char *text) {
    int64_t us = 0;
    assert_true(clock_parse_rfc3339(sv_of(text), &us));
    return us;
}

static const struct {
    const char *zone, *moment, *day_begins, *day_ends, *month_begins, *month_ends;
} rows[] = {
    {"UTC", "2026-11-21T13:00:00Z", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-01T00:00:00Z",
     "2026-12-01T00:00:00Z"},
    {"UTC", "2026-12-31T23:59:59Z", "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z", "2026-12-01T00:00:00Z",
     "2027-01-01T00:00:00Z"},
    {"UTC", "2028-02-29T00:00:00Z", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z", "2028-02-01T00:00:00Z",
     "2028-03-01T00:00:00Z"},
    {"Asia/Shanghai", "2026-11-21T15:59:59Z", "2026-11-20T16:00:00Z", "2026-11-21T16:00:00Z",
     "2026-10-31T16:00:00Z", "2026-11-30T16:00:00Z"},
    {"Asia/Shanghai", "2026-11-30T16:00:00Z", "2026-11-30T16:00:00Z", "2026-12-01T16:00:00Z",
     "2026-11-30T16:00:00Z", "2026-12-31T16:00:00Z"},
    {"America/New_York", "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z",
     "2026-03-09T04:00:00Z", /* 23 hours */
     "2026-03-01T05:00:00Z", "2026-04-01T04:00:00Z"},
    {"America/New_York", "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z",
     "2026-11-02T05:00:00Z", /* 25 hours */
     "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z"},
    /* In Havana clocks go from 01:00 back to 00:00: the day begins at the first of the two midnights. */
    {"America/Havana", "2026-11-01T04:30:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z",
     "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z"},
    {"America/Havana", "2026-11-01T05:30:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z",
     "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z"},
    /* And from 00:00 to 01:00: it has no midnight. */
    {"America/Havana", "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z",
     "2026-03-01T05:00:00Z", "2026-04-01T04:00:00Z"},
};

static void test_zone__days_and_months_begin_and_end_as_the_wall_clock_says(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sv zone = sv_of(rows[i].zone);
        struct zone_span day = zone_day(zone, at(rows[i].moment)),
                         month = zone_month(zone, at(rows[i].moment));
        if (day.begins_at != at(rows[i].day_begins) || day.ends_at != at(rows[i].day_ends))
            fail_msg("row %zu: the day begins %+lld s, ends %+lld s beside", i,
                     (long long)((day.begins_at - at(rows[i].day_begins)) / US_PER_S),
                     (long long)((day.ends_at - at(rows[i].day_ends)) / US_PER_S));
        if (month.begins_at != at(rows[i].month_begins) || month.ends_at != at(rows[i].month_ends))
            fail_msg("row %zu: the month begins %+lld s, ends %+lld s beside", i,
                     (long long)((month.begins_at - at(rows[i].month_begins)) / US_PER_S),
                     (long long)((month.ends_at - at(rows[i].month_ends)) / US_PER_S));
    }
}

static void test_zone__days_follow_each_other_without_gap_through_a_year(void **state) {
    (void)state;
    static const char *const zones[] = {"UTC",
                                        "Asia/Shanghai",
                                        "Europe/London",
                                        "America/Havana",
                                        "Asia/Kathmandu",
                                        "Australia/Lord_Howe",
                                        "Pacific/Apia"};
    for (size_t z = 0; z < sizeof zones / sizeof zones[0]; z++) {
        struct sv zone = sv_of(zones[z]);
        struct zone_span day = zone_day(zone, at("2026-01-01T00:00:00Z"));
        for (int i = 0; i < 366; i++) {
            struct zone_span next = zone_day(zone, day.ends_at), last = zone_day(zone, day.ends_at - 1);
            assert_int_equal(next.begins_at, day.ends_at);
            assert_int_equal(last.begins_at, day.begins_at);
            assert_int_equal(zone_date(zone, next.begins_at), zone_date(zone, day.begins_at) + 1);
            day = next;
        }
    }
}

static void test_zone__knows_its_names(void **state) {
    (void)state;
    assert_true(zone_is_known(SV("UTC")) && zone_is_known(SV("Asia/Shanghai")));
    assert_false(zone_is_known(SV("Asia/Shangai")) || zone_is_known(SV("")) || zone_is_known(SV("\xff")));
    assert_false(
        zone_is_known(SV("Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
    assert_int_equal(zone_date(SV("Asia/Shanghai"), at("1970-01-01T16:00:00Z")), 1);
    assert_int_equal(zone_date(SV("UTC"), at("1970-01-01T16:00:00Z")), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zone__days_and_months_begin_and_end_as_the_wall_clock_says),
        cmocka_unit_test(test_zone__days_follow_each_other_without_gap_through_a_year),
        cmocka_unit_test(test_zone__knows_its_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
