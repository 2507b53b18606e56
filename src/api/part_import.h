/* part_import: a part of a file that comes over HTTP: its records one after the other, the transactions that
 * write its rows (a few rows each, so that nobody else waits long for theirs), the report of what was
 * refused, and the answer. What a record says is its kind's to read (ingest/contact_file.h, consent_file.h,
 * suppression_file.h); how long the whole file is makes no difference. */
#ifndef HY_API_PART_IMPORT_H
#define HY_API_PART_IMPORT_H

#include "api/native.h"
#include "ingest/file_line.h"

enum { PART_ROWS_MAX = 500 }; /* what one request's memory holds */

struct part_step {
    struct store_write write; /* first; run: the kind's */
    const void *rows;
    size_t n;
    size_t added, renewed; /* what came of them: run sets both anew */
};

struct part_import {
    struct part_step step; /* those that are written now */
    const struct part_kind *kind;
    bool json, dry_run;
    int64_t first_line, lines;
    char *rows; /* n of them, in the request's memory */
    size_t n, n_stored;
    size_t added, renewed; /* of those that are stored */
    struct buf *refused;   /* JSON, while lines are read */
    int64_t n_refused;
    int64_t refused_more; /* those of them for which there was no room in it */
    struct sv report;     /* what it held */
};

/* A kind of file. file: what its reader keeps from line to line, file_size bytes of zeroes before init. */
struct part_kind {
    const char *rows_name; /* "contacts" */
    size_t file_size, row_size, record_max;
    void (*init)(void *file, bool json);
    enum file_line (*head)(void *file, struct sv names, struct err *why);
    /* One record, which it may change; row: its place. */
    enum file_line (*line)(struct api_request *rq, void *file, struct sv record, void *row, struct err *why);
    bool (*write)(struct db *db, struct store_write *w, int64_t now, struct err *e);
    /* Once for all that is stored, be it not all of them. NULL: nothing more to do. */
    void (*stored)(struct api_request *rq, const struct part_import *im);
};

/* Answers the request. */
void part_import_run(struct api_request *rq, const struct part_kind *kind);

#endif
