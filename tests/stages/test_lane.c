/* A lane's window, pauses and breaker, as dialogues: one line an act and what is seen after it. */
#include "../base/check.h"
#include "base/clock.h"
#include "dispatch/lane.h"

#define UNITS(n) ((struct lane_load){.units = (n)})

enum act { BEGIN, GOOD, REFUSED, LOST, DOWN, SLOW, BROKEN, NOTHING };

struct line {
    int64_t at_ms;
    enum act act;
    bool told;         /* lane_end says that the lane closed just now */
    enum reason after; /* of the lane after the act, at the same moment */
    int32_t retry_after_ms;
};

static const struct verdict verdicts[] = {
    [GOOD] = {.fate = FATE_SENT, .hint = LANE_FINE},
    [REFUSED] = {.fate = FATE_REJECTED, .hint = LANE_FINE},
    [LOST] = {.fate = FATE_UNKNOWN, .hint = LANE_FINE},
    [DOWN] = {.fate = FATE_RETRY, .hint = LANE_DOWN},
    [SLOW] = {.fate = FATE_RETRY, .hint = LANE_SLOW_DOWN},
    [BROKEN] = {.fate = FATE_RETRY, .hint = LANE_BROKEN},
};

static void play(struct lane *l, const struct line *lines, size_t n) {
    const int64_t start = INT64_C(1767225600) * US_PER_S;
    for (size_t i = 0; i < n; i++) {
        int64_t now = start + lines[i].at_ms * US_PER_MS;
        bool told = false;
        if (lines[i].act == BEGIN) {
            lane_begin(l, UNITS(1), now);
        } else if (lines[i].act != NOTHING) {
            struct verdict v = verdicts[lines[i].act];
            v.retry_after_ms = lines[i].retry_after_ms;
            told = lane_end(l, &v, now);
        }
        if (told != lines[i].told || lane_reason(l, UNITS(1), now) != lines[i].after)
            fail_msg("line %zu: told %d, %s; not %d, %s", i + 1, told,
                     reason_name(lane_reason(l, UNITS(1), now)), lines[i].told, reason_name(lines[i].after));
        assert_int_equal(lane_is_open(l, UNITS(1), now), lines[i].after == REASON_NONE);
        if (lines[i].after == REASON_PROVIDER_DOWN || lines[i].after == REASON_THROTTLED)
            assert_true(lane_opens_at(l, 1) > now);
    }
}

#define PLAY(lane, lines) play(lane, lines, sizeof lines / sizeof lines[0])
#define OPEN REASON_NONE
#define FULL REASON_LANE_FULL
#define SHUT REASON_PROVIDER_DOWN

static const struct lane_config config = {.name = "main", .in_flight_max = 8};

static void test_lane__the_window_is_full_at_its_size(void **state) {
    (void)state;
    struct lane l = {.config = &config};
    for (int i = 0; i < 8; i++) {
        assert_true(lane_is_open(&l, UNITS(1), 1));
        lane_begin(&l, UNITS(1), 1);
    }
    assert_int_equal(lane_reason(&l, UNITS(1), 1), REASON_LANE_FULL);
    assert_false(lane_end(&l, NULL, 1));
    assert_true(lane_is_open(&l, UNITS(1), 1));
}

static void test_lane__single_lost_answers_do_not_close_it(void **state) {
    (void)state;
    struct lane l = {.config = &config};
    static const struct line lines[] = {
        {0, BEGIN, false, OPEN, 0},  {1, DOWN, false, OPEN, 0},  {2, BEGIN, false, OPEN, 0},
        {3, DOWN, false, OPEN, 0},   {4, BEGIN, false, OPEN, 0}, {5, DOWN, false, OPEN, 0},
        {6, BEGIN, false, OPEN, 0},  {7, DOWN, false, OPEN, 0},  {8, BEGIN, false, OPEN, 0},
        {9, GOOD, false, OPEN, 0}, /* strikes are forgotten */
        {10, BEGIN, false, OPEN, 0}, {11, DOWN, false, OPEN, 0}, {12, BEGIN, false, OPEN, 0},
        {13, DOWN, false, OPEN, 0},
    };
    PLAY(&l, lines);
}

