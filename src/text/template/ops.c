#include "text/template/builtin.h"
#include "text/template/seq.h"

#include <math.h>
#include <string.h>

static bool bad_operands(struct rt *rt, const char *op, struct value a, struct value b) {
    if (a.kind == VALUE_UNDEFINED || b.kind == VALUE_UNDEFINED)
        return rt_undefined(rt, a.kind == VALUE_UNDEFINED ? a : b);
    return rt_error(rt, "unsupported operand types for %s: '%s' and '%s'", op, value_type(a), value_type(b));
}

static bool too_big(struct rt *rt) {
    return rt_error(rt, "the result does not fit in a 64-bit integer");
}

static bool by_zero(struct rt *rt) {
    return rt_error(rt, "division by zero");
}

static bool int_pow(struct rt *rt, int64_t a, int64_t b, struct value *out) {
    if (b < 0) {
        if (a == 0)
            return by_zero(rt);
        *out = value_float(pow((double)a, (double)b));
        return true;
    }
    int64_t result = 1;
    for (; b > 0; b >>= 1) {
        if ((b & 1) && __builtin_mul_overflow(result, a, &result))
            return too_big(rt);
        if (b > 1 && __builtin_mul_overflow(a, a, &a))
            return too_big(rt);
    }
    *out = value_int(result);
    return true;
}

static bool int_op(struct rt *rt, enum op op, int64_t a, int64_t b, struct value *out) {
    int64_t r = 0;
    bool over = false;
    switch ((int)op) {
    case OP_ADD: over = __builtin_add_overflow(a, b, &r); break;
    case OP_SUB: over = __builtin_sub_overflow(a, b, &r); break;
    case OP_MUL: over = __builtin_mul_overflow(a, b, &r); break;
    case OP_POW: return int_pow(rt, a, b, out);
    case OP_DIV:
        if (b == 0)
            return by_zero(rt);
        *out = value_float((double)((long double)a / (long double)b)); /* whose 64 bits hold both */
        return true;
    default:
        if (b == 0)
            return by_zero(rt);
        if (b == -1) { /* INT64_MIN / -1 traps */
            if (op == OP_FLOORDIV && __builtin_sub_overflow(0, a, &r))
                return too_big(rt);
            break;
        }
        r = op == OP_MOD ? a % b : a / b;
        if (a % b != 0 && (a % b < 0) != (b < 0))
            r = op == OP_MOD ? r + b : r - 1;
    }
    if (over)
        return too_big(rt);
    *out = value_int(r);
    return true;
}

static double float_mod(double a, double b) {
    double m = fmod(a, b);
    if (m != 0 && (m < 0) != (b < 0))
        return m + b;
    return m == 0 ? copysign(0, b) : m;
}

static double float_floordiv(double a, double b) {
    double m = fmod(a, b);
    double div = (a - m) / b;
    if (m != 0 && (m < 0) != (b < 0))
        div -= 1;
    if (div == 0)
        return copysign(0, a / b);
    double whole = floor(div);
    return div - whole > 0.5 ? whole + 1 : whole;
}

static bool float_op(struct rt *rt, enum op op, double a, double b, struct value *out) {
    if (b == 0 && (op == OP_DIV || op == OP_FLOORDIV || op == OP_MOD))
        return by_zero(rt);
    double r = 0;
    switch ((int)op) {
    case OP_ADD: r = a + b; break;
    case OP_SUB: r = a - b; break;
    case OP_MUL: r = a * b; break;
    case OP_DIV: r = a / b; break;
    case OP_FLOORDIV: r = float_floordiv(a, b); break;
    case OP_MOD: r = float_mod(a, b); break;
    default:
        if (a == 0 && b < 0)
            return by_zero(rt);
        if (a < 0 && b != floor(b) && isfinite(a) && isfinite(b))
            return rt_error(rt, "the result is a complex number");
        r = pow(a, b);
        if (isinf(r) && isfinite(a) && isfinite(b))
            return rt_error(rt, "the result is too large");
    }
    *out = value_float(r);
    return true;
}

static bool repeat_str(struct rt *rt, struct value s, int64_t times, struct value *out) {
    size_t n;
    if (times <= 0 || s.n == 0) {
        *out = (struct value){.kind = VALUE_STR, .sub = s.sub, .s = ""};
        return true;
    }
    if (__builtin_mul_overflow((size_t)s.n, (size_t)times, &n) || n > rt_memory_left(rt))
        n = rt_memory_left(rt); /* too much: let the arena say so */
    char *p = rt_charge(rt, n / 32) ? rt_alloc(rt, n + 1) : NULL;
    if (!p)
        return false;
    for (size_t i = 0; i < n; i += s.n)
        memcpy(p + i, s.s, s.n);
    p[n] = '\0';
    *out = value_str(sv_make(p, n));
    out->sub = s.sub;
    return true;
}

