/* parse_atom: what operators stand between: names, literals, brackets, attributes, calls; and the targets of
 * assignments.
 */
#include "text/template/parse.h"

#include <string.h>

static struct node *constant(struct parser *p, uint32_t at, struct value v) {
    struct node *n = parse_node(p, NODE_CONST, at);
    if (n)
        n->constant = v;
    return n;
}

static struct node *parse_name(struct parser *p) {
    static const struct {
        const char *word;
        uint8_t kind;
        bool b;
    } words[] = {{"true", VALUE_BOOL, true},   {"True", VALUE_BOOL, true},  {"false", VALUE_BOOL, false},
                 {"False", VALUE_BOOL, false}, {"none", VALUE_NONE, false}, {"None", VALUE_NONE, false}};
    struct token name = p->cur;
    parse_advance(p);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (sv_eq(name.text, sv_of(words[i].word)))
            return constant(p, name.at,
                            words[i].kind == VALUE_BOOL ? value_bool(words[i].b) : VALUE_OF(VALUE_NONE));
    struct node *n = parse_node(p, NODE_NAME, name.at);
    if (!n || !parse_symbol(p, name.text, &n->sym))
        return NULL;
    p->uses_loop |= n->sym == SYM_LOOP;
    if (p->macro) {
        p->macro->wants_caller |= n->sym == SYM_CALLER;
        p->macro->wants_varargs |= n->sym == SYM_VARARGS;
        p->macro->wants_kwargs |= n->sym == SYM_KWARGS;
    }
    return n;
}

static struct node *parse_string(struct parser *p) {
    uint32_t at = p->cur.at;
    struct sv text = p->cur.text;
    parse_advance(p);
    if (!parse_is(p, TOK_STRING))
        return constant(p, at, value_str(text));
    BUF_AUTO struct buf b = BUF_INIT(TEMPLATE_SOURCE_BYTES_MAX);
    buf_add(&b, text);
    for (; parse_is(p, TOK_STRING); parse_advance(p))
        buf_add(&b, p->cur.text);
    text = arena_dup(&p->t->arena, buf_sv(&b));
    if (!text.p) {
        parse_fail(p, at, "out of memory");
        return NULL;
    }
    return constant(p, at, value_str(text));
}

/* Items up to `end`, a trailing comma allowed; pairs with ':' between for a dict. */
static struct node *parse_items(struct parser *p, enum node_kind kind, enum tok end) {
    struct node *n = parse_node(p, kind, p->cur.at);
    struct row row;
    row_init(&row);
    if (!n)
        return NULL;
    parse_advance(p);
    while (!parse_is(p, end)) {
        if (row.first && !parse_expect(p, TOK_COMMA))
            return NULL;
        if (parse_is(p, end))
            break;
        struct node *item = parse_expression(p, true);
        if (!item || !parse_under(p, n, item))
            return NULL;
        row_add(&row, item);
        if (kind != NODE_DICT)
            continue;
        if (!parse_expect(p, TOK_COLON) || !(item = parse_expression(p, true)) || !parse_under(p, n, item))
            return NULL;
        row_add(&row, item);
    }
    n->items = row.first;
    return parse_expect(p, end) ? n : NULL;
}

static bool tuple_end(const struct parser *p) {
    return parse_is(p, TOK_VAR_END) || parse_is(p, TOK_BLOCK_END) || parse_is(p, TOK_RPAREN);
}

static struct node *tuple_items(struct parser *p, bool with_cond, bool empty_ok) {
    uint32_t at = p->cur.at;
    struct node *first = NULL, *n = NULL;
    struct row row;
    row_init(&row);
    while (!tuple_end(p)) {
        struct node *item = parse_expression(p, with_cond);
        if (!item)
            return NULL;
        if (!first)
            first = item;
        if (n && !parse_under(p, n, item))
            return NULL;
        row_add(&row, item);
        if (!parse_is(p, TOK_COMMA))
            break;
        if (!n && (!(n = parse_node(p, NODE_TUPLE, at)) || !parse_under(p, n, item)))
            return NULL;
        parse_advance(p);
    }
    if (!first && !empty_ok) {
        parse_fail(p, p->cur.at, "expected an expression, found %s", tok_name(p->cur.kind));
        return NULL;
    }
    if (first && !n)
        return first;
    if (!n)
        n = parse_node(p, NODE_TUPLE, at);
    if (n)
        n->items = row.first;
    return n;
}

