#include "app/config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static struct sv real_env(void *ctx, struct sv name) {
    (void)ctx;
    char text[256];
    if (name.n >= sizeof text || sv_find_char(name, '\0') != SIZE_MAX)
        return SV_NONE;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    return sv_of(getenv(text));
}

static void close_fd(const int *fd) {
    if (*fd >= 0)
        close(*fd);
}

static bool real_read(void *ctx, struct sv path, struct buf *out, struct err *e) {
    (void)ctx;
    char text[PATH_MAX];
    if (path.n == 0 || path.n >= sizeof text || sv_find_char(path, '\0') != SIZE_MAX)
        return err_set(e, ERR_INVALID, "is no path");
    memcpy(text, path.p, path.n);
    text[path.n] = '\0';
    __attribute__((cleanup(close_fd))) int fd = open(text, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_OUTSIDE,
                       "cannot be read: %s", strerror(errno));
    for (;;) {
        char part[4096];
        ssize_t n = read(fd, part, sizeof part);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) /* a folder may be called .env: then there is no such file */
            return err_set(e, errno == EISDIR ? ERR_NOT_FOUND : ERR_OUTSIDE, "cannot be read: %s",
                           strerror(errno));
        if (n == 0)
            return true;
        bool ok = buf_add(out, sv_make(part, (size_t)n));
        explicit_bzero(part, sizeof part); /* may be a secret */
        if (!ok)
            return err_set(e, ERR_TOO_LARGE, "is larger than %zu bytes", out->max);
    }
}

struct config_source config_source_real(void) {
    return (struct config_source){.env = real_env, .read = real_read};
}
