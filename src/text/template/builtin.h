/* builtin: the filters, tests, methods and globals a template may call, and how their arguments are bound.
 *
 * A filter or test names its parameters in one string, "width=,first=,blank=", in Jinja2's order; '=' marks
 * an optional one. Arguments arrive bound to them, VALUE_MISSING where not given. A '*' takes the arguments
 * as they were given.
 */
#ifndef HY_TEXT_TEMPLATE_BUILTIN_H
#define HY_TEXT_TEMPLATE_BUILTIN_H

#include "text/template/rt.h"

enum { PARAMS_MAX = 6 };

struct args {
    const struct value *pos;
    size_t pos_n;
    const struct sv *names; /* of kw */
    const struct value *kw;
    size_t kw_n;
};

/* arg: the bound parameters (PARAMS_MAX of them), or NULL for '*'. */
typedef bool filter_run(struct rt *rt, struct value in, const struct value *arg, const struct args *all,
                        struct value *out);
struct filter {
    const char *name;
    const char *params;
    filter_run *run;
};
typedef bool test_run(struct rt *rt, struct value in, const struct value *arg, const struct args *all,
                      bool *yes);
struct test {
    const char *name;
    const char *params;
    test_run *run;
};

const struct filter *filter_find(struct sv name); /* NULL: there is none */
const struct test *test_find(struct sv name);
enum global global_find(struct sv name);

/* Applies by name and arguments, as map, select and their kin do. */
bool filter_apply(struct rt *rt, const struct filter *f, struct value in, const struct args *args,
                  struct value *out);
bool test_apply(struct rt *rt, const struct test *t, struct value in, const struct args *args, bool *yes);

/* Binds args to the parameters params names; who is for error texts. */
bool args_bind(struct rt *rt, const char *who, const char *params, const struct args *args,
               struct value *bound);
/* Without the first n positional ones. */
struct args args_from(const struct args *args, size_t n);
struct value args_kw(const struct args *args, const char *name); /* VALUE_MISSING when not given */

/* Calls. */
bool call_value(struct rt *rt, struct value callee, const struct args *args, struct value caller,
                struct value *out);
bool call_global(struct rt *rt, enum global g, const struct args *args, struct value *out);
bool call_method(struct rt *rt, struct value object, struct sv name, const struct args *args,
                 struct value caller, struct value *out);

/* Attributes and items. VALUE_UNDEFINED when there is none. */
bool get_attr(struct rt *rt, struct value object, struct sv name, struct value *out);
bool get_item(struct rt *rt, struct value object, struct value index, struct value *out);
bool get_slice(struct rt *rt, struct value object, const struct value part[3], struct value *out);
/* "a.b.0" or a number, as map(attribute=...) and sort(attribute=...) read it; a missing part gives fallback
 * unless that is VALUE_MISSING. */
bool get_path(struct rt *rt, struct value object, struct value path, struct value fallback,
              struct value *out);

/* Operators. */
bool op_binary(struct rt *rt, enum op op, struct value a, struct value b, struct value *out);
bool op_negate(struct rt *rt, struct value a, bool negative, struct value *out);
bool op_compare(struct rt *rt, enum op op, struct value a, struct value b, bool *yes);

/* Text of values: Python's str, repr, and JSON. All append; false after a failure. */
bool add_str(struct rt *rt, struct buf *out, struct value v);
bool add_repr(struct rt *rt, struct buf *out, struct value v);
bool add_json(struct rt *rt, struct buf *out, struct value v, int64_t indent);
void add_float(struct buf *out, double f);
void add_escaped(struct buf *out, struct sv v);  /* for HTML */
void add_ascii(struct buf *out, struct sv repr); /* what ascii() makes of a repr: \x, \u and \U escapes */
/* A string as it is, anything else by str. */
bool to_text(struct rt *rt, struct value v, struct sv *out);

/* Argument checks: false after a failure that names what. Missing ones give fallback. */
bool want_int(struct rt *rt, const char *what, struct value v, int64_t fallback, int64_t *out);
bool want_str(struct rt *rt, const char *what, struct value v, struct sv fallback, struct sv *out);

/* Python's format machinery. */
/* bare: the one argument was put to % as it is, not in a tuple: a mapping then serves %(name)s. */
bool format_percent(struct rt *rt, struct sv format, const struct args *args, bool bare, struct value *out);
bool format_braces(struct rt *rt, struct sv format, const struct args *args, struct value *out);

/* Sorts in place, stable, by keys that stand beside items (both n long). */
bool sort_by(struct rt *rt, struct value *keys, struct value *items, size_t n, bool descending);
/* A string in lower case when fold, else as it is: the key of case-blind filters. */
bool fold_key(struct rt *rt, struct value v, bool fold, struct value *out);

/* The rows of the filter table, by file. Each ends with a row without name. */
extern const struct filter filters_text[], filters_list[], filters_map[], filters_number[], filters_field[],
    filters_wrap[], filters_sign[];

#endif
