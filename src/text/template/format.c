/* Python's two format languages: "%s" % x and "{}".format(x). */
#include "text/template/builtin.h"
#include "text/template/seq.h"
#include "text/template/unicode.h"

#include <math.h>
#include <string.h>

/* One field's layout, common to both languages. */
struct spec {
    struct sv fill;
    char align; /* '<' '>' '^' '=' or 0 */
    char sign;  /* '+' ' ' or 0 */
    bool alt, zero;
    char group;               /* ',' '_' or 0 */
    int64_t width, precision; /* precision -1: not given */
    char type;                /* or 0 */
};

enum { FORMAT_WIDTH_MAX = 1000000, FORMAT_PRECISION_MAX = 300 };

/* Puts body (a sign and digits when number) into its width. */
static void add_padded(struct buf *out, const struct spec *s, struct sv body, bool number) {
    int64_t more = s->width - (int64_t)u8_count(body);
    char align = s->align ? s->align : number ? '>' : '<';
    struct sv fill = s->fill.n ? s->fill : SV(" ");
    int64_t left = align == '<' ? 0 : align == '^' ? more / 2 : more;
    if (align == '=') {
        size_t n = body.n && strchr("+- ", body.p[0]) ? 1 : 0;
        if (body.n > n + 1 && body.p[n] == '0' && strchr("xXob", body.p[n + 1]))
            n += 2;
        buf_add(out, sv_sub(body, 0, n));
        body = sv_from(body, n);
    }
    for (int64_t i = 0; i < left && !out->overflow; i++)
        buf_add(out, fill);
    buf_add(out, body);
    for (int64_t i = left; i < more && !out->overflow; i++)
        buf_add(out, fill);
}

static void add_sign(struct buf *out, const struct spec *s, bool negative) {
    if (negative)
        buf_addc(out, '-');
    else if (s->sign && s->sign != '-')
        buf_addc(out, s->sign);
}

/* Digits with a separator between groups, and zeros in front to fill the width when the zeros are to be
 * grouped too. */
static void add_grouped(struct buf *out, struct sv digits, char group, size_t size) {
    for (size_t i = 0; i < digits.n; i++) {
        if (i && group && (digits.n - i) % size == 0)
            buf_addc(out, group);
        buf_addc(out, digits.p[i]);
    }
}

static void add_int_body(struct buf *out, const struct spec *s, int64_t x, int64_t min_digits) {
    char digits[400];
    size_t i = sizeof digits;
    unsigned base = s->type == 'x' || s->type == 'X' ? 16 : s->type == 'o' ? 8 : s->type == 'b' ? 2 : 10;
    uint64_t u = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
    const char *letters = s->type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    do {
        digits[--i] = letters[u % base];
        u /= base;
    } while (u);
    while ((int64_t)(sizeof digits - i) < min_digits && i > 0)
        digits[--i] = '0';
    add_sign(out, s, x < 0);
    if (s->alt && base != 10)
        buf_addf(out, "0%c", s->type);
    add_grouped(out, sv_make(digits + i, sizeof digits - i), s->group, base == 10 ? 3 : 4);
}

static void add_float_body(struct buf *out, const struct spec *s, double f, char type) {
    char text[800], form[16];
    int precision = s->precision < 0 ? 6 : (int)s->precision;
    if (type == '%')
        f *= 100;
    add_sign(out, s, signbit(f) && !isnan(f));
    char c = type == '%' ? 'f' : type == 'n' ? 'g' : type;
    if (!isfinite(f)) {
        buf_adds(out, isnan(f) ? c < 'a' ? "NAN" : "nan" : c < 'a' ? "INF" : "inf");
    } else {
        snprintf(form, sizeof form, s->alt ? "%%#.*%c" : "%%.*%c", c);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof text, form, precision, fabs(f));
#pragma GCC diagnostic pop
        size_t whole = strspn(text, "0123456789");
        add_grouped(out, sv_make(text, whole), s->group, 3);
        buf_adds(out, text + whole);
    }
    if (type == '%')
        buf_addc(out, '%');
}