static void test_lane__five_strikes_close_it_and_one_probe_at_a_time_tries_it(void **state) {
    (void)state;
    struct lane l = {.config = &config};
    static const struct line lines[] = {
        {0, BEGIN, false, OPEN, 0},      {0, BEGIN, false, OPEN, 0},
        {0, BEGIN, false, OPEN, 0},      {0, BEGIN, false, OPEN, 0},
        {0, BEGIN, false, OPEN, 0},      {0, BEGIN, false, OPEN, 0},
        {1, DOWN, false, OPEN, 0},       {1, DOWN, false, OPEN, 0},
        {1, DOWN, false, OPEN, 0},       {1, LOST, false, OPEN, 0}, /* not good news: the strikes stand */
        {1, DOWN, false, OPEN, 0},       {1, DOWN, true, SHUT, 0},  /* the fifth */
        {500, NOTHING, false, SHUT, 0},  {501, NOTHING, false, OPEN, 0}, /* half open after 500 ms */
        {501, BEGIN, false, FULL, 0},                                    /* for a single probe */
        {600, DOWN, true, SHUT, 0},                                      /* in vain: twice as long */
        {1599, NOTHING, false, SHUT, 0}, {1600, BEGIN, false, FULL, 0},
        {1700, LOST, false, OPEN, 0}, /* says nothing either way: still one at a time */
        {1700, BEGIN, false, FULL, 0},   {1800, REFUSED, false, OPEN, 0}, /* it answers: open wide */
        {1800, BEGIN, false, OPEN, 0},   {1800, BEGIN, false, OPEN, 0},
        {1801, DOWN, false, OPEN, 0}, /* the count of strikes begins anew */
    };
    PLAY(&l, lines);
}

static void test_lane__calls_that_were_in_flight_together_count_once(void **state) {
    (void)state;
    struct lane l = {.config = &config};
    for (int i = 0; i < 8; i++)
        lane_begin(&l, UNITS(1), 1);
    int told = 0;
    for (int i = 0; i < 8; i++)
        told += lane_end(&l, &verdicts[DOWN], 1000000);
    assert_int_equal(told, 1);
    assert_int_equal(l.downs, 1);
    assert_int_equal(lane_opens_at(&l, 1), 1000000 + 500 * US_PER_MS);
}

static void test_lane__pauses_double_up_to_thirty_seconds(void **state) {
    (void)state;
    static const int64_t right_ms[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000};
    struct lane l = {.config = &config, .strikes = 4};
    int64_t now = 1000000;
    for (size_t i = 0; i < sizeof right_ms / sizeof right_ms[0]; i++) {
        lane_begin(&l, UNITS(1), 1);
        assert_true(lane_end(&l, &verdicts[DOWN], now));
        assert_int_equal(lane_opens_at(&l, 1) - now, right_ms[i] * US_PER_MS);
        now = lane_opens_at(&l, 1);
    }
    for (int i = 0; i < 200; i++) { /* for days */
        lane_begin(&l, UNITS(1), 1);
        assert_true(lane_end(&l, &verdicts[DOWN], now));
        now = lane_opens_at(&l, 1);
    }
}

static void test_lane__slows_down_as_long_as_asked_and_never_shorter(void **state) {
    (void)state;
    struct lane l = {.config = &config};
    static const struct line lines[] = {
        {0, BEGIN, false, OPEN, 0},
        {0, BEGIN, false, OPEN, 0},
        {0, BEGIN, false, OPEN, 0},
        {0, SLOW, true, REASON_THROTTLED, 5000},
        {1, SLOW, false, REASON_THROTTLED, 0}, /* its second would end before */
        {2, SLOW, false, REASON_THROTTLED, 6000},
        {6001, NOTHING, false, REASON_THROTTLED, 0},
        {6002, BEGIN, false, OPEN, 0},
        {6002, BEGIN, false, OPEN, 0}, /* a throttle is no outage: no single probe */
        {6003, SLOW, true, REASON_THROTTLED, 0},
        {7002, NOTHING, false, REASON_THROTTLED, 0},
        {7003, NOTHING, false, OPEN, 0},
    };
    PLAY(&l, lines);
}

