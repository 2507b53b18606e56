/* Filters over lists and mappings. */
#include "text/template/builtin.h"
#include "text/template/seq.h"
#include "text/template/unicode.h"

#include <string.h>

#define FILTER(name)                                                                                         \
    static bool name(struct rt *rt, struct value in, const struct value *arg, const struct args *all,        \
                     struct value *out)

/* Whether an optional argument is given and true. */
static bool is_set(struct value v) {
    return v.kind != VALUE_MISSING && value_truth(v);
}

bool fold_key(struct rt *rt, struct value v, bool fold, struct value *out) {
    *out = v;
    if (!fold || v.kind != VALUE_STR)
        return true;
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    u8_add_case(&text, value_sv(v), U8_LOWER);
    return rt_str_of(rt, &text, out);
}

/* A stable merge of runs of `width`, from src to dst. */
static bool merge_pass(struct rt *rt, struct value *const src[2], struct value *const dst[2], size_t n,
                       size_t width, bool descending) {
    for (size_t low = 0; low < n; low += 2 * width) {
        size_t mid = low + width < n ? low + width : n, high = mid + width < n ? mid + width : n;
        size_t a = low, b = mid;
        for (size_t k = low; k < high; k++) {
            bool second = a == mid;
            int order = 0;
            if (!second && b < high) {
                if (!rt_charge(rt, 1) || !value_order(rt, src[0][b], src[0][a], &order))
                    return false;
                second = order != 2 && (descending ? order > 0 : order < 0);
            }
            size_t from = second ? b++ : a++;
            dst[0][k] = src[0][from];
            dst[1][k] = src[1][from];
        }
    }
    return true;
}

bool sort_by(struct rt *rt, struct value *keys, struct value *items, size_t n, bool descending) {
    if (n < 2)
        return true;
    struct value *spare = n <= rt_memory_left(rt) / sizeof *spare / 2 ? rt_alloc(rt, 2 * n * sizeof *spare)
                                                                      : rt_alloc(rt, rt_memory_left(rt) + 1);
    if (!spare)
        return false;
    struct value *here[2] = {keys, items}, *there[2] = {spare, spare + n};
    struct value *const *src = here, *const *dst = there;
    for (size_t width = 1; width < n; width *= 2) {
        if (!merge_pass(rt, src, dst, n, width, descending))
            return false;
        struct value *const *swap = src;
        src = dst;
        dst = swap;
    }
    if (src != here) {
        memcpy(keys, src[0], n * sizeof *keys);
        memcpy(items, src[1], n * sizeof *items);
    }
    return true;
}

static bool copy_list(struct rt *rt, struct value in, struct list **out) {
    struct value seq;
    if (!seq_of(rt, in, &seq) || !list_new(rt, seq_len(seq), out))
        return false;
    for (size_t i = 0; i < seq_len(seq); i++)
        if (!list_push(rt, *out, seq_at(seq, i)))
            return false;
    return true;
}

/* The keys to compare items by: their attribute, in lower case unless case counts. */
static bool keys_of(struct rt *rt, const struct list *items, struct value attribute, struct value fallback,
                    bool fold, struct list **keys) {
    if (!list_new(rt, items->n, keys))
        return false;
    for (size_t i = 0; i < items->n; i++) {
        struct value key;
        if (!get_path(rt, items->items[i], attribute, fallback, &key) || !fold_key(rt, key, fold, &key) ||
            !list_push(rt, *keys, key))
            return false;
    }
    return true;
}

/* Jinja2 sorts by lists of keys, of which equal ones need no order: two equal mappings sort, two undefined
 * values too. Numbers and texts have an order anyway and need no list. */
static bool single_keys(struct rt *rt, struct list *keys) {
    for (size_t i = 0; i < keys->n; i++) {
        struct list *alone;
        if (value_is_number(keys->items[i]) || keys->items[i].kind == VALUE_STR)
            continue;
        if (!list_new(rt, 1, &alone) || !list_push(rt, alone, keys->items[i]))
            return false;
        keys->items[i] = value_list(alone);
    }
    return true;
}