/* A precision without type: as g, but a number that is written without exponent keeps a digit behind its
 * point. */
static void add_float_short(struct buf *out, const struct spec *s, double f) {
    size_t from = out->n;
    struct spec fewer = *s;
    add_float_body(out, s, f, 'g');
    struct sv made = sv_from(buf_sv(out), from);
    if (!isfinite(f) || sv_find_char(made, '.') != SIZE_MAX)
        return;
    bool whole = sv_find_char(made, 'e') == SIZE_MAX;
    int64_t digits = 0;
    for (size_t i = 0; i < made.n; i++)
        digits += made.p[i] >= '0' && made.p[i] <= '9';
    if (whole &&
        digits >= s->precision) { /* no digit is left for behind the point: Python takes an exponent */
        out->n = from;
        fewer.precision = s->precision - 1;
        add_float_body(out, &fewer, f, 'e');
        return;
    }
    if (whole)
        buf_adds(out, ".0");
}

/* form: s, r or a, for str, repr and ascii. */
static bool add_text_field(struct rt *rt, struct buf *out, const struct spec *s, struct value v, char form) {
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    BUF_AUTO struct buf ascii = RT_SCRATCH(rt);
    if (!(form == 's' ? add_str(rt, &text, v) : add_repr(rt, &text, v)))
        return false;
    if (form == 'a')
        add_ascii(&ascii, buf_sv(&text));
    struct sv body = buf_sv(form == 'a' ? &ascii : &text);
    if (s->precision >= 0)
        body = sv_sub(body, 0, u8_offset(body, (size_t)s->precision));
    add_padded(out, s, body, false);
    return true;
}

static bool field_int(struct rt *rt, const struct spec *s, struct value v, int64_t *x) {
    if (v.kind == VALUE_UNDEFINED)
        return rt_undefined(rt, v);
    if (v.kind == VALUE_FLOAT && (s->type == 'd' || s->type == 'i' || s->type == 'u') && fabs(v.f) < 9.2e18) {
        *x = (int64_t)v.f;
        return true;
    }
    if (v.kind == VALUE_FLOAT && isfinite(v.f) && strchr("diu", s->type))
        return rt_error(rt, "the number does not fit in a 64-bit integer");
    if (!value_is_integer(v))
        return rt_error(rt, "%%%c format: a number is required, not %s", s->type, value_type(v));
    *x = value_to_int(v);
    return true;
}

static bool percent_field(struct rt *rt, struct buf *out, struct spec *s, struct value v) {
    BUF_AUTO struct buf body = BUF_INIT(4096);
    int64_t x = 0;
    if (s->type == 's' || s->type == 'r' || s->type == 'a') {
        s->align = s->align == '<' ? '<' : '>';
        return add_text_field(rt, out, s, v, s->type);
    }
    if (s->type == 'c') {
        if (v.kind == VALUE_STR && u8_count(value_sv(v)) == 1)
            buf_add(&body, value_sv(v));
        else if (value_is_integer(v) && value_to_int(v) >= 0 && value_to_int(v) <= 0x10FFFF &&
                 (value_to_int(v) < 0xD800 || value_to_int(v) >= 0xE000))
            u8_add(&body, (uint32_t)value_to_int(v));
        else
            return rt_error(rt, "%%c requires int or char");
        s->align = s->align == '<' ? '<' : '>';
        add_padded(out, s, buf_sv(&body), false);
        return true;
    }
    if (strchr("diuxXo", s->type)) {
        if (!field_int(rt, s, v, &x))
            return false;
        add_int_body(&body, s, x, s->precision);
    } else if (strchr("eEfFgG", s->type)) {
        if (!value_is_number(v))
            return v.kind == VALUE_UNDEFINED ? rt_undefined(rt, v)
                                             : rt_error(rt, "must be real number, not %s", value_type(v));
        add_float_body(&body, s, value_to_float(v), s->type);
    } else
        return rt_error(rt, "unsupported format character '%c'", s->type);
    if (s->zero && s->align != '<') {
        s->align = '=';
        s->fill = SV("0");
    }
    add_padded(out, s, buf_sv(&body), true);
    return true;
}

