#include "../base/check.h"

#include "base/clock.h"
#include "model/id.h"

static const struct sip_key key = {.k0 = 0x0123456789abcdef, .k1 = 0xfedcba9876543210};

enum { PER_MS = 1 << 14 };
static const int64_t start = INT64_C(1767323045123456); /* 2026-01-02T03:04:05.123456Z */

static void test_id__rises_strictly_whatever_the_clock_does(void **state) {
    (void)state;
    struct id_maker m = {.node = 7};
    int64_t last = 0, now = start;
    for (int i = 0; i < 200000; i++) {
        now += i % 1000 == 0 ? -50 * US_PER_MS : i % 7 ? 0 : 300; /* stands, runs, and steps back */
        int64_t id = id_next(&m, now);
        assert_true(id > last);
        assert_int_equal(id >> 14 & 0xff, 7);
        last = id;
    }
}

static void test_id__a_full_millisecond_borrows_from_the_next(void **state) {
    (void)state;
    struct id_maker m = {.node = 255};
    int64_t first = id_next(&m, start), id = first;
    for (int i = 1; i < PER_MS; i++)
        id = id_next(&m, start);
    assert_int_equal(id_time(id), id_time(first));
    id = id_next(&m, start);
    assert_int_equal(id_time(id), id_time(first) + US_PER_MS);
    assert_int_equal(id >> 14 & 0xff, 255);
}

static void test_id__nodes_never_meet(void **state) {
    (void)state;
    struct id_maker a = {.node = 0}, b = {.node = 1};
    int64_t last_b = 0;
    for (int i = 0; i < PER_MS * 2; i++) {
        int64_t x = id_next(&a, start), y = id_next(&b, start);
        assert_true(x != y && x != last_b);
        last_b = y;
    }
}

static void test_id__tells_its_time_and_floor_is_below(void **state) {
    (void)state;
    struct id_maker m = {.node = 3};
    int64_t id = id_next(&m, start);
    assert_int_equal(id_time(id), start / US_PER_MS * US_PER_MS);
    assert_true(id_floor(start) <= id);
    assert_true(id_floor(start + US_PER_MS) > id);
    assert_int_equal(id_floor(0), 1);                                        /* before the epoch of ids */
    assert_int_equal(id_floor(INT64_C(253402300799) * US_PER_S), INT64_MAX); /* 9999-12-31T23:59:59Z */
    assert_true(id_floor(INT64_C(3900000000) * US_PER_S) > id_floor(INT64_C(3800000000) * US_PER_S));
    struct id_maker early = {.node = 0};
    assert_true(id_next(&early, 0) > 0);
}

static void test_sid__reads_back_and_refuses_a_slip(void **state) {
    (void)state;
    struct id_maker m = {.node = 3};
    int64_t id = id_next(&m, start), back = 0;
    struct sid s = sid_message(key, id);
    assert_int_equal(strlen(s.text), SID_BYTES);
    assert_true(sid_parse_message(key, sid_sv(&s), &back));
    assert_int_equal(back, id);
    back = 42;
    for (size_t i = 0; i < SID_BYTES; i++) {
        struct sid bent = s;
        bent.text[i] = bent.text[i] == '0' ? '1' : '0';
        assert_false(sid_parse_message(key, sid_sv(&bent), &back));
    }
    struct sid upper = s;
    for (size_t i = 2; i < SID_BYTES; i++)
        if (upper.text[i] >= 'a')
            upper.text[i] = (char)(upper.text[i] - 'a' + 'A');
    assert_false(sid_parse_message(key, sid_sv(&upper), &back));
    assert_false(sid_parse_message(key, sv_sub(sid_sv(&s), 0, SID_BYTES - 1), &back));
    assert_false(sid_parse_message(key, SV_NONE, &back));
    struct sip_key other = {.k0 = key.k0, .k1 = key.k1 + 1};
    assert_false(sid_parse_message(other, sid_sv(&s), &back));
    /* Right checksums do not help ids that cannot be. */
    struct sid zero = sid_message(key, 0), negative = sid_message(key, -5);
    assert_false(sid_parse_message(key, sid_sv(&zero), &back));
    assert_false(sid_parse_message(key, sid_sv(&negative), &back));
    assert_int_equal(back, 42);
}

static void test_sid__random_ones_have_their_prefix(void **state) {
    (void)state;
    struct sid s = sid_random("AC", 1, 0xff);
    assert_string_equal(s.text, "AC000000000000000100000000000000ff");
}

static void test_token__reads_back_and_refuses_a_slip(void **state) {
    (void)state;
    static const unsigned attempts[] = {0, 1, 255, 256, 0xffff};
    for (size_t a = 0; a < sizeof attempts / sizeof attempts[0]; a++) {
        struct attempt_token t = token_of(key, 123456789, attempts[a]);
        struct sv text = sv_make(t.text, TOKEN_BYTES);
        int64_t id = 0;
        unsigned n = 0;
        assert_int_equal(strlen(t.text), TOKEN_BYTES);
        assert_true(token_parse(key, text, &id, &n));
        assert_int_equal(id, 123456789);
        assert_int_equal(n, attempts[a]);
        for (size_t i = 0; i < TOKEN_BYTES; i++) {
            struct attempt_token bent = t;
            bent.text[i] = bent.text[i] == '0' ? '1' : '0';
            assert_false(token_parse(key, sv_make(bent.text, TOKEN_BYTES), &id, &n));
        }
        assert_false(token_parse(key, sv_sub(text, 0, TOKEN_BYTES - 1), &id, &n));
    }
}

static void test_token__is_never_a_messages_checksum(void **state) {
    (void)state;
    for (int64_t id = 1; id < 1000; id++) {
        struct attempt_token t = token_of(key, id, 0);
        struct sid s = sid_message(key, id);
        assert_memory_not_equal(t.text + 20, s.text + 18, 16);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_id__rises_strictly_whatever_the_clock_does),
        cmocka_unit_test(test_id__a_full_millisecond_borrows_from_the_next),
        cmocka_unit_test(test_id__nodes_never_meet),
        cmocka_unit_test(test_id__tells_its_time_and_floor_is_below),
        cmocka_unit_test(test_sid__reads_back_and_refuses_a_slip),
        cmocka_unit_test(test_sid__random_ones_have_their_prefix),
        cmocka_unit_test(test_token__reads_back_and_refuses_a_slip),
        cmocka_unit_test(test_token__is_never_a_messages_checksum),
    };
    return cmocka_run_group_tests_name("id", tests, NULL, NULL);
}
