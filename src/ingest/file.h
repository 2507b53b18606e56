/* file: a whole file into memory, for this room. */
#ifndef HY_INGEST_FILE_H
#define HY_INGEST_FILE_H

#include "base/buf.h"
#include "base/err.h"

/* Appends the content to out, whose maximum holds. ERR_INVALID names the path. */
MUST_USE bool ingest_read_file(const char *path, struct buf *out, struct err *e);

#endif
