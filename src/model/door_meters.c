#include "model/door_meters.h"

#include <string.h>

static const struct {
    const char *name, *help;
} counters[DOOR_COUNTERS] = {
    [DOOR_COUNT_TAKEN] = {"door_taken_total", "Entries of doors that are on disk."},
    [DOOR_COUNT_REPEATED] = {"door_repeated_total", "Of these, they were there before."},
    [DOOR_COUNT_REFUSED] = {"door_dead_letters_total",
                            "Entries put aside with their reason: they can never be taken."},
    [DOOR_COUNT_AGAIN] = {"door_redelivered_total",
                          "Entries that the queue says it may have handed out before."},
    [DOOR_COUNT_RETRIED] = {"door_retries_total", "Times an entry had to wait and was tried again."},
    [DOOR_COUNT_TOLD] = {"door_told_total", "Events that a door out gave to its queue, confirmed."},
    [DOOR_COUNT_NOT_TOLD] = {"door_not_told_total", "Tries to do so that failed."},
    [DOOR_COUNT_OPENED] = {"door_connections_total", "Connections made by doors."},
    [DOOR_COUNT_LOST] = {"door_connections_lost_total", "Connections lost, or not made."},
};

static const struct {
    const char *name, *help;
} gauges[DOOR_GAUGES] = {
    [DOOR_GAUGE_CONNECTED] = {"door_connected", "1 while the door is connected."},
    [DOOR_GAUGE_HELD] = {"door_held", "Entries taken and not yet acknowledged."},
    [DOOR_GAUGE_LAG] = {"door_lag", "Entries that wait in the queue; -1: not known."},
};

struct door_meters *door_meters_of(struct door_board *b, const char *name) {
    for (int i = 0; i < DOORS_MAX; i++) {
        struct door_meters *m = &b->doors[i];
        if (!atomic_load_explicit(&m->there, memory_order_relaxed)) {
            snprintf(m->name, sizeof m->name, "%s", name);
            atomic_store_explicit(&m->gauges[DOOR_GAUGE_LAG], -1, memory_order_relaxed);
            atomic_store_explicit(&m->there, true, memory_order_release);
            return m;
        }
        if (strcmp(m->name, name) == 0)
            return m;
    }
    return NULL;
}

void door_meter_add(struct door_meters *m, enum door_counter c, uint64_t n) {
    if (m)
        atomic_fetch_add_explicit(&m->counters[c], n, memory_order_relaxed);
}

void door_meter_set(struct door_meters *m, enum door_gauge g, int64_t v) {
    if (m)
        atomic_store_explicit(&m->gauges[g], v, memory_order_relaxed);
}

void door_meter_refused(struct door_meters *m, struct sv problem) {
    if (!m)
        return;
    door_meter_add(m, DOOR_COUNT_REFUSED, 1);
    struct sv name = sv_starts(problem, SV("/problems/")) ? sv_from(problem, 10) : problem;
    for (int i = 0; i < DOOR_PROBLEMS_MAX; i++) {
        bool is_free = atomic_load_explicit(&m->problems[i].n, memory_order_relaxed) == 0;
        bool last = i + 1 == DOOR_PROBLEMS_MAX;
        if (is_free)
            snprintf(m->problems[i].name, sizeof m->problems[i].name, "%.*s",
                     last || name.n > DOOR_PROBLEM_NAME_MAX ? 5 : (int)name.n, last ? "other" : name.p);
        else if (!last && !sv_eq(name, sv_of(m->problems[i].name)))
            continue;
        atomic_fetch_add_explicit(&m->problems[i].n, 1, memory_order_release);
        return;
    }
}

static bool is_there(const struct door_meters *m) {
    return atomic_load_explicit(&m->there, memory_order_acquire);
}

static void head(struct buf *out, const char *name, const char *help, const char *type) {
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_problems(const struct door_board *b, struct buf *out) {
    head(out, "door_refused_total", "Entries put aside, by the problem.", "counter");
    for (const struct door_meters *m = b->doors; m < b->doors + DOORS_MAX && is_there(m); m++)
        for (int i = 0; i < DOOR_PROBLEMS_MAX; i++) {
            uint64_t n = atomic_load_explicit(&m->problems[i].n, memory_order_acquire);
            if (n)
                buf_addf(out, "door_refused_total{door=\"%s\",problem=\"%s\"} %llu\n", m->name,
                         m->problems[i].name, (unsigned long long)n);
        }
}

void door_board_print(const struct door_board *b, struct buf *out) {
    if (!is_there(&b->doors[0]))
        return;
    for (int c = 0; c < DOOR_COUNTERS; c++) {
        head(out, counters[c].name, counters[c].help, "counter");
        for (const struct door_meters *m = b->doors; m < b->doors + DOORS_MAX && is_there(m); m++)
            buf_addf(out, "%s{door=\"%s\"} %llu\n", counters[c].name, m->name,
                     (unsigned long long)atomic_load_explicit(&m->counters[c], memory_order_relaxed));
    }
    for (int g = 0; g < DOOR_GAUGES; g++) {
        head(out, gauges[g].name, gauges[g].help, "gauge");
        for (const struct door_meters *m = b->doors; m < b->doors + DOORS_MAX && is_there(m); m++)
            buf_addf(out, "%s{door=\"%s\"} %lld\n", gauges[g].name, m->name,
                     (long long)atomic_load_explicit(&m->gauges[g], memory_order_relaxed));
    }
    print_problems(b, out);
}
