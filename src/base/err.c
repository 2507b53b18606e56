#include "base/err.h"

#include <stdarg.h>
#include <string.h>

static void fill(struct err *e, enum err_kind kind, const char *field, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));

static void fill(struct err *e, enum err_kind kind, const char *field, const char *fmt, va_list ap) {
    if (!e)
        return;
    e->kind = kind;
    e->line = e->column = 0;
    snprintf(e->field, sizeof e->field, "%s", field);
    vsnprintf(e->text, sizeof e->text, fmt, ap);
}

bool(err_set)(struct err *e, enum err_kind kind, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    fill(e, kind, "", fmt, ap);
    va_end(ap);
    return false;
}

bool(err_set_field)(struct err *e, enum err_kind kind, const char *field, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    fill(e, kind, field, fmt, ap);
    va_end(ap);
    return false;
}

bool err_place(struct err *e, unsigned line, unsigned column) {
    if (e) {
        e->line = line;
        e->column = column;
    }
    return false;
}

static const struct {
    int http;
    const char *name;
} kinds[] = {
    [ERR_NONE] = {200, "none"},
    [ERR_INVALID] = {400, "invalid"},
    [ERR_AUTH] = {401, "unauthenticated"},
    [ERR_FORBIDDEN] = {403, "forbidden"},
    [ERR_NOT_FOUND] = {404, "not_found"},
    [ERR_CONFLICT] = {409, "conflict"},
    [ERR_TOO_LARGE] = {413, "too_large"},
    [ERR_UNPROCESSABLE] = {422, "unprocessable"},
    [ERR_LIMITED] = {429, "limited"},
    [ERR_BUSY] = {503, "busy"},
    [ERR_OUTSIDE] = {503, "unavailable"},
    [ERR_INTERNAL] = {500, "internal"},
};

int err_http_status(enum err_kind kind) {
    return kinds[kind].http;
}

const char *err_kind_name(enum err_kind kind) {
    return kinds[kind].name;
}
