#include "text/template/builtin.h"
#include "text/template/seq.h"
#include "text/template/unicode.h"

#include <math.h>
#include <string.h>
#include <unicode/uchar.h>

enum { NUMBER_BYTES_MAX = 400 };

static bool run_abs(struct rt *rt, struct value in, const struct value *arg, const struct args *all,
                    struct value *out) {
    (void)arg, (void)all;
    if (!value_is_number(in))
        return in.kind == VALUE_UNDEFINED ? rt_undefined(rt, in)
                                          : rt_error(rt, "bad operand type for abs: '%s'", value_type(in));
    if (in.kind == VALUE_FLOAT) {
        *out = value_float(fabs(in.f));
        return true;
    }
    return op_negate(rt, in, value_to_int(in) < 0, out);
}

/* The decimal digits of all scripts as ASCII, which is how Python reads numbers. */
static struct sv ascii_digits(struct sv v, char *room, size_t size) {
    uint32_t cp;
    size_t used = 0, n;
    for (size_t at = 0; at < v.n; at += n) {
        n = u8_decode(sv_from(v, at), &cp);
        int32_t digit = cp < 0x80 ? -1 : u_charDigitValue((UChar32)cp);
        if (used + n > size)
            return v; /* longer than any number; no harm, it is none */
        if (digit >= 0)
            room[used++] = (char)('0' + digit);
        else {
            memcpy(room + used, v.p + at, n);
            used += n;
        }
    }
    return sv_make(room, used);
}

/* Digits of Python's int(text, base): underscores between digits, a sign, the base's prefix. */
static bool parse_int(struct sv v, int64_t base, int64_t *out) {
    char room[NUMBER_BYTES_MAX];
    v = ascii_digits(u8_strip_right(u8_strip_left(v)), room, sizeof room);
    bool negative = v.n && v.p[0] == '-';
    if (v.n && (v.p[0] == '-' || v.p[0] == '+'))
        v = sv_from(v, 1);
    if (v.n > 2 && v.p[0] == '0') {
        char x = (char)(v.p[1] | 0x20);
        int64_t marked = x == 'x' ? 16 : x == 'o' ? 8 : x == 'b' ? 2 : 0;
        if (marked && (base == 0 || base == marked)) {
            base = marked;
            v = sv_from(v, v.p[2] == '_' ? 3 : 2);
        }
    }
    bool plain = base == 0;
    if (plain)
        base = 10;
    uint64_t x = 0;
    bool digit = false, nonzero = false;
    bool zero_first = v.n && v.p[0] == '0';
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        if (c == '_' && digit && i + 1 < v.n) {
            digit = false;
            continue;
        }
        char low = (char)(c | 0x20);
        int64_t d = c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'z' ? low - 'a' + 10 : 99;
        if (d >= base || __builtin_mul_overflow(x, (uint64_t)base, &x) ||
            __builtin_add_overflow(x, (uint64_t)d, &x))
            return false;
        digit = true;
        nonzero |= d != 0;
    }
    if (!digit || (plain && zero_first && nonzero) || x > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(0 - x) : (int64_t)x;
    return true;
}

/* Python's float(text); strtod also reads hex, which Python does not. */
static bool parse_float(struct sv v, double *out) {
    char room[NUMBER_BYTES_MAX], text[NUMBER_BYTES_MAX];
    v = ascii_digits(u8_strip_right(u8_strip_left(v)), room, sizeof room);
    size_t n = 0;
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];
        bool between = i > 0 && i + 1 < v.n && v.p[i - 1] >= '0' && v.p[i - 1] <= '9' && v.p[i + 1] >= '0' &&
                       v.p[i + 1] <= '9';
        if (c == '_' && between)
            continue;
        if (c == '\0' || c == 'x' || c == 'X' || c == '(' || n + 1 == sizeof text)
            return false;
        text[n++] = c;
    }
    text[n] = '\0';
    if (!n || uc_is_space((unsigned char)text[0]))
        return false;
    char *end;
    *out = strtod(text, &end);
    return end == text + n;
}

static bool float_to_int(double f, int64_t *out) {
    if (!(f > -9223372036854775809.0 && f < 9223372036854775808.0))
        return false;
    *out = (int64_t)f;
    return true;
}

static bool run_int(struct rt *rt, struct value in, const struct value *arg, const struct args *all,
                    struct value *out) {
    (void)all;
    int64_t base, x;
    double f;
    if (in.kind == VALUE_UNDEFINED)
        return rt_undefined(rt, in);
    if (!want_int(rt, "int", arg[1], 10, &base))
        return false;
    if (base != 0 && (base < 2 || base > 36))
        return rt_error(rt, "int needs a base from 2 to 36, or 0");
    bool ok = false;
    if (in.kind == VALUE_FLOAT && isfinite(in.f) && !float_to_int(in.f, &x))
        return rt_error(rt, "the result does not fit in a 64-bit integer");
    if (value_is_integer(in)) {
        x = value_to_int(in);
        ok = true;
    } else if (in.kind == VALUE_FLOAT)
        ok = float_to_int(in.f, &x);
    else if (in.kind == VALUE_STR)
        ok = parse_int(value_sv(in), base, &x) || (parse_float(value_sv(in), &f) && float_to_int(f, &x));
    *out = ok ? value_int(x) : arg[0].kind == VALUE_MISSING ? value_int(0) : arg[0];
    return true;
}

