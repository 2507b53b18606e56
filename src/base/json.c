#include "base/json.h"

#include "base/clock.h"

/* Length of the sequence starting at v.p[i] if the bytes from there are well formed, judged by trying 1..4
 * bytes. */
static size_t sequence(struct sv v, size_t i) {
    for (size_t n = 1; n <= 4 && i + n <= v.n; n++)
        if (sv_is_utf8(sv_sub(v, i, n)))
            return n;
    return 0;
}

void json_add_string(struct buf *out, struct sv v) {
    buf_addc(out, '"');
    size_t plain = 0; /* start of the run not yet written */
    size_t i = 0;
    bool valid = sv_is_utf8(v);
    while (i < v.n) {
        unsigned char c = (unsigned char)v.p[i];
        size_t step = c < 0x80 || valid ? 1 : sequence(v, i);
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f && step) {
            i += step;
            continue;
        }
        buf_add(out, sv_sub(v, plain, i - plain));
        if (step == 0)
            buf_adds(out, "\\ufffd");
        else if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", c);
        else if (c == '\n')
            buf_adds(out, "\\n");
        else if (c == '\r')
            buf_adds(out, "\\r");
        else if (c == '\t')
            buf_adds(out, "\\t");
        else
            buf_addf(out, "\\u%04x", c);
        plain = ++i;
    }
    buf_add(out, sv_from(v, plain));
    buf_addc(out, '"');
}

void json_key(struct buf *out, const char *key) {
    char last = out->n ? out->p[out->n - 1] : '{';
    if (last != '{' && last != '[')
        buf_addc(out, ',');
    buf_addc(out, '"');
    buf_adds(out, key);
    buf_adds(out, "\":");
}

void json_pair(struct buf *out, const char *key, struct sv v) {
    json_key(out, key);
    json_add_string(out, v);
}

void json_pair_or_null(struct buf *out, const char *key, struct sv v) {
    json_key(out, key);
    if (v.n)
        json_add_string(out, v);
    else
        buf_adds(out, "null");
}

void json_pair_i64(struct buf *out, const char *key, int64_t v) {
    json_key(out, key);
    buf_add_i64(out, v);
}

void json_pair_bool(struct buf *out, const char *key, bool v) {
    json_key(out, key);
    buf_adds(out, v ? "true" : "false");
}

void json_pair_time(struct buf *out, const char *key, int64_t at) {
    json_key(out, key);
    if (at == 0) {
        buf_adds(out, "null");
        return;
    }
    buf_addc(out, '"');
    clock_add_rfc3339(out, at);
    buf_addc(out, '"');
}