struct percent {
    const struct args *args;
    size_t used;
    bool named, bare;
};

static bool percent_next(struct rt *rt, struct percent *p, struct value *v) {
    if (p->used >= p->args->pos_n)
        return rt_error(rt, "not enough arguments for format string");
    *v = p->args->pos[p->used++];
    return true;
}

/* %(name)s: from the keywords, or from the one positional mapping. */
static bool percent_named(struct rt *rt, struct percent *p, struct sv name, struct value *v) {
    p->named = true;
    for (size_t k = 0; k < p->args->kw_n; k++)
        if (sv_eq(p->args->names[k], name)) {
            *v = p->args->kw[k];
            return true;
        }
    if (p->bare && value_is_mapping(p->args->pos[0]) && dict_find_str(p->args->pos[0], name, v))
        return true;
    return rt_error(rt, "the format needs '%.*s'", SV_FMT(sv_sub(name, 0, 60)));
}

static bool percent_count(struct rt *rt, struct percent *p, struct sv *f, int64_t max, int64_t *n) {
    struct value v;
    if (f->n && f->p[0] == '*') {
        *f = sv_from(*f, 1);
        if (!percent_next(rt, p, &v) || !want_int(rt, "*", v, 0, n))
            return false;
    } else
        for (*n = 0; f->n && f->p[0] >= '0' && f->p[0] <= '9'; *f = sv_from(*f, 1))
            *n = *n > max ? *n : *n * 10 + (f->p[0] - '0');
    return (*n <= max && *n >= -max) || rt_error(rt, "the format's width or precision is too large");
}

bool format_percent(struct rt *rt, struct sv f, const struct args *args, bool bare, struct value *out) {
    struct percent p = {.args = args, .bare = bare};
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    while (f.n) {
        size_t at = sv_find_char(f, '%');
        buf_add(&text, sv_sub(f, 0, at == SIZE_MAX ? f.n : at));
        if (at == SIZE_MAX)
            break;
        f = sv_from(f, at + 1);
        struct spec s = {.precision = -1};
        struct sv name = SV_NONE;
        if (f.n && f.p[0] == '(') {
            size_t close = sv_find_char(f, ')');
            if (close == SIZE_MAX)
                return rt_error(rt, "incomplete format key");
            name = sv_sub(f, 1, close - 1);
            f = sv_from(f, close + 1);
        }
        for (; f.n && strchr("-+ #0", f.p[0]) && f.p[0]; f = sv_from(f, 1)) {
            s.align = f.p[0] == '-' ? '<' : s.align;
            s.sign = f.p[0] == '+' ? '+' : f.p[0] == ' ' && !s.sign ? ' ' : s.sign;
            s.alt |= f.p[0] == '#';
            s.zero |= f.p[0] == '0';
        }
        if (!percent_count(rt, &p, &f, FORMAT_WIDTH_MAX, &s.width))
            return false;
        if (s.width < 0) {
            s.align = '<';
            s.width = -s.width;
        }
        if (f.n && f.p[0] == '.') {
            f = sv_from(f, 1);
            if (!percent_count(rt, &p, &f, FORMAT_PRECISION_MAX, &s.precision))
                return false;
            s.precision = s.precision < 0 ? 0 : s.precision;
        }
        if (!f.n)
            return rt_error(rt, "incomplete format");
        s.type = f.p[0];
        f = sv_from(f, 1);
        if (s.type == '%') {
            buf_addc(&text, '%');
            continue;
        }
        struct value v;
        if (name.p ? !percent_named(rt, &p, name, &v) : !percent_next(rt, &p, &v))
            return false;
        if (!rt_charge(rt, 1) || !percent_field(rt, &text, &s, v))
            return false;
    }
    bool mapping = bare && (value_is_mapping(args->pos[0]) || value_is_sequence(args->pos[0]));
    if (p.used < args->pos_n && !p.named && !mapping)
        return rt_error(rt, "not all arguments converted during string formatting");
    return rt_str_of(rt, &text, out);
}

