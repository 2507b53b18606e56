#include "text/template/builtin.h"
#include "text/template/seq.h"

#include <string.h>

static bool give_more(struct rt *rt, const struct macro_node *m, const struct args *args, const bool *used) {
    if (args->pos_n > m->params_n && !m->wants_varargs)
        return rt_error(rt, "macro '%.*s' takes not more than %u argument(s)", SV_FMT(m->name), m->params_n);
    if (m->wants_varargs) {
        struct list *l;
        if (!list_new(rt, 0, &l))
            return false;
        for (size_t i = m->params_n; i < args->pos_n; i++)
            if (!list_push(rt, l, args->pos[i]))
                return false;
        if (!rt_bind(rt, rt->scope, SYM_VARARGS, value_tuple(l)))
            return false;
    }
    struct dict *d;
    if (!dict_new(rt, &d))
        return false;
    for (size_t k = 0; k < args->kw_n; k++) {
        if (used[k])
            continue;
        if (!m->wants_kwargs)
            return rt_error(rt, "macro '%.*s' takes no keyword argument '%.*s'", SV_FMT(m->name),
                            SV_FMT(args->names[k]));
        if (!dict_set(rt, d, value_str(args->names[k]), args->kw[k]))
            return false;
    }
    return !m->wants_kwargs || rt_bind(rt, rt->scope, SYM_KWARGS, value_dict(d));
}

static bool bind_params(struct rt *rt, const struct macro_node *m, const struct args *args,
                        struct value caller) {
    if (!rt_charge(rt, m->params_n * args->kw_n / 8))
        return false;
    bool *used = args->kw_n ? rt_alloc(rt, args->kw_n) : NULL;
    if (args->kw_n && !used)
        return false;
    if (used)
        memset(used, 0, args->kw_n);
    size_t i = 0;
    for (const struct param *p = m->params; p; p = p->next, i++) {
        struct value v = i < args->pos_n ? args->pos[i] : VALUE_OF(VALUE_MISSING);
        for (size_t k = 0; k < args->kw_n; k++)
            if (sv_eq(args->names[k], p->name)) {
                if (v.kind != VALUE_MISSING)
                    return rt_error(rt, "macro '%.*s' got two values for '%.*s'", SV_FMT(m->name),
                                    SV_FMT(p->name));
                v = args->kw[k];
                used[k] = true;
            }
        if (v.kind == VALUE_MISSING) {
            v = value_undefined(UNDEFINED_VARIABLE, p->name);
            if (p->fallback && !rt_eval(rt, p->fallback, &v))
                return false;
        }
        if (!rt_bind(rt, rt->scope, p->sym, v))
            return false;
    }
    for (size_t k = 0; k < args->kw_n; k++)
        if (caller.kind == VALUE_MISSING && m->wants_caller && !used[k] &&
            sv_eq(args->names[k], SV("caller"))) {
            caller = args->kw[k];
            used[k] = true;
        }
    if (caller.kind == VALUE_MISSING)
        caller = value_undefined(UNDEFINED_VARIABLE, SV("caller"));
    else if (!m->wants_caller)
        return rt_error(rt, "macro '%.*s' takes no caller", SV_FMT(m->name));
    if (m->wants_caller && !m->call && !rt_bind(rt, rt->scope, SYM_CALLER, caller))
        return false;
    return give_more(rt, m, args, used);
}

static bool call_macro(struct rt *rt, const struct macro *m, const struct args *args, struct value caller,
                       struct value *out) {
    const struct template *outer_template = rt->tmpl;
    struct scope *outer = rt->scope;
    bool dynamic = rt->dynamic;
    if (!rt_enter(rt))
        return false;
    rt->tmpl = m->owner;
    rt->dynamic = dynamic || m->owner != outer_template;
    if (!rt_scope_push(rt, m->scope) || !bind_params(rt, m->node, args, caller) ||
        !rt_capture(rt, m->node->body, out))
        return false;
    rt->tmpl = outer_template;
    rt->dynamic = dynamic;
    rt->scope = outer;
    rt_leave(rt);
    return true;
}

static bool call_loop(struct rt *rt, const struct loop *l, const struct args *args, struct value *out) {
    if (!l->node->loop.recursive)
        return rt_error(rt, "the loop is not recursive: write {%% for ... recursive %%}");
    if (args->pos_n != 1 || args->kw_n)
        return rt_error(rt, "loop() takes one argument");
    if (!rt_enter(rt))
        return false;
    struct scope *outer = rt->scope;
    BUF_AUTO struct buf text = BUF_INIT(0);
    struct buf *out_before = rt_catch(rt, &text);
    bool ok = rt_exec_loop(rt, l->node, l->scope, args->pos[0], l->nesting + 1);
    rt_catch_end(rt, out_before);
    rt->scope = outer;
    rt_leave(rt);
    return ok && rt_str_of(rt, &text, out);
}

