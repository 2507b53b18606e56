/* saving: what did not have to be paid for, and thanks to what: texts that were not sent twice, nor to
 * numbers that are none, events gathered into one text, fewer segments by smart encoding, a cheaper lane.
 * Reckoned by the core when it happens, summed up by store/savings with the change it belongs to.
 */
#ifndef HY_MODEL_SAVING_H
#define HY_MODEL_SAVING_H

#include <stdint.h>

/* Stored as numbers: append only. */
enum saved_by {
    SAVED_BY_DUPLICATES = 0,
    SAVED_BY_DEAD_NUMBERS = 1,
    SAVED_BY_DIGESTS = 2,
    SAVED_BY_ENCODING = 3,
    SAVED_BY_ROUTE = 4,
    SAVED_BYS
};
const char *saved_by_name(int by); /* "duplicates", "dead_numbers", "digests", ... */

struct saving {
    enum saved_by by;
    int64_t messages, segments;
    int64_t cost;     /* in micro-units of */
    char currency[4]; /* "": no price is known */
};

#endif
