#include "ingest/doc_json.h"

#include "base/json.h"
#include "text/template/template.h"

#include <string.h>

enum {
    PATH_BYTES_MAX = ERR_FIELD_MAX,
    SAMPLE_BYTES_MAX = 16 * 1024,
    PARAMS_BYTES_MAX = 4 * 1024,
    PARAMS_MAX = 64
};

struct path {
    char text[PATH_BYTES_MAX];
};

static struct path inside(const char *where, const char *name) {
    struct path p;
    int whole = snprintf(p.text, sizeof p.text, "%s%s%s", where, where[0] ? "." : "", name);
    ASSERT(whole >= 0);                                                   /* what is longer is cut */
    for (size_t n = strlen(p.text); !sv_is_utf8(sv_make(p.text, n)); n--) /* cut within a character */
        p.text[n - 1] = '\0';
    return p;
}

static struct sv text_of(const json_t *j) {
    return sv_make(json_string_value(j), json_string_length(j));
}

static bool keep(struct arena *a, struct sv v, struct sv *out, struct err *e) {
    *out = v.n ? arena_dup(a, v) : SV("");
    return out->p || err_set(e, ERR_OUTSIDE, "out of memory for a template");
}

/* ---- texts ---- */

static bool add_text(const json_t *j, const struct template_body *place, const char *where, struct arena *a,
                     struct template_doc *out, struct err *e) {
    struct template_body b = *place;
    if (!json_is_string(j))
        return err_set_field(e, ERR_INVALID, where, "`%s` must be a string", where);
    if (json_string_length(j) > TEMPLATE_TEXT_BYTES_MAX)
        return err_set_field(e, ERR_TOO_LARGE, where, "one text of a template has at most %d bytes",
                             TEMPLATE_TEXT_BYTES_MAX);
    return keep(a, text_of(j), &b.text, e) && template_doc_add_body(out, a, &b, e);
}

static void list_parts(enum channel c, struct buf *out) {
    for (int p = 0; p < TEMPLATE_PARTS; p++)
        if (template_channel_has(c, (enum template_part)p))
            buf_addf(out, "%s%s", out->n ? ", " : "", template_part_name((enum template_part)p));
}

static bool read_channel(const json_t *j, struct template_body place, const char *where, struct arena *a,
                         struct template_doc *out, struct err *e) {
    if (json_is_string(j) && (place.channel == CHANNEL_SMS || place.channel == CHANNEL_VOICE))
        return add_text(j, &place, where, a, out, e);
    BUF_AUTO struct buf parts = BUF_INIT(200);
    list_parts(place.channel, &parts);
    if (!json_is_object(j))
        return err_set_field(e, ERR_INVALID, where, "`%s` must be an object of: %s", where, parts.p);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)j, key, value) {
        struct path p = inside(where, key);
        if (!template_part_find(sv_of(key), &place.part) || !template_channel_has(place.channel, place.part))
            return err_set_field(e, ERR_INVALID, p.text, "`%s` is not known: %s has %s", p.text,
                                 channel_name(place.channel), parts.p);
        if (!json_is_null(value) && !add_text(value, &place, p.text, a, out, e))
            return false;
    }
    return true;
}

/* ---- codes ---- */

static bool check_params(const json_t *j, const char *where, struct err *e) {
    size_t n = json_is_object(j) ? json_object_size(j) : json_array_size(j);
    if (!json_is_object(j) && !json_is_array(j))
        return err_set_field(e, ERR_INVALID, where, "`%s` must be an object of texts, or a list of texts",
                             where);
    if (n > PARAMS_MAX)
        return err_set_field(e, ERR_TOO_LARGE, where, "`%s` has at most %d entries", where, PARAMS_MAX);
    const char *key;
    json_t *value;
    size_t i;
    bool texts = true;
    json_object_foreach((json_t *)(uintptr_t)j, key, value) texts &= json_is_string(value);
    json_array_foreach(j, i, value) texts &= json_is_string(value);
    return texts || err_set_field(e, ERR_INVALID, where,
                                  "each entry of `%s` must be a text, such as \"{{ code }}\"", where);
}

