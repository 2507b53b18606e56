/* buf: an owned, growing run of bytes with a maximum given at birth.
 *
 * A write that would pass the maximum (or for which memory is short) writes nothing and sets overflow, which
 * sticks until buf_reset: so a long series of writes is checked once, at its end. A NUL byte always stands
 * behind the content (not counted in n), so that p is also a C string once something was written.
 */
#ifndef HY_BASE_BUF_H
#define HY_BASE_BUF_H

#include "base/sv.h"

struct buf {
    char *p; /* owned; NULL until the first write */
    size_t n;
    size_t cap;
    size_t max; /* content never passes this many bytes */
    bool overflow;
};

#define BUF_INIT(max_bytes) ((struct buf){.max = (max_bytes)})
/* A buf that frees itself when its scope ends. */
#define BUF_AUTO __attribute__((cleanup(buf_done)))

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);
/* Empty again, memory kept, overflow forgotten. */
void buf_reset(struct buf *b);

bool buf_add(struct buf *b, struct sv v);
bool buf_addc(struct buf *b, char c);
bool buf_adds(struct buf *b, const char *cstr);
/* Several views, one after the other: many times cheaper than buf_addf where nothing is to be formatted. */
bool buf_add_all(struct buf *b, const struct sv *v, size_t n);
#define buf_join(b, ...)                                                                                     \
    buf_add_all((b), (const struct sv[]){__VA_ARGS__}, sizeof(struct sv[]){__VA_ARGS__} / sizeof(struct sv))
bool buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool buf_add_u64(struct buf *b, uint64_t x);
bool buf_add_i64(struct buf *b, int64_t x);
/* Room for n more bytes to be written straight to the returned place (then add to b->n); NULL and overflow if
 * none. */
char *buf_room(struct buf *b, size_t n);

struct sv buf_sv(const struct buf *b);
/* The bytes, now the caller's to free(); b is empty as after buf_init. */
char *buf_steal(struct buf *b);

#endif
