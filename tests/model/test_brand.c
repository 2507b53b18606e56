#include "../base/check.h"

#include "model/brand.h"

static struct sv lines[] = {
    {"zh: 鸿雁", 10}, {"en:Goose: swift", 15}, {"pt_br: Ganso", 12}, {"none", 4}, {"zh: other", 9}};
static const struct sv_list brands = {.at = lines, .n = 5};

static void test_brand__is_that_of_the_language_or_the_next_wider_one(void **state) {
    (void)state;
    assert_sv(brand_of(&brands, SV("zh"), SV("X")), "鸿雁");
    assert_sv(brand_of(&brands, SV("zh-Hant-TW"), SV("X")), "鸿雁");
    assert_sv(brand_of(&brands, SV("EN_gb"), SV("X")), "Goose: swift");
    assert_sv(brand_of(&brands, SV("pt-BR"), SV("X")), "Ganso");
    assert_sv(brand_of(&brands, SV("pt"), SV("X")), "X");
    assert_sv(brand_of(&brands, SV("fr"), SV("X")), "X");
    assert_sv(brand_of(&brands, SV("not a language"), SV("X")), "X");
}

static void test_brand__is_a_language_and_a_name(void **state) {
    struct err e = ERR_INIT;
    (void)state;
    assert_true(brand_check(SV(" zh : 鸿雁 "), &e));
    assert_false(
        brand_check(SV("鸿雁"), &e) || brand_check(SV("zh:"), &e) || brand_check(SV(": x"), &e) ||
        brand_check(SV("中文: x"), &e) ||
        brand_check(SV("en: 12345678901234567890123456789012345678901234567890123456789012345"), &e));
    assert_non_null(strstr(e.text, "such as `zh:"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_brand__is_that_of_the_language_or_the_next_wider_one),
        cmocka_unit_test(test_brand__is_a_language_and_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
