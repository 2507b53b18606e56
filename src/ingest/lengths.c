#include "ingest/lengths.h"

#include <string.h>

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
    return ok || err_set_field(e, ERR_INVALID, "lengths",
                               "`%.60s` must be [LEAST, MOST] or [LEAST, MOST, \"any\" or \"gsm7\" or "
                               "\"ascii\"], up to %d",
                               path, LENGTH_MOST);
}

bool lengths_read(const json_t *json, struct lengths *out, struct err *e) {
    const char *path;
    json_t *v;
    out->all = (struct value_lengths){.of = out->rows, .others = {.most = 30}};
    if (json_object_size(json) > LENGTHS_MAX)
        return err_set_field(e, ERR_TOO_LARGE, "lengths", "at most %d lengths", LENGTHS_MAX);
    json_object_foreach((json_t *)(uintptr_t)json, path, v) {
        bool others = strcmp(path, "*") == 0;
        if (!read_length(path, v, others ? &out->all.others : &out->rows[out->all.n], e))
            return false;
        out->all.n += !others;
    }
    return true;
}
