/* csv: lines of comma-separated values (RFC 4180), one record a line: a field does not run over a line break.
 * Pure. */
#ifndef HY_INGEST_CSV_H
#define HY_INGEST_CSV_H

#include "base/buf.h"
#include "base/err.h"

/* Takes quotes off in place; fields lose the blanks around them, and live in line. False: more than max
 * fields, or a quote that is not closed. */
MUST_USE bool csv_split(char *line, size_t n, struct sv *fields, size_t max, size_t *count);
/* One field and what stands behind it (',' or '\n'); line breaks in it become spaces. */
void csv_add(struct buf *out, struct sv field, char behind);

#endif
