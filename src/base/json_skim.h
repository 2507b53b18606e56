/* json_skim: reads a few named members of a JSON object without building a tree of it.
 *
 * For answers that come by the thousand a second and of which three members matter: a tree of the whole costs
 * fifteen times as much (docs/decisions/0006). It allocates nothing. The text must be one well-formed object
 * (RFC 8259, UTF-8, nesting of JSON_SKIM_DEPTH_MAX at most) to its last byte, or nothing is read.
 */
#ifndef HY_BASE_JSON_SKIM_H
#define HY_BASE_JSON_SKIM_H

#include "base/sv.h"

enum { JSON_SKIM_DEPTH_MAX = 32 };

enum json_kind {
    JSON_MISSING,
    JSON_PLAIN_STRING,
    JSON_ESCAPED_STRING,
    JSON_NUMERAL,
    JSON_LITERAL,
    JSON_NESTED
};

struct json_member {
    const char *name;    /* in: of a member of the outermost object, without escapes */
    enum json_kind kind; /* out; of the last one if there are several */
    struct sv text;      /* out: a string's inside (escapes as written), else the value as written */
};

/* False unless text is such an object; then the members' outs mean nothing. */
bool json_skim(struct sv text, struct json_member *members, size_t n);

#endif
