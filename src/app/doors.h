/* doors: the running doors of a gateway, in and out, which follow the settings: one that is new there is
 * opened, one that is gone or says something else now is drained and closed, all others go on untouched.
 *
 * Always: what a closing door in has taken is stored and acknowledged, or left to the queue; a changed one is
 * opened again when the old one is closed, at the latest after DOORS_PATIENCE_S. What a closing door out has
 * given away and the broker has not confirmed is tried again, under the same id. A door that cannot be opened
 * (the database is away) is tried again. Used by one thread; only doors_out_take is for the senders'.
 */
#ifndef HY_APP_DOORS_H
#define HY_APP_DOORS_H

#include "api/front.h"
#include "app/door_out.h"

enum { DOORS_PATIENCE_S = 10 };

struct doors_parts {
    const struct world *world;
    const struct master_key *master;
    struct mailbox *back; /* the core's for calls */
    /* For a front of these settings that has its answers there. */
    struct front_parts (*front)(void *ctx, struct mailbox *replies);
    void *ctx;
};

struct doors;
struct doors *doors_new(const struct doors_parts *parts);
/* Precondition: all threads have ended (doors_stop_in, doors_stop_out), and the core's. Hands back what is
 * left of calls: before the core's mailbox goes. */
void doors_hand_back(struct doors *d);
/* Precondition: no ask may still be with the core. */
void doors_free(struct doors *d);

/* At the start, before any thread: opens those of the settings. db: whose use is the caller's still. */
MUST_USE bool doors_open(struct doors *d, const struct settings *s, struct db *db, int64_t *last_id,
                         struct err *e);
/* Starts the threads of all that are open. */
MUST_USE bool doors_start(struct doors *d, struct err *e);
/* Other settings, which outlive this. */
void doors_follow(struct doors *d, const struct settings *s, struct texts *t);
/* Goes on with what they ask for. True: there is more to be done, look again soon. */
bool doors_settle(struct doors *d);

void doors_drain(struct doors *d);
bool doors_are_idle(const struct doors *d);
/* Doors in before the core, doors out after the senders. */
void doors_stop_in(struct doors *d);
void doors_stop_out(struct doors *d);
/* For the senders. */
struct doors_out *doors_outs(struct doors *d);

#endif
