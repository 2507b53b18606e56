#include "text/template/seq.h"

#include "text/template/rt.h"
#include "text/template/unicode.h"

#include <string.h>

size_t seq_len(struct value v) {
    if (v.kind == VALUE_JARRAY)
        return json_array_size(v.json);
    return v.kind == VALUE_RANGE ? v.range->n : v.list->n;
}

struct value seq_at(struct value v, size_t i) {
    if (v.kind == VALUE_JARRAY)
        return value_of_json(json_array_get(v.json, i));
    if (v.kind == VALUE_RANGE)
        return value_int((int64_t)((uint64_t)v.range->start + i * (uint64_t)v.range->step));
    return v.list->items[i];
}

bool list_new(struct rt *rt, size_t cap, struct list **out) {
    struct list *l = rt_alloc(rt, sizeof *l);
    if (!l)
        return false;
    *l = (struct list){.cap = cap};
    if (cap > rt_memory_left(rt) / sizeof *l->items)
        cap = rt_memory_left(rt); /* too much: let the arena say so */
    if (cap && !(l->items = rt_alloc(rt, cap * sizeof *l->items)))
        return false;
    *out = l;
    return true;
}

bool list_push(struct rt *rt, struct list *l, struct value v) {
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 8;
        struct value *items = rt_alloc(rt, cap * sizeof *items);
        if (!items)
            return false;
        if (l->n)
            memcpy(items, l->items, l->n * sizeof *items);
        l->items = items;
        l->cap = cap;
    }
    l->items[l->n++] = v;
    return rt_charge(rt, 1);
}

bool tuple_pair(struct rt *rt, struct value a, struct value b, struct value *out) {
    struct list *l;
    if (!list_new(rt, 2, &l))
        return false;
    l->items[0] = a;
    l->items[1] = b;
    l->n = 2;
    *out = value_tuple(l);
    return true;
}

static bool chars_of(struct rt *rt, struct sv s, struct value *out) {
    struct list *l;
    if (!list_new(rt, 0, &l))
        return false;
    uint32_t cp;
    for (size_t n; s.n; s = sv_from(s, n)) {
        n = u8_decode(s, &cp);
        if (!list_push(rt, l, value_str(sv_sub(s, 0, n))))
            return false;
    }
    *out = value_list(l);
    return true;
}

bool seq_of(struct rt *rt, struct value v, struct value *out) {
    if (value_is_sequence(v)) {
        *out = v;
        return true;
    }
    if (v.kind == VALUE_STR)
        return chars_of(rt, value_sv(v), out);
    if (v.kind == VALUE_LOOP) {
        *out = v.loop->items;
        return true;
    }
    if (!value_is_mapping(v) && v.kind != VALUE_UNDEFINED)
        return rt_error(rt, "'%s' object is not iterable", value_type(v));
    struct list *l;
    if (!rt_lenient(rt, v) || !list_new(rt, v.kind == VALUE_UNDEFINED ? 0 : dict_len(v), &l))
        return false;
    if (value_is_mapping(v)) {
        struct value key, value;
        for (struct dict_iter it = dict_iter(v); dict_next(&it, &key, &value);)
            if (!list_push(rt, l, key))
                return false;
    }
    *out = value_list(l);
    return true;
}

bool dict_new(struct rt *rt, struct dict **out) {
    struct dict *d = rt_alloc(rt, sizeof *d);
    if (!d)
        return false;
    *d = (struct dict){0};
    *out = d;
    return true;
}

enum { DICT_SMALL = 8 };

static uint64_t mix(uint64_t h, uint64_t x) {
    h = (h ^ x) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ (h >> 29);
}

static uint64_t hash_bytes(struct sv v) {
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < v.n; i++)
        h = (h ^ (unsigned char)v.p[i]) * 1099511628211u;
    return mix(h, v.n);
}

