/* Quiet hours by the clocks of real zones: where clocks are put forward and back, by an hour, by half of one,
 * by a whole day; and against another implementation of the same database (the C library's), over random
 * rules.
 */
#include "../base/check.h"
#include "base/clock.h"
#include "policy/quiet_hours.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t at(const char *text) {
    int64_t us = 0;
    assert_true(clock_parse_rfc3339(sv_of(text), &us));
    return us;
}

static int64_t date(const char *text) {
    int64_t us = 0;
    assert_true(clock_parse_day(sv_of(text), &us));
    return us / (86400 * US_PER_S);
}

static struct quiet_rule rule_of(const char *text) {
    struct quiet_rule r;
    struct err e = ERR_INIT;
    bool ok = quiet_parse(sv_of(text), &r, &e);
    if (!ok)
        print_message("%s: %s\n", text, e.text);
    assert_true(ok);
    return r;
}

static struct quiet_answer ask_rules(const struct quiet_rule *r, uint32_t n, const struct quiet_subject *s,
                                     int64_t when) {
    struct quiet_hours *q = quiet_hours_new(r, n, SV("UTC"));
    struct quiet_answer a = quiet_hours_ask(q, s, when);
    quiet_hours_free(q);
    return a;
}

static const struct message_facts marketing = {.topic = SV("marketing"), .priority = PRIORITY_MARKETING};

