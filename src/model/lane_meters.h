/* lane_meters: what is counted of each lane, for /metrics with the label `lane`. A part of meters
 * (model/meters): the core gives out and writes the places, any thread reads them. A lane keeps its place
 * while the process lives, also when it is taken out of the settings; lanes beyond LANE_METERS_MAX have none.
 * Provider codes are bounded, too: those beyond the first LANE_CODES_MAX of a lane count together.
 */
#ifndef HY_MODEL_LANE_METERS_H
#define HY_MODEL_LANE_METERS_H

#include "base/buf.h"

#include <stdatomic.h>

enum { LANE_METERS_MAX = 128, LANE_CODES_MAX = 24, LANE_METER_NAME_MAX = 32, LANE_CODE_TEXT_MAX = 40 };

enum lane_counter {
    LANE_COUNT_SENT, /* outcomes of attempts, in the order of enum fate */
    LANE_COUNT_REJECTED,
    LANE_COUNT_RETRY,
    LANE_COUNT_UNKNOWN,
    LANE_COUNT_THROTTLED,
    LANE_COUNT_OPENED, /* times the breaker opened */
    LANE_COUNT_DELIVERED,
    LANE_COUNT_UNDELIVERED,
    LANE_COUNTERS
};

enum lane_gauge {
    LANE_GAUGE_OPEN,
    LANE_GAUGE_IN_FLIGHT,
    LANE_GAUGE_WINDOW,
    LANE_GAUGE_HEALTH, /* thousandths */
    LANE_GAUGE_DAY_USED,
    LANE_GAUGE_DAY_MAX, /* 0: none */
    LANE_GAUGE_MONTH_USED,
    LANE_GAUGE_MONTH_MAX,
    LANE_GAUGE_LEARNED, /* thousandths; 0: it does not learn */
    LANE_GAUGES
};

struct lane_meters {
    char name[LANE_METER_NAME_MAX + 1]; /* written before `there` */
    atomic_bool there;
    _Atomic uint64_t counters[LANE_COUNTERS];
    _Atomic int64_t gauges[LANE_GAUGES];
    struct {
        char code[LANE_CODE_TEXT_MAX + 1]; /* written before n; n is 0: free */
        _Atomic uint64_t n;
    } codes[LANE_CODES_MAX];
    _Atomic uint64_t other_codes;
    _Atomic uint32_t currency; /* its three letters, the first lowest; 0: nothing was paid */
    _Atomic uint64_t cost;     /* in micro-units of it; begins anew with another one */
};

struct lane_board {
    struct lane_meters lanes[LANE_METERS_MAX];
};

/* The place of that lane, its own or a new one; NULL when all are taken. Core only, like what follows. */
struct lane_meters *lane_meters_of(struct lane_board *b, const char *name);
/* All of these do nothing for NULL. */
void lane_meter_add(struct lane_meters *m, enum lane_counter c);
void lane_meter_set(struct lane_meters *m, enum lane_gauge g, int64_t v);
/* An attempt was taken, or may have been, and costs so many micro-units. */
void lane_meter_cost(struct lane_meters *m, const char currency[4], int64_t micro);
/* A code that the adapter's table does not know: a word that needs no escapes. */
void lane_meter_code(struct lane_meters *m, const char *code);

void lane_board_print(const struct lane_board *b, struct buf *out);

#endif
