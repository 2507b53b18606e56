/* region_set: some of the regions of ISO 3166, by their two capitals, as bits: a value that is copied and
 * asked without a search. Which of them exist is not known here.
 */
#ifndef HY_MODEL_REGION_SET_H
#define HY_MODEL_REGION_SET_H

#include "base/buf.h"

enum { REGION_SET_WORDS = 11 }; /* 26 * 26 bits */

struct region_set {
    uint64_t bits[REGION_SET_WORDS];
};

/* False, and nothing is added, when region is not two capitals. */
bool region_set_add(struct region_set *s, struct sv region);
/* False for what is not two capitals. */
bool region_set_has(const struct region_set *s, struct sv region);
bool region_set_is_empty(const struct region_set *s);
/* "CN,HK": in the order of the alphabet. */
void region_set_print(const struct region_set *s, struct buf *out);
/* What was printed; what is no region in it is left out. */
void region_set_read(struct region_set *s, struct sv text);

#endif