struct node *parse_tuple(struct parser *p, bool with_cond) {
    return tuple_items(p, with_cond, false);
}

struct node *parse_primary(struct parser *p) {
    struct token t = p->cur;
    struct node *n;
    switch ((int)t.kind) {
    case TOK_NAME: return parse_name(p);
    case TOK_STRING: return parse_string(p);
    case TOK_INT: parse_advance(p); return constant(p, t.at, value_int(t.i));
    case TOK_FLOAT: parse_advance(p); return constant(p, t.at, value_float(t.f));
    case TOK_LPAREN:
        parse_advance(p);
        n = tuple_items(p, true, true);
        return n && parse_expect(p, TOK_RPAREN) ? n : NULL;
    case TOK_LBRACKET: return parse_items(p, NODE_LIST, TOK_RBRACKET);
    case TOK_LBRACE: return parse_items(p, NODE_DICT, TOK_RBRACE);
    case TOK_AT:
        if (p->each) {
            parse_advance(p);
            static const struct {
                const char *word;
                uint32_t sym;
            } data[] = {
                {"index", SYM_AT_INDEX}, {"key", SYM_AT_KEY}, {"first", SYM_AT_FIRST}, {"last", SYM_AT_LAST}};
            for (size_t i = 0; i < sizeof data / sizeof data[0]; i++)
                if (parse_skip_name(p, data[i].word)) {
                    if ((n = parse_node(p, NODE_NAME, t.at)))
                        n->sym = data[i].sym;
                    return n;
                }
            parse_fail(p, t.at, "expected @index, @key, @first or @last");
            return NULL;
        }
        break;
    default: break;
    }
    parse_fail(p, t.at, "expected an expression, found %s", tok_name(t.kind));
    return NULL;
}

static struct node *parse_subscript(struct parser *p, struct node *object) {
    struct node *n = parse_node(p, NODE_ITEM, p->cur.at);
    if (!n || !parse_under(p, n, object))
        return NULL;
    parse_advance(p);
    n->object = object;
    struct node *part[3] = {NULL, NULL, NULL};
    size_t k = 0;
    for (bool more = true; more && k < 3; k++) {
        if (!parse_is(p, TOK_COLON) && !parse_is(p, TOK_RBRACKET) &&
            (!(part[k] = parse_expression(p, true)) || !parse_under(p, n, part[k])))
            return NULL;
        more = parse_skip(p, TOK_COLON);
    }
    if (k == 1 && !part[0]) {
        parse_fail(p, p->cur.at, "expected an expression, found %s", tok_name(p->cur.kind));
        return NULL;
    }
    n->index = part[0];
    if (k > 1) {
        if (!(n->index = parse_node(p, NODE_SLICE, n->at)))
            return NULL;
        n->index->start = part[0];
        n->index->stop = part[1];
        n->index->step = part[2];
    } else if (parse_is(p, TOK_COMMA)) {
        struct node *tuple = parse_node(p, NODE_TUPLE, n->at);
        struct row row;
        row_init(&row);
        row_add(&row, part[0]);
        while (tuple && parse_skip(p, TOK_COMMA) && !parse_is(p, TOK_RBRACKET)) {
            struct node *item = parse_expression(p, true);
            if (!item || !parse_under(p, n, item))
                return NULL;
            row_add(&row, item);
        }
        if (!tuple)
            return NULL;
        tuple->items = row.first;
        n->index = tuple;
    }
    return parse_expect(p, TOK_RBRACKET) ? n : NULL;
}

static struct node *parse_dot(struct parser *p, struct node *object) {
    struct node *n = parse_node(p, NODE_ATTR, p->cur.at);
    parse_advance(p);
    if (!n || !parse_under(p, n, object))
        return NULL;
    n->object = object;
    if (parse_is(p, TOK_INT)) {
        n->kind = NODE_ITEM;
        n->index = constant(p, p->cur.at, value_int(p->cur.i));
        parse_advance(p);
        return n->index ? n : NULL;
    }
    n->name = p->cur.text;
    return parse_expect(p, TOK_NAME) ? n : NULL;
}

