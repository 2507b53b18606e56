/* patterns: regular expressions, all matched in one Hyperscan pass over folded text.
 *
 * The compiled set never changes and is shared by threads; Hyperscan's own scratch is the caller's, one a
 * thread.
 */
#ifndef HY_TEXT_SCREEN_PATTERNS_H
#define HY_TEXT_SCREEN_PATTERNS_H

#include "base/err.h"
#include "text/screen/fold.h"

#include <hs/hs.h>

#define PATTERNS_DIGEST 32
#define PATTERNS_SEEN 8

struct patterns;

/* All zero to begin with. */
struct patterns_scratch {
    hs_scratch_t *hs; /* owned */
    unsigned char seen[PATTERNS_SEEN][PATTERNS_DIGEST];
    size_t n_seen; /* ever; the last PATTERNS_SEEN are kept */
};

void patterns_scratch_done(struct patterns_scratch *s);

/* Compiles n > 0 patterns (NUL-terminated, well-formed UTF-8). NULL and ERR_INVALID with *bad the index of
 * the pattern Hyperscan refuses, and its reason as text; or ERR_INTERNAL with *bad == n. */
MUST_USE struct patterns *patterns_compile(const char *const *expr, size_t n, size_t *bad, struct err *e);
void patterns_free(struct patterns *p);

/* Does any match? The fast question, for the many texts where none does. ERR_INTERNAL when memory is short.
 */
MUST_USE bool patterns_any(const struct patterns *p, struct patterns_scratch *s, struct sv folded, bool *any,
                           struct err *e);

/* Called for each match, in order of their ends, with every end a match can have; false ends the scan. */
typedef bool patterns_hit_fn(void *ctx, uint32_t index, size_t start, size_t end);
/* Errors as above. */
MUST_USE bool patterns_scan(const struct patterns *p, struct patterns_scratch *s, struct sv folded,
                            patterns_hit_fn *hit, void *ctx, struct err *e);

#endif
