/* Filters by name, and how arguments find their parameters. */
#include "text/template/builtin.h"

#include <string.h>

static const struct filter *find_in(const struct filter *rows, struct sv name) {
    for (; rows->name; rows++)
        if (sv_eq(name, sv_of(rows->name)))
            return rows;
    return NULL;
}

const struct filter *filter_find(struct sv name) {
    static const struct filter *const files[] = {filters_text,  filters_list, filters_map, filters_number,
                                                 filters_field, filters_wrap, filters_sign};
    const struct filter *f = NULL;
    for (size_t i = 0; !f && i < sizeof files / sizeof files[0]; i++)
        f = find_in(files[i], name);
    return f;
}

/* The next parameter of a list such as "width=,first="; p == NULL at its end. */
static struct sv next_param(struct sv *rest, bool *optional) {
    struct sv one = rest->n ? sv_cut(rest, ',') : SV_NONE;
    *optional = one.n && one.p[one.n - 1] == '=';
    if (*optional)
        one.n--;
    return one;
}

bool args_bind(struct rt *rt, const char *who, const char *params, const struct args *args,
               struct value *bound) {
    struct sv rest = sv_of(params);
    size_t n = 0, kw_used = 0;
    bool optional;
    for (struct sv param; (param = next_param(&rest, &optional)).n; n++) {
        bound[n] = n < args->pos_n ? args->pos[n] : VALUE_OF(VALUE_MISSING);
        for (size_t k = 0; k < args->kw_n; k++)
            if (sv_eq(args->names[k], param)) {
                if (bound[n].kind != VALUE_MISSING)
                    return rt_error(rt, "%s got two values for '%.*s'", who, SV_FMT(param));
                bound[n] = args->kw[k];
                kw_used++;
            }
        if (bound[n].kind == VALUE_MISSING && !optional)
            return rt_error(rt, "%s needs the argument '%.*s'", who, SV_FMT(param));
    }
    if (args->pos_n > n)
        return rt_error(rt, "%s takes at most %zu argument(s), got %zu", who, n, args->pos_n);
    if (kw_used < args->kw_n)
        return rt_error(rt, "%s has no such keyword argument", who);
    return true;
}

struct args args_from(const struct args *args, size_t n) {
    struct args rest = *args;
    rest.pos += n;
    rest.pos_n -= n;
    return rest;
}

struct value args_kw(const struct args *args, const char *name) {
    for (size_t k = 0; k < args->kw_n; k++)
        if (sv_eq(args->names[k], sv_of(name)))
            return args->kw[k];
    return VALUE_OF(VALUE_MISSING);
}

bool filter_apply(struct rt *rt, const struct filter *f, struct value in, const struct args *args,
                  struct value *out) {
    if (!rt_charge(rt, 1))
        return false;
    if (f->params[0] == '*')
        return f->run(rt, in, NULL, args, out);
    struct value bound[PARAMS_MAX];
    return args_bind(rt, f->name, f->params, args, bound) && f->run(rt, in, bound, args, out);
}

bool want_int(struct rt *rt, const char *what, struct value v, int64_t fallback, int64_t *out) {
    if (v.kind == VALUE_MISSING) {
        *out = fallback;
        return true;
    }
    if (v.kind == VALUE_UNDEFINED)
        return rt_undefined(rt, v);
    if (!value_is_integer(v))
        return rt_error(rt, "%s needs an integer, not %s", what, value_type(v));
    *out = value_to_int(v);
    return true;
}

bool want_str(struct rt *rt, const char *what, struct value v, struct sv fallback, struct sv *out) {
    if (v.kind == VALUE_MISSING) {
        *out = fallback;
        return true;
    }
    if (v.kind == VALUE_UNDEFINED)
        return rt_undefined(rt, v);
    if (v.kind != VALUE_STR)
        return rt_error(rt, "%s needs a string, not %s", what, value_type(v));
    *out = value_sv(v);
    return true;
}
