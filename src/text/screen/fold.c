#include "text/screen/fold_table.h"

#include <endian.h>
#include <string.h>

#define HIGH_BITS 0x8080808080808080u
#define NO_JOINT SIZE_MAX

static inline __attribute__((always_inline)) size_t encode(char *p, uint32_t cp) {
    if (cp >= 0x800 && cp < 0x10000) {
        p[0] = (char)(0xE0 | cp >> 12);
        p[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        p[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    if (cp < 0x80) {
        p[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        p[0] = (char)(0xC0 | cp >> 6);
        p[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    p[0] = (char)(0xF0 | cp >> 18);
    p[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    p[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    p[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

size_t fold_encode(char *p, uint32_t cp) {
    return encode(p, cp);
}

static inline __attribute__((always_inline)) size_t decode(const char *at, const char *end, uint32_t *cp) {
    const unsigned char *p = (const unsigned char *)at;
    size_t left = (size_t)(end - at);
    if (p[0] >= 0xE0 && p[0] < 0xF0) {
        ASSERT(left >= 3);
        *cp = (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
        return 3;
    }
    if (p[0] < 0x80) {
        *cp = p[0];
        return 1;
    }
    if (p[0] < 0xE0) {
        ASSERT(left >= 2);
        *cp = (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
        return 2;
    }
    ASSERT(left >= 4);
    *cp = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 | (uint32_t)(p[2] & 0x3F) << 6 |
          (p[3] & 0x3F);
    ASSERT(*cp <= 0x10FFFF);
    return 4;
}

size_t fold_decode(const char *p, const char *end, uint32_t *cp) {
    return decode(p, end, cp);
}

static inline char lower(char c) {
    return (char)(c + ((c >= 'A' && c <= 'Z') ? 32 : 0));
}

/* Eight ASCII bytes at once: a byte of at least 'A' and at most 'Z' gets bit 5. */
static inline void lower8(const char *from, char *to) {
    uint64_t w;
    memcpy(&w, from, 8);
    uint64_t from_a = w + 0x3F3F3F3F3F3F3F3Fu, past_z = w + 0x2525252525252525u;
    w |= (from_a & ~past_z & HIGH_BITS) >> 2;
    memcpy(to, &w, 8);
}

static void lower_all(struct sv text, char *to) {
    size_t i = 0;
    for (; i + 8 <= text.n; i += 8)
        lower8(text.p + i, to + i);
    for (; i < text.n; i++)
        to[i] = lower(text.p[i]);
}

static bool is_white(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_ascii(struct sv text) {
    uint64_t any = 0;
    size_t i = 0;
    for (; i + 8 <= text.n; i += 8) {
        uint64_t w;
        memcpy(&w, text.p + i, 8);
        any |= w;
    }
    for (; i < text.n; i++)
        any |= (uint64_t)(text.p[i] & 0x80);
    return !(any & HIGH_BITS);
}

/* Bit 7 of each of eight bytes: set where it is below a limit; less: 128 less the limit, in each byte. */
static inline uint64_t below(uint64_t w, uint64_t less) {
    return ~(((w & ~HIGH_BITS) + less) | w) & HIGH_BITS;
}

/* Whether among eight ASCII bytes there may be white space other than one space alone: a control character,
 * or two blanks in a row, of which the first may stand before them. */
static inline uint64_t odd_white8(uint64_t w, bool blank_before) {
    w = le64toh(w);
    uint64_t blank = below(w, 0x5F5F5F5F5F5F5F5Fu);
    return below(w, 0x6060606060606060u) | (blank & (blank << 8 | (uint64_t)blank_before << 7));
}

static bool has_odd_white(struct sv ascii) {
    uint64_t odd = 0, w;
    size_t i = 0;
    for (; i + 8 <= ascii.n; i += 8) {
        memcpy(&w, ascii.p + i, 8);
        odd |= odd_white8(w, i > 0 && ascii.p[i - 1] == ' ');
    }
    bool found = odd;
    for (; i < ascii.n; i++)
        found |= ascii.p[i] < ' ' || (ascii.p[i] == ' ' && i > 0 && ascii.p[i - 1] == ' ');
    return found;
}

/* Each run of white space becomes one space. */
static void even_out(struct folded *f, bool map) {
    size_t o = 0;
    for (size_t i = 0, next; i < f->n; i = next, o++) {
        bool white = is_white(f->p[i]);
        for (next = i + 1; white && next < f->n && is_white(f->p[next]);)
            next++;
        f->p[o] = white ? ' ' : f->p[i];
        if (!map)
            continue;
        f->from[o] = f->from[i];
        f->to[o] = f->to[next - 1];
    }
    f->n = o;
}

static bool want(struct folded *f, size_t n, bool map) {
    if (n + FOLD_PAD > f->cap) {
        size_t cap = f->cap ? f->cap : 512;
        while (cap < n + FOLD_PAD)
            cap *= 2;
        char *p = realloc(f->p, cap);
        if (!p)
            return false;
        f->p = p;
        f->cap = cap;
    }
    if (map && f->map_cap < f->cap) {
        uint32_t *from = realloc(f->from, f->cap * sizeof *from);
        if (from)
            f->from = from;
        uint32_t *to = realloc(f->to, f->cap * sizeof *to);
        if (to)
            f->to = to;
        if (!from || !to)
            return false;
        f->map_cap = f->cap;
    }
    return true;
}

void folded_done(struct folded *f) {
    free(f->p);
    free(f->from);
    free(f->to);
    *f = (struct folded){0};
}

static inline void note(struct folded *f, size_t at, size_t n, size_t from, size_t to) {
    for (size_t i = at; i < at + n; i++) {
        f->from[i] = (uint32_t)from;
        f->to[i] = (uint32_t)to;
    }
}

static size_t last_start(const char *p, size_t o) {
    while (o > 0 && ((unsigned char)p[--o] & 0xC0) == 0x80) {
    }
    return o;
}

/* A mark that composes with what stands before it: joins it and returns the new end, or 0. */
static size_t join(const struct fold_table *t, struct folded *f, size_t o, uint32_t cp, bool map, size_t to) {
    if (o == 0)
        return 0;
    size_t at = last_start(f->p, o);
    uint32_t before;
    decode(f->p + at, f->p + o, &before);
    UChar32 both = unorm2_composePair(t->nfc, (UChar32)before, (UChar32)cp);
    if (both < 0)
        return 0;
    size_t n = fold_encode(f->p + at, (uint32_t)both);
    if (map)
        note(f, at, n, f->from[at], to);
    return at + n;
}

/* Folds as many of the n bytes at p as are characters of three bytes with nothing more to them than a table
 * says: the bulk of Chinese text, and a good deal faster than the general way. Returns their number; *o grows
 * by what they become, *han: the last is a Chinese one. Reads and writes four bytes at a time, of which the
 * later ones are the next character's: the padding has room for them. */
static inline size_t fold_wide(const struct fold_table *t, const char *p, size_t n, char *to, size_t *o,
                               bool *han) {
    size_t i = 0;
    uint32_t last = 0;
    for (uint32_t w, cp; i + 4 <= n; i += 3, last = cp) {
        memcpy(&w, p + i, 4);
        w = le32toh(w);
        if ((w & 0xFF) - 0xE3 > 12)
            break;
        cp = (w & 0x0F) << 12 | (w >> 2 & 0xFC0) | (w >> 16 & 0x3F);
        cp = t->wide[cp - FOLD_WIDE_BEGIN];
        if (!cp)
            break;
        w = 0x8080E0 | cp >> 12 | (cp & 0xFC0) << 2 | (cp & 0x3F) << 16;
        w = htole32(cp < 0x80 ? cp : w);
        memcpy(to + *o, &w, 4);
        *o += cp < 0x80 ? 1 : 3;
    }
    *han = last && fold_look(t, last) & FOLD_HAN;
    return i;
}

/* o bytes are written and the text's bytes from i on are to come: room for all of them is kept all the time,
 * because an entry that is not FOLD_MANY never has more bytes than its original. joint is the end of the last
 * Chinese character while only separators have followed it, so that the next one can take their place. */
static inline __attribute__((always_inline)) bool fold_mixed(const struct fold_table *t, struct sv text,
                                                             const bool map, struct folded *f, bool *odd) {
    const char *end = text.p + text.n;
    size_t o = 0, joint = NO_JOINT;
    for (size_t i = 0; i < text.n;) {
        if (!map && joint == NO_JOINT)
            for (uint64_t w; i + 8 <= text.n && (memcpy(&w, text.p + i, 8), !(w & HIGH_BITS));
                 i += 8, o += 8) {
                *odd |= odd_white8(w, o > 0 && f->p[o - 1] == ' ') != 0;
                lower8(text.p + i, f->p + o);
            }
        if (!map && (joint == NO_JOINT || joint == o)) {
            bool han;
            size_t n = fold_wide(t, text.p + i, text.n - i, f->p, &o, &han);
            i += n;
            joint = n ? (han ? o : NO_JOINT) : joint;
        }
        if (i == text.n)
            break;
        uint32_t cp;
        size_t len = decode(text.p + i, end, &cp);
        uint32_t entry = fold_look(t, cp);
        size_t to = i + len, start = i;
        i = to;
        if (!(entry & (FOLD_DROP | FOLD_MARK | FOLD_JOIN | FOLD_MANY))) {
            bool han = entry & FOLD_HAN;
            if (han && joint != NO_JOINT)
                o = joint;
            size_t n = encode(f->p + o, (cp + entry) & FOLD_DELTA);
            *odd |= (unsigned char)f->p[o] < ' ' || (f->p[o] == ' ' && o > 0 && f->p[o - 1] == ' ');
            if (map)
                note(f, o, n, start, to);
            o += n;
            joint = han ? o : (entry & FOLD_SEP) ? joint : NO_JOINT;
            continue;
        }
        if (entry & FOLD_DROP)
            continue;
        if (entry & FOLD_MARK) {
            if (map && o > 0)
                for (size_t k = last_start(f->p, o); k < o; k++)
                    f->to[k] = (uint32_t)to;
            continue;
        }
        const char *run = NULL;
        size_t n;
        char one[4];
        if (entry & FOLD_MANY) {
            const char *many = t->many + (entry & FOLD_DELTA);
            n = (unsigned char)many[0];
            run = many + 1;
        } else {
            uint32_t mark = (cp + entry) & FOLD_DELTA;
            size_t joined = join(t, f, o, mark, map, to);
            if (joined) {
                o = joined;
                joint = NO_JOINT;
                continue;
            }
            n = fold_encode(one, mark);
            run = one;
        }
        if ((entry & FOLD_HAN) && joint != NO_JOINT)
            o = joint;
        if (!want(f, o + n + (text.n - i), map))
            return false;
        memcpy(f->p + o, run, n);
        *odd |= n > 0 && (unsigned char)*run <= ' ';
        if (map)
            note(f, o, n, start, to);
        o += n;
        joint = (entry & FOLD_HAN) ? o : (entry & FOLD_SEP) ? joint : NO_JOINT;
    }
    f->n = o;
    return true;
}

bool fold_text(const struct fold_table *t, struct sv text, bool map, struct folded *f) {
    ASSERT(text.n <= UINT32_MAX / 16);
    bool odd = false; /* there may be white space to be evened out */
    f->identity = is_ascii(text) && !has_odd_white(text);
    if (!want(f, text.n, map && !f->identity))
        return false;
    if (f->identity) {
        lower_all(text, f->p);
        f->n = text.n;
    } else if (!(map ? fold_mixed(t, text, true, f, &odd) : fold_mixed(t, text, false, f, &odd))) {
        return false;
    }
    if (odd)
        even_out(f, map);
    memset(f->p + f->n, 0, FOLD_PAD);
    return true;
}

struct sv folded_origin(const struct folded *f, struct sv text, size_t start, size_t len) {
    ASSERT(len > 0 && start + len <= f->n);
    if (f->identity)
        return sv_make(text.p + start, len);
    return sv_make(text.p + f->from[start], f->to[start + len - 1] - f->from[start]);
}

bool fold_word_at(const struct fold_table *t, struct sv folded, size_t i) {
    if (i >= folded.n)
        return false;
    uint32_t cp;
    decode(folded.p + i, folded.p + folded.n, &cp);
    return fold_look(t, cp) & FOLD_WORD;
}

bool fold_word_before(const struct fold_table *t, struct sv folded, size_t i) {
    return i > 0 && fold_word_at(t, folded, last_start(folded.p, i));
}
