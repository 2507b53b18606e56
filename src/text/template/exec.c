#include "text/template/builtin.h"
#include "text/template/seq.h"

static bool print(struct rt *rt, const struct node *n) {
    struct value v;
    if (!rt_eval(rt, n->left, &v))
        return false;
    if (v.kind == VALUE_STR)
        return rt_emit(rt, value_sv(v));
    rt->at = n->left;
    if (!add_str(rt, rt->out, v))
        return false;
    return !rt->out->overflow || rt_emit(rt, SV("?")); /* whose failure says so */
}

static bool truth(struct rt *rt, const struct node *n, bool *yes) {
    struct value v;
    if (!rt_eval(rt, n, &v))
        return false;
    rt->at = n;
    *yes = value_truth(v);
    return rt_lenient(rt, v);
}

static bool exec_if(struct rt *rt, const struct node *n) {
    for (;;) {
        bool yes;
        if (!truth(rt, n->cond, &yes))
            return false;
        if (yes)
            return rt_exec(rt, n->yes);
        if (!n->no || n->no->kind != NODE_IF || n->no->next)
            return rt_exec(rt, n->no);
        n = n->no;
    }
}

static bool assign_tuple(struct rt *rt, const struct node *target, struct value v) {
    struct value seq;
    size_t n = 0;
    for (const struct node *item = target->items; item; item = item->next)
        n++;
    if (!seq_of(rt, v, &seq))
        return false;
    if (seq_len(seq) != n)
        return rt_error(rt, "cannot unpack %zu values into %zu names", seq_len(seq), n);
    size_t i = 0;
    for (const struct node *item = target->items; item; item = item->next)
        if (!rt_assign(rt, item, seq_at(seq, i++)))
            return false;
    return true;
}

bool rt_assign(struct rt *rt, const struct node *target, struct value v) {
    if (target->kind == NODE_NAME)
        return rt_bind(rt, rt->scope, target->sym, v);
    if (target->kind == NODE_TUPLE)
        return assign_tuple(rt, target, v);
    struct value ns = rt_lookup(rt, target->object->sym);
    rt->at = target;
    if (ns.kind != VALUE_NAMESPACE)
        return rt_error(rt, "cannot assign to an attribute of anything but a namespace");
    return dict_set(rt, ns.dict, value_str(target->name), v);
}

static void scope_clear(struct scope *s) {
    for (struct binding *b = s->bindings; b; b = b->next)
        b->value = VALUE_OF(VALUE_MISSING);
}

/* The items for which the guard holds. */
static bool guarded(struct rt *rt, const struct node *n, struct scope *outer, struct value items,
                    struct value *out) {
    struct list *kept;
    struct scope *s = rt_scope_push(rt, outer);
    if (!s || !list_new(rt, 0, &kept))
        return false;
    for (size_t i = 0; i < seq_len(items); i++) {
        struct value item = seq_at(items, i);
        bool yes;
        scope_clear(s);
        if (!rt_assign(rt, n->loop.target, item) || !truth(rt, n->loop.guard, &yes) ||
            (yes && !list_push(rt, kept, item)))
            return false;
    }
    *out = value_list(kept);
    return true;
}

static bool loop_body(struct rt *rt, const struct node *n, struct scope *s, struct value items,
                      struct loop *loop) {
    size_t count = seq_len(items);
    for (size_t i = 0; i < count; i++) {
        if (!rt_charge(rt, 1))
            return false;
        scope_clear(s);
        rt->scope = s;
        rt->at = n;
        struct value self = {.kind = VALUE_LOOP, .loop = loop};
        if (loop) {
            loop->at = i;
            if (!rt_bind(rt, s, SYM_LOOP, self))
                return false;
        }
        if (!rt_assign(rt, n->loop.target, seq_at(items, i)) || !rt_exec(rt, n->loop.body))
            return false;
    }
    return true;
}

bool rt_exec_loop(struct rt *rt, const struct node *n, struct scope *outer, struct value items,
                  unsigned nesting) {
    struct value seq;
    struct loop *loop = NULL;
    if (!seq_of(rt, items, &seq) || (n->loop.guard && !guarded(rt, n, outer, seq, &seq)))
        return false;
    if (seq_len(seq) == 0) {
        if (!n->loop.otherwise)
            return true;
        return rt_scope_push(rt, outer) && rt_exec(rt, n->loop.otherwise);
    }
    struct scope *s = rt_scope_push(rt, outer);
    if (!s)
        return false;
    if (n->loop.uses_loop) {
        if (!(loop = rt_alloc(rt, sizeof *loop)))
            return false;
        *loop = (struct loop){.items = seq, .n = seq_len(seq), .node = n, .scope = outer, .nesting = nesting};
    }
    return loop_body(rt, n, s, seq, loop);
}

