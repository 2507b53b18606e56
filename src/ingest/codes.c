#include "ingest/codes.h"

#include "base/json.h"
#include "ingest/lookup.h"

enum { PARAM_BYTES_MAX = 16 * 1024 };

/* What the parameters of one code are made with. */
struct making {
    const struct stock *stock; /* NULL: the parameters are texts as they are */
    struct shortener *links;
    const struct template_options *options;
    const json_t *vars;
    const struct codes_reader *reader;
    struct buf *out;
    struct err *e;
};

static bool add_text(struct making *m, struct sv text) {
    if (m->reader->see && !m->reader->see(m->reader->self, &text, m->e))
        return false;
    json_add_string(m->out, text);
    return true;
}

static bool add_param(struct making *m, const json_t *param) {
    struct sv source = sv_make(json_string_value(param), json_string_length(param));
    BUF_AUTO struct buf text = BUF_INIT(PARAM_BYTES_MAX);
    struct err why = ERR_INIT;
    if (!m->stock)
        return add_text(m, source);
    struct template *t = template_compile(SV("params"), source, m->options, &why);
    bool ok = t && lookup_render(m->stock, t, m->vars, m->links, NULL, &text, &why);
    template_free(t);
    return ok ? add_text(m, buf_sv(&text)) : err_set_field(m->e, ERR_UNPROCESSABLE, "vars", "%s", why.text);
}

static bool add_params(struct making *m, const json_t *params) {
    struct buf *out = m->out;
    const char *key;
    json_t *value;
    size_t i;
    bool ok = true;
    buf_addc(out, json_is_object(params) ? '{' : '[');
    json_object_foreach((json_t *)(uintptr_t)params, key, value) {
        if (out->p[out->n - 1] != '{')
            buf_addc(out, ',');
        json_add_string(out, sv_of(key));
        buf_addc(out, ':');
        ok = ok && add_param(m, value);
    }
    json_array_foreach(params, i, value) {
        if (i)
            buf_addc(out, ',');
        ok = ok && add_param(m, value);
    }
    buf_addc(out, json_is_object(params) ? '}' : ']');
    return ok;
}

bool codes_add_given(const json_t *params, const struct codes_reader *reader, struct buf *out,
                     struct err *e) {
    struct making m = {.reader = reader, .out = out, .e = e};
    return add_params(&m, params);
}

bool codes_add(const struct stock *stock, struct shortener *links, const struct template_options *o,
               const struct template_doc *doc, const struct language *l, const json_t *vars,
               const struct codes_reader *reader, struct buf *out, struct err *e) {
    struct making m = {stock, links, o, vars, reader, out, e};
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
        json_auto_t *params = json_loadb(c->params.p, c->params.n, 0, NULL);
        if (!params)
            buf_adds(out, "null");
        else if (!add_params(&m, params))
            return false;
        buf_addc(out, '}');
    }
    buf_addc(out, '}');
    return true;
}
