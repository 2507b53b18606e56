#include "text/segments_json.h"

#include "base/json.h"
#include "text/utf8.h"

void segments_add_json(const struct segments *n, struct sv text, struct buf *out) {
    json_pair(out, "encoding", sv_of(sms_encoding_name(n->encoding)));
    json_pair_i64(out, "segments", (int64_t)n->segments);
    json_pair_i64(out, "units", (int64_t)n->units);
    json_pair_i64(out, "units_left", (int64_t)n->units_left);
    json_key(out, "forced_ucs2");
    buf_addc(out, '[');
    for (size_t i = 0; i < n->culprits_n && i < SEGMENTS_CULPRITS_MAX; i++) {
        const unsigned char *from = (const unsigned char *)text.p + n->culprits[i].offset, *to = from;
        utf8_next(&to, (const unsigned char *)text.p + text.n);
        buf_adds(out, i ? "," : "");
        json_add_string(out, sv_make((const char *)from, (size_t)(to - from)));
    }
    buf_addc(out, ']');
    if (!n->culprits_n)
        return;
    json_pair_i64(out, "gsm7_segments", (int64_t)n->gsm7_segments);
    json_pair_i64(out, "gsm7_units", (int64_t)n->gsm7_units);
}
