#include "text/template/builtin.h"
#include "text/template/seq.h"

/* Arguments of most calls fit here; more go to the arena. */
enum { ARGS_LOCAL = 6 };

struct call {
    struct args args;
    struct value values[ARGS_LOCAL];
    struct sv names[ARGS_LOCAL];
};

static size_t row_count(const struct node *n) {
    size_t count = 0;
    for (; n; n = n->next)
        count++;
    return count;
}

/* Room for the arguments, in the order positional, keyword. */
static bool args_room(struct rt *rt, struct call *c, size_t n, struct value **values, struct sv **names) {
    *values = c->values;
    *names = c->names;
    if (n <= ARGS_LOCAL)
        return true;
    return (*values = rt_alloc(rt, n * sizeof **values)) && (*names = rt_alloc(rt, n * sizeof **names));
}

static bool eval_args(struct rt *rt, const struct args_node *a, struct call *c) {
    size_t pos_n = row_count(a->pos), kw_n = row_count(a->kw);
    struct value star = VALUE_OF(VALUE_MISSING), more = VALUE_OF(VALUE_MISSING);
    if (a->star && (!rt_eval(rt, a->star, &star) || !seq_of(rt, star, &star)))
        return false;
    if (a->star_star && !rt_eval(rt, a->star_star, &more))
        return false;
    if (a->star_star && !value_is_mapping(more))
        return rt_error(rt, "argument after ** must be a mapping, not %s", value_type(more));
    size_t star_n = a->star ? seq_len(star) : 0, more_n = a->star_star ? dict_len(more) : 0;
    struct value *values;
    struct sv *names;
    if (!rt_charge(rt, star_n + more_n) || !args_room(rt, c, pos_n + star_n + kw_n + more_n, &values, &names))
        return false;
    size_t i = 0;
    for (const struct node *n = a->pos; n; n = n->next)
        if (!rt_eval(rt, n, &values[i++]))
            return false;
    for (size_t k = 0; k < star_n; k++)
        values[i++] = seq_at(star, k);
    c->args =
        (struct args){.pos = values, .pos_n = i, .kw = values + i, .names = names, .kw_n = kw_n + more_n};
    size_t k = 0;
    for (const struct node *n = a->kw; n; n = n->next, k++) {
        names[k] = n->kw_name;
        if (!rt_eval(rt, n, &values[i++]))
            return false;
    }
    if (!a->star_star)
        return true;
    struct value key, value;
    for (struct dict_iter it = dict_iter(more); dict_next(&it, &key, &value); k++) {
        if (key.kind != VALUE_STR)
            return rt_error(rt, "keywords must be strings");
        names[k] = value_sv(key);
        values[i++] = value;
    }
    return true;
}

static bool eval_items(struct rt *rt, const struct node *n, struct value *out) {
    struct list *l;
    struct value v;
    if (!list_new(rt, row_count(n->items), &l))
        return false;
    for (const struct node *item = n->items; item; item = item->next)
        if (!rt_eval(rt, item, &v) || !list_push(rt, l, v))
            return false;
    *out = n->kind == NODE_TUPLE ? value_tuple(l) : value_list(l);
    return true;
}

static bool eval_dict(struct rt *rt, const struct node *n, struct value *out) {
    struct dict *d;
    struct value key, v;
    if (!dict_new(rt, &d))
        return false;
    for (const struct node *item = n->items; item; item = item->next->next) {
        if (!rt_eval(rt, item, &key) || !rt_eval(rt, item->next, &v))
            return false;
        rt->at = n;
        if (!dict_set(rt, d, key, v))
            return false;
    }
    *out = value_dict(d);
    return true;
}

static bool eval_item(struct rt *rt, const struct node *n, struct value *out) {
    struct value object, index;
    if (!rt_eval(rt, n->object, &object))
        return false;
    if (n->index->kind != NODE_SLICE) {
        if (!rt_eval(rt, n->index, &index))
            return false;
        rt->at = n;
        return get_item(rt, object, index, out);
    }
    struct value part[3];
    const struct node *nodes[3] = {n->index->start, n->index->stop, n->index->step};
    for (size_t i = 0; i < 3; i++) {
        part[i] = VALUE_OF(VALUE_NONE);
        if (nodes[i] && !rt_eval(rt, nodes[i], &part[i]))
            return false;
    }
    rt->at = n;
    return get_slice(rt, object, part, out);
}

bool rt_eval_filter(struct rt *rt, const struct node *n, struct value in, struct value *out) {
    if (n->subject && !rt_eval_filter(rt, n->subject, in, &in))
        return false;
    struct call c;
    if (!eval_args(rt, &n->fargs, &c))
        return false;
    rt->at = n;
    return filter_apply(rt, n->filter, in, &c.args, out);
}

static bool eval_filter(struct rt *rt, const struct node *n, struct value *out) {
    struct value in;
    struct call c;
    if (!rt_eval(rt, n->subject, &in) || !eval_args(rt, &n->fargs, &c))
        return false;
    rt->at = n;
    return filter_apply(rt, n->filter, in, &c.args, out);
}

