/* A lane's quotas and warm-ups over months of days, restarts and reloads: what is begun in a day never
 * exceeds its ceiling. The record of what was begun (here a list, there a table) is all that a restart keeps.
 */
#include "../base/check.h"
#include "base/clock.h"
#include "dispatch/lane.h"

#include <string.h>

#define LOAD(n, who) ((struct lane_load){.units = (n), .sender = sv_of(who)})

static const int64_t hour_us = INT64_C(3600) * US_PER_S, minute_us = 60 * US_PER_S;

static int64_t at(const char *text) {
    int64_t us = 0;
    assert_true(clock_parse_rfc3339(sv_of(text), &us));
    return us;
}

static void test_quota__the_surplus_of_a_day_waits_for_the_accounts_own_midnight(void **state) {
    (void)state;
    struct lane_config c = {.in_flight_max = 100, .time_zone = SV("Asia/Shanghai"), .quota = {.day = 3}};
    struct lane l = {0};
    lane_configure(&l, &c);
    lane_read(&l);
    int64_t now = at("2026-11-21T15:00:00Z"); /* 23:00 there */
    for (int i = 0; i < 3; i++) {
        assert_true(lane_is_open(&l, LOAD(1, ""), now));
        assert_int_equal(lane_quota_opens_at(&l, LOAD(1, ""), now), 0);
        lane_begin(&l, LOAD(1, ""), now);
    }
    assert_int_equal(lane_reason(&l, LOAD(1, ""), now), REASON_LANE_QUOTA);
    assert_int_equal(lane_quota_opens_at(&l, LOAD(1, ""), now), at("2026-11-21T16:00:00Z"));
    assert_true(lane_is_open(&l, LOAD(0, ""), now)); /* a look-up costs nothing */
    assert_true(lane_is_open(&l, LOAD(3, ""), at("2026-11-21T16:00:00Z")));
    assert_int_equal(lane_reason(&l, LOAD(4, ""), now + hour_us), REASON_LANE_QUOTA); /* never fits */
    lane_done(&l);
}

static void test_quota__a_month_ends_by_its_own_calendar(void **state) {
    (void)state;
    struct lane_config c = {.in_flight_max = 100, .time_zone = SV("UTC"), .quota = {.day = 4, .month = 5}};
    struct lane l = {0};
    lane_configure(&l, &c);
    lane_read(&l);
    lane_begin(&l, LOAD(4, ""), at("2026-11-01T00:00:00Z"));
    assert_int_equal(lane_quota_opens_at(&l, LOAD(1, ""), at("2026-11-01T01:00:00Z")),
                     at("2026-11-02T00:00:00Z"));
    lane_begin(&l, LOAD(1, ""), at("2026-11-29T00:00:00Z"));
    assert_int_equal(lane_quota_opens_at(&l, LOAD(1, ""), at("2026-11-30T23:59:59Z")),
                     at("2026-12-01T00:00:00Z"));
    assert_true(lane_is_open(&l, LOAD(4, ""), at("2026-12-01T00:00:00Z")));
    lane_done(&l);
}

static void test_quota__what_did_not_come_to_be_is_free_again_but_not_on_another_day(void **state) {
    (void)state;
    struct lane_config c = {.in_flight_max = 100, .time_zone = SV("UTC"), .quota = {.day = 2}};
    struct lane l = {0};
    lane_configure(&l, &c);
    lane_read(&l);
    int64_t day = at("2026-11-21T00:00:00Z");
    lane_begin(&l, LOAD(2, ""), day);
    lane_take_back(&l, LOAD(1, ""), day);
    assert_true(lane_is_open(&l, LOAD(1, ""), day));
    lane_begin(&l, LOAD(2, ""), day + 24 * hour_us);
    lane_take_back(&l, LOAD(1, ""), day); /* of yesterday */
    assert_false(lane_is_open(&l, LOAD(1, ""), day + 24 * hour_us));
    lane_done(&l);
}

