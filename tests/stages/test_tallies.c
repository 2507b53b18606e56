/* Which caps and duplicate windows apply to a message, and over which stretch of time each counts. */
#include "../base/check.h"
#include "base/clock.h"
#include "policy/tallies.h"

#include <stdlib.h>

static int64_t at(const char *text) {
    int64_t us = 0;
    assert_true(clock_parse_rfc3339(sv_of(text), &us));
    return us;
}

static struct tally *ask(const char *const *texts, uint32_t n, const struct tally_subject *s, int64_t when,
                         bool only_text) {
    struct tally_rule rules[8];
    struct err e = ERR_INIT;
    for (uint32_t i = 0; i < n; i++)
        assert_true(tally_parse_cap(sv_of(texts[i]), &rules[i], &e) ||
                    tally_parse_duplicate(sv_of(texts[i]), &rules[i], &e));
    struct tallies *t = tallies_new(rules, n, SV("UTC"), (struct sip_key){1, 2});
    struct tally *out = tallies_of(t, s, when, only_text);
    tallies_free(t);
    return out;
}

static const struct tally_subject news = {.facts = {.topic = SV("news"), .priority = PRIORITY_MARKETING},
                                          .account_id = 1,
                                          .to = SV("+8613800138000"),
                                          .body = SV("x")};

static void test_tallies__calendar_windows_are_days_and_weeks_of_the_recipients_clock(void **state) {
    (void)state;
    static const struct {
        const char *rule, *zone, *at, *since, *ends; /* since: the first moment that counts */
    } cases[] = {
        {"1/calendar-day", "", "2026-11-21T15:59:59Z", "2026-11-20T16:00:00Z", "2026-11-21T16:00:00Z"},
        {"1/calendar-day", "", "2026-11-21T16:00:00Z", "2026-11-21T16:00:00Z", "2026-11-22T16:00:00Z"},
        {"1/calendar-day", "America/New_York", "2026-03-08T20:00:00Z", "2026-03-08T05:00:00Z",
         "2026-03-09T04:00:00Z"},
        {"1/calendar-day", "America/New_York", "2026-11-01T20:00:00Z", "2026-11-01T04:00:00Z",
         "2026-11-02T05:00:00Z"},
        {"1/calendar-day in UTC", "America/New_York", "2028-02-29T20:00:00Z", "2028-02-29T00:00:00Z",
         "2028-03-01T00:00:00Z"},
        {"1/calendar-day in Australia/Lord_Howe", "", "2026-10-04T02:00:00Z", "2026-10-03T13:30:00Z",
         "2026-10-04T13:00:00Z"},
        {"1/calendar-week", "", "2026-11-22T15:59:59Z", "2026-11-15T16:00:00Z", "2026-11-22T16:00:00Z"},
        {"1/calendar-week", "", "2026-11-22T16:00:00Z", "2026-11-22T16:00:00Z", "2026-11-29T16:00:00Z"},
        {"1/calendar-week", "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-18T22:00:00Z",
         "2026-10-25T23:00:00Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tally_subject s = news;
        s.zone = sv_of(cases[i].zone);
        struct tally *t = ask(&cases[i].rule, 1, &s, at(cases[i].at), false);
        if (!t || t->n != 1 || t->asks[0].since_at + 1 != at(cases[i].since) ||
            t->asks[0].ends_at != at(cases[i].ends) || t->asks[0].period_us)
            fail_msg("case %zu: %s at %s", i, cases[i].rule, cases[i].at);
        free(t);
    }
}

static void test_tallies__rules_with_the_same_conditions_share_counts_and_no_others_do(void **state) {
    (void)state;
    static const char *const rules[] = {"3/7d for topic=news", "9/30d else wait for topic=news",
                                        "3/7d for topic=news,offers", "1h for topic=news",
                                        "1h by template for topic=news"};
    struct tally_subject s = news;
    int64_t now = at("2026-11-21T12:00:00Z");
    struct tally *t = ask(rules, 5, &s, now, false);
    assert_int_equal(t->n, 4); /* it is of no template */
    assert_int_equal(t->asks[0].hash, t->asks[1].hash);
    assert_int_equal(t->asks[0].since_at, now - INT64_C(7) * 86400 * US_PER_S);
    assert_true(!t->asks[0].waits && t->asks[1].waits && t->asks[3].duplicate && t->asks[3].max == 1);
    for (unsigned i = 0; i < 4; i++)
        for (unsigned k = 2; k < 4; k++)
            assert_true(i == k || t->asks[i].hash != t->asks[k].hash);
    struct tally_subject others[] = {s, s, s};
    others[0].to = SV("+8613800138001");
    others[1].account_id = 2;
    others[2].body = SV("y");
    for (unsigned i = 0; i < 3; i++) {
        struct tally *o = ask(rules, 5, &others[i], now, false);
        assert_true((o->asks[0].hash == t->asks[0].hash) == (i == 2)); /* a cap counts all texts */
        assert_true(o->asks[3].hash != t->asks[3].hash);
        free(o);
    }
    free(t);
    t = ask(rules, 5, &s, now, true);
    assert_int_equal(t->n, 1);
    free(t);
    s.template = SV("welcome");
    t = ask(rules, 5, &s, now, false);
    assert_int_equal(t->n, 5);
    free(t);
    s.facts = (struct message_facts){.priority = PRIORITY_OTP};
    assert_null(ask(rules, 5, &s, now, false));
    static const char *const all[] = {"1/7d", "1h"};
    assert_null(ask(all, 2, &s, now, false)); /* codes are meant by rules that name them */
}

static void test_tally_parse__says_no_to_what_is_no_rule(void **state) {
    (void)state;
    static const char *const wrong[] = {"",
                                        "7d/3",
                                        "0/7d",
                                        "3/61d",
                                        "3/7d else",
                                        "3/7d else send",
                                        "3/7d in UTC",
                                        "3/fortnight",
                                        "3/7d for",
                                        "3/calendar-day in",
                                        "3/7d x",
                                        "3/7d wait"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct tally_rule r;
        struct err e = ERR_INIT;
        if (tally_parse_cap(sv_of(wrong[i]), &r, &e))
            fail_msg("`%s` is taken for a cap", wrong[i]);
        assert_int_equal(e.kind, ERR_INVALID);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tallies__calendar_windows_are_days_and_weeks_of_the_recipients_clock),
        cmocka_unit_test(test_tallies__rules_with_the_same_conditions_share_counts_and_no_others_do),
        cmocka_unit_test(test_tally_parse__says_no_to_what_is_no_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