static bool dump_params(const json_t *j, const char *where, struct arena *a, struct sv *out, struct err *e) {
    char text[PARAMS_BYTES_MAX];
    if (!check_params(j, where, e))
        return false;
    size_t n = json_dumpb(j, text, sizeof text, JSON_COMPACT | JSON_SORT_KEYS);
    if (n > sizeof text)
        return err_set_field(e, ERR_TOO_LARGE, where, "`%s` has at most %d bytes as JSON", where,
                             PARAMS_BYTES_MAX);
    return keep(a, sv_make(text, n), out, e);
}

static bool read_code_member(const char *key, const json_t *value, const char *where, struct arena *a,
                             struct template_code *c, struct err *e) {
    struct path p = inside(where, key);
    bool code = strcmp(key, "code") == 0, sign = strcmp(key, "sign") == 0;
    if (strcmp(key, "params") == 0)
        return dump_params(value, p.text, a, &c->params, e);
    if (!code && !sign)
        return err_set_field(e, ERR_INVALID, p.text, "`%s` is not known: code, sign, params", p.text);
    /* Tencent's ids are numbers, and YAML reads them so. */
    char digits[24];
    struct sv text = json_is_string(value) ? text_of(value) : SV_NONE;
    if (json_is_integer(value)) {
        snprintf(digits, sizeof digits, "%lld", (long long)json_integer_value(value));
        text = sv_of(digits);
    }
    if (!text.n || text.n > TEMPLATE_CODE_BYTES_MAX)
        return err_set_field(e, ERR_INVALID, p.text, "`%s` is a text of 1 to %d bytes", p.text,
                             TEMPLATE_CODE_BYTES_MAX);
    return keep(a, text, code ? &c->code : &c->sign, e);
}

static bool read_code(const char *provider, const json_t *j, const struct language *l, const char *where,
                      struct arena *a, struct template_doc *out, struct err *e) {
    struct template_code c = {.sign = SV(""), .params = SV("")};
    const char *key;
    json_t *value;
    if (!json_is_object(j))
        return err_set_field(e, ERR_INVALID, where, "`%s` must be an object: code, sign, params", where);
    if (!*provider || strlen(provider) > TEMPLATE_CODE_BYTES_MAX)
        return err_set_field(e, ERR_INVALID, where, "`%s` names no provider or lane", where);
    json_object_foreach((json_t *)(uintptr_t)j, key, value) {
        if (!json_is_null(value) && !read_code_member(key, value, where, a, &c, e))
            return false;
    }
    if (!c.code.n)
        return err_set_field(e, ERR_INVALID, where, "`%s` has no `code`: the provider's id of the template",
                             where);
    return keep(a, sv_of(provider), &c.provider, e) && keep(a, sv_of(l->text), &c.language, e) &&
           template_doc_add_code(out, a, &c, e);
}

static bool read_codes(const json_t *j, const struct language *l, const char *where, struct arena *a,
                       struct template_doc *out, struct err *e) {
    const char *provider;
    json_t *value;
    if (!json_is_object(j))
        return err_set_field(e, ERR_INVALID, where, "`%s` must be an object, by provider or lane", where);
    json_object_foreach((json_t *)(uintptr_t)j, provider, value) {
        struct path p = inside(where, provider);
        if (!read_code(provider, value, l, p.text, a, out, e))
            return false;
    }
    return true;
}

/* ---- languages ---- */

static bool is_skipped(const char *const *skip, const char *key) {
    for (; skip && *skip; skip++)
        if (strcmp(*skip, key) == 0)
            return true;
    return false;
}