static void test_quota__a_clock_that_steps_back_gives_no_second_day(void **state) {
    (void)state;
    struct lane_config c = {.in_flight_max = 100, .time_zone = SV("UTC"), .quota = {.day = 2}};
    struct lane l = {0};
    lane_configure(&l, &c);
    lane_read(&l);
    int64_t day = at("2026-11-21T00:00:00Z");
    lane_begin(&l, LOAD(2, ""), day);
    assert_false(lane_is_open(&l, LOAD(1, ""), day - hour_us));
    assert_false(lane_is_open(&l, LOAD(1, ""), day));
    lane_done(&l);
}

static void test_quota__tells_once_at_eighty_and_once_at_a_hundred_percent(void **state) {
    (void)state;
    struct lane_config c = {
        .in_flight_max = 100, .time_zone = SV("UTC"), .quota = {.day = 10, .month = 1000}};
    struct lane l = {0};
    struct quota_alarm a;
    lane_configure(&l, &c);
    lane_read(&l);
    unsigned told[2] = {0};
    for (int64_t day = 0; day < 3; day++)
        for (uint32_t i = 1; i <= 10; i++) {
            lane_begin(&l, LOAD(1, ""), at("2026-11-21T00:00:00Z") + day * 24 * hour_us);
            while (quota_alarm(&l.quota, &a)) {
                assert_string_equal(a.what, "day");
                assert_int_equal(a.used, i);
                assert_int_equal(a.percent, i == 8 ? 80 : 100);
                told[i == 10]++;
            }
        }
    assert_int_equal(told[0], 3);
    assert_int_equal(told[1], 3);
    lane_done(&l);
}

static void test_warm_up__doubles_daily_and_is_over_where_it_would_reach_its_target(void **state) {
    (void)state;
    const struct warm_up w = {.first = 50, .factor = 2, .target = 1000};
    static const uint32_t right[] = {50, 100, 200, 400, 800, WARM_UP_OVER, WARM_UP_OVER};
    for (int64_t day = 1; day <= 7; day++)
        assert_int_equal(warm_up_ceiling(&w, day), right[day - 1]);
    assert_int_equal(warm_up_ceiling(&w, -3), 50);
    assert_int_equal(warm_up_ceiling(&w, 1000000), WARM_UP_OVER);
    const struct warm_up list = {.days = {100, 10000}, .n_days = 2};
    assert_int_equal(warm_up_ceiling(&list, 1), 100);
    assert_int_equal(warm_up_ceiling(&list, 2), 10000);
    assert_int_equal(warm_up_ceiling(&list, 3), WARM_UP_OVER);
    const struct warm_up none = {.first = 50, .factor = 2};
    assert_int_equal(warm_up_ceiling(&none, 1), WARM_UP_OVER);
    const struct warm_up wide = {.first = 1000000000, .factor = 100, .target = 1000000000};
    assert_int_equal(warm_up_ceiling(&wide, 60), WARM_UP_OVER);
}

/* ---- over months, with restarts and reloads ---- */

enum { SENDERS = 3, BEGUN_MAX = 60000, DAYS = 70 };
static const char *const senders[SENDERS] = {"+861000", "Hongyan", ""};

/* What a disk would have: every attempt begun. */
static struct {
    int64_t at;
    uint32_t units;
    unsigned sender;
} begun[BEGUN_MAX];
static size_t n_begun;

static uint64_t random_of(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed >> 8;
}

/* As the table of senders keeps it: the units of the day of the latest attempt. */
static void recall_senders(struct lane *l, struct sv zone) {
    for (unsigned who = 0; who < SENDERS; who++) {
        int64_t first = 0, last = 0, day = 0;
        uint32_t units = 0;
        for (size_t i = 0; i < n_begun; i++) {
            if (begun[i].sender != who)
                continue;
            int64_t its = zone_day(zone, begun[i].at).begins_at;
            units = last && day == its ? units + begun[i].units : begun[i].units;
            first = first ? first : begun[i].at;
            last = begun[i].at;
            day = its;
        }
        if (last)
            lane_recall_sender(l, sv_of(senders[who]), first, last, units);
    }
}

