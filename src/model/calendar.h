/* calendar: the public holidays of a place, and the days of a weekend that are worked instead. As data: read
 * from a file by app/config (docs/quiet-hours.md says how one looks), immutable, in the settings' arena.
 * Dates are days since 1970-01-01, sorted. What lies outside first..last is not known: there the days of the
 * week alone count.
 */
#ifndef HY_MODEL_CALENDAR_H
#define HY_MODEL_CALENDAR_H

#include "base/sv.h"

enum { CALENDARS_MAX = 32, CALENDAR_DAYS_MAX = 4000 };

struct calendar {
    struct sv name;
    int64_t first, last; /* the dates it knows of */
    int64_t *holidays, *workdays;
    uint32_t n_holidays, n_workdays;
};

bool calendar_is_holiday(const struct calendar *c, int64_t date);
/* A Saturday or Sunday on which people work, in exchange for another day. */
bool calendar_is_workday(const struct calendar *c, int64_t date);

#endif
