/* What compare.py cannot show: where errors point, that limits hold, Handlebars blocks, the field's own
 * filters. */
#include "base/buf.h"
#include "text/template/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char vars_text[] =
    "{\"name\": \"王\", \"n\": 42, \"yes\": true, \"no\": false, \"xs\": [\"a\", \"b\"], \"none\": null,"
    " \"order\": {\"items\": [{\"name\": \"tea\"}, {\"name\": \"rice\"}], \"keys\": 1}}";

static struct template_options options;

static const struct template *load_from(void *ctx, struct sv name) {
    return sv_eq(name, SV("self")) ? *(struct template **)ctx : NULL;
}

static bool render(const char *source, const struct template_limits *limits, struct buf *out, struct err *e) {
    struct template *t = NULL;
    options.load = load_from;
    options.load_ctx = (void *)&t;
    t = template_compile(SV("t"), sv_of(source), &options, e);
    if (!t)
        return false;
    json_t *vars = json_loads(vars_text, 0, NULL);
    bool ok = template_render(t, vars, limits, out, e);
    json_decref(vars);
    template_free(t);
    return ok;
}

static void expect_within(const struct template_limits *limits, const char *source, const char *text) {
    BUF_AUTO struct buf out = BUF_INIT(1 << 20);
    struct err e = ERR_INIT;
    if (!render(source, limits, &out, &e))
        fail_msg("%s: %s", source, e.text);
    assert_string_equal(out.p ? out.p : "", text);
}

static void expect(const char *source, const char *text) {
    expect_within(NULL, source, text);
}

static void expect_error_within(const struct template_limits *limits, const char *source, enum err_kind kind,
                                const char *text) {
    BUF_AUTO struct buf out = BUF_INIT(1 << 24);
    struct err e = ERR_INIT;
    buf_adds(&out, "kept");
    if (render(source, limits, &out, &e))
        fail_msg("%.100s: rendered", source);
    assert_string_equal(out.p, "kept");
    assert_string_equal(e.text, text);
    assert_int_equal(e.kind, kind);
}

static void expect_error(const char *source, enum err_kind kind, const char *text) {
    expect_error_within(NULL, source, kind, text);
}

/* The source n times, between head and tail. */
static char *repeated(const char *head, const char *part, size_t n, const char *tail) {
    struct buf b = BUF_INIT(64 << 20);
    buf_adds(&b, head);
    for (size_t i = 0; i < n; i++)
        buf_adds(&b, part);
    buf_adds(&b, tail);
    return buf_steal(&b);
}

static void expect_kind(char *source, enum err_kind kind) {
    BUF_AUTO struct buf out = BUF_INIT(1 << 24);
    struct err e = ERR_INIT;
    bool ok = render(source, NULL, &out, &e);
    if (ok != (kind == ERR_NONE) || e.kind != kind)
        fail_msg("%.60s...: %s: %s", source, err_kind_name(e.kind), e.text);
    free(source);
}

static void test_errors__point_at_line_and_column(void **state) {
    (void)state;
    expect_error("{{ 1 + }}", ERR_INVALID, "template t:1:8: expected an expression, found '}}'");
    expect_error("尊敬的\n客户{{ name | }}", ERR_INVALID, "template t:2:13: expected a name, found '}}'");
    expect_error("a\r\nb\r{{ 'x }}", ERR_INVALID, "template t:3:4: the string is not closed");
    expect_error("{% if n %}x", ERR_INVALID,
                 "template t:1:12: expected elif or else or endif, found end of template");
    expect_error("{% if n %}{% endfor %}", ERR_INVALID,
                 "template t:1:14: expected elif or else or endif, found endfor");
    expect_error("{% for x of xs %}{% endfor %}", ERR_INVALID, "template t:1:10: expected 'in', found 'of'");
    expect_error("{% extends 'x' %}", ERR_INVALID, "template t:1:4: there is no tag 'extends'");
    expect_error("{{ n|shout }}", ERR_INVALID, "template t:1:6: there is no filter 'shout'");
    expect_error("{{ n is loud }}", ERR_INVALID, "template t:1:6: there is no test 'loud'");
    expect_error("{{#if n}}x", ERR_INVALID,
                 "template t:1:11: expected {{else}} or {{/...}}, found end of template");
    expect_error("{{#if n}}x{{/each}}", ERR_INVALID, "template t:1:14: expected 'if', found 'each'");
    expect_error("x {{ 1 / 0 }}", ERR_UNPROCESSABLE, "template t:1:8: division by zero");
    expect_error("{% include 'gone' %}", ERR_NOT_FOUND, "template t:1:4: there is no template 'gone'");
    expect_error("\xff", ERR_INVALID, "template t: not UTF-8");
}

