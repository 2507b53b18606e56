#include "base/sv.h"

#include <string.h>

struct sv sv_of(const char *cstr) {
    return (struct sv){.p = cstr, .n = cstr ? strlen(cstr) : 0};
}

struct sv sv_make(const char *p, size_t n) {
    return (struct sv){.p = p, .n = n};
}

bool sv_eq(struct sv a, struct sv b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static unsigned char lower(char c) {
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool sv_eq_nocase(struct sv a, struct sv b) {
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

bool sv_eq_secret(struct sv a, struct sv b) {
    if (a.n != b.n)
        return false;
    volatile unsigned char diff = 0;
    for (size_t i = 0; i < a.n; i++)
        diff = (unsigned char)(diff | (unsigned char)(a.p[i] ^ b.p[i]));
    return diff == 0;
}

int sv_cmp(struct sv a, struct sv b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    if (c != 0)
        return c;
    return a.n < b.n ? -1 : a.n > b.n;
}

bool sv_starts(struct sv v, struct sv prefix) {
    return v.n >= prefix.n && (prefix.n == 0 || memcmp(v.p, prefix.p, prefix.n) == 0);
}

bool sv_ends(struct sv v, struct sv suffix) {
    return v.n >= suffix.n && (suffix.n == 0 || memcmp(v.p + v.n - suffix.n, suffix.p, suffix.n) == 0);
}

size_t sv_find_char(struct sv v, char c) {
    const char *at = v.n ? memchr(v.p, c, v.n) : NULL;
    return at ? (size_t)(at - v.p) : SIZE_MAX;
}

size_t sv_find(struct sv v, struct sv needle) {
    if (needle.n == 0)
        return 0;
    const char *at = v.n ? memmem(v.p, v.n, needle.p, needle.n) : NULL;
    return at ? (size_t)(at - v.p) : SIZE_MAX;
}

struct sv sv_from(struct sv v, size_t start) {
    return sv_sub(v, start, v.n);
}

struct sv sv_sub(struct sv v, size_t start, size_t n) {
    if (start >= v.n)
        return (struct sv){.p = v.p ? v.p + v.n : NULL, .n = 0};
    size_t left = v.n - start;
    return (struct sv){.p = v.p + start, .n = n < left ? n : left};
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct sv sv_trim(struct sv v) {
    while (v.n && is_space(v.p[0])) {
        v.p++;
        v.n--;
    }
    while (v.n && is_space(v.p[v.n - 1]))
        v.n--;
    return v;
}

struct sv sv_cut(struct sv *rest, char sep) {
    struct sv all = *rest;
    size_t at = sv_find_char(all, sep);
    if (at == SIZE_MAX) {
        *rest = SV_NONE;
        return all;
    }
    *rest = sv_from(all, at + 1);
    return sv_sub(all, 0, at);
}

int sv_place(struct sv v, const char *const *names, int n) {
    for (int i = 0; i < n; i++)
        if (sv_eq(v, sv_of(names[i])))
            return i;
    return -1;
}

struct sv sv_word(struct sv *text) {
    struct sv all = sv_trim(*text);
    size_t n = 0;
    while (n < all.n && all.p[n] != ' ' && all.p[n] != '\t')
        n++;
    *text = sv_trim(sv_from(all, n));
    return sv_sub(all, 0, n);
}

bool sv_is_digits(struct sv v) {
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] < '0' || v.p[i] > '9')
            return false;
    return v.n > 0;
}

bool sv_to_u64(struct sv v, uint64_t *out) {
    if (v.n == 0 || v.n > 20)
        return false;
    uint64_t x = 0;
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] < '0' || v.p[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(v.p[i] - '0');
        if (x > (UINT64_MAX - digit) / 10)
            return false;
        x = x * 10 + digit;
    }
    *out = x;
    return true;
}

bool sv_to_i64(struct sv v, int64_t *out) {
    bool negative = v.n && v.p[0] == '-';
    uint64_t x;
    if (!sv_to_u64(negative ? sv_from(v, 1) : v, &x))
        return false;
    if (x > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    *out = negative ? (int64_t)(~x + 1) : (int64_t)x;
    return true;
}

/* Length of the well-formed sequence at p (n bytes left), 0 when there is none. */
static size_t utf8_sequence(const unsigned char *p, size_t n) {
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xC2 && p[0] <= 0xDF)
        return n >= 2 && (p[1] & 0xC0) == 0x80 ? 2 : 0;
    if (p[0] >= 0xE0 && p[0] <= 0xEF) {
        unsigned char lo = p[0] == 0xE0 ? 0xA0 : 0x80;
        unsigned char hi = p[0] == 0xED ? 0x9F : 0xBF;
        return n >= 3 && p[1] >= lo && p[1] <= hi && (p[2] & 0xC0) == 0x80 ? 3 : 0;
    }
    if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        unsigned char lo = p[0] == 0xF0 ? 0x90 : 0x80;
        unsigned char hi = p[0] == 0xF4 ? 0x8F : 0xBF;
        return n >= 4 && p[1] >= lo && p[1] <= hi && (p[2] & 0xC0) == 0x80 && (p[3] & 0xC0) == 0x80 ? 4 : 0;
    }
    return 0;
}

bool sv_is_utf8(struct sv v) {
    size_t i = 0;
    while (i < v.n) {
        uint64_t word;
        if (v.n - i >= 8) { /* eight ASCII bytes at a time */
            memcpy(&word, v.p + i, 8);
            if ((word & 0x8080808080808080u) == 0) {
                i += 8;
                continue;
            }
        }
        size_t step = utf8_sequence((const unsigned char *)v.p + i, v.n - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}