static void test_quiet__lasts_until_every_clock_there_shows_its_end(void **state) {
    (void)state;
    static const struct {
        const char *rule, *to, *zone, *at, *until; /* "": not quiet */
    } cases[] = {
        /* China: one zone, no changes. The end is not quiet any more, the beginning is. */
        {"21:00-09:00", "+8613800138000", "", "2026-11-21T13:00:00Z", "2026-11-22T01:00:00Z"},
        {"21:00-09:00", "+8613800138000", "", "2026-11-21T12:59:59.999Z", ""},
        {"21:00-09:00", "+8613800138000", "", "2026-11-22T00:59:59.999Z", "2026-11-22T01:00:00Z"},
        {"21:00-09:00", "+8613800138000", "", "2026-11-22T01:00:00Z", ""},
        {"12:30-14:00", "+8613800138000", "", "2026-11-22T05:00:00Z", "2026-11-22T06:00:00Z"},
        {"22:00-24:00", "+8613800138000", "", "2026-11-22T15:00:00Z", "2026-11-22T16:00:00Z"},
        /* The end is an hour that spring skips: over when it was skipped. */
        {"22:00-02:30 in America/New_York", "", "", "2026-03-08T06:00:00Z", "2026-03-08T07:00:00Z"},
        {"22:00-09:00 in America/New_York", "", "", "2026-03-08T06:00:00Z", "2026-03-08T13:00:00Z"},
        {"02:10-02:50 in America/New_York", "", "", "2026-03-08T06:59:59Z", ""},
        {"02:10-02:50 in America/New_York", "", "", "2026-03-08T07:00:00Z", ""},
        /* The hour that passes twice in autumn is quiet twice. */
        {"22:00-01:30 in America/New_York", "", "", "2026-11-01T05:00:00Z", "2026-11-01T05:30:00Z"},
        {"22:00-01:30 in America/New_York", "", "", "2026-11-01T05:45:00Z", ""},
        {"22:00-01:30 in America/New_York", "", "", "2026-11-01T06:10:00Z", "2026-11-01T06:30:00Z"},
        {"22:00-09:00 in America/New_York", "", "", "2026-11-01T04:00:00Z", "2026-11-01T14:00:00Z"},
        /* Half an hour of summer time; three quarters of an hour from UTC; the other side of the date line.
         */
        {"21:00-09:00 in Australia/Lord_Howe", "", "", "2026-10-03T12:00:00Z", "2026-10-03T22:00:00Z"},
        {"21:00-09:00 in Australia/Lord_Howe", "", "", "2026-04-04T12:00:00Z", "2026-04-04T22:30:00Z"},
        {"21:00-09:00 in Asia/Kathmandu", "", "", "2026-06-01T15:15:00Z", "2026-06-02T03:15:00Z"},
        {"21:00-09:00 in Pacific/Chatham", "", "", "2026-06-01T08:15:00Z", "2026-06-01T20:15:00Z"},
        {"21:00-09:00 in Pacific/Kiritimati", "", "", "2026-06-01T07:00:00Z", "2026-06-01T19:00:00Z"},
        {"21:00-09:00 in Pacific/Pago_Pago", "", "", "2026-06-01T08:00:00Z", "2026-06-01T20:00:00Z"},
        /* Samoa had no 30 December 2011, a Friday. */
        {"00:00-24:00 on thu in Pacific/Apia", "", "", "2011-12-30T09:59:00Z", "2011-12-30T10:00:00Z"},
        {"00:00-24:00 on fri in Pacific/Apia", "", "", "2011-12-30T09:59:00Z", ""},
        {"00:00-24:00 on fri in Pacific/Apia", "", "", "2011-12-30T10:00:00Z", ""},
        /* Morocco puts its clocks back for Ramadan. */
        {"22:00-08:00 in Africa/Casablanca", "", "", "2026-02-14T23:00:00Z", "2026-02-15T08:00:00Z"},
        {"22:00-08:00 in Africa/Casablanca", "", "", "2026-02-13T23:00:00Z", "2026-02-14T07:00:00Z"},
        /* A leap day is a day. */
        {"00:00-24:00 on tue", "", "UTC", "2028-02-29T12:00:00Z", "2028-03-01T00:00:00Z"},
        {"21:00-09:00 on tue", "", "UTC", "2028-03-01T08:00:00Z", "2028-03-01T09:00:00Z"},
        {"21:00-09:00 on tue", "", "UTC", "2028-03-01T22:00:00Z", ""},
        {"00:00-24:00 on sat-mon", "", "UTC", "2026-11-21T12:00:00Z", "2026-11-24T00:00:00Z"},
        /* New York's numbers are in one zone, Australia's mobiles in eight: the last of them counts. */
        {"21:00-09:00", "+12125550100", "", "2026-11-21T13:30:00Z", "2026-11-21T14:00:00Z"},
        {"21:00-09:00", "+12135550100", "", "2026-11-21T13:30:00Z", "2026-11-21T17:00:00Z"},
        {"21:00-09:00", "+61412345678", "", "2026-11-21T22:30:00Z", "2026-11-22T02:30:00Z"},
        {"21:00-09:00", "+61412345678", "Australia/Sydney", "2026-11-21T22:30:00Z", ""},
        {"21:00-09:00", "+61412345678", "Mars/Olympus", "2026-11-21T22:30:00Z", "2026-11-22T02:30:00Z"},
        /* Whose zone cannot be told is in the one of the settings. */
        {"21:00-09:00", "li@example.com", "", "2026-11-21T22:30:00Z", "2026-11-22T09:00:00Z"},
        {"21:00-09:00", "", "", "2026-11-21T12:30:00Z", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct quiet_rule r = rule_of(cases[i].rule);
        struct quiet_subject s = {.facts = marketing, .to = sv_of(cases[i].to), .zone = sv_of(cases[i].zone)};
        int64_t until = ask_rules(&r, 1, &s, at(cases[i].at)).until;
        int64_t want = cases[i].until[0] ? at(cases[i].until) : 0;
        if (until != want)
            print_message("case %zu: %s at %s: %lld s too late\n", i, cases[i].rule, cases[i].at,
                          (long long)((until - want) / US_PER_S));
        assert_int_equal(until, want);
    }
}

static void test_quiet__codes_are_exempt_unless_a_rule_names_them(void **state) {
    (void)state;
    static const struct {
        const char *rule;
        struct message_facts s;
        bool quiet;
    } cases[] = {
        {"21:00-09:00", {.priority = PRIORITY_TRANSACTIONAL}, true},
        {"21:00-09:00", {.priority = PRIORITY_OTP}, false},
        {"21:00-09:00", {.topic = SV("otp"), .priority = PRIORITY_TRANSACTIONAL}, false},
        {"21:00-09:00 for priority=otp", {.priority = PRIORITY_OTP}, true},
        {"21:00-09:00 for priority=marketing,otp", {.topic = SV("otp"), .priority = PRIORITY_OTP}, true},
        {"21:00-09:00 for topic=otp", {.topic = SV("otp"), .priority = PRIORITY_TRANSACTIONAL}, true},
        {"21:00-09:00 for topic=news,offers", {.topic = SV("offers"), .priority = PRIORITY_MARKETING}, true},
        {"21:00-09:00 for topic=news,offers", {.topic = SV("offer"), .priority = PRIORITY_MARKETING}, false},
        {"21:00-09:00 for topic=news,offers", {.priority = PRIORITY_MARKETING}, false},
        {"21:00-09:00 for account=acme", {.account = SV("acme"), .priority = PRIORITY_MARKETING}, true},
        {"21:00-09:00 for account=acme", {.account = SV("beta"), .priority = PRIORITY_MARKETING}, false},
        {"21:00-09:00 for channel=sms,voice",
         {.channel = CHANNEL_EMAIL, .priority = PRIORITY_MARKETING},
         false},
        {"21:00-09:00 for channel=sms,voice",
         {.channel = CHANNEL_VOICE, .priority = PRIORITY_MARKETING},
         true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct quiet_rule r = rule_of(cases[i].rule);
        struct quiet_subject s = {.facts = cases[i].s, .zone = SV("UTC")};
        if ((ask_rules(&r, 1, &s, at("2026-11-21T22:00:00Z")).until != 0) != cases[i].quiet)
            fail_msg("case %zu: %s", i, cases[i].rule);
    }
}

static void test_quiet__rules_that_follow_each_other_are_one_wait(void **state) {
    (void)state;
    /* 27 September to 1 October are quiet days here, then nights: Friday 2 October 09:00 is the first moment.
     */
    int64_t holidays[] = {date("2026-09-28"), date("2026-09-29"), date("2026-09-30"), date("2026-10-01")};
    int64_t workdays[] = {date("2026-10-10")}; /* a Saturday */
    const struct calendar c = {.first = date("2026-01-01"),
                               .last = date("2026-12-31"),
                               .holidays = holidays,
                               .n_holidays = 4,
                               .workdays = workdays,
                               .n_workdays = 1};
    struct quiet_rule r[] = {rule_of("21:00-09:00"), rule_of("00:00-24:00 on holidays of x"),
                             rule_of("08:00-12:00 on restdays of x")};
    r[1].calendar = r[2].calendar = &c;
    struct quiet_subject s = {.facts = marketing, .to = SV("+8613800138000")};
    struct quiet_answer a = ask_rules(r, 3, &s, at("2026-09-27T13:30:00Z"));
    assert_int_equal(a.until, at("2026-10-02T01:00:00Z"));
    assert_null(a.calendar_ended);
    /* Sunday is a day of rest, the worked Saturday is none, the Saturday before is. */
    assert_int_equal(ask_rules(r, 3, &s, at("2026-10-11T02:00:00Z")).until, at("2026-10-11T04:00:00Z"));
    assert_int_equal(ask_rules(r, 3, &s, at("2026-10-10T02:00:00Z")).until, 0);
    assert_int_equal(ask_rules(r, 3, &s, at("2026-10-03T02:00:00Z")).until, at("2026-10-03T04:00:00Z"));
    /* Beyond its last day the calendar says so, and the days of the week go on. */
    a = ask_rules(r, 3, &s, at("2027-01-02T02:00:00Z"));
    assert_int_equal(a.until, at("2027-01-02T04:00:00Z"));
    assert_ptr_equal(a.calendar_ended, &c);
}

static void test_quiet__what_never_ends_is_asked_again(void **state) {
    (void)state;
    struct quiet_rule r[] = {rule_of("00:00-12:00"), rule_of("12:00-24:00")};
    struct quiet_subject s = {.facts = marketing, .zone = SV("UTC")};
    int64_t now = at("2026-11-21T22:00:00Z");
    struct quiet_answer a = ask_rules(r, 2, &s, now);
    assert_true(a.until > now && a.until < now + INT64_C(100) * 86400 * US_PER_S);
}

static void test_quiet_parse__says_no_to_what_is_no_rule(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",
        "21:00",
        "21-09",
        "21:00-",
        "21:00-21:00",
        "25:00-09:00",
        "24:00-09:00",
        "21:00-00:00x",
        "21:60-09:00",
        "21:00-09:00 marketing",
        "21:00-09:00 on",
        "21:00-09:00 on someday",
        "21:00-09:00 on mon-",
        "21:00-09:00 on mon,,tue",
        "21:00-09:00 in",
        "21:00-09:00 of",
        "21:00-09:00 on holidays",
        "00:00-24:00",
        "00:00-24:00 on fri-thu",
        "00:00-24:00 on workdays,restdays of cn",
        "21:00-09:00 for",
        "21:00-09:00 for marketing",
        "21:00-09:00 for topic=",
        "21:00-09:00 for topic=a,",
        "21:00-09:00 for topic=a topic=b",
        "21:00-09:00 for priority=urgent",
        "21:00-09:00 for channel=fax",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct quiet_rule r;
        struct err e = ERR_INIT;
        if (quiet_parse(sv_of(wrong[i]), &r, &e))
            fail_msg("`%s` is taken for a rule", wrong[i]);
        assert_int_equal(e.kind, ERR_INVALID);
    }
}

/* ---- against the C library ---- */

static uint64_t seed = 42;

static unsigned draw(unsigned n) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed % n);
}

