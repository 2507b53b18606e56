/* door_in: one door through which messages and events come in: a thread of its own with a front of its own
 * (api/front, without a server) and the network side (net/inlet). Each entry is served as the request it
 * stands for, for the door's account; there is no second reading of what it says.
 *
 * Always: an entry is acknowledged only when what it asked for is on disk, or when it is safe among the dead
 * letters; one that cannot be taken now (503, 429) waits here and is tried again; no more than `prefetch`
 * entries are held. An entry that comes again finds its idempotency key: what it made stands once.
 */
#ifndef HY_APP_DOOR_IN_H
#define HY_APP_DOOR_IN_H

#include "api/front.h"
#include "app/threads.h"

struct door_in;

/* Opens nothing outside yet. host_counts: another door takes from a queue of that name, of another host:
 * which one it is tells entries apart, too. parts as for a front; its replies mailbox holds door->prefetch
 * asks, and ten times that where it takes events. door outlives it. */
MUST_USE struct door_in *door_in_open(const struct door *door, bool host_counts,
                                      const struct front_parts *parts, struct err *e);
/* Precondition: its thread has ended. No ask of its front may still be with the core. */
void door_in_close(struct door_in *d);
struct front *door_in_front(struct door_in *d);
struct loop *door_in_loop(struct door_in *d);
/* The thread: until loop.stop is set. */
void *door_in_run(void *door_in);
/* Any thread: takes no more entries. */
void door_in_drain(struct door_in *d);
/* Any thread: drained, and all that was taken is acknowledged or left to the queue. */
bool door_in_is_idle(const struct door_in *d);

#endif
