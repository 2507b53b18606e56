#include "../base/check.h"

#include "policy/guard.h"

#include <time.h>

static const struct sip_key key = {1, 2};
static const int64_t second = 1000000, day = INT64_C(86400) * 1000000;
static const struct guard_rules rules = {.burst_min = 30,
                                         .window_us = INT64_C(600) * 1000000,
                                         .conversion = true,
                                         .flag_us = INT64_C(3600) * 1000000};

static uint64_t draw(uint64_t *s) { /* xorshift64* */
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return (*s * 0x2545F4914F6CDD1DU) >> 11;
}

/* A shop's customer: a Chinese mobile, one in five of them in the shop's own city. */
static struct sv customer(uint64_t *s, char out[16]) {
    bool home = draw(s) % 5 == 0;
    int n = snprintf(out, 16, "+861%llu%08llu", (unsigned long long)(3 + draw(s) % 7),
                     (unsigned long long)(draw(s) % 100000000));
    if (home)
        n = snprintf(out, 16, "+861380%07llu", (unsigned long long)(draw(s) % 10000000));
    return sv_make(out, (size_t)n);
}

static bool text(struct guard *g, struct sv number, int64_t now, struct guard_flag *f) {
    bool fresh;
    return guard_text(g, &rules, 1, number, now, f, &fresh);
}

static void test_guard__a_shops_traffic_and_its_campaigns_raise_no_alarm(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct guard *g = guard_new(key);
        struct guard_flag f;
        uint64_t s = seed * 7919;
        int64_t now = day;
        char number[16];
        assert_non_null(g);
        for (int hour = 0; hour < 48;
             hour++) { /* two days: quiet nights, busy days, a campaign on the second */
            int texts = hour == 30 ? 60000 : hour % 24 < 8 ? 20 : 400;
            for (int i = 0; i < texts; i++) {
                now += 3600 * second / texts;
                if (text(g, customer(&s, number), now, &f))
                    fail_msg("seed %d, hour %d, text %d: %s", (int)seed, hour, i, f.prefix);
            }
        }
        guard_free(g);
    }
}

static void test_guard__pumping_is_found_within_the_threshold(void **state) {
    (void)state;
    static const char *const ranges[] = {"+93701234", "+2348101234", "+861391234"};
    for (size_t r = 0; r < sizeof ranges / sizeof ranges[0]; r++) {
        struct guard *g = guard_new(key);
        struct guard_flag f = {0};
        uint64_t s = r + 11;
        int64_t now = day;
        char number[24];
        assert_non_null(g);
        for (int i = 0; i < 5000; i++)
            assert_false(text(g, customer(&s, number), now += 10 * second, &f));
        int pumped = 0;
        bool found = false;
        while (!found && pumped < 60) { /* four of the shop's own texts to each of the pump's */
            for (int i = 0; i < 4; i++)
                assert_false(text(g, customer(&s, number), now += second, &f));
            int n = snprintf(number, sizeof number, "%s%04llu", ranges[r],
                             (unsigned long long)(draw(&s) % 10000));
            found = text(g, sv_make(number, (size_t)n), now += second, &f);
            pumped++;
        }
        assert_true(found);
        assert_in_range(pumped, 30, 32);
        assert_int_equal(f.why, GUARD_BURST);
        assert_true(sv_starts(sv_of(ranges[r]), sv_of(f.prefix)));
        assert_false(text(g, customer(&s, number), now, &f)); /* the others go on */
        guard_free(g);
    }
}