struct node *parse_call(struct parser *p, struct node *callee) {
    struct node *n = callee;
    if (callee->kind == NODE_ATTR)
        n->kind = NODE_METHOD;
    else {
        n = parse_node(p, NODE_CALL, callee->at);
        if (!n || !parse_under(p, n, callee))
            return NULL;
        n->object = callee;
    }
    return parse_args(p, n, &n->args) ? n : NULL;
}

struct node *parse_postfix(struct parser *p, struct node *n) {
    while (n) {
        if (parse_is(p, TOK_DOT))
            n = parse_dot(p, n);
        else if (parse_is(p, TOK_LBRACKET))
            n = parse_subscript(p, n);
        else if (parse_is(p, TOK_LPAREN))
            n = parse_call(p, n);
        else
            break;
    }
    return n;
}

bool parse_args(struct parser *p, struct node *owner, struct args_node *args) {
    struct row pos, kw;
    row_init(&pos);
    row_init(&kw);
    *args = (struct args_node){0};
    if (!parse_expect(p, TOK_LPAREN))
        return false;
    for (bool some = false; !parse_is(p, TOK_RPAREN); some = true) {
        if (some && !parse_expect(p, TOK_COMMA))
            return false;
        if (parse_is(p, TOK_RPAREN))
            break;
        struct token t = p->cur;
        struct node *item;
        struct node **into = parse_is(p, TOK_MUL)   ? &args->star
                             : parse_is(p, TOK_POW) ? &args->star_star
                                                    : NULL;
        bool named = t.kind == TOK_NAME && parse_ahead(p)->kind == TOK_ASSIGN;
        if (into || named)
            parse_advance(p);
        if (named)
            parse_advance(p);
        if ((into && *into) || (!named && into != &args->star_star && args->star_star) ||
            (!named && !into && (kw.first || args->star)))
            return parse_fail(p, t.at, "this argument stands in the wrong place");
        if (!(item = parse_expression(p, true)) || !parse_under(p, owner, item))
            return false;
        if (into)
            *into = item;
        else if (named) {
            item->kw_name = t.text;
            row_add(&kw, item);
        } else
            row_add(&pos, item);
    }
    args->pos = pos.first;
    args->kw = kw.first;
    return parse_expect(p, TOK_RPAREN);
}

struct node *parse_target(struct parser *p, bool with_attr) {
    uint32_t at = p->cur.at;
    struct row row;
    row_init(&row);
    bool tuple = false, brackets = parse_skip(p, TOK_LPAREN);
    do {
        struct node *n;
        if (row.first && ((!parse_is(p, TOK_NAME) && !parse_is(p, TOK_LPAREN)) || parse_is_name(p, "in")))
            break; /* a trailing comma */
        if (parse_is(p, TOK_LPAREN)) {
            if (p->depth >= PARSE_HEIGHT_MAX / 2) {
                parse_fail(p, at, "nested deeper than %d levels", PARSE_HEIGHT_MAX / 2);
                return NULL;
            }
            p->depth++;
            n = parse_target(p, false);
            p->depth--;
        } else {
            struct sv name = p->cur.text;
            n = parse_node(p, NODE_NAME, p->cur.at);
            static const char *const taken[] = {"true", "false", "none", "True", "False", "None"};
            for (size_t i = 0; i < 6; i++)
                if (parse_is_name(p, taken[i]))
                    parse_fail(p, p->cur.at, "'%s' cannot be assigned to", taken[i]);
            if (!parse_expect(p, TOK_NAME) || !n || !parse_symbol(p, name, &n->sym))
                return NULL;
            if (with_attr && !row.first && parse_is(p, TOK_DOT))
                return parse_dot(p, n);
            p->t->symbols[n->sym].assigned = true;
        }
        if (!n)
            return NULL;
        row_add(&row, n);
        tuple |= parse_is(p, TOK_COMMA);
    } while (parse_skip(p, TOK_COMMA));
    if (brackets && !parse_expect(p, TOK_RPAREN))
        return NULL;
    if (!tuple)
        return row.first;
    struct node *n = parse_node(p, NODE_TUPLE, at);
    if (n)
        n->items = row.first;
    return n;
}
