/* Filters that apply other filters and tests to each item. */
#include "text/template/builtin.h"
#include "text/template/seq.h"

static bool map_attribute(struct rt *rt, struct value seq, const struct args *all, struct list *out) {
    struct value path = args_kw(all, "attribute"), fallback = args_kw(all, "default");
    size_t known = fallback.kind == VALUE_MISSING ? 1 : 2;
    if (all->kw_n > known)
        return rt_error(rt, "map has no such keyword argument");
    for (size_t i = 0; i < seq_len(seq); i++) {
        struct value v;
        if (!get_path(rt, seq_at(seq, i), path, fallback, &v) || !list_push(rt, out, v))
            return false;
    }
    return true;
}

static bool run_map(struct rt *rt, struct value in, const struct value *arg, const struct args *all,
                    struct value *out) {
    (void)arg;
    struct value seq;
    struct list *l;
    if (!seq_of(rt, in, &seq) || !list_new(rt, 0, &l))
        return false;
    *out = value_list(l);
    if (all->pos_n == 0 && args_kw(all, "attribute").kind != VALUE_MISSING)
        return map_attribute(rt, seq, all, l);
    if (all->pos_n == 0 || all->pos[0].kind != VALUE_STR)
        return rt_error(rt, "map requires a filter argument");
    const struct filter *f = filter_find(value_sv(all->pos[0]));
    if (!f)
        return rt_error(rt, "there is no filter '%.*s'", SV_FMT(sv_sub(value_sv(all->pos[0]), 0, 60)));
    struct args rest = args_from(all, 1);
    if (!rt_enter(rt))
        return false;
    for (size_t i = 0; i < seq_len(seq); i++) {
        struct value v;
        if (!filter_apply(rt, f, seq_at(seq, i), &rest, &v) || !list_push(rt, l, v))
            return false;
    }
    rt_leave(rt);
    return true;
}

/* select and reject, by the item (skip 0) or by its attribute (skip 1). */
static bool pick(struct rt *rt, struct value in, const struct args *all, size_t skip, bool keep,
                 struct value *out) {
    struct value seq, path = VALUE_OF(VALUE_NONE);
    struct list *l;
    if (all->pos_n < skip)
        return rt_error(rt, "missing parameter for attribute name");
    if (skip)
        path = all->pos[0];
    const struct test *t = NULL;
    if (all->pos_n > skip) {
        struct value name = all->pos[skip];
        t = name.kind == VALUE_STR ? test_find(value_sv(name)) : NULL;
        if (!t)
            return rt_error(rt, "there is no such test");
    }
    struct args rest = args_from(all, all->pos_n > skip ? skip + 1 : skip);
    if (!seq_of(rt, in, &seq) || !list_new(rt, 0, &l))
        return false;
    for (size_t i = 0; i < seq_len(seq); i++) {
        struct value item = seq_at(seq, i), v;
        bool yes;
        if (!rt_charge(rt, 1) || !get_path(rt, item, path, VALUE_OF(VALUE_MISSING), &v))
            return false;
        if (t ? !test_apply(rt, t, v, &rest, &yes) : !rt_lenient(rt, v))
            return false;
        if (!t)
            yes = value_truth(v);
        if (yes == keep && !list_push(rt, l, item))
            return false;
    }
    *out = value_list(l);
    return true;
}

static bool run_select(struct rt *rt, struct value in, const struct value *arg, const struct args *all,
                       struct value *out) {
    (void)arg;
    return pick(rt, in, all, 0, true, out);
}

static bool run_reject(struct rt *rt, struct value in, const struct value *arg, const struct args *all,
                       struct value *out) {
    (void)arg;
    return pick(rt, in, all, 0, false, out);
}

static bool run_selectattr(struct rt *rt, struct value in, const struct value *arg, const struct args *all,
                           struct value *out) {
    (void)arg;
    return pick(rt, in, all, 1, true, out);
}

static bool run_rejectattr(struct rt *rt, struct value in, const struct value *arg, const struct args *all,
                           struct value *out) {
    (void)arg;
    return pick(rt, in, all, 1, false, out);
}

static bool run_attr(struct rt *rt, struct value in, const struct value *arg, const struct args *all,
                     struct value *out) {
    (void)all;
    struct sv name;
    return want_str(rt, "attr", arg[0], SV_NONE, &name) && get_attr(rt, in, name, out);
}

static bool run_default(struct rt *rt, struct value in, const struct value *arg, const struct args *all,
                        struct value *out) {
    (void)rt, (void)all;
    bool any_false = arg[1].kind != VALUE_MISSING && value_truth(arg[1]);
    if (in.kind != VALUE_UNDEFINED && (!any_false || value_truth(in)))
        *out = in;
    else
        *out = arg[0].kind == VALUE_MISSING ? value_str(SV("")) : arg[0];
    return true;
}

const struct filter filters_map[] = {
    {"map", "*", run_map},
    {"select", "*", run_select},
    {"reject", "*", run_reject},
    {"selectattr", "*", run_selectattr},
    {"rejectattr", "*", run_rejectattr},
    {"attr", "name", run_attr},
    {"default", "default_value=,boolean=", run_default},
    {"d", "default_value=,boolean=", run_default},
    {NULL, NULL, NULL},
};
