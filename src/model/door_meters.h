/* door_meters: what is counted of each door, for /metrics with the label `door`. A part of meters
 * (model/meters): each door's own thread writes its place, any thread reads it.
 */
#ifndef HY_MODEL_DOOR_METERS_H
#define HY_MODEL_DOOR_METERS_H

#include "model/door.h"

#include "base/buf.h"

#include <stdatomic.h>

enum door_counter {
    DOOR_COUNT_TAKEN,    /* entries whose messages or events are on disk */
    DOOR_COUNT_REPEATED, /* of these, they were there before */
    DOOR_COUNT_REFUSED,  /* put aside, by door_refusals */
    DOOR_COUNT_AGAIN,    /* entries that had come before, as the queue says */
    DOOR_COUNT_RETRIED,
    DOOR_COUNT_TOLD,     /* out: events confirmed by the broker */
    DOOR_COUNT_NOT_TOLD, /* out: tries that were not */
    DOOR_COUNT_OPENED,   /* connections made */
    DOOR_COUNT_LOST,     /* connections lost, or not made */
    DOOR_COUNTERS
};

enum door_gauge {
    DOOR_GAUGE_CONNECTED,
    DOOR_GAUGE_HELD, /* entries taken and not acknowledged */
    DOOR_GAUGE_LAG,  /* entries that wait in the queue; -1: not known */
    DOOR_GAUGES
};

/* Refusals are counted by the name of their problem; those beyond the first few together. */
enum { DOOR_PROBLEMS_MAX = 16, DOOR_PROBLEM_NAME_MAX = 40 };

struct door_meters {
    char name[LANE_NAME_MAX + 1]; /* written before `there` */
    atomic_bool there;
    _Atomic uint64_t counters[DOOR_COUNTERS];
    _Atomic int64_t gauges[DOOR_GAUGES];
    struct {
        char name[DOOR_PROBLEM_NAME_MAX + 1]; /* written before n is above 0 */
        _Atomic uint64_t n;
    } problems[DOOR_PROBLEMS_MAX];
};

struct door_board {
    struct door_meters doors[DOORS_MAX];
};

/* The place of that door, before its thread starts; NULL when all are taken. */
struct door_meters *door_meters_of(struct door_board *b, const char *name);
/* All of these do nothing for NULL. */
void door_meter_add(struct door_meters *m, enum door_counter c, uint64_t n);
void door_meter_set(struct door_meters *m, enum door_gauge g, int64_t v);
/* One was put aside because of that problem. */
void door_meter_refused(struct door_meters *m, struct sv problem);

void door_board_print(const struct door_board *b, struct buf *out);

#endif
