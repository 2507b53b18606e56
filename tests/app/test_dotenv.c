/* dotenv against what python-dotenv 0.21 does with the same text (Debian's python3-dotenv, tried by hand). */
#include "../base/check.h"
#include "app/dotenv.h"

struct seen {
    unsigned bad_line;
    unsigned n_bad;
};

static struct sv env(void *ctx, struct sv name) {
    (void)ctx;
    return sv_eq(name, SV("OUTSIDE")) ? SV("out") : sv_eq(name, SV("EMPTY_OUTSIDE")) ? SV("") : SV_NONE;
}

static void bad(void *ctx, unsigned line, const char *why) {
    struct seen *s = ctx;
    assert_non_null(why);
    if (!s->n_bad++)
        s->bad_line = line;
}

/* wanted: NAME=value pairs, each ended by 0x1F; only these are set. bad_line 0: none. */
static const struct {
    const char *text, *wanted;
    unsigned bad_line;
} cases[] = {
    {"", "", 0},
    {"\n\n  \t\n", "", 0},
    {"a=b", "a=b\x1f", 0},
    {"'a'=b", "a=b\x1f", 0},
    {"'a b'=c", "a b=c\x1f", 0},
    {"a.b-c=d", "a.b-c=d\x1f", 0},
    {" a = b ", "a=b\x1f", 0},
    {"export a=b", "a=b\x1f", 0},
    {" export\t'a'=b", "a=b\x1f", 0},
    {"exporta=b", "exporta=b\x1f", 0},
    {"export=b", "export=b\x1f", 0},
    {"# a=b\nc=d", "c=d\x1f", 0},
    {"a", "", 0},
    {"export a", "", 0},
    {"a=", "a=\x1f", 0},
    {"a=\nb=c",
     "a=\x1f"
     "b=c\x1f",
     0},
    {"a='", "", 1},
    {"a=b c", "a=b c\x1f", 0},
    {"a=b#c", "a=b#c\x1f", 0},
    {"a=b #c", "a=b\x1f", 0},
    {"a=b\t#c # d", "a=b\x1f", 0},
    {"a= #c", "a=#c\x1f", 0},
    {"a=b'c'", "a=b'c'\x1f", 0},
    {"a='b'", "a=b\x1f", 0},
    {"a='b c' # d", "a=b c\x1f", 0},
    {"a='b#c'", "a=b#c\x1f", 0},
    {"a='b\\'c'", "a=b'c\x1f", 0},
    {"a='b\\\\c\\n'", "a=b\\c\\n\x1f", 0},
    {"a='b\nc'\nd=e",
     "a=b\nc\x1f"
     "d=e\x1f",
     0},
    {"a=\"b\"", "a=b\x1f", 0},
    {"a=\"b\\nc\\t\\\"d\\\\e\\'\"", "a=b\nc\t\"d\\e'\x1f", 0},
    {"a=\"b\\qc\\$\"", "a=b\\qc\\$\x1f", 0},
    {"a=\"b\nc\"", "a=b\nc\x1f", 0},
    {"a=\"b\\\"", "a=b\\\x1f", 0},
    {"a='b'c", "", 1},
    {"a=\"b\" c\nd=e", "d=e\x1f", 1},
    {"a b", "", 1},
    {"a b=c\nd=e", "d=e\x1f", 1},
    {"=b\nc=d", "c=d\x1f", 1},
    {"x=1\n\na=\"b\nc=d",
     "x=1\x1f"
     "c=d\x1f",
     3},
    {"a=b\r\nc=d\re=f\n",
     "a=b\x1f"
     "c=d\x1f"
     "e=f\x1f",
     0},
    {"a=1\na", "", 0},
    {"a=1\na=2", "a=2\x1f", 0},
    {"a=${OUTSIDE}", "a=out\x1f", 0},
    {"OUTSIDE=in\na=${OUTSIDE}",
     "OUTSIDE=in\x1f"
     "a=out\x1f",
     0},
    {"b=1\na='${b}'",
     "b=1\x1f"
     "a=1\x1f",
     0},
    {"a=${b}\nb=1",
     "a=\x1f"
     "b=1\x1f",
     0},
    {"a=${b:-x y}", "a=x y\x1f", 0},
    {"b=\na=${b:-x}",
     "b=\x1f"
     "a=\x1f",
     0},
    {"a=${EMPTY_OUTSIDE:-x}", "a=\x1f", 0},
    {"a=${b:x}${b", "a=${b:x}${b\x1f", 0},
    {"a=$OUTSIDE \\${OUTSIDE}", "a=$OUTSIDE \\out\x1f", 0},
    {"a=${OUTSIDE}${OUTSIDE}!", "a=outout!\x1f", 0},
    {"a=x\na=${a}y", "a=xy\x1f", 0},
    {"a=\xC3\xA0", "a=\xC3\xA0\x1f", 0},
    {"\xEF\xBB\xBF"
     "a=b",
     "a=b\x1f", 0},
};

