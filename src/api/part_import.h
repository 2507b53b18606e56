/* part_import: a part of a file that comes over HTTP: its records one after the other, the report of what was
 * refused, and the answer. What a record says is the caller's to read (ingest/contact_file.h,
 * ingest/consent_file.h); how long the whole file is makes no difference. */
#ifndef HY_API_PART_IMPORT_H
#define HY_API_PART_IMPORT_H

#include "api/native.h"

enum {
    PART_ROWS_MAX = 500, /* of one transaction, and of what one request's memory holds */
    PART_REFUSALS_BYTES_MAX = 256 * 1024,
};

struct part_import {
    bool json, dry_run;
    int64_t first_line, lines;
    size_t added, renewed; /* what came of it */
    struct buf *refused;   /* JSON; borrowed, PART_REFUSALS_BYTES_MAX */
    int64_t refused_more;  /* for which there was no room in it */
};

/* Reads what part_import_fields say of it, and its type; *columns: the names of the file's columns, or none.
 * False: answered. */
MUST_USE bool part_import_begin(struct api_request *rq, struct buf *refused, struct part_import *out,
                                struct sv *columns);
/* The next record of *body, without its end, copied into the request's memory, for it may be changed; *line
 * is its first. False: there is none, or (e->kind) no memory for it. record_max: bytes, of one over several
 * lines. */
MUST_USE bool part_import_next(struct api_request *rq, struct part_import *im, struct sv *body,
                               size_t record_max, struct sv *record, int64_t *line, struct err *e);
void part_import_refuse(struct part_import *im, int64_t line, const struct err *why);
/* The report; refused is what the buffer held, by then. */
void part_import_answer(struct api_request *rq, const struct part_import *im, struct sv refused);

#endif
