#include "base/buf.h"

#include "base/err.h"

#include <stdarg.h>
#include <string.h>

void buf_init(struct buf *b, size_t max) {
    *b = BUF_INIT(max);
}

void buf_done(struct buf *b) {
    free(b->p);
    *b = BUF_INIT(b->max);
}

void buf_reset(struct buf *b) {
    b->n = 0;
    b->overflow = false;
    if (b->p)
        b->p[0] = '\0';
}

char *buf_room(struct buf *b, size_t n) {
    if (b->overflow || n > b->max - b->n) {
        b->overflow = true;
        return NULL;
    }
    if (b->n + n + 1 > b->cap) {
        size_t cap = b->cap ? b->cap : 64;
        while (cap < b->n + n + 1)
            cap *= 2;
        char *p = realloc(b->p, cap);
        if (!p) {
            b->overflow = true;
            return NULL;
        }
        b->p = p;
        b->cap = cap;
    }
    return b->p + b->n;
}

bool buf_add(struct buf *b, struct sv v) {
    char *at = buf_room(b, v.n);
    if (!at)
        return false;
    if (v.n)
        memcpy(at, v.p, v.n);
    b->n += v.n;
    b->p[b->n] = '\0';
    return true;
}

bool buf_addc(struct buf *b, char c) {
    return buf_add(b, (struct sv){.p = &c, .n = 1});
}

bool buf_adds(struct buf *b, const char *cstr) {
    return buf_add(b, sv_of(cstr));
}

bool buf_add_all(struct buf *b, const struct sv *v, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!buf_add(b, v[i]))
            return false;
    return true;
}

bool buf_addf(struct buf *b, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *at = n >= 0 ? buf_room(b, (size_t)n) : NULL;
    if (at) {
        vsnprintf(at, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
    return at != NULL;
}

bool buf_add_u64(struct buf *b, uint64_t x) {
    char digits[20];
    size_t i = sizeof digits;
    do {
        digits[--i] = (char)('0' + x % 10);
        x /= 10;
    } while (x);
    return buf_add(b, (struct sv){.p = digits + i, .n = sizeof digits - i});
}

bool buf_add_i64(struct buf *b, int64_t x) {
    if (x >= 0)
        return buf_add_u64(b, (uint64_t)x);
    return buf_addc(b, '-') && buf_add_u64(b, ~(uint64_t)x + 1);
}

struct sv buf_sv(const struct buf *b) {
    return (struct sv){.p = b->p, .n = b->n};
}

char *buf_steal(struct buf *b) {
    char *p = b->p;
    *b = BUF_INIT(b->max);
    return p;
}
