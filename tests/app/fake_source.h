/* fake_source: an environment and files in memory, as configuration sees the world in tests and the fuzzer.
 */
#ifndef HY_TESTS_APP_FAKE_SOURCE_H
#define HY_TESTS_APP_FAKE_SOURCE_H

#include "app/config.h"

#include <string.h>

enum { FAKE_FILES_MAX = 16 };

struct fake_source {
    struct sv env; /* NAME=value lines */
    struct {
        struct sv path, text;
    } files[FAKE_FILES_MAX];
    size_t n_files;
};

static inline struct sv fake_env(void *ctx, struct sv name) {
    const struct fake_source *f = ctx;
    struct sv rest = f->env;
    while (rest.n) {
        struct sv value = sv_cut(&rest, '\n'), key = sv_cut(&value, '=');
        if (value.p && sv_eq(key, name))
            return value;
    }
    return SV_NONE;
}

static inline bool fake_read(void *ctx, struct sv path, struct buf *out, struct err *e) {
    const struct fake_source *f = ctx;
    for (size_t i = 0; i < f->n_files; i++)
        if (sv_eq(f->files[i].path, path))
            return buf_add(out, f->files[i].text) ||
                   err_set(e, ERR_TOO_LARGE, "is larger than %zu bytes", out->max);
    return err_set(e, ERR_NOT_FOUND, "cannot be read: No such file or directory");
}

static inline struct config_source fake_source_of(struct fake_source *f) {
    return (struct config_source){.env = fake_env, .read = fake_read, .ctx = f};
}

static inline void fake_file(struct fake_source *f, struct sv path, struct sv text) {
    ASSERT(f->n_files < FAKE_FILES_MAX);
    f->files[f->n_files].path = path;
    f->files[f->n_files++].text = text;
}

#endif