static bool parse_spec(struct rt *rt, struct sv f, struct spec *s) {
    *s = (struct spec){.precision = -1};
    uint32_t cp;
    size_t n = f.n ? u8_decode(f, &cp) : 0;
    if (n < f.n && strchr("<>=^", f.p[n]) && f.p[n]) {
        s->fill = sv_sub(f, 0, n);
        s->align = f.p[n];
        f = sv_from(f, n + 1);
    } else if (f.n && strchr("<>=^", f.p[0]) && f.p[0]) {
        s->align = f.p[0];
        f = sv_from(f, 1);
    }
    if (f.n && (f.p[0] == '+' || f.p[0] == '-' || f.p[0] == ' ')) {
        s->sign = f.p[0];
        f = sv_from(f, 1);
    }
    if (f.n && f.p[0] == '#') {
        s->alt = true;
        f = sv_from(f, 1);
    }
    if (f.n && f.p[0] == '0' && !s->fill.n) {
        s->zero = !s->align; /* numbers: behind the sign */
        s->fill = SV("0");
    }
    struct percent none = {.args = NULL};
    if (f.n && f.p[0] == '*')
        return rt_error(rt, "invalid format specifier");
    if (!percent_count(rt, &none, &f, FORMAT_WIDTH_MAX, &s->width))
        return false;
    if (f.n && (f.p[0] == ',' || f.p[0] == '_')) {
        s->group = f.p[0];
        f = sv_from(f, 1);
    }
    if (f.n > 1 && f.p[0] == '.' && f.p[1] >= '0' && f.p[1] <= '9') {
        f = sv_from(f, 1);
        if (!percent_count(rt, &none, &f, FORMAT_PRECISION_MAX, &s->precision))
            return false;
    }
    if (f.n == 1)
        s->type = f.p[0];
    return f.n <= 1 || rt_error(rt, "invalid format specifier");
}

static bool brace_number(struct rt *rt, struct buf *out, struct spec *s, struct value v) {
    BUF_AUTO struct buf body = BUF_INIT(4096);
    bool integer = value_is_integer(v) && (!s->type || strchr("dxXobn", s->type));
    if (integer && s->precision >= 0)
        return rt_error(rt, "precision not allowed in integer format specifier");
    if (s->zero)
        s->align = '=';
    if (s->type == 'c' && value_is_integer(v)) {
        int64_t cp = value_to_int(v);
        if (cp < 0 || cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000) || s->precision >= 0 || s->sign ||
            s->alt || s->group)
            return rt_error(rt,
                            "format code 'c' needs the number of a character, and nothing beside a width");
        u8_add(&body, (uint32_t)cp);
        s->align = s->align ? s->align : '<';
    } else if (integer)
        add_int_body(&body, s, value_to_int(v), 0);
    else if (!s->type && s->precision < 0) {
        BUF_AUTO struct buf text = BUF_INIT(64);
        add_float(&text, fabs(value_to_float(v)));
        add_sign(&body, s, signbit(value_to_float(v)));
        size_t whole = strspn(text.p, "0123456789");
        add_grouped(&body, sv_make(text.p, whole), s->group, 3);
        buf_adds(&body, text.p + whole);
    } else if (!s->type || strchr("eEfFgGn%", s->type)) {
        if (s->precision == 0 && (!s->type || strchr("gG", s->type)))
            s->precision = 1;
        if (s->type)
            add_float_body(&body, s, value_to_float(v), s->type);
        else
            add_float_short(&body, s, value_to_float(v));
    } else
        return rt_error(rt, "unknown format code '%c' for object of type '%s'", s->type, value_type(v));
    if (s->zero && s->group)
        s->fill = SV("0"); /* zeros in front are not grouped here */
    add_padded(out, s, buf_sv(&body), true);
    return true;
}

