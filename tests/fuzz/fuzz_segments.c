/* Any well-formed text: the counts hold together, GSM-7 text encodes to as many septets as were counted and
 * comes back, and smart encoding makes GSM-7 or nothing. */
#include "base/err.h"
#include "text/gsm7.h"
#include "text/segments.h"
#include "text/smart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sv text = sv_make((const char *)data, size);
    struct err e = ERR_INIT;
    BUF_AUTO struct buf septets = BUF_INIT(1 << 22), back = BUF_INIT(1 << 22);
    if (gsm7_decode(text, &back, &e)) {
        ASSERT(sv_is_utf8(buf_sv(&back)));
        ASSERT(gsm7_encode(buf_sv(&back), &septets, &e) && septets.n <= size);
    }
    if (!sv_is_utf8(text))
        return 0;
    struct segments s = segments_count(text, SEGMENTS_INTERNATIONAL);
    struct segments china = segments_count(text, SEGMENTS_CHINA);
    size_t alone = s.encoding == SMS_GSM7 ? SEGMENT_GSM7_ALONE : SEGMENT_UCS2_ALONE;
    size_t part = s.encoding == SMS_GSM7 ? SEGMENT_GSM7_PART : SEGMENT_UCS2_PART;
    ASSERT(s.segments >= 1 && (s.segments == 1) == (s.units <= alone));
    ASSERT(s.segments == 1 || (s.units <= s.segments * part && s.units_left < part));
    ASSERT(s.units_left <= alone && (s.culprits_n == 0) == (s.encoding == SMS_GSM7));
    ASSERT(china.encoding == SMS_UCS2 && china.units <= size && china.culprits_n == 0);
    buf_reset(&septets);
    buf_reset(&back);
    if (s.encoding == SMS_GSM7) {
        ASSERT(gsm7_encode(text, &septets, &e) && septets.n == s.units);
        ASSERT(gsm7_decode(buf_sv(&septets), &back, &e) && sv_eq(buf_sv(&back), text));
    } else {
        ASSERT(!gsm7_encode(text, &septets, &e));
    }
    BUF_AUTO struct buf smart = BUF_INIT(1 << 22);
    if (smart_encode(text, &smart))
        ASSERT(segments_count(buf_sv(&smart), SEGMENTS_INTERNATIONAL).encoding == SMS_GSM7);
    else
        ASSERT(smart.n == 0);
    return 0;
}
