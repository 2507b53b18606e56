#include "text/template/rt.h"

#include "text/template/seq.h"

#include <stdarg.h>
#include <string.h>

bool rt_fail(struct rt *rt, enum err_kind kind, const char *fmt, ...) {
    if (rt->failed)
        return false;
    rt->failed = true;
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    unsigned line = 1, column = 1;
    if (rt->at)
        template_locate(rt->tmpl, rt->at->at, &line, &column);
    return err_set(rt->err, kind, "template %.*s:%u:%u: %s", SV_FMT(sv_sub(rt->tmpl->name, 0, 100)), line,
                   column, text);
}

bool rt_undefined(struct rt *rt, struct value v) {
    if (rt->failed)
        return false;
    struct sv name = sv_sub(value_sv(v), 0, ERR_FIELD_MAX - 1);
    if (v.sub == UNDEFINED_OTHER)
        return rt_error(rt, "%s", "the value is undefined");
    if (v.sub == UNDEFINED_MEMBER)
        rt_error(rt, "there is no '%.*s'", SV_FMT(name));
    else
        rt_error(rt, "'%.*s' is undefined", SV_FMT(name));
    if (rt->err)
        snprintf(rt->err->field, sizeof rt->err->field, "%.*s", SV_FMT(name));
    return false;
}

bool rt_lenient(struct rt *rt, struct value v) {
    if (v.kind == VALUE_UNDEFINED && rt->tmpl->options.strict_undefined)
        return rt_undefined(rt, v);
    return true;
}

bool rt_charge(struct rt *rt, size_t work) {
    if (rt->steps_left < work) {
        rt->steps_left = 0;
        return rt_fail(rt, ERR_TOO_LARGE, "more than %llu steps", (unsigned long long)rt->limits->steps_max);
    }
    rt->steps_left -= work;
    return true;
}

bool rt_enter(struct rt *rt) {
    if (rt->depth >= rt->limits->depth_max)
        return rt_fail(rt, ERR_TOO_LARGE, "nested deeper than %u levels", rt->limits->depth_max);
    rt->depth++;
    return true;
}

void *rt_alloc(struct rt *rt, size_t n) {
    void *p = arena_alloc(&rt->arena, n);
    if (!p)
        rt_fail(rt, ERR_TOO_LARGE, "values take more than %zu bytes", rt->limits->memory_bytes_max);
    return p;
}

size_t rt_memory_left(const struct rt *rt) {
    size_t left = rt->arena.max - rt->arena.used;
    return left < UINT32_MAX ? left : UINT32_MAX;
}

bool rt_str(struct rt *rt, struct sv v, struct value *out) {
    char *p = rt_alloc(rt, v.n + 1);
    if (!p)
        return false;
    if (v.n)
        memcpy(p, v.p, v.n);
    p[v.n] = '\0';
    *out = value_str(sv_make(p, v.n));
    return rt_charge(rt, v.n / 32);
}

bool rt_str_of(struct rt *rt, const struct buf *b, struct value *out) {
    if (b->overflow)
        return rt_fail(rt, ERR_TOO_LARGE, "values take more than %zu bytes", rt->limits->memory_bytes_max);
    return rt_str(rt, buf_sv(b), out);
}

bool rt_emit(struct rt *rt, struct sv text) {
    if (buf_add(rt->out, text))
        return true;
    return rt_fail(rt, ERR_TOO_LARGE, "the text passes its limit of bytes");
}

struct buf *rt_catch(struct rt *rt, struct buf *text) {
    struct buf *outer = rt->out;
    rt->held += rt->catches++ ? outer->n : 0;
    size_t left = rt_memory_left(rt);
    buf_init(text, left > rt->held ? left - rt->held : 0);
    rt->out = text;
    return outer;
}

void rt_catch_end(struct rt *rt, struct buf *outer) {
    rt->held -= --rt->catches ? outer->n : 0;
    rt->out = outer;
}

struct scope *rt_scope_push(struct rt *rt, struct scope *parent) {
    struct scope *s = rt_alloc(rt, sizeof *s);
    if (!s)
        return NULL;
    *s = (struct scope){.parent = parent, .owner = rt->tmpl};
    rt->scope = s;
    return s;
}

bool rt_bind(struct rt *rt, struct scope *scope, uint32_t sym, struct value v) {
    size_t passed = 0;
    for (struct binding *b = scope->bindings; b; b = b->next, passed++)
        if (b->sym == sym) {
            b->value = v;
            return rt_charge(rt, passed / 8);
        }
    if (!rt_charge(rt, passed / 8))
        return false;
    struct binding *b = rt_alloc(rt, sizeof *b);
    if (!b)
        return false;
    *b = (struct binding){.next = scope->bindings, .sym = sym, .value = v};
    scope->bindings = b;
    return true;
}

static bool names(const struct rt *rt, const struct scope *s, const struct binding *b, uint32_t sym) {
    if (s->owner == rt->tmpl)
        return b->sym == sym;
    return sv_eq(s->owner->symbols[b->sym].name, rt->tmpl->symbols[sym].name);
}

/* A long search is charged, quietly: the next rt_charge speaks. */
static void charge_search(struct rt *rt, size_t passed) {
    rt->steps_left -= rt->steps_left < passed / 8 ? rt->steps_left : passed / 8;
}

static bool find_bound(struct rt *rt, uint32_t sym, struct value *out) {
    size_t passed = 0;
    for (const struct scope *s = rt->scope; s; s = s->parent) {
        for (const struct binding *b = s->bindings; b; b = b->next, passed++)
            if (b->value.kind != VALUE_MISSING && names(rt, s, b, sym)) {
                *out = b->value;
                charge_search(rt, passed);
                return true;
            }
        if (s->item.kind != VALUE_MISSING && dict_find_str(s->item, rt->tmpl->symbols[sym].name, out))
            return true;
    }
    charge_search(rt, passed);
    return false;
}

struct value rt_lookup(struct rt *rt, uint32_t sym) {
    const struct symbol *symbol = &rt->tmpl->symbols[sym];
    struct value v;
    if ((symbol->assigned || rt->dynamic || rt->tmpl->has_each) && find_bound(rt, sym, &v))
        return v;
    const json_t *json = rt->vars ? json_object_getn(rt->vars, symbol->name.p, symbol->name.n) : NULL;
    if (json)
        return value_of_json(json);
    if (symbol->global)
        return (struct value){.kind = VALUE_GLOBAL, .global = symbol->global};
    return value_undefined(UNDEFINED_VARIABLE, symbol->name);
}
