#include "text/template/parse.h"

#include "text/template/builtin.h"

#include <stdarg.h>
#include <string.h>

/* What may end a body. */
enum end {
    END_EOF = 1 << 0,
    END_ELIF = 1 << 1,
    END_ELSE = 1 << 2,
    END_ENDIF = 1 << 3,
    END_ENDFOR = 1 << 4,
    END_ENDSET = 1 << 5,
    END_ENDWITH = 1 << 6,
    END_ENDFILTER = 1 << 7,
    END_ENDMACRO = 1 << 8,
    END_ENDCALL = 1 << 9,
    END_BAR_ELSE = 1 << 10,  /* {{else}}, {{else if x}} */
    END_BAR_CLOSE = 1 << 11, /* {{/name}} */
};

static const struct end_name {
    const char *word;
    enum end end;
} end_names[] = {
    {"elif", END_ELIF},           {"else", END_ELSE},          {"endif", END_ENDIF},
    {"endfor", END_ENDFOR},       {"endset", END_ENDSET},      {"endwith", END_ENDWITH},
    {"endfilter", END_ENDFILTER}, {"endmacro", END_ENDMACRO},  {"endcall", END_ENDCALL},
    {"{{else}}", END_BAR_ELSE},   {"{{/...}}", END_BAR_CLOSE},
};
enum { END_NAMES_N = sizeof end_names / sizeof end_names[0] };

static bool parse_statement(struct parser *p, struct row *row);
static bool parse_bar(struct parser *p, struct row *row);

static bool expected_end(struct parser *p, uint32_t at, unsigned ends, const char *found) {
    BUF_AUTO struct buf words = BUF_INIT(200);
    for (size_t i = 0; i < END_NAMES_N; i++)
        if (ends & end_names[i].end)
            buf_addf(&words, "%s%s", words.n ? " or " : "", end_names[i].word);
    if (!words.n)
        return parse_fail(p, at, "'%s' ends no block", found);
    return parse_fail(p, at, "expected %s, found %s", words.p, found);
}

/* Behind `{%`, at its first word: the end it stands for when it is one of ends, 0 with *known when it is an
 * end of something else. */
static unsigned block_end(struct parser *p, unsigned ends, const char **known) {
    *known = NULL;
    for (size_t i = 0; i < END_NAMES_N; i++)
        if (parse_is_name(p, end_names[i].word)) {
            *known = end_names[i].word;
            return ends & end_names[i].end;
        }
    return 0;
}

/* Statements up to one of ends; the parser stands behind the `{%` and the ending word (or `{{/`, `{{else`).
 * Which end it was is in *end. */
static bool parse_body(struct parser *p, unsigned ends, struct node **body, unsigned *end) {
    struct row row;
    row_init(&row);
    if (++p->blocks > PARSE_BLOCKS_MAX)
        return parse_fail(p, p->cur.at, "blocks are nested deeper than %d levels", PARSE_BLOCKS_MAX);
    for (;;) {
        struct token t = p->cur;
        if (p->failed)
            return false;
        if (t.kind == TOK_EOF) {
            if (!(ends & END_EOF))
                return expected_end(p, t.at, ends, "end of template");
            *end = END_EOF;
            break;
        }
        parse_advance(p);
        if (t.kind == TOK_DATA) {
            struct node *n = parse_node(p, NODE_TEXT, t.at);
            if (!n)
                return false;
            n->text = t.text;
            row_add(&row, n);
            continue;
        }
        if (t.kind == TOK_BLOCK_BEGIN) {
            const char *known;
            if ((*end = block_end(p, ends, &known))) {
                parse_advance(p);
                break;
            }
            if (known)
                return expected_end(p, p->cur.at, ends & ~(unsigned)END_EOF, known);
            if (!parse_statement(p, &row))
                return false;
            continue;
        }
        if (parse_is(p, TOK_DIV) && (ends & END_BAR_CLOSE)) {
            parse_advance(p);
            *end = END_BAR_CLOSE;
            break;
        }
        if (parse_is(p, TOK_DIV))
            return expected_end(p, p->cur.at, ends & ~(unsigned)END_EOF, "{{/");
        if ((ends & END_BAR_ELSE) && parse_is_name(p, "else")) {
            parse_advance(p);
            *end = END_BAR_ELSE;
            break;
        }
        if (parse_is(p, TOK_HASH)) {
            if (!parse_bar(p, &row))
                return false;
            continue;
        }
        struct node *n = parse_node(p, NODE_PRINT, t.at);
        if (!n || !(n->left = parse_tuple(p, true)) || !parse_expect(p, TOK_VAR_END))
            return false;
        row_add(&row, n);
    }
    p->blocks--;
    *body = row.first;
    return !p->failed;
}

