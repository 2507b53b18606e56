/* seq: lists, tuples, dicts and ranges, whether made by the render or lent by the caller's JSON; equality and
 * order of values.
 */
#ifndef HY_TEXT_TEMPLATE_SEQ_H
#define HY_TEXT_TEMPLATE_SEQ_H

#include "text/template/value.h"

struct rt;

/* v must be a sequence (value_is_sequence). */
size_t seq_len(struct value v);
struct value seq_at(struct value v, size_t i); /* i < seq_len(v) */

/* A new list with room for cap items; false after a failure. */
bool list_new(struct rt *rt, size_t cap, struct list **out);
bool list_push(struct rt *rt, struct list *l, struct value v);
static inline struct value value_list(struct list *l) {
    return (struct value){.kind = VALUE_LIST, .list = l};
}
static inline struct value value_tuple(struct list *l) {
    return (struct value){.kind = VALUE_TUPLE, .list = l};
}
bool tuple_pair(struct rt *rt, struct value a, struct value b, struct value *out);

/* What a for loop would see, as a sequence: sequences as they are, the keys of a mapping, the characters of a
 * string, nothing for a lenient undefined. Fails when v cannot be iterated. */
bool seq_of(struct rt *rt, struct value v, struct value *out);

struct dict_entry {
    struct value key, value;
    uint64_t hash;
};
struct dict {
    struct dict_entry *entries; /* in order of insertion */
    size_t n, cap;
    uint32_t *index; /* open addressing, entry number + 1; NULL while small */
    size_t index_n;
};

bool dict_new(struct rt *rt, struct dict **out);
static inline struct value value_dict(struct dict *d) {
    return (struct value){.kind = VALUE_DICT, .dict = d};
}
/* Sets or replaces; fails on a key that cannot be hashed. */
bool dict_set(struct rt *rt, struct dict *d, struct value key, struct value v);
/* Copies all entries of a mapping. */
bool dict_update(struct rt *rt, struct dict *d, struct value mapping);

/* m is a mapping or a namespace for all below (dict_find_str: or anything, giving false). */
size_t dict_len(struct value m);
bool dict_find_str(struct value m, struct sv key, struct value *out);
/* *found says; false after a failure (key cannot be hashed). */
bool dict_find(struct rt *rt, struct value m, struct value key, struct value *out, bool *found);

struct dict_iter {
    struct value m;
    size_t i;
    void *json;
};
struct dict_iter dict_iter(struct value m);
bool dict_next(struct dict_iter *it, struct value *key, struct value *v);

/* Python's ==; fails only on nesting past the depth limit. */
bool value_equal(struct rt *rt, struct value a, struct value b, bool *equal);
/* *order as memcmp; fails when the two have no order. NaN compares as neither: *order is 2. */
bool value_order(struct rt *rt, struct value a, struct value b, int *order);
bool value_hash(struct rt *rt, struct value v, uint64_t *hash);
/* Python's `needle in hay`. */
bool value_contains(struct rt *rt, struct value hay, struct value needle, bool *found);

#endif