static void test_lane__broken_stays_so_whatever_comes(void **state) {
    (void)state;
    struct lane l = {.config = &config};
    static const struct line lines[] = {
        {0, BEGIN, false, OPEN, 0},
        {0, BEGIN, false, OPEN, 0},
        {0, BEGIN, false, OPEN, 0},
        {1, BROKEN, true, REASON_CREDENTIALS, 0},
        {2, BROKEN, false, REASON_CREDENTIALS, 0},
        {3, GOOD, false, REASON_CREDENTIALS, 0},
        {86400000, NOTHING, false, REASON_CREDENTIALS, 0},
    };
    PLAY(&l, lines);
    assert_int_equal(lane_opens_at(&l, 1), 0);
}

/* Attempts at random moments, of one to five units, some of which do not come to be: no interval holds more
 * than a rate, and what waits goes on when lane_opens_at says so. */
static void test_lane__no_interval_holds_more_than_a_rate(void **state) {
    (void)state;
    static const struct lane_config rated = {
        .name = "main",
        .in_flight_max = 1000000,
        .rates = {{.max = 10, .period_us = US_PER_S}, {.max = 100, .period_us = 60 * US_PER_S}},
        .n_rates = 2};
    enum { MANY = 20000 };
    static int64_t at[MANY];
    static uint32_t units[MANY];
    struct lane l = {0};
    lane_configure(&l, &rated);
    lane_read(&l);
    size_t n = 0, waited = 0;
    uint64_t seed = 88172645463325252u;
    int64_t now = INT64_C(1767225600) * US_PER_S;
    while (n < MANY) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        uint32_t u = 1 + (uint32_t)(seed % 5);
        now += (int64_t)(seed / 5 % 400000);
        if (lane_reason(&l, UNITS(u), now) != REASON_NONE) {
            assert_int_equal(lane_reason(&l, UNITS(u), now), REASON_LANE_RATE);
            int64_t opens_at = lane_opens_at(&l, now);
            assert_true(opens_at > now);
            assert_true(!lane_is_open(&l, UNITS(u), opens_at - 1));
            now = opens_at;
            waited++;
            continue;
        }
        lane_begin(&l, UNITS(u), now);
        if (seed % 11 == 0) {
            lane_end(&l, NULL, now);
            lane_take_back(&l, UNITS(u), now);
            continue;
        }
        at[n] = now;
        units[n++] = u;
        for (size_t r = 0; r < 2; r++) {
            uint32_t sum = 0;
            for (size_t i = n; i-- > 0 && now - at[i] < rated.rates[r].period_us;)
                sum += units[i];
            assert_true(sum <= rated.rates[r].max);
        }
    }
    assert_true(waited > 1000);
}

static void test_lane__a_message_larger_than_a_rate_takes_all_of_it(void **state) {
    (void)state;
    static const struct lane_config rated = {
        .name = "main", .in_flight_max = 10, .rates = {{.max = 2, .period_us = US_PER_S}}, .n_rates = 1};
    struct lane l = {0};
    lane_configure(&l, &rated);
    lane_read(&l);
    assert_true(lane_is_open(&l, UNITS(7), 1));
    lane_begin(&l, UNITS(1), 1);
    assert_int_equal(lane_reason(&l, UNITS(7), 2), REASON_LANE_RATE);
    assert_true(lane_is_open(&l, UNITS(1), 2));
    assert_true(lane_is_open(&l, UNITS(0), 2)); /* a look-up costs nothing */
}

