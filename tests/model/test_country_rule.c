#include "../base/check.h"

#include "model/country_rule.h"

static struct sv rule_lines[] = {{"shop: CN, HK", 12}, {"shop: US", 8}, {"no rule", 7}, {"bar:DE", 6}},
                 everybodys[] = {{"FR", 2}, {"IT", 2}};

static bool allows(const struct sv_list *all, struct sv account, struct sv region) {
    const struct sv_list rules = {.at = rule_lines, .n = 4};
    const struct region_set s = country_rules_of(&rules, all, account);
    return region_set_is_empty(&s) || region_set_has(&s, region);
}

static void test_country_rule__an_accounts_first_line_stands_instead_of_all(void **state) {
    const struct sv_list all = {.at = everybodys, .n = 2}, none = {.n = 0};
    (void)state;
    assert_true(allows(&all, SV("shop"), SV("CN")) && allows(&all, SV("shop"), SV("HK")));
    assert_false(allows(&all, SV("shop"), SV("FR")) || allows(&all, SV("shop"), SV("US")));
    assert_true(allows(&none, SV("bar"), SV("DE")));
    assert_false(allows(&none, SV("bar"), SV("CN")) || allows(&none, SV("bar"), SV("")));
}

static void test_country_rule__without_a_line_all_hold_and_without_those_everywhere_is_allowed(void **state) {
    const struct sv_list all = {.at = everybodys, .n = 2}, none = {.n = 0};
    (void)state;
    assert_true(allows(&all, SV("other"), SV("FR")) && allows(&all, SV_NONE, SV("IT")));
    assert_false(allows(&all, SV("other"), SV("CN")) || allows(&all, SV_NONE, SV("")));
    assert_true(allows(&none, SV("other"), SV("CN")) && allows(&none, SV("other"), SV("")));
}

static void test_country_rule__is_a_name_and_capitals(void **state) {
    struct country_rule r;
    struct err e = ERR_INIT;
    (void)state;
    assert_true(country_rule_parse(SV(" shop : CN , HK "), &r, &e));
    assert_sv(r.account, "shop");
    assert_false(country_rule_parse(SV("shop:"), &r, &e) || country_rule_parse(SV(": CN"), &r, &e) ||
                 country_rule_parse(SV("shop: cn"), &r, &e) || country_rule_parse(SV("shop: CN,"), &r, &e));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_country_rule__an_accounts_first_line_stands_instead_of_all),
        cmocka_unit_test(test_country_rule__without_a_line_all_hold_and_without_those_everywhere_is_allowed),
        cmocka_unit_test(test_country_rule__is_a_name_and_capitals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
