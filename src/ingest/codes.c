#include "ingest/codes.h"

#include "base/json.h"
#include "ingest/lookup.h"

enum { PARAM_BYTES_MAX = 16 * 1024 };

/* One parameter, rendered, as a JSON string. */
static bool add_param(const struct stock *stock, struct shortener *links, const struct template_options *o,
                      const json_t *source, const json_t *vars, struct buf *out, struct err *e) {
    BUF_AUTO struct buf text = BUF_INIT(PARAM_BYTES_MAX);
    struct err why = ERR_INIT;
    struct template *t = template_compile(
        SV("params"), sv_make(json_string_value(source), json_string_length(source)), o, &why);
    bool ok = t && lookup_render(stock, t, vars, links, &text, &why);
    template_free(t);
    if (!ok)
        return err_set_field(e, ERR_UNPROCESSABLE, "vars", "%s", why.text);
    json_add_string(out, buf_sv(&text));
    return true;
}

static bool add_params(const struct stock *stock, struct shortener *links, const struct template_options *o,
                       struct sv params, const json_t *vars, struct buf *out, struct err *e) {
    json_error_t ignored;
    json_auto_t *j = json_loadb(params.p, params.n, 0, &ignored);
    const char *key;
    json_t *value;
    size_t i;
    bool ok = true;
    if (!j) {
        buf_adds(out, "null");
        return true;
    }
    buf_addc(out, json_is_object(j) ? '{' : '[');
    json_object_foreach(j, key, value) {
        if (out->p[out->n - 1] != '{')
            buf_addc(out, ',');
        json_add_string(out, sv_of(key));
        buf_addc(out, ':');
        ok = ok && add_param(stock, links, o, value, vars, out, e);
    }
    json_array_foreach(j, i, value) {
        if (i)
            buf_addc(out, ',');
        ok = ok && add_param(stock, links, o, value, vars, out, e);
    }
    buf_addc(out, json_is_object(j) ? '}' : ']');
    return ok;
}

bool codes_add(const struct stock *stock, struct shortener *links, const struct template_options *o,
               const struct template_doc *doc, const struct language *l, const json_t *vars, struct buf *out,
               struct err *e) {
    bool first = true;
    buf_addc(out, '{');
    for (size_t i = 0; i < doc->n_codes; i++) {
        const struct template_code *c = template_doc_code(doc, doc->codes[i].provider, l);
        bool again = i && sv_eq(doc->codes[i - 1].provider, doc->codes[i].provider); /* they are sorted */
        if (!c || again)
            continue;
        if (!first)
            buf_addc(out, ',');
        first = false;
        json_add_string(out, c->provider);
        buf_adds(out, ":{");
        json_pair(out, "code", c->code);
        json_pair_or_null(out, "sign", c->sign);
        json_key(out, "params");
        if (!add_params(stock, links, o, c->params, vars, out, e))
            return false;
        buf_addc(out, '}');
    }
    buf_addc(out, '}');
    return true;
}
