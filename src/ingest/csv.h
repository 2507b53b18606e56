/* csv: records of comma-separated values (RFC 4180): a field in quotes may run over line breaks. Pure. */
#ifndef HY_INGEST_CSV_H
#define HY_INGEST_CSV_H

#include "base/buf.h"
#include "base/err.h"

/* Where the first record of text ends: before byte *n, at a line break or the end of text, after *lines
 * lines. A quote that is not closed within max bytes, or behind whose end something else than a comma stands,
 * is a slip and not the begin of a long field: then the record is the first line, which csv_split refuses, so
 * that no slip swallows the lines behind it. last: nothing follows text; else false says that more is needed
 * to tell. */
bool csv_cut(struct sv text, bool last, size_t max, size_t *n, size_t *lines);
/* Takes quotes off in place, and makes one byte of a CRLF inside them; fields lose the blanks around them,
 * and live in line. False: more than max fields, or a quote that is not closed. */
MUST_USE bool csv_split(char *line, size_t n, struct sv *fields, size_t max, size_t *count);
/* One field and what stands behind it (',' or '\n'). */
void csv_add(struct buf *out, struct sv field, char behind);

#endif
