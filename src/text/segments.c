#include "text/segments.h"

#include "text/gsm7.h"
#include "text/utf8.h"

#include <string.h>

/* One encoding's greedy fill of the segments of a long message. */
struct fill {
    size_t part; /* size of a segment */
    size_t full; /* segments closed so far */
    size_t used; /* units in the open one */
    size_t total;
};

static inline void fill_one(struct fill *f, unsigned units) {
    f->total += units;
    if (f->used + units > f->part) {
        f->full++;
        f->used = 0;
    }
    f->used += units;
}

/* n characters of one unit each. A segment stays open when exactly full, as in fill_one. */
static inline void fill_run(struct fill *f, size_t n) {
    f->total += n;
    f->used += n;
    while (f->used > f->part) {
        f->full++;
        f->used -= f->part;
    }
}

static void fill_end(const struct fill *f, size_t alone, size_t *segments, size_t *left) {
    bool single = f->total <= alone;
    *segments = single ? 1 : f->full + 1;
    *left = single ? alone - f->total : f->part - f->used;
}

/* Sixteen bytes at a time: most texts of the world's traffic are runs of plain ASCII. */
enum { LANES = 16 };
typedef uint8_t lanes __attribute__((vector_size(LANES)));

static inline bool lanes_any(lanes v) {
    uint64_t half[2];
    memcpy(half, &v, sizeof half);
    return (half[0] | half[1]) != 0;
}

/* True when all bytes are ASCII characters of one septet: not a control except LF and CR, not the grave
 * accent, not one of ^ { } \ [ ~ ] | (all of the ASCII that the extension table holds, bar FF, a control). */
static inline bool is_plain(const unsigned char *p) {
    lanes v;
    memcpy(&v, p, sizeof v);
    lanes odd = (lanes)(v < 0x20) & (lanes)(v != '\n') & (lanes)(v != '\r');
    odd |= (lanes)(v >= 0x7B) | (lanes)(v == 0x60) | (lanes)(v == '[') | (lanes)(v == '\\') |
           (lanes)(v == ']') | (lanes)(v == '^');
    return !lanes_any(odd);
}

struct segments segments_count(struct sv utf8, enum segments_rule rule) {
    struct segments s = {.encoding = SMS_GSM7};
    struct fill gsm = {.part = SEGMENT_GSM7_PART}, ucs = {.part = SEGMENT_UCS2_PART};
    const unsigned char *start = (const unsigned char *)(utf8.n ? utf8.p : ""), *p = start, *end = p + utf8.n;
    while (p < end) {
        size_t run = 0;
        while ((size_t)(end - p) - run >= LANES && is_plain(p + run))
            run += LANES;
        fill_run(&gsm, run);
        fill_run(&ucs, run);
        p += run;
        /* Byte by byte up to the next place where a run may start. */
        const unsigned char *stop = (size_t)(end - p) > LANES ? p + LANES : end;
        while (p < stop) {
            size_t offset = (size_t)(p - start);
            uint32_t cp = utf8_next(&p, end);
            unsigned septets = gsm7_of(cp, NULL);
            if (septets == 0) {
                if (s.culprits_n < SEGMENTS_CULPRITS_MAX)
                    s.culprits[s.culprits_n] = (struct segments_culprit){.code_point = cp, .offset = offset};
                s.culprits_n++;
                septets = 1;
            }
            fill_one(&gsm, septets);
            fill_one(&ucs, cp > 0xFFFF ? 2 : 1);
        }
    }
    size_t left;
    fill_end(&gsm, SEGMENT_GSM7_ALONE, &s.gsm7_segments, &left);
    s.gsm7_units = gsm.total;
    if (s.culprits_n == 0 && rule == SEGMENTS_INTERNATIONAL) {
        s.units = s.gsm7_units;
        s.segments = s.gsm7_segments;
        s.units_left = left;
        return s;
    }
    s.encoding = SMS_UCS2;
    s.units = ucs.total;
    fill_end(&ucs, SEGMENT_UCS2_ALONE, &s.segments, &s.units_left);
    if (rule == SEGMENTS_CHINA) {
        memset(s.culprits, 0, sizeof s.culprits);
        s.culprits_n = 0;
    }
    return s;
}

const char *sms_encoding_name(enum sms_encoding encoding) {
    return encoding == SMS_GSM7 ? "GSM-7" : "UCS-2";
}
