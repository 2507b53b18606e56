/* Languages and documents: spelling, chains, order, digests. */
#include "../base/check.h"
#include "model/template_doc.h"

static void test_language__is_spelt_in_one_way(void **state) {
    (void)state;
    static const struct {
        const char *given, *spelt;
    } rows[] = {{"zh-CN", "zh-CN"},   {"ZH_cn", "zh-CN"}, {"zh-hans-cn", "zh-Hans-CN"},
                {"EN", "en"},         {"", "default"},    {"Default", "default"},
                {"es-419", "es-419"}, {"yue", "yue"},     {"sl-rozaj-biske", "sl-rozaj-biske"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct language l;
        assert_true(language_parse(sv_of(rows[i].given), &l));
        assert_string_equal(l.text, rows[i].spelt);
    }
}

static void test_language__is_refused_when_it_is_none(void **state) {
    (void)state;
    static const char *const none[] = {
        "z",    "ready",   "zh-", "-CN", "zh--CN",       "zh CN",
        "中文", "zh-CN\n", "z1",  "12",  "zh-123456789", "zh-aaaaaaaa-bbbbbbbb-cccccccc-dddddd"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct language l = {.text = "as it was"};
        if (language_parse(sv_of(none[i]), &l))
            fail_msg("`%s` was read as %s", none[i], l.text);
        assert_string_equal(l.text, "as it was");
    }
}

static void test_language__widens_to_default_and_no_further(void **state) {
    (void)state;
    struct language l;
    assert_true(language_parse(SV("zh-Hans-CN"), &l));
    static const char *const chain[] = {"zh-Hans", "zh", "default"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(language_wider(&l));
        assert_string_equal(l.text, chain[i]);
    }
    assert_false(language_wider(&l));
}

static void test_template_doc__the_same_content_has_the_same_digest_in_any_order(void **state) {
    (void)state;
    const struct template_body bodies[] = {{SV("zh"), CHANNEL_SMS, TEMPLATE_TEXT, SV("a")},
                                           {LANGUAGE_DEFAULT, CHANNEL_SMS, TEMPLATE_TEXT, SV("b")},
                                           {LANGUAGE_DEFAULT, CHANNEL_PUSH, TEMPLATE_BODY, SV("c")}};
    uint8_t one[SHA256_BYTES], other[SHA256_BYTES], third[SHA256_BYTES];
    struct err e = ERR_INIT;
    struct sv twice;
    ARENA_AUTO struct arena a;
    arena_init(&a, 1 << 16);
    struct template_doc x = {0}, y = {.note = SV("notes do not count")};
    for (size_t i = 0; i < 3; i++) {
        assert_true(template_doc_add_body(&x, &a, &bodies[i], &e));
        assert_true(template_doc_add_body(&y, &a, &bodies[2 - i], &e));
    }
    assert_true(template_doc_sort(&x, &twice) && template_doc_sort(&y, &twice));
    template_doc_digest(&x, one);
    template_doc_digest(&y, other);
    assert_memory_equal(one, other, sizeof one);
    y.bodies[0].text = SV("d");
    template_doc_digest(&y, third);
    assert_memory_not_equal(one, third, sizeof one);
}

static void test_template_doc__two_texts_for_one_place_are_seen(void **state) {
    (void)state;
    const struct template_body b = {SV("zh"), CHANNEL_SMS, TEMPLATE_TEXT, SV("a")};
    struct err e = ERR_INIT;
    struct sv twice = SV_NONE;
    ARENA_AUTO struct arena a;
    arena_init(&a, 1 << 16);
    struct template_doc d = {0};
    assert_true(template_doc_add_body(&d, &a, &b, &e) && template_doc_sort(&d, &twice));
    assert_true(template_doc_add_body(&d, &a, &b, &e));
    assert_false(template_doc_sort(&d, &twice));
    assert_sv(twice, "zh");
}

static void test_template_doc__holds_no_more_than_its_limit(void **state) {
    (void)state;
    const struct template_body b = {SV("zh"), CHANNEL_SMS, TEMPLATE_TEXT, SV("a")};
    struct err e = ERR_INIT;
    ARENA_AUTO struct arena a;
    arena_init(&a, 1 << 20);
    struct template_doc d = {0};
    for (size_t i = 0; i < TEMPLATE_BODIES_MAX; i++)
        assert_true(template_doc_add_body(&d, &a, &b, &e));
    assert_false(template_doc_add_body(&d, &a, &b, &e));
    assert_int_equal(e.kind, ERR_TOO_LARGE);
}

static void test_template_name__is_refused_when_it_could_be_a_path(void **state) {
    (void)state;
    static const char *const bad[] = {"", ".", ".hidden", "../x", "a/b", "a\nb", " a", "a ", "a\x7f", "\xff"};
    struct err e = ERR_INIT;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(template_name_check(sv_of(bad[i]), &e));
    assert_string_equal(e.field, "name");
    assert_true(template_name_check(SV("order.ready"), &e));
    assert_true(template_name_check(SV("订单完成"), &e));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_language__is_spelt_in_one_way),
        cmocka_unit_test(test_language__is_refused_when_it_is_none),
        cmocka_unit_test(test_language__widens_to_default_and_no_further),
        cmocka_unit_test(test_template_doc__the_same_content_has_the_same_digest_in_any_order),
        cmocka_unit_test(test_template_doc__two_texts_for_one_place_are_seen),
        cmocka_unit_test(test_template_doc__holds_no_more_than_its_limit),
        cmocka_unit_test(test_template_name__is_refused_when_it_could_be_a_path),
    };
    return cmocka_run_group_tests_name("model-template-doc", tests, NULL, NULL);
}
