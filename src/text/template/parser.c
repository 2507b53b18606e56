/* parser: tokens, errors, nodes and symbols, for the other parse files. */
#include "text/template/builtin.h"
#include "text/template/parse.h"

#include <stdarg.h>
#include <string.h>

bool parse_fail(struct parser *p, uint32_t at, const char *fmt, ...) {
    if (p->failed)
        return false;
    p->failed = true;
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    unsigned line, column;
    template_locate(p->t, at, &line, &column);
    err_set(p->err, ERR_INVALID, "template %.*s:%u:%u: %s", SV_FMT(sv_sub(p->t->name, 0, 100)), line, column,
            text);
    return err_place(p->err, line, column);
}

static struct token next_token(struct parser *p) {
    struct token t = lex_next(&p->lex);
    if (t.kind == TOK_ERROR)
        parse_fail(p, p->lex.error_at, "%s", p->lex.error);
    return t;
}

void parse_advance(struct parser *p) {
    p->cur = p->has_ahead ? p->ahead : next_token(p);
    p->has_ahead = false;
}

const struct token *parse_ahead(struct parser *p) {
    if (!p->has_ahead)
        p->ahead = next_token(p);
    p->has_ahead = true;
    return &p->ahead;
}

bool parse_is(const struct parser *p, enum tok kind) {
    return p->cur.kind == kind;
}

bool parse_is_name(const struct parser *p, const char *word) {
    return p->cur.kind == TOK_NAME && sv_eq(p->cur.text, sv_of(word));
}

bool parse_skip(struct parser *p, enum tok kind) {
    if (p->cur.kind != kind)
        return false;
    parse_advance(p);
    return true;
}

bool parse_skip_name(struct parser *p, const char *word) {
    if (!parse_is_name(p, word))
        return false;
    parse_advance(p);
    return true;
}

bool parse_expected(struct parser *p, const char *what) {
    if (p->cur.kind == TOK_NAME)
        return parse_fail(p, p->cur.at, "expected %s, found '%.*s'", what,
                          SV_FMT(sv_sub(p->cur.text, 0, 60)));
    return parse_fail(p, p->cur.at, "expected %s, found %s", what, tok_name(p->cur.kind));
}

bool parse_expect(struct parser *p, enum tok kind) {
    return parse_skip(p, kind) || parse_expected(p, tok_name(kind));
}

bool parse_expect_name(struct parser *p, const char *word) {
    char quoted[40];
    snprintf(quoted, sizeof quoted, "'%s'", word);
    return parse_skip_name(p, word) || parse_expected(p, quoted);
}

void *parse_take(struct parser *p, size_t n) {
    void *at = arena_zalloc(&p->t->arena, n);
    if (!at)
        parse_fail(p, p->cur.at, "the template takes too much memory");
    return at;
}

struct node *parse_node(struct parser *p, enum node_kind kind, uint32_t at) {
    struct node *n = parse_take(p, sizeof *n);
    if (n) {
        n->kind = (uint8_t)kind;
        n->at = at;
        n->height = 1;
    }
    return n;
}

bool parse_under(struct parser *p, struct node *n, const struct node *child) {
    if (child && child->height >= n->height)
        n->height = (uint16_t)(child->height + 1);
    if (n->height > PARSE_HEIGHT_MAX)
        return parse_fail(p, n->at, "the expression is nested deeper than %d levels", PARSE_HEIGHT_MAX);
    return true;
}

void row_init(struct row *r) {
    r->first = NULL;
    r->end = &r->first;
}

void row_add(struct row *r, struct node *n) {
    *r->end = n;
    r->end = &n->next;
}

static uint64_t name_hash(struct sv name) {
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * 1099511628211u;
    return h ^ (h >> 31);
}

static bool symbols_grow(struct parser *p) {
    uint32_t cap = p->symbols_cap ? p->symbols_cap * 2 : 32;
    struct symbol *symbols = parse_take(p, cap * sizeof *symbols);
    uint32_t *index = parse_take(p, cap * 2 * sizeof *index);
    if (!symbols || !index)
        return false;
    if (p->t->symbols_n)
        memcpy(symbols, p->t->symbols, p->t->symbols_n * sizeof *symbols);
    p->t->symbols = symbols;
    p->symbols_cap = cap;
    p->symbol_index = index;
    p->symbol_index_n = cap * 2;
    for (uint32_t k = 0; k < p->t->symbols_n; k++) {
        size_t i = name_hash(symbols[k].name) & (p->symbol_index_n - 1);
        while (index[i])
            i = (i + 1) & (p->symbol_index_n - 1);
        index[i] = k + 1;
    }
    return true;
}

bool parse_symbol(struct parser *p, struct sv name, uint32_t *sym) {
    if (p->t->symbols_n == p->symbols_cap && !symbols_grow(p))
        return false;
    size_t i = name_hash(name) & (p->symbol_index_n - 1);
    for (; p->symbol_index[i]; i = (i + 1) & (p->symbol_index_n - 1))
        if (sv_eq(p->t->symbols[p->symbol_index[i] - 1].name, name)) {
            *sym = p->symbol_index[i] - 1;
            return true;
        }
    *sym = p->t->symbols_n++;
    p->symbol_index[i] = *sym + 1;
    p->t->symbols[*sym] = (struct symbol){.name = name, .global = (uint8_t)global_find(name)};
    return true;
}