bool value_hash(struct rt *rt, struct value v, uint64_t *hash) {
    if (v.kind == VALUE_STR) {
        *hash = hash_bytes(value_sv(v));
        return rt_charge(rt, v.n / 32);
    }
    if (value_is_integer(v)) {
        *hash = mix(1, (uint64_t)value_to_int(v));
        return true;
    }
    if (v.kind == VALUE_FLOAT) {
        /* A float equal to an integer must hash as it does. */
        if (v.f >= -9e18 && v.f <= 9e18 && v.f == (double)(int64_t)v.f)
            *hash = mix(1, (uint64_t)(int64_t)v.f);
        else
            *hash = hash_bytes(sv_make((const char *)&v.f, sizeof v.f));
        return true;
    }
    if (v.kind == VALUE_TUPLE) {
        uint64_t h = 3, one = 0;
        for (size_t i = 0; i < v.list->n; i++) {
            if (!rt_enter(rt))
                return false;
            bool ok = value_hash(rt, v.list->items[i], &one);
            rt_leave(rt);
            if (!ok)
                return false;
            h = mix(h, one);
        }
        *hash = h;
        return rt_charge(rt, v.list->n);
    }
    if (v.kind == VALUE_LIST || v.kind == VALUE_JARRAY || value_is_mapping(v))
        return rt_error(rt, "unhashable type: '%s'", value_type(v));
    if (!rt_lenient(rt, v))
        return false;
    *hash = mix(5, v.kind);
    return true;
}

/* The slot of key: *at is its entry number, or n when there is none. */
static bool dict_slot(struct rt *rt, const struct dict *d, struct value key, uint64_t hash, size_t *at,
                      size_t *slot) {
    bool equal = false;
    if (!d->index) {
        for (*at = 0; *at < d->n; ++*at)
            if (d->entries[*at].hash == hash) {
                if (!value_equal(rt, d->entries[*at].key, key, &equal))
                    return false;
                if (equal)
                    return true;
            }
        return true;
    }
    for (size_t i = hash & (d->index_n - 1);; i = (i + 1) & (d->index_n - 1)) {
        *slot = i;
        *at = d->n;
        if (!d->index[i])
            return true;
        const struct dict_entry *e = &d->entries[d->index[i] - 1];
        if (e->hash != hash)
            continue;
        if (!rt_charge(rt, 1) || !value_equal(rt, e->key, key, &equal))
            return false;
        if (equal) {
            *at = d->index[i] - 1;
            return true;
        }
    }
}

static bool dict_grow(struct rt *rt, struct dict *d) {
    size_t cap = d->cap ? d->cap * 2 : DICT_SMALL;
    struct dict_entry *entries = rt_alloc(rt, cap * sizeof *entries);
    if (!entries)
        return false;
    if (d->n)
        memcpy(entries, d->entries, d->n * sizeof *entries);
    d->entries = entries;
    d->cap = cap;
    if (cap == DICT_SMALL)
        return true;
    size_t index_n = cap * 2;
    uint32_t *index = rt_alloc(rt, index_n * sizeof *index);
    if (!index)
        return false;
    memset(index, 0, index_n * sizeof *index);
    for (size_t k = 0; k < d->n; k++) {
        size_t i = entries[k].hash & (index_n - 1);
        while (index[i])
            i = (i + 1) & (index_n - 1);
        index[i] = (uint32_t)k + 1;
    }
    d->index = index;
    d->index_n = index_n;
    return true;
}

bool dict_set(struct rt *rt, struct dict *d, struct value key, struct value v) {
    uint64_t hash;
    size_t at, slot = 0;
    if (!rt_charge(rt, 1) || !value_hash(rt, key, &hash) || !dict_slot(rt, d, key, hash, &at, &slot))
        return false;
    if (at < d->n) {
        d->entries[at].value = v;
        return true;
    }
    if (d->n == d->cap && (!dict_grow(rt, d) || !dict_slot(rt, d, key, hash, &at, &slot)))
        return false;
    if (d->index)
        d->index[slot] = (uint32_t)d->n + 1;
    d->entries[d->n++] = (struct dict_entry){.key = key, .value = v, .hash = hash};
    return true;
}

bool dict_update(struct rt *rt, struct dict *d, struct value mapping) {
    struct value key, value;
    for (struct dict_iter it = dict_iter(mapping); dict_next(&it, &key, &value);)
        if (!dict_set(rt, d, key, value))
            return false;
    return true;
}

size_t dict_len(struct value m) {
    return m.kind == VALUE_JOBJECT ? json_object_size(m.json) : m.dict->n;
}

