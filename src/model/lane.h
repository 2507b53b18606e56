/* lane: one provider account in one direction, as configured. The values of the adapter's own fields are kept
 * by field index, in the order of the adapter's fields table. Immutable once built; its owner (app/config)
 * keeps it until every call that names it has ended.
 */
#ifndef HY_MODEL_LANE_H
#define HY_MODEL_LANE_H

#include "model/price.h"
#include "model/rate.h"
#include "model/sender_id.h"
#include "model/warm_up.h"

enum { LANE_NAME_MAX = 32, LANE_FIELDS_MAX = 48, LANE_RATES_MAX = 8 };

struct adapter;

/* How a lane stood at a moment, besides its breaker: kept over restarts. */
struct lane_standing {
    int64_t at;                      /* 0: as good as any, the rest is 0 */
    int64_t slow_until;              /* its provider asked it to wait; 0: it did not */
    uint32_t window;                 /* of calls in flight; 0: the most */
    uint32_t good, bad;              /* calls of the last five minutes */
    uint32_t delivered, undelivered; /* receipts of the last hour */
};

struct lane_config {
    char name[LANE_NAME_MAX + 1]; /* [a-z0-9-]+ */
    const struct adapter *adapter;
    struct sv fields[LANE_FIELDS_MAX]; /* NUL-terminated; secrets among them: never logged */
    void *prepared; /* what its adapter made of them once, or NULL; ends with the settings */
    uint64_t
        credentials; /* hash of provider and fields: tokens belong to it (lane_prepare; 0: not asked for) */
    struct sv from;  /* default sender; may be empty where the adapter has its own */
    struct sender_id_list senders;   /* a pool: one of them goes before `from` */
    struct sv_list prices;           /* lines of model/price; they go before those of the file */
    struct sv prices_file;           /* CSV; empty: none */
    struct sv currency;              /* of both, ISO 4217 */
    uint32_t price_per;              /* 0: segment, 1: message */
    struct price_table *price_table; /* of both; NULL: it has no prices */
    uint32_t channel;                /* 0: all that its adapter can carry, else 1 + enum channel */
    struct sv account; /* whose texts from numbers are that nobody wrote to; empty: the first account's */
    uint32_t in_flight_max;
    bool in_flight_adaptive;           /* fewer while the provider cannot bear as many */
    struct rate rates[LANE_RATES_MAX]; /* what the provider takes, all at once; without scopes */
    uint32_t n_rates;
    bool rate_learn;     /* find out what it takes from its throttle answers */
    struct sv time_zone; /* in which days and months of the following begin */
    struct {
        uint32_t day, month; /* 0: none */
    } quota;
    struct warm_up warm_up;        /* of the lane as a whole */
    struct warm_up sender_warm_up; /* of each sender by itself */
    uint32_t timeout_ms;
    uint32_t connect_timeout_ms;
    uint32_t receipt_window_s;     /* how long `sent` waits for a receipt */
    uint32_t receipt_poll_after_s; /* then the provider is asked for it; 0: never */
    uint32_t receipt_polls_max;    /* of one message */
    uint32_t receipt_polls_per_minute;
    uint32_t lookup_after_ms; /* settling time before an unknown outcome is looked up */
    uint32_t lookups_max;
    bool allow_private; /* may call addresses of this machine or private networks */
};

#endif
