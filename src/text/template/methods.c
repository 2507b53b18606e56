/* Methods: what stands behind a dot and is called. Only methods that read: values do not change. */
#include "text/template/builtin.h"
#include "text/template/seq.h"
#include "text/template/unicode.h"

#include <unicode/uchar.h>

/* Many methods are filters under another name. */
static bool by_filter(struct rt *rt, const char *name, struct value in, const struct value *pos, size_t pos_n,
                      struct value *out) {
    struct args args = {.pos = pos, .pos_n = pos_n};
    return filter_apply(rt, filter_find(sv_of(name)), in, &args, out);
}

enum side { SIDE_LEFT = 1, SIDE_RIGHT = 2 };

static bool strip(struct rt *rt, struct value self, struct value chars, int sides, struct value *out) {
    struct value both;
    if (!by_filter(rt, "trim", self, &chars, chars.kind != VALUE_MISSING, &both))
        return false;
    /* What trim left is a part of self, so the other side's end can be put back. */
    struct sv whole = value_sv(self), kept = value_sv(both);
    size_t from = sides & SIDE_LEFT && kept.n ? (size_t)(kept.p - whole.p) : 0;
    size_t to = sides & SIDE_RIGHT && kept.n ? (size_t)(kept.p + kept.n - whole.p) : whole.n;
    *out = kept.n ? value_str(sv_sub(whole, from, to - from)) : value_str(SV(""));
    return true;
}

static bool split_space(struct rt *rt, struct sv s, int64_t max, struct list *l) {
    uint32_t cp;
    while ((s = u8_strip_left(s)).n) {
        size_t n = 0;
        if (max == 0)
            n = s.n;
        else
            for (size_t step; n < s.n; n += step) {
                step = u8_decode(sv_from(s, n), &cp);
                if (uc_is_space(cp))
                    break;
            }
        if (!list_push(rt, l, value_str(sv_sub(s, 0, n))))
            return false;
        s = max == 0 ? SV_NONE : sv_from(s, n);
        max -= max > 0;
    }
    return true;
}

static bool split(struct rt *rt, struct value self, const struct value *arg, struct value *out) {
    struct list *l;
    int64_t max;
    struct sv s = value_sv(self), sep = SV_NONE;
    bool space = arg[0].kind == VALUE_MISSING || arg[0].kind == VALUE_NONE;
    if (!list_new(rt, 0, &l) || !want_int(rt, "split", arg[1], -1, &max) ||
        (!space && !want_str(rt, "split", arg[0], SV_NONE, &sep)))
        return false;
    *out = value_list(l);
    if (space)
        return split_space(rt, s, max, l);
    if (!sep.n)
        return rt_error(rt, "empty separator");
    for (size_t at; max != 0 && (at = sv_find(s, sep)) != SIZE_MAX; max -= max > 0) {
        if (!list_push(rt, l, value_str(sv_sub(s, 0, at))))
            return false;
        s = sv_from(s, at + sep.n);
    }
    return list_push(rt, l, value_str(s));
}

static bool splitlines(struct rt *rt, struct sv s, struct value *out) {
    struct list *l;
    if (!list_new(rt, 0, &l))
        return false;
    for (struct sv line; s.n;) {
        u8_line(&s, &line);
        if (!rt_charge(rt, 1) || !list_push(rt, l, value_str(line)))
            return false;
    }
    *out = value_list(l);
    return true;
}

/* startswith and endswith: one affix or a tuple of them. */
static bool affix(struct rt *rt, struct sv s, struct value what, bool front, struct value *out) {
    bool yes = false;
    bool many = what.kind == VALUE_TUPLE;
    for (size_t i = 0; !yes && i < (many ? seq_len(what) : 1); i++) {
        struct sv one;
        if (!want_str(rt, front ? "startswith" : "endswith", many ? seq_at(what, i) : what, SV_NONE, &one))
            return false;
        yes = front ? sv_starts(s, one) : sv_ends(s, one);
    }
    *out = value_bool(yes);
    return true;
}

