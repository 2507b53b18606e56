/* value: what an expression gives: one of Python's plain kinds, 16 bytes, passed by value.
 *
 * Strings, lists and dicts are views into the template, the caller's JSON or the render's arena, and live as
 * long as the render. JSON arrays and objects are not copied: they are kinds of their own (VALUE_JARRAY,
 * VALUE_JOBJECT), which seq_ and dict_ functions read as they read lists and dicts. Nothing here is changed
 * once made, save namespaces, cyclers and joiners.
 */
#ifndef HY_TEXT_TEMPLATE_VALUE_H
#define HY_TEXT_TEMPLATE_VALUE_H

#include "base/sv.h"

#include <jansson.h>

enum value_kind {
    VALUE_MISSING, /* no value at all: an argument not given; never seen by a template */
    VALUE_UNDEFINED,
    VALUE_NONE,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_FLOAT,
    VALUE_STR,
    VALUE_LIST,
    VALUE_TUPLE,
    VALUE_DICT,
    VALUE_JARRAY,
    VALUE_JOBJECT,
    VALUE_RANGE,
    VALUE_NAMESPACE,
    VALUE_LOOP,
    VALUE_MACRO,
    VALUE_GLOBAL, /* range, dict, ... itself */
    VALUE_CYCLER,
    VALUE_JOINER,
};

/* sub of a string: it is marked as safe markup. */
enum { STR_PLAIN, STR_SAFE };
/* sub of a list: how it prints. */
enum { LIST_PLAIN, LIST_KEYS, LIST_VALUES, LIST_ITEMS };
/* sub of an undefined: what n and s name. */
enum { UNDEFINED_VARIABLE, UNDEFINED_MEMBER, UNDEFINED_OTHER };

enum global { GLOBAL_NONE, GLOBAL_RANGE, GLOBAL_DICT, GLOBAL_NAMESPACE, GLOBAL_CYCLER, GLOBAL_JOINER };

struct list;
struct dict;
struct range;
struct loop;
struct macro;
struct cycler;
struct joiner;

struct value {
    uint8_t kind; /* enum value_kind */
    uint8_t sub;
    uint32_t n; /* bytes of a string; of the name of an undefined */
    union {
        bool b;
        int64_t i;
        double f;
        const char *s;
        const json_t *json;
        struct list *list;
        struct dict *dict; /* also namespace */
        struct range *range;
        struct loop *loop;
        struct macro *macro;
        struct cycler *cycler;
        struct joiner *joiner;
        enum global global;
    };
};

struct list {
    struct value *items;
    size_t n, cap;
};

struct range {
    int64_t start, stop, step;
    size_t n;
};

struct cycler {
    struct list items;
    size_t at;
};

struct joiner {
    struct value sep;
    bool used;
};

#define VALUE_OF(kind_) ((struct value){.kind = (kind_)})

static inline struct value value_bool(bool b) {
    return (struct value){.kind = VALUE_BOOL, .b = b};
}
static inline struct value value_int(int64_t i) {
    return (struct value){.kind = VALUE_INT, .i = i};
}
static inline struct value value_float(double f) {
    return (struct value){.kind = VALUE_FLOAT, .f = f};
}
/* v must be under 4 GiB. */
static inline struct value value_str(struct sv v) {
    return (struct value){.kind = VALUE_STR, .n = (uint32_t)v.n, .s = v.p};
}
static inline struct value value_safe(struct sv v) {
    return (struct value){.kind = VALUE_STR, .sub = STR_SAFE, .n = (uint32_t)v.n, .s = v.p};
}
/* Of a string, or the name of an undefined. */
static inline struct sv value_sv(struct value v) {
    return (struct sv){.p = v.s, .n = v.n};
}
static inline struct value value_undefined(uint8_t sub, struct sv name) {
    return (struct value){.kind = VALUE_UNDEFINED, .sub = sub, .n = (uint32_t)name.n, .s = name.p};
}

struct value value_of_json(const json_t *json); /* NULL gives VALUE_MISSING */

/* Python's name of the type: "int", "str", "dict", ... */
const char *value_type(struct value v);
bool value_is_number(struct value v);   /* bool, int, float */
bool value_is_integer(struct value v);  /* bool, int */
bool value_is_sequence(struct value v); /* list, tuple, JSON array, range */
bool value_is_mapping(struct value v);
bool value_is_iterable(struct value v); /* sequences, mappings, strings, undefined */
int64_t value_to_int(struct value v);   /* of bool or int */
double value_to_float(struct value v);  /* of a number */
bool value_truth(struct value v);
bool value_is_same(struct value a, struct value b); /* Python's `is` */

#endif
