/* Attributes, items and slices. */
#include "text/template/builtin.h"
#include "text/template/seq.h"
#include "text/template/unicode.h"

static bool loop_attr(const struct loop *l, struct sv name, struct value *out) {
    int64_t at = (int64_t)l->at, n = (int64_t)l->n;
    const struct {
        const char *name;
        struct value v;
    } attrs[] = {
        {"index", value_int(at + 1)},
        {"index0", value_int(at)},
        {"first", value_bool(at == 0)},
        {"last", value_bool(at + 1 == n)},
        {"length", value_int(n)},
        {"revindex", value_int(n - at)},
        {"revindex0", value_int(n - at - 1)},
        {"depth", value_int((int64_t)l->nesting + 1)},
        {"depth0", value_int((int64_t)l->nesting)},
    };
    for (size_t i = 0; i < sizeof attrs / sizeof attrs[0]; i++)
        if (sv_eq(name, sv_of(attrs[i].name))) {
            *out = attrs[i].v;
            return true;
        }
    bool next = sv_eq(name, SV("nextitem"));
    if (!next && !sv_eq(name, SV("previtem")))
        return false;
    if (next ? at + 1 < n : at > 0)
        *out = seq_at(l->items, next ? l->at + 1 : l->at - 1);
    else
        *out = value_undefined(UNDEFINED_MEMBER, name);
    return true;
}

bool get_attr(struct rt *rt, struct value object, struct sv name, struct value *out) {
    if (object.kind == VALUE_UNDEFINED)
        return rt_undefined(rt, object);
    if (dict_find_str(object, name, out))
        return true;
    if (object.kind == VALUE_LOOP && loop_attr(object.loop, name, out))
        return true;
    if (object.kind == VALUE_MACRO && sv_eq(name, SV("name"))) {
        *out = value_str(object.macro->node->name);
        return true;
    }
    if (object.kind == VALUE_CYCLER && sv_eq(name, SV("current"))) {
        *out = object.cycler->items.items[object.cycler->at];
        return true;
    }
    *out = value_undefined(UNDEFINED_MEMBER, name);
    return true;
}

bool get_item(struct rt *rt, struct value object, struct value index, struct value *out) {
    if (object.kind == VALUE_UNDEFINED)
        return rt_undefined(rt, object);
    bool hashable = !value_is_mapping(index) && index.kind != VALUE_LIST && index.kind != VALUE_JARRAY;
    if (value_is_mapping(object) && hashable) { /* no key can be a list: there is no such item */
        bool found;
        if (!dict_find(rt, object, index, out, &found))
            return false;
        if (found)
            return true;
    } else if (index.kind == VALUE_STR)
        return get_attr(rt, object, value_sv(index), out);
    else if (value_is_integer(index) && (value_is_sequence(object) || object.kind == VALUE_STR)) {
        struct sv s = value_sv(object);
        bool string = object.kind == VALUE_STR;
        if (string && !rt_charge(rt, s.n / 32))
            return false;
        int64_t n = (int64_t)(string ? u8_count(s) : seq_len(object)), i = value_to_int(index);
        if (i < 0)
            i += n;
        if (i >= 0 && i < n) {
            size_t from = string ? u8_offset(s, (size_t)i) : 0;
            *out = string ? value_str(sv_sub(s, from, u8_offset(sv_from(s, from), 1)))
                          : seq_at(object, (size_t)i);
            if (string)
                out->sub = object.sub; /* a part of safe markup is safe */
            return true;
        }
    }
    struct sv name = index.kind == VALUE_STR ? value_sv(index) : SV_NONE;
    *out = value_undefined(name.n ? UNDEFINED_MEMBER : UNDEFINED_OTHER, name);
    return true;
}

