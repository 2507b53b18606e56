#include "text/zone.h"

#include "base/clock.h"

#include <unicode/ucal.h>

enum { NAME_CHARS_MAX = 64, DAY_S = 86400 };

static bool put_name(struct sv name, UChar out[NAME_CHARS_MAX + 1], int *n) {
    if (name.n == 0 || name.n > NAME_CHARS_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++)
        out[i] = (UChar)(unsigned char)name.p[i];
    out[name.n] = 0;
    *n = (int)name.n;
    return true;
}

bool zone_is_known(struct sv name) {
    UChar id[NAME_CHARS_MAX + 1], known[NAME_CHARS_MAX + 1];
    UErrorCode status = U_ZERO_ERROR;
    int n;
    if (!put_name(name, id, &n))
        return false;
    ucal_getCanonicalTimeZoneID(id, n, known, NAME_CHARS_MAX, NULL, &status);
    return U_SUCCESS(status);
}

/* The wall clock of that zone at that moment; NULL when memory is short. */
static UCalendar *open_at(struct sv name, int64_t at) {
    UErrorCode status = U_ZERO_ERROR;
    UChar id[NAME_CHARS_MAX + 1];
    int n;
    if (!put_name(name, id, &n) && !put_name(SV("UTC"), id, &n))
        return NULL;
    UCalendar *c = ucal_open(id, n, "en@calendar=gregorian", UCAL_GREGORIAN, &status);
    if (U_FAILURE(status))
        return NULL;
    /* Where the clock passes midnight twice, the day begins the first time; where it skips it, just after. */
    ucal_setAttribute(c, UCAL_REPEATED_WALL_TIME, UCAL_WALLTIME_FIRST);
    ucal_setAttribute(c, UCAL_SKIPPED_WALL_TIME, UCAL_WALLTIME_NEXT_VALID);
    int64_t ms = at / US_PER_MS - (at % US_PER_MS < 0);
    ucal_setMillis(c, (double)ms, &status);
    return c;
}

/* The date it shows, `add` of unit later, at midnight. */
static int64_t midnight(UCalendar *c, UCalendarDateFields unit, int add, UErrorCode *status) {
    int year = ucal_get(c, UCAL_EXTENDED_YEAR, status), month = ucal_get(c, UCAL_MONTH, status);
    int day = unit == UCAL_MONTH ? 1 : ucal_get(c, UCAL_DATE, status);
    ucal_clear(c);
    ucal_setDateTime(c, year, month + (unit == UCAL_MONTH ? add : 0), day + (unit == UCAL_DATE ? add : 0), 0,
                     0, 0, status);
    return (int64_t)ucal_getMillis(c, status) * US_PER_MS;
}

static struct zone_span utc_day(int64_t at) {
    int64_t day = at / (DAY_S * US_PER_S) - (at % (DAY_S * US_PER_S) < 0);
    return (struct zone_span){day * DAY_S * US_PER_S, (day + 1) * DAY_S * US_PER_S};
}

static struct zone_span span(struct sv name, int64_t at, UCalendarDateFields unit) {
    UErrorCode status = U_ZERO_ERROR;
    UCalendar *c = open_at(name, at);
    if (!c)
        return utc_day(at);
    struct zone_span s = {.begins_at = midnight(c, unit, 0, &status)};
    s.ends_at = midnight(c, unit, 1, &status);
    ucal_close(c);
    return U_SUCCESS(status) && s.begins_at <= at && at < s.ends_at ? s : utc_day(at);
}

struct zone_span zone_day(struct sv name, int64_t at) {
    return span(name, at, UCAL_DATE);
}

struct zone_span zone_month(struct sv name, int64_t at) {
    return span(name, at, UCAL_MONTH);
}

int64_t zone_date(struct sv name, int64_t at) {
    UErrorCode status = U_ZERO_ERROR;
    UCalendar *c = open_at(name, at);
    if (!c)
        return utc_day(at).begins_at / (DAY_S * US_PER_S);
    int year = ucal_get(c, UCAL_EXTENDED_YEAR, &status), month = ucal_get(c, UCAL_MONTH, &status) + 1;
    int64_t date = clock_days_of(year, month, ucal_get(c, UCAL_DATE, &status));
    ucal_close(c);
    return date;
}
