#include "text/template/builtin.h"
#include "text/template/parse.h"

#include <string.h>

static struct node *parse_or(struct parser *p);
static struct node *parse_unary(struct parser *p, bool with_filter);

static struct node *binary(struct parser *p, enum node_kind kind, enum op op, uint32_t at, struct node *left,
                           struct node *right) {
    struct node *n = left && right ? parse_node(p, kind, at) : NULL;
    if (!n || !parse_under(p, n, left) || !parse_under(p, n, right))
        return NULL;
    n->op = (uint8_t)op;
    n->left = left;
    n->right = right;
    return n;
}

struct node *parse_expression(struct parser *p, bool with_cond) {
    if (p->depth >= PARSE_HEIGHT_MAX / 2) {
        parse_fail(p, p->cur.at, "the expression is nested deeper than %d levels", PARSE_HEIGHT_MAX / 2);
        return NULL;
    }
    p->depth++;
    struct node *n = parse_or(p);
    while (n && with_cond && parse_is_name(p, "if")) {
        struct node *cond = parse_node(p, NODE_COND, p->cur.at);
        if (!cond)
            return NULL;
        parse_advance(p);
        cond->yes = n;
        cond->cond = parse_or(p);
        cond->no = NULL;
        if (!cond->cond || (parse_skip_name(p, "else") && !(cond->no = parse_expression(p, true))))
            return NULL;
        if (!parse_under(p, cond, n) || !parse_under(p, cond, cond->cond) || !parse_under(p, cond, cond->no))
            return NULL;
        n = cond;
    }
    p->depth--;
    return n;
}

static struct node *parse_not(struct parser *p);

static struct node *parse_and(struct parser *p) {
    struct node *n = parse_not(p);
    while (n && parse_is_name(p, "and")) {
        uint32_t at = p->cur.at;
        parse_advance(p);
        n = binary(p, NODE_AND, 0, at, n, parse_not(p));
    }
    return n;
}

static struct node *parse_or(struct parser *p) {
    struct node *n = parse_and(p);
    while (n && parse_is_name(p, "or")) {
        uint32_t at = p->cur.at;
        parse_advance(p);
        n = binary(p, NODE_OR, 0, at, n, parse_and(p));
    }
    return n;
}

static struct node *parse_pow(struct parser *p) {
    struct node *n = parse_unary(p, true);
    while (n && parse_is(p, TOK_POW)) {
        uint32_t at = p->cur.at;
        parse_advance(p);
        n = binary(p, NODE_BINARY, OP_POW, at, n, parse_unary(p, true));
    }
    return n;
}

static struct node *parse_term(struct parser *p) {
    struct node *n = parse_pow(p);
    for (;;) {
        uint32_t at = p->cur.at;
        enum op op = parse_is(p, TOK_MUL)        ? OP_MUL
                     : parse_is(p, TOK_DIV)      ? OP_DIV
                     : parse_is(p, TOK_FLOORDIV) ? OP_FLOORDIV
                                                 : OP_MOD;
        if (!n || (op == OP_MOD && !parse_is(p, TOK_MOD)))
            return n;
        parse_advance(p);
        n = binary(p, NODE_BINARY, op, at, n, parse_pow(p));
    }
}

static struct node *parse_concat(struct parser *p) {
    struct node *first = parse_term(p);
    if (!first || !parse_is(p, TOK_TILDE))
        return first;
    struct node *n = parse_node(p, NODE_CONCAT, p->cur.at);
    if (!n)
        return NULL;
    struct row row;
    row_init(&row);
    for (struct node *item = first;;) {
        if (!item || !parse_under(p, n, item))
            return NULL;
        row_add(&row, item);
        if (!parse_skip(p, TOK_TILDE))
            break;
        item = parse_term(p);
    }
    n->items = row.first;
    return n;
}

static struct node *parse_sum(struct parser *p) {
    struct node *n = parse_concat(p);
    while (n && (parse_is(p, TOK_ADD) || parse_is(p, TOK_SUB))) {
        uint32_t at = p->cur.at;
        enum op op = parse_is(p, TOK_ADD) ? OP_ADD : OP_SUB;
        parse_advance(p);
        n = binary(p, NODE_BINARY, op, at, n, parse_concat(p));
    }
    return n;
}

static bool compare_op(struct parser *p, enum op *op) {
    static const struct {
        enum tok tok;
        enum op op;
    } ops[] = {{TOK_EQ, OP_EQ}, {TOK_NE, OP_NE}, {TOK_LT, OP_LT},
               {TOK_LE, OP_LE}, {TOK_GT, OP_GT}, {TOK_GE, OP_GE}};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (parse_is(p, ops[i].tok)) {
            *op = ops[i].op;
            return true;
        }
    if (parse_is_name(p, "in")) {
        *op = OP_IN;
        return true;
    }
    if (parse_is_name(p, "not")) {
        const struct token *ahead = parse_ahead(p);
        if (ahead->kind == TOK_NAME && sv_eq(ahead->text, SV("in"))) {
            parse_advance(p);
            *op = OP_NOT_IN;
            return true;
        }
    }
    return false;
}

static struct node *parse_compare(struct parser *p) {
    uint32_t at = p->cur.at;
    struct node *first = parse_sum(p);
    enum op op;
    if (!first || !compare_op(p, &op))
        return first;
    struct node *n = parse_node(p, NODE_COMPARE, at);
    if (!n || !parse_under(p, n, first))
        return NULL;
    struct row row;
    row_init(&row);
    row_add(&row, first);
    do {
        parse_advance(p);
        struct node *item = parse_sum(p);
        if (!item || !parse_under(p, n, item))
            return NULL;
        /* The operand may be a node whose own op is in use: a wrapper carries the comparison's. */
        struct node *with = parse_node(p, NODE_POS, item->at);
        if (!with)
            return NULL;
        with->op = (uint8_t)op;
        with->left = item;
        row_add(&row, with);
    } while (compare_op(p, &op));
    n->items = row.first;
    return n;
}