static void test_undefined__is_nothing_unless_strict(void **state) {
    (void)state;
    expect("a{{ gone }}b{{ order.gone }}c", "abc");
    options.strict_undefined = true;
    BUF_AUTO struct buf out = BUF_INIT(1000);
    struct err e = ERR_INIT;
    assert_false(render("hi\n  {{ gone }}", NULL, &out, &e));
    assert_string_equal(e.text, "template t:2:6: 'gone' is undefined");
    assert_string_equal(e.field, "gone");
    expect("{{ gone|default('d') }}{{ gone is defined }}", "dFalse");
    expect_error("{{ order.gone }}", ERR_UNPROCESSABLE, "template t:1:9: there is no 'gone'");
    options.strict_undefined = false;
    expect_error("{{ gone.x }}", ERR_UNPROCESSABLE, "template t:1:8: 'gone' is undefined");
}

static void test_bars__handlebars_blocks_render(void **state) {
    (void)state;
    expect("尊敬的{{ name }}{{# if yes }}，请尽快处理{{/if}}。", "尊敬的王，请尽快处理。");
    expect("{{#if no}}a{{else}}b{{/if}}{{#unless no}}c{{else}}d{{/unless}}", "bc");
    expect("{{#if no}}a{{else if yes}}b{{else}}c{{/if}}", "b");
    expect("{{#each xs}}{{@index}}{{this}}{{#unless @last}},{{/unless}}{{/each}}", "0a,1b");
    expect("{{#each order.items}}{{name}}/{{this.name}}/{{n}};{{/each}}{{name}}",
           "tea/tea/42;rice/rice/42;王");
    expect("{{#each none}}x{{else}}empty{{/each}}{{#each gone}}x{{else}}e{{/each}}", "emptye");
    expect("{{#each order}}{{@key}}{{@first}} {{/each}}", "itemsTrue keysFalse ");
    expect("{{#with order}}{{keys}}{{/with}}{{#with gone}}x{{else}}y{{/with}}", "1y");
    expect("{% for x in xs %}{{#if loop.first}}{{ x }}{{/if}}{% endfor %}", "a");
}

static void test_attributes__data_goes_before_methods(void **state) {
    (void)state;
    expect("{% for i in order.items %}{{ i.name }} {% endfor %}{{ order.keys }} {{ order.items()|length }}",
           "tea rice 1 2");
}

static void test_numbers__past_64_bits_are_errors(void **state) {
    (void)state;
    static const char wide[] = "the result does not fit in a 64-bit integer";
    static const char *const sources[] = {
        "{{ 9223372036854775807 + 1 }}",        "{{ -9223372036854775807 - 2 }}",
        "{{ 3037000500 * 3037000500 }}",        "{{ 2 ** 63 }}",
        "{{ -(-9223372036854775807 - 1) }}",    "{{ (-9223372036854775807 - 1) // -1 }}",
        "{{ (-9223372036854775807 - 1)|abs }}", "{{ 1e19|int }}"};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        BUF_AUTO struct buf out = BUF_INIT(1000);
        struct err e = ERR_INIT;
        assert_false(render(sources[i], NULL, &out, &e));
        assert_non_null(strstr(e.text, wide));
    }
    expect("{{ (-9223372036854775807 - 1) % -1 }} {{ 2 ** 62 }} {{ -9223372036854775807 - 1 }}",
           "0 4611686018427387904 -9223372036854775808");
    expect_error("{{ 9223372036854775808 }}", ERR_INVALID,
                 "template t:1:4: the integer does not fit in 64 bits");
}

