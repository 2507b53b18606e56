/* zone: the days and months of a time zone: when they begin and end, and which date they are. Zones are named
 * as in the IANA database ("Asia/Shanghai", "UTC"); the rules are ICU's. A zone that is not known counts as
 * UTC: ask zone_is_known where a name comes in. Pure.
 */
#ifndef HY_TEXT_ZONE_H
#define HY_TEXT_ZONE_H

#include "base/sv.h"

struct zone_span { /* begins_at <= moment < ends_at */
    int64_t begins_at, ends_at;
};

bool zone_is_known(struct sv name);
/* The calendar day, and month, that a moment lies in. A day in which clocks change has 23 or 25 hours. */
struct zone_span zone_day(struct sv name, int64_t at);
struct zone_span zone_month(struct sv name, int64_t at);
/* Its date, in days since 1970-01-01. */
int64_t zone_date(struct sv name, int64_t at);

#endif
