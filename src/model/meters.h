/* meters: what the program counts about itself, one struct shared by all threads (relaxed atomics: each
 * number is right, two numbers read together may be a moment apart). The tables in meters.c name every metric
 * once; /metrics and docs are made from them. Labels never carry numbers, ids or texts.
 */
#ifndef HY_MODEL_METERS_H
#define HY_MODEL_METERS_H

#include "base/buf.h"
#include "model/door_meters.h"
#include "model/lane_meters.h"
#include "model/saving.h"
#include "model/state.h"

#include <stdatomic.h>

enum counter {
    COUNT_ACCEPTED, /* messages stored */
    COUNT_SENT,     /* taken by a provider */
    COUNT_SEGMENTS_SENT,
    COUNT_RETRIES,
    COUNT_UNKNOWN, /* outcomes not known */
    COUNT_POLLS,
    COUNT_POLLS_FOUND,
    COUNT_LOOKUPS,
    COUNT_LOOKUPS_FOUND,
    COUNT_LOOKUPS_ABSENT,
    COUNT_RECEIPTS,
    COUNT_RECEIPTS_REFUSED, /* forged or malformed */
    COUNT_INBOUND,
    COUNT_RETIRED, /* messages deleted for their age */
    COUNT_LIMITED,
    COUNT_QUIET,
    COUNT_SCREENED,
    COUNT_IDEMPOTENT_REPLAYS,
    COUNT_REQUESTS,
    COUNT_REQUESTS_REFUSED, /* answered 4xx */
    COUNT_PUSHED_BACK,      /* answered 503 because a mailbox was full or the database fails */
    COUNT_CALLBACKS_OK,
    COUNT_CALLBACKS_FAILED,
    COUNT_CALLBACKS_GIVEN_UP,
    COUNT_COMMITS,
    COUNT_JOBS, /* changes and reads the journal did */
    COUNT_JOURNAL_FAILURES,
    COUNT_PROVIDER_CALLS,
    COUNT_PROVIDER_CONNECTIONS,
    COUNT_LOG_LINES,
    COUNT_TEMPLATES_PUBLISHED, /* changes of what is published; fronts look again when it rises */
    COUNT_LINKS,               /* short links stored */
    COUNT_CLICKS,
    COUNT_CLICKS_LOST,
    COUNT_QUOTA_ALARMS,
    COUNT_REPLIES_NEGATIVE, /* inbound texts that sound unhappy */
    COUNT_OPT_OUTS,         /* by keyword */
    COUNT_ANSWERS,          /* given automatically */
    COUNT_CANARIES_OUT,     /* lanes on trial taken out of their route */
    COUNT_TOKENS,           /* had of providers, or signed for them */
    COUNT_TOKEN_CALLS,      /* calls that carried one */
    COUNT_HOOKS_OK,         /* events taken by webhooks */
    COUNT_HOOKS_FAILED,
    COUNT_HOOKS_GIVEN_UP,
    COUNT_HOOKS_DISABLED,
    COUNT_VERIFICATIONS, /* one-time codes made */
    COUNT_VERIFICATIONS_APPROVED,
    COUNT_VERIFICATIONS_WRONG,  /* guesses that were not right */
    COUNT_VERIFICATIONS_LAPSED, /* ran out unused */
    COUNT_FRAUD_FLAGS,          /* prefixes flagged by the fraud guard */
    COUNT_FRAUD_HELD,           /* messages it holds, or held */
    COUNT_FRAUD_STOPPED,
    COUNT_EVENTS,          /* business events stored */
    COUNT_EVENTS_REPEATED, /* that had come before */
    COUNT_EVENTS_FORGED,   /* posts of sources whose signature is wrong */
    COUNT_RULES_FIRED,     /* messages that rules made */
    COUNT_RULES_FAILED,    /* rules that could not be evaluated for an event */
    COUNT_RULES_DEDUPED,
    COUNT_RULES_CANCELED,  /* messages withdrawn by events */
    COUNT_DIGESTS,         /* messages made of gathered events */
    COUNT_RULES_PUBLISHED, /* changes of what is published; fronts look again when it rises */
    COUNT_NODES_TAKEN,     /* nodes whose work was taken over, by this one's word */
    COUNT_NODE_MESSAGES,   /* messages moved to this node */
    COUNT_PARCELS,         /* receipts and commands handed to other nodes */
    COUNT_RULES_UNJUDGED,  /* rules an event had no steps left for */
    COUNT_SHARED_CALLS,    /* asked of the server that gateways share, and answered */
    COUNT_SHARED_PARTS,    /* messages judged by this gateway's part of a rate, without that server */
    COUNT_PULLS,           /* fetches of what providers keep for us */
    COUNT_PULLS_FAILED,
    COUNT_PULLED, /* replies and receipts handed out by them */
    COUNTER_COUNT
};