static void test_limits__hold(void **state) {
    (void)state;
    static const char *const sources[] = {
        "{{ 'a' * 10**9 }}",
        "{{ [1] * 10**9 }}",
        "{{ range(10**9)|list }}",
        "{{ range(10**9)|join }}",
        "{% for i in range(10**9) %}{% endfor %}",
        "{% for i in range(10**9) %}x{% endfor %}",
        "{% for a in range(10**5) %}{% for b in range(10**5) %}{% for c in range(10**5) %}{{ c }}{% endfor "
        "%}{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m(x) %}{{ m(x ~ x) }}{% endmacro %}{{ m('aaaaaaaa') }}",
        "{% include 'self' %}",
        "{% set ns = namespace(x=1) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x "
        "}}",
        "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}",
        "{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{{ 'x'|center(10**9) }}",
        "{{ 'x'.ljust(10**9) }}",
        "{{ 'a\nb'|indent(10**9) }}",
        "{{ 'ab'|replace('', 'x' * 4000000) }}",
        "{% for i in range(400) %}{{ 'y' * 4000 }}{% endfor %}",
        "{{ [1, 2, 3]|batch(10**9, 'x') }}",
        "{{ [1]|slice(10**9) }}",
        "{{ {'a': [1]}|tojson(10**9) }}",
        "{{ 'x'|mask(0, 'y' * 1000000) }}{{ ('x' * 1000)|mask(0, 'y' * 1000000) }}",
        "{% for x in [[1]] recursive %}{{ loop([x]) }}{% endfor %}",
        "{{ '%1000000000d'|format(1) if no else '%1000000d'|format(1) ~ '%1000000d'|format(1) }}",
    };
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        expect_kind(strdup(sources[i]), ERR_TOO_LARGE);
    /* Texts held by blocks and operators that are not done count too, all together. */
    expect_kind(strdup("{% set s = 'x' * 2000000 %}{% macro m(n) %}{{ s }}{% if n %}{% set q = m(n - 1) %}{% "
                       "endif %}{% endmacro %}"
                       "{% set q = m(60) %}"),
                ERR_TOO_LARGE);
    expect_kind(strdup("{{ '{:1000000000}'.format(1) }}"), ERR_UNPROCESSABLE);
    expect_kind(strdup("{{ '%.1000000000f'|format(1.5) }}"), ERR_UNPROCESSABLE);
    expect_kind(strdup("{{ range(10**9)|length }}{{ 5 in range(10**18) }}{{ range(10**18)[-1] }}"), ERR_NONE);
}

static void test_nesting__too_deep_is_an_error(void **state) {
    (void)state;
    expect_kind(repeated("", "{% if 1 %}", 10000, ""), ERR_INVALID);
    expect_kind(repeated("", "{{#if 1}}", 10000, ""), ERR_INVALID);
    expect_kind(repeated("", "{% for x in xs %}", 10000, ""), ERR_INVALID);
    expect_kind(repeated("{{ ", "(", 100000, "1"), ERR_INVALID);
    expect_kind(repeated("{{ ", "[", 100000, "1"), ERR_INVALID);
    expect_kind(repeated("{{ ", "{1:", 100000, "1"), ERR_INVALID);
    expect_kind(repeated("{{ ", "not ", 100000, "1 }}"), ERR_INVALID);
    expect_kind(repeated("{{ ", "-", 100000, "1 }}"), ERR_INVALID);
    expect_kind(repeated("{{ 1", "+1", 100000, " }}"), ERR_INVALID);
    expect_kind(repeated("{{ n", "|abs", 100000, " }}"), ERR_INVALID);
    expect_kind(repeated("{{ n", ".a", 100000, " }}"), ERR_INVALID);
    expect_kind(repeated("{{ n", "[0]", 100000, " }}"), ERR_INVALID);
    expect_kind(repeated("{{ n", "()", 100000, " }}"), ERR_INVALID);
    expect_kind(repeated("{{ n", " is odd", 100000, " }}"), ERR_INVALID);
    expect_kind(repeated("{{ ", "n is eq ", 100000, "1 }}"), ERR_INVALID);
    expect_kind(repeated("{{ ", "1 if n else ", 100000, "1 }}"), ERR_INVALID);
    expect_kind(repeated("{% for ", "(", 100000, "x"), ERR_INVALID);
    expect_kind(repeated("{% for a", ",(a", 100000, ""), ERR_INVALID);
    expect_kind(repeated("{% filter upper", "|upper", 100000, "%}{% endfilter %}"), ERR_INVALID);
    expect_kind(repeated("{{ ", "n(", 100000, "1"), ERR_INVALID);
}

