#include "text/template/value.h"

#include "text/template/seq.h"

struct value value_of_json(const json_t *json) {
    if (!json)
        return VALUE_OF(VALUE_MISSING);
    switch (json_typeof(json)) {
    case JSON_STRING: {
        size_t n = json_string_length(json);
        if (n > UINT32_MAX)
            return value_undefined(UNDEFINED_OTHER, SV_NONE);
        return value_str(sv_make(json_string_value(json), n));
    }
    case JSON_INTEGER: return value_int(json_integer_value(json));
    case JSON_REAL: return value_float(json_real_value(json));
    case JSON_TRUE: return value_bool(true);
    case JSON_FALSE: return value_bool(false);
    case JSON_ARRAY: return (struct value){.kind = VALUE_JARRAY, .json = json};
    case JSON_OBJECT: return (struct value){.kind = VALUE_JOBJECT, .json = json};
    case JSON_NULL: break;
    }
    return VALUE_OF(VALUE_NONE);
}

const char *value_type(struct value v) {
    static const char *const names[] = {
        [VALUE_MISSING] = "nothing",  [VALUE_UNDEFINED] = "Undefined",
        [VALUE_NONE] = "NoneType",    [VALUE_BOOL] = "bool",
        [VALUE_INT] = "int",          [VALUE_FLOAT] = "float",
        [VALUE_STR] = "str",          [VALUE_LIST] = "list",
        [VALUE_TUPLE] = "tuple",      [VALUE_DICT] = "dict",
        [VALUE_JARRAY] = "list",      [VALUE_JOBJECT] = "dict",
        [VALUE_RANGE] = "range",      [VALUE_NAMESPACE] = "Namespace",
        [VALUE_LOOP] = "LoopContext", [VALUE_MACRO] = "Macro",
        [VALUE_GLOBAL] = "function",  [VALUE_CYCLER] = "Cycler",
        [VALUE_JOINER] = "Joiner",
    };
    return names[v.kind];
}

bool value_is_number(struct value v) {
    return v.kind == VALUE_BOOL || v.kind == VALUE_INT || v.kind == VALUE_FLOAT;
}

bool value_is_integer(struct value v) {
    return v.kind == VALUE_BOOL || v.kind == VALUE_INT;
}

bool value_is_sequence(struct value v) {
    return v.kind == VALUE_LIST || v.kind == VALUE_TUPLE || v.kind == VALUE_JARRAY || v.kind == VALUE_RANGE;
}

bool value_is_mapping(struct value v) {
    return v.kind == VALUE_DICT || v.kind == VALUE_JOBJECT;
}

bool value_is_iterable(struct value v) {
    return value_is_sequence(v) || value_is_mapping(v) || v.kind == VALUE_STR || v.kind == VALUE_UNDEFINED ||
           v.kind == VALUE_LOOP;
}

int64_t value_to_int(struct value v) {
    return v.kind == VALUE_BOOL ? v.b : v.i;
}

double value_to_float(struct value v) {
    return v.kind == VALUE_FLOAT ? v.f : (double)value_to_int(v);
}

bool value_truth(struct value v) {
    switch ((enum value_kind)v.kind) {
    case VALUE_MISSING:
    case VALUE_UNDEFINED:
    case VALUE_NONE: return false;
    case VALUE_BOOL: return v.b;
    case VALUE_INT: return v.i != 0;
    case VALUE_FLOAT: return v.f != 0;
    case VALUE_STR: return v.n != 0;
    case VALUE_LIST:
    case VALUE_TUPLE:
    case VALUE_JARRAY:
    case VALUE_RANGE: return seq_len(v) != 0;
    case VALUE_DICT:
    case VALUE_JOBJECT: return dict_len(v) != 0;
    case VALUE_NAMESPACE:
    case VALUE_LOOP:
    case VALUE_MACRO:
    case VALUE_GLOBAL:
    case VALUE_CYCLER:
    case VALUE_JOINER: break;
    }
    return true;
}

bool value_is_same(struct value a, struct value b) {
    if (a.kind != b.kind)
        return false;
    switch ((enum value_kind)a.kind) {
    case VALUE_MISSING:
    case VALUE_UNDEFINED:
    case VALUE_NONE: return true;
    case VALUE_BOOL: return a.b == b.b;
    case VALUE_INT: return a.i == b.i;
    case VALUE_FLOAT: return a.f == b.f;
    case VALUE_STR: return sv_eq(value_sv(a), value_sv(b));
    case VALUE_GLOBAL: return a.global == b.global;
    case VALUE_LIST:
    case VALUE_TUPLE:
    case VALUE_DICT:
    case VALUE_JARRAY:
    case VALUE_JOBJECT:
    case VALUE_RANGE:
    case VALUE_NAMESPACE:
    case VALUE_LOOP:
    case VALUE_MACRO:
    case VALUE_CYCLER:
    case VALUE_JOINER: break;
    }
    return a.json == b.json;
}
