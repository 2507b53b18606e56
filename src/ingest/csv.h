/* csv: records of comma-separated values (RFC 4180): a field in quotes may run over line breaks. Pure. */
#ifndef HY_INGEST_CSV_H
#define HY_INGEST_CSV_H

#include "base/buf.h"
#include "base/err.h"

/* How far the end of a record was looked for: a text that grows is not read again from its begin. All zero
 * for a new record. */
struct csv_scan {
    size_t line, at, breaks;
    unsigned state;
};

/* Where the first record of text ends: before byte *n, at a line break or the end of text, after *lines
 * lines. A quote that is not closed within max bytes, or behind whose end something else than a comma stands,
 * is a slip and not the begin of a long field: then the record is the first line, which csv_split refuses, so
 * that no slip swallows the lines behind it. last: nothing follows text; else false says that more is needed
 * to tell: then scan says where to go on, with a text that begins with this one. */
bool csv_cut(struct csv_scan *scan, struct sv text, bool last, size_t max, size_t *n, size_t *lines);
/* Takes quotes off in place, and makes one byte of a CRLF inside them; fields lose the blanks around them,
 * and live in line. False: more than max fields, or a quote that is not closed. */
MUST_USE bool csv_split(char *line, size_t n, struct sv *fields, size_t max, size_t *count);
/* One field and what stands behind it (',' or '\n'). */
void csv_add(struct buf *out, struct sv field, char behind);

#endif