/* A body behind its opening tag's end, to its closing tag, whose end is passed too. */
static bool whole_body(struct parser *p, unsigned ends, struct node **body, unsigned *end) {
    return parse_expect(p, TOK_BLOCK_END) && parse_body(p, ends, body, end);
}

static bool only_body(struct parser *p, enum end closing, struct node **body) {
    unsigned end;
    return whole_body(p, closing, body, &end) && parse_expect(p, TOK_BLOCK_END);
}

/* An elif is an if alone in the no of the one before. The chain may be as long as the source: whoever walks
 * it must not recurse along it. */
static bool parse_if(struct parser *p, struct node *n) {
    unsigned end;
    for (struct node *branch = n;;) {
        if (!(branch->cond = parse_tuple(p, false)) ||
            !whole_body(p, END_ELIF | END_ELSE | END_ENDIF, &branch->yes, &end))
            return false;
        if (end == END_ENDIF)
            return parse_expect(p, TOK_BLOCK_END);
        if (end == END_ELSE)
            return only_body(p, END_ENDIF, &branch->no);
        branch->no = parse_node(p, NODE_IF, p->cur.at);
        if (!branch->no)
            return false;
        branch = branch->no;
    }
}

static bool parse_for(struct parser *p, struct node *n) {
    n->loop.target = parse_target(p, false);
    if (!n->loop.target || !parse_expect_name(p, "in") || !(n->loop.iter = parse_tuple(p, false)))
        return false;
    if (parse_skip_name(p, "if") && !(n->loop.guard = parse_expression(p, true)))
        return false;
    n->loop.recursive = parse_skip_name(p, "recursive");
    p->t->symbols[SYM_LOOP].assigned = true;
    bool outer = p->uses_loop;
    unsigned end;
    p->uses_loop = n->loop.recursive;
    if (!whole_body(p, END_ELSE | END_ENDFOR, &n->loop.body, &end))
        return false;
    n->loop.uses_loop = p->uses_loop;
    p->uses_loop = outer;
    if (end == END_ELSE)
        return only_body(p, END_ENDFOR, &n->loop.otherwise);
    return parse_expect(p, TOK_BLOCK_END);
}

static bool parse_set(struct parser *p, struct node *n) {
    n->set.target = parse_target(p, true);
    if (!n->set.target)
        return false;
    if (parse_skip(p, TOK_ASSIGN))
        return (n->set.value = parse_tuple(p, true)) && parse_expect(p, TOK_BLOCK_END);
    n->kind = NODE_SET_BLOCK;
    if (n->set.target->kind == NODE_TUPLE)
        return parse_expected(p, "'='");
    if (parse_skip(p, TOK_PIPE) && !(n->set.value = parse_filters(p, NULL, true)))
        return false;
    return only_body(p, END_ENDSET, &n->set.body);
}

static bool parse_with(struct parser *p, struct node *n) {
    struct row targets, values;
    row_init(&targets);
    row_init(&values);
    while (!parse_is(p, TOK_BLOCK_END)) {
        if (targets.first && !parse_expect(p, TOK_COMMA))
            return false;
        struct node *target = parse_is(p, TOK_NAME) ? parse_node(p, NODE_NAME, p->cur.at) : NULL;
        if (!target)
            return parse_expected(p, "a name");
        if (!parse_symbol(p, p->cur.text, &target->sym))
            return false;
        p->t->symbols[target->sym].assigned = true;
        parse_advance(p);
        struct node *value;
        if (!parse_expect(p, TOK_ASSIGN) || !(value = parse_expression(p, true)))
            return false;
        row_add(&targets, target);
        row_add(&values, value);
    }
    n->with.targets = targets.first;
    n->with.values = values.first;
    return only_body(p, END_ENDWITH, &n->with.body);
}

