#include "base/log.h"

#include "base/clock.h"
#include "base/json.h"

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096, LINE_END_BYTES = 16, BATCH_MAX_BYTES = 64 * 1024 };

/* The only thread-local state of the program: a thread's gathered lines. It is a cache of output, not state:
 * losing it in a crash loses log lines, never a message. */
static _Thread_local struct {
    struct buf lines;
    bool open;
    bool stuck; /* nobody reads */
} batch = {.lines = {.max = BATCH_MAX_BYTES}};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* A log that nobody reads (a full pipe) must not stop a message: a reader that is slow is waited for a
 * moment, once; then what does not go out at once is lost until it reads again. A descriptor that is writable
 * takes PIPE_BUF bytes without blocking (POSIX, write). */
static void write_all(int fd, struct sv v) {
    enum { PATIENCE_MS = 100 };
    while (v.n) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        bool ready = poll(&p, 1, batch.stuck ? 0 : PATIENCE_MS) == 1 && (p.revents & POLLOUT);
        batch.stuck = !ready;
        if (!ready)
            return;
        ssize_t k = write(fd, v.p, v.n < PIPE_BUF ? v.n : PIPE_BUF);
        if (k <= 0)
            return;
        v = sv_from(v, (size_t)k);
    }
}

/* Is the byte at i in the midst of a character of UTF-8? What is shown has whole ones. */
static bool goes_on(struct sv v, size_t i) {
    return i < v.n && ((unsigned char)v.p[i] & 0xC0) == 0x80;
}

void log_mask_phone(struct sv number, struct buf *out) {
    size_t keep_tail = number.n > 6 ? 2 : 0;
    size_t keep_head = number.n > 8 && number.p[0] == '+' ? 3 : number.n > 4 ? 2 : 0;
    size_t tail = number.n - keep_tail;
    while (keep_head && goes_on(number, keep_head))
        keep_head--;
    while (goes_on(number, tail))
        tail++;
    for (size_t i = 0; i < number.n; i++)
        buf_addc(out, i < keep_head || i >= tail ? number.p[i] : '*');
}

/* logfmt needs quotes around anything but plain words. */
static void add_logfmt(struct buf *out, struct sv v) {
    bool plain = v.n > 0;
    for (size_t i = 0; i < v.n && plain; i++)
        plain = v.p[i] > ' ' && v.p[i] != '"' && v.p[i] != '=' && v.p[i] != '\\' && v.p[i] != 0x7f;
    if (plain)
        buf_add(out, v);
    else
        json_add_string(out, v);
}

static void add_value(const struct log *l, struct buf *out, const struct kv *kv) {
    char masked_mem[512];
    struct buf BUF_AUTO masked = BUF_INIT(sizeof masked_mem);
    struct sv v = kv->text;
    if (kv->kind == KV_INT) {
        buf_add_i64(out, kv->n);
        return;
    }
    if (kv->kind == KV_PHONE) {
        log_mask_phone(v, &masked);
        v = buf_sv(&masked);
    } else if (kv->kind == KV_TEXT && l->mask) {
        l->mask(sv_sub(v, 0, sizeof masked_mem / 2), &masked);
        v = buf_sv(&masked);
    }
    if (l->format == LOG_JSON)
        json_add_string(out, v);
    else
        add_logfmt(out, v);
}

void log_write(const struct log *l, enum log_level level, const char *event, const struct kv *kv, size_t n) {
    struct buf BUF_AUTO own = BUF_INIT(LINE_MAX_BYTES);
    if (batch.open && BATCH_MAX_BYTES - batch.lines.n < LINE_MAX_BYTES) {
        write_all(l->fd, buf_sv(&batch.lines));
        buf_reset(&batch.lines);
    }
    struct buf *out = batch.open ? &batch.lines : &own;
    bool json = l->format == LOG_JSON, cut = false;
    size_t start = out->n;
    buf_adds(out, json ? "{\"ts\":\"" : "ts=");
    clock_add_rfc3339(out, l->now_us(l->ctx));
    buf_addf(out, json ? "\",\"level\":\"%s\",\"event\":\"%s\"" : " level=%s event=%s", level_names[level],
             event);
    for (size_t i = 0; i < n; i++) {
        if (kv[i].kind == KV_SKIP)
            continue;
        size_t before = out->n;
        buf_addf(out, json ? ",\"%s\":" : " %s=", kv[i].key);
        add_value(l, out, &kv[i]);
        if (out->overflow || out->n - start > LINE_MAX_BYTES - LINE_END_BYTES) {
            /* Without this field, so that the line keeps its grammar and its end. */
            out->n = before;
            out->overflow = false;
            cut = true;
        }
    }
    if (cut)
        buf_adds(out, json ? ",\"cut\":true" : " cut=true");
    buf_adds(out, json ? "}\n" : "\n");
    if (!batch.open)
        write_all(l->fd, buf_sv(out));
}

void log_batch_begin(const struct log *l) {
    (void)l;
    batch.open = true;
}

void log_batch_end(const struct log *l) {
    batch.open = false;
    write_all(l->fd, buf_sv(&batch.lines));
    buf_done(&batch.lines); /* kept, it would leak when the thread ends */
}
