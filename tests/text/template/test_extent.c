/* How many segments a template can make: rows, and random values of the lengths told, which never make more
 * or fewer. */
#include "../../base/check.h"
#include "text/template/extent.h"
#include "text/utf8.h"

#include <jansson.h>
#include <string.h>

static const struct value_length lengths[] = {
    {{"code", 4}, 6, 6, VALUE_ASCII},      {{"name", 4}, 1, 20, VALUE_ANY},
    {{"city", 4}, 2, 30, VALUE_GSM7},      {{"long", 4}, 100, 200, VALUE_ASCII},
    {{"items", 5}, 1, 3, VALUE_ASCII},     {{"items.title", 11}, 5, 40, VALUE_ASCII},
    {{"tags", 4}, 0, 4, VALUE_ASCII},      {{"tags[]", 6}, 1, 8, VALUE_ANY},
    {{"user.name", 9}, 3, 9, VALUE_ASCII},
};
static const struct value_lengths told = {.of = lengths,
                                          .n = sizeof lengths / sizeof lengths[0],
                                          .others = {.least = 0, .most = 10, .script = VALUE_ASCII}};

static const struct row {
    const char *source;
    size_t least, most; /* most 0: not bounded */
    bool possible, certain;
} rows[] = {
    {"", 1, 1, false, false},
    {"Your code is {{ code }}.", 1, 1, false, false},
    {"您的验证码是{{ code }}", 1, 1, true, true},
    {"Hello {{ name }}", 1, 1, true, false},
    {"{{ long }}", 1, 2, false, false},
    {"{{ long }}{{ long }}", 2, 3, false, false},
    {"中{{ long }}", 2, 3, true, true},
    {"{% if x %}{{ long }}{% else %}no{% endif %}", 1, 2, false, false},
    {"{% for i in items %}{{ i.title }}, {% endfor %}", 1, 1, false, false},
    {"{% for i in items %}{{ long }}{% endfor %}", 1, 4, false, false},
    {"{% for i in items if i.ok %}{{ long }}{% else %}-{% endfor %}", 1, 4, false, false},
    {"{% for i in others %}{{ i }}{% endfor %}", 1, 0, false, false},
    {"{% for t in tags %}#{{ t }} {% endfor %}", 1, 1, true, false},
    {"{{ items }}", 1, 0, true, false},
    {"{{ long|truncate(20) }}", 1, 1, false, false},
    {"{{ long|upper|trim }}", 1, 2, false, false},
    {"{{ long * 2 }}", 1, 0, true, false},
    {"{{ long|replace('a', 'b') }}", 1, 0, true, false},
    {"{% set x = long %}{{ x }}{{ x }}", 2, 3, false, false},
    {"{% set x = '' %}{% if a %}{% set x = long %}{% endif %}{{ x }}", 1, 2, false, false},
    {"{% with x = long %}{{ x }}{% endwith %}", 1, 2, false, false},
    {"{% macro m() %}x{% endmacro %}{{ m() }}", 1, 0, true, false},
    {"{{ 'yes' if a else 'no' }} {{ a or long }} {{ 1 + 1 }}", 1, 2, false, false},
    {"{{ user.name }} {{ user['name'] }}", 1, 0, true, false},
    {"{{ city|upper }} {{ when|date }} {{ name|default('you') }} {{ phone|phone }} {{ code|mask }}", 1, 3,
     true, false},
    {"{{# if a }}{{ long }}{{/if}}", 1, 2, false, false},
    {"{{ price|money('EUR', 'de') }}", 1, 2, true, false},
};

static struct template *compile(const char *source) {
    struct err e = ERR_INIT;
    struct template *t = template_compile(SV("t"), sv_of(source), NULL, &e);
    if (!t)
        fail_msg("%s: %s", source, e.text);
    return t;
}

static void test_extent__is_told_from_the_source(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct template *t = compile(rows[i].source);
        struct template_extent x = template_extent(t, &told, SEGMENTS_INTERNATIONAL);
        if (x.segments_least != rows[i].least || x.segments_most != rows[i].most ||
            x.bounded != (rows[i].most > 0) || x.ucs2_possible != rows[i].possible ||
            x.ucs2_certain != rows[i].certain)
            fail_msg("%s: %zu to %zu segments, UCS-2 possible %d, certain %d", rows[i].source,
                     x.segments_least, x.segments_most, x.ucs2_possible, x.ucs2_certain);
        template_free(t);
    }
}

static void test_extent__chinese_routes_count_every_character_alike(void **state) {
    (void)state;
    struct template *t = compile("{{ long }}");
    struct template_extent x = template_extent(t, &told, SEGMENTS_CHINA);
    assert_int_equal(x.segments_least, 2);
    assert_int_equal(x.segments_most, 3);
    template_free(t);
}

static void test_extent__a_short_link_has_one_length(void **state) {
    (void)state;
    struct template *t = compile("{{ long|short_url }}{{ ('x' * 9 ~ long)|short_url }}");
    struct value_lengths linked = told;
    linked.link = SV("https://s.example.com/of-the-characters-of-this-none-is-chinesex/l/xxxxxxxxxx");
    struct template_extent x = template_extent(t, &linked, SEGMENTS_CHINA);
    assert_int_equal(linked.link.n, 77);
    assert_int_equal(x.segments_least, 3); /* 154 units */
    assert_int_equal(x.segments_most, 3);
    assert_true(x.bounded);
    x = template_extent(t, &told, SEGMENTS_CHINA); /* nobody makes them short */
    assert_false(x.bounded);
    template_free(t);
}

static uint64_t random_state = 1;