static void test_size__a_megabyte_is_rendered_and_too_much_refused(void **state) {
    (void)state;
    expect_kind(repeated("", "text {# note #} ", 60000, ""), ERR_NONE);
    expect_kind(repeated("", "{{ n }}{% if no %}x{% endif %}", 35000, ""), ERR_NONE);
    expect_kind(repeated("{{ 1", " ~ n", 250000, " }}"), ERR_NONE);
    expect_kind(repeated("{{ [", "1,", 250000, "]|length }}"), ERR_NONE);
    expect_kind(repeated("{% if no %}", "{% elif no %}", 80000, "{% endif %}"), ERR_NONE);
    expect_kind(repeated("", "{% set a = 1 %}", 70000, "{{ a }}"), ERR_NONE);
    expect_kind(repeated("", "{{ '", 250000, ""), ERR_INVALID);
    expect_kind(repeated("", "{#", 500000, ""), ERR_INVALID);
    expect_kind(repeated("", "{% raw %}", 100000, ""), ERR_INVALID);
    expect_kind(repeated("", "x", TEMPLATE_SOURCE_BYTES_MAX + 1, ""), ERR_TOO_LARGE);
}

static void test_limits__of_the_caller_are_kept(void **state) {
    (void)state;
    struct template_limits tight = TEMPLATE_LIMITS_DEFAULT;
    tight.output_bytes_max = 4;
    BUF_AUTO struct buf out = BUF_INIT(100);
    struct err e = ERR_INIT;
    buf_adds(&out, "0123456789");
    assert_true(render("abcd", &tight, &out, &e));
    assert_string_equal(out.p, "0123456789abcd");
    assert_false(render("abcde", &tight, &out, &e));
    assert_int_equal(e.kind, ERR_TOO_LARGE);
    assert_string_equal(out.p, "0123456789abcd");
    assert_int_equal(out.max, 100);
    struct err e2 = ERR_INIT;
    tight = TEMPLATE_LIMITS_DEFAULT;
    tight.steps_max = 10;
    assert_false(render("{% for i in range(100) %}{% endfor %}", &tight, &out, &e2));
    assert_int_equal(e2.kind, ERR_TOO_LARGE);
}

static void test_field__filters_of_the_field(void **state) {
    (void)state;
    expect("{{ '+8613800138000'|phone }}|{{ '+14155550123'|phone }}|{{ '+85291234567'|phone }}|{{ "
           "'10086'|phone }}",
           "+86 138 0013 8000|+1 415 555 0123|+852 9123 4567|10086");
    expect("{{ '13800138000'|mask }}|{{ '13800138000'|mask(2) }}|{{ '王小明'|mask(1, '＊') }}|{{ "
           "'ab'|mask(4) }}|{{ 1234|mask(0) }}",
           "*******8000|*********00|＊＊明|ab|****");
    expect("{{ 1299.9|money('CNY', 'zh_CN') }}|{{ '0.1'|money('USD') }}|{{ 5|money('JPY', 'ja') }}|{{ "
           "-3|money('EUR', 'de') }}",
           "¥1,299.90|$0.10|￥5|-3,00\xC2\xA0€");
    expect("{{ 0|date }}|{{ '2026-01-02T03:04:05+08:00'|date('%F %R', 'Asia/Shanghai') }}|{{ "
           "'2026-07-01'|date('%-m/%-d %a %B %I%p %z', 'America/New_York') }}",
           "1970-01-01 00:00:00|2026-01-02 03:04|6/30 Tue June 08PM -0400");
    expect("{{ 1767323045|date('%d.%m.%y %H:%M:%S %j%%', '+05:30') }}", "02.01.26 08:34:05 002%");
    expect_error("{{ 'soon'|date }}", ERR_UNPROCESSABLE,
                 "template t:1:11: date needs seconds since 1970 or a time such as 2026-01-02T03:04:05Z");
    expect_error("{{ 0|date('%F', 'Mars/Base') }}", ERR_UNPROCESSABLE,
                 "template t:1:6: date: there is no time zone 'Mars/Base'");
    expect_error("{{ 'x'|money('CNY') }}", ERR_UNPROCESSABLE,
                 "template t:1:8: money needs a number, not str");
    expect_error("{{ 1|money('yuan') }}", ERR_UNPROCESSABLE,
                 "template t:1:6: money needs a currency of three capital letters");
}

