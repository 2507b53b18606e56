#include "../base/check.h"

#include "model/link.h"

static void test_link_code__reads_back(void **state) {
    (void)state;
    static const struct {
        int64_t code;
        const char *text;
    } rows[] = {{0, "0000000000"},
                {61, "000000000z"},
                {62, "0000000010"},
                {INT64_C(839299365868340223), "zzzzzzzzzz"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        BUF_AUTO struct buf out = BUF_INIT(100);
        int64_t code = -1;
        link_print_code(rows[i].code, &out);
        assert_sv(buf_sv(&out), rows[i].text);
        assert_true(link_parse_code(buf_sv(&out), &code));
        assert_int_equal(code, rows[i].code);
    }
}

static void test_link_code__nothing_else_is_one(void **state) {
    (void)state;
    static const struct sv bad[] = {{"", 0},
                                    {"000000000", 9},
                                    {"00000000000", 11},
                                    {"000000000-", 10},
                                    {"00000\0xxxx", 10},
                                    {"\xff"
                                     "000000000",
                                     10}};
    int64_t code;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(link_parse_code(bad[i], &code));
}

static void test_link_code__every_code_is_as_likely(void **state) {
    (void)state;
    const uint64_t codes = UINT64_C(839299365868340224);
    int64_t code;
    assert_true(link_code_of(0, &code) && code == 0);
    assert_true(link_code_of(codes + 5, &code) && code == 5);
    assert_true(link_code_of(codes * 21 - 1, &code)); /* the last whole round */
    assert_false(link_code_of(codes * 21, &code));
    assert_false(link_code_of(UINT64_MAX, &code));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_code__reads_back),
        cmocka_unit_test(test_link_code__nothing_else_is_one),
        cmocka_unit_test(test_link_code__every_code_is_as_likely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
