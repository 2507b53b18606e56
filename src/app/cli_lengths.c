#include "app/cli_lengths.h"

#include "base/buf.h"
#include "base/json.h"
#include "text/template/extent.h"

#include <inttypes.h>
#include <string.h>

enum { LENGTHS_MAX = 256, LENGTH_MOST = 1000000 };

/* [2, 20] or [6, 6, "ascii"]. */
static bool read_length(const char *path, const json_t *v, struct value_length *out, struct err *e) {
    static const char *const scripts[] = {
        [VALUE_ANY] = "any", [VALUE_GSM7] = "gsm7", [VALUE_ASCII] = "ascii"};
    const json_t *least = json_array_get(v, 0), *most = json_array_get(v, 1), *script = json_array_get(v, 2);
    json_int_t low = json_integer_value(least), high = json_integer_value(most);
    bool ok = json_is_integer(least) && json_is_integer(most) && low >= 0 && high >= low &&
              high <= LENGTH_MOST && json_array_size(v) <= 3;
    *out = (struct value_length){.path = sv_of(path), .least = (uint32_t)low, .most = (uint32_t)high};
    if (ok && script) {
        size_t i = 0;
        while (i < 3 && !(json_is_string(script) && strcmp(json_string_value(script), scripts[i]) == 0))
            i++;
        ok = i < 3;
        out->script = (enum value_script)i;
    }
    return ok ||
           err_set(
               e, ERR_INVALID,
               "--lengths: `%.60s` must be [LEAST, MOST] or [LEAST, MOST, \"any\" or \"gsm7\" or \"ascii\"]",
               path);
}

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

bool cli_lengths(const struct template *t, const char *json, struct buf *out, struct err *e) {
    struct value_length rows[LENGTHS_MAX];
    struct value_lengths lengths = {.of = rows, .others = {.most = 30}};
    json_error_t why;
    json_auto_t *given = json_loads(json, JSON_REJECT_DUPLICATES, &why);
    const char *path;
    json_t *v;
    if (!json_is_object(given) || json_object_size(given) > LENGTHS_MAX)
        return err_set(e, ERR_INVALID, "--lengths is no JSON object such as {\"name\":[2,20],\"*\":[0,30]}");
    json_object_foreach(given, path, v) {
        bool others = strcmp(path, "*") == 0;
        if (!read_length(path, v, others ? &lengths.others : &rows[lengths.n], e))
            return false;
        lengths.n += !others;
    }
    struct template_extent x = template_extent(t, &lengths, SEGMENTS_INTERNATIONAL);
    buf_addc(out, '{');
    add_variables(t, out);
    json_pair_i64(out, "segments_least", (int64_t)x.segments_least);
    if (x.bounded)
        json_pair_i64(out, "segments_most", (int64_t)x.segments_most);
    else
        json_pair_or_null(out, "segments_most", SV_NONE);
    json_pair(out, "ucs2", x.ucs2_certain ? SV("certain") : x.ucs2_possible ? SV("possible") : SV("no"));
    return buf_adds(out, "}\n");
}
