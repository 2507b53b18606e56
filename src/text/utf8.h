/* utf8: one step through text that is known to be well-formed UTF-8 (sv_is_utf8). Owns nothing. Does not
 * check: on other bytes it may give a wrong code point, but it never reads past the end it is given.
 */
#ifndef HY_TEXT_UTF8_H
#define HY_TEXT_UTF8_H

#include "base/buf.h"

/* The code point at *p, and *p moved behind it. Precondition: *p < end. */
static inline uint32_t utf8_next(const unsigned char **p, const unsigned char *end) {
    const unsigned char *s = *p;
    uint32_t lead = *s;
    size_t n = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (n > (size_t)(end - s))
        n = 1;
    *p = s + n;
    switch (n) {
    case 2: return (lead & 0x1F) << 6 | (s[1] & 0x3Fu);
    case 3: return (lead & 0x0F) << 12 | (s[1] & 0x3Fu) << 6 | (s[2] & 0x3Fu);
    case 4: return (lead & 0x07) << 18 | (s[1] & 0x3Fu) << 12 | (s[2] & 0x3Fu) << 6 | (s[3] & 0x3Fu);
    default: return lead;
    }
}

/* Appends the UTF-8 form of a code point (not a surrogate, at most U+10FFFF). */
static inline bool utf8_add(struct buf *out, uint32_t cp) {
    if (cp < 0x80)
        return buf_addc(out, (char)cp);
    char s[4];
    size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, cp >>= 6)
        s[i] = (char)(0x80 | (cp & 0x3F));
    s[0] = (char)(cp | (n == 2 ? 0xC0u : n == 3 ? 0xE0u : 0xF0u));
    return buf_add(out, sv_make(s, n));
}

#endif
