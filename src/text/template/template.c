#include "text/template/template.h"

#include "text/template/builtin.h"
#include "text/template/parse.h"
#include "text/template/unicode.h"

#include <string.h>

/* A node takes some 100 bytes and a token of source gives at most one or two. */
enum { ARENA_BYTES_PER_BYTE = 400, ARENA_BYTES_MIN = 64 << 10 };

#define EXPRESSION_OPENS "{{ "
#define EXPRESSION_CLOSES " }}"

void template_locate(const struct template *t, uint32_t at, unsigned *line, unsigned *column) {
    size_t start = 0;
    *line = t->options.first_line ? t->options.first_line : 1;
    for (size_t i = 0; i < at && i < t->source.n; i++)
        if (t->source.p[i] == '\n') {
            ++*line;
            start = i + 1;
        }
    *column = 1 + (unsigned)u8_count(sv_sub(t->source, start, at - start));
    if (t->options.expression && start == 0)
        *column -= *column > sizeof EXPRESSION_OPENS - 1 ? (unsigned)sizeof EXPRESSION_OPENS - 1 : 0;
}

/* A copy with \r\n and \r as \n and, unless kept, without the last newline: as Jinja2 reads its source. */
static struct sv normal_source(struct template *t, struct sv source) {
    char *p = arena_alloc(&t->arena, source.n + 1);
    if (!p)
        return SV_NONE;
    size_t n = 0;
    for (size_t i = 0; i < source.n; i++) {
        char c = source.p[i];
        if (c == '\r') {
            c = '\n';
            if (i + 1 < source.n && source.p[i + 1] == '\n')
                i++;
        }
        p[n++] = c;
    }
    if (n && p[n - 1] == '\n' && !t->options.keep_trailing_newline)
        n--;
    p[n] = '\0';
    return sv_make(p, n);
}

/* An expression stands in a print tag of its own; places are told as in the source given. */
static struct sv as_print_tag(struct template *t, struct sv source) {
    char *p = arena_alloc(&t->arena, source.n + sizeof EXPRESSION_OPENS EXPRESSION_CLOSES);
    if (!p)
        return SV_NONE;
    size_t n = sizeof EXPRESSION_OPENS - 1;
    memcpy(p, EXPRESSION_OPENS, n);
    if (source.n)
        memcpy(p + n, source.p, source.n);
    memcpy(p + n + source.n, EXPRESSION_CLOSES, sizeof EXPRESSION_CLOSES);
    return sv_make(p, n + source.n + sizeof EXPRESSION_CLOSES - 1);
}

static bool is_one_expression(const struct template *t, struct err *e) {
    if (t->body && t->body->kind == NODE_PRINT && !t->body->next)
        return true;
    err_set(e, ERR_INVALID, "template %.*s:1:1: expected one expression, without braces around it",
            SV_FMT(sv_sub(t->name, 0, 100)));
    return err_place(e, 1, 1);
}

static bool compile_into(struct template *t, struct sv name, struct sv source, struct err *e) {
    t->name = arena_dup(&t->arena, name);
    t->source = normal_source(t, source);
    if (t->options.expression && t->source.p)
        t->source = as_print_tag(t, t->source);
    if (!t->name.p || !t->source.p)
        return err_set(e, ERR_OUTSIDE, "out of memory");
    struct parser p = {.t = t, .err = e};
    if (!parse_template(&p))
        return false;
    if (t->options.expression && !is_one_expression(t, e))
        return false;
    return template_analyse(t) || err_set(e, ERR_OUTSIDE, "out of memory");
}

struct template *template_compile(struct sv name, struct sv source, const struct template_options *options,
                                  struct err *e) {
    if (source.n > TEMPLATE_SOURCE_BYTES_MAX) {
        err_set(e, ERR_TOO_LARGE, "template %.*s: more than %d bytes", SV_FMT(sv_sub(name, 0, 100)),
                TEMPLATE_SOURCE_BYTES_MAX);
        return NULL;
    }
    if (!sv_is_utf8(source)) {
        err_set(e, ERR_INVALID, "template %.*s: not UTF-8", SV_FMT(sv_sub(name, 0, 100)));
        return NULL;
    }
    struct template *t = calloc(1, sizeof *t);
    if (!t) {
        err_set(e, ERR_OUTSIDE, "out of memory");
        return NULL;
    }
    arena_init(&t->arena, ARENA_BYTES_MIN + (source.n + name.n) * ARENA_BYTES_PER_BYTE);
    if (options)
        t->options = *options;
    if (compile_into(t, name, source, e))
        return t;
    template_free(t);
    return NULL;
}

