/* Filters over text. */
#include "text/template/builtin.h"
#include "text/template/seq.h"
#include "text/template/unicode.h"

#include <string.h>

#define FILTER(name)                                                                                         \
    static bool name(struct rt *rt, struct value in, const struct value *arg, const struct args *all,        \
                     struct value *out)

static bool is_set(struct value v) {
    return v.kind != VALUE_MISSING && value_truth(v);
}

/* The common end: the built text, safe when the text it came from was. */
static bool finish(struct rt *rt, const struct buf *text, struct value in, struct value *out) {
    bool safe = in.kind == VALUE_STR && in.sub == STR_SAFE;
    if (!rt_str_of(rt, text, out))
        return false;
    out->sub = safe ? STR_SAFE : STR_PLAIN;
    return true;
}

FILTER(run_upper) {
    (void)arg, (void)all;
    struct sv s;
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    if (!to_text(rt, in, &s))
        return false;
    u8_add_case(&text, s, U8_UPPER);
    return finish(rt, &text, in, out);
}

FILTER(run_lower) {
    (void)arg, (void)all;
    struct sv s;
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    if (!to_text(rt, in, &s))
        return false;
    u8_add_case(&text, s, U8_LOWER);
    return finish(rt, &text, in, out);
}

FILTER(run_capitalize) {
    (void)arg, (void)all;
    struct sv s;
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    if (!to_text(rt, in, &s))
        return false;
    u8_add_capitalized(&text, s);
    return finish(rt, &text, in, out);
}

/* Words begin behind white space and any of -({[< */
FILTER(run_title) {
    (void)arg, (void)all;
    struct sv s;
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    if (!to_text(rt, in, &s))
        return false;
    while (s.n) {
        uint32_t cp;
        size_t word = 0;
        for (size_t n; word < s.n; word += n) {
            n = u8_decode(sv_from(s, word), &cp);
            if (uc_is_space(cp) || (cp < 0x80 && strchr("-({[<", (int)cp)))
                break;
        }
        size_t first = word ? u8_decode(s, &cp) : 0;
        u8_add_case(&text, sv_sub(s, 0, first), U8_UPPER);
        u8_add_case(&text, sv_sub(s, first, word - first), U8_LOWER);
        s = sv_from(s, word);
        if (s.n) {
            size_t n = u8_decode(s, &cp);
            buf_add(&text, sv_sub(s, 0, n));
            s = sv_from(s, n);
        }
    }
    return rt_str_of(rt, &text, out);
}

FILTER(run_string) {
    (void)arg, (void)all;
    struct sv s;
    if (!to_text(rt, in, &s))
        return false;
    *out = in.kind == VALUE_STR ? in : value_str(s);
    return true;
}

FILTER(run_escape) {
    (void)arg, (void)all;
    struct sv s;
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    *out = in;
    if (in.kind == VALUE_STR && in.sub == STR_SAFE)
        return true;
    if (!to_text(rt, in, &s))
        return false;
    add_escaped(&text, s);
    if (!rt_str_of(rt, &text, out))
        return false;
    out->sub = STR_SAFE;
    return true;
}

FILTER(run_forceescape) {
    if (in.kind == VALUE_STR)
        in.sub = STR_PLAIN;
    return run_escape(rt, in, arg, all, out);
}

FILTER(run_safe) {
    (void)arg, (void)all;
    struct sv s;
    if (!to_text(rt, in, &s))
        return false;
    *out = value_safe(s);
    return true;
}