bool dict_find_str(struct value m, struct sv key, struct value *out) {
    if (m.kind == VALUE_JOBJECT) {
        const json_t *json = json_object_getn(m.json, key.p ? key.p : "", key.n);
        if (json)
            *out = value_of_json(json);
        return json != NULL;
    }
    if (m.kind != VALUE_DICT && m.kind != VALUE_NAMESPACE)
        return false;
    const struct dict *d = m.dict;
    uint64_t hash = hash_bytes(key);
    for (size_t i = d->index ? hash & (d->index_n - 1) : 0;; i++) {
        size_t at = i;
        if (d->index) {
            i &= d->index_n - 1;
            if (!d->index[i])
                return false;
            at = d->index[i] - 1;
        } else if (i == d->n)
            return false;
        const struct dict_entry *e = &d->entries[at];
        if (e->hash == hash && e->key.kind == VALUE_STR && sv_eq(value_sv(e->key), key)) {
            *out = e->value;
            return true;
        }
    }
}

bool dict_find(struct rt *rt, struct value m, struct value key, struct value *out, bool *found) {
    *found = false;
    if (key.kind == VALUE_STR) {
        *found = dict_find_str(m, value_sv(key), out);
        return true;
    }
    uint64_t hash;
    if (!value_hash(rt, key, &hash))
        return false;
    if (m.kind == VALUE_JOBJECT)
        return true;
    size_t at, slot;
    if (!dict_slot(rt, m.dict, key, hash, &at, &slot))
        return false;
    if (at < m.dict->n) {
        *out = m.dict->entries[at].value;
        *found = true;
    }
    return true;
}

struct dict_iter dict_iter(struct value m) {
    /* jansson's iterators only read, but their signatures predate const. */
    return (struct dict_iter){.m = m,
                              .json = m.kind == VALUE_JOBJECT ? json_object_iter((json_t *)m.json) : NULL};
}

bool dict_next(struct dict_iter *it, struct value *key, struct value *v) {
    if (it->m.kind != VALUE_JOBJECT) {
        if (it->i == it->m.dict->n)
            return false;
        *key = it->m.dict->entries[it->i].key;
        *v = it->m.dict->entries[it->i++].value;
        return true;
    }
    if (!it->json)
        return false;
    *key = value_str(sv_make(json_object_iter_key(it->json), json_object_iter_key_len(it->json)));
    *v = value_of_json(json_object_iter_value(it->json));
    it->json = json_object_iter_next((json_t *)it->m.json, it->json);
    return true;
}

static bool seq_equal(struct rt *rt, struct value a, struct value b, bool *equal) {
    size_t n = seq_len(a);
    *equal = n == seq_len(b);
    for (size_t i = 0; *equal && i < n; i++)
        if (!rt_charge(rt, 1) || !value_equal(rt, seq_at(a, i), seq_at(b, i), equal))
            return false;
    return true;
}

static bool dict_equal(struct rt *rt, struct value a, struct value b, bool *equal) {
    struct value key, value, other;
    *equal = dict_len(a) == dict_len(b);
    for (struct dict_iter it = dict_iter(a); *equal && dict_next(&it, &key, &value);) {
        bool found;
        if (!rt_charge(rt, 1) || !dict_find(rt, b, key, &other, &found))
            return false;
        *equal = found;
        if (found && !value_equal(rt, value, other, equal))
            return false;
    }
    return true;
}

static bool is_list(struct value v) {
    return v.kind == VALUE_LIST || v.kind == VALUE_JARRAY;
}

bool value_equal(struct rt *rt, struct value a, struct value b, bool *equal) {
    if (value_is_number(a) && value_is_number(b)) {
        if (a.kind == VALUE_FLOAT || b.kind == VALUE_FLOAT) {
            int order;
            value_order(rt, a, b, &order);
            *equal = order == 0;
        } else
            *equal = value_to_int(a) == value_to_int(b);
        return true;
    }
    if (!rt_lenient(rt, a) || !rt_lenient(rt, b))
        return false;
    bool lists = is_list(a) && is_list(b);
    bool tuples = a.kind == VALUE_TUPLE && b.kind == VALUE_TUPLE;
    bool ranges = a.kind == VALUE_RANGE && b.kind == VALUE_RANGE;
    bool dicts = value_is_mapping(a) && value_is_mapping(b);
    if (!lists && !tuples && !ranges && !dicts) {
        *equal = value_is_same(a, b);
        return a.kind == VALUE_STR && b.kind == VALUE_STR ? rt_charge(rt, a.n / 256) : true;
    }
    if (!rt_enter(rt))
        return false;
    bool ok = dicts ? dict_equal(rt, a, b, equal) : seq_equal(rt, a, b, equal);
    rt_leave(rt);
    return ok;
}