static bool eval_test(struct rt *rt, const struct node *n, struct value *out) {
    struct value in;
    struct call c;
    bool yes;
    if (!rt_eval(rt, n->subject, &in) || !eval_args(rt, &n->fargs, &c))
        return false;
    rt->at = n;
    if (!test_apply(rt, n->test, in, &c.args, &yes))
        return false;
    *out = value_bool(yes != n->negated);
    return true;
}

static bool eval_call(struct rt *rt, const struct node *n, struct value *out) {
    struct value callee;
    struct call c;
    if (!rt_eval(rt, n->object, &callee) || !eval_args(rt, &n->args, &c))
        return false;
    rt->at = n;
    struct value none = VALUE_OF(VALUE_MISSING);
    if (n->kind == NODE_METHOD)
        return call_method(rt, callee, n->name, &c.args, none, out);
    return call_value(rt, callee, &c.args, none, out);
}

bool rt_eval_call_block(struct rt *rt, const struct node *n, struct value caller, struct value *out) {
    struct value callee;
    struct call c;
    if (!rt_eval(rt, n->object, &callee) || !eval_args(rt, &n->args, &c))
        return false;
    rt->at = n;
    if (n->kind == NODE_METHOD)
        return call_method(rt, callee, n->name, &c.args, caller, out);
    return call_value(rt, callee, &c.args, caller, out);
}

/* All values first: text on its way must not wait for what else is evaluated. */
static bool eval_concat(struct rt *rt, const struct node *n, struct value *out) {
    struct value local[ARGS_LOCAL], *values = local;
    size_t count = row_count(n->items);
    if (count > ARGS_LOCAL && !(values = rt_alloc(rt, count * sizeof *values)))
        return false;
    size_t i = 0;
    for (const struct node *item = n->items; item; item = item->next)
        if (!rt_eval(rt, item, &values[i++]))
            return false;
    rt->at = n;
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    for (i = 0; i < count; i++)
        if (!add_str(rt, &text, values[i]))
            return false;
    return rt_str_of(rt, &text, out);
}

static bool eval_compare(struct rt *rt, const struct node *n, struct value *out) {
    struct value left, right;
    const struct node *item = n->items;
    if (!rt_eval(rt, item, &left))
        return false;
    bool yes = true;
    while (yes && (item = item->next)) {
        if (!rt_eval(rt, item->left, &right))
            return false;
        rt->at = n;
        if (!op_compare(rt, (enum op)item->op, left, right, &yes))
            return false;
        left = right;
    }
    *out = value_bool(yes);
    return true;
}

static bool truth(struct rt *rt, const struct node *n, bool *yes) {
    struct value v;
    if (!rt_eval(rt, n, &v))
        return false;
    rt->at = n;
    *yes = value_truth(v);
    return rt_lenient(rt, v);
}

static bool eval_inner(struct rt *rt, const struct node *n, struct value *out) {
    struct value a, b;
    bool yes;
    switch ((int)n->kind) {
    case NODE_LIST:
    case NODE_TUPLE: return eval_items(rt, n, out);
    case NODE_DICT: return eval_dict(rt, n, out);
    case NODE_ATTR:
        if (!rt_eval(rt, n->object, &a))
            return false;
        rt->at = n;
        return get_attr(rt, a, n->name, out);
    case NODE_ITEM: return eval_item(rt, n, out);
    case NODE_CALL:
    case NODE_METHOD: return eval_call(rt, n, out);
    case NODE_FILTER: return eval_filter(rt, n, out);
    case NODE_TEST: return eval_test(rt, n, out);
    case NODE_NEG:
    case NODE_POS:
        if (!rt_eval(rt, n->left, &a))
            return false;
        rt->at = n;
        return op_negate(rt, a, n->kind == NODE_NEG, out);
    case NODE_NOT:
        if (!truth(rt, n->left, &yes))
            return false;
        *out = value_bool(!yes);
        return true;
    case NODE_BINARY:
        if (!rt_eval(rt, n->left, &a) || !rt_eval(rt, n->right, &b))
            return false;
        rt->at = n;
        return op_binary(rt, (enum op)n->op, a, b, out);
    case NODE_CONCAT: return eval_concat(rt, n, out);
    case NODE_COMPARE: return eval_compare(rt, n, out);
    case NODE_AND:
    case NODE_OR:
        if (!rt_eval(rt, n->left, out))
            return false;
        rt->at = n;
        if (!rt_lenient(rt, *out))
            return false;
        return value_truth(*out) == (n->kind == NODE_OR) || rt_eval(rt, n->right, out);
    case NODE_COND:
        if (!truth(rt, n->cond, &yes))
            return false;
        if (yes || n->no)
            return rt_eval(rt, yes ? n->yes : n->no, out);
        *out = value_undefined(UNDEFINED_OTHER, SV_NONE);
        return true;
    default: return rt_error(rt, "this cannot be evaluated");
    }
}

bool rt_eval(struct rt *rt, const struct node *n, struct value *out) {
    if (n->kind == NODE_CONST) {
        *out = n->constant;
        return true;
    }
    rt->at = n;
    if (!rt_charge(rt, 1))
        return false;
    if (n->kind == NODE_NAME) {
        *out = rt_lookup(rt, n->sym);
        return true;
    }
    if (!rt_enter(rt))
        return false;
    bool ok = eval_inner(rt, n, out);
    rt_leave(rt);
    return ok;
}
