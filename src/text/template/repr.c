/* The text of values: Python's str and repr, JSON, HTML escapes. */
#include "text/template/builtin.h"
#include "text/template/seq.h"
#include "text/template/unicode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The shortest digits that read back as f (which is finite), as %e writes them. */
static void shortest(double f, char *out, size_t n) {
    /* 15 digits always survive a round trip of a normal number, so fewer need not be tried: zeros go. */
    for (int digits = fabs(f) < 2.3e-308 ? 1 : 15; digits <= 17; digits++) {
        snprintf(out, n, "%.*e", digits - 1, f);
        if (strtod(out, NULL) == f)
            return;
    }
}

void add_float(struct buf *out, double f) {
    if (isnan(f) || isinf(f)) {
        buf_adds(out, isnan(f) ? "nan" : f < 0 ? "-inf" : "inf");
        return;
    }
    char text[40], digits[20];
    shortest(f, text, sizeof text);
    const char *e = strchr(text, 'e');
    int exp = (int)strtol(e + 1, NULL, 10);
    size_t n = 0;
    for (const char *p = text; p < e; p++)
        if (*p >= '0' && *p <= '9')
            digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    if (text[0] == '-')
        buf_addc(out, '-');
    if (exp < -4 || exp >= 16) {
        buf_addc(out, digits[0]);
        if (n > 1) {
            buf_addc(out, '.');
            buf_add(out, sv_make(digits + 1, n - 1));
        }
        buf_addf(out, "e%c%02d", exp < 0 ? '-' : '+', abs(exp));
        return;
    }
    if (exp < 0)
        buf_adds(out, "0.");
    for (int i = exp < 0 ? exp + 1 : 0; i < 0; i++)
        buf_addc(out, '0');
    size_t point = exp < 0 ? 0 : (size_t)exp + 1;
    for (size_t i = 0; i < n || i < point; i++) {
        if (i == point && point)
            buf_addc(out, '.');
        buf_addc(out, i < n ? digits[i] : '0');
    }
    if (point && n <= point)
        buf_adds(out, ".0");
}

static void add_quoted(struct buf *out, struct sv v) {
    char quote = sv_find_char(v, '\'') != SIZE_MAX && sv_find_char(v, '"') == SIZE_MAX ? '"' : '\'';
    uint32_t cp;
    buf_addc(out, quote);
    for (size_t n; v.n; v = sv_from(v, n)) {
        n = u8_decode(v, &cp);
        if (cp == (uint32_t)quote || cp == '\\')
            buf_addf(out, "\\%c", (char)cp);
        else if (cp == '\n' || cp == '\r' || cp == '\t')
            buf_adds(out, cp == '\n' ? "\\n" : cp == '\r' ? "\\r" : "\\t");
        else if (uc_is_print(cp))
            buf_add(out, sv_sub(v, 0, n));
        else
            buf_addf(out, cp < 0x100 ? "\\x%02x" : cp < 0x10000 ? "\\u%04x" : "\\U%08x", cp);
    }
    buf_addc(out, quote);
}

static bool repr_seq(struct rt *rt, struct buf *out, struct value v) {
    static const char *const opening[] = {"[", "dict_keys([", "dict_values([", "dict_items(["};
    bool tuple = v.kind == VALUE_TUPLE;
    size_t n = seq_len(v);
    buf_adds(out, tuple ? "(" : v.kind == VALUE_LIST ? opening[v.sub] : "[");
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_adds(out, ", ");
        if (!rt_charge(rt, 1) || !add_repr(rt, out, seq_at(v, i)))
            return false;
    }
    buf_adds(out, tuple ? n == 1 ? ",)" : ")" : v.kind == VALUE_LIST && v.sub ? "])" : "]");
    return true;
}

static bool repr_dict(struct rt *rt, struct buf *out, struct value v) {
    struct value key, value;
    bool some = false;
    buf_adds(out, v.kind == VALUE_NAMESPACE ? "<Namespace {" : "{");
    for (struct dict_iter it = dict_iter(v); dict_next(&it, &key, &value); some = true) {
        if (some)
            buf_adds(out, ", ");
        if (!rt_charge(rt, 1) || !add_repr(rt, out, key))
            return false;
        buf_adds(out, ": ");
        if (!add_repr(rt, out, value))
            return false;
    }
    buf_adds(out, v.kind == VALUE_NAMESPACE ? "}>" : "}");
    return true;
}

