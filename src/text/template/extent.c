#include "text/template/extent.h"

#include "text/template/builtin.h"

#include <string.h>

enum {
    INCLUDES_DEEP_MAX = 10,
    INCLUDES_MAX = 100,
    PATH_BYTES_MAX = 200,
    NUMBER_UNITS_MAX = 25,
    MONEY_UNITS_MAX = 80
};
static const uint64_t ENDLESS = UINT64_C(1) << 40;

/* What a piece of output may measure. septets: of renders that are GSM-7; units: UTF-16, of all. */
struct span {
    uint64_t septets_least, septets_most, units_least, units_most;
    bool ucs2_possible, ucs2_certain;
    bool pairs; /* a character may take two units, and so leave one free at a segment's end */
    bool ascii;
};

struct bound {
    const struct bound *before;
    uint32_t sym;
    bool is_path; /* the item of a loop over `path` */
    struct sv path;
    struct span span;
};

struct meter {
    const struct template *t;
    const struct value_lengths *lengths;
    const struct bound *bound;
    struct arena mem;
    unsigned branches; /* how many ifs and loops deep: what is set there may not be */
    unsigned includes; /* how many deep */
    unsigned includes_left;
};

static const struct span nothing = {.ascii = true};
static const struct span anything = {
    .septets_most = UINT64_C(1) << 40, .units_most = UINT64_C(1) << 40, .ucs2_possible = true, .pairs = true};

static struct span expr(struct meter *m, const struct node *n);
static struct span body(struct meter *m, const struct node *n);

static uint64_t capped(uint64_t n) {
    return n < ENDLESS ? n : ENDLESS;
}

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static struct span then(struct span a, struct span b) {
    return (struct span){.septets_least = capped(a.septets_least + b.septets_least),
                         .septets_most = capped(a.septets_most + b.septets_most),
                         .units_least = capped(a.units_least + b.units_least),
                         .units_most = capped(a.units_most + b.units_most),
                         .ucs2_possible = a.ucs2_possible || b.ucs2_possible,
                         .ucs2_certain = a.ucs2_certain || b.ucs2_certain,
                         .pairs = a.pairs || b.pairs,
                         .ascii = a.ascii && b.ascii};
}

static struct span either(struct span a, struct span b) {
    return (struct span){.septets_least = least(a.septets_least, b.septets_least),
                         .septets_most = most(a.septets_most, b.septets_most),
                         .units_least = least(a.units_least, b.units_least),
                         .units_most = most(a.units_most, b.units_most),
                         .ucs2_possible = a.ucs2_possible || b.ucs2_possible,
                         .ucs2_certain = a.ucs2_certain && b.ucs2_certain,
                         .pairs = a.pairs || b.pairs,
                         .ascii = a.ascii && b.ascii};
}

static struct span times(struct span s, uint64_t low, uint64_t high) {
    s.septets_least = capped(s.septets_least * low);
    s.units_least = capped(s.units_least * low);
    s.septets_most = capped(s.septets_most * most(high, low));
    s.units_most = capped(s.units_most * most(high, low));
    s.ucs2_certain &= low > 0;
    return s;
}

static struct span plain(uint64_t low, uint64_t high) {
    return (struct span){low, high, low, high, false, false, false, true};
}

static struct span of_text(struct sv text) {
    struct segments any = segments_count(text, SEGMENTS_INTERNATIONAL),
                    wide = segments_count(text, SEGMENTS_CHINA);
    size_t septets = any.encoding == SMS_GSM7 ? any.units : any.gsm7_units;
    bool ascii = septets == wide.units;
    for (size_t i = 0; i < text.n; i++)
        ascii &= (unsigned char)text.p[i] < 0x80;
    return (struct span){septets,
                         septets,
                         wide.units,
                         wide.units,
                         any.encoding == SMS_UCS2,
                         any.encoding == SMS_UCS2,
                         septets != wide.units,
                         ascii && any.encoding == SMS_GSM7};
}

static struct span of_length(const struct value_length *l) {
    struct span s = plain(l->least, most(l->least, l->most));
    s.ascii = l->script == VALUE_ASCII;
    s.ucs2_possible = l->script == VALUE_ANY;
    s.pairs = !s.ascii;
    if (s.pairs)
        s.units_least /= 2; /* a character of two septets is one UTF-16 unit */
    return s;
}

/* ---- names and their lengths ---- */

static const struct value_length *given(const struct meter *m, struct sv path) {
    for (size_t i = 0; i < m->lengths->n; i++)
        if (sv_eq(m->lengths->of[i].path, path))
            return &m->lengths->of[i];
    return NULL;
}

/* What a value at that path measures; lists, which other paths tell of, are not printed as anything one could
 * tell. */