static bool find(struct rt *rt, struct sv s, struct sv part, bool last, struct value *out) {
    size_t at = part.n ? sv_find(s, part) : last ? s.n : 0, more = at;
    while (last && part.n && more != SIZE_MAX) {
        if (!rt_charge(rt, 1))
            return false;
        at = more;
        more = sv_find(sv_from(s, at + 1), part);
        more = more == SIZE_MAX ? more : more + at + 1;
    }
    *out = value_int(at == SIZE_MAX ? -1 : (int64_t)u8_count(sv_sub(s, 0, at)));
    return rt_charge(rt, s.n / 32);
}

static bool count(struct rt *rt, struct sv s, struct sv part, struct value *out) {
    int64_t n = part.n ? 0 : (int64_t)u8_count(s) + 1;
    for (size_t at; part.n && (at = sv_find(s, part)) != SIZE_MAX; s = sv_from(s, at + part.n), n++)
        if (!rt_charge(rt, 1))
            return false;
    *out = value_int(n);
    return rt_charge(rt, s.n / 32);
}

static bool pad(struct rt *rt, struct value self, struct value width, struct value fill, int sides,
                bool zeros, struct value *out) {
    int64_t want;
    struct sv with, s = value_sv(self);
    if (!want_int(rt, "padding", width, 0, &want) ||
        !want_str(rt, "padding", fill, zeros ? SV("0") : SV(" "), &with))
        return false;
    if (u8_count(with) != 1)
        return rt_error(rt, "the fill character must be exactly one character long");
    int64_t n = (int64_t)u8_count(s), more = want > n ? want - n : 0;
    int64_t left = sides == (SIDE_LEFT | SIDE_RIGHT) ? more / 2 + (more & want & 1)
                   : sides & SIDE_LEFT               ? more
                                                     : 0;
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    if (zeros && s.n && (s.p[0] == '-' || s.p[0] == '+')) {
        buf_addc(&text, s.p[0]);
        s = sv_from(s, 1);
    }
    for (int64_t i = 0; i < left && !text.overflow; i++)
        buf_add(&text, with);
    buf_add(&text, s);
    for (int64_t i = left; i < more && !text.overflow; i++)
        buf_add(&text, with);
    return rt_str_of(rt, &text, out);
}

static bool is_digit(uint32_t cp) {
    return u_isdigit((UChar32)cp);
}
static bool is_alpha(uint32_t cp) {
    return u_isalpha((UChar32)cp);
}
static bool is_alnum(uint32_t cp) {
    return u_isalnum((UChar32)cp) || u_charType((UChar32)cp) == U_OTHER_NUMBER;
}

static bool all_are(struct rt *rt, struct sv s, bool (*is)(uint32_t), struct value *out) {
    bool yes = s.n > 0;
    uint32_t cp;
    if (!rt_charge(rt, s.n / 32))
        return false;
    for (size_t n; yes && s.n; s = sv_from(s, n)) {
        n = u8_decode(s, &cp);
        yes = is(cp);
    }
    *out = value_bool(yes);
    return true;
}

static bool partition(struct rt *rt, struct sv s, struct sv sep, struct value *out) {
    struct list *l;
    if (!sep.n)
        return rt_error(rt, "empty separator");
    size_t at = sv_find(s, sep);
    *out = VALUE_OF(VALUE_NONE);
    bool found = at != SIZE_MAX;
    if (!list_new(rt, 3, &l) || !list_push(rt, l, value_str(found ? sv_sub(s, 0, at) : s)) ||
        !list_push(rt, l, value_str(found ? sep : SV(""))) ||
        !list_push(rt, l, value_str(found ? sv_from(s, at + sep.n) : SV(""))))
        return false;
    *out = value_tuple(l);
    return true;
}

enum method {
    M_UPPER,
    M_LOWER,
    M_CAPITALIZE,
    M_TITLE,
    M_STRIP,
    M_LSTRIP,
    M_RSTRIP,
    M_SPLIT,
    M_SPLITLINES,
    M_REPLACE,
    M_STARTSWITH,
    M_ENDSWITH,
    M_FIND,
    M_RFIND,
    M_INDEX,
    M_COUNT,
    M_JOIN,
    M_ZFILL,
    M_LJUST,
    M_RJUST,
    M_CENTER,
    M_ISDIGIT,
    M_ISALPHA,
    M_ISALNUM,
    M_ISSPACE,
    M_ISUPPER,
    M_ISLOWER,
    M_PARTITION,
    M_REMOVEPREFIX,
    M_REMOVESUFFIX,
};

