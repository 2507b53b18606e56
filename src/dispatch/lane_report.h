/* lane_report: a lane as it stands at one moment, for people and programs outside: plain data, made by the
 * core and shown by the API. Texts of rates are views of the settings.
 */
#ifndef HY_DISPATCH_LANE_REPORT_H
#define HY_DISPATCH_LANE_REPORT_H

#include "dispatch/lane.h"

struct lane_report {
    char name[LANE_NAME_MAX + 1];
    const char *provider;
    const char *breaker; /* "closed": calls go; "open": none; "half_open": one at a time; "broken" */
    enum reason reason;  /* why a message of one segment would wait now; REASON_NONE: it would go */
    int64_t opens_at;    /* when it makes sense to look again; 0: not known, or open */
    uint32_t in_flight, window, in_flight_max;
    struct {
        struct sv text;
        uint32_t used, max;
    } rates[LANE_RATES_MAX];
    uint32_t n_rates;
    bool counts_segments;
    bool learns; /* its rate is learned: */
    double learned,
        throttled_at; /* units a second it lets through; at which it was throttled last, 0: never */
    struct sv time_zone;
    struct {
        uint32_t used, max; /* max 0: none */
        int64_t ends_at;
    } day, month;
    int64_t warm_up_day;                   /* from 1; 0: none, or over */
    uint32_t warm_up_max, warm_up_left;    /* of today */
    uint32_t senders_warming, senders_max; /* senders known while they warm up; 0 of 0: they do not */
    struct health_seen health;
    double score;
};

struct lane_report lane_report_of(struct lane *l, int64_t now);

#endif
