/* lengths: how long values can be, as JSON says it: {"name": [2, 20], "code": [6, 6, "ascii"], "*": [0, 30]}.
 * Each is the fewest and the most units, and the letters it may have: any (unless said), gsm7 or ascii; "*"
 * is for those not named, 0 to 30 of any without it. Paths are those of text/template/extent.h.
 */
#ifndef HY_INGEST_LENGTHS_H
#define HY_INGEST_LENGTHS_H

#include "base/err.h"
#include "text/template/extent.h"

#include <jansson.h>

enum { LENGTHS_MAX = 256, LENGTH_MOST = 1000000 };

struct lengths {
    struct value_length rows[LENGTHS_MAX]; /* their paths are the JSON's */
    struct value_lengths all;              /* of rows */
};

/* json: an object, or NULL for none. ERR_INVALID with the field `lengths`. */
MUST_USE bool lengths_read(const json_t *json, struct lengths *out, struct err *e);

#endif