static bool exec_for(struct rt *rt, const struct node *n) {
    struct value items;
    if (!rt_eval(rt, n->loop.iter, &items))
        return false;
    rt->at = n;
    struct scope *outer = rt->scope;
    bool ok = rt_exec_loop(rt, n, outer, items, 0);
    rt->scope = outer;
    return ok;
}

static bool each_item(struct rt *rt, const struct node *n, struct scope *s, struct value item) {
    s->item = item;
    return rt_charge(rt, 1) && rt_bind(rt, s, SYM_THIS, item) && rt_exec(rt, n->loop.body);
}

static bool each_body(struct rt *rt, const struct node *n, struct scope *s, struct value over) {
    if (n->loop.with)
        return each_item(rt, n, s, over);
    bool mapping = value_is_mapping(over);
    size_t count = mapping ? dict_len(over) : seq_len(over);
    struct dict_iter it = {0};
    if (mapping)
        it = dict_iter(over);
    for (size_t i = 0; i < count; i++) {
        struct value key = value_int((int64_t)i), item;
        if (mapping)
            dict_next(&it, &key, &item);
        else
            item = seq_at(over, i);
        scope_clear(s);
        rt->scope = s;
        if (!rt_bind(rt, s, SYM_AT_INDEX, value_int((int64_t)i)) || !rt_bind(rt, s, SYM_AT_KEY, key) ||
            !rt_bind(rt, s, SYM_AT_FIRST, value_bool(i == 0)) ||
            !rt_bind(rt, s, SYM_AT_LAST, value_bool(i + 1 == count)) || !each_item(rt, n, s, item))
            return false;
    }
    return true;
}

static bool exec_each(struct rt *rt, const struct node *n) {
    struct value over;
    struct scope *outer = rt->scope;
    if (!rt_eval(rt, n->loop.iter, &over))
        return false;
    rt->at = n;
    if (!rt_lenient(rt, over))
        return false;
    if (!value_truth(over))
        return rt_exec(rt, n->loop.otherwise);
    if (!n->loop.with && !value_is_mapping(over) && !seq_of(rt, over, &over))
        return false;
    struct scope *s = rt_scope_push(rt, outer);
    bool ok = s && each_body(rt, n, s, over);
    rt->scope = outer;
    return ok;
}

static bool exec_with(struct rt *rt, const struct node *n) {
    struct scope *outer = rt->scope;
    struct scope *s = rt_scope_push(rt, outer);
    if (!s)
        return false;
    const struct node *value = n->with.values;
    for (const struct node *t = n->with.targets; t; t = t->next, value = value->next) {
        struct value v;
        rt->scope = outer; /* values do not see each other */
        if (!rt_eval(rt, value, &v) || !rt_bind(rt, s, t->sym, v))
            return false;
    }
    rt->scope = s;
    bool ok = rt_exec(rt, n->with.body);
    rt->scope = outer;
    return ok;
}

bool rt_capture(struct rt *rt, const struct node *body, struct value *out) {
    BUF_AUTO struct buf text = BUF_INIT(0);
    struct buf *outer = rt_catch(rt, &text);
    bool ok = rt_exec(rt, body);
    rt_catch_end(rt, outer);
    return ok && rt_str_of(rt, &text, out);
}

/* Set blocks and filter blocks: the body in a scope of its own, caught and filtered. */
static bool block_text(struct rt *rt, const struct node *n, struct value *out) {
    struct scope *outer = rt->scope;
    bool ok = rt_scope_push(rt, outer) && rt_capture(rt, n->set.body, out);
    rt->scope = outer;
    if (!ok || !n->set.value)
        return ok;
    return rt_eval_filter(rt, n->set.value, *out, out);
}

static bool exec_set(struct rt *rt, const struct node *n) {
    struct value v;
    if (n->kind == NODE_SET_BLOCK ? !block_text(rt, n, &v) : !rt_eval(rt, n->set.value, &v))
        return false;
    rt->at = n;
    return rt_assign(rt, n->set.target, v);
}

static bool exec_filter_block(struct rt *rt, const struct node *n) {
    struct value v;
    if (!block_text(rt, n, &v))
        return false;
    rt->at = n;
    return add_str(rt, rt->out, v) && (!rt->out->overflow || rt_emit(rt, SV("?")));
}

