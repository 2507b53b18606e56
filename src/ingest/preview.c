#include "ingest/preview.h"

#include "base/json.h"
#include "ingest/codes.h"
#include "ingest/counting.h"
#include "ingest/lengths.h"
#include "ingest/lookup.h"
#include "text/segments_json.h"
#include "text/template/template.h"

#include <string.h>

enum {
    ARENA_BYTES_MAX = 8 << 20,
    INCLUDES_DEEP_MAX = 8,
};

void preview_done(struct preview *p) {
    shortener_done(&p->links);
    arena_done(&p->arena);
}

static bool no_memory(struct err *e) {
    return err_set(e, ERR_OUTSIDE, "out of memory for a preview");
}

/* ---- variables ---- */

static void add_variable(struct preview *p, const struct template_variable *v, const json_t *vars) {
    for (size_t i = 0; i < p->n_variables; i++)
        if (sv_eq(p->variables[i].name, v->name)) {
            p->variables[i].required |= v->required;
            p->variables[i].missing |= v->required && !json_object_get(vars, p->variables[i].name.p);
            return;
        }
    struct sv name = arena_dup(&p->arena, v->name);
    if (p->n_variables == PREVIEW_VARIABLES_MAX || !name.p)
        return;
    p->variables[p->n_variables++] = (struct preview_variable){
        .name = name, .required = v->required, .missing = v->required && !json_object_get(vars, name.p)};
}

struct needs {
    struct preview *preview;
    const json_t *vars;
    const struct template *outer[INCLUDES_DEEP_MAX + 1]; /* those it stands in */
    unsigned deep;
    unsigned budget; /* includes looked into: a text that includes itself twice doubles with each level */
};

static bool bound_outside(const struct needs *n, struct sv name) {
    for (unsigned i = 0; i < n->deep; i++)
        if (template_may_bind(n->outer[i], name))
            return true;
    return false;
}

static void add_variables(struct needs *n, const struct template *t) {
    const struct template_variable *list;
    const struct sv *names;
    size_t n_list = template_variables(t, &list), n_names = template_includes(t, &names);
    for (size_t i = 0; i < n_list; i++)
        if (!bound_outside(n, list[i].name))
            add_variable(n->preview, &list[i], n->vars);
    if (n->deep == INCLUDES_DEEP_MAX)
        return;
    n->outer[n->deep++] = t;
    for (size_t i = 0; i < n_names && n->budget; i++) {
        n->budget--;
        const struct template *inner = template_included(t, names[i]);
        if (inner)
            add_variables(n, inner);
    }
    n->deep--;
}

/* ---- lengths ---- */

static bool measure(struct preview *p, const struct settings *s, const struct template *t, const json_t *json,
                    struct err *e) {
    struct lengths lengths;
    BUF_AUTO struct buf link = BUF_INIT(PREVIEW_SOURCE_BYTES_MAX);
    if (!lengths_read(json, &lengths, e))
        return false;
    lengths.all.link = shortener_sample(s, &link);
    p->extent = template_extent(t, &lengths.all, p->rule);
    return true;
}

/* ---- texts ---- */

static bool any_missing(const struct preview *p) {
    for (size_t i = 0; i < p->n_variables; i++)
        if (p->variables[i].missing)
            return true;
    return false;
}

static bool add_part(struct preview *p, enum template_part part, const struct template *t,
                     const struct stock *stock, const json_t *vars, struct err *e) {
    BUF_AUTO struct buf text = BUF_INIT(PREVIEW_TEXT_BYTES_MAX);
    struct needs needs = {.preview = p, .vars = vars, .budget = 1000};
    add_variables(&needs, t);
    p->parts[part].there = true;
    struct err why = ERR_INIT;
    if (!lookup_render(stock, t, vars, &p->links, NULL, &text, &why)) {
        if (why.kind != ERR_UNPROCESSABLE || !any_missing(p)) {
            *e = why;
            return false;
        }
        p->parts[part].text = SV("");
        p->failure = arena_dup(&p->arena, sv_of(why.text));
        return p->failure.p || no_memory(e);
    }
    p->parts[part].text = text.n ? arena_dup(&p->arena, buf_sv(&text)) : SV("");
    return p->parts[part].text.p || no_memory(e);
}

