/* quota: what a lane may begin in a calendar day and month, and what it has begun: the provider account's own
 * quotas, and the warm-up of the lane and of each sender. Days and months are those of the lane's time zone.
 * Part of a lane (dispatch/lane).
 *
 * What always holds: the units counted within one day or month never exceed its limits; a load that does not
 * fit waits, also one that is larger than the limit itself. A clock that steps back stays in the latest day
 * seen. What is counted comes back after a restart (quota_recall); a sender that was not used for
 * SENDER_FORGOTTEN_DAYS warms up anew. Pure: the time is handed in.
 */
#ifndef HY_DISPATCH_QUOTA_H
#define HY_DISPATCH_QUOTA_H

#include "base/map.h"
#include "model/lane.h"
#include "model/state.h"
#include "text/zone.h"

enum { QUOTA_SENDERS_MAX = 4096, QUOTA_SENDER_FORGOTTEN_DAYS = 90 };

/* What one attempt would cost. */
struct lane_load {
    uint32_t units;   /* messages, or segments where the provider counts those; a look-up: 0 */
    struct sv sender; /* looked at where senders warm up */
};

struct quota_count {
    struct zone_span span; /* 0,0: not known yet */
    uint32_t max;          /* UINT32_MAX: no limit */
    uint32_t used;
    bool warming;  /* max is the warm-up's */
    unsigned told; /* percent of the latest alarm in this span */
    /* Together with other gateways: */
    uint32_t own, owed; /* of used, begun by this process; and of that, what the others do not know of */
    uint32_t known;     /* by everybody, as they told last */
    uint32_t ceiling;   /* alone, used goes no further; 0: as far as max */
};

/* A sender that warms up. */
struct quota_sender {
    int64_t first_date, date; /* of its first use, and of what is used; in days since 1970 */
    uint32_t used;
};

struct quota {
    const struct lane_config *config; /* NULL: nothing is limited */
    struct quota_count day, month;
    int64_t date;       /* of the day, in days since 1970 */
    int64_t start_date; /* of the lane's warm-up */
    struct map senders; /* hash of its name -> struct quota_sender, owned */
    uint32_t parts;     /* gateways that share it; 0 or 1: no other */
    bool together;      /* they count for each other: what is begun is not owed */
};

void quota_done(struct quota *q);
/* New settings. True when what was begun before has to be recalled: it has just begun to count, or counts by
 * another time zone. */
bool quota_configure(struct quota *q, const struct lane_config *config);
bool quota_is_on(const struct lane_config *config);

/* REASON_NONE when the load fits; else REASON_LANE_QUOTA or REASON_WARM_UP. */
enum reason quota_reason(struct quota *q, struct lane_load load, int64_t now);
/* When it fits as far as is known now; `now` when it fits now. A load larger than a quota never does: then
 * the quota's next beginning. */
int64_t quota_opens_at(struct quota *q, struct lane_load load, int64_t now);
void quota_count(struct quota *q, struct lane_load load, int64_t now);
void quota_take_back(struct quota *q, struct lane_load load, int64_t then);
/* What was begun at `then`, before this process or these settings; oldest first. */
void quota_recall(struct quota *q, uint32_t units, int64_t then, int64_t now);
void quota_recall_sender(struct quota *q, struct sv sender, int64_t first_at, int64_t last_at,
                         uint32_t units);

/* Other gateways begin by the same limits. Alone, this one keeps to its part of what was left when it last
 * knew; senders that warm up have a part of their day in any case. */
void quota_share(struct quota *q, uint32_t parts, bool together, int64_t now);

/* When the day began that senders' units count in; 0: they do not warm up. */
int64_t quota_senders_day(const struct quota *q);

/* Near its end: at 80 and at 100 percent, once a span. */
struct quota_alarm {
    const char *what; /* "day", "month" or "warm_up" */
    unsigned percent;
    uint32_t used, max;
};
bool quota_alarm(struct quota *q, struct quota_alarm *out);

/* The warm-up of the lane: its day, counted from 1, 0 when there is none or it is over. */
int64_t quota_warm_up_day(struct quota *q, int64_t now);

#endif
