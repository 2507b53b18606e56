/* zone_clocks: the wall clocks of time zones, asked often: each remembers its offset from UTC and until when
 * that holds, so that most questions cost an addition. Zones are named as in the IANA database, the rules are
 * ICU's (text/zone.h). One owner, one thread.
 */
#ifndef HY_TEXT_ZONE_CLOCKS_H
#define HY_TEXT_ZONE_CLOCKS_H

#include "base/sv.h"

struct zone_clocks;

/* What a clock shows at some moment. */
struct zone_reading {
    int64_t local_at; /* as if its wall clock were UTC: microseconds since 1970-01-01T00:00 there */
    int64_t until;    /* the clock is changed then, or INT64_MAX: before, it goes on evenly */
};

struct zone_clocks *zone_clocks_new(void);
void zone_clocks_free(struct zone_clocks *z);

enum { ZONE_CLOCKS_NONE = -1 };

/* The number of that zone, for as long as z lives; ZONE_CLOCKS_NONE: it is not known, or the 1025th that is
 * asked for. */
int zone_clocks_find(struct zone_clocks *z, struct sv name);
struct zone_reading zone_clocks_read(struct zone_clocks *z, int zone, int64_t at);

#endif
