/* The rules of screen.lists: what is one, and whose texts it is for. */
#include "../base/check.h"
#include "model/screen_list.h"

static void test_screen_list__a_rule_is_read_whole(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum screen_list_action action;
        bool patterns, anywhere;
        const char *file, *accounts, *topics;
    } good[] = {
        {"block words /w.txt", SCREEN_LIST_BLOCK, false, false, "/w.txt", "", ""},
        {" flag  patterns  /p.txt ", SCREEN_LIST_FLAG, true, false, "/p.txt", "", ""},
        {"replace words anywhere w", SCREEN_LIST_REPLACE, false, true, "w", "", ""},
        {"block words anywhere", SCREEN_LIST_BLOCK, false, true, NULL, NULL, NULL}, /* no file is left */
        {"allow /a b.txt", SCREEN_LIST_ALLOW, false, false, "/a b.txt", "", ""},
        {"block words /for all.txt for topic=promo", SCREEN_LIST_BLOCK, false, false, "/for all.txt", "",
         "promo"},
        {"block patterns /p for account=acme,beta topic=a,b", SCREEN_LIST_BLOCK, true, false, "/p",
         "acme,beta", "a,b"},
        {"allow /a for topic=x account=y", SCREEN_LIST_ALLOW, false, false, "/a", "y", "x"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct screen_list_rule r;
        struct err e = ERR_INIT;
        bool ok = screen_list_parse(sv_of(good[i].text), &r, &e);
        if (ok != (good[i].file != NULL))
            fail_msg("%s: %s", good[i].text, e.text);
        if (!ok)
            continue;
        assert_int_equal(r.action, good[i].action);
        assert_int_equal(r.patterns, good[i].patterns);
        assert_int_equal(r.anywhere, good[i].anywhere);
        assert_sv(r.file, good[i].file);
        assert_sv(r.accounts, good[i].accounts);
        assert_sv(r.topics, good[i].topics);
        assert_sv(r.text, good[i].text);
    }
}

static void test_screen_list__what_is_no_rule_says_what_one_looks_like(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "block",
                                      "block words",
                                      "ban words /w",
                                      "block phrases /w",
                                      "/w.txt",
                                      "allow",
                                      "block words /w for",
                                      "block words /w for everybody",
                                      "block words /w for topic=",
                                      "block words /w for topic=a topic=b",
                                      "block words /w for topic=a,",
                                      "block words /w for topic=,a",
                                      "block words  for topic=a"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct screen_list_rule r;
        struct err e = ERR_INIT;
        if (screen_list_parse(sv_of(bad[i]), &r, &e))
            fail_msg("taken: %s (file %.*s)", bad[i], SV_FMT(r.file));
        assert_int_equal(e.kind, ERR_INVALID);
        assert_non_null(strstr(e.text, "must be such as"));
    }
}

static void test_screen_list__is_for_named_accounts_and_topics_only(void **state) {
    (void)state;
    static const struct {
        const char *text, *account, *topic;
        bool yes;
    } met[] = {
        {"block words w", "", "", true},
        {"block words w", "acme", "promo", true},
        {"block words w for account=acme", "acme", "", true},
        {"block words w for account=acme", "acm", "", false},
        {"block words w for account=acme", "", "", false},
        {"block words w for account=beta,acme", "acme", "x", true},
        {"block words w for topic=promo", "acme", "promo", true},
        {"block words w for topic=promo", "acme", "", false},
        {"block words w for account=acme topic=promo", "acme", "promo", true},
        {"block words w for account=acme topic=promo", "acme", "code", false},
        {"block words w for account=acme topic=promo", "beta", "promo", false},
    };
    for (size_t i = 0; i < sizeof met / sizeof met[0]; i++) {
        struct screen_list_rule r;
        struct err e = ERR_INIT;
        assert_true(screen_list_parse(sv_of(met[i].text), &r, &e));
        if (screen_list_is_for(&r, sv_of(met[i].account), sv_of(met[i].topic)) != met[i].yes)
            fail_msg("row %zu: %s", i, met[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_screen_list__a_rule_is_read_whole),
        cmocka_unit_test(test_screen_list__what_is_no_rule_says_what_one_looks_like),
        cmocka_unit_test(test_screen_list__is_for_named_accounts_and_topics_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