static void test_lane__alone_it_keeps_to_its_part_and_together_to_its_slice(void **state) {
    (void)state;
    static const struct lane_config rated = {.name = "main",
                                             .in_flight_max = 100,
                                             .rates = {{.max = 6, .period_us = 16 * US_PER_S}},
                                             .n_rates = 1,
                                             .quota = {.day = 20},
                                             .time_zone = SV("UTC")};
    int64_t now = INT64_C(1767225600) * US_PER_S;
    struct lane l = {0};
    uint32_t least;
    lane_configure(&l, &rated);
    lane_read(&l);
    lane_share(&l, 3, false, now);
    for (int i = 0; i < 2; i++) {
        assert_true(lane_is_open(&l, UNITS(1), now));
        lane_begin(&l, UNITS(1), now);
    }
    assert_int_equal(lane_reason(&l, UNITS(1), now), REASON_LANE_RATE); /* a third of six */
    assert_true(lane_opens_at(&l, now) > now + 15 * US_PER_S);
    lane_share(&l, 3, true, now);
    assert_int_equal(lane_slice_wanted(&l, now, &least), 0); /* nobody asked yet */
    assert_int_equal(lane_reason(&l, UNITS(2), now), REASON_LANE_RATE);
    assert_int_equal(lane_slice_wanted(&l, now, &least), 2);
    assert_int_equal(least, 2);
    lane_slice(&l, 3, now + lane_slice_us(&l));
    assert_int_equal(lane_slice_us(&l), US_PER_S);
    assert_true(lane_is_open(&l, UNITS(2), now));
    lane_begin(&l, UNITS(2), now);
    assert_int_equal(lane_reason(&l, UNITS(2), now), REASON_LANE_RATE);
    assert_true(lane_is_open(&l, UNITS(1), now));
    assert_false(lane_is_open(&l, UNITS(1), now + US_PER_S)); /* it has ended */
    assert_int_equal(lane_slice_rest(&l, now), 0);
    assert_int_equal(lane_slice_rest(&l, now + US_PER_S), 1);
    lane_slice_refused(&l, now + 2 * US_PER_S, false);
    assert_int_equal(lane_reason(&l, UNITS(1), now + US_PER_S), REASON_LANE_RATE);
    assert_int_equal(lane_slice_wanted(&l, now + US_PER_S, &least), 0);
    assert_true(lane_slice_wanted(&l, now + 2 * US_PER_S, &least) > 0);
    lane_slice_refused(&l, now + 60 * US_PER_S, true);
    assert_int_equal(lane_reason(&l, UNITS(1), now + US_PER_S), REASON_LANE_QUOTA);
    assert_int_equal(lane_quota_opens_at(&l, UNITS(1), now + US_PER_S), now + 60 * US_PER_S);
    l.quota.day.known = 14; /* by everybody; six are left, two of them ours */
    int64_t later = now + 3600 * US_PER_S;
    lane_share(&l, 3, false, later);
    for (int i = 0; i < 2; i++) {
        assert_true(lane_is_open(&l, UNITS(1), later));
        lane_begin(&l, UNITS(1), later);
        later += 60 * US_PER_S;
    }
    assert_int_equal(lane_reason(&l, UNITS(1), later), REASON_LANE_QUOTA);
    assert_true(lane_is_open(&l, UNITS(1), now + 24 * 3600 * US_PER_S)); /* the next day */
    lane_done(&l);
}

static void test_lane__a_restart_remembers_and_a_reload_too(void **state) {
    (void)state;
    static const struct lane_config rated = {.name = "main",
                                             .in_flight_max = 10,
                                             .rates = {{.max = 5, .period_us = 3600 * US_PER_S}},
                                             .n_rates = 1};
    static const struct lane_config more = {
        .name = "main",
        .in_flight_max = 10,
        .rates = {{.max = 1000, .period_us = US_PER_S}, {.max = 6, .period_us = 3600 * US_PER_S}},
        .n_rates = 2};
    int64_t now = INT64_C(1767225600) * US_PER_S;
    struct lane l = {0};
    lane_configure(&l, &rated);
    assert_int_equal(lane_reason(&l, UNITS(1), now), REASON_LANE_RATE); /* not before it is known */
    lane_recall(&l, 3, now - 120 * US_PER_S, now);
    lane_recall(&l, 2, now - 60 * US_PER_S, now);
    lane_read(&l);
    assert_int_equal(lane_reason(&l, UNITS(1), now), REASON_LANE_RATE);
    lane_configure(&l,
                   &more); /* the second's rate is new: it asks too, and the hour's is not counted twice */
    assert_int_equal(lane_reason(&l, UNITS(1), now), REASON_LANE_RATE);
    lane_recall(&l, 5, now - 180 * US_PER_S, now);
    lane_read(&l);
    assert_true(lane_is_open(&l, UNITS(1), now));
    lane_begin(&l, UNITS(1), now);
    assert_int_equal(lane_reason(&l, UNITS(1), now), REASON_LANE_RATE);
}

