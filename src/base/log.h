/* log: one line a decision, logfmt or JSON, to one descriptor.
 *
 * A line is an event name ("message.sent") and typed fields. There is no way to log a struct secret, a body
 * or an unmasked number: a number goes in by kv_phone, which masks it; free text (error texts, provider
 * words) goes in by kv_text, which runs the masker given at start. Lines are written whole, one write(2) each
 * unless a batch is open, and are at most 4 kB: fields that do not fit are left out and cut=true says so.
 * Safe from several threads (each thread batches its own lines).
 */
#ifndef HY_BASE_LOG_H
#define HY_BASE_LOG_H

#include "base/buf.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log {
    int fd;
    enum log_level level; /* may be changed while threads log: atomically */
    enum log_format format;
    int64_t (*now_us)(void *ctx); /* the world's clock */
    void *ctx;
    /* Appends text to out with codes, numbers and credentials masked (text/mask: mask_text). */
    void (*mask)(struct sv text, struct buf *out);
};

enum kv_kind { KV_WORD, KV_TEXT, KV_INT, KV_PHONE, KV_SKIP };

struct kv {
    const char *key;
    enum kv_kind kind;
    struct sv text;
    int64_t n;
};

/* word: a name of ours (states, reasons, sids, lane names), written as it is. */
#define kv_word(k, v) ((struct kv){.key = (k), .kind = KV_WORD, .text = (v)})
#define kv_name(k, v) ((struct kv){.key = (k), .kind = KV_WORD, .text = sv_of(v)})
#define kv_text(k, v) ((struct kv){.key = (k), .kind = KV_TEXT, .text = (v)})
#define kv_cstr(k, v) ((struct kv){.key = (k), .kind = KV_TEXT, .text = sv_of(v)})
#define kv_int(k, v) ((struct kv){.key = (k), .kind = KV_INT, .n = (v)})
#define kv_phone(k, v) ((struct kv){.key = (k), .kind = KV_PHONE, .text = (v)})
/* A field only when it has something to say. */
#define kv_opt(k, v) ((struct kv){.key = (k), .kind = (v).n ? KV_WORD : KV_SKIP, .text = (v)})

void log_write(const struct log *l, enum log_level level, const char *event, const struct kv *kv, size_t n);

#define log_at(l, level_, event, ...)                                                                        \
    do {                                                                                                     \
        if ((level_) >= __atomic_load_n(&(l)->level, __ATOMIC_RELAXED)) {                                    \
            const struct kv kv_[] = {__VA_ARGS__};                                                           \
            log_write((l), (level_), (event), kv_, sizeof kv_ / sizeof kv_[0]);                              \
        }                                                                                                    \
    } while (0)
#define log_debug(l, event, ...) log_at(l, LOG_DEBUG, event, __VA_ARGS__)
#define log_info(l, event, ...) log_at(l, LOG_INFO, event, __VA_ARGS__)
#define log_warn(l, event, ...) log_at(l, LOG_WARN, event, __VA_ARGS__)
#define log_error(l, event, ...) log_at(l, LOG_ERROR, event, __VA_ARGS__)

/* Between the two, this thread's lines are gathered and written together (a turn's lines in one write). */
void log_batch_begin(const struct log *l);
void log_batch_end(const struct log *l);

/* Country code and the last two digits of an E.164 number stay; other addresses keep their first two
 * characters. */
void log_mask_phone(struct sv number, struct buf *out);

#endif