static struct span at_path(const struct meter *m, struct sv path) {
    for (size_t i = 0; i < m->lengths->n; i++) {
        struct sv other = m->lengths->of[i].path;
        if (other.n > path.n && sv_starts(other, path) && (other.p[path.n] == '.' || other.p[path.n] == '['))
            return anything;
    }
    const struct value_length *l = given(m, path);
    return of_length(l ? l : &m->lengths->others);
}

static const struct bound *bound_to(const struct meter *m, uint32_t sym) {
    const struct bound *b = m->bound;
    while (b && b->sym != sym)
        b = b->before;
    return b;
}

static void bind(struct meter *m, uint32_t sym, struct span span, struct sv path) {
    struct bound *b = arena_alloc(&m->mem, sizeof *b);
    ASSERT(b);
    *b = (struct bound){m->bound, sym, path.n > 0, path, span};
    m->bound = b;
}

static struct sv joined(struct meter *m, struct sv path, struct sv name) {
    char room[PATH_BYTES_MAX];
    int n =
        snprintf(room, sizeof room, "%.*s%s%.*s", SV_FMT(path), name.p[0] == '[' ? "" : ".", SV_FMT(name));
    return n > 0 && n < PATH_BYTES_MAX ? arena_dup(&m->mem, sv_make(room, (size_t)n)) : SV_NONE;
}

/* `user.name` as a path of lengths; none for what is no such thing or bound to something made here. */
static struct sv path_of(struct meter *m, const struct node *n) {
    if (n->kind == NODE_NAME) {
        const struct bound *b = bound_to(m, n->sym);
        if (!b)
            return m->t->symbols[n->sym].global ? SV_NONE : m->t->symbols[n->sym].name;
        return b->is_path ? b->path : SV_NONE;
    }
    if (n->kind != NODE_ATTR)
        return SV_NONE;
    struct sv path = path_of(m, n->object);
    return path.n ? joined(m, path, n->name) : SV_NONE;
}

static struct span name(struct meter *m, const struct node *n) {
    const struct bound *b = bound_to(m, n->sym);
    if (b && !b->is_path)
        return b->span;
    if (b)
        return at_path(m, joined(m, b->path, SV("[]")));
    return m->t->symbols[n->sym].global ? anything : at_path(m, m->t->symbols[n->sym].name);
}

static struct span attribute(struct meter *m, const struct node *n) {
    if (n->object->kind == NODE_NAME && n->object->sym == SYM_LOOP)
        return plain(1, NUMBER_UNITS_MAX);
    struct sv path = path_of(m, n);
    return path.n ? at_path(m, path) : anything;
}

/* ---- filters ---- */

static bool int_of(const struct node *n, int64_t *out) {
    if (!n || n->kind != NODE_CONST || n->constant.kind != VALUE_INT)
        return false;
    *out = n->constant.i;
    return true;
}

/* Small letters for capitals and back: outside ASCII lengths and alphabets may change. */
static struct span recased(struct span s) {
    if (s.ascii)
        return s;
    s.septets_most = capped(s.septets_most * 3);
    s.units_most = capped(s.units_most * 3);
    s.septets_least = s.units_least = least(s.septets_least, s.units_least);
    s.ucs2_possible = true;
    s.ucs2_certain = false;
    s.pairs = true;
    return s;
}

static struct span truncated(struct span s, const struct args_node *a) {
    int64_t length = 255, leeway = 5;
    bool known = !a->star && !a->star_star && (!a->pos || int_of(a->pos, &length));
    if (a->kw || (a->pos && a->pos->next && a->pos->next->next))
        known = false; /* another end, or leeway */
    if (!known || length < 0 || length > INT32_MAX)
        return anything;
    uint64_t room = (uint64_t)(length + leeway) * (s.ascii ? 1 : 2);
    s.septets_least = s.units_least = 0;
    s.septets_most = least(s.septets_most, room);
    s.units_most = least(s.units_most, room);
    s.ucs2_certain = false;
    return s;
}