static bool quiet_by_libc(unsigned from, unsigned to, unsigned days, int64_t when) {
    time_t t = (time_t)(when / US_PER_S);
    struct tm tm;
    localtime_r(&t, &tm);
    unsigned minute = (unsigned)(tm.tm_hour * 60 + tm.tm_min), weekday = (unsigned)(tm.tm_wday + 6) % 7;
    bool today = days >> weekday & 1, yesterday = days >> (weekday + 6) % 7 & 1;
    if (from < to)
        return minute >= from && minute < to && today;
    return (minute >= from && today) || (minute < to && yesterday);
}

static void test_quiet__agrees_with_the_c_library_about_every_minute_around_changes_of_clocks(void **state) {
    (void)state;
    static const char *const zones[] = {"America/New_York", "Europe/London",    "Australia/Lord_Howe",
                                        "America/St_Johns", "Asia/Kathmandu",   "Pacific/Chatham",
                                        "Asia/Shanghai",    "America/Sao_Paulo"};
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (unsigned round = 0; round < 400; round++) {
        const char *zone = zones[draw(sizeof zones / sizeof zones[0])];
        unsigned from = draw(1440), to = draw(1440), days = 0;
        char text[128], list[64] = "";
        for (unsigned i = 0; i < 7; i++)
            if (draw(100) < 60) {
                days |= 1u << i;
                snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", list[0] ? "," : "",
                         names[i]);
            }
        if (from == to || !days)
            continue;
        snprintf(text, sizeof text, "%02u:%02u-%02u:%02u on %s in %s", from / 60, from % 60, to / 60, to % 60,
                 list, zone);
        struct quiet_rule r = rule_of(text);
        struct quiet_hours *q = quiet_hours_new(&r, 1, SV("UTC"));
        struct quiet_subject s = {.facts = marketing};
        assert_int_equal(setenv("TZ", zone, 1), 0);
        tzset();
        /* A Sunday of March, April, October or November, when clocks are changed. */
        static const char *const begins[] = {"2021-03-13T20:00:00Z", "2021-03-27T20:00:00Z",
                                             "2021-04-02T20:00:00Z", "2021-10-02T08:00:00Z",
                                             "2021-10-30T20:00:00Z", "2021-11-06T20:00:00Z"};
        int64_t t = at(begins[draw(6)]), known_until = 0;
        for (unsigned minute = 0; minute < 36 * 60; minute++, t += 60 * US_PER_S) {
            int64_t until = quiet_hours_ask(q, &s, t).until;
            bool want = quiet_by_libc(from, to, days, t);
            if ((until != 0) != want || (t < known_until && !until) ||
                (t >= known_until && known_until && until > t && until == known_until))
                fail_msg("round %u: `%s` at %lld is %s", round, text, (long long)(t / US_PER_S),
                         want ? "quiet" : "not quiet");
            if (until)
                known_until = until;
        }
        quiet_hours_free(q);
    }
    unsetenv("TZ");
    tzset();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quiet__lasts_until_every_clock_there_shows_its_end),
        cmocka_unit_test(test_quiet__codes_are_exempt_unless_a_rule_names_them),
        cmocka_unit_test(test_quiet__rules_that_follow_each_other_are_one_wait),
        cmocka_unit_test(test_quiet__what_never_ends_is_asked_again),
        cmocka_unit_test(test_quiet_parse__says_no_to_what_is_no_rule),
        cmocka_unit_test(test_quiet__agrees_with_the_c_library_about_every_minute_around_changes_of_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
