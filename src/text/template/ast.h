/* ast: the compiled form of a template: a tree of nodes in the template's arena, never changed after
 * template_compile. Children of one node that form a row (a body, the arguments of a call, the items of a
 * list) are linked by next. Every node knows where in the source it began; lines and columns are counted only
 * when an error is written.
 */
#ifndef HY_TEXT_TEMPLATE_AST_H
#define HY_TEXT_TEMPLATE_AST_H

#include "base/arena.h"
#include "text/template/template.h"
#include "text/template/value.h"

enum node_kind {
    /* expressions */
    NODE_CONST,
    NODE_NAME,
    NODE_LIST,
    NODE_TUPLE,
    NODE_DICT, /* items: key, value, key, value */
    NODE_ATTR,
    NODE_ITEM,
    NODE_SLICE, /* only as the index of an item */
    NODE_CALL,
    NODE_METHOD,
    NODE_FILTER,
    NODE_TEST,
    NODE_NEG,
    NODE_POS,
    NODE_NOT,
    NODE_BINARY,
    NODE_CONCAT,
    NODE_COMPARE, /* items: first operand, then one for each op */
    NODE_AND,
    NODE_OR,
    NODE_COND,
    /* statements */
    NODE_TEXT,
    NODE_PRINT,
    NODE_IF,
    NODE_FOR,
    NODE_EACH, /* Handlebars' each and with */
    NODE_SET,
    NODE_SET_BLOCK,
    NODE_WITH,
    NODE_FILTER_BLOCK,
    NODE_MACRO,
    NODE_CALL_BLOCK,
    NODE_INCLUDE,
    NODE_DO,
};

enum op {
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_FLOORDIV,
    OP_MOD,
    OP_POW,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_IN,
    OP_NOT_IN
};

struct filter;
struct test;

struct args_node {
    struct node *pos; /* a row of expressions */
    struct node *kw;  /* a row of expressions whose kw_name is set */
    struct node *star, *star_star;
};

struct node {
    uint8_t kind;    /* enum node_kind */
    uint8_t op;      /* enum op, of NODE_BINARY, and of operands of NODE_COMPARE but the first */
    uint16_t height; /* levels of nodes below, this one included */
    uint32_t at;     /* byte offset in the source */
    struct node *next;
    struct sv kw_name; /* as argument or macro parameter */
    union {
        struct value constant;
        struct sv text;
        uint32_t sym;       /* NODE_NAME */
        struct node *items; /* list, tuple, dict, concat, compare */
        struct {
            struct node *left, *right; /* binary, and, or; unary has left only; print, do: left */
        };
        struct {
            struct node *cond, *yes, *no; /* NODE_COND: no may be NULL; NODE_IF: yes and no are bodies */
        };
        struct {
            struct node *object;
            union {
                struct sv name; /* attr, method */
                struct node *index;
            };
            struct args_node args; /* call, method */
        };
        struct {
            struct node *start, *stop, *step;
        };
        struct {
            struct node *subject; /* NULL in filter blocks: what came before */
            union {
                const struct filter *filter;
                const struct test *test;
            };
            struct args_node fargs;
            bool negated; /* `is not` */
        };
        struct {
            struct node *target; /* NODE_NAME, NODE_TUPLE of them, or NODE_ATTR of a NODE_NAME (namespace) */
            struct node *iter;
            struct node *guard; /* may be NULL */
            struct node *body, *otherwise;
            bool recursive;
            bool uses_loop;
            bool with; /* NODE_EACH: Handlebars' with */
        } loop;
        struct {
            struct node *target;
            struct node *value; /* set: the value; set block and filter block: filters, or NULL */
            struct node *body;
        } set;
        struct {
            struct node *targets, *values, *body;
        } with;
        struct macro_node *macro; /* NODE_MACRO and NODE_CALL_BLOCK */
        struct {
            struct node *name;
            bool ignore_missing, without_context;
        } include;
    };
};

struct param {
    struct param *next;
    uint32_t sym;
    struct sv name;
    struct node *fallback; /* NULL: undefined when not given */
};

struct macro_node {
    uint32_t sym;
    struct sv name;
    struct param *params;
    uint32_t params_n;
    bool wants_varargs, wants_kwargs, wants_caller;
    struct node *body;
    struct node *call; /* of a call block: NODE_CALL or NODE_METHOD */
};

struct symbol {
    struct sv name;
    bool assigned;  /* some statement of this template may bind it */
    bool outside;   /* listed in variables */
    uint8_t global; /* enum global, 0 for none */
};

struct template {
    struct arena arena; /* owns all below, and this struct's pointers */
    struct sv name, source;
    struct template_options options;
    struct node *body;
    struct symbol *symbols;
    uint32_t symbols_n;
    struct template_variable *variables;
    size_t variables_n;
    struct sv *includes; /* names written out */
    size_t includes_n, includes_cap;
    bool has_each; /* bare names may be fields of an item */
};

/* Names every template has, in this order, so that their numbers are known. */
enum {
    SYM_LOOP,
    SYM_CALLER,
    SYM_VARARGS,
    SYM_KWARGS,
    SYM_THIS,
    SYM_AT_INDEX,
    SYM_AT_KEY,
    SYM_AT_FIRST,
    SYM_AT_LAST,
    SYM_FIXED_N
};

/* Line and column (in code points, both from 1) of a byte offset. */
void template_locate(const struct template *t, uint32_t at, unsigned *line, unsigned *column);

/* Fills variables from the tree. False when memory is short. */
bool template_analyse(struct template *t);

#endif
