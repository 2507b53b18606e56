#include "ingest/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool ingest_read_file(const char *path, struct buf *out, struct err *e) {
    FILE *f = fopen(path, "rbe");
    if (!f)
        return err_set(e, ERR_INVALID, "%s: %s", path, strerror(errno));
    char part[16384];
    size_t n;
    while ((n = fread(part, 1, sizeof part, f)) > 0 && buf_add(out, sv_make(part, n)))
        ;
    bool broken = ferror(f) != 0;
    fclose(f);
    if (broken || out->overflow)
        return err_set(e, ERR_INVALID, "%s: %s", path, broken ? "cannot be read" : "is too large");
    return true;
}
