/* template_cli: renders what it is told, a JSON object a line on stdin: {"template", "vars", "options":
 * {"strict", "trim", "lstrip", "keep"}, "includes": {name: source}, "variables": bool}, and answers a line
 * each on stdout: {"ok": true, "out": ...} or {"ok": false, "error": ..., "kind": ...}. The differential
 * test's side of C.
 */
#include "base/json.h"
#include "text/template/template.h"

#include <string.h>

enum { OUT_BYTES_MAX = 64 << 20, INCLUDES_MAX = 20 };

struct library {
    const char *names[INCLUDES_MAX];
    struct template *templates[INCLUDES_MAX];
    size_t n;
};

static const struct template *library_load(void *ctx, struct sv name) {
    const struct library *l = ctx;
    for (size_t i = 0; i < l->n; i++)
        if (sv_eq(name, sv_of(l->names[i])))
            return l->templates[i];
    return NULL;
}

static struct sv text_of(const json_t *json) {
    return json_is_string(json) ? sv_make(json_string_value(json), json_string_length(json)) : SV_NONE;
}

static bool option(const json_t *options, const char *name) {
    return json_is_true(json_object_get(options, name));
}

static bool fill_library(struct library *l, json_t *includes, const struct template_options *options,
                         struct err *e) {
    const char *name;
    json_t *source;
    json_object_foreach(includes, name, source) {
        if (l->n == INCLUDES_MAX)
            return err_set(e, ERR_TOO_LARGE, "too many includes");
        l->names[l->n] = name;
        l->templates[l->n] = template_compile(sv_of(name), text_of(source), options, e);
        if (!l->templates[l->n])
            return false;
        l->n++;
    }
    return true;
}

static void add_variables(struct buf *out, const struct template *t) {
    const struct template_variable *list;
    size_t n = template_variables(t, &list);
    json_key(out, "variables");
    buf_addc(out, '{');
    for (size_t i = 0; i < n; i++) {
        buf_adds(out, i ? "," : "");
        json_add_string(out, list[i].name);
        buf_adds(out, list[i].required ? ":true" : ":false");
    }
    buf_addc(out, '}');
}

static bool answer(json_t *request, struct library *l, struct buf *text, struct template **t, struct err *e) {
    const json_t *options = json_object_get(request, "options");
    struct template_options o = {
        .strict_undefined = option(options, "strict"),
        .trim_blocks = option(options, "trim"),
        .lstrip_blocks = option(options, "lstrip"),
        .keep_trailing_newline = option(options, "keep"),
        .load = library_load,
        .load_ctx = l,
    };
    if (!fill_library(l, json_object_get(request, "includes"), &o, e))
        return false;
    *t = template_compile(SV("t"), text_of(json_object_get(request, "template")), &o, e);
    return *t && template_render(*t, json_object_get(request, "vars"), NULL, text, e);
}

static void serve(const char *line) {
    json_error_t where;
    json_t *request = json_loads(line, JSON_ALLOW_NUL, &where);
    BUF_AUTO struct buf text = BUF_INIT(OUT_BYTES_MAX), out = BUF_INIT(OUT_BYTES_MAX);
    struct library library = {.n = 0};
    struct template *t = NULL;
    struct err e = ERR_INIT;
    bool ok = request ? answer(request, &library, &text, &t, &e) : err_set(&e, ERR_INVALID, "%s", where.text);
    buf_addc(&out, '{');
    json_pair_bool(&out, "ok", ok);
    if (ok)
        json_pair(&out, "out", buf_sv(&text));
    else {
        json_pair(&out, "error", sv_of(e.text));
        json_pair(&out, "kind", sv_of(err_kind_name(e.kind)));
    }
    if (t)
        add_variables(&out, t);
    buf_addc(&out, '}');
    puts(out.p);
    fflush(stdout);
    template_free(t);
    for (size_t i = 0; i < library.n; i++)
        template_free(library.templates[i]);
    json_decref(request);
}

int main(void) {
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, stdin) > 0)
        serve(line);
    free(line);
    return 0;
}