static const struct method_row {
    const char *name, *params;
    enum method method;
} str_methods[] = {
    {"upper", "", M_UPPER},
    {"lower", "", M_LOWER},
    {"capitalize", "", M_CAPITALIZE},
    {"title", "", M_TITLE},
    {"strip", "chars=", M_STRIP},
    {"lstrip", "chars=", M_LSTRIP},
    {"rstrip", "chars=", M_RSTRIP},
    {"split", "sep=,maxsplit=", M_SPLIT},
    {"splitlines", "", M_SPLITLINES},
    {"replace", "old,new,count=", M_REPLACE},
    {"startswith", "prefix", M_STARTSWITH},
    {"endswith", "suffix", M_ENDSWITH},
    {"find", "sub", M_FIND},
    {"rfind", "sub", M_RFIND},
    {"index", "sub", M_INDEX},
    {"count", "sub", M_COUNT},
    {"join", "iterable", M_JOIN},
    {"zfill", "width", M_ZFILL},
    {"ljust", "width,fillchar=", M_LJUST},
    {"rjust", "width,fillchar=", M_RJUST},
    {"center", "width,fillchar=", M_CENTER},
    {"isdigit", "", M_ISDIGIT},
    {"isalpha", "", M_ISALPHA},
    {"isalnum", "", M_ISALNUM},
    {"isspace", "", M_ISSPACE},
    {"isupper", "", M_ISUPPER},
    {"islower", "", M_ISLOWER},
    {"partition", "sep", M_PARTITION},
    {"removeprefix", "prefix", M_REMOVEPREFIX},
    {"removesuffix", "suffix", M_REMOVESUFFIX},
};

static bool str_join(struct rt *rt, struct value self, struct value items, struct value *out) {
    struct value seq;
    if (!seq_of(rt, items, &seq))
        return false;
    for (size_t i = 0; i < seq_len(seq); i++)
        if (seq_at(seq, i).kind != VALUE_STR)
            return rt_error(rt, "sequence item %zu: expected str instance, %s found", i,
                            value_type(seq_at(seq, i)));
    return by_filter(rt, "join", seq, &self, 1, out);
}

static bool str_title(struct rt *rt, struct sv s, struct value *out) {
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    u8_add_title(&text, s);
    return rt_str_of(rt, &text, out);
}

