/* Which variables a template reads from outside: a walk over the tree with the names bound so far. */
#include "text/template/builtin.h"

#include <string.h>

/* A name bound where the walk stands. */
struct known {
    const struct known *before;
    uint32_t sym;
};

struct walk {
    struct template *t;
    struct arena scratch;
    const struct known *known;
    const struct node *defaulted; /* the name that stands behind `default` or `is defined` */
    uint32_t *bound;              /* by symbol: how often it is known */
    uint8_t *seen;                /* by symbol: 0 not read, 1 read behind a default, 2 read */
    uint32_t *order;
    size_t order_n;
    bool failed;
};

static void expr(struct walk *w, const struct node *n);
static void body(struct walk *w, const struct node *n);

static void know(struct walk *w, uint32_t sym) {
    struct known *k = arena_alloc(&w->scratch, sizeof *k);
    if (!k) {
        w->failed = true;
        return;
    }
    *k = (struct known){.before = w->known, .sym = sym};
    w->known = k;
    w->bound[sym]++;
}

static void forget(struct walk *w, const struct known *before) {
    for (; w->known != before; w->known = w->known->before)
        w->bound[w->known->sym]--;
}

static void read_name(struct walk *w, const struct node *n) {
    const struct symbol *s = &w->t->symbols[n->sym];
    if (s->global || w->bound[n->sym])
        return;
    if (!w->seen[n->sym])
        w->order[w->order_n++] = n->sym;
    uint8_t use = w->defaulted == n ? 1 : 2;
    if (use > w->seen[n->sym])
        w->seen[n->sym] = use;
}

static void row(struct walk *w, const struct node *n) {
    for (; n; n = n->next)
        expr(w, n);
}

static void args(struct walk *w, const struct args_node *a) {
    row(w, a->pos);
    row(w, a->kw);
    if (a->star)
        expr(w, a->star);
    if (a->star_star)
        expr(w, a->star_star);
}

static bool is_default(const char *name) {
    return strcmp(name, "default") == 0 || strcmp(name, "d") == 0 || strcmp(name, "defined") == 0 ||
           strcmp(name, "undefined") == 0;
}

static void expr(struct walk *w, const struct node *n) {
    switch ((int)n->kind) {
    case NODE_NAME: read_name(w, n); break;
    case NODE_LIST:
    case NODE_TUPLE:
    case NODE_DICT:
    case NODE_CONCAT:
    case NODE_COMPARE: row(w, n->items); break;
    case NODE_ITEM:
        expr(w, n->object);
        expr(w, n->index);
        break;
    case NODE_SLICE:
        for (size_t i = 0; i < 3; i++) {
            const struct node *part = i == 0 ? n->start : i == 1 ? n->stop : n->step;
            if (part)
                expr(w, part);
        }
        break;
    case NODE_ATTR:
    case NODE_CALL:
    case NODE_METHOD:
        expr(w, n->object);
        if (n->kind != NODE_ATTR)
            args(w, &n->args);
        break;
    case NODE_FILTER:
    case NODE_TEST:
        if (is_default(n->kind == NODE_FILTER ? n->filter->name : n->test->name))
            w->defaulted = n->subject;
        if (n->subject)
            expr(w, n->subject);
        args(w, &n->fargs);
        break;
    case NODE_NEG:
    case NODE_POS:
    case NODE_NOT: expr(w, n->left); break;
    case NODE_BINARY:
    case NODE_AND:
    case NODE_OR:
        expr(w, n->left);
        expr(w, n->right);
        break;
    case NODE_COND:
        expr(w, n->cond);
        expr(w, n->yes);
        if (n->no)
            expr(w, n->no);
        break;
    default: break;
    }
}

static void bind(struct walk *w, const struct node *target) {
    if (target->kind == NODE_NAME)
        know(w, target->sym);
    else if (target->kind == NODE_TUPLE)
        for (const struct node *n = target->items; n; n = n->next)
            bind(w, n);
    else
        expr(w, target->object);
}

/* A body whose bindings end with it. */
static void inner(struct walk *w, const struct node *n) {
    const struct known *before = w->known;
    body(w, n);
    forget(w, before);
}

