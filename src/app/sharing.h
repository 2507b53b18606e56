/* sharing: the thread that asks Redis for the core, so that the core never waits for a network. It takes all
 * that is in its mailbox, asks in one round trip, and gives it back; what is done with it is policy/shared,
 * what it means pipeline/core_shared.c.
 */
#ifndef HY_APP_SHARING_H
#define HY_APP_SHARING_H

#include "app/threads.h"
#include "policy/shared.h"

struct sharing_loop {
    struct loop loop;
    struct mailbox *in, *out;
    const struct world *world;
    struct shared *shared; /* owned */
};
/* What Redis the settings name, to be opened with. NULL: it cannot be, and e says why. */
MUST_USE struct shared *sharing_open(const struct settings *s, struct meters *meters, struct err *e);
/* Ends at once when told to stop; what is in its mailbox stays there. */
void *sharing_loop_run(void *sharing_loop);

#endif