static bool macro_value(struct rt *rt, const struct macro_node *node, struct value *out) {
    struct macro *m = rt_alloc(rt, sizeof *m);
    if (!m)
        return false;
    *m = (struct macro){.node = node, .owner = rt->tmpl, .scope = rt->scope};
    *out = (struct value){.kind = VALUE_MACRO, .macro = m};
    return true;
}

static bool exec_call_block(struct rt *rt, const struct node *n) {
    struct value caller, v;
    if (!macro_value(rt, n->macro, &caller) || !rt_eval_call_block(rt, n->macro->call, caller, &v))
        return false;
    rt->at = n;
    return add_str(rt, rt->out, v) && (!rt->out->overflow || rt_emit(rt, SV("?")));
}

static const struct template *load(struct rt *rt, struct value name) {
    const struct template_options *o = &rt->tmpl->options;
    return name.kind == VALUE_STR && o->load ? o->load(o->load_ctx, value_sv(name)) : NULL;
}

static bool find_include(struct rt *rt, const struct node *n, const struct template **found) {
    struct value name;
    if (!rt_eval(rt, n->include.name, &name))
        return false;
    rt->at = n;
    if (value_is_sequence(name)) {
        *found = NULL;
        for (size_t i = 0; !*found && i < seq_len(name); i++) {
            if (!rt_charge(rt, 1))
                return false;
            *found = load(rt, seq_at(name, i));
        }
        if (*found || n->include.ignore_missing)
            return true;
        return rt_fail(rt, ERR_NOT_FOUND, "none of the included templates exists");
    }
    if (name.kind == VALUE_UNDEFINED && !n->include.ignore_missing)
        return rt_undefined(rt, name);
    if (name.kind != VALUE_STR && name.kind != VALUE_UNDEFINED)
        return rt_error(rt, "include needs a name, not %s", value_type(name));
    *found = load(rt, name);
    if (*found || n->include.ignore_missing)
        return true;
    return rt_fail(rt, ERR_NOT_FOUND, "there is no template '%.*s'", SV_FMT(sv_sub(value_sv(name), 0, 100)));
}

static bool exec_include(struct rt *rt, const struct node *n) {
    const struct template *found;
    if (!find_include(rt, n, &found) || !found)
        return !rt->failed;
    const struct template *outer_template = rt->tmpl;
    const json_t *outer_vars = rt->vars;
    struct scope *outer = rt->scope;
    bool outer_dynamic = rt->dynamic;
    rt->tmpl = found;
    if (n->include.without_context)
        rt->vars = NULL;
    rt->dynamic = !n->include.without_context;
    bool ok = rt_scope_push(rt, n->include.without_context ? NULL : outer) && rt_exec(rt, found->body);
    if (!ok)
        return false; /* the failure has named the template it was in */
    rt->tmpl = outer_template;
    rt->vars = outer_vars;
    rt->scope = outer;
    rt->dynamic = outer_dynamic;
    return true;
}

static bool exec_one(struct rt *rt, const struct node *n) {
    struct value v;
    switch ((int)n->kind) {
    case NODE_TEXT: return rt_emit(rt, n->text);
    case NODE_PRINT: return print(rt, n);
    case NODE_IF: return exec_if(rt, n);
    case NODE_FOR: return exec_for(rt, n);
    case NODE_EACH: return exec_each(rt, n);
    case NODE_SET:
    case NODE_SET_BLOCK: return exec_set(rt, n);
    case NODE_WITH: return exec_with(rt, n);
    case NODE_FILTER_BLOCK: return exec_filter_block(rt, n);
    case NODE_MACRO: return macro_value(rt, n->macro, &v) && rt_bind(rt, rt->scope, n->macro->sym, v);
    case NODE_CALL_BLOCK: return exec_call_block(rt, n);
    case NODE_INCLUDE: return exec_include(rt, n);
    case NODE_DO: return rt_eval(rt, n->left, &v);
    default: return rt_error(rt, "this cannot be run");
    }
}

bool rt_exec(struct rt *rt, const struct node *body) {
    if (!body)
        return true;
    if (!rt_enter(rt))
        return false;
    for (const struct node *n = body; n; n = n->next) {
        rt->at = n;
        if (!rt_charge(rt, 1) || !exec_one(rt, n))
            return false;
    }
    rt_leave(rt);
    return true;
}
