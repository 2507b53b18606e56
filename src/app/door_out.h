/* door_out: doors by which events go out: an endpoint of the same outbox as webhooks (store/deliveries,
 * pipeline/core_hooks), whose address is `door:NAME`, with another transport. A sender that gets a call for
 * such an address hands it to the door's thread, which gives the event to the broker (net/outlet) and hands
 * the call back to the core once that has confirmed it. Retries, order per message, the log of deliveries and
 * replays are the outbox's.
 *
 * Always: a call comes back exactly once, as taken only when the broker has confirmed the event.
 */
#ifndef HY_APP_DOOR_OUT_H
#define HY_APP_DOOR_OUT_H

#include "app/threads.h"

struct call;
struct door_out;

struct doors_out {
    pthread_mutex_t lock; /* its owner changes the rest under it, and senders look under it */
    struct door_out *at[DOORS_MAX];
    unsigned n;
};

/* door outlives it. back: the core's mailbox for calls, which has room for all of them. */
MUST_USE struct door_out *door_out_open(const struct door *door, const struct world *w, struct mailbox *back,
                                        struct err *e);
/* Precondition: its thread has ended. */
void door_out_close(struct door_out *d);
struct loop *door_out_loop(struct door_out *d);
struct mailbox *door_out_mailbox(struct door_out *d);
const struct door *door_out_of(const struct door_out *d);
/* Any thread: the broker has confirmed all that it was given, a moment ago. */
bool door_out_is_idle(const struct door_out *d);
void *door_out_run(void *door_out);

/* A sender's thread: takes over a call whose target is a door; one that there is not (any more), or that has
 * no room, has it back in the core at once, as failed. False: it is none of a door. */
MUST_USE bool doors_out_take(struct doors_out *doors, struct call *c);

/* The endpoint of that door, made or brought up to date with its settings. *last_id: the latest
 * id given. A door whose account is not there has none until it is opened anew; it is told to the log. */
MUST_USE bool door_out_enlist(struct db *db, const struct door *door, const struct world *w,
                              const struct master_key *mk, int64_t *last_id, struct err *e);

#endif
