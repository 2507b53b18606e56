/* file_columns: records of a file whose columns are texts with fixed names: CSV, where a first line that
 * names the first of them may put them in another order and leave some out, or NDJSON, an object of them a
 * line. What the texts mean is their kind's to say (ingest/consent_file.h, ingest/suppression_file.h). Pure.
 */
#ifndef HY_INGEST_FILE_COLUMNS_H
#define HY_INGEST_FILE_COLUMNS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "ingest/file_line.h"

enum { FILE_COLUMNS_MAX = 16 };

struct file_column {
    const char *name;
    size_t bytes_max;
};

/* A kind of record. */
struct file_columns_kind {
    const char *a_row; /* "a consent" */
    const struct file_column *all;
    size_t n; /* at most FILE_COLUMNS_MAX */
    size_t line_bytes_max;
};

struct file_columns {
    const struct file_columns_kind *kind;
    bool json;
    bool begun;                            /* the first line was read: it has the names, or not */
    unsigned char order[FILE_COLUMNS_MAX]; /* which stands where */
    size_t n;
};

void file_columns_init(struct file_columns *f, const struct file_columns_kind *kind, bool json);
/* A file that goes on: its first line is named by the caller. NOTHING, or HEAD_WRONG. */
MUST_USE enum file_line file_columns_head(struct file_columns *f, struct sv names, struct err *why);
/* One record, without its end; changes it. ROW: v has a text for each of the kind's columns, empty where it
 * has none, UTF-8 without NUL and not longer than allowed; they live in mem and in the line. */
MUST_USE enum file_line file_columns_line(struct file_columns *f, char *line, size_t n, struct arena *mem,
                                          struct sv *v, struct err *why);
/* Of a CSV: which column why->field is. */
void file_columns_place(const struct file_columns *f, struct err *why);

/* The first line of a CSV, and a record as a line of either form, with its line break. */
void file_columns_add_head(const struct file_columns_kind *kind, struct buf *out);
void file_columns_add(const struct file_columns_kind *kind, bool json, const struct sv *v, struct buf *out);

#endif
