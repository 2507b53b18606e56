/* extent: how many segments a template can make, told from its source and the lengths its values may have,
 * without rendering it: for a preview's "2 to 3 segments", and to refuse a template that may cost too much.
 *
 * Pure. Always sound: no render with values of the lengths given makes fewer or more segments. Where the
 * length cannot be told from the source (a macro's result, a list printed whole, a text replaced or repeated,
 * more than a hundred includes) the most is not bounded, and said so. Lengths are in units as they are
 * counted: septets while a value is GSM-7, UTF-16 units otherwise.
 */
#ifndef HY_TEXT_TEMPLATE_EXTENT_H
#define HY_TEXT_TEMPLATE_EXTENT_H

#include "text/segments.h"
#include "text/template/template.h"

/* Which characters a value may have. */
enum value_script {
    VALUE_ANY,   /* some may force UCS-2 */
    VALUE_GSM7,  /* of the GSM-7 alphabet */
    VALUE_ASCII, /* of ASCII, none of those that take two septets: codes, numbers, plain words */
};

struct value_length {
    struct sv path; /* `name`, `user.name`; `items`: how many a list has; `items.price`, `items[]`: of each */
    uint32_t least, most; /* units, or items */
    enum value_script script;
};

struct value_lengths {
    const struct value_length *of;
    size_t n;
    struct value_length others; /* of values not named; its path is not looked at */
    struct sv link; /* what the filter short_url makes of an address, or as long; empty: it leaves them */
};

struct template_extent {
    size_t segments_least, segments_most; /* most is 0 when it is not bounded */
    bool bounded;
    bool ucs2_possible, ucs2_certain;
};

/* Includes are looked up by the template's own options. */
struct template_extent template_extent(const struct template *t, const struct value_lengths *lengths,
                                       enum segments_rule rule);

#endif