static bool repr_deep(struct rt *rt, struct buf *out, struct value v) {
    if (!rt_enter(rt))
        return false;
    bool ok = value_is_sequence(v) ? repr_seq(rt, out, v) : repr_dict(rt, out, v);
    rt_leave(rt);
    return ok;
}

bool add_repr(struct rt *rt, struct buf *out, struct value v) {
    switch ((int)v.kind) {
    case VALUE_UNDEFINED: buf_adds(out, "Undefined"); return true;
    case VALUE_NONE: buf_adds(out, "None"); return true;
    case VALUE_BOOL: buf_adds(out, v.b ? "True" : "False"); return true;
    case VALUE_INT: buf_add_i64(out, v.i); return true;
    case VALUE_FLOAT: add_float(out, v.f); return true;
    case VALUE_STR:
        if (v.sub == STR_SAFE)
            buf_adds(out, "Markup(");
        add_quoted(out, value_sv(v));
        if (v.sub == STR_SAFE)
            buf_addc(out, ')');
        return rt_charge(rt, v.n / 32);
    case VALUE_RANGE:
        buf_addf(out, "range(%lld, %lld", (long long)v.range->start, (long long)v.range->stop);
        if (v.range->step != 1)
            buf_addf(out, ", %lld", (long long)v.range->step);
        buf_addc(out, ')');
        return true;
    case VALUE_LOOP: buf_addf(out, "<LoopContext %zu/%zu>", v.loop->at + 1, v.loop->n); return true;
    case VALUE_MACRO: buf_addf(out, "<Macro '%.*s'>", SV_FMT(v.macro->node->name)); return true;
    case VALUE_GLOBAL:
    case VALUE_CYCLER:
    case VALUE_JOINER: buf_addf(out, "<%s>", value_type(v)); return true;
    default: return repr_deep(rt, out, v);
    }
}

bool add_str(struct rt *rt, struct buf *out, struct value v) {
    if (v.kind == VALUE_STR) {
        buf_add(out, value_sv(v));
        return rt_charge(rt, v.n / 32);
    }
    if (v.kind == VALUE_UNDEFINED)
        return rt_lenient(rt, v);
    return add_repr(rt, out, v);
}

bool to_text(struct rt *rt, struct value v, struct sv *out) {
    if (v.kind != VALUE_STR) {
        BUF_AUTO struct buf text = RT_SCRATCH(rt);
        if (!add_str(rt, &text, v) || !rt_str_of(rt, &text, &v))
            return false;
    }
    *out = value_sv(v);
    return true;
}

void add_ascii(struct buf *out, struct sv repr) {
    uint32_t cp;
    for (size_t n; repr.n; repr = sv_from(repr, n)) {
        n = u8_decode(repr, &cp);
        if (cp < 0x80)
            buf_addc(out, (char)cp);
        else
            buf_addf(out, cp < 0x100 ? "\\x%02x" : cp < 0x10000 ? "\\u%04x" : "\\U%08x", cp);
    }
}

void add_escaped(struct buf *out, struct sv v) {
    for (size_t i = 0; i < v.n; i++)
        switch (v.p[i]) {
        case '&': buf_adds(out, "&amp;"); break;
        case '<': buf_adds(out, "&lt;"); break;
        case '>': buf_adds(out, "&gt;"); break;
        case '"': buf_adds(out, "&#34;"); break;
        case '\'': buf_adds(out, "&#39;"); break;
        default: buf_addc(out, v.p[i]);
        }
}