static bool str_run(struct rt *rt, enum method m, struct value self, const struct value *arg,
                    struct value *out) {
    struct sv s = value_sv(self), part = SV_NONE;
    switch (m) {
    case M_UPPER: return by_filter(rt, "upper", self, NULL, 0, out);
    case M_LOWER: return by_filter(rt, "lower", self, NULL, 0, out);
    case M_CAPITALIZE: return by_filter(rt, "capitalize", self, NULL, 0, out);
    case M_TITLE: return str_title(rt, s, out);
    case M_STRIP: return strip(rt, self, arg[0], SIDE_LEFT | SIDE_RIGHT, out);
    case M_LSTRIP: return strip(rt, self, arg[0], SIDE_LEFT, out);
    case M_RSTRIP: return strip(rt, self, arg[0], SIDE_RIGHT, out);
    case M_SPLIT: return split(rt, self, arg, out);
    case M_SPLITLINES: return splitlines(rt, s, out);
    case M_REPLACE:
        return want_str(rt, "replace", arg[0], SV_NONE, &part) &&
               want_str(rt, "replace", arg[1], SV_NONE, &part) &&
               by_filter(rt, "replace", self, arg, arg[2].kind == VALUE_MISSING ? 2 : 3, out);
    case M_STARTSWITH: return affix(rt, s, arg[0], true, out);
    case M_ENDSWITH: return affix(rt, s, arg[0], false, out);
    case M_FIND:
    case M_RFIND: return want_str(rt, "find", arg[0], SV_NONE, &part) && find(rt, s, part, m == M_RFIND, out);
    case M_INDEX:
        if (!want_str(rt, "index", arg[0], SV_NONE, &part) || !find(rt, s, part, false, out))
            return false;
        return out->i >= 0 || rt_error(rt, "substring not found");
    case M_COUNT: return want_str(rt, "count", arg[0], SV_NONE, &part) && count(rt, s, part, out);
    case M_JOIN: return str_join(rt, self, arg[0], out);
    case M_ZFILL: return pad(rt, self, arg[0], VALUE_OF(VALUE_MISSING), SIDE_LEFT, true, out);
    case M_LJUST: return pad(rt, self, arg[0], arg[1], SIDE_RIGHT, false, out);
    case M_RJUST: return pad(rt, self, arg[0], arg[1], SIDE_LEFT, false, out);
    case M_CENTER: return pad(rt, self, arg[0], arg[1], SIDE_LEFT | SIDE_RIGHT, false, out);
    case M_ISDIGIT: return all_are(rt, s, is_digit, out);
    case M_ISALPHA: return all_are(rt, s, is_alpha, out);
    case M_ISALNUM: return all_are(rt, s, is_alnum, out);
    case M_ISSPACE: return all_are(rt, s, uc_is_space, out);
    case M_ISUPPER: *out = value_bool(u8_is_upper(s)); return rt_charge(rt, s.n / 32);
    case M_ISLOWER: *out = value_bool(u8_is_lower(s)); return rt_charge(rt, s.n / 32);
    case M_PARTITION: return want_str(rt, "partition", arg[0], SV_NONE, &part) && partition(rt, s, part, out);
    case M_REMOVEPREFIX:
    case M_REMOVESUFFIX: break;
    }
    if (!want_str(rt, "removeprefix", arg[0], SV_NONE, &part))
        return false;
    if (m == M_REMOVEPREFIX && sv_starts(s, part))
        s = sv_from(s, part.n);
    else if (m == M_REMOVESUFFIX && sv_ends(s, part))
        s.n -= part.n;
    *out = value_str(s);
    return true;
}

/* What methods make of safe markup is safe: the string, or each of them. */
static void keep_safe(struct value self, struct value *out) {
    if (self.sub != STR_SAFE)
        return;
    if (out->kind == VALUE_STR)
        out->sub = STR_SAFE;
    else if (out->kind == VALUE_LIST || out->kind == VALUE_TUPLE)
        for (size_t i = 0; i < out->list->n; i++)
            out->list->items[i].sub = STR_SAFE;
}

static bool no_method(struct rt *rt, struct value object, struct sv name) {
    return rt_error(rt, "'%s' object has no method '%.*s'", value_type(object), SV_FMT(sv_sub(name, 0, 60)));
}

static bool str_method(struct rt *rt, struct value self, struct sv name, const struct args *args,
                       struct value *out) {
    if (sv_eq(name, SV("format")))
        return format_braces(rt, value_sv(self), args, out);
    for (size_t i = 0; i < sizeof str_methods / sizeof str_methods[0]; i++)
        if (sv_eq(name, sv_of(str_methods[i].name))) {
            struct value bound[PARAMS_MAX];
            if (!args_bind(rt, str_methods[i].name, str_methods[i].params, args, bound) ||
                !str_run(rt, str_methods[i].method, self, bound, out))
                return false;
            keep_safe(self, out);
            return true;
        }
    return no_method(rt, self, name);
}

