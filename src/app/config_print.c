#include "app/config_value.h"

#include "app/config.h"

#include <string.h>

static void print_row(const struct config_row *row, const char *name, const void *base, const char *indent,
                      struct buf *out) {
    const struct sv *text = (const struct sv *)((const char *)base + row->at);
    buf_addf(out, "%s%s: ", indent, name);
    if (row->kind == CONFIG_SECRET)
        buf_adds(out, text->n ? "\"***\"" : "\"\"");
    else
        config_value_print(row, base, out);
    buf_addc(out, '\n');
}

/* Rows of one table; those of a section below its name. first: what stands before the first line. */
static void print_rows(const struct config_row *rows, const void *base, const char *first, const char *indent,
                       struct buf *out) {
    struct sv section = SV_NONE;
    char deeper[16];
    snprintf(deeper, sizeof deeper, "%s  ", indent);
    for (const struct config_row *row = rows; row->key; row++) {
        struct sv key = sv_of(row->key);
        size_t dot = sv_find_char(key, '.');
        struct sv own = dot == SIZE_MAX ? SV_NONE : sv_sub(key, 0, dot);
        if (own.n && !sv_eq(own, section))
            buf_addf(out, "%s%.*s:\n", indent, SV_FMT(own));
        section = own;
        print_row(row, own.n ? row->key + dot + 1 : row->key, base,
                  row == rows ? first
                  : own.n     ? deeper
                              : indent,
                  out);
    }
}

static void print_lane(const struct lane_config *lane, struct buf *out) {
    print_rows(config_lane_rows, lane, "  - ", "    ", out);
    for (size_t i = 0; i < lane->adapter->n_fields; i++) {
        const struct adapter_field *f = &lane->adapter->fields[i];
        buf_addf(out, "    %s: ", f->name);
        if (f->secret && lane->fields[i].n)
            buf_adds(out, "\"***\"");
        else
            config_text_print(lane->fields[i], out);
        buf_addc(out, '\n');
    }
}

static void print_routes(const struct settings *s, struct buf *out) {
    buf_adds(out, s->n_routes ? "routes:\n" : "");
    for (uint32_t i = 0; i < s->n_routes; i++)
        for (const struct config_row *row = config_route_rows; row->key; row++) {
            const struct sv_list *list = (const struct sv_list *)((const char *)&s->routes[i] + row->at);
            bool silent = config_row_is_list(row) && row->kind != CONFIG_SENDERS && list->n == 0;
            if (!silent) /* an empty condition would be an error */
                print_row(row, row->key, &s->routes[i], row == config_route_rows ? "  - " : "    ", out);
        }
}

static void print_sources(const struct settings *s, struct buf *out) {
    buf_adds(out, s->n_sources ? "sources:\n" : "");
    for (uint32_t i = 0; i < s->n_sources; i++)
        for (const struct config_row *row = config_source_rows; row->key; row++) {
            if (row->kind == CONFIG_SECRET)
                buf_addf(out, "    %s: \"***\"\n", row->key);
            else
                print_row(row, row->key, &s->sources[i], row == config_source_rows ? "  - " : "    ", out);
        }
}

static void print_doors(const struct settings *s, struct buf *out) {
    buf_adds(out, s->n_doors ? "doors:\n" : "");
    for (uint32_t i = 0; i < s->n_doors; i++)
        for (const struct config_row *row = config_door_rows; row->key; row++) {
            if (row->kind == CONFIG_SECRET)
                buf_addf(out, "    %s: %s\n", row->key, s->doors[i].password.n ? "\"***\"" : "\"\"");
            else
                print_row(row, row->key, &s->doors[i], row == config_door_rows ? "  - " : "    ", out);
        }
}

void config_print(const struct settings *s, struct buf *out) {
    print_rows(config_rows, s, "", "", out);
    buf_adds(out, s->n_lanes ? "lanes:\n" : "lanes: []\n");
    for (uint32_t i = 0; i < s->n_lanes; i++)
        print_lane(&s->lanes[i], out);
    print_routes(s, out);
    print_sources(s, out);
    print_doors(s, out);
}
