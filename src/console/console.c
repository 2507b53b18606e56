#include "console/console.h"

const struct http_file *console_file(struct sv name) {
    for (const struct http_file *f = console_files; f->name; f++)
        if (sv_eq(sv_of(f->name), name))
            return f;
    return NULL;
}