bool doc_read_language(const json_t *object, const struct language *l, const char *where,
                       const char *const *skip, struct arena *a, struct template_doc *out, struct err *e) {
    const char *key;
    json_t *value;
    struct template_body place = {.part = TEMPLATE_TEXT};
    if (!json_is_object(object))
        return err_set_field(e, ERR_INVALID, where, "`%s` must be an object", where);
    if (!keep(a, sv_of(l->text), &place.language, e))
        return false;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        struct path p = inside(where, key);
        bool ok = true;
        if (json_is_null(value) || is_skipped(skip, key))
            continue;
        if (strcmp(key, "codes") == 0)
            ok = read_codes(value, l, p.text, a, out, e);
        else if (channel_find(sv_of(key), &place.channel))
            ok = read_channel(value, place, p.text, a, out, e);
        else
            ok = err_set_field(e, ERR_INVALID, p.text, "`%s` is not known: sms, voice, email, push, codes",
                               p.text);
        if (!ok)
            return false;
    }
    return true;
}

bool doc_read_languages(const json_t *languages, struct arena *a, struct template_doc *out, struct err *e) {
    const char *key;
    json_t *value;
    if (!json_is_object(languages))
        return err_set_field(e, ERR_INVALID, "languages", "`languages` must be an object");
    json_object_foreach((json_t *)(uintptr_t)languages, key, value) {
        struct path p = inside("languages", key);
        struct language l;
        if (!*key || !language_parse(sv_of(key), &l))
            return err_set_field(e, ERR_INVALID, p.text,
                                 "`%s` is no language tag, such as zh or zh-CN, nor default", p.text);
        if (!doc_read_language(value, &l, p.text, NULL, a, out, e))
            return false;
    }
    return true;
}

bool doc_read_sample(const json_t *object, struct arena *a, struct template_doc *out, struct err *e) {
    if (!object)
        return true;
    if (!json_is_object(object))
        return err_set_field(e, ERR_INVALID, "sample", "`sample` must be an object of example variables");
    char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text)
        return err_set(e, ERR_OUTSIDE, "out of memory for a template");
    bool fits = strlen(text) <= SAMPLE_BYTES_MAX;
    bool ok = fits ? keep(a, json_object_size(object) ? sv_of(text) : SV_NONE, &out->sample, e)
                   : err_set_field(e, ERR_TOO_LARGE, "sample", "`sample` has at most %d bytes as JSON",
                                   SAMPLE_BYTES_MAX);
    free(text);
    return ok;
}

/* ---- checking ---- */

/* The error's text begins with the name it was compiled under: the field. */
static bool check_text(const char *field, struct sv text, struct err *e) {
    struct err why = ERR_INIT;
    struct template *t = template_compile(sv_of(field), text, NULL, &why);
    template_free(t);
    if (t)
        return true;
    err_set_field(e, why.kind, field, "%s", why.text);
    return err_place(e, why.line, why.column);
}

static bool check_body(const struct template_body *b, struct err *e) {
    char field[ERR_FIELD_MAX];
    snprintf(field, sizeof field, "languages.%.*s.%s.%s", SV_FMT(b->language), channel_name(b->channel),
             template_part_name(b->part));
    return check_text(field, b->text, e);
}

static bool check_code(const struct template_code *c, struct err *e) {
    char field[ERR_FIELD_MAX];
    json_error_t ignored;
    size_t i;
    const char *key;
    json_t *value;
    if (!c->params.n)
        return true;
    snprintf(field, sizeof field, "languages.%.*s.codes", SV_FMT(c->language));
    struct path provider = inside(field, c->provider.p);
    struct path p = inside(provider.text, "params");
    json_auto_t *params = json_loadb(c->params.p, c->params.n, 0, &ignored);
    bool ok = params != NULL;
    json_object_foreach(params, key, value) ok = ok && check_text(p.text, text_of(value), e);
    json_array_foreach(params, i, value) ok = ok && check_text(p.text, text_of(value), e);
    return ok;
}

