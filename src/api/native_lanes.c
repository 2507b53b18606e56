/* The lanes as they stand now. They are the operator's, not an account's, and say how much all accounts send:
 * hence the scope `admin`. */
#include "api/native.h"

#include "base/json.h"
#include "dispatch/lane_report.h"

#include <string.h>

enum { COUNT_FIELD_MAX = UINT32_MAX };

/* ---- shapes ---- */

const struct api_field lane_rate_shape[] = {
    {"rate", FIELD_TEXT, "As it is configured.", .required = true},
    {"used", FIELD_INT, "What counts against it now.", .required = true, .max = COUNT_FIELD_MAX},
    {"max", FIELD_INT, "Its limit.", .required = true, .max = COUNT_FIELD_MAX},
    {0},
};

const struct api_field lane_quota_shape[] = {
    {"used", FIELD_INT, "Begun in the current day or month.", .required = true, .max = COUNT_FIELD_MAX},
    {"max", FIELD_INT, "The quota; null: none.", .max = COUNT_FIELD_MAX},
    {"ends_at", FIELD_TIME, "When the next day or month begins, in the lane's time zone.", .required = true},
    {0},
};

const struct api_field lane_warm_up_shape[] = {
    {"day", FIELD_INT, "Which day of the warm-up it is, from 1.", .required = true, .max = INT32_MAX},
    {"max", FIELD_INT, "What may be begun on it.", .required = true, .max = COUNT_FIELD_MAX},
    {"left", FIELD_INT, "What is left of that.", .required = true, .max = COUNT_FIELD_MAX},
    {0},
};

const struct api_field lane_shape[] = {
    {"name", FIELD_TEXT, "Its name in the settings.", .required = true, .example = "\"twilio\""},
    {"provider", FIELD_TEXT, "Whose API it calls.", .required = true},
    {"breaker", FIELD_TEXT,
     "`closed`: calls go; `open`: none, the provider fails; `half_open`: one at a time, to try it; `broken`: "
     "none "
     "until the settings are loaded again.",
     .required = true},
    {"reason", FIELD_TEXT, "Why a message of one segment would wait now; null: it would go."},
    {"reason_text", FIELD_TEXT, "The same in words."},
    {"opens_at", FIELD_TIME, "When that ends at the earliest; null: not known, or nothing waits."},
    {"in_flight", FIELD_INT, "Calls in flight.", .required = true, .max = COUNT_FIELD_MAX},
    {"window", FIELD_INT, "Calls that may be in flight now.", .required = true, .max = COUNT_FIELD_MAX},
    {"in_flight_max", FIELD_INT, "The most that the settings allow.", .required = true,
     .max = COUNT_FIELD_MAX},
    {"counts", FIELD_TEXT, "What rates, quotas and warm-ups count: `segments` or `messages`.",
     .required = true},
    {"rates", FIELD_LIST, "`rates` of the settings.", .required = true, .ref = "LaneRate"},
    {"learned_rate", FIELD_TEXT,
     "Units a second that `rate_learn` lets through, as a decimal; null: it is off."},
    {"throttled_rate", FIELD_TEXT, "At which the provider throttled last; null: it did not yet."},
    {"time_zone", FIELD_TEXT, "In which days and months begin; null where neither is counted."},
    {"day", FIELD_REF, "The current day; null: not counted.", .ref = "LaneQuota"},
    {"month", FIELD_REF, "The current month; null: not counted.", .ref = "LaneQuota"},
    {"warm_up", FIELD_REF, "The lane's warm-up; null: none, or over.", .ref = "LaneWarmUp"},
    {"senders", FIELD_INT, "Senders known, where they warm up; else null.", .max = COUNT_FIELD_MAX},
    {"health_percent", FIELD_INT, "How well it serves.", .required = true, .max = 100},
    {"calls_good", FIELD_INT, "Calls of the last five minutes that the provider took.", .required = true,
     .max = COUNT_FIELD_MAX},
    {"calls_bad", FIELD_INT, "Those that failed, or whose outcome was not known.", .required = true,
     .max = COUNT_FIELD_MAX},
    {"delivered", FIELD_INT, "Messages that receipts of the last hour called delivered.", .required = true,
     .max = COUNT_FIELD_MAX},
    {"undelivered", FIELD_INT, "Those called undelivered.", .required = true, .max = COUNT_FIELD_MAX},
    {0},
};

const struct api_field lane_list_shape[] = {
    {"data", FIELD_LIST, "In the order of the settings.", .required = true, .ref = "Lane"},
    {0},
};

/* ---- printing ---- */

static void print_max(uint32_t max, struct buf *out) {
    json_key(out, "max");
    if (max)
        buf_add_u64(out, max);
    else
        buf_adds(out, "null");
}

static void print_quota(const char *key, uint32_t used, uint32_t max, int64_t ends_at, struct buf *out) {
    json_key(out, key);
    if (!ends_at) {
        buf_adds(out, "null");
        return;
    }
    buf_addc(out, '{');
    json_pair_i64(out, "used", used);
    print_max(max, out);
    json_pair_time(out, "ends_at", ends_at);
    buf_addc(out, '}');
}

