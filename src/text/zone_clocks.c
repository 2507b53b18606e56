#include "text/zone_clocks.h"

#include "base/clock.h"
#include "base/err.h"
#include "text/zone.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/ucal.h>

enum { ZONES_MAX = 1024, NAME_BYTES_MAX = 64 };

struct zone_clock {
    char name[NAME_BYTES_MAX + 1];
    UCalendar *calendar; /* NULL: UTC */
    int64_t from, until; /* the offset holds from <= moment < until */
    int64_t offset_us;
};

struct zone_clocks {
    struct zone_clock *at[ZONES_MAX]; /* sorted by nothing: few are used; the index is the zone's number */
    int n;
    int last; /* asked for latest */
};

struct zone_clocks *zone_clocks_new(void) {
    struct zone_clocks *z = calloc(1, sizeof *z);
    ASSERT(z);
    return z;
}

void zone_clocks_free(struct zone_clocks *z) {
    if (!z)
        return;
    for (int i = 0; i < z->n; i++) {
        if (z->at[i]->calendar)
            ucal_close(z->at[i]->calendar);
        free(z->at[i]);
    }
    free(z);
}

static UCalendar *open_zone(struct sv name) {
    UChar id[NAME_BYTES_MAX + 1];
    UErrorCode status = U_ZERO_ERROR;
    for (size_t i = 0; i < name.n; i++)
        id[i] = (UChar)(unsigned char)name.p[i];
    UCalendar *c = ucal_open(id, (int32_t)name.n, "en@calendar=gregorian", UCAL_GREGORIAN, &status);
    if (U_SUCCESS(status))
        return c;
    ucal_close(c);
    return NULL;
}

int zone_clocks_find(struct zone_clocks *z, struct sv name) {
    if (z->n && sv_eq(name, sv_of(z->at[z->last]->name)))
        return z->last;
    for (int i = 0; i < z->n; i++)
        if (sv_eq(name, sv_of(z->at[i]->name)))
            return z->last = i;
    bool utc = sv_eq(name, SV("UTC"));
    if (z->n == ZONES_MAX || (!utc && (name.n > NAME_BYTES_MAX || !zone_is_known(name))))
        return ZONE_CLOCKS_NONE;
    struct zone_clock *c = calloc(1, sizeof *c);
    ASSERT(c);
    memcpy(c->name, name.p, name.n);
    c->calendar = utc ? NULL : open_zone(name);
    if (!c->calendar) {
        c->from = INT64_MIN;
        c->until = INT64_MAX;
    }
    z->at[z->n] = c;
    return z->last = z->n++;
}

static int64_t ms_of(int64_t at) {
    return at / US_PER_MS - (at % US_PER_MS < 0);
}

/* Where the clock is changed before or after `at`; `else_at` when it never is. */
static int64_t change_at(UCalendar *c, UTimeZoneTransitionType which, int64_t else_at) {
    UErrorCode status = U_ZERO_ERROR;
    UDate ms;
    bool there = ucal_getTimeZoneTransitionDate(c, which, &ms, &status);
    return there && U_SUCCESS(status) ? (int64_t)ms * US_PER_MS : else_at;
}

static void look_up(struct zone_clock *c, int64_t at) {
    UErrorCode status = U_ZERO_ERROR;
    ucal_setMillis(c->calendar, (double)ms_of(at), &status);
    int64_t ms = ucal_get(c->calendar, UCAL_ZONE_OFFSET, &status);
    ms += ucal_get(c->calendar, UCAL_DST_OFFSET, &status);
    c->offset_us = U_SUCCESS(status) ? ms * US_PER_MS : 0;
    c->from = change_at(c->calendar, UCAL_TZ_TRANSITION_PREVIOUS_INCLUSIVE, INT64_MIN);
    c->until = change_at(c->calendar, UCAL_TZ_TRANSITION_NEXT, INT64_MAX);
}

struct zone_reading zone_clocks_read(struct zone_clocks *z, int zone, int64_t at) {
    ASSERT(zone >= 0 && zone < z->n);
    struct zone_clock *c = z->at[zone];
    if (at < c->from || at >= c->until)
        look_up(c, at);
    return (struct zone_reading){.local_at = at + c->offset_us, .until = c->until};
}