bool doc_finish(struct template_doc *d, struct err *e) {
    struct sv twice;
    size_t bytes = d->sample.n;
    if (!d->n_bodies)
        return err_set_field(e, ERR_INVALID, "languages", "a template has at least one text");
    if (!template_doc_sort(d, &twice))
        return err_set_field(e, ERR_INVALID, "languages",
                             "two texts, or codes, of the language `%.*s` are for the same place",
                             SV_FMT(twice));
    for (size_t i = 0; i < d->n_bodies; i++)
        bytes += d->bodies[i].text.n;
    if (bytes > TEMPLATE_DOC_BYTES_MAX)
        return err_set_field(e, ERR_TOO_LARGE, "languages", "a template has at most %d bytes in all",
                             TEMPLATE_DOC_BYTES_MAX);
    for (size_t i = 0; i < d->n_bodies; i++)
        if (!check_body(&d->bodies[i], e))
            return false;
    for (size_t i = 0; i < d->n_codes; i++)
        if (!check_code(&d->codes[i], e))
            return false;
    return true;
}

/* ---- printing ---- */

/* A key of somebody else's words. */
static void add_key(struct buf *out, struct sv key) {
    char last = out->n ? out->p[out->n - 1] : '{';
    if (last != '{' && last != '[')
        buf_addc(out, ',');
    json_add_string(out, key);
    buf_addc(out, ':');
}

static void print_channel(const struct template_doc *d, size_t first, size_t end, struct buf *out) {
    json_key(out, channel_name(d->bodies[first].channel));
    buf_addc(out, '{');
    for (size_t i = first; i < end; i++)
        json_pair(out, template_part_name(d->bodies[i].part), d->bodies[i].text);
    buf_addc(out, '}');
}

static void print_texts(const struct template_doc *d, struct sv language, struct buf *out) {
    for (size_t i = 0, end; i < d->n_bodies; i = end) {
        const struct template_body *b = &d->bodies[i];
        end = i + 1;
        if (!sv_eq(b->language, language))
            continue;
        while (end < d->n_bodies && sv_eq(d->bodies[end].language, language) &&
               d->bodies[end].channel == b->channel)
            end++;
        print_channel(d, i, end, out);
    }
}

static void print_codes(const struct template_doc *d, struct sv language, struct buf *out) {
    bool any = false;
    for (size_t i = 0; i < d->n_codes; i++) {
        const struct template_code *c = &d->codes[i];
        if (!sv_eq(c->language, language))
            continue;
        if (!any) {
            json_key(out, "codes");
            buf_addc(out, '{');
        }
        any = true;
        add_key(out, c->provider);
        buf_addc(out, '{');
        json_pair(out, "code", c->code);
        json_pair_or_null(out, "sign", c->sign);
        json_key(out, "params");
        buf_add(out, c->params.n ? c->params : SV("null")); /* JSON already */
        buf_addc(out, '}');
    }
    if (any)
        buf_addc(out, '}');
}

static bool printed_before(const struct template_doc *d, size_t i, struct sv language) {
    for (size_t k = 0; k < d->n_bodies && k < i; k++)
        if (sv_eq(d->bodies[k].language, language))
            return true;
    for (size_t k = 0; i >= d->n_bodies && k < i - d->n_bodies; k++)
        if (sv_eq(d->codes[k].language, language))
            return true;
    return false;
}

void doc_print(const struct template_doc *d, struct buf *out) {
    json_key(out, "languages");
    buf_addc(out, '{');
    for (size_t i = 0; i < d->n_bodies + d->n_codes; i++) { /* a language may have codes only */
        struct sv language = i < d->n_bodies ? d->bodies[i].language : d->codes[i - d->n_bodies].language;
        if (printed_before(d, i, language))
            continue;
        add_key(out, language);
        buf_addc(out, '{');
        print_texts(d, language, out);
        print_codes(d, language, out);
        buf_addc(out, '}');
    }
    buf_addc(out, '}');
    json_key(out, "sample");
    buf_add(out, d->sample.n ? d->sample : SV("null")); /* JSON already */
}