static void test_guard__flags_hold_their_time_and_can_be_taken_away(void **state) {
    (void)state;
    struct guard *g = guard_new(key);
    struct guard_flag f = {0};
    int64_t now = day;
    bool fresh = false;
    int n = 0;
    assert_non_null(g);
    while (!guard_text(g, &rules, 1, SV("+93701234567"), now, &f, &fresh))
        n++;
    assert_true(fresh);
    assert_int_equal(n, 29);
    assert_true(guard_text(g, &rules, 1, SV("+93701234599"), now + 3599 * second, &f, &fresh));
    assert_false(fresh);
    assert_false(guard_text(g, &rules, 2, SV("+93701234567"), now, &f, &fresh)); /* another account */
    struct guard *after = guard_new(key);                                        /* a restart */
    assert_non_null(after);
    guard_put(after, &f);
    assert_true(guard_text(after, &rules, 1, SV("+93701234567"), now + second, &f, &fresh));
    assert_false(guard_text(after, &rules, 1, SV("+93701234567"), now + 3600 * second, &f, &fresh));
    struct sv prefix = SV("+937012345");
    assert_string_equal(f.prefix, "+937012345");
    assert_true(guard_release(g, 1, prefix, now, now + 60 * second));
    assert_false(guard_release(g, 1, prefix, now, now + 60 * second));
    for (int i = 0; i < 100; i++)
        assert_false(guard_text(g, &rules, 1, SV("+93701234567"), now, &f, &fresh));
    for (n = 0; !guard_text(g, &rules, 1, SV("+93701234567"), now + 61 * second, &f, &fresh); n++)
        assert_in_range(n, 0, 29);
    assert_int_equal(n, 29); /* what was let go does not count again when its pass is over */
    guard_free(after);
    guard_free(g);
}

static void test_guard__codes_that_nobody_gives_back_flag_their_prefix(void **state) {
    (void)state;
    struct guard *g = guard_new(key);
    struct guard_flag f = {0};
    uint64_t s = 5;
    int64_t now = day;
    char number[24];
    assert_non_null(g);
    for (int i = 0; i < 20000; i++) { /* seven of ten come back */
        bool alarm = guard_ended(g, &rules, 1, customer(&s, number), draw(&s) % 10 < 7, now += second, &f);
        if (alarm)
            fail_msg("false alarm for %s at %d", f.prefix, i);
    }
    int lapsed = 0;
    bool found = false;
    while (!found && lapsed < 100) {
        int n = snprintf(number, sizeof number, "+9370123%04llu", (unsigned long long)(draw(&s) % 10000));
        found = guard_ended(g, &rules, 1, sv_make(number, (size_t)n), false, now += second, &f);
        lapsed++;
    }
    assert_true(found);
    assert_in_range(lapsed, 20, 22);
    assert_int_equal(f.why, GUARD_CONVERSION);
    guard_free(g);
}

static void test_guard__ten_million_prefixes_take_no_more_memory_and_hide_no_burst(void **state) {
    (void)state;
    struct guard *g = guard_new(key);
    struct guard_flag f = {0};
    char number[24];
    uint64_t s = 3;
    int64_t now = day;
    struct timespec a, b;
    enum { ALL = 2500000 }; /* four prefixes each */
    assert_non_null(g);
    assert_true(guard_bytes() < 12 * 1024 * 1024);
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < ALL; i++) {
        int n = snprintf(number, sizeof number, "+44%07llu%03d", (unsigned long long)(draw(&s) % 10000000),
                         i % 1000);
        assert_false(text(g, sv_make(number, (size_t)n), now += 2000, &f));
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    double us = ((double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3) / ALL;
    print_message("# %.2f us a text\n", us);
    int pumped = 0;
    while (pumped < 4000 && !text(g, SV("+2348101234567"), now, &f))
        pumped++;
    assert_in_range(pumped, 29, 2000);
    /* Flags are bounded, too. */
    for (int i = 0; i < 3 * GUARD_FLAGS_MAX; i++) {
        f.account_id = i;
        guard_put(g, &f);
    }
    assert_int_equal(guard_flags(g), GUARD_FLAGS_MAX);
    guard_free(g);
}

static void test_guard__what_is_no_number_is_nobodys_prefix(void **state) {
    (void)state;
    static const char *const rows[] = {
        "", "+", "+8", "+86138", "li@example.com", "fcm:0123456789abcdef", "10690000"};
    struct guard *g = guard_new(key);
    struct guard_flag f;
    assert_non_null(g);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int n = 0; n < 100; n++) {
            assert_false(text(g, sv_of(rows[i]), day, &f));
            assert_false(guard_ended(g, &rules, 1, sv_of(rows[i]), false, day, &f));
        }
    guard_free(g);
}

/* Everybody tells what is worth it, and hears the others. */
static void talk(struct guard *nodes[3], int64_t now) {
    struct guard_count told[64];
    for (int from = 0; from < 3; from++) {
        size_t n = guard_untold(nodes[from], &rules, now, told, 64);
        assert_true(n < 64);
        for (int to = 0; to < 3; to++)
            for (size_t i = 0; to != from && i < n; i++)
                guard_hear(nodes[to], &rules, &told[i], now);
    }
}

