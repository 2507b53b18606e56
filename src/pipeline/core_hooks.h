/* core_hooks: webhooks out, the inside: what the core knows of each endpoint, and the events it has in memory
 * for it. For core_hooks.c, which delivers, and core_endpoints.c, which keeps the list of endpoints.
 *
 * What is owed are rows with a due_at; each endpoint has a list of its own, read a page at a time, and a
 * window, so that one that is slow or dead holds up nobody else. The core owns endpoints and events; a target
 * lives as long as the last call that uses it.
 */
#ifndef HY_PIPELINE_CORE_HOOKS_H
#define HY_PIPELINE_CORE_HOOKS_H

#include "pipeline/core_parts.h"

/* An endpoint's address and secrets, as long as a call uses them. */
struct target {
    struct hook_target to; /* first: calls point at it */
    unsigned used;
    bool replaced;
};

/* One event for one endpoint, from being read to what came of it being on disk. */
struct hook_event {
    struct delivery_due delivery;
    struct endpoint *of;
    struct target *target; /* while a call is under way */
    struct delivery_try tried;
    bool again; /* others of its message were passed over: look again when it is over */
    struct hook_event *next;
};

struct endpoint {
    int64_t id, account_id;
    enum hook_status status;
    struct target *target; /* owned */
    bool seen;             /* while the list is read anew */
    bool busy;             /* among those to be looked at */
    bool behind, scanning, replaying, disabling, noted;
    int64_t from;        /* rows due before are in memory */
    int64_t next_due_at; /* 0: none is known */
    struct hook_event *ready, *ready_last;
    unsigned n_ready, n_flying, n_held; /* held: in memory in all */
    unsigned failures;                  /* in a row */
    int64_t failing_since, pause_until;
    int64_t replay_until;
    struct endpoint *next_busy;
};

/* One thing of an endpoint's is in memory for each message: its key there. */
uint64_t core_hook_event_key(const struct delivery_key *k);
void core_hook_event_free(struct hook_event *ev);
void core_hook_target_drop(struct target *t); /* nobody uses it any more, and there is another */

/* It is looked at in the next turn. */
void core_hook_busy(struct core *c, struct endpoint *p);
/* All are looked at then; 0: nothing to do. */
void core_hook_wake(struct core *c, int64_t at);

/* Reads the list of endpoints where it is not known, or another by now. */
void core_hook_read_list(struct core *c);
/* Writes down since when it fails; 0: it does not. */
void core_hook_note_failing(struct core *c, struct endpoint *p, int64_t since);
/* Nothing is delivered to it any more; the account's others are told. */
void core_hook_disable(struct core *c, struct endpoint *p, enum hook_status why);

#endif
