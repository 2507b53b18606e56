#include "ingest/file_columns.h"

#include "base/json.h"
#include "ingest/csv.h"

#include <jansson.h>
#include <string.h>

enum { NAMES_BYTES_MAX = 512 };

void file_columns_init(struct file_columns *f, const struct file_columns_kind *kind, bool json) {
    ASSERT(kind->n <= FILE_COLUMNS_MAX);
    *f = (struct file_columns){.kind = kind, .json = json, .n = kind->n};
    for (size_t i = 0; i < kind->n; i++)
        f->order[i] = (unsigned char)i;
}

static int column_of(const struct file_columns_kind *kind, struct sv name) {
    for (size_t i = 0; i < kind->n; i++)
        if (sv_eq_nocase(name, sv_of(kind->all[i].name)))
            return (int)i;
    return -1;
}

/* ---- the first line ---- */

/* Is the column named without which no record says anything? */
static bool names_first(const struct file_columns_kind *kind, const struct sv *fields, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (column_of(kind, fields[i]) == 0)
            return true;
    return false;
}

static void add_names(const struct file_columns_kind *kind, struct buf *out) {
    for (size_t i = 0; i < kind->n; i++)
        buf_addf(out, "%s%s", i ? ", " : "", kind->all[i].name);
}

static enum file_line read_head(struct file_columns *f, const struct sv *fields, size_t n, struct err *why) {
    f->n = n;
    for (size_t i = 0; i < n; i++) {
        int column = column_of(f->kind, fields[i]);
        if (column < 0) {
            struct buf BUF_AUTO names = BUF_INIT(NAMES_BYTES_MAX);
            add_names(f->kind, &names);
            err_set_field(why, ERR_INVALID, "columns", "column %zu is not known: %.*s", i + 1,
                          SV_FMT(buf_sv(&names)));
            err_place(why, 1, (unsigned)i + 1);
            return FILE_LINE_HEAD_WRONG;
        }
        f->order[i] = (unsigned char)column;
    }
    return FILE_LINE_NOTHING;
}

enum file_line file_columns_head(struct file_columns *f, struct sv given, struct err *why) {
    struct sv fields[FILE_COLUMNS_MAX];
    size_t n = 0;
    while (given.p && n < f->kind->n)
        fields[n++] = sv_trim(sv_cut(&given, ','));
    f->begun = true;
    if (!given.p && names_first(f->kind, fields, n))
        return read_head(f, fields, n, why);
    err_set_field(why, ERR_INVALID, "columns", "`columns` names up to %zu columns, %s among them", f->kind->n,
                  f->kind->all[0].name);
    return FILE_LINE_HEAD_WRONG;
}

/* ---- a record ---- */

static enum file_line read_csv(struct file_columns *f, char *line, size_t n, struct sv *v, struct err *why) {
    struct sv fields[FILE_COLUMNS_MAX];
    size_t count;
    bool first = !f->begun;
    f->begun = true;
    if (!csv_split(line, n, fields, f->kind->n, &count)) {
        err_set(why, ERR_INVALID, "not a record of up to %zu columns and %zu bytes, or a quote is not closed",
                f->kind->n, f->kind->line_bytes_max);
        return FILE_LINE_WRONG;
    }
    if (first && names_first(f->kind, fields, count))
        return read_head(f, fields, count, why);
    if (count > f->n) {
        err_set(why, ERR_INVALID, "%zu columns, where the first line names %zu", count, f->n);
        return FILE_LINE_WRONG;
    }
    for (size_t i = 0; i < count; i++)
        v[f->order[i]] = fields[i];
    return FILE_LINE_ROW;
}

static bool read_members(const struct file_columns_kind *kind, json_t *o, struct arena *mem, struct sv *v,
                         struct err *why) {
    const char *key;
    json_t *value;
    json_object_foreach(o, key, value) {
        int i = column_of(kind, sv_of(key));
        if (i < 0 || !(json_is_string(value) || json_is_null(value)))
            return err_set(why, ERR_INVALID, "`%.40s` is no member of %s, or no text", key, kind->a_row);
        if (!json_is_string(value))
            continue;
        v[i] = arena_dup(mem, sv_make(json_string_value(value), json_string_length(value)));
        if (json_string_length(value) && !v[i].p)
            return err_set(why, ERR_TOO_LARGE, "the file's part is too large");
    }
    return true;
}

static bool read_json(const struct file_columns_kind *kind, const char *line, size_t n, struct arena *mem,
                      struct sv *v, struct err *why) {
    json_t *o = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
    bool ok = json_is_object(o) ? read_members(kind, o, mem, v, why)
                                : err_set(why, ERR_INVALID, "not an object of JSON");
    json_decref(o);
    return ok;
}

static bool check_texts(const struct file_columns_kind *kind, const struct sv *v, struct err *e) {
    for (size_t i = 0; i < kind->n; i++) {
        const struct file_column *column = &kind->all[i];
        if (v[i].n > column->bytes_max)
            return err_set_field(e, ERR_INVALID, column->name, "%s has up to %zu bytes", column->name,
                                 column->bytes_max);
        if (!sv_is_utf8(v[i]) || sv_find_char(v[i], '\0') != SIZE_MAX)
            return err_set_field(e, ERR_INVALID, column->name,
                                 "%s is not UTF-8 (of a file in GBK say --encoding gbk), or has a NUL in it",
                                 column->name);
    }
    return true;
}

enum file_line file_columns_line(struct file_columns *f, char *line, size_t n, struct arena *mem,
                                 struct sv *v, struct err *why) {
    memset(v, 0, f->kind->n * sizeof *v);
    if (!sv_trim(sv_make(line, n)).n)
        return FILE_LINE_NOTHING;
    if (n > f->kind->line_bytes_max) {
        err_set(why, ERR_INVALID, "a line has at most %zu bytes", f->kind->line_bytes_max);
        return FILE_LINE_WRONG;
    }
    enum file_line got = f->json ? FILE_LINE_ROW : read_csv(f, line, n, v, why);
    if (got != FILE_LINE_ROW)
        return got;
    if ((!f->json || read_json(f->kind, line, n, mem, v, why)) && check_texts(f->kind, v, why))
        return FILE_LINE_ROW;
    file_columns_place(f, why);
    return FILE_LINE_WRONG;
}

void file_columns_place(const struct file_columns *f, struct err *why) {
    for (size_t i = 0; !f->json && i < f->n; i++)
        if (sv_eq(sv_of(why->field), sv_of(f->kind->all[f->order[i]].name)))
            err_place(why, 0, (unsigned)i + 1);
}

/* ---- writing ---- */

void file_columns_add_head(const struct file_columns_kind *kind, struct buf *out) {
    for (size_t i = 0; i < kind->n; i++)
        buf_addf(out, "%s%c", kind->all[i].name, i + 1 < kind->n ? ',' : '\n');
}

void file_columns_add(const struct file_columns_kind *kind, bool json, const struct sv *v, struct buf *out) {
    if (json)
        buf_addc(out, '{');
    for (size_t i = 0; i < kind->n; i++) {
        if (!json)
            csv_add(out, v[i], i + 1 < kind->n ? ',' : '\n');
        else if (v[i].n)
            json_pair(out, kind->all[i].name, v[i]);
    }
    if (json)
        buf_adds(out, "}\n");
}
