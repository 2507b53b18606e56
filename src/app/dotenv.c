#include "app/dotenv.h"

#include "base/buf.h"

struct reader {
    struct sv rest;
    unsigned line;
};

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

static bool is_end(char c) {
    return c == '\r' || c == '\n';
}

static bool at(const struct reader *r, char c) {
    return r->rest.n && r->rest.p[0] == c;
}

static struct sv take(struct reader *r, size_t n) {
    struct sv part = sv_sub(r->rest, 0, n);
    for (size_t i = 0; i < part.n; i++)
        r->line +=
            part.p[i] == '\n' || (part.p[i] == '\r' && (i + 1 >= r->rest.n || r->rest.p[i + 1] != '\n'));
    r->rest = sv_from(r->rest, n);
    return part;
}

static void skip_blanks(struct reader *r) {
    while (r->rest.n && is_blank(r->rest.p[0]))
        take(r, 1);
}

static struct sv take_to_line_end(struct reader *r) {
    size_t n = 0;
    while (n < r->rest.n && !is_end(r->rest.p[n]))
        n++;
    return take(r, n);
}

static void skip_line_end(struct reader *r) {
    if (at(r, '\r'))
        take(r, r->rest.n > 1 && r->rest.p[1] == '\n' ? 2 : 1);
    else if (at(r, '\n'))
        take(r, 1);
}

/* The text between quotes, escapes undone. A backslash before the quote keeps it inside. */
static bool read_quoted(struct reader *r, char quote, struct buf *out) {
    size_t n = 1, escaped = 0;
    while (n < r->rest.n && r->rest.p[n] != quote) {
        bool escape = r->rest.p[n] == '\\' && n + 1 < r->rest.n && r->rest.p[n + 1] == quote;
        n += escape ? 2 : 1;
        escaped = escape ? n - 1 : escaped;
    }
    if (n >= r->rest.n)
        n = escaped; /* "C:\" and nothing after it: then that quote was the end */
    if (n == 0)
        return false;
    struct sv inside = sv_sub(take(r, n + 1), 1, n - 1);
    static const char plain[] = "\\'\"abfnrtv", meant[] = "\\'\"\a\b\f\n\r\t\v";
    size_t known = quote == '"' ? sizeof plain - 1 : 2;
    for (size_t i = 0; i < inside.n; i++) {
        size_t k = SIZE_MAX;
        if (inside.p[i] == '\\' && i + 1 < inside.n)
            k = sv_find_char(sv_make(plain, known), inside.p[i + 1]);
        buf_addc(out, k == SIZE_MAX ? inside.p[i] : meant[k]);
        i += k != SIZE_MAX;
    }
    return true;
}

static void read_unquoted(struct reader *r, struct buf *out) {
    struct sv v = take_to_line_end(r);
    for (size_t i = 1; i < v.n; i++)
        if (v.p[i] == '#' && is_blank(v.p[i - 1]))
            v.n = i;
    while (v.n && is_blank(v.p[v.n - 1]))
        v.n--;
    buf_add(out, v);
}

/* Reads one statement. key.p == NULL: nothing stood there; *has_value false: a name alone. */
static const char *read_statement(struct reader *r, struct sv *key, bool *has_value, struct buf *value) {
    *key = SV_NONE;
    *has_value = false;
    struct sv export = SV("export");
    if (sv_starts(r->rest, export) && r->rest.n > export.n && is_blank(r->rest.p[export.n])) {
        take(r, export.n);
        skip_blanks(r);
    }
    if (at(r, '\'')) {
        size_t n = sv_find_char(sv_from(r->rest, 1), '\'');
        if (n == SIZE_MAX || n == 0)
            return "the quote of this name has no end";
        *key = sv_sub(take(r, n + 2), 1, n);
    } else if (!at(r, '#')) {
        size_t n = 0;
        while (n < r->rest.n && !is_blank(r->rest.p[n]) && !is_end(r->rest.p[n]) && r->rest.p[n] != '=' &&
               r->rest.p[n] != '#')
            n++;
        if (n == 0)
            return "there is no name before the =";
        *key = take(r, n);
    }
    skip_blanks(r);
    if (at(r, '=')) {
        take(r, 1);
        skip_blanks(r);
        *has_value = true;
        if (at(r, '\'') || at(r, '"')) {
            if (!read_quoted(r, r->rest.p[0], value))
                return "the quote of this value has no end";
        } else {
            read_unquoted(r, value);
        }
    }
    skip_blanks(r);
    if (at(r, '#'))
        take_to_line_end(r);
    if (r->rest.n && !is_end(r->rest.p[0]))
        return *has_value ? "something stands behind the closing quote" : "this is not NAME=value";
    return NULL;
}