static struct node *parse_not(struct parser *p) {
    if (!parse_is_name(p, "not"))
        return parse_compare(p);
    struct node *n = parse_node(p, NODE_NOT, p->cur.at);
    if (!n)
        return NULL;
    parse_advance(p);
    if (p->depth++ >= PARSE_HEIGHT_MAX / 2) {
        parse_fail(p, n->at, "the expression is nested deeper than %d levels", PARSE_HEIGHT_MAX / 2);
        return NULL;
    }
    n->left = parse_not(p);
    p->depth--;
    return n->left && parse_under(p, n, n->left) ? n : NULL;
}

static struct node *parse_unary(struct parser *p, bool with_filter) {
    struct node *n;
    if (parse_is(p, TOK_SUB) || parse_is(p, TOK_ADD)) {
        n = parse_node(p, parse_is(p, TOK_SUB) ? NODE_NEG : NODE_POS, p->cur.at);
        if (!n)
            return NULL;
        parse_advance(p);
        if (p->depth++ >= PARSE_HEIGHT_MAX / 2) {
            parse_fail(p, n->at, "the expression is nested deeper than %d levels", PARSE_HEIGHT_MAX / 2);
            return NULL;
        }
        n->left = parse_unary(p, false);
        p->depth--;
        if (!n->left || !parse_under(p, n, n->left))
            return NULL;
    } else
        n = parse_primary(p);
    n = n ? parse_postfix(p, n) : NULL;
    return n && with_filter ? parse_filters(p, n, false) : n;
}

/* name(.name)* as filters and tests may be called. */
static bool dotted_name(struct parser *p, struct sv *name) {
    *name = p->cur.text;
    if (!parse_expect(p, TOK_NAME))
        return false;
    while (parse_is(p, TOK_DOT)) {
        parse_advance(p);
        struct sv part = p->cur.text;
        if (!parse_expect(p, TOK_NAME))
            return false;
        name->n = (size_t)(part.p + part.n - name->p);
    }
    return true;
}

static struct node *parse_filter(struct parser *p, struct node *subject) {
    uint32_t at = p->cur.at;
    struct sv name;
    struct node *n = parse_node(p, NODE_FILTER, at);
    if (!n || !parse_under(p, n, subject) || !dotted_name(p, &name))
        return NULL;
    n->subject = subject;
    n->negated = false;
    n->fargs = (struct args_node){0};
    if (!(n->filter = filter_find(name))) {
        parse_fail(p, at, "there is no filter '%.*s'", SV_FMT(sv_sub(name, 0, 60)));
        return NULL;
    }
    return parse_is(p, TOK_LPAREN) && !parse_args(p, n, &n->fargs) ? NULL : n;
}

static bool test_arg_begins(const struct parser *p) {
    if (parse_is_name(p, "else") || parse_is_name(p, "or") || parse_is_name(p, "and"))
        return false;
    return parse_is(p, TOK_NAME) || parse_is(p, TOK_STRING) || parse_is(p, TOK_INT) ||
           parse_is(p, TOK_FLOAT) || parse_is(p, TOK_LPAREN) || parse_is(p, TOK_LBRACKET) ||
           parse_is(p, TOK_LBRACE);
}

static struct node *parse_test(struct parser *p, struct node *subject) {
    uint32_t at = p->cur.at;
    struct sv name;
    struct node *n = parse_node(p, NODE_TEST, at);
    parse_advance(p);
    if (!n || !parse_under(p, n, subject))
        return NULL;
    n->subject = subject;
    n->fargs = (struct args_node){0};
    n->negated = parse_skip_name(p, "not");
    if (!dotted_name(p, &name))
        return NULL;
    if (!(n->test = test_find(name))) {
        parse_fail(p, at, "there is no test '%.*s'", SV_FMT(sv_sub(name, 0, 60)));
        return NULL;
    }
    if (parse_is(p, TOK_LPAREN))
        return parse_args(p, n, &n->fargs) ? n : NULL;
    if (!test_arg_begins(p))
        return n;
    if (parse_is_name(p, "is")) {
        parse_fail(p, p->cur.at, "tests cannot be chained with 'is'");
        return NULL;
    }
    if (p->depth++ >= PARSE_HEIGHT_MAX / 2) {
        parse_fail(p, n->at, "the expression is nested deeper than %d levels", PARSE_HEIGHT_MAX / 2);
        return NULL;
    }
    struct node *arg = parse_primary(p);
    arg = arg ? parse_postfix(p, arg) : NULL;
    p->depth--;
    n->fargs.pos = arg;
    return arg && parse_under(p, n, arg) ? n : NULL;
}

struct node *parse_filters(struct parser *p, struct node *n, bool first_bare) {
    if (first_bare && !(n = parse_filter(p, n)))
        return NULL;
    for (;;) {
        if (parse_skip(p, TOK_PIPE))
            n = parse_filter(p, n);
        else if (n && parse_is_name(p, "is"))
            n = parse_test(p, n);
        else if (n && parse_is(p, TOK_LPAREN))
            n = parse_call(p, n);
        else
            return n;
        if (!n)
            return NULL;
    }
}