void template_free(struct template *t) {
    if (!t)
        return;
    arena_done(&t->arena);
    free(t);
}

size_t template_variables(const struct template *t, const struct template_variable **list) {
    *list = t->variables;
    return t->variables_n;
}

size_t template_includes(const struct template *t, const struct sv **list) {
    *list = t->includes;
    return t->includes_n;
}

const struct template *template_included(const struct template *t, struct sv name) {
    return t->options.load ? t->options.load(t->options.load_ctx, name) : NULL;
}

bool template_may_bind(const struct template *t, struct sv name) {
    for (uint32_t i = 0; i < t->symbols_n; i++)
        if (t->symbols[i].assigned && sv_eq(t->symbols[i].name, name))
            return true;
    return false;
}

/* How the value of an expression is put to out. */
enum form { FORM_TEXT, FORM_JSON, FORM_TRUTH };

static bool put_value(struct rt *rt, const struct node *expression, enum form form, bool *yes) {
    struct value v;
    if (!rt_eval(rt, expression, &v))
        return false;
    bool nothing = v.kind == VALUE_NONE || v.kind == VALUE_UNDEFINED;
    if (form == FORM_TRUTH)
        *yes = value_truth(v);
    else if (form == FORM_JSON)
        return add_json(rt, rt->out, nothing ? VALUE_OF(VALUE_NONE) : v, -1) &&
               (!rt->out->overflow || rt_fail(rt, ERR_TOO_LARGE, "the value passes its limit of bytes"));
    else if (!nothing)
        return add_str(rt, rt->out, v) &&
               (!rt->out->overflow || rt_fail(rt, ERR_TOO_LARGE, "the text passes its limit of bytes"));
    return true;
}

static bool run(const struct template *t, const json_t *vars, const struct template_limits *limits,
                enum form form, bool *yes, struct buf *out, struct err *e) {
    static const struct template_limits standard = TEMPLATE_LIMITS_DEFAULT;
    if (!limits)
        limits = &standard;
    struct rt rt = {
        .tmpl = t, .vars = json_is_object(vars) ? vars : NULL, .limits = limits, .out = out, .err = e};
    rt.steps_left = limits->steps_max;
    rt.root.owner = t;
    rt.scope = &rt.root;
    size_t memory_max = limits->memory_bytes_max < UINT32_MAX ? limits->memory_bytes_max : UINT32_MAX;
    arena_init(&rt.arena, memory_max);
    size_t before = out->n, max = out->max;
    if (limits->output_bytes_max < max - before)
        out->max = before + limits->output_bytes_max;
    bool ok = t->options.expression ? put_value(&rt, t->body->left, form, yes) : rt_exec(&rt, t->body);
    out->max = max;
    arena_done(&rt.arena);
    if (limits->spent)
        *limits->spent += limits->steps_max - rt.steps_left;
    if (ok)
        return true;
    out->n = before;
    out->overflow = false;
    if (out->p)
        out->p[before] = '\0';
    return false;
}

bool template_render(const struct template *t, const json_t *vars, const struct template_limits *limits,
                     struct buf *out, struct err *e) {
    return run(t, vars, limits, FORM_TEXT, NULL, out, e);
}

bool template_test(const struct template *t, const json_t *vars, const struct template_limits *limits,
                   bool *yes, struct err *e) {
    struct buf none = BUF_INIT(0);
    ASSERT(t->options.expression);
    return run(t, vars, limits, FORM_TRUTH, yes, &none, e);
}

bool template_json(const struct template *t, const json_t *vars, const struct template_limits *limits,
                   struct buf *out, struct err *e) {
    ASSERT(t->options.expression);
    return run(t, vars, limits, FORM_JSON, NULL, out, e);
}
