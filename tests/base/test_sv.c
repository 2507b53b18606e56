#include "check.h"

static void test_sv__views_compare_as_bytes(void **state) {
    (void)state;
    assert_true(sv_eq(SV_NONE, SV("")));
    assert_false(sv_eq(SV("a"), SV("ab")));
    assert_true(sv_eq_nocase(SV("Retry-AFTER"), SV("retry-after")));
    assert_false(sv_eq_nocase(SV("\xc3\xa9"), SV("\xc3\x89"))); /* ASCII letters only */
    assert_true(sv_eq_secret(SV("secret"), SV("secret")));
    assert_false(sv_eq_secret(SV("secret"), SV("secreu")));
    assert_false(sv_eq_secret(SV("secret"), SV("secre")));
    assert_true(sv_cmp(SV("a"), SV("ab")) < 0);
    assert_true(sv_cmp(SV("b"), SV("ab")) > 0);
    assert_true(sv_cmp(SV("\xff"), SV("a")) > 0); /* unsigned */
    assert_int_equal(sv_cmp(SV_NONE, SV("")), 0);
}

static void test_sv__parts_are_clamped_to_the_view(void **state) {
    (void)state;
    assert_sv(sv_sub(SV("hello"), 1, 3), "ell");
    assert_sv(sv_sub(SV("hello"), 3, SIZE_MAX), "lo");
    assert_sv(sv_sub(SV("hello"), SIZE_MAX, SIZE_MAX), "");
    assert_sv(sv_from(SV("hello"), 5), "");
    assert_sv(sv_from(SV_NONE, 3), "");
    assert_sv(sv_trim(SV(" \t\r\n a b \v\f")), "a b");
    assert_sv(sv_trim(SV("   ")), "");
}

static void test_sv__cut_tells_an_empty_rest_from_none(void **state) {
    (void)state;
    struct sv rest = SV("a&&b&");
    assert_sv(sv_cut(&rest, '&'), "a");
    assert_sv(sv_cut(&rest, '&'), "");
    assert_sv(sv_cut(&rest, '&'), "b");
    assert_non_null(rest.p);
    assert_int_equal(rest.n, 0);
    assert_sv(sv_cut(&rest, '&'), "");
    assert_null(rest.p);
}

static void test_sv__find_gives_the_first_place(void **state) {
    (void)state;
    assert_int_equal(sv_find(SV("abcabc"), SV("ca")), 2);
    assert_int_equal(sv_find(SV("abc"), SV("")), 0);
    assert_int_equal(sv_find(SV("abc"), SV("abcd")), SIZE_MAX);
    assert_int_equal(sv_find(SV_NONE, SV("a")), SIZE_MAX);
    assert_int_equal(sv_find_char(SV("abc"), 'c'), 2);
    assert_int_equal(sv_find_char(SV_NONE, 'c'), SIZE_MAX);
    assert_true(sv_starts(SV("abc"), SV("ab")) && sv_ends(SV("abc"), SV("bc")));
    assert_true(sv_starts(SV_NONE, SV_NONE) && sv_ends(SV("abc"), SV_NONE));
    assert_false(sv_starts(SV("a"), SV("ab")) || sv_ends(SV("b"), SV("ab")));
}

static void test_sv__digits_are_digits_alone_and_at_least_one(void **state) {
    (void)state;
    assert_true(sv_is_digits(SV("0")) && sv_is_digits(SV("0123456789012345678901234567890")));
    assert_false(sv_is_digits(SV_NONE) || sv_is_digits(SV("")) || sv_is_digits(SV("+1")) ||
                 sv_is_digits(SV("1 ")) || sv_is_digits(SV("1\xc2\xb2")) || sv_is_digits(SV("/:")));
}

static void test_sv__numbers_are_whole_or_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "", "+1", " 1", "1 ", "0x1", "-", "1a", "--1", "18446744073709551616", "99999999999999999999999"};
    uint64_t u = 7;
    int64_t i = 7;
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        assert_false(sv_to_u64(sv_of(bad[k]), &u));
        assert_false(sv_to_i64(sv_of(bad[k]), &i));
    }
    assert_int_equal(u, 7);
    assert_int_equal(i, 7);
    assert_true(sv_to_u64(SV("18446744073709551615"), &u) && u == UINT64_MAX);
    assert_true(sv_to_u64(SV("007"), &u) && u == 7);
    assert_true(sv_to_i64(SV("-9223372036854775808"), &i) && i == INT64_MIN);
    assert_true(sv_to_i64(SV("9223372036854775807"), &i) && i == INT64_MAX);
    assert_false(sv_to_i64(SV("9223372036854775808"), &i));
    assert_false(sv_to_i64(SV("-9223372036854775809"), &i));
}

/* Table 3-7 of the Unicode standard, at its edges. */
static void test_sv__utf8_is_well_formed_or_not(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"", true},
        {"plain ASCII of more than eight bytes", true},
        {"\xc2\x80", true},
        {"\xc1\xbf", false}, /* overlong */
        {"\xdf\xbf", true},
        {"\xe0\xa0\x80", true},
        {"\xe0\x9f\xbf", false},
        {"\xed\x9f\xbf", true},
        {"\xed\xa0\x80", false}, /* surrogate */
        {"\xee\x80\x80", true},
        {"\xf0\x90\x80\x80", true},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xf4\x8f\xbf\xbf", true},
        {"\xf4\x90\x80\x80", false}, /* past U+10FFFF */
        {"\xf5\x80\x80\x80", false},
        {"\x80", false},
        {"12345678\xe4\xb8", false}, /* cut short behind a fast stretch */
        {"1234567\xe4\xb8\x96", true},
        {"\xff", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (sv_is_utf8(sv_of(rows[i].text)) != rows[i].good)
            fail_msg("row %zu should be %d", i, rows[i].good);
    assert_true(sv_is_utf8(SV_NONE));
    assert_true(sv_is_utf8(SV("a\0b")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sv__views_compare_as_bytes),
        cmocka_unit_test(test_sv__parts_are_clamped_to_the_view),
        cmocka_unit_test(test_sv__cut_tells_an_empty_rest_from_none),
        cmocka_unit_test(test_sv__find_gives_the_first_place),
        cmocka_unit_test(test_sv__digits_are_digits_alone_and_at_least_one),
        cmocka_unit_test(test_sv__numbers_are_whole_or_refused),
        cmocka_unit_test(test_sv__utf8_is_well_formed_or_not),
    };
    return cmocka_run_group_tests_name("sv", tests, NULL, NULL);
}