static struct span filtered(struct meter *m, const struct node *n) {
    struct span s = n->subject ? expr(m, n->subject) : anything;
    const struct args_node *a = &n->fargs;
    struct sv f = sv_of(n->filter->name);
    static const char *const recasing[] = {"upper", "lower", "capitalize", "title"};
    static const char *const numbers[] = {"int", "float", "length", "count", "wordcount", "round", "abs"};
    for (size_t i = 0; i < sizeof recasing / sizeof recasing[0]; i++)
        if (sv_eq(f, sv_of(recasing[i])))
            return recased(s);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (sv_eq(f, sv_of(numbers[i])) && !a->pos && !a->kw) /* arguments may give another default */
            return either(s, plain(1, NUMBER_UNITS_MAX));
    if (sv_eq(f, SV("string")) || sv_eq(f, SV("safe")))
        return s;
    if ((sv_eq(f, SV("default")) || sv_eq(f, SV("d"))) && a->pos && !a->star)
        return either(s, expr(m, a->pos));
    if (sv_eq(f, SV("default")) || sv_eq(f, SV("d")))
        return a->kw || a->star || a->star_star ? anything : either(s, nothing);
    if (sv_eq(f, SV("trim")) || (sv_eq(f, SV("mask")) && !a->kw && !(a->pos && a->pos->next))) {
        s.septets_least = s.units_least = 0;
        s.ucs2_certain = false;
        return s;
    }
    if (sv_eq(f, SV("truncate")))
        return truncated(s, a);
    if (sv_eq(f, SV("short_url")))
        return m->lengths->link.n ? of_text(m->lengths->link) : s;
    if (sv_eq(f, SV("phone")))
        return then(s, plain(0, 8));
    if (sv_eq(f, SV("money"))) {
        struct span money = plain(1, MONEY_UNITS_MAX);
        money.ucs2_possible = money.pairs = true;
        money.ascii = false;
        return money;
    }
    if (sv_eq(f, SV("date")) && !a->pos && !a->kw && !a->star_star && !a->star)
        return plain(19, 19);
    return anything;
}

static struct span binary(struct meter *m, const struct node *n) {
    struct span a = expr(m, n->left), b = expr(m, n->right);
    switch ((int)n->op) {
    case OP_ADD: return either(then(a, b), plain(1, NUMBER_UNITS_MAX));
    case OP_SUB:
    case OP_DIV:
    case OP_FLOORDIV:
    case OP_POW: return plain(1, NUMBER_UNITS_MAX);
    default: return anything; /* of texts: repeated, formatted */
    }
}

static struct span constant(const struct node *n) {
    switch ((int)n->constant.kind) {
    case VALUE_STR: return of_text(value_sv(n->constant));
    case VALUE_BOOL:
    case VALUE_NONE: return plain(4, 5);
    case VALUE_INT:
    case VALUE_FLOAT: return plain(1, NUMBER_UNITS_MAX);
    default: return anything;
    }
}

static struct span expr(struct meter *m, const struct node *n) {
    struct span s = nothing;
    switch ((int)n->kind) {
    case NODE_CONST: return constant(n);
    case NODE_NAME: return name(m, n);
    case NODE_ATTR: return attribute(m, n);
    case NODE_FILTER: return filtered(m, n);
    case NODE_TEST:
    case NODE_COMPARE:
    case NODE_NOT: return plain(4, 5);
    case NODE_NEG:
    case NODE_POS: return plain(1, NUMBER_UNITS_MAX);
    case NODE_BINARY: return binary(m, n);
    case NODE_AND:
    case NODE_OR: return either(expr(m, n->left), expr(m, n->right));
    case NODE_COND: return either(expr(m, n->yes), n->no ? expr(m, n->no) : nothing);
    case NODE_CONCAT:
        for (const struct node *part = n->items; part; part = part->next)
            s = then(s, expr(m, part));
        return s;
    default: return anything;
    }
}

/* ---- statements ---- */

/* A body whose bindings end with it. */
static struct span inner(struct meter *m, const struct node *n) {
    const struct bound *before = m->bound;
    struct span s = body(m, n);
    m->bound = before;
    return s;
}

static void unknown_names(struct meter *m, const struct node *target) {
    if (target->kind == NODE_NAME)
        bind(m, target->sym, anything, SV_NONE);
    for (const struct node *n = target->kind == NODE_TUPLE ? target->items : NULL; n; n = n->next)
        unknown_names(m, n);
}

static struct span loop(struct meter *m, const struct node *n) {
    const struct bound *before = m->bound;
    struct sv path = path_of(m, n->loop.iter);
    const struct value_length *count = path.n ? given(m, path) : NULL;
    uint64_t low = count && !n->loop.guard ? count->least : 0,
             high = count ? most(count->least, count->most) : ENDLESS;
    if (n->kind == NODE_EACH || n->loop.recursive)
        return anything; /* bare names are fields of what it stands at */
    if (path.n && n->loop.target->kind == NODE_NAME)
        bind(m, n->loop.target->sym, anything, path);
    else
        unknown_names(m, n->loop.target);
    m->branches++;
    struct span s = body(m, n->loop.body);
    m->bound = before;
    if (s.units_most == 0 && s.septets_most == 0)
        s = nothing;
    else
        s = times(s, low, high);
    struct span otherwise = inner(m, n->loop.otherwise);
    m->branches--;
    return low ? s : either(s, otherwise);
}

