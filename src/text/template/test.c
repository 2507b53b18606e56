/* Tests: what stands behind `is`. */
#include "text/template/builtin.h"
#include "text/template/seq.h"
#include "text/template/unicode.h"

#include <math.h>
#include <string.h>

#define TEST(name)                                                                                           \
    static bool name(struct rt *rt, struct value in, const struct value *arg, const struct args *all,        \
                     bool *yes)

TEST(is_defined) {
    (void)rt, (void)arg, (void)all;
    *yes = in.kind != VALUE_UNDEFINED;
    return true;
}

TEST(is_undefined) {
    (void)rt, (void)arg, (void)all;
    *yes = in.kind == VALUE_UNDEFINED;
    return true;
}

TEST(is_none) {
    (void)rt, (void)arg, (void)all;
    *yes = in.kind == VALUE_NONE;
    return true;
}

TEST(is_boolean) {
    (void)rt, (void)arg, (void)all;
    *yes = in.kind == VALUE_BOOL;
    return true;
}

TEST(is_true) {
    (void)rt, (void)arg, (void)all;
    *yes = in.kind == VALUE_BOOL && in.b;
    return true;
}

TEST(is_false) {
    (void)rt, (void)arg, (void)all;
    *yes = in.kind == VALUE_BOOL && !in.b;
    return true;
}

TEST(is_integer) {
    (void)rt, (void)arg, (void)all;
    *yes = in.kind == VALUE_INT;
    return true;
}

TEST(is_float) {
    (void)rt, (void)arg, (void)all;
    *yes = in.kind == VALUE_FLOAT;
    return true;
}

TEST(is_number) {
    (void)rt, (void)arg, (void)all;
    *yes = value_is_number(in);
    return true;
}

TEST(is_string) {
    (void)rt, (void)arg, (void)all;
    *yes = in.kind == VALUE_STR;
    return true;
}

TEST(is_mapping) {
    (void)rt, (void)arg, (void)all;
    *yes = value_is_mapping(in);
    return true;
}

/* Jinja2 asks whether it has a length and items; a strict undefined refuses to say, which counts as no. */
TEST(is_sequence) {
    (void)arg, (void)all;
    *yes = value_is_sequence(in) || value_is_mapping(in) || in.kind == VALUE_STR ||
           (in.kind == VALUE_UNDEFINED && !rt->tmpl->options.strict_undefined);
    return true;
}

TEST(is_iterable) {
    (void)arg, (void)all;
    *yes = value_is_iterable(in);
    return rt_lenient(rt, in);
}

TEST(is_callable) {
    (void)rt, (void)arg, (void)all;
    *yes =
        in.kind == VALUE_MACRO || in.kind == VALUE_GLOBAL || in.kind == VALUE_JOINER || in.kind == VALUE_LOOP;
    return true;
}

TEST(is_escaped) {
    (void)rt, (void)arg, (void)all;
    *yes = in.kind == VALUE_STR && in.sub == STR_SAFE;
    return true;
}

static bool divides(struct rt *rt, struct value in, struct value by, int64_t *rest) {
    struct value r;
    if (!op_binary(rt, OP_MOD, in, by, &r))
        return false;
    *rest = value_is_integer(r)     ? value_to_int(r)
            : r.kind == VALUE_FLOAT ? (r.f == 0   ? 0
                                       : r.f == 1 ? 1
                                                  : -1)
                                    : -1;
    return true;
}

TEST(is_even) {
    (void)arg, (void)all;
    int64_t rest;
    if (!divides(rt, in, value_int(2), &rest))
        return false;
    *yes = rest == 0;
    return true;
}

TEST(is_odd) {
    (void)arg, (void)all;
    int64_t rest;
    if (!divides(rt, in, value_int(2), &rest))
        return false;
    *yes = rest == 1;
    return true;
}

TEST(is_divisibleby) {
    (void)all;
    int64_t rest;
    if (!divides(rt, in, arg[0], &rest))
        return false;
    *yes = rest == 0;
    return true;
}

TEST(is_eq) {
    (void)all;
    return op_compare(rt, OP_EQ, in, arg[0], yes);
}

TEST(is_ne) {
    (void)all;
    return op_compare(rt, OP_NE, in, arg[0], yes);
}

TEST(is_lt) {
    (void)all;
    return op_compare(rt, OP_LT, in, arg[0], yes);
}

TEST(is_le) {
    (void)all;
    return op_compare(rt, OP_LE, in, arg[0], yes);
}

TEST(is_gt) {
    (void)all;
    return op_compare(rt, OP_GT, in, arg[0], yes);
}

TEST(is_ge) {
    (void)all;
    return op_compare(rt, OP_GE, in, arg[0], yes);
}

TEST(is_in) {
    (void)all;
    return op_compare(rt, OP_IN, in, arg[0], yes);
}

TEST(is_sameas) {
    (void)rt, (void)all;
    *yes = value_is_same(in, arg[0]);
    return true;
}

TEST(is_upper) {
    (void)arg, (void)all;
    struct sv text;
    if (!to_text(rt, in, &text))
        return false;
    *yes = u8_is_upper(text);
    return true;
}

TEST(is_lower) {
    (void)arg, (void)all;
    struct sv text;
    if (!to_text(rt, in, &text))
        return false;
    *yes = u8_is_lower(text);
    return true;
}

TEST(is_filter) {
    (void)arg, (void)all, (void)rt;
    *yes = in.kind == VALUE_STR && filter_find(value_sv(in));
    return true;
}

TEST(is_test) {
    (void)arg, (void)all, (void)rt;
    *yes = in.kind == VALUE_STR && test_find(value_sv(in));
    return true;
}

static const struct test tests[] = {
    {"defined", "", is_defined},
    {"undefined", "", is_undefined},
    {"none", "", is_none},
    {"boolean", "", is_boolean},
    {"true", "", is_true},
    {"false", "", is_false},
    {"integer", "", is_integer},
    {"float", "", is_float},
    {"number", "", is_number},
    {"string", "", is_string},
    {"mapping", "", is_mapping},
    {"sequence", "", is_sequence},
    {"iterable", "", is_iterable},
    {"callable", "", is_callable},
    {"escaped", "", is_escaped},
    {"even", "", is_even},
    {"odd", "", is_odd},
    {"divisibleby", "num", is_divisibleby},
    {"eq", "other", is_eq},
    {"==", "other", is_eq},
    {"equalto", "other", is_eq},
    {"ne", "other", is_ne},
    {"!=", "other", is_ne},
    {"lt", "other", is_lt},
    {"<", "other", is_lt},
    {"lessthan", "other", is_lt},
    {"le", "other", is_le},
    {"<=", "other", is_le},
    {"gt", "other", is_gt},
    {">", "other", is_gt},
    {"greaterthan", "other", is_gt},
    {"ge", "other", is_ge},
    {">=", "other", is_ge},
    {"in", "seq", is_in},
    {"sameas", "other", is_sameas},
    {"upper", "", is_upper},
    {"lower", "", is_lower},
    {"filter", "", is_filter},
    {"test", "", is_test},
};

const struct test *test_find(struct sv name) {
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        if (sv_eq(name, sv_of(tests[i].name)))
            return &tests[i];
    return NULL;
}

bool test_apply(struct rt *rt, const struct test *t, struct value in, const struct args *args, bool *yes) {
    struct value bound[PARAMS_MAX];
    return args_bind(rt, t->name, t->params, args, bound) && t->run(rt, in, bound, args, yes);
}
