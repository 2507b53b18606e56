/* call: one request that sends messages, of any face, from the moment its parameters were found right:
 * decides its course, stores its messages, plans their receipts, and has the face answer when the time has
 * come.
 *
 * A call lives in its exchange's arena and ends with the answer. What happens to the call as a whole
 * (time-outs, errors, half answers) is drawn once; what becomes of each message is drawn for each.
 */
#ifndef HY_SIMULATOR_SIM_CALL_H
#define HY_SIMULATOR_SIM_CALL_H

#include "simulator/sim_face.h"
#include "simulator/sim_store.h"
#include "simulator/sim_timers.h"

struct sim_item {
    struct sim_draft draft; /* of its row: from, service, account, segments, first */
    struct sv callback;     /* where its receipts go; empty: the profile's receipt_url of this provider */
    int64_t send_at;        /* 0: at once */
    struct course course;   /* from call_take on */
    uint64_t seq;           /* 0: not stored */
};

struct sim_call {
    struct timer timer; /* first: fire finds the call by it */
    struct exchange *x;
    const struct sim_face *face;
    struct course course; /* of the call as a whole */
    uint64_t generation;
    size_t early; /* messages whose receipts are to come before the answer */
    size_t n;
    struct sim_item *items;
    void *own; /* the face's */
};

/* False when the profile's rate is used up: then the exchange was answered. */
MUST_USE bool call_admit(struct sim *sim, const struct sim_face *face, struct exchange *x);
/* NULL when memory is short; then the exchange was answered. n is 1..65535. */
MUST_USE struct sim_call *call_new(struct sim *sim, const struct sim_face *face, struct exchange *x,
                                   size_t n);
/* Ends the exchange, now or later. The drafts' views are copied. */
void call_take(struct sim *sim, struct sim_call *call);
/* An early receipt's message is done: the last one lets the call answer. */
void call_early_done(struct sim *sim, struct sim_call *call);

#endif