enum gauge {
    GAUGE_LIVE,      /* messages in memory */
    GAUGE_READY,     /* of these, waiting for a lane */
    GAUGE_IN_FLIGHT, /* calls with providers */
    GAUGE_LIMIT_KEYS,
    GAUGE_BACKLOG,    /* pending rows on disk, not terminal */
    GAUGE_OLDEST_DUE, /* seconds the oldest due message waits */
    GAUGE_CONNECTIONS,
    GAUGE_WAL_PAGES,
    GAUGE_CORE_MAILBOX,
    GAUGE_RECEIPT_MAILBOX,
    GAUGE_JOURNAL_MAILBOX,
    GAUGE_SENDER_MAILBOX,
    GAUGE_JOURNAL_HEALTHY, /* 1 while the database takes writes */
    GAUGE_NODES,           /* that share the database and are alive; 0: a lone gateway */
    GAUGE_SHARED_UP,       /* 1 while rates are counted together with other gateways */
    GAUGE_COUNT
};

enum histogram {
    HIST_ACCEPT,     /* request whole -> answer */
    HIST_QUEUE_WAIT, /* due -> attempt committed */
    HIST_PROVIDER,   /* one provider call */
    HIST_DELIVERY,   /* sent -> delivered */
    HIST_COMMIT,     /* one transaction */
    HIST_SHARED,     /* one round trip to the server that gateways share */
    HIST_COUNT
};

enum { HIST_BUCKETS = 18 };

struct meters {
    _Atomic uint64_t counters[COUNTER_COUNT];
    _Atomic int64_t gauges[GAUGE_COUNT];
    _Atomic uint64_t failed[REASON_COUNT];                                 /* sms_failed_total{reason} */
    _Atomic uint64_t saved_messages[SAVED_BYS], saved_segments[SAVED_BYS]; /* sms_saved_*_total{by} */
    _Atomic uint64_t states[STATE_COUNT]; /* sms_messages_total{state}: entries into the state */
    struct {
        _Atomic uint64_t buckets[HIST_BUCKETS + 1]; /* the last: above all bounds */
        _Atomic uint64_t sum_us;
    } histograms[HIST_COUNT];
    struct lane_board board;
    struct door_board doors;
};

static inline void meter_add(struct meters *m, enum counter c, uint64_t n) {
    atomic_fetch_add_explicit(&m->counters[c], n, memory_order_relaxed);
}
static inline void meter_set(struct meters *m, enum gauge g, int64_t v) {
    atomic_store_explicit(&m->gauges[g], v, memory_order_relaxed);
}
void meter_time(struct meters *m, enum histogram h, int64_t elapsed_us);
void meter_failed(struct meters *m, enum reason r);
void meter_state(struct meters *m, enum state s);
void meter_saved(struct meters *m, const struct saving *v);

/* The Prometheus text format, version 0.0.4. */
void meters_print(const struct meters *m, struct buf *out);

#endif