static unsigned below(unsigned n) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % n;
}

/* A text that counts as many units as its row allows. */
static json_t *text_for(const struct value_length *l) {
    static const uint32_t ascii[] = {'a', 'Z', '7', ' ', '-'}, gsm7[] = {'a', 0x20AC, '[', 0xE9, 0xDF, 0x3A9},
                          any[] = {'x', 0x4E2D, 0x1F600, 0x20AC, 0xEA};
    BUF_AUTO struct buf text = BUF_INIT(4096);
    unsigned script = below((unsigned)VALUE_ASCII - l->script + 1) + l->script;
    for (size_t want = l->least + below(l->most - l->least + 1), tries = 0; tries < 1000; tries++) {
        size_t n = text.n;
        utf8_add(&text, script == VALUE_ASCII  ? ascii[below(5)]
                        : script == VALUE_GSM7 ? gsm7[below(6)]
                                               : any[below(5)]);
        size_t units = segments_count(buf_sv(&text), SEGMENTS_INTERNATIONAL).units;
        if (units > l->most)
            text.n = n;
        else if (units >= want)
            break;
    }
    text.p[text.n] = '\0';
    return json_stringn(text.p, text.n);
}

static json_t *values(void) {
    json_t *items = json_array(), *tags = json_array(), *user = json_object(), *vars = json_object();
    for (unsigned n = 1 + below(3); n > 0; n--)
        json_array_append_new(items,
                              json_pack("{s:o,s:b}", "title", text_for(&lengths[5]), "ok", (int)below(2)));
    for (unsigned n = below(5); n > 0; n--)
        json_array_append_new(tags, text_for(&lengths[7]));
    json_object_set_new(user, "name", text_for(&lengths[8]));
    for (size_t i = 0; i < 4; i++)
        json_object_set_new(vars, lengths[i].path.p, text_for(&lengths[i]));
    json_object_set_new(vars, "items", items);
    json_object_set_new(vars, "tags", tags);
    json_object_set_new(vars, "user", user);
    json_object_set_new(vars, "a", below(2) ? json_string("yes") : json_string(""));
    json_object_set_new(vars, "x", json_string(below(2) ? "1" : ""));
    json_object_set_new(vars, "phone", json_string("+4915112345"));
    json_object_set_new(vars, "when", json_string("2026-01-02"));
    json_object_set_new(vars, "price", json_string("1234.5"));
    return vars;
}

static void test_extent__no_render_makes_fewer_or_more(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct template *t = compile(rows[i].source);
        struct template_extent x = template_extent(t, &told, SEGMENTS_INTERNATIONAL);
        for (unsigned k = 0; k < 300; k++) {
            BUF_AUTO struct buf out = BUF_INIT(100000);
            struct err e = ERR_INIT;
            json_t *vars = values();
            bool ok = template_render(t, vars, NULL, &out, &e);
            json_decref(vars);
            if (!ok && e.kind == ERR_UNPROCESSABLE)
                continue; /* such as `when` of the wrong kind */
            struct segments n = segments_count(buf_sv(&out), SEGMENTS_INTERNATIONAL);
            if (n.segments < x.segments_least || (x.bounded && n.segments > x.segments_most) ||
                (n.encoding == SMS_UCS2 ? !x.ucs2_possible : x.ucs2_certain))
                fail_msg("%s: %zu to %zu were told, %zu came: %s", rows[i].source, x.segments_least,
                         x.segments_most, n.segments, out.p);
        }
        template_free(t);
    }
}

static const struct template *itself(void *ctx, struct sv name) {
    return sv_eq(name, SV("self")) ? *(struct template **)ctx : NULL;
}

static void test_extent__what_includes_itself_takes_no_time(void **state) {
    (void)state;
    static const char ten[] =
        "{% if no %}{% include 'self' %}{% include 'self' %}{% include 'self' %}"
        "{% include 'self' %}{% include 'self' %}{% include 'self' %}{% include 'self' %}"
        "{% include 'self' %}{% include 'self' %}{% include 'self' %}{% endif %}x";
    struct template *t = NULL;
    const struct template_options options = {.load = itself, .load_ctx = (void *)&t};
    struct err e = ERR_INIT;
    t = template_compile(SV("t"), sv_of(ten), &options, &e);
    assert_non_null(t);
    struct template_extent x =
        template_extent(t, &told, SEGMENTS_INTERNATIONAL); /* ten thousand million, if all were looked into */
    assert_false(x.bounded);
    assert_int_equal(x.segments_least, 1);
    template_free(t);
}

static void test_includes__are_listed_where_their_names_are_written(void **state) {
    (void)state;
    struct template *t = compile("{% include 'a' %}{% if x %}{% include 'b' %}{% endif %}{% include y %}"
                                 "{% macro m() %}{% include 'a' %}{% endmacro %}{% set z = 1 %}");
    const struct sv *names;
    assert_int_equal(template_includes(t, &names), 3);
    assert_sv(names[0], "a");
    assert_sv(names[1], "b");
    assert_sv(names[2], "a");
    assert_null(template_included(t, SV("a")));
    assert_true(template_may_bind(t, SV("z")));
    assert_false(template_may_bind(t, SV("x")));
    template_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extent__is_told_from_the_source),
        cmocka_unit_test(test_extent__chinese_routes_count_every_character_alike),
        cmocka_unit_test(test_extent__a_short_link_has_one_length),
        cmocka_unit_test(test_extent__no_render_makes_fewer_or_more),
        cmocka_unit_test(test_extent__what_includes_itself_takes_no_time),
        cmocka_unit_test(test_includes__are_listed_where_their_names_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