static bool parse_params(struct parser *p, struct macro_node *m) {
    struct param **last = &m->params;
    bool optional = false;
    if (!parse_expect(p, TOK_LPAREN))
        return false;
    while (!parse_is(p, TOK_RPAREN)) {
        if (m->params && !parse_expect(p, TOK_COMMA))
            return false;
        struct param *one = parse_take(p, sizeof *one);
        if (!one)
            return false;
        one->name = p->cur.text;
        uint32_t at = p->cur.at;
        if (!parse_expect(p, TOK_NAME) || !parse_symbol(p, one->name, &one->sym))
            return false;
        p->t->symbols[one->sym].assigned = true;
        if (parse_skip(p, TOK_ASSIGN)) {
            if (!(one->fallback = parse_expression(p, true)))
                return false;
            optional = true;
        } else if (optional)
            return parse_fail(p, at, "a parameter without default behind one with a default");
        *last = one;
        last = &one->next;
        m->params_n++;
    }
    return parse_expect(p, TOK_RPAREN);
}

static bool parse_macro(struct parser *p, struct node *n, bool call_block) {
    struct macro_node *m = n->macro = parse_take(p, sizeof *m);
    if (!m)
        return false;
    for (uint32_t sym = SYM_CALLER; sym <= SYM_KWARGS; sym++)
        p->t->symbols[sym].assigned = true;
    struct macro_node *outer = p->macro;
    if (!call_block) {
        m->name = p->cur.text;
        if (!parse_expect(p, TOK_NAME) || !parse_symbol(p, m->name, &m->sym))
            return false;
        p->t->symbols[m->sym].assigned = true;
        p->macro = m;
        if (!parse_params(p, m))
            return false;
    } else {
        m->name = SV("caller");
        p->macro = m;
        if (parse_is(p, TOK_LPAREN) && !parse_params(p, m))
            return false;
        p->macro = outer;
        uint32_t at = p->cur.at;
        if (!(m->call = parse_expression(p, true)))
            return false;
        if (m->call->kind != NODE_CALL && m->call->kind != NODE_METHOD)
            return parse_fail(p, at, "expected a call of a macro");
        p->macro = m;
    }
    bool loop = p->uses_loop;
    if (!only_body(p, call_block ? END_ENDCALL : END_ENDMACRO, &m->body))
        return false;
    p->uses_loop = loop || p->uses_loop;
    p->macro = outer;
    /* A name that reaches out of a call block is the outer macro's to have. */
    if (outer && call_block) {
        outer->wants_caller |= m->wants_caller;
        outer->wants_varargs |= m->wants_varargs;
        outer->wants_kwargs |= m->wants_kwargs;
    }
    return true;
}

static bool parse_include(struct parser *p, struct node *n) {
    if (!(n->include.name = parse_expression(p, true)))
        return false;
    if (parse_is_name(p, "ignore")) {
        parse_advance(p);
        n->include.ignore_missing = true;
        if (!parse_expect_name(p, "missing"))
            return false;
    }
    bool without = parse_is_name(p, "without");
    if (without || parse_is_name(p, "with")) {
        parse_advance(p);
        n->include.without_context = without;
        if (!parse_expect_name(p, "context"))
            return false;
    }
    return parse_expect(p, TOK_BLOCK_END);
}

static bool parse_statement(struct parser *p, struct row *row) {
    static const struct {
        const char *word;
        enum node_kind kind;
    } words[] = {{"if", NODE_IF},
                 {"for", NODE_FOR},
                 {"set", NODE_SET},
                 {"with", NODE_WITH},
                 {"macro", NODE_MACRO},
                 {"call", NODE_CALL_BLOCK},
                 {"include", NODE_INCLUDE},
                 {"filter", NODE_FILTER_BLOCK},
                 {"do", NODE_DO}};
    uint32_t at = p->cur.at;
    size_t k = 0;
    while (k < sizeof words / sizeof words[0] && !parse_is_name(p, words[k].word))
        k++;
    if (k == sizeof words / sizeof words[0]) {
        if (p->cur.kind != TOK_NAME)
            return parse_expected(p, "a tag's name");
        return parse_fail(p, at, "there is no tag '%.*s'", SV_FMT(sv_sub(p->cur.text, 0, 60)));
    }
    struct node *n = parse_node(p, words[k].kind, at);
    if (!n)
        return false;
    parse_advance(p);
    row_add(row, n);
    switch ((int)words[k].kind) {
    case NODE_IF: return parse_if(p, n);
    case NODE_FOR: return parse_for(p, n);
    case NODE_SET: return parse_set(p, n);
    case NODE_WITH: return parse_with(p, n);
    case NODE_MACRO: return parse_macro(p, n, false);
    case NODE_CALL_BLOCK: return parse_macro(p, n, true);
    case NODE_INCLUDE: return parse_include(p, n);
    case NODE_FILTER_BLOCK:
        return (n->set.value = parse_filters(p, NULL, true)) && only_body(p, END_ENDFILTER, &n->set.body);
    default: return (n->left = parse_tuple(p, true)) && parse_expect(p, TOK_BLOCK_END);
    }
}