static bool repeat_list(struct rt *rt, struct value seq, int64_t times, struct value *out) {
    size_t n = seq_len(seq), total;
    struct list *l;
    if (times < 0)
        times = 0;
    if (__builtin_mul_overflow(n, (size_t)times, &total))
        total = SIZE_MAX;
    if (!list_new(rt, total, &l))
        return false;
    for (size_t i = 0; i < total; i++)
        if (!list_push(rt, l, seq_at(seq, i % n)))
            return false;
    *out = seq.kind == VALUE_TUPLE ? value_tuple(l) : value_list(l);
    return true;
}

static bool is_list(struct value v) {
    return v.kind == VALUE_LIST || v.kind == VALUE_JARRAY;
}

static bool join_lists(struct rt *rt, struct value a, struct value b, struct value *out) {
    struct list *l;
    if (!list_new(rt, seq_len(a) + seq_len(b), &l))
        return false;
    for (size_t i = 0; i < seq_len(a); i++)
        if (!list_push(rt, l, seq_at(a, i)))
            return false;
    for (size_t i = 0; i < seq_len(b); i++)
        if (!list_push(rt, l, seq_at(b, i)))
            return false;
    *out = a.kind == VALUE_TUPLE ? value_tuple(l) : value_list(l);
    return true;
}

/* Strings: safe markup escapes what is put to it. */
static bool join_strs(struct rt *rt, struct value a, struct value b, struct value *out) {
    bool safe = a.sub == STR_SAFE || b.sub == STR_SAFE;
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    if (safe && a.sub != STR_SAFE)
        add_escaped(&text, value_sv(a));
    else
        buf_add(&text, value_sv(a));
    if (safe && b.sub != STR_SAFE)
        add_escaped(&text, value_sv(b));
    else
        buf_add(&text, value_sv(b));
    if (!rt_str_of(rt, &text, out))
        return false;
    out->sub = safe ? STR_SAFE : STR_PLAIN;
    return true;
}

static bool percent(struct rt *rt, struct value a, struct value b, struct value *out) {
    struct args args = {.pos = &b, .pos_n = 1};
    if (b.kind == VALUE_TUPLE) {
        args.pos = b.list->items;
        args.pos_n = b.list->n;
    }
    return format_percent(rt, value_sv(a), &args, b.kind != VALUE_TUPLE, out);
}

bool op_binary(struct rt *rt, enum op op, struct value a, struct value b, struct value *out) {
    static const char *const texts[] = {"+", "-", "*", "/", "//", "%", "**"};
    if (value_is_number(a) && value_is_number(b)) {
        if (a.kind == VALUE_FLOAT || b.kind == VALUE_FLOAT)
            return float_op(rt, op, value_to_float(a), value_to_float(b), out);
        return int_op(rt, op, value_to_int(a), value_to_int(b), out);
    }
    if (op == OP_ADD) {
        if (a.kind == VALUE_STR && b.kind == VALUE_STR)
            return join_strs(rt, a, b, out);
        if ((is_list(a) && is_list(b)) || (a.kind == VALUE_TUPLE && b.kind == VALUE_TUPLE))
            return join_lists(rt, a, b, out);
    }
    if (op == OP_MUL) {
        struct value times = value_is_integer(a) ? a : b, what = value_is_integer(a) ? b : a;
        if (value_is_integer(times) && what.kind == VALUE_STR)
            return repeat_str(rt, what, value_to_int(times), out);
        if (value_is_integer(times) && (is_list(what) || what.kind == VALUE_TUPLE))
            return repeat_list(rt, what, value_to_int(times), out);
    }
    if (op == OP_MOD && a.kind == VALUE_STR)
        return percent(rt, a, b, out);
    return bad_operands(rt, texts[op], a, b);
}

bool op_negate(struct rt *rt, struct value a, bool negative, struct value *out) {
    if (a.kind == VALUE_FLOAT) {
        *out = value_float(negative ? -a.f : a.f);
        return true;
    }
    if (!value_is_integer(a))
        return a.kind == VALUE_UNDEFINED ? rt_undefined(rt, a)
                                         : rt_error(rt, "bad operand type for a sign: '%s'", value_type(a));
    return negative ? int_op(rt, OP_SUB, 0, value_to_int(a), out)
                    : int_op(rt, OP_ADD, 0, value_to_int(a), out);
}

bool op_compare(struct rt *rt, enum op op, struct value a, struct value b, bool *yes) {
    int order;
    switch ((int)op) {
    case OP_IN: return value_contains(rt, b, a, yes);
    case OP_NOT_IN:
        if (!value_contains(rt, b, a, yes))
            return false;
        *yes = !*yes;
        return true;
    case OP_EQ: return value_equal(rt, a, b, yes);
    case OP_NE:
        if (!value_equal(rt, a, b, yes))
            return false;
        *yes = !*yes;
        return true;
    default: break;
    }
    if (!value_order(rt, a, b, &order))
        return false;
    *yes = op == OP_LT   ? order < 0
           : op == OP_LE ? order <= 0
           : op == OP_GT ? order > 0 && order != 2
                         : order >= 0 && order != 2;
    return true;
}