static void count(struct preview *p) {
    static const enum template_part order[] = {TEMPLATE_TEXT, TEMPLATE_BODY, TEMPLATE_HTML, TEMPLATE_SUBJECT,
                                               TEMPLATE_TITLE};
    for (size_t i = sizeof order / sizeof order[0]; i-- > 0;)
        if (p->parts[order[i]].there)
            p->main = order[i];
    if (p->channel == CHANNEL_SMS)
        p->count = segments_count(p->parts[p->main].text, p->rule);
}

/* ---- codes ---- */

/* What each provider that renders itself would get for this language. */
static bool add_codes(struct preview *p, const struct stock *stock, const struct template_options *o,
                      const struct template_doc *doc, const struct language *l, const json_t *vars,
                      struct err *e) {
    static const struct codes_reader unseen = {NULL, NULL};
    BUF_AUTO struct buf out = BUF_INIT(PREVIEW_TEXT_BYTES_MAX);
    if (!codes_add(stock, &p->links, o, doc, l, vars, &unseen, &out, e))
        return false;
    if (out.n > 2)
        p->codes = arena_dup(&p->arena, buf_sv(&out));
    return out.n <= 2 || p->codes.p || no_memory(e);
}

/* ---- making ---- */

static bool of_source(struct stock *stock, const struct settings *s, const struct texts *t,
                      const struct preview_want *w, const struct stock_want *place, struct preview *p,
                      struct err *e) {
    if (w->source.n > PREVIEW_SOURCE_BYTES_MAX)
        return err_set_field(e, ERR_TOO_LARGE, "source", "a template to preview has at most %d bytes",
                             PREVIEW_SOURCE_BYTES_MAX);
    if (stock)
        stock_begin(stock, s, t, place);
    struct template_options o = stock ? stock_options(stock) : texts_template_options(s, NULL);
    struct err why = ERR_INIT;
    struct template *compiled = template_compile(w->called.n ? w->called : SV("source"), w->source, &o, &why);
    if (!compiled) {
        err_set_field(e, ERR_UNPROCESSABLE, "source", "%s", why.text);
        return err_place(e, why.line, why.column);
    }
    bool ok =
        add_part(p, TEMPLATE_TEXT, compiled, stock, w->vars, e) && measure(p, s, compiled, w->lengths, e);
    template_free(compiled);
    return ok;
}

/* The sample of a version, when no variables were given. */
static json_t *sample_of(const struct template_doc *doc) {
    json_error_t ignored;
    return doc && doc->sample.n ? json_loadb(doc->sample.p, doc->sample.n, 0, &ignored) : NULL;
}

static bool of_part(struct stock *stock, const struct settings *s, const struct texts *t,
                    const struct preview_want *w, enum template_part part, struct preview *p, struct err *e) {
    const struct render_want want = {.account_id = w->account_id,
                                     .name = w->name,
                                     .language = w->language,
                                     .version = w->version,
                                     .channel = w->channel,
                                     .part = part};
    struct stock_text found;
    if (!lookup_text(stock, s, t, &want, &found, e))
        return false;
    p->version = found.version;
    if (!found.compiled)
        return true;
    json_auto_t *sample = w->vars ? NULL : sample_of(found.doc);
    const json_t *vars = w->vars ? w->vars : sample;
    p->sampled = sample != NULL;
    if (found.language.n && !p->language.n)
        p->language = arena_dup(&p->arena, found.language);
    return add_part(p, part, found.compiled, stock, vars, e) &&
           (part != TEMPLATE_TEXT || measure(p, s, found.compiled, w->lengths, e));
}

static bool codes_of(struct stock *stock, const struct settings *s, const struct texts *t,
                     const struct preview_want *w, struct stock_want *place, struct preview *p,
                     struct err *e) {
    struct stock_text found = {0};
    place->version = p->version;
    if (p->failure.n)
        return true;
    if (!stock_find(stock, s, t, place, &found, e))
        return false;
    if (!found.doc)
        return true;
    json_auto_t *sample = w->vars ? NULL : sample_of(found.doc);
    struct template_options o = stock_options(stock);
    return add_codes(p, stock, &o, found.doc, &place->language, w->vars ? w->vars : sample, e);
}