static bool bar_close(struct parser *p, const char *word) {
    return parse_expect_name(p, word) && parse_expect(p, TOK_VAR_END);
}

static bool bar_body(struct parser *p, unsigned ends, struct node **body, unsigned *end) {
    return parse_expect(p, TOK_VAR_END) && parse_body(p, ends, body, end);
}

static bool bar_if(struct parser *p, struct node *n, const char *word) {
    unsigned end;
    for (struct node *branch = n;;) {
        if (!(branch->cond = parse_tuple(p, false)))
            return false;
        if (branch == n && strcmp(word, "unless") == 0) {
            struct node *negated = parse_node(p, NODE_NOT, branch->cond->at);
            if (!negated || !parse_under(p, negated, branch->cond))
                return false;
            negated->left = branch->cond;
            branch->cond = negated;
        }
        if (!bar_body(p, END_BAR_ELSE | END_BAR_CLOSE, &branch->yes, &end))
            return false;
        if (end == END_BAR_CLOSE)
            return bar_close(p, word);
        if (!parse_skip_name(p, "if"))
            return bar_body(p, END_BAR_CLOSE, &branch->no, &end) && bar_close(p, word);
        branch->no = parse_node(p, NODE_IF, p->cur.at);
        if (!branch->no)
            return false;
        branch = branch->no;
    }
}

static bool bar_each(struct parser *p, struct node *n, const char *word) {
    unsigned end;
    if (!(n->loop.iter = parse_tuple(p, false)))
        return false;
    p->t->has_each = true;
    p->each++;
    for (uint32_t sym = SYM_THIS; sym < SYM_FIXED_N; sym++)
        p->t->symbols[sym].assigned = true;
    if (!bar_body(p, END_BAR_ELSE | END_BAR_CLOSE, &n->loop.body, &end))
        return false;
    p->each--;
    if (end == END_BAR_ELSE && !bar_body(p, END_BAR_CLOSE, &n->loop.otherwise, &end))
        return false;
    return bar_close(p, word);
}

/* At the '#' of `{{#if ...}}`. */
static bool parse_bar(struct parser *p, struct row *row) {
    static const char *const words[] = {"if", "unless", "each", "with"};
    parse_advance(p);
    size_t k = 0;
    while (k < 4 && !parse_is_name(p, words[k]))
        k++;
    if (k == 4)
        return parse_expected(p, "if, unless, each or with");
    struct node *n = parse_node(p, k < 2 ? NODE_IF : NODE_EACH, p->cur.at);
    if (!n)
        return false;
    parse_advance(p);
    row_add(row, n);
    if (k < 2)
        return bar_if(p, n, words[k]);
    n->loop.with = k == 3;
    return bar_each(p, n, words[k]);
}

bool parse_template(struct parser *p) {
    static const char *const fixed[SYM_FIXED_N] = {
        [SYM_LOOP] = "loop",     [SYM_CALLER] = "caller",   [SYM_VARARGS] = "varargs",
        [SYM_KWARGS] = "kwargs", [SYM_THIS] = "this",       [SYM_AT_INDEX] = "@index",
        [SYM_AT_KEY] = "@key",   [SYM_AT_FIRST] = "@first", [SYM_AT_LAST] = "@last"};
    uint32_t sym;
    for (size_t i = 0; i < SYM_FIXED_N; i++)
        if (!parse_symbol(p, sv_of(fixed[i]), &sym))
            return false;
    lex_init(&p->lex, p->t->source, &p->t->options, &p->t->arena);
    parse_advance(p);
    unsigned end;
    return parse_body(p, END_EOF, &p->t->body, &end);
}
