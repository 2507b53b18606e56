/* puller: fetches the replies and receipts that providers keep for us (adapter.h: pulls), for the lanes that
 * ask for it: a thread of its own with a front of its own (api/front, without a server) and a client.
 *
 * Always: of several nodes only the keeper fetches; a lane has one fetch of a kind under way at a time;
 * nothing is fetched while the database takes no writes, or once drained; what was handed out is served like
 * a post of the provider's, and kept and served again until it is on disk.
 * Not in its power: what a provider has handed out and forgotten is lost with the connection it came by, or
 * with this process before it is on disk: one answer's worth of each lane and kind at most.
 */
#ifndef HY_APP_PULLER_H
#define HY_APP_PULLER_H

#include "api/front.h"
#include "app/threads.h"

struct puller;

/* Whether any lane has something fetched. */
bool puller_wanted(const struct settings *s);
/* parts as for a front; its replies mailbox holds some thousand asks. */
MUST_USE struct puller *puller_open(const struct front_parts *parts, struct err *e);
/* Precondition: its thread has ended. No ask of its front may still be with the core. NULL: nothing. */
void puller_close(struct puller *p);
struct front *puller_front(struct puller *p);
struct loop *puller_loop(struct puller *p);
/* The thread: until loop.stop is set. */
void *puller_run(void *puller);
/* Any thread: begins no more fetches. */
void puller_drain(struct puller *p);
/* Any thread: drained, no fetch under way, and all that was handed out is on disk. */
bool puller_is_idle(const struct puller *p);

#endif
