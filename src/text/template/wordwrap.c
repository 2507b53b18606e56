/* wordwrap: Python's textwrap (https://docs.python.org/3.11/library/textwrap.html), as Jinja2 calls it. */
#include "text/template/builtin.h"
#include "text/template/unicode.h"

/* One line of the text, by code point. */
struct line {
    const uint32_t *cp;
    size_t n;
};

struct wrap {
    size_t width;
    bool break_words, break_hyphens;
    struct sv newline;
    struct buf *out;
    bool some; /* a line was written, so the next begins with newline */
};

static bool is_break(uint32_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_letter(uint32_t c) {
    return uc_is_word(c) && !(c >= '0' && c <= '9');
}

static bool is_word_end(uint32_t c) {
    return uc_is_word(c) || c == '!' || c == '"' || c == '\'' || c == '&' || c == '.' || c == ',' || c == '?';
}

/* Two or more dashes at i, with a word behind them; how many, or 0. */
static size_t dashes(struct line l, size_t i) {
    size_t n = i;
    while (n < l.n && l.cp[n] == '-')
        n++;
    return n - i >= 2 && n < l.n && uc_is_word(l.cp[n]) ? n - i : 0;
}

/* A hyphen at i behind which a word may be broken: between letters, as in well-known. */
static bool hyphen_breaks(struct line l, size_t from, size_t i) {
    if (l.cp[i] != '-')
        return false;
    bool before = (i >= 2 && is_letter(l.cp[i - 1]) && is_letter(l.cp[i - 2])) ||
                  (i >= 3 && is_word_end(l.cp[i - 1]) && l.cp[i - 2] == '-' && is_letter(l.cp[i - 3]));
    size_t k = i + 1;
    if (!before || i <= from || k >= l.n || !is_letter(l.cp[k++]))
        return false;
    if (k < l.n && l.cp[k] == '-')
        k++;
    return k < l.n && is_letter(l.cp[k]);
}

/* The length of the chunk that begins at i < l.n: white space, a dash, or a word or a part of one. */
static size_t chunk_at(const struct wrap *w, struct line l, size_t i) {
    size_t end = i + 1;
    if (is_break(l.cp[i])) {
        while (end < l.n && is_break(l.cp[end]))
            end++;
        return end - i;
    }
    size_t dash = w->break_hyphens && i > 0 && is_word_end(l.cp[i - 1]) ? dashes(l, i) : 0;
    if (dash)
        return dash;
    for (; end < l.n && !is_break(l.cp[end]); end++) {
        if (!w->break_hyphens)
            continue;
        if (hyphen_breaks(l, i, end))
            return end + 1 - i;
        if (l.cp[end] == '-' && is_word_end(l.cp[end - 1]) && dashes(l, end))
            break;
    }
    return end - i;
}

static bool is_blank(struct line l, size_t from, size_t n) {
    for (size_t i = from; i < from + n; i++)
        if (!uc_is_space(l.cp[i]))
            return false;
    return true;
}

/* How much of a word of n that is longer than a line goes on the one that has room left. */
static size_t part_of_word(const struct wrap *w, struct line l, size_t from, size_t n, size_t left) {
    size_t end = left < n ? left : n;
    if (!w->break_hyphens || n <= left)
        return end;
    for (size_t i = left; i-- > 1;)
        if (l.cp[from + i] == '-') {
            for (size_t k = 0; k < i; k++)
                if (l.cp[from + k] != '-')
                    return i + 1;
            break;
        }
    return end;
}

static void put_line(struct wrap *w, struct line l, size_t from, size_t to) {
    if (w->some)
        buf_add(w->out, w->newline);
    w->some = true;
    for (size_t i = from; i < to; i++)
        u8_add(w->out, l.cp[i]);
}

/* Lines are runs of chunks, so each is a stretch of l. rest is what is left of a broken word. */
static bool wrap_line(struct rt *rt, struct wrap *w, struct line l) {
    bool first = true;
    for (size_t i = 0, rest = 0; i < l.n;) {
        if (!rt_charge(rt, 1))
            return false;
        size_t n = rest ? rest : chunk_at(w, l, i);
        if (!first && is_blank(l, i, n)) {
            i += n;
            rest = 0;
            n = i < l.n ? chunk_at(w, l, i) : 0;
        }
        size_t from = i, last = i; /* last: where the line's last chunk begins */
        while (n && i - from + n <= w->width) {
            last = i;
            i += n;
            rest = 0;
            n = i < l.n ? chunk_at(w, l, i) : 0;
        }
        if (n > w->width && (w->break_words || i == from)) {
            size_t part = w->break_words ? part_of_word(w, l, i, n, w->width - (i - from)) : n;
            last = i; /* an empty part counts as a chunk too, and keeps the space before it, as in Python */
            i += part;
            rest = n - part;
        } else if (n)
            rest = n;
        size_t to = i > from && is_blank(l, last, i - last) ? last : i;
        if (to > from) {
            put_line(w, l, from, to);
            first = false;
        }
    }
    return true;
}

static bool run_wordwrap(struct rt *rt, struct value in, const struct value *arg, const struct args *all,
                         struct value *out) {
    (void)all;
    struct sv s;
    int64_t width;
    BUF_AUTO struct buf text = RT_SCRATCH(rt);
    struct wrap w = {.out = &text};
    if (arg[2].kind == VALUE_NONE || arg[2].kind == VALUE_MISSING)
        w.newline = SV("\n");
    else if (!want_str(rt, "wordwrap", arg[2], SV_NONE, &w.newline))
        return false;
    if (!want_str(rt, "wordwrap", in, SV_NONE, &s) || !want_int(rt, "wordwrap", arg[0], 79, &width) ||
        !rt_charge(rt, s.n / 32))
        return false;
    if (width <= 0 && s.n)
        return rt_error(rt, "wordwrap needs a width above 0");
    w.width = (size_t)width;
    w.break_words = arg[1].kind == VALUE_MISSING || value_truth(arg[1]);
    w.break_hyphens = arg[3].kind == VALUE_MISSING || value_truth(arg[3]);
    uint32_t *cp = rt_alloc(rt, (s.n + 1) * sizeof *cp);
    if (!cp)
        return false;
    bool more = false;
    while (s.n) {
        struct line l = {.cp = cp};
        struct sv one;
        u8_line(&s, &one);
        while (one.n)
            one = sv_from(one, u8_decode(one, &cp[l.n++]));
        /* A line of nothing still stands between its neighbours' newlines. */
        if (more)
            buf_add(&text, w.newline);
        w.some = false;
        if (!wrap_line(rt, &w, l))
            return false;
        more = true;
    }
    return rt_str_of(rt, &text, out);
}

const struct filter filters_wrap[] = {
    {"wordwrap", "width=,break_long_words=,wrapstring=,break_on_hyphens=", run_wordwrap},
    {NULL, NULL, NULL},
};