FILTER(run_replace) {
    (void)all;
    struct sv s, old, new;
    int64_t count = -1;
    if (!to_text(rt, in, &s) || !to_text(rt, arg[0], &old) || !to_text(rt, arg[1], &new) ||
        (arg[2].kind != VALUE_NONE && !want_int(rt, "replace", arg[2], -1, &count)))
        return false;
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    if (old.n == 0) {
        /* Between all code points, and at both ends. */
        uint32_t cp;
        while (count != 0) {
            buf_add(&text, new);
            count -= count > 0;
            if (!s.n)
                break;
            size_t n = u8_decode(s, &cp);
            buf_add(&text, sv_sub(s, 0, n));
            s = sv_from(s, n);
        }
        buf_add(&text, s);
        return rt_str_of(rt, &text, out);
    }
    for (size_t at; count != 0 && (at = sv_find(s, old)) != SIZE_MAX; count -= count > 0) {
        if (!rt_charge(rt, 1))
            return false;
        buf_add(&text, sv_sub(s, 0, at));
        buf_add(&text, new);
        s = sv_from(s, at + old.n);
    }
    buf_add(&text, s);
    return rt_str_of(rt, &text, out);
}

static bool holds(struct sv set, struct sv one) {
    return sv_find(set, one) != SIZE_MAX;
}

FILTER(run_trim) {
    (void)all;
    struct sv s, chars = SV_NONE;
    bool any = arg[0].kind == VALUE_MISSING || arg[0].kind == VALUE_NONE;
    if (!to_text(rt, in, &s) || (!any && !want_str(rt, "trim", arg[0], SV_NONE, &chars)) ||
        !rt_charge(rt, s.n * (chars.n + 1) / 32))
        return false;
    uint32_t cp;
    if (any)
        s = u8_strip_right(u8_strip_left(s));
    while (!any && s.n) {
        size_t n = u8_decode(s, &cp);
        if (!holds(chars, sv_sub(s, 0, n)))
            break;
        s = sv_from(s, n);
    }
    while (!any && s.n) {
        size_t at = u8_before(s, s.n);
        if (!holds(chars, sv_from(s, at)))
            break;
        s.n = at;
    }
    *out = value_str(s);
    out->sub = in.kind == VALUE_STR ? in.sub : STR_PLAIN;
    return true;
}

static void add_spaces(struct buf *text, int64_t n) {
    for (; n > 0 && !text->overflow; n--)
        buf_addc(text, ' ');
}

FILTER(run_center) {
    (void)all;
    struct sv s;
    int64_t width;
    if (!to_text(rt, in, &s) || !want_int(rt, "center", arg[0], 80, &width))
        return false;
    int64_t n = (int64_t)u8_count(s), pad = width > n ? width - n : 0;
    int64_t left = pad / 2 + (pad & width & 1);
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    add_spaces(&text, left);
    buf_add(&text, s);
    add_spaces(&text, pad - left);
    return finish(rt, &text, in, out);
}

FILTER(run_indent) {
    (void)all;
    struct sv s, by = SV_NONE;
    int64_t width = 4;
    if (in.kind == VALUE_UNDEFINED)
        return rt_undefined(rt, in);
    if (in.kind != VALUE_STR) /* the one filter of texts that takes nothing else */
        return rt_error(rt, "indent needs a text, not %s", value_type(in));
    if (!to_text(rt, in, &s) || (arg[0].kind == VALUE_STR ? !want_str(rt, "indent", arg[0], SV_NONE, &by)
                                                          : !want_int(rt, "indent", arg[0], 4, &width)))
        return false;
    BUF_AUTO struct buf spaces = RT_SCRATCH(rt);
    if (arg[0].kind != VALUE_STR) {
        add_spaces(&spaces, width);
        if (spaces.overflow)
            return rt_str_of(rt, &spaces, out);
        by = buf_sv(&spaces);
    }
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    bool first = true;
    for (struct sv rest = s, line; first || rest.n; first = false) {
        bool more = u8_line(&rest, &line);
        if (first ? is_set(arg[1]) : line.n || is_set(arg[2]))
            buf_add(&text, by);
        buf_add(&text, line);
        if (!more)
            break;
        buf_addc(&text, '\n');
        if (!rt_charge(rt, 1))
            return false;
        if (!rest.n && is_set(arg[2])) /* the empty line behind the last break */
            buf_add(&text, by);
    }
    return finish(rt, &text, in, out);
}