static bool brace_field(struct rt *rt, struct buf *out, struct sv format, struct value v) {
    struct spec s;
    if (!parse_spec(rt, format, &s))
        return false;
    if (v.kind == VALUE_BOOL && !format.n)
        return add_str(rt, out, v);
    if (v.kind == VALUE_STR && (s.sign || s.alt || s.group))
        return rt_error(rt, "a text's format has no sign, # or separator");
    if (value_is_number(v) && s.type != 's')
        return brace_number(rt, out, &s, v);
    if (v.kind != VALUE_STR && format.n)
        return rt_error(rt, "unsupported format string for %s", value_type(v));
    if ((s.type && s.type != 's') || s.align == '=')
        return rt_error(rt, "unknown format code for object of type 'str'");
    return add_text_field(rt, out, &s, v, 's');
}

/* name, 0, name.attr, 0[key]: the value a field names. */
static bool brace_value(struct rt *rt, struct sv name, const struct args *args, size_t *next,
                        struct value *v) {
    size_t n = 0;
    while (n < name.n && name.p[n] != '.' && name.p[n] != '[')
        n++;
    struct sv first = sv_sub(name, 0, n);
    uint64_t index = 0;
    if (!first.n)
        index = (*next)++;
    if (!first.n || sv_to_u64(first, &index)) {
        if (index >= args->pos_n)
            return rt_error(rt, "the format needs more arguments");
        *v = args->pos[index];
    } else {
        *v = VALUE_OF(VALUE_MISSING);
        for (size_t k = 0; k < args->kw_n; k++)
            if (sv_eq(args->names[k], first))
                *v = args->kw[k];
        if (v->kind == VALUE_MISSING)
            return rt_error(rt, "the format needs '%.*s'", SV_FMT(sv_sub(first, 0, 60)));
    }
    for (name = sv_from(name, n); name.n;) {
        bool item = name.p[0] == '[';
        size_t end = 1;
        while (end < name.n && (item ? name.p[end] != ']' : name.p[end] != '.' && name.p[end] != '['))
            end++;
        struct sv key = sv_sub(name, 1, end - 1);
        int64_t number;
        if (!get_item(rt, *v, item && sv_to_i64(key, &number) ? value_int(number) : value_str(key), v))
            return false;
        if (v->kind == VALUE_UNDEFINED)
            return rt_error(rt, "the format needs '%.*s'", SV_FMT(sv_sub(key, 0, 60)));
        name = sv_from(name, item ? end + 1 : end);
    }
    return true;
}

bool format_braces(struct rt *rt, struct sv f, const struct args *args, struct value *out) {
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    size_t next = 0;
    while (f.n) {
        char c = f.p[0];
        if (c != '{' && c != '}') {
            size_t n = 1;
            while (n < f.n && f.p[n] != '{' && f.p[n] != '}')
                n++;
            buf_add(&text, sv_sub(f, 0, n));
            f = sv_from(f, n);
            continue;
        }
        if (f.n > 1 && f.p[1] == c) {
            buf_addc(&text, c);
            f = sv_from(f, 2);
            continue;
        }
        size_t close = sv_find_char(f, '}');
        if (c == '}' || close == SIZE_MAX)
            return rt_error(rt, "single '%c' encountered in format string", c);
        struct sv field = sv_sub(f, 1, close - 1);
        f = sv_from(f, close + 1);
        size_t colon = sv_find_char(field, ':');
        struct sv name = sv_sub(field, 0, colon),
                  spec = colon == SIZE_MAX ? SV_NONE : sv_from(field, colon + 1);
        size_t bang = sv_find_char(name, '!');
        struct value v;
        if (!rt_charge(rt, 1) || !brace_value(rt, sv_sub(name, 0, bang), args, &next, &v))
            return false;
        if (bang != SIZE_MAX) {
            BUF_AUTO struct buf shown = RT_SCRATCH(rt);
            char form = name.n == bang + 2 ? name.p[bang + 1] : '\0';
            if (form != 's' && form != 'r' && form != 'a')
                return rt_error(rt, "after ! a format has s, r or a");
            if (!add_text_field(rt, &shown, &(struct spec){.precision = -1}, v, form) ||
                !rt_str_of(rt, &shown, &v))
                return false;
        }
        if (!brace_field(rt, &text, spec, v))
            return false;
    }
    return rt_str_of(rt, &text, out);
}
