/* sv: a borrowed view of bytes, passed by value.
 *
 * A view owns nothing and is never NUL-terminated by promise; it is valid as long as the memory it points to.
 * The empty view may have p == NULL. Bytes are bytes: nothing here knows about UTF-8.
 */
#ifndef HY_BASE_SV_H
#define HY_BASE_SV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sv {
    const char *p;
    size_t n;
};

/* Several, in memory that is somebody else's. */
struct sv_list {
    struct sv *at;
    uint32_t n;
};

/* SV("literal"), SV_NONE, and the pair to print one: printf("%.*s", SV_FMT(v)). */
#define SV(lit) ((struct sv){.p = "" lit "", .n = sizeof(lit) - 1})
#define SV_NONE ((struct sv){.p = NULL, .n = 0})
#define SV_FMT(v) (int)(v).n, (v).n ? (v).p : ""

/* The view of a C string; NULL gives the empty view. */
struct sv sv_of(const char *cstr);
struct sv sv_make(const char *p, size_t n);

bool sv_eq(struct sv a, struct sv b);
bool sv_eq_nocase(struct sv a, struct sv b); /* ASCII letters only */
/* Equal, in time that depends on the lengths alone. For secrets, signatures and tokens. */
bool sv_eq_secret(struct sv a, struct sv b);
/* memcmp order, the shorter first when one is a prefix. */
int sv_cmp(struct sv a, struct sv b);

bool sv_starts(struct sv v, struct sv prefix);
bool sv_ends(struct sv v, struct sv suffix);
/* Index of the first occurrence, or SIZE_MAX. */
size_t sv_find_char(struct sv v, char c);
size_t sv_find(struct sv v, struct sv needle);

/* A part; positions past the end are clamped. */
struct sv sv_from(struct sv v, size_t start);
struct sv sv_sub(struct sv v, size_t start, size_t n);
/* Without ASCII white space at both ends. */
struct sv sv_trim(struct sv v);
/* Cuts *rest at the first sep: returns what stood before it and leaves what stood behind; without sep,
 * returns all of it and leaves *rest with p == NULL. */
struct sv sv_cut(struct sv *rest, char sep);

/* The place of v among n names, or -1. */
int sv_place(struct sv v, const char *const *names, int n);
/* The first word of *text (spaces and tabs around it do not count), which is left without it. */
struct sv sv_word(struct sv *text);

/* Decimal digits alone, and at least one. */
bool sv_is_digits(struct sv v);
/* Whole-view decimal numbers; false (and *out untouched) on anything else, overflow included. */
bool sv_to_u64(struct sv v, uint64_t *out);
bool sv_to_i64(struct sv v, int64_t *out);

/* True when the bytes are well-formed UTF-8 (Unicode 15, table 3-7: no surrogates, no overlong forms). */
bool sv_is_utf8(struct sv v);

#endif