static void recall(struct lane *l, struct sv zone, int64_t now) {
    for (size_t i = 0; i < n_begun; i++)
        lane_recall(l, begun[i].units, begun[i].at / minute_us * minute_us, now);
    recall_senders(l, zone);
    lane_read(l);
}

static void check(const struct lane_config *c, int64_t now) {
    struct zone_span day = zone_day(c->time_zone, now), month = zone_month(c->time_zone, now);
    uint64_t of_day = 0, of_month = 0, of_sender[SENDERS] = {0};
    int64_t first[SENDERS] = {0}, date = zone_date(c->time_zone, now), start;
    assert_true(clock_parse_day(c->warm_up.start, &start));
    for (size_t i = 0; i < n_begun; i++) {
        unsigned who = begun[i].sender;
        first[who] = first[who] ? first[who] : begun[i].at;
        of_day += begun[i].at >= day.begins_at ? begun[i].units : 0;
        of_month += begun[i].at >= month.begins_at ? begun[i].units : 0;
        of_sender[who] += begun[i].at >= day.begins_at ? begun[i].units : 0;
    }
    assert_true(of_day <= c->quota.day);
    assert_true(of_month <= c->quota.month);
    assert_true(of_day <= warm_up_ceiling(&c->warm_up, date - start / (24 * hour_us) + 1));
    for (unsigned who = 0; who < SENDERS; who++)
        if (first[who])
            assert_true(of_sender[who] <=
                        warm_up_ceiling(&c->sender_warm_up, date - zone_date(c->time_zone, first[who]) + 1));
}

static void test_quota__no_day_and_no_month_holds_more_whatever_restarts_and_reloads(void **state) {
    (void)state;
    const char *const zones[] = {"UTC", "Asia/Shanghai", "America/New_York"};
    for (unsigned run = 0; run < 12; run++) {
        struct lane_config c = {
            .in_flight_max = UINT32_MAX,
            .time_zone = sv_of(zones[run % 3]),
            .quota = {.day = 60, .month = 900},
            .warm_up = {.start = SV("2026-02-10"), .first = 5, .factor = 2, .target = 50},
            .sender_warm_up = {.days = {2, 6, 9}, .n_days = 3},
        };
        struct lane_config same = c; /* the same settings at another place: a reload */
        struct lane *l = calloc(1, sizeof *l);
        uint64_t seed = 88172645463325252u + run * 7919;
        size_t waited = 0, restarts = 0;
        n_begun = 0;
        int64_t now = at("2026-02-09T20:00:00Z"), end = now + DAYS * 24 * hour_us;
        lane_configure(l, &c);
        recall(l, c.time_zone, now);
        while (now < end && n_begun < BEGUN_MAX) {
            now += (int64_t)(random_of(&seed) % (40 * (uint64_t)minute_us));
            unsigned who = (unsigned)(random_of(&seed) % SENDERS);
            struct lane_load load = {.units = 1 + (uint32_t)(random_of(&seed) % 3),
                                     .sender = sv_of(senders[who])};
            unsigned dice = (unsigned)(random_of(&seed) % 100);
            if (dice < 2) { /* killed: memory is gone */
                lane_done(l);
                *l = (struct lane){0};
                lane_configure(l, &c);
                assert_int_equal(lane_reason(l, load, now), REASON_LANE_RATE); /* not before it is known */
                recall(l, c.time_zone, now);
                restarts++;
            } else if (dice < 4) {
                lane_configure(l, dice == 2 ? &c : &same);
                assert_false(l->unread);
            }
            if (!lane_is_open(l, load, now)) {
                int64_t opens_at = lane_quota_opens_at(l, load, now);
                assert_true(opens_at > now);
                assert_false(lane_is_open(l, load, opens_at - 1));
                waited++;
                continue;
            }
            lane_begin(l, load, now);
            if (random_of(&seed) % 9 == 0) { /* not stored after all */
                lane_end(l, NULL, now);
                lane_take_back(l, load, now);
                continue;
            }
            begun[n_begun].at = now;
            begun[n_begun].units = load.units;
            begun[n_begun++].sender = who;
            check(&c, now);
        }
        assert_true(waited > 100 && restarts > 10 && n_begun > 500);
        lane_done(l);
        free(l);
    }
}