/* Python's slice.indices: start, stop and step within 0..n. */
static bool slice_bounds(struct rt *rt, const struct value part[3], int64_t n, int64_t *start, int64_t *stop,
                         int64_t *step) {
    for (size_t i = 0; i < 3; i++)
        if (part[i].kind != VALUE_NONE && !value_is_integer(part[i]))
            return rt_error(rt, "slice indices must be integers or None");
    *step = part[2].kind == VALUE_NONE ? 1 : value_to_int(part[2]);
    if (*step == 0)
        return rt_error(rt, "slice step cannot be zero");
    int64_t low = *step < 0 ? -1 : 0, high = *step < 0 ? n - 1 : n;
    int64_t *bound[2] = {start, stop};
    for (size_t i = 0; i < 2; i++) {
        if (part[i].kind == VALUE_NONE) {
            *bound[i] = (i == 0) == (*step > 0) ? low : high;
            continue;
        }
        int64_t x = value_to_int(part[i]);
        if (x < 0)
            x += n;
        *bound[i] = x < low ? low : x > high ? high : x;
    }
    return true;
}

static bool slice_str(struct rt *rt, struct sv s, int64_t start, int64_t count, int64_t step,
                      struct value *out) {
    if (count <= 0) {
        *out = value_str(SV(""));
        return true;
    }
    if (step == 1) {
        size_t from = u8_offset(s, (size_t)start);
        *out = value_str(sv_sub(s, from, u8_offset(sv_from(s, from), (size_t)count)));
        return true;
    }
    struct value chars;
    if (!seq_of(rt, value_str(s), &chars))
        return false;
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    for (int64_t i = 0; i < count; i++)
        buf_add(&text, value_sv(seq_at(chars, (size_t)(start + i * step))));
    return rt_str_of(rt, &text, out);
}

bool get_slice(struct rt *rt, struct value object, const struct value part[3], struct value *out) {
    if (object.kind == VALUE_UNDEFINED)
        return rt_undefined(rt, object);
    bool string = object.kind == VALUE_STR;
    if (!string && !value_is_sequence(object))
        return rt_error(rt, "'%s' object cannot be sliced", value_type(object));
    int64_t n = (int64_t)(string ? u8_count(value_sv(object)) : seq_len(object));
    int64_t start = 0, stop = 0, step = 1;
    if ((string && !rt_charge(rt, object.n / 32)) || !slice_bounds(rt, part, n, &start, &stop, &step))
        return false;
    int64_t count = 0;
    if (step > 0 ? start < stop : start > stop)
        count = ((step > 0 ? stop - start : start - stop) - 1) / (step > 0            ? step
                                                                  : step == INT64_MIN ? INT64_MAX
                                                                                      : -step) +
                1;
    if (string) {
        bool ok = slice_str(rt, value_sv(object), start, count, step, out);
        out->sub = object.sub;
        return ok;
    }
    struct list *l;
    if (!list_new(rt, (size_t)count, &l))
        return false;
    for (int64_t i = 0; i < count; i++)
        if (!list_push(rt, l, seq_at(object, (size_t)(start + i * step))))
            return false;
    *out = object.kind == VALUE_TUPLE ? value_tuple(l) : value_list(l);
    return true;
}

bool get_path(struct rt *rt, struct value object, struct value path, struct value fallback,
              struct value *out) {
    *out = object;
    if (path.kind == VALUE_NONE || path.kind == VALUE_MISSING)
        return true;
    struct sv rest = path.kind == VALUE_STR ? value_sv(path) : SV_NONE;
    do {
        struct value key = path;
        int64_t number;
        if (path.kind == VALUE_STR) {
            struct sv part = sv_cut(&rest, '.');
            key =
                sv_to_i64(part, &number) && part.n && part.p[0] != '-' ? value_int(number) : value_str(part);
        }
        if (!get_item(rt, *out, key, out))
            return false;
        if (out->kind == VALUE_UNDEFINED && fallback.kind != VALUE_MISSING)
            *out = fallback;
    } while (rest.p);
    return true;
}