static void test_lane__a_restart_tries_a_broken_lane_with_one_call(void **state) {
    (void)state;
    struct lane l = {0};
    int64_t now = INT64_C(1767225600) * US_PER_S;
    lane_start(&l);
    lane_configure(&l, &config);
    assert_false(lane_is_open(&l, UNITS(1), now)); /* not before it is known */
    lane_resume(&l, true, 0, 0, now);
    lane_read(&l);
    lane_begin(&l, UNITS(1), now);
    assert_int_equal(lane_reason(&l, UNITS(1), now), REASON_LANE_FULL);
    assert_true(lane_end(&l, &verdicts[BROKEN], now));
    assert_true(lane_wants_keeping(&l, true));
    assert_int_equal(lane_reason(&l, UNITS(1), now), REASON_CREDENTIALS);
    lane_configure(&l, &config); /* a person has looked at it */
    lane_begin(&l, UNITS(1), now);
    lane_end(&l, &verdicts[GOOD], now);
    assert_true(lane_wants_keeping(&l, false)); /* what is on disk goes, once */
    assert_false(lane_wants_keeping(&l, false));
}

static void test_lane__a_restart_goes_on_waiting_for_a_provider_that_is_down(void **state) {
    (void)state;
    struct lane l = {0};
    int64_t now = INT64_C(1767225600) * US_PER_S;
    lane_start(&l);
    lane_configure(&l, &config);
    lane_resume(&l, false, 3, now + 2 * US_PER_S, now);
    lane_read(&l);
    assert_int_equal(lane_reason(&l, UNITS(1), now + US_PER_S), REASON_PROVIDER_DOWN);
    lane_begin(&l, UNITS(1), now + 2 * US_PER_S);
    assert_true(lane_end(&l, &verdicts[DOWN], now + 2 * US_PER_S));
    assert_int_equal(lane_opens_at(&l, now), now + 6 * US_PER_S); /* the fourth time: twice as long again */
    struct lane stepped = {0};
    lane_start(&stepped);
    lane_configure(&stepped, &config);
    lane_resume(&stepped, false, 1, now + INT64_C(86400) * US_PER_S, now); /* the clock was set back */
    lane_read(&stepped);
    assert_true(lane_opens_at(&stepped, now) <= now + 30 * US_PER_S);
}