static bool run_float(struct rt *rt, struct value in, const struct value *arg, const struct args *all,
                      struct value *out) {
    (void)all;
    double f = 0;
    if (in.kind == VALUE_UNDEFINED)
        return rt_undefined(rt, in);
    bool ok = value_is_number(in);
    if (ok)
        f = value_to_float(in);
    else if (in.kind == VALUE_STR)
        ok = parse_float(value_sv(in), &f);
    *out = ok ? value_float(f) : arg[0].kind == VALUE_MISSING ? value_float(0) : arg[0];
    return true;
}

/* round(f, precision) as Python does it for floats: by the exact decimal value, half to even. */
static double round_common(double f, int64_t precision) {
    char text[800];
    if (!isfinite(f) || precision > 323)
        return f;
    if (precision < -308)
        return copysign(0, f);
    if (precision >= 0) {
        snprintf(text, sizeof text, "%.*f", (int)precision, f);
        return strtod(text, NULL);
    }
    double unit = pow(10, (double)-precision), q = f / unit, r = nearbyint(q);
    return r * unit;
}

static bool run_round(struct rt *rt, struct value in, const struct value *arg, const struct args *all,
                      struct value *out) {
    (void)all;
    int64_t precision;
    struct sv method;
    if (!want_int(rt, "round", arg[0], 0, &precision) ||
        !want_str(rt, "round", arg[1], SV("common"), &method))
        return false;
    bool up = sv_eq(method, SV("ceil")), down = sv_eq(method, SV("floor"));
    if (!up && !down && !sv_eq(method, SV("common")))
        return rt_error(rt, "method must be common, ceil or floor");
    if (!value_is_number(in))
        return in.kind == VALUE_UNDEFINED ? rt_undefined(rt, in)
                                          : rt_error(rt, "round needs a number, not %s", value_type(in));
    if (up || down) {
        double unit = pow(10, (double)precision), x = value_to_float(in) * unit;
        if (!isfinite(x) || unit == 0)
            return rt_error(rt, "the number cannot be rounded so");
        *out = value_float(((up ? ceil(x) : floor(x)) + 0.0) / unit); /* no negative zero */
        return true;
    }
    if (in.kind == VALUE_FLOAT) {
        *out = value_float(round_common(in.f, precision));
        return true;
    }
    int64_t x = value_to_int(in);
    if (precision >= 0) {
        *out = value_int(x);
        return true;
    }
    if (precision < -18) {
        *out = value_int(0);
        return true;
    }
    int64_t unit = 1;
    for (int64_t i = precision; i < 0; i++)
        unit *= 10;
    int64_t rest = x % unit, half = unit / 2, low = x - rest, size = rest < 0 ? -rest : rest, r = low;
    bool odd = (low / unit) % 2 != 0;
    if ((size > half || (size == half && odd)) && __builtin_add_overflow(low, x < 0 ? -unit : unit, &r))
        return rt_error(rt, "the result does not fit in a 64-bit integer");
    *out = value_int(r);
    return true;
}

static bool run_filesize(struct rt *rt, struct value in, const struct value *arg, const struct args *all,
                         struct value *out) {
    (void)all;
    static const char *const names[2][8] = {{"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"},
                                            {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}};
    bool binary = arg[0].kind != VALUE_MISSING && value_truth(arg[0]);
    double bytes = 0, base = binary ? 1024 : 1000;
    if (value_is_number(in))
        bytes = value_to_float(in);
    else if (in.kind != VALUE_STR || !parse_float(value_sv(in), &bytes))
        return rt_error(rt, "filesizeformat needs a number, not %s", value_type(in));
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    if (bytes == 1)
        buf_adds(&text, "1 Byte");
    else if (bytes < base)
        buf_addf(&text, "%.0f Bytes", trunc(bytes) + 0.0); /* no negative zero */
    else {
        size_t i = 0;
        double unit = base * base;
        while (!(bytes < unit) && i < 7) {
            unit *= base;
            i++;
        }
        buf_addf(&text, "%.1f %s", base * bytes / unit, names[binary][i]);
    }
    return rt_str_of(rt, &text, out);
}

const struct filter filters_number[] = {
    {"abs", "", run_abs},
    {"int", "default=,base=", run_int},
    {"float", "default=", run_float},
    {"round", "precision=,method=", run_round},
    {"filesizeformat", "binary=", run_filesize},
    {NULL, NULL, NULL},
};
