/* parse: source to tree. The one writer of a struct template's nodes; used by template_compile alone. */
#ifndef HY_TEXT_TEMPLATE_PARSE_H
#define HY_TEXT_TEMPLATE_PARSE_H

#include "text/template/ast.h"
#include "text/template/lex.h"

enum {
    PARSE_HEIGHT_MAX = 200, /* levels in one expression */
    PARSE_BLOCKS_MAX = 100, /* blocks inside blocks */
};

struct parser {
    struct template *t;
    struct lexer lex;
    struct token cur, ahead;
    bool has_ahead;
    struct err *err;
    bool failed;
    unsigned depth, blocks, each;
    uint32_t symbols_cap;
    uint32_t *symbol_index; /* open addressing, symbol number + 1; in the template's arena */
    size_t symbol_index_n;
    struct macro_node *macro; /* being read; NULL outside */
    bool uses_loop;           /* the name loop was read in the body at hand */
};

/* Reads the whole source; false with e filled. */
bool parse_template(struct parser *p);

/* For parse_*.c. Each returns NULL or false after parse_fail. */
bool parse_fail(struct parser *p, uint32_t at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void parse_advance(struct parser *p);
const struct token *parse_ahead(struct parser *p);
bool parse_is(const struct parser *p, enum tok kind);
bool parse_is_name(const struct parser *p, const char *word);
bool parse_skip(struct parser *p, enum tok kind);         /* true when it was there */
bool parse_skip_name(struct parser *p, const char *word); /* true when it was there */
bool parse_expect(struct parser *p, enum tok kind);
bool parse_expect_name(struct parser *p, const char *word);
bool parse_expected(struct parser *p, const char *what); /* "expected WHAT, found ..." */
void *parse_take(struct parser *p, size_t n);            /* zeroed, of the template's arena */
struct node *parse_node(struct parser *p, enum node_kind kind, uint32_t at);
/* Records that child stands under n; fails when the tree grows too high. Children may be NULL. */
bool parse_under(struct parser *p, struct node *n, const struct node *child);
bool parse_symbol(struct parser *p, struct sv name, uint32_t *sym);

struct node *parse_expression(struct parser *p, bool with_cond);
/* An expression, or a tuple of them without brackets. */
struct node *parse_tuple(struct parser *p, bool with_cond);
struct node *parse_primary(struct parser *p);
struct node *parse_call(struct parser *p, struct node *callee); /* at '(' */
struct node *parse_postfix(struct parser *p, struct node *n);
/* A chain of filters, the first without its '|', over what stands before (NULL). */
struct node *parse_filters(struct parser *p, struct node *subject, bool first_bare);
bool parse_args(struct parser *p, struct node *owner, struct args_node *args); /* at '(' */
/* Names a for, set or with may bind. */
struct node *parse_target(struct parser *p, bool with_attr);

/* Appends to a row. */
struct row {
    struct node *first, **end;
};
void row_init(struct row *r);
void row_add(struct row *r, struct node *n);

#endif