static void test_lane__a_restart_keeps_window_health_and_waits(void **state) {
    (void)state;
    static const struct lane_config adaptive = {.in_flight_max = 8, .in_flight_adaptive = true};
    int64_t now = INT64_C(1767225600) * US_PER_S;
    struct lane l = {0}, next = {0};
    struct verdict slow = {.fate = FATE_RETRY, .hint = LANE_SLOW_DOWN, .retry_after_ms = 60000};
    lane_configure(&l, &adaptive);
    lane_begin(&l, UNITS(1), now);
    lane_timed(&l, &verdicts[GOOD], now, 1000, now);
    lane_end(&l, &verdicts[GOOD], now);
    assert_false(lane_wants_standing_kept(&l, now)); /* as good as any: nothing is written */
    lane_begin(&l, UNITS(1), now);
    lane_begin(&l, UNITS(1), now);
    lane_timed(&l, &verdicts[LOST], now, 1000, now + 1);
    lane_end(&l, &verdicts[LOST], now + 1);
    assert_false(lane_wants_standing_kept(&l, now + 1)); /* not at every call */
    lane_timed(&l, &slow, now, 1000, now + 2);
    lane_end(&l, &slow, now + 2);
    assert_true(lane_wants_standing_kept(&l, now + 2)); /* but a wait at once */
    assert_false(lane_wants_standing_kept(&l, now + 3));
    struct lane_standing kept = l.standing;
    assert_int_equal(kept.window, lane_window(&l));
    assert_int_equal(kept.good + kept.bad, 2);

    lane_start(&next);
    lane_configure(&next, &adaptive);
    lane_resume_standing(&next, &kept, now + US_PER_S);
    lane_resume(&next, false, 0, 0, now + US_PER_S);
    lane_read(&next);
    assert_int_equal(lane_window(&next), kept.window);
    assert_int_equal(lane_reason(&next, UNITS(1), now + 59 * US_PER_S), REASON_THROTTLED);
    assert_true(lane_is_open(&next, UNITS(1), now + 61 * US_PER_S));
    assert_true(lane_health(&next) < 1);
    assert_true(lane_wants_standing_kept(&next, now + 330 * US_PER_S) && next.standing.bad == 0);

    struct lane stepped = {0}, later = {0}; /* a clock that was set back by a day; a long time off */
    lane_start(&stepped);
    lane_configure(&stepped, &adaptive);
    lane_resume_standing(&stepped, &kept, now - INT64_C(86400) * US_PER_S);
    lane_resume(&stepped, false, 0, 0, now - INT64_C(86400) * US_PER_S);
    lane_read(&stepped);
    assert_true(lane_opens_at(&stepped, 1) <= now - INT64_C(86400) * US_PER_S + 60 * US_PER_S);
    lane_start(&later);
    lane_configure(&later, &adaptive);
    lane_resume_standing(&later, &kept, now + 2 * INT64_C(3600) * US_PER_S);
    assert_int_equal(lane_window(&later), 8);
    lane_done(&l);
    lane_done(&next);
    lane_done(&stepped);
    lane_done(&later);
}

static void test_lane__waits_for_what_the_provider_told_another_gateway(void **state) {
    (void)state;
    struct lane_config five = {.in_flight_max = 5};
    struct lane l = {0};
    lane_configure(&l, &five);
    lane_slowed_by_others(&l, 0, 1);
    assert_true(lane_is_open(&l, (struct lane_load){0}, 1));
    lane_slowed_by_others(&l, 2 * US_PER_S, 1);
    lane_slowed_by_others(&l, US_PER_S, 2); /* a shorter one */
    assert_false(lane_is_open(&l, (struct lane_load){0}, 2 * US_PER_S));
    assert_true(lane_is_open(&l, (struct lane_load){0}, 2 * US_PER_S + 1));
    assert_int_equal(lane_window(&l), 5); /* not by one call at a time: its provider is well */
    /* What was heard is not told on; what a call of ours was told is, unless it is nearly over. */
    assert_int_equal(l.shared.slowed_until, 0);
    struct verdict throttled = {.fate = FATE_RETRY, .hint = LANE_SLOW_DOWN, .retry_after_ms = 1000};
    lane_begin(&l, (struct lane_load){0}, 3 * US_PER_S);
    lane_end(&l, &throttled, 3 * US_PER_S);
    assert_int_equal(l.shared.slowed_until, 0);
    throttled.retry_after_ms = 30000;
    lane_begin(&l, (struct lane_load){0}, 5 * US_PER_S);
    lane_end(&l, &throttled, 5 * US_PER_S);
    assert_int_equal(l.shared.slowed_until, 35 * US_PER_S);
    lane_slowed_by_others(&l, INT64_MAX / 2, 40 * US_PER_S); /* rubbish: a day at most */
    assert_int_equal(lane_opens_at(&l, 40 * US_PER_S), 40 * US_PER_S + 86400 * US_PER_S);
    lane_done(&l);
}

/* Attempts and look-ups at random moments with random ends: while the breaker is not closed there is never
 * more than one call beyond those that were under way when it opened. */