static void test_dotenv__reads_what_python_dotenv_reads(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena ARENA_AUTO mem;
        struct buf BUF_AUTO got = BUF_INIT(1 << 16);
        struct seen seen = {0};
        struct dotenv_outside outside = {.env = env, .bad = bad, .ctx = &seen};
        struct dotenv d;
        struct err e = ERR_INIT;
        arena_init(&mem, 1 << 20);
        assert_true(dotenv_parse(&d, sv_of(cases[i].text), &outside, &mem, &e));
        for (size_t k = 0; k < d.n; k++)
            if (d.pairs[k].value.p)
                buf_addf(&got, "%.*s=%.*s\x1f", SV_FMT(d.pairs[k].name), SV_FMT(d.pairs[k].value));
        if (!sv_eq(buf_sv(&got), sv_of(cases[i].wanted)) || seen.bad_line != cases[i].bad_line)
            fail_msg("%s\n  gives \"%s\", bad line %u", cases[i].text, got.p ? got.p : "", seen.bad_line);
    }
}

static void test_dotenv__growth_by_expansion_is_bounded(void **state) {
    (void)state;
    struct arena ARENA_AUTO mem;
    struct buf BUF_AUTO text = BUF_INIT(1 << 16);
    struct seen seen = {0};
    struct dotenv_outside outside = {.env = env, .bad = bad, .ctx = &seen};
    struct dotenv d;
    struct err e = ERR_INIT;
    arena_init(&mem, 4 << 20);
    buf_adds(&text, "A0=0123456789\n");
    for (int i = 1; i < 64; i++)
        buf_addf(&text, "A%d=${A%d}${A%d}\n", i, i - 1, i - 1);
    assert_false(dotenv_parse(&d, buf_sv(&text), &outside, &mem, &e));
    assert_int_equal(e.kind, ERR_TOO_LARGE);
    assert_string_equal(e.text, "the value of line 14 is over 65536 bytes");
}

static void test_dotenv__many_variables_are_refused(void **state) {
    (void)state;
    struct arena ARENA_AUTO mem;
    struct buf BUF_AUTO text = BUF_INIT(1 << 16);
    struct seen seen = {0};
    struct dotenv_outside outside = {.env = env, .bad = bad, .ctx = &seen};
    struct dotenv d;
    struct err e = ERR_INIT;
    arena_init(&mem, 4 << 20);
    for (int i = 0; i <= DOTENV_PAIRS_MAX; i++)
        buf_addf(&text, "A%d=\n", i);
    assert_false(dotenv_parse(&d, buf_sv(&text), &outside, &mem, &e));
    assert_string_equal(e.text, "more than 1024 variables");
    assert_int_equal(d.n, DOTENV_PAIRS_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dotenv__reads_what_python_dotenv_reads),
        cmocka_unit_test(test_dotenv__growth_by_expansion_is_bounded),
        cmocka_unit_test(test_dotenv__many_variables_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
