/* rt: one render in progress: its memory, its output, its scopes and what is left of its limits.
 *
 * Every function that can fail returns false after one call of rt_fail (or of something that called it); the
 * first failure stays. Values handed out live until the render ends.
 */
#ifndef HY_TEXT_TEMPLATE_RT_H
#define HY_TEXT_TEMPLATE_RT_H

#include "text/template/ast.h"

struct binding {
    struct binding *next;
    uint32_t sym;
    struct value value;
};

struct scope {
    struct scope *parent;
    const struct template *owner; /* whose symbols the bindings name */
    struct binding *bindings;
    struct value item; /* Handlebars: bare names are its fields; VALUE_MISSING otherwise */
};

struct macro {
    const struct macro_node *node;
    const struct template *owner;
    struct scope *scope; /* where it was defined */
};

struct loop {
    struct value items; /* a sequence */
    struct value changed;
    size_t at, n;
    unsigned nesting;
    const struct node *node;
    struct scope *scope;
};

struct rt {
    const struct template *tmpl;
    const json_t *vars;
    const struct template_limits *limits;
    struct buf *out;
    struct err *err;
    const struct node *at; /* what is being run, for error texts */
    struct scope *scope;
    uint64_t steps_left;
    unsigned depth;
    unsigned catches; /* how many rt_catch are open: out is then not the caller's */
    size_t held;      /* bytes caught by all of them but the innermost */
    bool dynamic;     /* inside an include: any name may be bound by the includer */
    bool failed;
    struct arena arena;
    struct scope root;
};

/* Says where, and returns false. */
bool rt_fail(struct rt *rt, enum err_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The template cannot be run with these values. */
#define rt_error(rt, ...) rt_fail((rt), ERR_UNPROCESSABLE, __VA_ARGS__)
/* An undefined was used where a value is needed. */
bool rt_undefined(struct rt *rt, struct value v);
/* True, or fails when v is undefined and undefined is strict. */
bool rt_lenient(struct rt *rt, struct value v);

/* Counts work of about this many list items or 32 times as many bytes. */
bool rt_charge(struct rt *rt, size_t work);
bool rt_enter(struct rt *rt); /* one level deeper; when true, rt_leave must follow */
static inline void rt_leave(struct rt *rt) {
    rt->depth--;
}

void *rt_alloc(struct rt *rt, size_t n); /* NULL after a failure */
size_t rt_memory_left(const struct rt *rt);
bool rt_str(struct rt *rt, struct sv v, struct value *out); /* a copy */
/* The content of a scratch buffer, copied; fails when it overflowed. */
bool rt_str_of(struct rt *rt, const struct buf *b, struct value *out);
/* A scratch buffer for text on its way to rt_str_of. */
#define RT_SCRATCH(rt) BUF_INIT(rt_memory_left(rt))

bool rt_emit(struct rt *rt, struct sv text);

/* Sends the output to text (which it sets up) until rt_catch_end, which is given what rt_catch returned. What
 * all open ones hold together is bounded by the memory left. */
struct buf *rt_catch(struct rt *rt, struct buf *text);
void rt_catch_end(struct rt *rt, struct buf *outer);

/* Scopes. */
struct scope *rt_scope_push(struct rt *rt, struct scope *parent); /* becomes current; NULL after a failure */
bool rt_bind(struct rt *rt, struct scope *scope, uint32_t sym, struct value v);
struct value rt_lookup(struct rt *rt, uint32_t sym);

/* eval.c */
bool rt_eval(struct rt *rt, const struct node *n, struct value *out);
bool rt_eval_filter(struct rt *rt, const struct node *n, struct value in, struct value *out);
/* The call of a call block, with its caller. */
bool rt_eval_call_block(struct rt *rt, const struct node *n, struct value caller, struct value *out);

/* exec.c */
bool rt_exec(struct rt *rt, const struct node *body);
/* Runs body with its output caught as a string. */
bool rt_capture(struct rt *rt, const struct node *body, struct value *out);
bool rt_assign(struct rt *rt, const struct node *target, struct value v);
bool rt_exec_loop(struct rt *rt, const struct node *n, struct scope *outer, struct value items,
                  unsigned nesting);

#endif
