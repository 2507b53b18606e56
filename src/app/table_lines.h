/* table_lines: a file read record by record: lines, or records of CSV that may run over several. Holds a
 * bounded piece of the file, whatever its size. */
#ifndef HY_APP_TABLE_LINES_H
#define HY_APP_TABLE_LINES_H

#include "base/err.h"
#include "base/sv.h"
#include "ingest/csv.h"

#include <stdio.h>

enum {
    TABLE_LINE_BYTES_MAX = 64 * 1024,
    TABLE_RECORD_BYTES_MAX = 16 * 1024, /* of one that runs over several lines */
};

struct table_lines {
    FILE *in; /* borrowed; nothing was read from it */
    bool csv;
    char *held; /* owned */
    size_t at, n;
    struct csv_scan scan; /* of the record that begins at `at` */
    bool over;            /* the file has no more than what is held */
    int failed;           /* errno, where that is because it cannot be read; else 0 */
    size_t told;          /* bytes of the record told last, with its line break */
    bool in_line;         /* more of its line follows */
    uint64_t bytes;       /* of the file that are behind us */
};

struct table_record {
    struct sv text; /* without its end; a view of what is held, until the next is asked for */
    bool whole;     /* false: a line longer than TABLE_LINE_BYTES_MAX, of which this is the begin */
    size_t lines;
};

void table_lines_init(struct table_lines *l, FILE *in, bool csv);
void table_lines_done(struct table_lines *l);
/* Whether the next call finds its record, or the end, without reading (a pipe may say nothing for long). */
bool table_lines_held(const struct table_lines *l);
/* False: the end of the file, or it cannot be read (failed). */
bool table_lines_next(struct table_lines *l, struct table_record *out);

#endif
