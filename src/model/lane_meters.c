#include "model/lane_meters.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *label, *help;
} counters[LANE_COUNTERS] = {
    [LANE_COUNT_SENT] = {"lane_outcomes_total", ",outcome=\"sent\"", "Attempts by lane and outcome."},
    [LANE_COUNT_REJECTED] = {"lane_outcomes_total", ",outcome=\"rejected\"", NULL},
    [LANE_COUNT_RETRY] = {"lane_outcomes_total", ",outcome=\"retry\"", NULL},
    [LANE_COUNT_UNKNOWN] = {"lane_outcomes_total", ",outcome=\"unknown\"", NULL},
    [LANE_COUNT_THROTTLED] = {"lane_throttled_total", "", "Times the provider asked a lane to slow down."},
    [LANE_COUNT_OPENED] = {"lane_breaker_opened_total", "",
                           "Times the breaker closed a lane to calls, for a while or until it is mended."},
    [LANE_COUNT_DELIVERED] = {"lane_receipts_total", ",outcome=\"delivered\"",
                              "Messages of a lane that a receipt brought to an end."},
    [LANE_COUNT_UNDELIVERED] = {"lane_receipts_total", ",outcome=\"undelivered\"", NULL},
};

static const struct {
    const char *name, *label, *help;
} gauges[LANE_GAUGES] = {
    [LANE_GAUGE_OPEN] = {"lane_open", "", "1 while the lane is neither broken nor paused."},
    [LANE_GAUGE_IN_FLIGHT] = {"lane_in_flight", "", "Calls in flight."},
    [LANE_GAUGE_WINDOW] = {"lane_window", "", "Calls that may be in flight."},
    [LANE_GAUGE_HEALTH] = {"lane_health", "", "How well the lane serves, from 0 to 1."},
    [LANE_GAUGE_DAY_USED] =
        {"lane_quota_used", ",period=\"day\"",
         "What was begun in the lane's current day or month, where quotas or warm-ups count."},
    [LANE_GAUGE_MONTH_USED] = {"lane_quota_used", ",period=\"month\"", NULL},
    [LANE_GAUGE_DAY_MAX] = {"lane_quota_max", ",period=\"day\"",
                            "What may be begun in it, by quota and warm-up of the lane; 0: no limit."},
    [LANE_GAUGE_MONTH_MAX] = {"lane_quota_max", ",period=\"month\"", NULL},
    [LANE_GAUGE_LEARNED] = {"lane_learned_rate", "",
                            "Units a second that a lane with rate_learn lets through; 0: it does not learn."},
};

struct lane_meters *lane_meters_of(struct lane_board *b, const char *name) {
    for (int i = 0; i < LANE_METERS_MAX; i++) {
        struct lane_meters *m = &b->lanes[i];
        if (!atomic_load_explicit(&m->there, memory_order_relaxed)) {
            snprintf(m->name, sizeof m->name, "%s", name);
            atomic_store_explicit(&m->there, true, memory_order_release);
            return m;
        }
        if (strcmp(m->name, name) == 0)
            return m;
    }
    return NULL;
}

void lane_meter_add(struct lane_meters *m, enum lane_counter c) {
    if (m)
        atomic_fetch_add_explicit(&m->counters[c], 1, memory_order_relaxed);
}

void lane_meter_set(struct lane_meters *m, enum lane_gauge g, int64_t v) {
    if (m)
        atomic_store_explicit(&m->gauges[g], v, memory_order_relaxed);
}

void lane_meter_code(struct lane_meters *m, const char *code) {
    for (int i = 0; m && i < LANE_CODES_MAX; i++) {
        bool taken = atomic_load_explicit(&m->codes[i].n, memory_order_relaxed) != 0;
        if (taken && strcmp(m->codes[i].code, code) != 0)
            continue;
        if (!taken)
            snprintf(m->codes[i].code, sizeof m->codes[i].code, "%s", code);
        atomic_fetch_add_explicit(&m->codes[i].n, 1, memory_order_release);
        return;
    }
    if (m)
        atomic_fetch_add_explicit(&m->other_codes, 1, memory_order_relaxed);
}

static uint32_t packed(const char currency[4]) {
    return (uint32_t)(unsigned char)currency[0] | (uint32_t)(unsigned char)currency[1] << 8 |
           (uint32_t)(unsigned char)currency[2] << 16;
}

