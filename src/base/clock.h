/* clock: points in time as microseconds since 1970-01-01T00:00:00Z (int64_t, names end in _at), spans in the
 * unit the name ends in (_us, _ms, _s). Only clock_system_us and clock_monotonic_us read a clock: everywhere
 * else the time is handed in (struct world).
 */
#ifndef HY_BASE_CLOCK_H
#define HY_BASE_CLOCK_H

#include "base/buf.h"

#define US_PER_MS INT64_C(1000)
#define US_PER_S INT64_C(1000000)
#define US_PER_DAY (86400 * US_PER_S)

/* The machine's wall clock and its monotonic clock. Called by the real world only. */
int64_t clock_system_us(void);
int64_t clock_monotonic_us(void);

/* RFC 3339 in UTC, milliseconds always: 2026-01-02T03:04:05.678Z */
void clock_add_rfc3339(struct buf *out, int64_t at);
/* RFC 2822 in UTC: Thu, 24 Aug 2023 05:01:45 +0000 (the form of Twilio's API). */
void clock_add_rfc2822(struct buf *out, int64_t at);

/* RFC 3339 with an offset or Z; fraction optional; years 1970-9999. Refuses leap seconds' :60 no more than
 * :59 needs: 60 is read as the next minute's 00. False and *at untouched otherwise. */
bool clock_parse_rfc3339(struct sv text, int64_t *at);
/* YYYY-MM-DD: the first instant of that day, UTC. */
bool clock_parse_day(struct sv text, int64_t *at);

/* Days since 1970-01-01 of a proleptic Gregorian date; month 1-12, day 1-31 (not checked against the month).
 */
int64_t clock_days_of(int year, int month, int day);

#endif
