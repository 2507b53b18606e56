#include "../base/check.h"

#include "model/form.h"

static bool parse(const char *text, struct arena *mem, struct form *f) {
    struct err e = ERR_INIT;
    return form_parse(sv_of(text), mem, f, &e);
}

static void test_form__decodes_keeps_order_and_duplicates(void **state) {
    (void)state;
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 16);
    struct form f;
    assert_true(parse("a=1&b=x+y%20z&a=2&&%E4%B8%96=%26%3d&flag&=v&empty=&plus=%2B&eq=a=b", &mem, &f));
    static const char *const right[][2] = {{"a", "1"},    {"b", "x y z"}, {"a", "2"},
                                           {"世", "&="},  {"flag", ""},   {"", "v"},
                                           {"empty", ""}, {"plus", "+"},  {"eq", "a=b"}};
    assert_int_equal(f.n, sizeof right / sizeof right[0]);
    for (size_t i = 0; i < f.n; i++) {
        assert_sv(f.pairs[i].key, right[i][0]);
        assert_sv(f.pairs[i].value, right[i][1]);
    }
    assert_sv(form_get(&f, SV("a")), "1");
    assert_non_null(form_get(&f, SV("flag")).p); /* there, but empty */
    assert_null(form_get(&f, SV("A")).p);
    assert_true(form_has(&f, SV("empty")) && !form_has(&f, SV("Empty")));
    assert_true(parse("", &mem, &f) && f.n == 0);
    assert_true(parse("&&&", &mem, &f) && f.n == 0);
    assert_true(parse("nul=a%00b", &mem, &f));
    assert_int_equal(f.pairs[0].value.n, 3);
}

static void test_form__broken_escapes_are_refused(void **state) {
    (void)state;
    static const char *const rows[] = {"a=%", "a=%2", "a=%zz", "a=%2g", "%=a", "a=1&b=%4", "a=%%20"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena ARENA_AUTO mem;
        arena_init(&mem, 1 << 12);
        struct form f;
        struct err e = ERR_INIT;
        assert_false(form_parse(sv_of(rows[i]), &mem, &f, &e));
        assert_int_equal(e.kind, ERR_INVALID);
    }
}

static void test_form__fields_and_memory_are_bounded(void **state) {
    (void)state;
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 16);
    struct form f;
    struct err e = ERR_INIT;
    char text[(FORM_PAIRS_MAX + 1) * 2];
    for (size_t i = 0; i < sizeof text; i += 2) {
        text[i] = 'a';
        text[i + 1] = '&';
    }
    assert_true(form_parse(sv_make(text, FORM_PAIRS_MAX * 2), &mem, &f, &e));
    assert_false(form_parse(sv_make(text, sizeof text), &mem, &f, &e));
    assert_int_equal(e.kind, ERR_TOO_LARGE);
    struct arena ARENA_AUTO small;
    arena_init(&small, 64);
    e = ERR_INIT;
    assert_false(form_parse(SV("a=1&b=2&c=3&d=4"), &small, &f, &e));
    assert_int_equal(e.kind, ERR_TOO_LARGE);
}

static void test_form__every_byte_survives_the_way_there_and_back(void **state) {
    (void)state;
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 16);
    char all[256];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)i;
    struct buf BUF_AUTO out = BUF_INIT(4096);
    buf_adds(&out, "/path?");
    form_add(&out, SV("k"), sv_make(all, sizeof all));
    form_add(&out, sv_make(all, sizeof all), SV("v"));
    struct form f;
    struct err e = ERR_INIT;
    assert_true(sv_starts(buf_sv(&out), SV("/path?k=")));
    assert_true(form_parse(sv_from(buf_sv(&out), 6), &mem, &f, &e));
    assert_int_equal(f.n, 2);
    assert_true(sv_eq(f.pairs[0].value, sv_make(all, sizeof all)));
    assert_true(sv_eq(f.pairs[1].key, sv_make(all, sizeof all)));
    buf_reset(&out);
    percent_add(&out, sv_make(all, sizeof all));
    struct sv back;
    assert_true(percent_decode(buf_sv(&out), &mem, &back));
    assert_true(sv_eq(back, sv_make(all, sizeof all)));
}

static void test_form__what_is_encoded_is_what_the_standards_say(void **state) {
    (void)state;
    struct buf BUF_AUTO out = BUF_INIT(4096);
    form_add(&out, SV("a b"), SV("x-._~*!'()&=+/?"));
    form_add(&out, SV("To"), SV("+1"));
    assert_sv(buf_sv(&out), "a+b=x-._~%2A%21%27%28%29%26%3D%2B%2F%3F&To=%2B1");
    buf_reset(&out);
    percent_add(&out, SV("a b+~"));
    assert_sv(buf_sv(&out), "a%20b%2B~");
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1000);
    struct sv v;
    assert_true(percent_decode(SV("a+b%20c"), &mem, &v)); /* + stays: only forms use it for space */
    assert_sv(v, "a+b c");
    assert_false(percent_decode(SV("%2"), &mem, &v));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form__decodes_keeps_order_and_duplicates),
        cmocka_unit_test(test_form__broken_escapes_are_refused),
        cmocka_unit_test(test_form__fields_and_memory_are_bounded),
        cmocka_unit_test(test_form__every_byte_survives_the_way_there_and_back),
        cmocka_unit_test(test_form__what_is_encoded_is_what_the_standards_say),
    };
    return cmocka_run_group_tests_name("form", tests, NULL, NULL);
}