bool call_value(struct rt *rt, struct value callee, const struct args *args, struct value caller,
                struct value *out) {
    if (callee.kind == VALUE_MACRO)
        return call_macro(rt, callee.macro, args, caller, out);
    if (callee.kind == VALUE_LOOP)
        return call_loop(rt, callee.loop, args, out);
    if (callee.kind == VALUE_GLOBAL)
        return call_global(rt, callee.global, args, out);
    if (callee.kind == VALUE_JOINER) {
        *out = callee.joiner->used ? callee.joiner->sep : value_str(SV(""));
        callee.joiner->used = true;
        return true;
    }
    if (callee.kind == VALUE_UNDEFINED)
        return rt_undefined(rt, callee);
    return rt_error(rt, "'%s' object is not callable", value_type(callee));
}

enum global global_find(struct sv name) {
    static const char *const names[] = {"", "range", "dict", "namespace", "cycler", "joiner"};
    for (size_t i = 1; i < sizeof names / sizeof names[0]; i++)
        if (sv_eq(name, sv_of(names[i])))
            return (enum global)i;
    return GLOBAL_NONE;
}

static bool make_range(struct rt *rt, const struct args *args, struct value *out) {
    int64_t n[3] = {0, 0, 1};
    if (args->kw_n || args->pos_n < 1 || args->pos_n > 3)
        return rt_error(rt, "range() takes from 1 to 3 arguments");
    for (size_t i = 0; i < args->pos_n; i++)
        if (!want_int(rt, "range()", args->pos[i], 0, &n[args->pos_n == 1 ? 1 : i]))
            return false;
    if (n[2] == 0)
        return rt_error(rt, "range() arg 3 must not be zero");
    struct range *r = rt_alloc(rt, sizeof *r);
    if (!r)
        return false;
    *r = (struct range){.start = n[0], .stop = n[1], .step = n[2]};
    bool some = n[2] > 0 ? n[0] < n[1] : n[0] > n[1];
    if (some) {
        uint64_t gap = n[2] > 0 ? (uint64_t)n[1] - (uint64_t)n[0] : (uint64_t)n[0] - (uint64_t)n[1];
        uint64_t step = n[2] > 0 ? (uint64_t)n[2] : -(uint64_t)n[2];
        r->n = (size_t)((gap - 1) / step) + 1;
        if (r->n > INT64_MAX)
            return rt_error(rt, "the range is too long");
    }
    *out = (struct value){.kind = VALUE_RANGE, .range = r};
    return true;
}

static bool make_dict(struct rt *rt, const struct args *args, struct dict **out) {
    if (!dict_new(rt, out))
        return false;
    if (args->pos_n > 1)
        return rt_error(rt, "dict expected at most 1 argument, got %zu", args->pos_n);
    if (args->pos_n && value_is_mapping(args->pos[0])) {
        if (!dict_update(rt, *out, args->pos[0]))
            return false;
    } else if (args->pos_n) {
        struct value seq, pair;
        if (!seq_of(rt, args->pos[0], &seq))
            return false;
        for (size_t i = 0; i < seq_len(seq); i++) {
            if (!seq_of(rt, seq_at(seq, i), &pair))
                return false;
            if (seq_len(pair) != 2)
                return rt_error(rt, "dict() needs pairs, got a sequence of %zu", seq_len(pair));
            if (!dict_set(rt, *out, seq_at(pair, 0), seq_at(pair, 1)))
                return false;
        }
    }
    for (size_t k = 0; k < args->kw_n; k++)
        if (!dict_set(rt, *out, value_str(args->names[k]), args->kw[k]))
            return false;
    return true;
}

static bool make_cycler(struct rt *rt, const struct args *args, struct value *out) {
    if (!args->pos_n)
        return rt_error(rt, "at least one item has to be provided");
    struct cycler *c = rt_alloc(rt, sizeof *c);
    struct list *l;
    if (!c || !list_new(rt, args->pos_n, &l))
        return false;
    for (size_t i = 0; i < args->pos_n; i++)
        if (!list_push(rt, l, args->pos[i]))
            return false;
    *c = (struct cycler){.items = *l};
    *out = (struct value){.kind = VALUE_CYCLER, .cycler = c};
    return true;
}

static bool make_joiner(struct rt *rt, const struct args *args, struct value *out) {
    struct value bound[PARAMS_MAX];
    struct joiner *j = rt_alloc(rt, sizeof *j);
    if (!j || !args_bind(rt, "joiner", "sep=", args, bound))
        return false;
    *j = (struct joiner){.sep = bound[0].kind == VALUE_MISSING ? value_str(SV(", ")) : bound[0]};
    *out = (struct value){.kind = VALUE_JOINER, .joiner = j};
    return true;
}

bool call_global(struct rt *rt, enum global g, const struct args *args, struct value *out) {
    struct dict *d;
    switch (g) {
    case GLOBAL_RANGE: return make_range(rt, args, out);
    case GLOBAL_DICT:
    case GLOBAL_NAMESPACE:
        if (!make_dict(rt, args, &d))
            return false;
        *out = (struct value){.kind = g == GLOBAL_DICT ? VALUE_DICT : VALUE_NAMESPACE, .dict = d};
        return true;
    case GLOBAL_CYCLER: return make_cycler(rt, args, out);
    case GLOBAL_JOINER: return make_joiner(rt, args, out);
    case GLOBAL_NONE: break;
    }
    return rt_error(rt, "this cannot be called");
}
