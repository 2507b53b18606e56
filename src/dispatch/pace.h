/* pace: how many units a second a lane begins, found out from the provider's throttle answers where nobody
 * knows its limit (`rate_learn`).
 *
 * Units leave evenly. The pace starts low and grows by steps while it is what holds messages back, until the
 * provider throttles; from then on the limit lies between a pace that held for two seconds (`good`) and the
 * one that was throttled (`bad`), and is narrowed down by halves. Each try costs refusals, so one is made
 * only when those made so far, and as many as the last try cost, stay below half a percent of all calls: less
 * than one in a hundred is refused once a few thousand were made. After a minute at the end of that search,
 * the limit may have been raised, and is tried again a little higher, and higher each time while nothing is
 * refused. What is learned outlives a restart. Pure: the time is handed in.
 */
#ifndef HY_DISPATCH_PACE_H
#define HY_DISPATCH_PACE_H

#include "base/window.h"
#include "model/verdict.h"

struct pace {               /* all zero: nothing seen yet */
    double rate, good, bad; /* units a second; good, bad 0: none known */
    double free_at;         /* when all that was begun has been paid for, in microseconds */
    double calls, refused;  /* since a while: both are halved when there are many */
    double cost;            /* refusals of the latest try */
    double raise;           /* by which share the limit was lifted last, without a refusal since */
    int64_t changed_at;     /* what began before says nothing about the rate as it is now */
    int64_t searched_at;    /* the search came to its end then; 0: it goes on */
    bool held;              /* it held something back since then */
    bool resumed;           /* from what a process before had learned, and nothing has begun since */
    struct window begun;    /* in the last second */
};

/* What may begin now? Says no when units must wait for the pace, and remembers that they did. */
bool pace_lets(struct pace *p, int64_t now);
/* When it lets the next begin. */
int64_t pace_opens_at(const struct pace *p);
void pace_begin(struct pace *p, uint32_t units, int64_t now);
/* How many units a second it lets through. */
double pace_rate(const struct pace *p);
/* An attempt that began then has ended. */
void pace_note(struct pace *p, const struct verdict *v, int64_t began_at, int64_t now);
/* What was learned before, as pace_good and pace_bad say it, in thousandths. */
void pace_resume(struct pace *p, int64_t good_milli, int64_t bad_milli);
int64_t pace_good(const struct pace *p);
int64_t pace_bad(const struct pace *p);

#endif