static bool dict_method(struct rt *rt, struct value self, struct sv name, const struct args *args,
                        struct value *out) {
    struct value bound[PARAMS_MAX];
    if (sv_eq(name, SV("get"))) {
        bool found;
        if (!args_bind(rt, "get", "key,default=", args, bound) || !dict_find(rt, self, bound[0], out, &found))
            return false;
        if (!found)
            *out = bound[1].kind == VALUE_MISSING ? VALUE_OF(VALUE_NONE) : bound[1];
        return true;
    }
    bool keys = sv_eq(name, SV("keys")), values = sv_eq(name, SV("values")), items = sv_eq(name, SV("items"));
    if (sv_eq(name, SV("copy"))) {
        *out = self;
        return args_bind(rt, "copy", "", args, bound);
    }
    if (!keys && !values && !items)
        return no_method(rt, self, name);
    struct list *l;
    struct value key, value, pair;
    if (!args_bind(rt, "items", "", args, bound) || !list_new(rt, 0, &l))
        return false;
    for (struct dict_iter it = dict_iter(self); dict_next(&it, &key, &value);) {
        if (items && !tuple_pair(rt, key, value, &pair))
            return false;
        if (!list_push(rt, l, keys ? key : values ? value : pair))
            return false;
    }
    *out = value_list(l);
    out->sub = keys ? LIST_KEYS : values ? LIST_VALUES : LIST_ITEMS;
    return true;
}

static bool list_method(struct rt *rt, struct value self, struct sv name, const struct args *args,
                        struct value *out) {
    struct value bound[PARAMS_MAX];
    bool index = sv_eq(name, SV("index"));
    if (!index && !sv_eq(name, SV("count")))
        return no_method(rt, self, name);
    if (!args_bind(rt, index ? "index" : "count", "value", args, bound))
        return false;
    int64_t found = 0;
    for (size_t i = 0; i < seq_len(self); i++) {
        bool equal;
        if (!rt_charge(rt, 1) || !value_equal(rt, seq_at(self, i), bound[0], &equal))
            return false;
        if (equal && index) {
            *out = value_int((int64_t)i);
            return true;
        }
        found += equal;
    }
    *out = value_int(found);
    return !index || rt_error(rt, "the value is not in the list");
}

static bool loop_method(struct rt *rt, struct loop *l, struct sv name, const struct args *args,
                        struct value *out) {
    if (sv_eq(name, SV("cycle"))) {
        if (!args->pos_n)
            return rt_error(rt, "no items for cycling given");
        *out = args->pos[l->at % args->pos_n];
        return true;
    }
    if (!sv_eq(name, SV("changed")))
        return no_method(rt, (struct value){.kind = VALUE_LOOP, .loop = l}, name);
    struct list *now;
    bool equal = false;
    if (!list_new(rt, args->pos_n, &now))
        return false;
    for (size_t i = 0; i < args->pos_n; i++)
        if (!list_push(rt, now, args->pos[i]))
            return false;
    if (l->changed.kind != VALUE_MISSING && !value_equal(rt, l->changed, value_tuple(now), &equal))
        return false;
    l->changed = value_tuple(now);
    *out = value_bool(!equal);
    return true;
}

static bool cycler_method(struct rt *rt, struct cycler *c, struct sv name, struct value *out) {
    *out = c->items.items[c->at];
    if (sv_eq(name, SV("next")))
        c->at = (c->at + 1) % c->items.n;
    else if (sv_eq(name, SV("reset"))) {
        c->at = 0;
        *out = VALUE_OF(VALUE_NONE);
    } else
        return no_method(rt, (struct value){.kind = VALUE_CYCLER, .cycler = c}, name);
    return true;
}

bool call_method(struct rt *rt, struct value object, struct sv name, const struct args *args,
                 struct value caller, struct value *out) {
    struct value member;
    switch ((int)object.kind) {
    case VALUE_UNDEFINED: return rt_undefined(rt, object);
    case VALUE_STR: return str_method(rt, object, name, args, out);
    case VALUE_NAMESPACE:
        if (!dict_find_str(object, name, &member))
            return no_method(rt, object, name);
        return call_value(rt, member, args, caller, out);
    case VALUE_DICT:
        if (dict_find_str(object, name, &member) && member.kind >= VALUE_LOOP)
            return call_value(rt, member, args, caller, out);
        return dict_method(rt, object, name, args, out);
    case VALUE_JOBJECT: return dict_method(rt, object, name, args, out);
    case VALUE_LIST:
    case VALUE_TUPLE:
    case VALUE_JARRAY: return list_method(rt, object, name, args, out);
    case VALUE_LOOP: return loop_method(rt, object.loop, name, args, out);
    case VALUE_CYCLER: return cycler_method(rt, object.cycler, name, out);
    default: return no_method(rt, object, name);
    }
}
