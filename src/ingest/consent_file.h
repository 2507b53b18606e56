/* consent_file: what recipients said, with its proof, as records of a file: CSV, where one may run over
 * several lines, or NDJSON. The same for a file that a command reads and for a part of one that comes over
 * HTTP. Pure.
 *
 * CSV: number, act, topic, at, by, method, text, ip, url, note, source; a first line that names `number` may
 * put them in another order and leave some out. NDJSON: an object of them a line, all texts. `at` must be
 * given: it is what tells a word that is in the history already from a new one.
 */
#ifndef HY_INGEST_CONSENT_FILE_H
#define HY_INGEST_CONSENT_FILE_H

#include "ingest/file_columns.h"
#include "store/consents.h"

enum { CONSENT_LINE_BYTES_MAX = 16 * 1024 };

struct consent_file {
    struct file_columns columns;
};

void consent_file_init(struct consent_file *f, bool json);
/* As file_columns_head. */
MUST_USE enum file_line consent_file_head(struct consent_file *f, struct sv names, struct err *why);
/* One record, without its end; changes it. now: nothing was said later. Texts of *out live in mem and in the
 * line; whose it is, the caller says. */
MUST_USE enum file_line consent_file_line(struct consent_file *f, char *line, size_t n, struct sv region,
                                          int64_t now, struct arena *mem, struct consent *out,
                                          struct err *why);

/* The first line of a CSV, and a word as a line of either form, with its line break. */
void consent_file_add_head(struct buf *out);
void consent_file_add(bool json, const struct consent *c, struct buf *out);

#endif