/* sort(attribute='a,b') compares by several. */
static bool multi_keys(struct rt *rt, const struct list *items, struct value attribute, bool fold,
                       struct list **keys) {
    struct value missing = VALUE_OF(VALUE_MISSING);
    if (attribute.kind != VALUE_STR || sv_find_char(value_sv(attribute), ',') == SIZE_MAX)
        return keys_of(rt, items, attribute, missing, fold, keys) && single_keys(rt, *keys);
    if (!list_new(rt, items->n, keys))
        return false;
    for (size_t i = 0; i < items->n; i++) {
        struct list *parts;
        if (!list_new(rt, 2, &parts))
            return false;
        for (struct sv rest = value_sv(attribute); rest.p;) {
            struct value key;
            if (!get_path(rt, items->items[i], value_str(sv_cut(&rest, ',')), missing, &key) ||
                !fold_key(rt, key, fold, &key) || !list_push(rt, parts, key))
                return false;
        }
        if (!list_push(rt, *keys, value_list(parts)))
            return false;
    }
    return true;
}

FILTER(run_sort) {
    (void)all;
    struct list *items, *keys;
    if (!copy_list(rt, in, &items) || !multi_keys(rt, items, arg[2], !is_set(arg[1]), &keys) ||
        !sort_by(rt, keys->items, items->items, items->n, is_set(arg[0])))
        return false;
    *out = value_list(items);
    return true;
}

FILTER(run_dictsort) {
    (void)all;
    struct sv by;
    if (!want_str(rt, "dictsort", arg[1], SV("key"), &by))
        return false;
    bool value_first = sv_eq(by, SV("value"));
    if (!value_first && !sv_eq(by, SV("key")))
        return rt_error(rt, "dictsort sorts by 'key' or 'value'");
    if (!value_is_mapping(in))
        return in.kind == VALUE_UNDEFINED ? rt_undefined(rt, in)
                                          : rt_error(rt, "dictsort needs a mapping, not %s", value_type(in));
    struct list *items, *keys;
    if (!list_new(rt, dict_len(in), &items) || !list_new(rt, dict_len(in), &keys))
        return false;
    struct value key, value, pair;
    for (struct dict_iter it = dict_iter(in); dict_next(&it, &key, &value);) {
        if (!tuple_pair(rt, key, value, &pair) || !list_push(rt, items, pair) ||
            !fold_key(rt, value_first ? value : key, !is_set(arg[0]), &key) || !list_push(rt, keys, key))
            return false;
    }
    *out = value_list(items);
    return sort_by(rt, keys->items, items->items, items->n, is_set(arg[2]));
}

FILTER(run_unique) {
    (void)all;
    struct list *items, *keys, *kept;
    struct dict *seen;
    if (!copy_list(rt, in, &items) || !list_new(rt, 0, &kept) || !dict_new(rt, &seen) ||
        !keys_of(rt, items, arg[1], VALUE_OF(VALUE_MISSING), !is_set(arg[0]), &keys))
        return false;
    for (size_t i = 0; i < items->n; i++) {
        size_t before = seen->n;
        if (!dict_set(rt, seen, keys->items[i], VALUE_OF(VALUE_NONE)))
            return false;
        if (seen->n > before && !list_push(rt, kept, items->items[i]))
            return false;
    }
    *out = value_list(kept);
    return true;
}

static bool extreme(struct rt *rt, struct value in, const struct value *arg, bool most, struct value *out) {
    struct list *items, *keys;
    if (!copy_list(rt, in, &items) ||
        !keys_of(rt, items, arg[1], VALUE_OF(VALUE_MISSING), !is_set(arg[0]), &keys))
        return false;
    if (!items->n) {
        *out = value_undefined(UNDEFINED_OTHER, SV_NONE);
        return true;
    }
    size_t best = 0;
    for (size_t i = 1; i < items->n; i++) {
        int order;
        if (!value_order(rt, keys->items[i], keys->items[best], &order))
            return false;
        if (order != 2 && (most ? order > 0 : order < 0))
            best = i;
    }
    *out = items->items[best];
    return true;
}

