/* contact_file: contacts as records of a file: CSV, where one may run over several lines, or NDJSON. The same
 * for a file that a command reads and for a part of one that comes over HTTP. Pure.
 *
 * CSV: id, name, numbers, emails, language, time_zone, attributes; a first line that names `id` or `numbers`
 * (or `number`) may put them in another order, leave some out, and have columns `attributes.NAME`, which are
 * texts. Several numbers or addresses stand in one field with semicolons between. NDJSON: an object a line,
 * as ingest/contact.h reads it, with its devices; times, which an export has, are passed over. A contact
 * without an id gets its first number, or e-mail address: so the same line twice is the same contact.
 */
#ifndef HY_INGEST_CONTACT_FILE_H
#define HY_INGEST_CONTACT_FILE_H

#include "ingest/contact.h"
#include "ingest/file_line.h"

enum { CONTACT_COLUMNS_MAX = 64, CONTACT_LINE_BYTES_MAX = 16 * 1024, CONTACT_COLUMN_NAME_BYTES_MAX = 64 };

struct contact_column {
    int what; /* one of the columns of a contact, or an attribute */
    char attribute[CONTACT_COLUMN_NAME_BYTES_MAX + 1];
};

struct contact_file {
    bool json;
    bool begun; /* the first line was read: it has the names, or not */
    struct contact_column columns[CONTACT_COLUMNS_MAX];
    size_t n_columns;
};

void contact_file_init(struct contact_file *f, bool json);
/* A file that goes on: its first line is named by the caller. As contact_file_line. */
MUST_USE enum file_line contact_file_head(struct contact_file *f, struct sv names, struct err *why);
/* One record, without its end; changes it. Texts of *out live in mem and in the line. */
MUST_USE enum file_line contact_file_line(struct contact_file *f, char *line, size_t n, struct sv region,
                                          struct arena *mem, struct contact *out, struct err *why);

/* The first line of a CSV, and a contact as a line of either form, with its line break. */
void contact_file_add_head(struct buf *out);
void contact_file_add(bool json, const struct contact *c, struct buf *out);

#endif