static void loop(struct walk *w, const struct node *n) {
    expr(w, n->loop.iter);
    const struct known *before = w->known;
    if (n->kind == NODE_EACH)
        for (uint32_t sym = SYM_THIS; sym < SYM_FIXED_N; sym++)
            know(w, sym);
    else {
        bind(w, n->loop.target);
        if (n->loop.guard)
            expr(w, n->loop.guard);
        know(w, SYM_LOOP);
    }
    body(w, n->loop.body);
    forget(w, before);
    inner(w, n->loop.otherwise);
}

static void macro(struct walk *w, const struct macro_node *m) {
    const struct known *before = w->known;
    for (uint32_t sym = SYM_CALLER; sym <= SYM_KWARGS && !m->call; sym++)
        know(w, sym);
    for (const struct param *p = m->params; p; p = p->next) {
        if (p->fallback)
            expr(w, p->fallback);
        know(w, p->sym);
    }
    body(w, m->body);
    forget(w, before);
}

static void note_include(struct walk *w, const struct node *name) {
    struct template *t = w->t;
    if (name->kind != NODE_CONST || name->constant.kind != VALUE_STR)
        return;
    if (t->includes_n == t->includes_cap) {
        size_t cap = t->includes_cap ? t->includes_cap * 2 : 4;
        struct sv *grown = arena_alloc(&t->arena, cap * sizeof *grown);
        if (!grown) {
            w->failed = true;
            return;
        }
        if (t->includes_n)
            memcpy(grown, t->includes, t->includes_n * sizeof *grown);
        t->includes = grown;
        t->includes_cap = cap;
    }
    t->includes[t->includes_n++] = sv_make(name->constant.s, name->constant.n);
}

static void statement(struct walk *w, const struct node *n) {
    const struct known *before = w->known;
    switch ((int)n->kind) {
    case NODE_PRINT:
    case NODE_DO: expr(w, n->left); break;
    case NODE_IF:
        /* A chain of elif is as long as the source: no recursion along it. */
        for (;; n = n->no) {
            expr(w, n->cond);
            body(w, n->yes);
            if (!n->no || n->no->kind != NODE_IF || n->no->next)
                break;
        }
        body(w, n->no);
        break;
    case NODE_FOR:
    case NODE_EACH: loop(w, n); break;
    case NODE_SET:
        expr(w, n->set.value);
        bind(w, n->set.target);
        break;
    case NODE_SET_BLOCK:
    case NODE_FILTER_BLOCK:
        inner(w, n->set.body);
        if (n->set.value)
            expr(w, n->set.value);
        if (n->set.target)
            bind(w, n->set.target);
        break;
    case NODE_WITH:
        row(w, n->with.values);
        for (const struct node *t = n->with.targets; t; t = t->next)
            know(w, t->sym);
        body(w, n->with.body);
        forget(w, before);
        break;
    case NODE_MACRO:
        know(w, n->macro->sym);
        macro(w, n->macro);
        break;
    case NODE_CALL_BLOCK:
        expr(w, n->macro->call);
        macro(w, n->macro);
        break;
    case NODE_INCLUDE:
        expr(w, n->include.name);
        note_include(w, n->include.name);
        break;
    default: break;
    }
}

static void body(struct walk *w, const struct node *n) {
    for (; n; n = n->next)
        statement(w, n);
}

bool template_analyse(struct template *t) {
    struct walk w = {.t = t};
    arena_init(&w.scratch, SIZE_MAX / 2);
    w.seen = arena_zalloc(&w.scratch, t->symbols_n);
    w.order = arena_alloc(&w.scratch, t->symbols_n * sizeof *w.order);
    w.bound = arena_zalloc(&w.scratch, t->symbols_n * sizeof *w.bound);
    bool ok = w.seen && w.order && w.bound;
    if (ok) {
        body(&w, t->body);
        ok = !w.failed;
    }
    if (ok && w.order_n) {
        t->variables = arena_alloc(&t->arena, w.order_n * sizeof *t->variables);
        ok = t->variables != NULL;
    }
    for (size_t i = 0; ok && i < w.order_n; i++)
        t->variables[t->variables_n++] = (struct template_variable){.name = t->symbols[w.order[i]].name,
                                                                    .required = w.seen[w.order[i]] == 2};
    arena_done(&w.scratch);
    return ok;
}
