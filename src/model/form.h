/* form: application/x-www-form-urlencoded, as request body and as query string (WHATWG URL, section 5), and
 * percent-encoding. Bounded, order kept, duplicate keys kept.
 */
#ifndef HY_MODEL_FORM_H
#define HY_MODEL_FORM_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { FORM_PAIRS_MAX = 128 };

struct form_pair {
    struct sv key, value; /* decoded, in the arena given to form_parse */
};

struct form {
    struct form_pair pairs[FORM_PAIRS_MAX];
    size_t n;
};

/* Decodes text into f; memory from a. ERR_INVALID on a broken %-escape, ERR_TOO_LARGE over FORM_PAIRS_MAX or
 * when the arena is full. The bytes may be anything, NUL and invalid UTF-8 included: check what you use. */
MUST_USE bool form_parse(struct sv text, struct arena *a, struct form *f, struct err *e);
/* The first value of key; SV_NONE (p == NULL) if the key is absent, p != NULL and n == 0 if it is empty. */
struct sv form_get(const struct form *f, struct sv key);
bool form_has(const struct form *f, struct sv key);

/* Appends key=value, with & before it unless out is empty or ends with '?'. Space becomes +. */
void form_add(struct buf *out, struct sv key, struct sv value);
/* Percent-encodes all but RFC 3986's unreserved characters (space becomes %20). */
void percent_add(struct buf *out, struct sv v);
/* Decodes %XX (not +) into the arena. False on a broken escape. */
MUST_USE bool percent_decode(struct sv v, struct arena *a, struct sv *out);

#endif