static void test_lane__that_others_closed_is_tried_by_one_call_when_that_is_over(void **state) {
    (void)state;
    struct lane_config five = {.in_flight_max = 5};
    struct lane l = {0};
    lane_configure(&l, &five);
    lane_closed_by_others(&l, 0, 1);
    assert_true(lane_is_open(&l, (struct lane_load){0}, 1));
    lane_closed_by_others(&l, 2 * US_PER_S, 1);
    lane_closed_by_others(&l, US_PER_S, 2); /* a shorter one */
    assert_int_equal(lane_reason(&l, (struct lane_load){0}, 2 * US_PER_S), REASON_PROVIDER_DOWN);
    assert_int_equal(lane_opens_at(&l, 2), 2 * US_PER_S + 1);
    assert_true(lane_is_open(&l, (struct lane_load){0}, 2 * US_PER_S + 1));
    assert_int_equal(lane_window(&l), 1);
    lane_begin(&l, (struct lane_load){0}, 3 * US_PER_S);
    struct verdict fine = {.fate = FATE_SENT, .hint = LANE_FINE};
    lane_end(&l, &fine, 3 * US_PER_S);
    assert_int_equal(lane_window(&l), 5);
    lane_closed_by_others(&l, INT64_MAX / 2, 4 * US_PER_S); /* rubbish: no longer than a closing of our own */
    assert_true(lane_is_open(&l, (struct lane_load){0}, 40 * US_PER_S));
    lane_done(&l);
}

static void test_lane__the_breaker_never_lets_a_second_probe_through(void **state) {
    (void)state;
    struct lane l = {.config = &config};
    uint64_t seed = 88172645463325252u;
    int64_t now = INT64_C(1767225600) * US_PER_S;
    unsigned probes = 0, closings = 0;
    bool closed = false;
    for (int i = 0; i < 200000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        now += (int64_t)(seed % 200) * US_PER_MS;
        struct lane_load load = UNITS(seed >> 20 & 1); /* a look-up has none */
        if ((seed >> 8) % 2 && lane_is_open(&l, load, now)) {
            assert_true(!closed || l.in_flight == 0);
            assert_true(now >= l.paused_until);
            probes += closed;
            lane_begin(&l, load, now);
        } else if (l.in_flight) {
            enum act how = (seed >> 12) % 10 < 8 ? DOWN : (seed >> 12) % 10 == 8 ? LOST : GOOD;
            closings += lane_end(&l, &verdicts[how], now);
        }
        closed = l.downs > 0;
    }
    assert_true(probes > 1000 && closings > 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lane__the_window_is_full_at_its_size),
        cmocka_unit_test(test_lane__single_lost_answers_do_not_close_it),
        cmocka_unit_test(test_lane__five_strikes_close_it_and_one_probe_at_a_time_tries_it),
        cmocka_unit_test(test_lane__calls_that_were_in_flight_together_count_once),
        cmocka_unit_test(test_lane__pauses_double_up_to_thirty_seconds),
        cmocka_unit_test(test_lane__slows_down_as_long_as_asked_and_never_shorter),
        cmocka_unit_test(test_lane__broken_stays_so_whatever_comes),
        cmocka_unit_test(test_lane__no_interval_holds_more_than_a_rate),
        cmocka_unit_test(test_lane__a_message_larger_than_a_rate_takes_all_of_it),
        cmocka_unit_test(test_lane__alone_it_keeps_to_its_part_and_together_to_its_slice),
        cmocka_unit_test(test_lane__a_restart_remembers_and_a_reload_too),
        cmocka_unit_test(test_lane__a_restart_tries_a_broken_lane_with_one_call),
        cmocka_unit_test(test_lane__a_restart_goes_on_waiting_for_a_provider_that_is_down),
        cmocka_unit_test(test_lane__a_restart_keeps_window_health_and_waits),
        cmocka_unit_test(test_lane__waits_for_what_the_provider_told_another_gateway),
        cmocka_unit_test(test_lane__that_others_closed_is_tried_by_one_call_when_that_is_over),
        cmocka_unit_test(test_lane__the_breaker_never_lets_a_second_probe_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