static bool shorten(void *ctx, struct sv url, struct buf *out) {
    size_t *left = ctx;
    if (*left == 0)
        return false;
    --*left;
    return buf_adds(out, "https://s.example/") && buf_add_u64(out, url.n);
}

static void test_short_url__asks_who_renders(void **state) {
    (void)state;
    size_t left = 2;
    expect("{{ 'https://example.com/a?b=c'|short_url }}", "https://example.com/a?b=c");
    struct template_limits links = TEMPLATE_LIMITS_DEFAULT;
    links.shorten = shorten;
    links.shorten_ctx = &left;
    expect_within(&links, "{{ 'https://example.com/a?b=c'|short_url }} {{ 'http://x'|short_url }}",
                  "https://s.example/25 https://s.example/8");
    assert_int_equal(left, 0);
    expect_error_within(&links, "{{ 'https://example.com/'|short_url }}", ERR_UNPROCESSABLE,
                        "template t:1:27: short_url: more links than one text may have");
    expect_error_within(&links, "{{ ('https://example.com/' ~ 'x'*2048)|short_url }}", ERR_UNPROCESSABLE,
                        "template t:1:40: short_url takes addresses of up to 2048 bytes");
    expect_error(
        "{{ 'ftp://x'|short_url }}", ERR_UNPROCESSABLE,
        "template t:1:14: short_url needs an address that begins with https:// or http:// and has no spaces");
    expect_error(
        "{{ 'https://x y'|short_url }}", ERR_UNPROCESSABLE,
        "template t:1:18: short_url needs an address that begins with https:// or http:// and has no spaces");
}