/* As Jinja2: a list short enough passes as it is; what has no length, or would have to be cut and is no text,
 * is an error. */
static bool truncate_other(struct rt *rt, struct value in, int64_t most, struct value *out) {
    *out = in;
    if (in.kind == VALUE_UNDEFINED)
        return rt_lenient(rt, in);
    if (!value_is_sequence(in) && !value_is_mapping(in))
        return rt_error(rt, "truncate needs a text, not %s", value_type(in));
    return (int64_t)(value_is_mapping(in) ? dict_len(in) : seq_len(in)) <= most ||
           rt_error(rt, "truncate cannot shorten a %s", value_type(in));
}

FILTER(run_truncate) {
    (void)all;
    struct sv s = value_sv(in), end;
    int64_t length, leeway;
    if (!want_int(rt, "truncate", arg[0], 255, &length) ||
        !want_str(rt, "truncate", arg[2], SV("..."), &end) ||
        !want_int(rt, "truncate", arg[3].kind == VALUE_NONE ? VALUE_OF(VALUE_MISSING) : arg[3], 5, &leeway) ||
        !rt_charge(rt, s.n / 32))
        return false;
    int64_t end_n = (int64_t)u8_count(end), n = (int64_t)u8_count(s), most;
    if (length < end_n)
        return rt_error(rt, "truncate: expected length >= %lld, got %lld", (long long)end_n,
                        (long long)length);
    if (leeway < 0)
        return rt_error(rt, "truncate: expected leeway >= 0");
    if (__builtin_add_overflow(length, leeway, &most))
        most = INT64_MAX;
    if (in.kind != VALUE_STR)
        return truncate_other(rt, in, most, out);
    *out = in;
    if (n <= most)
        return true;
    struct sv kept = sv_sub(s, 0, u8_offset(s, (size_t)(length - end_n)));
    if (!is_set(arg[1]))
        for (size_t i = kept.n; i > 0; i--)
            if (kept.p[i - 1] == ' ') {
                kept.n = i - 1;
                break;
            }
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    buf_add(&text, kept);
    buf_add(&text, end);
    return rt_str_of(rt, &text, out);
}

FILTER(run_wordcount) {
    (void)arg, (void)all;
    struct sv s;
    int64_t count = 0;
    bool inside = false;
    if (!to_text(rt, in, &s) || !rt_charge(rt, s.n / 32))
        return false;
    uint32_t cp;
    for (size_t n; s.n; s = sv_from(s, n)) {
        n = u8_decode(s, &cp);
        bool word = uc_is_word(cp);
        count += word && !inside;
        inside = word;
    }
    *out = value_int(count);
    return true;
}

/* Tags and comments go; runs of white space become one space; entities are read. */
FILTER(run_striptags) {
    (void)arg, (void)all;
    static const struct {
        const char *name, *text;
    } entities[] = {{"&amp;", "&"},   {"&lt;", "<"},  {"&gt;", ">"},   {"&#34;", "\""},
                    {"&quot;", "\""}, {"&#39;", "'"}, {"&#x27;", "'"}, {"&nbsp;", "\xC2\xA0"}};
    struct sv s;
    if (!to_text(rt, in, &s) || !rt_charge(rt, s.n / 32))
        return false;
    BUF_AUTO struct buf bare = RT_SCRATCH(rt), text = RT_SCRATCH(rt);
    while (s.n) {
        size_t open = sv_find_char(s, '<');
        size_t end = SIZE_MAX;
        if (open != SIZE_MAX) {
            bool comment = sv_starts(sv_from(s, open), SV("<!--"));
            size_t close = sv_find(sv_from(s, open), comment ? SV("-->") : SV(">"));
            if (close != SIZE_MAX)
                end = open + close + (comment ? 3 : 1);
        }
        buf_add(&bare, sv_sub(s, 0, end == SIZE_MAX ? s.n : open));
        s = end == SIZE_MAX ? SV_NONE : sv_from(s, end);
    }
    uint32_t cp;
    bool space = false;
    for (struct sv v = buf_sv(&bare); v.n;) {
        size_t n = u8_decode(v, &cp);
        if (uc_is_space(cp)) {
            space = true;
            v = sv_from(v, n);
            continue;
        }
        if (space && text.n)
            buf_addc(&text, ' ');
        space = false;
        struct sv put = sv_sub(v, 0, n);
        for (size_t i = 0; cp == '&' && i < sizeof entities / sizeof entities[0]; i++)
            if (sv_starts(v, sv_of(entities[i].name))) {
                put = sv_of(entities[i].text);
                n = strlen(entities[i].name);
                break;
            }
        buf_add(&text, put);
        v = sv_from(v, n);
    }
    return rt_str_of(rt, &text, out);
}