/* ${NAME} and ${NAME:-default}; anything else with a $ is itself. */
static void expand(const struct dotenv *d, struct sv raw, const struct dotenv_outside *outside,
                   struct buf *out) {
    while (raw.n) {
        size_t start = sv_find(raw, SV("${"));
        if (start == SIZE_MAX) {
            buf_add(out, raw);
            return;
        }
        size_t close = sv_find_char(sv_from(raw, start), '}');
        struct sv name = close == SIZE_MAX ? SV_NONE : sv_sub(raw, start + 2, close - 2), fallback = SV_NONE;
        size_t colon = sv_find_char(name, ':');
        bool ours = close != SIZE_MAX;
        if (ours && colon != SIZE_MAX) {
            fallback = sv_from(name, colon + 2);
            ours = sv_starts(sv_from(name, colon), SV(":-"));
            name = sv_sub(name, 0, colon);
        }
        if (!ours) {
            buf_add(out, sv_sub(raw, 0, start + 2));
            raw = sv_from(raw, start + 2);
            continue;
        }
        buf_add(out, sv_sub(raw, 0, start));
        struct sv v = outside->env(outside->ctx, name);
        if (!v.p)
            v = dotenv_get(d, name);
        buf_add(out, v.p ? v : fallback);
        raw = sv_from(raw, start + close + 1);
    }
}

/* value.p NULL: a name alone, which also takes back what an earlier line set. */
static bool put(struct dotenv *d, struct sv key, struct sv value, struct arena *mem, struct err *e) {
    struct sv v = value.n ? arena_dup(mem, value) : value.p ? SV("") : SV_NONE;
    struct sv k = arena_dup(mem, key);
    if (mem->full)
        return err_set(e, ERR_TOO_LARGE, "too much text");
    for (size_t i = 0; i < d->n; i++)
        if (sv_eq(d->pairs[i].name, key)) {
            d->pairs[i].value = v;
            return true;
        }
    if (d->n == DOTENV_PAIRS_MAX)
        return err_set(e, ERR_TOO_LARGE, "more than %d variables", DOTENV_PAIRS_MAX);
    d->pairs[d->n++] = (struct dotenv_pair){.name = k, .value = v};
    return true;
}

bool dotenv_parse(struct dotenv *d, struct sv text, const struct dotenv_outside *outside, struct arena *mem,
                  struct err *e) {
    *d = (struct dotenv){.pairs = arena_alloc(mem, DOTENV_PAIRS_MAX * sizeof *d->pairs)};
    if (!d->pairs)
        return err_set(e, ERR_TOO_LARGE, "too much text");
    struct reader r = {.rest = sv_starts(text, SV("\xEF\xBB\xBF")) ? sv_from(text, 3) : text, .line = 1};
    struct buf BUF_AUTO raw = BUF_INIT(DOTENV_VALUE_MAX), BUF_AUTO value = BUF_INIT(DOTENV_VALUE_MAX);
    for (;;) {
        while (r.rest.n && (is_blank(r.rest.p[0]) || is_end(r.rest.p[0])))
            take(&r, 1);
        if (!r.rest.n)
            return true;
        unsigned line = r.line;
        struct sv key;
        bool has_value;
        buf_reset(&raw);
        buf_reset(&value);
        const char *why = read_statement(&r, &key, &has_value, &raw);
        if (why) {
            outside->bad(outside->ctx, line, why);
            take_to_line_end(&r);
            skip_line_end(&r);
            continue;
        }
        skip_line_end(&r);
        if (!key.p)
            continue;
        expand(d, buf_sv(&raw), outside, &value);
        if (raw.overflow || value.overflow)
            return err_set(e, ERR_TOO_LARGE, "the value of line %u is over %d bytes", line, DOTENV_VALUE_MAX);
        if (!put(d, key, !has_value ? SV_NONE : value.n ? buf_sv(&value) : SV(""), mem, e))
            return false;
    }
}

struct sv dotenv_get(const struct dotenv *d, struct sv name) {
    for (size_t i = 0; i < d->n; i++)
        if (sv_eq(d->pairs[i].name, name))
            return d->pairs[i].value;
    return SV_NONE;
}