void lane_meter_cost(struct lane_meters *m, const char currency[4], int64_t micro) {
    if (!m)
        return;
    if (atomic_load_explicit(&m->currency, memory_order_relaxed) != packed(currency)) {
        atomic_store_explicit(&m->cost, 0, memory_order_relaxed);
        atomic_store_explicit(&m->currency, packed(currency), memory_order_relaxed);
    }
    atomic_fetch_add_explicit(&m->cost, (uint64_t)micro, memory_order_relaxed);
}

static bool is_there(const struct lane_meters *m) {
    return atomic_load_explicit(&m->there, memory_order_acquire);
}

static void head(struct buf *out, const char *name, const char *help, const char *type) {
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_gauge(const struct lane_meters *m, int g, struct buf *out) {
    int64_t v = atomic_load_explicit(&m->gauges[g], memory_order_relaxed);
    buf_addf(out, "%s{lane=\"%s\"%s} ", gauges[g].name, m->name, gauges[g].label);
    if (g == LANE_GAUGE_HEALTH || g == LANE_GAUGE_LEARNED)
        buf_addf(out, "%.3f\n", (double)v / 1000);
    else
        buf_addf(out, "%lld\n", (long long)v);
}

static void print_codes(const struct lane_meters *m, struct buf *out) {
    for (int i = 0; i < LANE_CODES_MAX; i++) {
        uint64_t n = atomic_load_explicit(&m->codes[i].n, memory_order_acquire);
        if (n)
            buf_addf(out, "sms_unknown_codes_total{lane=\"%s\",code=\"%s\"} %llu\n", m->name,
                     m->codes[i].code, (unsigned long long)n);
    }
    uint64_t other = atomic_load_explicit(&m->other_codes, memory_order_relaxed);
    if (other)
        buf_addf(out, "sms_unknown_codes_total{lane=\"%s\",code=\"other\"} %llu\n", m->name,
                 (unsigned long long)other);
}

static void print_cost(const struct lane_meters *m, struct buf *out) {
    uint32_t currency = atomic_load_explicit(&m->currency, memory_order_relaxed);
    uint64_t cost = atomic_load_explicit(&m->cost, memory_order_relaxed);
    if (currency)
        buf_addf(out, "lane_cost_total{lane=\"%s\",currency=\"%c%c%c\"} %llu.%06llu\n", m->name,
                 (int)(currency & 0xff), (int)(currency >> 8 & 0xff), (int)(currency >> 16 & 0xff),
                 (unsigned long long)(cost / 1000000), (unsigned long long)(cost % 1000000));
}

void lane_board_print(const struct lane_board *b, struct buf *out) {
    for (int c = 0; c < LANE_COUNTERS; c++) {
        if (counters[c].help)
            head(out, counters[c].name, counters[c].help, "counter");
        for (const struct lane_meters *m = b->lanes; m < b->lanes + LANE_METERS_MAX && is_there(m); m++)
            buf_addf(out, "%s{lane=\"%s\"%s} %llu\n", counters[c].name, m->name, counters[c].label,
                     (unsigned long long)atomic_load_explicit(&m->counters[c], memory_order_relaxed));
    }
    static const enum lane_gauge order[LANE_GAUGES] = {
        LANE_GAUGE_OPEN,    LANE_GAUGE_IN_FLIGHT, LANE_GAUGE_WINDOW,
        LANE_GAUGE_HEALTH,  LANE_GAUGE_DAY_USED,  LANE_GAUGE_MONTH_USED,
        LANE_GAUGE_DAY_MAX, LANE_GAUGE_MONTH_MAX, LANE_GAUGE_LEARNED};
    for (int i = 0; i < LANE_GAUGES; i++) {
        if (gauges[order[i]].help)
            head(out, gauges[order[i]].name, gauges[order[i]].help, "gauge");
        for (const struct lane_meters *m = b->lanes; m < b->lanes + LANE_METERS_MAX && is_there(m); m++)
            print_gauge(m, (int)order[i], out);
    }
    head(out, "lane_cost_total", "What attempts cost by the lane's prices that were taken, or may have been.",
         "counter");
    for (const struct lane_meters *m = b->lanes; m < b->lanes + LANE_METERS_MAX && is_there(m); m++)
        print_cost(m, out);
    head(out, "sms_unknown_codes_total", "Provider error codes that the lane's adapter does not know.",
         "counter");
    for (const struct lane_meters *m = b->lanes; m < b->lanes + LANE_METERS_MAX && is_there(m); m++)
        print_codes(m, out);
}