/* As json.dumps with ensure_ascii, and safe inside HTML as Jinja2's tojson is. */
static void json_str(struct buf *out, struct sv v) {
    static const char plain[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    uint32_t cp;
    buf_addc(out, '"');
    for (size_t n; v.n; v = sv_from(v, n)) {
        n = u8_decode(v, &cp);
        const char *p = NULL;
        for (size_t k = 0; k + 1 < sizeof plain; k += 2)
            if ((uint32_t)plain[k] == cp)
                p = plain + k;
        if (p)
            buf_addf(out, "\\%c", p[1]);
        else if (cp >= 0x10000)
            buf_addf(out, "\\u%04x\\u%04x", 0xD800 + ((cp - 0x10000) >> 10),
                     0xDC00 + ((cp - 0x10000) & 0x3FF));
        else if (cp < ' ' || cp > '~' || cp == '<' || cp == '>' || cp == '&' || cp == '\'')
            buf_addf(out, "\\u%04x", cp);
        else
            buf_addc(out, (char)cp);
    }
    buf_addc(out, '"');
}

static void json_line(struct buf *out, int64_t indent, unsigned level) {
    buf_addc(out, '\n');
    for (unsigned l = 0; l < level; l++) /* no product: it may not fit */
        for (int64_t i = 0; i < indent && !out->overflow; i++)
            buf_addc(out, ' ');
}

static bool json_value(struct rt *rt, struct buf *out, struct value v, int64_t indent, unsigned level);

/* Keys are strings in JSON: what json.dumps makes of others. */
static bool json_key(struct rt *rt, struct buf *out, struct value key) {
    if (key.kind == VALUE_STR) {
        json_str(out, value_sv(key));
        return true;
    }
    if (!value_is_number(key) && key.kind != VALUE_NONE)
        return rt_error(rt, "keys must be str, int, float, bool or None, not %s", value_type(key));
    buf_addc(out, '"');
    bool ok = json_value(rt, out, key, -1, 0);
    buf_addc(out, '"');
    return ok;
}

/* Jinja2 sorts the keys. */
static bool json_dict(struct rt *rt, struct buf *out, struct value v, int64_t indent, unsigned level) {
    struct list *keys, *values;
    size_t n = dict_len(v);
    if (!list_new(rt, n, &keys) || !list_new(rt, n, &values))
        return false;
    struct value key, value;
    for (struct dict_iter it = dict_iter(v); dict_next(&it, &key, &value);)
        if (!list_push(rt, keys, key) || !list_push(rt, values, value))
            return false;
    if (!sort_by(rt, keys->items, values->items, n, false))
        return false;
    buf_addc(out, '{');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_adds(out, indent >= 0 ? "," : ", ");
        if (indent >= 0)
            json_line(out, indent, level + 1);
        if (!json_key(rt, out, keys->items[i]))
            return false;
        buf_adds(out, ": ");
        if (!json_value(rt, out, values->items[i], indent, level + 1))
            return false;
    }
    if (indent >= 0 && n)
        json_line(out, indent, level);
    buf_addc(out, '}');
    return true;
}

static bool json_seq(struct rt *rt, struct buf *out, struct value v, int64_t indent, unsigned level) {
    size_t n = seq_len(v);
    buf_addc(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_adds(out, indent >= 0 ? "," : ", ");
        if (indent >= 0)
            json_line(out, indent, level + 1);
        if (!rt_charge(rt, 1) || !json_value(rt, out, seq_at(v, i), indent, level + 1))
            return false;
    }
    if (indent >= 0 && n)
        json_line(out, indent, level);
    buf_addc(out, ']');
    return true;
}

static bool json_value(struct rt *rt, struct buf *out, struct value v, int64_t indent, unsigned level) {
    switch ((int)v.kind) {
    case VALUE_NONE: buf_adds(out, "null"); return true;
    case VALUE_BOOL: buf_adds(out, v.b ? "true" : "false"); return true;
    case VALUE_INT: buf_add_i64(out, v.i); return true;
    case VALUE_FLOAT:
        if (isfinite(v.f))
            add_float(out, v.f);
        else
            buf_adds(out, isnan(v.f) ? "NaN" : v.f < 0 ? "-Infinity" : "Infinity");
        return true;
    case VALUE_STR: json_str(out, value_sv(v)); return rt_charge(rt, v.n / 32);
    case VALUE_LIST:
    case VALUE_TUPLE:
    case VALUE_JARRAY:
    case VALUE_DICT:
    case VALUE_JOBJECT: break;
    case VALUE_UNDEFINED: return rt_undefined(rt, v);
    default: return rt_error(rt, "a %s cannot be written as JSON", value_type(v));
    }
    if (!rt_enter(rt))
        return false;
    bool ok =
        value_is_mapping(v) ? json_dict(rt, out, v, indent, level) : json_seq(rt, out, v, indent, level);
    rt_leave(rt);
    return ok;
}

bool add_json(struct rt *rt, struct buf *out, struct value v, int64_t indent) {
    return json_value(rt, out, v, indent, 0);
}
