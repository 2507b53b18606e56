/* phone_zone_rows: the rows behind phone_zones, made by phone_zone_rows.py. */
#ifndef HY_TEXT_PHONE_ZONE_ROWS_H
#define HY_TEXT_PHONE_ZONE_ROWS_H

#include <stddef.h>
#include <stdint.h>

enum { PHONE_ZONE_PREFIX_MAX = 9 }; /* digits */

struct phone_zone_row {
    uint32_t prefix;
    uint16_t first, n; /* in phone_zone_lists */
};

extern const struct phone_zone_row phone_zone_rows[]; /* sorted by prefix */
extern const size_t phone_zone_rows_n;
extern const uint16_t phone_zone_lists[];
extern const char *const phone_zone_names[];
extern const size_t phone_zone_names_n;

#endif
