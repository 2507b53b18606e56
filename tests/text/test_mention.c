/* Who is mentioned in a text: numbers as people write them, addresses whole. */
#include "../base/check.h"
#include "text/mention.h"

#include <string.h>

static bool says(const char *address, const char *text) {
    struct mention m;
    mention_init(&m, sv_of(address));
    return mention_in(&m, sv_of(text));
}

static void test_number__is_found_in_each_way_it_may_be_written(void **state) {
    static const char *const ways[] = {
        "+8613800138017",          "8613800138017",     "008613800138017",        "13800138017",
        "138 0013 8017",           "138-0013-8017",     "+86 138 0013 8017",      "(+86) 138.0013.8017",
        "{\"phone\":13800138017}", "[\"13800138017\"]", "2026-01-31 13800138017", "call 138 0013 8017.",
    };
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (!says("+8613800138017", ways[i]))
            fail_msg("not found: %s", ways[i]);
    assert_true(says("+442079460018", "+44 (0)20 7946 0018"));
    assert_true(says("+442079460018", "020 7946 0018"));
    assert_true(says("+12125550123", "(212) 555-0123"));
}

static void test_number__is_no_part_of_another(void **state) {
    static const char *const others[] = {
        "+8613800138018", "1380013801", "138001380171", "913800138017",  "order 7138001380170",
        "138001380,17",   "",           "138",          "1380013801\n7", "138 0013 80    17",
    };
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (says("+8613800138017", others[i]))
            fail_msg("found in: %s", others[i]);
    assert_false(says("+15005550006", "5005550007"));
}

static void test_address__is_found_whole_in_any_case(void **state) {
    (void)state;
    assert_true(says("li@example.com", "{\"mail\":\"Li@Example.COM\"}"));
    assert_true(says("li@example.com", "write to li@example.com."));
    assert_true(says("li@example.com", "<li@example.com>"));
    assert_false(says("li@example.com", "ali@example.com"));
    assert_false(says("li@example.com", "li@example.com.cn"));
    assert_false(says("li@example.com", "li@example.company"));
    assert_false(says("li@example.com", "x.li@example.com"));
    assert_true(says("devicetoken-abc", "[\"devicetoken-abc\"]"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number__is_found_in_each_way_it_may_be_written),
        cmocka_unit_test(test_number__is_no_part_of_another),
        cmocka_unit_test(test_address__is_found_whole_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