FILTER(run_min) {
    (void)all;
    return extreme(rt, in, arg, false, out);
}

FILTER(run_max) {
    (void)all;
    return extreme(rt, in, arg, true, out);
}

FILTER(run_groupby) {
    (void)all;
    struct list *items, *keys, *groups, *group = NULL;
    struct value fallback = arg[1];
    bool fold = !is_set(arg[2]);
    if (!copy_list(rt, in, &items) || !keys_of(rt, items, arg[0], fallback, fold, &keys) ||
        !sort_by(rt, keys->items, items->items, items->n, false) || !list_new(rt, 0, &groups))
        return false;
    for (size_t i = 0; i < items->n; i++) {
        bool same = false;
        if (i && !value_equal(rt, keys->items[i - 1], keys->items[i], &same))
            return false;
        if (!same) {
            /* The group's name is the first member's, in its own case. */
            struct value name, pair;
            if (!list_new(rt, 0, &group) || !get_path(rt, items->items[i], arg[0], fallback, &name) ||
                !tuple_pair(rt, name, value_list(group), &pair) || !list_push(rt, groups, pair))
                return false;
        }
        if (!list_push(rt, group, items->items[i]))
            return false;
    }
    *out = value_list(groups);
    return true;
}

FILTER(run_batch) {
    (void)all;
    int64_t size;
    struct list *items, *rows, *row = NULL;
    if (!want_int(rt, "batch", arg[0], 1, &size) || !copy_list(rt, in, &items) || !list_new(rt, 0, &rows))
        return false;
    for (size_t i = 0; i < items->n; i++) {
        if (!row || (int64_t)row->n == size)
            if (!list_new(rt, 0, &row) || !list_push(rt, rows, value_list(row)))
                return false;
        if (!list_push(rt, row, items->items[i]))
            return false;
    }
    while (row && arg[1].kind != VALUE_MISSING && arg[1].kind != VALUE_NONE && (int64_t)row->n < size)
        if (!list_push(rt, row, arg[1]))
            return false;
    *out = value_list(rows);
    return true;
}

FILTER(run_slice) {
    (void)all;
    int64_t slices;
    struct list *items, *rows;
    if (!want_int(rt, "slice", arg[0], 1, &slices) || !copy_list(rt, in, &items))
        return false;
    if (slices == 0)
        return rt_error(rt, "division by zero");
    if (!list_new(rt, 0, &rows))
        return false;
    size_t n = slices > 0 ? (size_t)slices : 0, at = 0;
    for (size_t k = 0; k < n; k++) {
        size_t more = items->n % n, count = items->n / n + (k < more ? 1 : 0);
        struct list *row;
        if (!list_new(rt, count + 1, &row))
            return false;
        for (size_t i = 0; i < count; i++)
            if (!list_push(rt, row, items->items[at++]))
                return false;
        if (arg[1].kind != VALUE_MISSING && arg[1].kind != VALUE_NONE && k >= more &&
            !list_push(rt, row, arg[1]))
            return false;
        if (!list_push(rt, rows, value_list(row)))
            return false;
    }
    *out = value_list(rows);
    return true;
}

static bool end_of(struct rt *rt, struct value in, bool last, struct value *out) {
    struct value seq;
    if (!seq_of(rt, in, &seq))
        return false;
    size_t n = seq_len(seq);
    *out = n ? seq_at(seq, last ? n - 1 : 0) : value_undefined(UNDEFINED_OTHER, SV_NONE);
    return true;
}

FILTER(run_first) {
    (void)arg, (void)all;
    return end_of(rt, in, false, out);
}

FILTER(run_last) {
    (void)arg, (void)all;
    return end_of(rt, in, true, out);
}