bool preview_make(struct stock *stock, const struct settings *s, const struct texts *t,
                  const struct preview_want *w, struct preview *p, struct err *e) {
    struct stock_want place = {.account_id = w->account_id, .name = w->name, .channel = w->channel};
    memset(p, 0, sizeof *p);
    arena_init(&p->arena, ARENA_BYTES_MAX);
    shortener_init(&p->links, NULL);
    shortener_begin(&p->links, s);
    p->rule = counting_rule(s, SV("+86"));
    p->channel = w->channel;
    if (!language_parse(w->language, &place.language))
        return err_set_field(e, ERR_INVALID, "language", "not a language tag, such as zh or zh-CN");
    if (!w->name.n) {
        bool ok = of_source(stock, s, t, w, &place, p, e);
        count(p);
        return ok;
    }
    bool any = false;
    for (int part = 0; part < TEMPLATE_PARTS; part++) {
        if (!template_channel_has(w->channel, (enum template_part)part))
            continue;
        if (!of_part(stock, s, t, w, (enum template_part)part, p, e))
            return false;
        any |= p->parts[part].there;
    }
    if (!any)
        return err_set_field(e, ERR_UNPROCESSABLE, "channel", "version %u of the template `%.*s` has no %s",
                             p->version, SV_FMT(w->name), channel_name(w->channel));
    count(p);
    return !p->version || codes_of(stock, s, t, w, &place, p, e);
}

/* ---- printing ---- */

static void print_null(struct buf *out, const char *key) {
    json_key(out, key);
    buf_adds(out, "null");
}

static void print_counts(const struct preview *p, struct buf *out) {
    static const char *const none[] = {"encoding",    "segments",      "units",     "units_left",
                                       "forced_ucs2", "gsm7_segments", "gsm7_units"};
    bool text_message = p->channel == CHANNEL_SMS, counted = text_message && !p->failure.n;
    const struct template_extent *x = &p->extent;
    for (size_t i = 0; i < sizeof none / sizeof none[0] && !counted; i++)
        print_null(out, none[i]);
    if (counted)
        segments_add_json(&p->count, p->parts[p->main].text, out);
    if (counted && !p->count.culprits_n) {
        print_null(out, "gsm7_segments");
        print_null(out, "gsm7_units");
    }
    if (text_message)
        json_pair_i64(out, "segments_least", (int64_t)x->segments_least);
    else
        print_null(out, "segments_least");
    if (text_message && x->bounded)
        json_pair_i64(out, "segments_most", (int64_t)x->segments_most);
    else
        print_null(out, "segments_most");
    struct sv ucs2 = x->ucs2_certain ? SV("certain") : x->ucs2_possible ? SV("possible") : SV("no");
    json_pair_or_null(out, "segment_rule", text_message ? sv_of(counting_rule_name(p->rule)) : SV_NONE);
    json_pair_or_null(out, "ucs2", text_message ? ucs2 : SV_NONE);
}

enum which { REQUIRED, OPTIONAL, MISSING };

static bool is_which(const struct preview_variable *v, enum which which) {
    return which == MISSING ? v->missing : which == REQUIRED ? v->required : !v->required;
}

static void print_names(const struct preview *p, const char *key, enum which which, struct buf *out) {
    bool first = true;
    json_key(out, key);
    buf_addc(out, '[');
    for (size_t i = 0; i < p->n_variables; i++) {
        if (!is_which(&p->variables[i], which))
            continue;
        if (!first)
            buf_addc(out, ',');
        first = false;
        json_add_string(out, p->variables[i].name);
    }
    buf_addc(out, ']');
}

void preview_print(const struct preview *p, struct buf *out) {
    buf_addc(out, '{');
    if (p->failure.n)
        print_null(out, "text");
    else
        json_pair(out, "text", p->parts[p->main].text);
    json_pair_or_null(out, "failure", p->failure);
    json_key(out, "parts");
    buf_addc(out, '{');
    for (int i = 0; i < TEMPLATE_PARTS && !p->failure.n; i++)
        if (p->parts[i].there)
            json_pair(out, template_part_name((enum template_part)i), p->parts[i].text);
    buf_addc(out, '}');
    json_pair(out, "channel", sv_of(channel_name(p->channel)));
    if (p->version)
        json_pair_i64(out, "version", p->version);
    else
        print_null(out, "version");
    json_pair_or_null(out, "language", p->language);
    json_pair_bool(out, "sample", p->sampled);
    print_counts(p, out);
    print_names(p, "required", REQUIRED, out);
    print_names(p, "optional", OPTIONAL, out);
    print_names(p, "missing", MISSING, out);
    json_key(out, "codes");
    buf_add(out, p->codes.n ? p->codes : SV("null")); /* JSON already */
    buf_addc(out, '}');
}
