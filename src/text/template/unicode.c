#include "text/template/unicode.h"

#include <string.h>
#include <unicode/ucasemap.h>
#include <unicode/uchar.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

size_t u8_decode(struct sv v, uint32_t *cp) {
    const unsigned char *p = (const unsigned char *)v.p;
    uint32_t c = p[0];
    if (c < 0x80) {
        *cp = c;
        return 1;
    }
    size_t n = c >= 0xF0 && c <= 0xF4 ? 4 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xC2 && c < 0xE0 ? 2 : 0;
    *cp = 0xFFFD;
    if (n == 0 || n > v.n)
        return 1;
    uint32_t x = c & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 1;
        x = (x << 6) | (p[i] & 0x3F);
    }
    if ((n == 3 && (x < 0x800 || (x >= 0xD800 && x < 0xE000))) || (n == 4 && (x < 0x10000 || x > 0x10FFFF)))
        return 1;
    *cp = x;
    return n;
}

size_t u8_encode(uint32_t cp, char out[4]) {
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | (cp >> 6));
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xE0 | (cp >> 12));
        out[1] = (char)(0x80 | ((cp >> 6) & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | (cp >> 18));
    out[1] = (char)(0x80 | ((cp >> 12) & 0x3F));
    out[2] = (char)(0x80 | ((cp >> 6) & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

void u8_add(struct buf *out, uint32_t cp) {
    char bytes[4];
    buf_add(out, sv_make(bytes, u8_encode(cp, bytes)));
}

size_t u8_offset(struct sv v, size_t index) {
    size_t at = 0;
    uint32_t cp;
    while (index-- > 0 && at < v.n)
        at += u8_decode(sv_from(v, at), &cp);
    return at;
}

size_t u8_count(struct sv v) {
    size_t count = 0;
    uint32_t cp;
    for (size_t at = 0; at < v.n; count++)
        at += u8_decode(sv_from(v, at), &cp);
    return count;
}

size_t u8_before(struct sv v, size_t end) {
    uint32_t cp;
    for (size_t back = 2; back <= 4 && back <= end; back++)
        if (((unsigned char)v.p[end - 1] & 0xC0) == 0x80 &&
            u8_decode(sv_sub(v, end - back, back), &cp) == back)
            return end - back;
    return end - 1;
}

bool uc_is_space(uint32_t cp) {
    if (cp < 0x80)
        return cp == ' ' || (cp >= 9 && cp <= 13) || (cp >= 0x1C && cp <= 0x1F);
    return cp == 0x85 || cp == 0xA0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 ||
           cp == 0x2029 || cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

bool u8_line(struct sv *rest, struct sv *line) {
    struct sv v = *rest;
    uint32_t cp;
    for (size_t at = 0, n; at < v.n; at += n) {
        n = u8_decode(sv_from(v, at), &cp);
        if ((cp >= 0x0A && cp <= 0x0D) || (cp >= 0x1C && cp <= 0x1E) || cp == 0x85 || cp == 0x2028 ||
            cp == 0x2029) {
            *line = sv_sub(v, 0, at);
            bool pair = cp == '\r' && at + 1 < v.n && v.p[at + 1] == '\n';
            *rest = sv_from(v, at + n + pair);
            return true;
        }
    }
    *line = v;
    *rest = sv_from(v, v.n);
    return false;
}

bool uc_is_print(uint32_t cp) {
    if (cp < 0x7F)
        return cp >= ' ';
    const uint32_t hidden = U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CS_MASK | U_GC_CO_MASK | U_GC_CN_MASK |
                            U_GC_ZL_MASK | U_GC_ZP_MASK | U_GC_ZS_MASK;
    return !(U_GET_GC_MASK((UChar32)cp) & hidden);
}

bool uc_is_word(uint32_t cp) {
    if (cp < 0x80)
        return (cp >= '0' && cp <= '9') || (cp >= 'A' && cp <= 'Z') || (cp >= 'a' && cp <= 'z') || cp == '_';
    return (U_GET_GC_MASK((UChar32)cp) & (U_GC_L_MASK | U_GC_N_MASK)) != 0;
}

bool uc_is_name_start(uint32_t cp) {
    if (cp < 0x80)
        return (cp >= 'A' && cp <= 'Z') || (cp >= 'a' && cp <= 'z') || cp == '_';
    return u_isIDStart((UChar32)cp);
}

bool uc_is_name(uint32_t cp) {
    if (cp < 0x80)
        return uc_is_name_start(cp) || (cp >= '0' && cp <= '9');
    return u_isIDPart((UChar32)cp) && !u_isIDIgnorable((UChar32)cp);
}

struct sv u8_strip_left(struct sv v) {
    uint32_t cp;
    while (v.n) {
        size_t n = u8_decode(v, &cp);
        if (!uc_is_space(cp))
            break;
        v = sv_from(v, n);
    }
    return v;
}

struct sv u8_strip_right(struct sv v) {
    uint32_t cp;
    while (v.n) {
        size_t at = u8_before(v, v.n);
        u8_decode(sv_from(v, at), &cp);
        if (!uc_is_space(cp))
            break;
        v.n = at;
    }
    return v;
}

static bool is_ascii(struct sv v) {
    for (size_t i = 0; i < v.n; i++)
        if ((unsigned char)v.p[i] >= 0x80)
            return false;
    return true;
}

static char ascii_case(char c, enum u8_case to) {
    if (to == U8_UPPER)
        return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

void u8_add_case(struct buf *out, struct sv v, enum u8_case to) {
    if (is_ascii(v)) {
        char *at = buf_room(out, v.n);
        if (!at || v.n == 0)
            return;
        for (size_t i = 0; i < v.n; i++)
            at[i] = ascii_case(v.p[i], to);
        out->n += v.n;
        out->p[out->n] = '\0';
        return;
    }
    if (v.n > INT32_MAX / 4) {
        out->overflow = true;
        return;
    }
    /* A code point grows to at most three in case mapping (U+0390), and its bytes at most threefold. */
    size_t room = v.n * 3;
    char *at = buf_room(out, room);
    if (!at)
        return;
    UErrorCode status = U_ZERO_ERROR;
    UCaseMap *map = ucasemap_open("", 0, &status);
    int32_t n = 0;
    if (U_SUCCESS(status))
        n = to == U8_UPPER ? ucasemap_utf8ToUpper(map, at, (int32_t)room, v.p, (int32_t)v.n, &status)
                           : ucasemap_utf8ToLower(map, at, (int32_t)room, v.p, (int32_t)v.n, &status);
    ucasemap_close(map);
    if (U_FAILURE(status)) {
        out->overflow = true;
        return;
    }
    out->n += (size_t)n;
    out->p[out->n] = '\0';
}

static bool is_cased(uint32_t cp) {
    return u_hasBinaryProperty((UChar32)cp, UCHAR_CASED);
}

/* One code point as the first of a word; a few become several (U+FB01: Fi). */
static void add_title_char(struct buf *out, uint32_t cp) {
    UChar32 simple = u_totitle((UChar32)cp);
    if (simple != (UChar32)cp || !u_hasBinaryProperty((UChar32)cp, UCHAR_CHANGES_WHEN_TITLECASED)) {
        u8_add(out, (uint32_t)simple);
        return;
    }
    UChar from[2], to[8];
    int32_t from_n = 0;
    UErrorCode status = U_ZERO_ERROR;
    if (cp > 0xFFFF) {
        from[from_n++] = U16_LEAD(cp);
        from[from_n++] = U16_TRAIL(cp);
    } else
        from[from_n++] = (UChar)cp;
    int32_t n = u_strToTitle(to, 8, from, from_n, NULL, "", &status);
    for (int32_t i = 0; U_SUCCESS(status) && i < n;) {
        uint32_t c = to[i++];
        if (U16_IS_LEAD(c) && i < n)
            c = (uint32_t)U16_GET_SUPPLEMENTARY(c, to[i++]);
        u8_add(out, c);
    }
}

void u8_add_title(struct buf *out, struct sv v) {
    bool inside = false;
    uint32_t cp;
    for (size_t n; v.n; v = sv_from(v, n)) {
        n = u8_decode(v, &cp);
        struct sv one = sv_sub(v, 0, n);
        bool cased = is_cased(cp);
        if (!cased)
            buf_add(out, one);
        else if (inside)
            u8_add_case(out, one, U8_LOWER);
        else if (cp < 0x80)
            buf_addc(out, ascii_case(v.p[0], U8_UPPER));
        else
            add_title_char(out, cp);
        inside = cased;
    }
}

void u8_add_capitalized(struct buf *out, struct sv v) {
    if (!v.n)
        return;
    uint32_t cp;
    size_t n = u8_decode(v, &cp);
    if (cp < 0x80)
        buf_addc(out, ascii_case(v.p[0], U8_UPPER));
    else
        add_title_char(out, cp);
    u8_add_case(out, sv_from(v, n), U8_LOWER);
}

static bool only_case(struct sv v, enum u8_case want) {
    bool some = false;
    uint32_t cp;
    for (size_t n; v.n; v = sv_from(v, n)) {
        n = u8_decode(v, &cp);
        bool upper = u_isUUppercase((UChar32)cp);
        bool lower = u_isULowercase((UChar32)cp);
        if ((want == U8_UPPER && (lower || (is_cased(cp) && !upper))) ||
            (want == U8_LOWER && (upper || (is_cased(cp) && !lower))))
            return false;
        some |= want == U8_UPPER ? upper : lower;
    }
    return some;
}

bool u8_is_upper(struct sv v) {
    return only_case(v, U8_UPPER);
}

bool u8_is_lower(struct sv v) {
    return only_case(v, U8_LOWER);
}