static int order_float(double a, double b) {
    return a < b ? -1 : a > b ? 1 : a == b ? 0 : 2;
}

static int order_int_float(int64_t i, double f) {
    if (f != f)
        return 2;
    if (f >= 9223372036854775808.0)
        return -1;
    if (f < -9223372036854775808.0)
        return 1;
    int64_t whole = (int64_t)f;
    if (i != whole)
        return i < whole ? -1 : 1;
    return order_float(0, f - (double)whole);
}

static bool order_seq(struct rt *rt, struct value a, struct value b, int *order) {
    size_t na = seq_len(a), nb = seq_len(b);
    for (size_t i = 0; i < na && i < nb; i++) {
        bool equal;
        struct value x = seq_at(a, i), y = seq_at(b, i);
        if (!rt_charge(rt, 1) || !value_equal(rt, x, y, &equal))
            return false;
        if (!equal)
            return value_order(rt, x, y, order);
    }
    *order = na < nb ? -1 : na > nb;
    return true;
}

bool value_order(struct rt *rt, struct value a, struct value b, int *order) {
    if (value_is_number(a) && value_is_number(b)) {
        if (a.kind == VALUE_FLOAT && b.kind == VALUE_FLOAT)
            *order = order_float(a.f, b.f);
        else if (a.kind == VALUE_FLOAT) {
            *order = order_int_float(value_to_int(b), a.f);
            *order = *order == 2 ? 2 : -*order;
        } else if (b.kind == VALUE_FLOAT)
            *order = order_int_float(value_to_int(a), b.f);
        else
            *order = value_to_int(a) < value_to_int(b) ? -1 : value_to_int(a) > value_to_int(b);
        return true;
    }
    if (a.kind == VALUE_STR && b.kind == VALUE_STR) {
        int cmp = sv_cmp(value_sv(a), value_sv(b)); /* UTF-8 sorts as its code points do */
        *order = (cmp > 0) - (cmp < 0);
        return rt_charge(rt, a.n / 256);
    }
    if ((is_list(a) && is_list(b)) || (a.kind == VALUE_TUPLE && b.kind == VALUE_TUPLE)) {
        if (!rt_enter(rt))
            return false;
        bool ok = order_seq(rt, a, b, order);
        rt_leave(rt);
        return ok;
    }
    if (a.kind == VALUE_UNDEFINED || b.kind == VALUE_UNDEFINED)
        return rt_undefined(rt, a.kind == VALUE_UNDEFINED ? a : b);
    return rt_error(rt, "'%s' and '%s' have no order: make them alike, by |int, |float or |string",
                    value_type(a), value_type(b));
}

bool value_contains(struct rt *rt, struct value hay, struct value needle, bool *found) {
    struct value ignored;
    if (hay.kind == VALUE_STR) {
        if (needle.kind != VALUE_STR)
            return rt_error(rt, "'in <string>' requires string as left operand, not %s", value_type(needle));
        *found = needle.n == 0 || sv_find(value_sv(hay), value_sv(needle)) != SIZE_MAX;
        return rt_charge(rt, hay.n / 32);
    }
    if (value_is_mapping(hay))
        return dict_find(rt, hay, needle, &ignored, found);
    struct value seq;
    if (hay.kind == VALUE_NAMESPACE || !value_is_iterable(hay))
        return rt_error(rt, "argument of type '%s' is not iterable", value_type(hay));
    if (!seq_of(rt, hay, &seq))
        return false;
    *found = false;
    if (seq.kind == VALUE_RANGE && value_is_integer(needle)) {
        int64_t off;
        *found = !__builtin_sub_overflow(value_to_int(needle), seq.range->start, &off) &&
                 off % seq.range->step == 0 && off / seq.range->step >= 0 &&
                 (uint64_t)(off / seq.range->step) < seq.range->n;
        return true;
    }
    for (size_t i = 0, n = seq_len(seq); !*found && i < n; i++)
        if (!rt_charge(rt, 1) || !value_equal(rt, seq_at(seq, i), needle, found))
            return false;
    return true;
}