FILTER(run_length) {
    (void)arg, (void)all;
    if (in.kind == VALUE_STR) {
        *out = value_int((int64_t)u8_count(value_sv(in)));
        return rt_charge(rt, in.n / 32);
    }
    if (value_is_sequence(in))
        *out = value_int((int64_t)seq_len(in));
    else if (value_is_mapping(in))
        *out = value_int((int64_t)dict_len(in));
    else if (in.kind == VALUE_LOOP)
        *out = value_int((int64_t)in.loop->n);
    else if (in.kind == VALUE_UNDEFINED)
        *out = value_int(0);
    else
        return rt_error(rt, "object of type '%s' has no len()", value_type(in));
    return rt_lenient(rt, in);
}

FILTER(run_list) {
    (void)arg, (void)all;
    struct list *l;
    if (!copy_list(rt, in, &l))
        return false;
    *out = value_list(l);
    return true;
}

FILTER(run_items) {
    (void)arg, (void)all;
    struct list *l;
    if (in.kind != VALUE_UNDEFINED && !value_is_mapping(in))
        return rt_error(rt, "items needs a mapping, not %s", value_type(in));
    if (!list_new(rt, 0, &l))
        return false;
    struct value key, value, pair;
    if (value_is_mapping(in))
        for (struct dict_iter it = dict_iter(in); dict_next(&it, &key, &value);)
            if (!tuple_pair(rt, key, value, &pair) || !list_push(rt, l, pair))
                return false;
    *out = value_list(l);
    return true;
}

FILTER(run_reverse) {
    (void)arg, (void)all;
    struct value none[3] = {VALUE_OF(VALUE_NONE), VALUE_OF(VALUE_NONE), value_int(-1)};
    if (in.kind == VALUE_STR)
        return get_slice(rt, in, none, out);
    struct list *l;
    if (!copy_list(rt, in, &l))
        return false;
    for (size_t i = 0; i < l->n / 2; i++) {
        struct value v = l->items[i];
        l->items[i] = l->items[l->n - 1 - i];
        l->items[l->n - 1 - i] = v;
    }
    *out = value_list(l);
    return true;
}

FILTER(run_sum) {
    (void)all;
    struct list *items, *keys;
    if (!copy_list(rt, in, &items) || !keys_of(rt, items, arg[0], VALUE_OF(VALUE_MISSING), false, &keys))
        return false;
    *out = arg[1].kind == VALUE_MISSING ? value_int(0) : arg[1];
    for (size_t i = 0; i < keys->n; i++)
        if (!op_binary(rt, OP_ADD, *out, keys->items[i], out))
            return false;
    return true;
}

FILTER(run_join) {
    (void)all;
    struct value seq;
    struct sv sep = SV("");
    if (!seq_of(rt, in, &seq) || (arg[0].kind != VALUE_MISSING && !to_text(rt, arg[0], &sep)))
        return false;
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    for (size_t i = 0; i < seq_len(seq); i++) {
        struct value v;
        if (i)
            buf_add(&text, sep);
        if (!rt_charge(rt, 1) || !get_path(rt, seq_at(seq, i), arg[1], VALUE_OF(VALUE_MISSING), &v) ||
            !add_str(rt, &text, v))
            return false;
    }
    return rt_str_of(rt, &text, out);
}

const struct filter filters_list[] = {
    {"sort", "reverse=,case_sensitive=,attribute=", run_sort},
    {"dictsort", "case_sensitive=,by=,reverse=", run_dictsort},
    {"unique", "case_sensitive=,attribute=", run_unique},
    {"min", "case_sensitive=,attribute=", run_min},
    {"max", "case_sensitive=,attribute=", run_max},
    {"groupby", "attribute,default=,case_sensitive=", run_groupby},
    {"batch", "linecount,fill_with=", run_batch},
    {"slice", "slices,fill_with=", run_slice},
    {"first", "", run_first},
    {"last", "", run_last},
    {"length", "", run_length},
    {"count", "", run_length},
    {"list", "", run_list},
    {"items", "", run_items},
    {"reverse", "", run_reverse},
    {"sum", "attribute=,start=", run_sum},
    {"join", "d=,attribute=", run_join},
    {NULL, NULL, NULL},
};
