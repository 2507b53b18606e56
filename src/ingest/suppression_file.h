/* suppression_file: numbers not to be written to, as records of a file (ingest/file_columns.h): number, kind
 * (opt_out, block or invalid), topic, note, expires_at. The same for a file that a command reads and for a
 * part of one that comes over HTTP. Pure.
 */
#ifndef HY_INGEST_SUPPRESSION_FILE_H
#define HY_INGEST_SUPPRESSION_FILE_H

#include "ingest/file_columns.h"
#include "store/suppression.h"

enum { SUPPRESSION_LINE_BYTES_MAX = 8192 };

struct suppression_file {
    struct file_columns columns;
    enum suppression_kind kind; /* of records that name none */
};

/* What lines cannot say. */
struct suppression_ground {
    struct sv region; /* where numbers are written */
    unsigned invalid_days;
    int64_t now;
};

void suppression_file_init(struct suppression_file *f, bool json, enum suppression_kind kind);
/* As file_columns_head. */
MUST_USE enum file_line suppression_file_head(struct suppression_file *f, struct sv names, struct err *why);
/* One record, without its end; changes it. Texts of *out live in mem and in the line; whose it is and who
 * said it, the caller says. */
MUST_USE enum file_line suppression_file_line(struct suppression_file *f, char *line, size_t n,
                                              const struct suppression_ground *g, struct arena *mem,
                                              struct suppression *out, struct err *why);

/* The first line of a CSV, and a row as a line of either form, with its line break. */
void suppression_file_add_head(struct buf *out);
void suppression_file_add(bool json, const struct suppression *row, struct buf *out);

#endif
