#include "ingest/suppression_file.h"

#include "base/clock.h"
#include "ingest/address.h"

enum { NUMBER, KIND, TOPIC, NOTE, EXPIRES, COLUMNS };
static const struct file_column columns[COLUMNS] = {
    [NUMBER] = {"number", SUPPRESSION_NUMBER_BYTES_MAX},
    [KIND] = {"kind", 16},
    [TOPIC] = {"topic", SUPPRESSION_TOPIC_BYTES_MAX},
    [NOTE] = {"note", SUPPRESSION_NOTE_BYTES_MAX},
    [EXPIRES] = {"expires_at", 64},
};
static const struct file_columns_kind rows = {.a_row = "a row of this list",
                                              .all = columns,
                                              .n = COLUMNS,
                                              .line_bytes_max = SUPPRESSION_LINE_BYTES_MAX};

void suppression_file_init(struct suppression_file *f, bool json, enum suppression_kind kind) {
    file_columns_init(&f->columns, &rows, json);
    f->kind = kind;
}

enum file_line suppression_file_head(struct suppression_file *f, struct sv names, struct err *why) {
    return file_columns_head(&f->columns, names, why);
}

static bool read_row(const struct sv v[COLUMNS], const struct suppression_ground *g, struct arena *mem,
                     struct suppression *out, struct err *e) {
    char number[SUPPRESSION_NUMBER_BYTES_MAX];
    if (!address_read(v[NUMBER], g->region, number, &out->number, e) || !address_check_listed(out->number, e))
        return false;
    out->number = arena_dup(mem, out->number);
    if (!out->number.p)
        return err_set(e, ERR_TOO_LARGE, "the file's part is too large");
    if (v[KIND].n && !suppression_kind_parse(v[KIND], &out->kind))
        return err_set_field(e, ERR_INVALID, "kind", "kind is opt_out, block or invalid");
    if (v[EXPIRES].n && !clock_parse_rfc3339(v[EXPIRES], &out->expires_at))
        return err_set_field(e, ERR_INVALID, "expires_at",
                             "expires_at is a time such as 2026-01-31T08:30:00Z");
    if (out->kind == SUPPRESSION_INVALID && !v[EXPIRES].n && g->invalid_days)
        out->expires_at = g->now + (int64_t)g->invalid_days * 86400 * US_PER_S;
    return true;
}

enum file_line suppression_file_line(struct suppression_file *f, char *line, size_t n,
                                     const struct suppression_ground *g, struct arena *mem,
                                     struct suppression *out, struct err *why) {
    struct sv v[COLUMNS];
    enum file_line got = file_columns_line(&f->columns, line, n, mem, v, why);
    if (got != FILE_LINE_ROW)
        return got;
    *out = (struct suppression){.topic = v[TOPIC].n ? v[TOPIC] : SV(""),
                                .kind = f->kind,
                                .source = SUPPRESSION_BY_IMPORT,
                                .by = SV("import"),
                                .note = v[NOTE]};
    if (read_row(v, g, mem, out, why))
        return FILE_LINE_ROW;
    file_columns_place(&f->columns, why);
    return FILE_LINE_WRONG;
}

void suppression_file_add_head(struct buf *out) {
    file_columns_add_head(&rows, out);
}

void suppression_file_add(bool json, const struct suppression *row, struct buf *out) {
    struct buf BUF_AUTO time = BUF_INIT(64);
    if (row->expires_at)
        clock_add_rfc3339(&time, row->expires_at);
    const struct sv v[COLUMNS] = {
        [NUMBER] = row->number,    [KIND] = sv_of(suppression_kind_name(row->kind)),
        [TOPIC] = row->topic,      [NOTE] = row->note,
        [EXPIRES] = buf_sv(&time),
    };
    file_columns_add(&rows, json, v, out);
}