static void test_signing__gives_what_the_standards_give(void **state) {
    (void)state;
    /* RFC 4231 case 2, RFC 2202 case 2, RFC 1321 appendix A.5, FIPS 180-4 "abc". */
    expect("{{ 'what do ya want for nothing?'|hmac('Jefe') }}",
           "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    expect("{{ 'what do ya want for nothing?'|hmac('Jefe', 'sha1') }}",
           "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    expect("{{ 'what do ya want for nothing?'|hmac(key='Jefe', form='base64') }}",
           "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
    expect("{{ 'abc'|hash('md5') }} {{ 'abc'|hash|length }} {{ 'abc'|hash('sha512')|length }}",
           "900150983cd24fb0d6963f7d28e17f72 64 128");
    expect("{{ 'a:b'|b64encode }} {{ 12|b64encode }}", "YTpi MTI=");
    expect_error("{{ missing|hmac('k') }}", ERR_UNPROCESSABLE, "template t:1:12: 'missing' is undefined");
    expect_error("{{ 'x'|hash('crc') }}", ERR_UNPROCESSABLE,
                 "template t:1:8: hash knows 'md5', 'sha1', 'sha256' and 'sha512'");
    expect_error("{{ 'x'|hmac('k', 'md5', 'octal') }}", ERR_UNPROCESSABLE,
                 "template t:1:8: hmac gives 'hex' or 'base64'");
}

/* An expression, its text, its JSON, its truth. */
static void expect_expression(const char *source, const char *text, const char *json, bool truth) {
    BUF_AUTO struct buf out = BUF_INIT(1000), BUF_AUTO as_json = BUF_INIT(1000);
    struct err e = ERR_INIT;
    bool yes = !truth;
    struct template_options expression = {.expression = true};
    struct template *t = template_compile(SV("t"), sv_of(source), &expression, &e);
    if (!t)
        fail_msg("%s: %s", source, e.text);
    json_t *vars = json_loads(vars_text, 0, NULL);
    assert_true(template_render(t, vars, NULL, &out, &e));
    assert_true(template_json(t, vars, NULL, &as_json, &e));
    assert_true(template_test(t, vars, NULL, &yes, &e));
    assert_string_equal(out.p ? out.p : "", text);
    assert_string_equal(as_json.p, json);
    assert_int_equal(yes, truth);
    json_decref(vars);
    template_free(t);
}

static void test_expression__has_text_json_and_truth(void **state) {
    (void)state;
    expect_expression("n == 42 and yes", "True", "true", true);
    expect_expression("none", "", "null", false);
    expect_expression("missing", "", "null", false);
    expect_expression("order.items[1].name", "rice", "\"rice\"", true);
    expect_expression("xs", "['a', 'b']", "[\"a\", \"b\"]", true);
    expect_expression("'}}'", "}}", "\"}}\"", true);
    expect_expression("{'a': {'b': n}}", "{'a': {'b': 42}}", "{\"a\": {\"b\": 42}}", true);
}

static void expect_no_expression(const char *source, const char *text, unsigned line, unsigned column) {
    struct err e = ERR_INIT;
    struct template_options expression = {.expression = true};
    assert_null(template_compile(SV("t"), sv_of(source), &expression, &e));
    assert_string_equal(e.text, text);
    assert_int_equal(e.line, line);
    assert_int_equal(e.column, column);
}

static void test_expression__is_one_and_its_errors_have_places(void **state) {
    (void)state;
    expect_no_expression("a }} b {{ c", "template t:1:1: expected one expression, without braces around it",
                         1, 1);
    expect_no_expression("", "template t:1:2: expected an expression, found '}}'", 1, 2);
    expect_no_expression("n|\n nofilter", "template t:2:2: there is no filter 'nofilter'", 2, 2);
    expect_no_expression("n|nofilter", "template t:1:3: there is no filter 'nofilter'", 1, 3);
}

static void test_variables__lists_what_is_read_from_outside(void **state) {
    (void)state;
    struct err e = ERR_INIT;
    struct template *t = template_compile(SV("t"),
                                          SV("{% set a = b %}{{ a }}{% for x in xs %}{{ x }}{{ loop.index "
                                             "}}{{ y }}{% endfor %}{{ x|default(1) }}"
                                             "{% if z is defined %}{% endif %}{{ o|d }}{{ o }}{{ range(3) "
                                             "}}{{ u.v }}{% macro m(p) %}{{ p }}{{ q }}{% endmacro %}"
                                             "{{ m(1) }}{{#each es}}{{ this }}{{ f }}{{/each}}"),
                                          NULL, &e);
    assert_non_null(t);
    const struct template_variable *list;
    size_t n = template_variables(t, &list);
    BUF_AUTO struct buf got = BUF_INIT(1000);
    for (size_t i = 0; i < n; i++)
        buf_addf(&got, "%.*s%s ", SV_FMT(list[i].name), list[i].required ? "" : "?");
    assert_string_equal(got.p, "b xs y x? z? o u q es f ");
    template_free(t);
}

static void test_vars__may_be_absent(void **state) {
    (void)state;
    struct err e = ERR_INIT;
    BUF_AUTO struct buf out = BUF_INIT(100);
    struct template *t = template_compile(SV("t"), SV("hi {{ name }}"), NULL, &e);
    assert_non_null(t);
    assert_true(template_render(t, NULL, NULL, &out, &e));
    assert_string_equal(out.p, "hi ");
    template_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors__point_at_line_and_column),
        cmocka_unit_test(test_undefined__is_nothing_unless_strict),
        cmocka_unit_test(test_bars__handlebars_blocks_render),
        cmocka_unit_test(test_attributes__data_goes_before_methods),
        cmocka_unit_test(test_numbers__past_64_bits_are_errors),
        cmocka_unit_test(test_limits__hold),
        cmocka_unit_test(test_nesting__too_deep_is_an_error),
        cmocka_unit_test(test_size__a_megabyte_is_rendered_and_too_much_refused),
        cmocka_unit_test(test_limits__of_the_caller_are_kept),
        cmocka_unit_test(test_field__filters_of_the_field),
        cmocka_unit_test(test_short_url__asks_who_renders),
        cmocka_unit_test(test_signing__gives_what_the_standards_give),
        cmocka_unit_test(test_expression__has_text_json_and_truth),
        cmocka_unit_test(test_expression__is_one_and_its_errors_have_places),
        cmocka_unit_test(test_variables__lists_what_is_read_from_outside),
        cmocka_unit_test(test_vars__may_be_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