static struct span branches(struct meter *m, const struct node *n) {
    struct span s;
    m->branches++;
    /* A chain of elif is as long as the source: no recursion along it. */
    for (s = body(m, n->yes); n->no && n->no->kind == NODE_IF && !n->no->next; s = either(s, body(m, n->yes)))
        n = n->no;
    s = either(s, body(m, n->no));
    m->branches--;
    return s;
}

static void assign(struct meter *m, const struct node *target, struct span s) {
    if (target->kind != NODE_NAME) {
        unknown_names(m, target);
        return;
    }
    bind(m, target->sym, m->branches ? either(s, name(m, target)) : s, SV_NONE);
}

static struct span included(struct meter *m, const struct node *n) {
    const struct template_options *o = &m->t->options;
    if (!o->load || n->include.name->kind != NODE_CONST || n->include.name->constant.kind != VALUE_STR ||
        m->includes == INCLUDES_DEEP_MAX || m->includes_left == 0)
        return anything; /* what includes itself ten times would be looked into ten times at each level */
    const struct template *t = o->load(o->load_ctx, value_sv(n->include.name->constant));
    if (!t || m->bound) /* names of ours would be read there by other numbers */
        return t ? anything : nothing;
    const struct template *mine = m->t;
    m->t = t;
    m->includes++;
    m->includes_left--;
    struct span s = inner(m, t->body);
    m->includes--;
    m->t = mine;
    return s;
}

static struct span with(struct meter *m, const struct node *n) {
    const struct bound *before = m->bound;
    const struct node *v = n->with.values;
    for (const struct node *t = n->with.targets; t; t = t->next, v = v ? v->next : NULL)
        bind(m, t->sym, v ? expr(m, v) : anything, SV_NONE);
    struct span s = body(m, n->with.body);
    m->bound = before;
    return s;
}

static struct span statement(struct meter *m, const struct node *n) {
    struct span s;
    switch ((int)n->kind) {
    case NODE_TEXT: return of_text(n->text);
    case NODE_PRINT: return expr(m, n->left);
    case NODE_IF: return branches(m, n);
    case NODE_FOR:
    case NODE_EACH: return loop(m, n);
    case NODE_SET: assign(m, n->set.target, expr(m, n->set.value)); return nothing;
    case NODE_SET_BLOCK:
        s = inner(m, n->set.body);
        assign(m, n->set.target, n->set.value ? anything : s);
        return nothing;
    case NODE_WITH: return with(m, n);
    case NODE_MACRO: bind(m, n->macro->sym, anything, SV_NONE); return nothing;
    case NODE_INCLUDE: return included(m, n);
    case NODE_DO: return nothing;
    default: return anything; /* a filter's or a macro's */
    }
}

static struct span body(struct meter *m, const struct node *n) {
    struct span s = nothing;
    for (; n; n = n->next)
        s = then(s, statement(m, n));
    return s;
}

/* ---- segments ---- */

static size_t parts(uint64_t n, uint64_t alone, uint64_t part) {
    return n <= alone ? 1 : (size_t)((n + part - 1) / part);
}

struct template_extent template_extent(const struct template *t, const struct value_lengths *lengths,
                                       enum segments_rule rule) {
    struct meter m = {.t = t, .lengths = lengths, .includes_left = INCLUDES_MAX};
    arena_init(&m.mem, SIZE_MAX / 2);
    struct span s = body(&m, t->body);
    arena_done(&m.mem);
    bool wide = s.ucs2_possible || rule == SEGMENTS_CHINA, narrow = !s.ucs2_certain && rule != SEGMENTS_CHINA;
    struct template_extent x = {.ucs2_possible = wide, .ucs2_certain = !narrow};
    size_t ucs2_least = parts(s.units_least, SEGMENT_UCS2_ALONE, SEGMENT_UCS2_PART),
           ucs2_most = parts(s.units_most, SEGMENT_UCS2_ALONE, SEGMENT_UCS2_PART - (s.pairs ? 1 : 0)),
           gsm7_least = parts(s.septets_least, SEGMENT_GSM7_ALONE, SEGMENT_GSM7_PART),
           gsm7_most = parts(s.septets_most, SEGMENT_GSM7_ALONE, SEGMENT_GSM7_PART - (s.pairs ? 1 : 0));
    x.segments_least = !narrow ? ucs2_least : !wide ? gsm7_least : (size_t)least(ucs2_least, gsm7_least);
    x.bounded = s.units_most < ENDLESS && s.septets_most < ENDLESS;
    if (x.bounded)
        x.segments_most = !narrow ? ucs2_most : !wide ? gsm7_most : (size_t)most(ucs2_most, gsm7_most);
    return x;
}