static void test_guard__three_that_tell_each_other_find_what_one_would(void **state) {
    (void)state;
    struct guard *nodes[3];
    struct guard_flag f = {0};
    uint64_t s = 9;
    int64_t now = day;
    char number[24];
    int pumped = 0, at = 0;
    for (int i = 0; i < 3; i++) {
        nodes[i] = guard_new(key);
        assert_non_null(nodes[i]);
        guard_share(nodes[i], 3);
    }
    for (int i = 0; i < 6000; i++) { /* a shop by all of them */
        assert_false(text(nodes[i % 3], customer(&s, number), now += 2 * second, &f));
        if (i % 20 == 0)
            talk(nodes, now);
    }
    for (bool found = false; !found && pumped < 200;) {
        int n = snprintf(number, sizeof number, "+93701234%04llu", (unsigned long long)(draw(&s) % 10000));
        found = text(nodes[at = pumped++ % 3], sv_make(number, (size_t)n), now += second, &f);
        assert_false(text(nodes[at], customer(&s, number), now, &f) && !found);
        if (pumped % 3 == 0)
            talk(nodes, now);
    }
    assert_in_range(pumped, 30, 45); /* thirty would be one's; what is never told is less than half of it */
    /* The flag, and that somebody released it, are taken over; an older flag does not come back. */
    struct guard *other = nodes[(at + 1) % 3];
    struct guard_flag out;
    bool fresh;
    struct sv to = SV("+937012340001");
    guard_learn(other, &f, now);
    assert_true(guard_text(other, &rules, 1, to, now, &out, &fresh));
    assert_true(guard_release(nodes[at], 1, sv_of(f.prefix), now + second, now + 60 * second));
    struct guard_flag pass = f;
    pass.why = GUARD_FINE;
    pass.since = now + second;
    pass.until = now + 60 * second;
    guard_learn(other, &pass, now + 2 * second);
    assert_false(guard_text(other, &rules, 1, to, now + 2 * second, &out, &fresh));
    guard_learn(other, &f, now + 3 * second);
    assert_false(guard_text(other, &rules, 1, to, now + 3 * second, &out, &fresh));
    for (int i = 0; i < 3; i++)
        guard_free(nodes[i]);
}

static void test_guard__codes_that_three_see_lapse_flag_their_prefix(void **state) {
    (void)state;
    struct guard *nodes[3];
    struct guard_flag f = {0};
    uint64_t s = 15;
    int64_t now = day;
    char number[24];
    for (int i = 0; i < 3; i++) {
        nodes[i] = guard_new(key);
        assert_non_null(nodes[i]);
        guard_share(nodes[i], 3);
    }
    for (int i = 0; i < 3000; i++) {
        assert_false(
            guard_ended(nodes[i % 3], &rules, 1, customer(&s, number), draw(&s) % 10 < 8, now += second, &f));
        if (i % 20 == 0)
            talk(nodes, now);
    }
    int lapsed = 0;
    for (bool found = false; !found && lapsed < 100; lapsed++) {
        int n = snprintf(number, sizeof number, "+9370123%04llu", (unsigned long long)(draw(&s) % 10000));
        found =
            guard_ended(nodes[lapsed % 3], &rules, 1, sv_make(number, (size_t)n), false, now += second, &f);
        talk(nodes, now);
    }
    assert_in_range(lapsed, 20, 23);
    assert_int_equal(f.why, GUARD_CONVERSION);
    for (int i = 0; i < 3; i++)
        guard_free(nodes[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guard__a_shops_traffic_and_its_campaigns_raise_no_alarm),
        cmocka_unit_test(test_guard__pumping_is_found_within_the_threshold),
        cmocka_unit_test(test_guard__flags_hold_their_time_and_can_be_taken_away),
        cmocka_unit_test(test_guard__codes_that_nobody_gives_back_flag_their_prefix),
        cmocka_unit_test(test_guard__three_that_tell_each_other_find_what_one_would),
        cmocka_unit_test(test_guard__codes_that_three_see_lapse_flag_their_prefix),
        cmocka_unit_test(test_guard__ten_million_prefixes_take_no_more_memory_and_hide_no_burst),
        cmocka_unit_test(test_guard__what_is_no_number_is_nobodys_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