static void add_url(struct buf *text, struct sv s, bool query) {
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x80 && uc_is_word(c)) || c == '-' || c == '.' || c == '~' || (c == '/' && !query))
            buf_addc(text, (char)c);
        else if (c == ' ' && query)
            buf_addc(text, '+');
        else
            buf_addf(text, "%%%02X", c);
    }
}

FILTER(run_urlencode) {
    (void)arg, (void)all;
    struct sv s;
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    if (in.kind == VALUE_STR || !value_is_iterable(in) || in.kind == VALUE_UNDEFINED) {
        if (!to_text(rt, in, &s))
            return false;
        add_url(&text, s, false);
        return rt_str_of(rt, &text, out);
    }
    struct value seq = in, none = VALUE_OF(VALUE_MISSING), pair;
    struct args nothing = {0};
    if (value_is_mapping(in) && !call_method(rt, in, SV("items"), &nothing, none, &seq))
        return false;
    if (!seq_of(rt, seq, &seq))
        return false;
    for (size_t i = 0; i < seq_len(seq); i++) {
        if (!seq_of(rt, seq_at(seq, i), &pair))
            return false;
        if (seq_len(pair) != 2)
            return rt_error(rt, "urlencode needs pairs");
        if (i)
            buf_addc(&text, '&');
        for (size_t k = 0; k < 2; k++) {
            if (!to_text(rt, seq_at(pair, k), &s))
                return false;
            if (k)
                buf_addc(&text, '=');
            add_url(&text, s, true);
        }
    }
    return rt_str_of(rt, &text, out);
}

FILTER(run_format) {
    (void)arg;
    struct sv s;
    if (all->kw_n && all->pos_n)
        return rt_error(rt, "format cannot take positional and keyword arguments at the same time");
    return to_text(rt, in, &s) && format_percent(rt, s, all, false, out);
}

FILTER(run_tojson) {
    (void)all;
    int64_t indent = -1;
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    if ((arg[0].kind != VALUE_NONE && !want_int(rt, "tojson", arg[0], -1, &indent)) ||
        !add_json(rt, &text, in, indent) || !rt_str_of(rt, &text, out))
        return false;
    out->sub = STR_SAFE;
    return true;
}

const struct filter filters_text[] = {
    {"upper", "", run_upper},
    {"lower", "", run_lower},
    {"capitalize", "", run_capitalize},
    {"title", "", run_title},
    {"string", "", run_string},
    {"escape", "", run_escape},
    {"e", "", run_escape},
    {"forceescape", "", run_forceescape},
    {"safe", "", run_safe},
    {"replace", "old,new,count=", run_replace},
    {"trim", "chars=", run_trim},
    {"center", "width=", run_center},
    {"indent", "width=,first=,blank=", run_indent},
    {"truncate", "length=,killwords=,end=,leeway=", run_truncate},
    {"wordcount", "", run_wordcount},
    {"striptags", "", run_striptags},
    {"urlencode", "", run_urlencode},
    {"format", "*", run_format},
    {"tojson", "indent=", run_tojson},
    {NULL, NULL, NULL},
};