static void test_quota__another_time_zone_counts_anew_from_what_is_on_disk(void **state) {
    (void)state;
    struct lane_config utc = {.in_flight_max = 100, .time_zone = SV("UTC"), .quota = {.day = 3}};
    struct lane_config shanghai = {
        .in_flight_max = 100, .time_zone = SV("Asia/Shanghai"), .quota = {.day = 3}};
    struct lane l = {0};
    lane_configure(&l, &utc);
    lane_read(&l);
    int64_t now = at("2026-11-21T15:30:00Z"); /* still the 21st in both */
    lane_begin(&l, LOAD(3, ""), now);
    lane_configure(&l, &shanghai);
    assert_int_equal(lane_reason(&l, LOAD(1, ""), now), REASON_LANE_RATE);
    lane_recall(&l, 3, now, now);
    lane_read(&l);
    assert_int_equal(lane_reason(&l, LOAD(1, ""), now), REASON_LANE_QUOTA);
    assert_true(lane_is_open(&l, LOAD(1, ""), at("2026-11-21T16:00:00Z"))); /* the 22nd there */
    lane_done(&l);
}

static void test_warm_up__more_senders_than_have_a_place_wait(void **state) {
    (void)state;
    struct lane_config c = {.in_flight_max = UINT32_MAX,
                            .time_zone = SV("UTC"),
                            .sender_warm_up = {.first = 50, .factor = 2, .target = 1000}};
    struct lane l = {0};
    lane_configure(&l, &c);
    lane_read(&l);
    int64_t now = at("2026-11-21T15:30:00Z");
    char name[16];
    for (int i = 0; i < QUOTA_SENDERS_MAX; i++) {
        snprintf(name, sizeof name, "S%d", i);
        assert_true(lane_is_open(&l, LOAD(1, name), now));
        lane_begin(&l, LOAD(1, name), now);
    }
    assert_int_equal(lane_reason(&l, LOAD(1, "one more"), now), REASON_WARM_UP);
    assert_true(lane_is_open(&l, LOAD(1, "S7"), now));
    lane_done(&l);
}

static void test_warm_up__what_did_not_come_to_be_yesterday_frees_nothing_today(void **state) {
    (void)state;
    struct lane_config c = {
        .in_flight_max = 100, .time_zone = SV("UTC"), .sender_warm_up = {.days = {2, 2, 9}, .n_days = 3}};
    struct lane l = {0};
    lane_configure(&l, &c);
    lane_read(&l);
    int64_t day = at("2026-11-21T00:00:00Z"), next = day + 24 * hour_us;
    lane_begin(&l, LOAD(2, "S"), day);
    lane_begin(&l, LOAD(2, "S"), next);
    lane_take_back(&l, LOAD(1, "S"), day);
    assert_false(lane_is_open(&l, LOAD(1, "S"), next));
    lane_take_back(&l, LOAD(1, "S"), next);
    assert_true(lane_is_open(&l, LOAD(1, "S"), next));
    lane_done(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quota__the_surplus_of_a_day_waits_for_the_accounts_own_midnight),
        cmocka_unit_test(test_quota__a_month_ends_by_its_own_calendar),
        cmocka_unit_test(test_quota__what_did_not_come_to_be_is_free_again_but_not_on_another_day),
        cmocka_unit_test(test_quota__a_clock_that_steps_back_gives_no_second_day),
        cmocka_unit_test(test_quota__tells_once_at_eighty_and_once_at_a_hundred_percent),
        cmocka_unit_test(test_warm_up__doubles_daily_and_is_over_where_it_would_reach_its_target),
        cmocka_unit_test(test_quota__no_day_and_no_month_holds_more_whatever_restarts_and_reloads),
        cmocka_unit_test(test_quota__another_time_zone_counts_anew_from_what_is_on_disk),
        cmocka_unit_test(test_warm_up__more_senders_than_have_a_place_wait),
        cmocka_unit_test(test_warm_up__what_did_not_come_to_be_yesterday_frees_nothing_today),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