static void print_rates(const struct lane_report *r, struct buf *out) {
    json_key(out, "rates");
    buf_addc(out, '[');
    for (uint32_t i = 0; i < r->n_rates; i++) {
        buf_adds(out, i ? ",{" : "{");
        json_pair(out, "rate", r->rates[i].text);
        json_pair_i64(out, "used", r->rates[i].used);
        json_pair_i64(out, "max", r->rates[i].max);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
}

static void print_warm_up(const struct lane_report *r, struct buf *out) {
    json_key(out, "warm_up");
    if (!r->warm_up_day) {
        buf_adds(out, "null");
        return;
    }
    buf_addc(out, '{');
    json_pair_i64(out, "day", r->warm_up_day);
    json_pair_i64(out, "max", r->warm_up_max);
    json_pair_i64(out, "left", r->warm_up_left);
    buf_addc(out, '}');
}

static void print_pace(const char *key, double units, struct buf *out) {
    char text[32];
    int n = units > 0 ? snprintf(text, sizeof text, "%.1f", units) : 0;
    json_pair_or_null(out, key, n > 0 ? sv_make(text, (size_t)n) : SV_NONE);
}

static void print_learned(const struct lane_report *r, struct buf *out) {
    print_pace("learned_rate", r->learned, out);
    print_pace("throttled_rate", r->throttled_at, out);
}

void native_print_lane(const struct lane_report *r, struct buf *out) {
    bool waits = r->reason != REASON_NONE;
    buf_addc(out, '{');
    json_pair(out, "name", sv_of(r->name));
    json_pair(out, "provider", sv_of(r->provider));
    json_pair(out, "breaker", sv_of(r->breaker));
    json_pair_or_null(out, "reason", waits ? sv_of(reason_name(r->reason)) : SV_NONE);
    json_pair_or_null(out, "reason_text", waits ? sv_of(reason_meaning(r->reason)) : SV_NONE);
    json_pair_time(out, "opens_at", r->opens_at);
    json_pair_i64(out, "in_flight", r->in_flight);
    json_pair_i64(out, "window", r->window);
    json_pair_i64(out, "in_flight_max", r->in_flight_max);
    json_pair(out, "counts", r->counts_segments ? SV("segments") : SV("messages"));
    print_rates(r, out);
    print_learned(r, out);
    json_pair_or_null(out, "time_zone", r->time_zone);
    print_quota("day", r->day.used, r->day.max, r->day.ends_at, out);
    print_quota("month", r->month.used, r->month.max, r->month.ends_at, out);
    print_warm_up(r, out);
    json_key(out, "senders");
    if (r->senders_max)
        buf_add_u64(out, r->senders_warming);
    else
        buf_adds(out, "null");
    json_pair_i64(out, "health_percent", (int64_t)(r->score * 100));
    json_pair_i64(out, "calls_good", r->health.good);
    json_pair_i64(out, "calls_bad", r->health.bad);
    json_pair_i64(out, "delivered", r->health.delivered);
    json_pair_i64(out, "undelivered", r->health.undelivered);
    buf_addc(out, '}');
}

/* ---- handlers ---- */

static void ask_lanes(struct api_request *rq, api_done *done) {
    struct ask *a = api_new_ask(rq, ASK_LANES);
    a->lanes = arena_zalloc(&rq->x->arena, SETTINGS_LANES_MAX * sizeof *a->lanes);
    ASSERT(a->lanes);
    a->lanes_max = SETTINGS_LANES_MAX;
    api_ask(rq, a, done);
}

static void listed(struct api_request *rq, struct ask *a) {
    if (a->result != ASK_DONE) {
        api_fail(rq, &a->err);
        return;
    }
    struct buf *out = native_open_page(rq);
    for (size_t i = 0; i < a->n_lanes; i++) {
        buf_adds(out, i ? "," : "");
        native_print_lane(&a->lanes[i], out);
    }
    buf_adds(out, "]}");
    api_answer_json(rq, 200, buf_sv(out));
}

static void got(struct api_request *rq, struct ask *a) {
    struct err e = a->err;
    for (size_t i = 0; a->result == ASK_DONE && i < a->n_lanes; i++) {
        if (!sv_eq(rq->params[0], sv_of(a->lanes[i].name)))
            continue;
        struct buf *out = api_scratch(rq);
        native_print_lane(&a->lanes[i], out);
        api_answer_json(rq, 200, buf_sv(out));
        return;
    }
    if (a->result == ASK_DONE)
        err_set(&e, ERR_NOT_FOUND, "the settings have no lane of that name");
    api_fail(rq, &e);
}

void native_lane_list(struct api_request *rq) {
    ask_lanes(rq, listed);
}

void native_lane_get(struct api_request *rq) {
    ask_lanes(rq, got);
}
