/* explain: what the core would decide about a message that is not there, and when one that waits may expect
 * to go: plain data, made by the core from its live state and shown by the API. Nothing is stored or counted
 * by it.
 *
 * The decisions are steps, in the order in which they are made; a new kind of decision is one function in the
 * table of core_explain.c (or of api/native_explain.c, where a front decides), which fills in one step.
 */
#ifndef HY_PIPELINE_EXPLAIN_H
#define HY_PIPELINE_EXPLAIN_H

#include "dispatch/lane_report.h"
#include "model/message.h"
#include "model/rate.h"
#include "model/route.h"
#include "model/settings.h"
#include "model/tally.h"

enum explain_says {
    EXPLAIN_FINE,    /* it stops or delays nothing */
    EXPLAIN_WAITS,   /* it would wait for this */
    EXPLAIN_STOPS,   /* it would not be sent */
    EXPLAIN_REFUSES, /* it would not even be taken */
};
const char *explain_says_name(enum explain_says s); /* "passes", "waits", "stops", "refused" */

/* How sure a time is. */
enum expect_kind {
    EXPECT_UNKNOWN,  /* there is none: somebody has to act */
    EXPECT_SET,      /* decided, and on disk */
    EXPECT_EARLIEST, /* not before */
    EXPECT_LATEST,   /* at the latest */
    EXPECT_ESTIMATE, /* reckoned from how lanes and queue stand now */
};
const char *expect_kind_name(enum expect_kind k); /* "set", "earliest", ...; NULL for UNKNOWN */

/* When something happens next to a message, and why not now. */
struct expectation {
    enum reason reason;
    const char *waiting_for; /* "lane", "route", "retry" ...; NULL: nothing */
    int64_t at;              /* 0 with EXPECT_UNKNOWN */
    enum expect_kind kind;
};

/* What a message that is not finished waits for: "send_at", "quiet_hours", "frequency_cap",
 * "spend_ceiling", "fraud_hold", "lane", "route", "retry", "provider", "reconciliation", "receipt"; NULL when
 * for nothing. */
const char *expect_waiting_for(const struct head *h);

/* Of one that is held back until a set time, by the reason: "quiet_hours" ...; NULL: it is not. */
const char *expect_held_by(enum reason r);

/* Of a message in any other state than queued and accepted, for which lanes and queue must be asked. */
struct expectation expect_of_head(const struct head *h);

enum { EXPLAIN_STEPS_MAX = 24, EXPLAIN_TEXT_MAX = 240 };

struct explain_step {
    const char *name;
    enum explain_says says;
    enum reason reason;
    int64_t until; /* of what waits; 0: not known */
    char text[EXPLAIN_TEXT_MAX];
};

struct explain_rate {
    char text[64];
    bool applies;
    uint32_t left;
    int64_t free_at; /* with left 0 */
};

struct explain_route {
    char name[LANE_NAME_MAX + 1];
    bool taken, hidden; /* hidden: it fits too, but stands behind the one taken */
    unsigned misfits;   /* 1 << enum route_by */
};

struct explain_lane {
    struct lane_report report; /* for a message of one segment */
    bool on_route;
    uint32_t place;      /* in the order in which they are tried, from 1; 0: not on its route */
    bool canary;         /* is the route's */
    enum reason refused; /* it can never go there; REASON_NONE: it can */
    struct expectation expected;
    bool priced;
    int64_t price; /* in micro-units of */
    char currency[4];
    char sender[SENDER_NAME_MAX + 1];
    const char *sender_of; /* "message", "route", "lane"; NULL: the provider's own */
};

struct explain {
    int64_t at;      /* in: for when; 0: now. Out: the moment it is for */
    uint32_t ahead;  /* in: messages in the queue before it */
    bool ahead_more; /* in: and there may be more */

    struct explain_step steps[EXPLAIN_STEPS_MAX];
    size_t n_steps;
    bool exempt;        /* opt-outs do not stop it */
    bool needs_consent; /* only a consent lets it go */
    struct explain_rate rates[RATES_MAX];
    size_t n_rates;
    struct explain_route *routes; /* room for routes_max, the asker's */
    size_t routes_max, n_routes;
    struct explain_lane lanes[SETTINGS_LANES_MAX]; /* in the order of the settings */
    size_t n_lanes;
    struct expectation expected;
    /* What the asker looks for in the database: filled into these steps; no tally: no rule is for it. The
     * asker's, to be freed with free(). */
    struct tally *tally;
    struct explain_step *duplicates, *caps, *spend;
    int64_t spend_max,
        spend_price; /* what its account may spend in a day, what this one costs; 0: no limit */
    char spend_currency[4];
};

/* The next step to fill in. */
struct explain_step *explain_add(struct explain *x, const char *name);

#endif
