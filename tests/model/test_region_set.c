#include "../base/check.h"

#include "model/region_set.h"

static void test_region_set__prints_and_reads_what_was_added_and_nothing_else(void **state) {
    struct buf BUF_AUTO text = BUF_INIT(8192);
    struct region_set s = {.bits = {0}}, again;
    (void)state;
    assert_true(region_set_is_empty(&s));
    assert_false(region_set_add(&s, SV("cn")) || region_set_add(&s, SV("C")) ||
                 region_set_add(&s, SV("CHN")) || region_set_add(&s, SV("1A")) ||
                 region_set_add(&s, SV_NONE));
    assert_true(region_set_is_empty(&s));
    assert_true(region_set_add(&s, SV("ZZ")) && region_set_add(&s, SV("AA")) && region_set_add(&s, SV("HK")));
    region_set_print(&s, &text);
    assert_true(sv_eq(buf_sv(&text), SV("AA,HK,ZZ")));
    region_set_read(&again, buf_sv(&text));
    for (char a = 'A'; a <= 'Z'; a++)
        for (char b = 'A'; b <= 'Z'; b++) {
            struct sv region = sv_make((char[]){a, b}, 2);
            bool in = sv_eq(region, SV("AA")) || sv_eq(region, SV("HK")) || sv_eq(region, SV("ZZ"));
            assert_int_equal(region_set_has(&again, region), in);
        }
    region_set_read(&again, SV(",x,CN,,G"));
    assert_true(region_set_has(&again, SV("CN")) && !region_set_has(&again, SV("HK")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_region_set__prints_and_reads_what_was_added_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
