#include "app/cli_lengths.h"

#include "base/buf.h"
#include "base/json.h"
#include "ingest/lengths.h"

static void add_variables(const struct template *t, struct buf *out) {
    const struct template_variable *list;
    size_t n = template_variables(t, &list);
    json_key(out, "variables");
    buf_addc(out, '[');
    for (size_t i = 0; i < n; i++) {
        buf_adds(out, i ? ",{" : "{");
        json_pair(out, "name", list[i].name);
        json_pair_bool(out, "required", list[i].required);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
}

static void add_extent(const struct template_extent *x, struct buf *out) {
    json_pair_i64(out, "segments_least", (int64_t)x->segments_least);
    if (x->bounded)
        json_pair_i64(out, "segments_most", (int64_t)x->segments_most);
    else
        json_pair_or_null(out, "segments_most", SV_NONE);
    json_pair(out, "ucs2", x->ucs2_certain ? SV("certain") : x->ucs2_possible ? SV("possible") : SV("no"));
}

void cli_lengths_of(const struct preview *p, struct buf *out) {
    buf_addc(out, '{');
    json_key(out, "variables");
    buf_addc(out, '[');
    for (size_t i = 0; i < p->n_variables; i++) {
        buf_adds(out, i ? ",{" : "{");
        json_pair(out, "name", p->variables[i].name);
        json_pair_bool(out, "required", p->variables[i].required);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
    add_extent(&p->extent, out);
    buf_adds(out, "}\n");
}

bool cli_lengths(const struct template *t, const char *json, struct buf *out, struct err *e) {
    struct lengths lengths;
    struct err why = ERR_INIT;
    json_error_t broken;
    json_auto_t *given = json_loads(json, JSON_REJECT_DUPLICATES, &broken);
    if (!json_is_object(given))
        return err_set(e, ERR_INVALID, "--lengths is no JSON object such as {\"name\":[2,20],\"*\":[0,30]}");
    if (!lengths_read(given, &lengths, &why))
        return err_set(e, why.kind, "--lengths: %s", why.text);
    struct template_extent x = template_extent(t, &lengths.all, SEGMENTS_INTERNATIONAL);
    buf_addc(out, '{');
    add_variables(t, out);
    add_extent(&x, out);
    return buf_adds(out, "}\n");
}
