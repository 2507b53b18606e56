/* threads: the loops of the journal, checkpoint, sender and core threads. (A front's is in gateway_run.c.)
 * Each waits on its mailboxes, does one step, and looks whether it shall stop. What they do is in
 * store/journal, pipeline/call and pipeline/core; here is only the waiting.
 */
#ifndef HY_APP_THREADS_H
#define HY_APP_THREADS_H

#include "base/mailbox.h"
#include "model/settings.h"
#include "model/world.h"
#include "pipeline/core.h"
#include "store/account.h"
#include "store/journal.h"

#include <pthread.h>
#include <stdatomic.h>

/* What every loop has. beat: monotonic time of the last step, for the watchdog. */
struct loop {
    pthread_t thread;
    atomic_bool stop; /* set, then wake the loop's mailbox */
    _Atomic int64_t beat;
};

struct journal_loop {
    struct loop loop;
    struct db *db; /* the writer */
    struct journal *journal;
    struct mailbox *in, *out;
    const struct world *world;
    atomic_bool moved; /* the database has, for good: where_to says it */
    struct err where_to;
};
/* Does all that is in its mailbox before it ends. */
void *journal_loop_run(void *journal_loop);

/* Moves the write-ahead log into the database beside the journal, so that commits do not wait for it. */
struct checkpoint_loop {
    struct loop loop;
    struct sv database; /* a connection of its own */
    const struct world *world;
};
void *checkpoint_loop_run(void *checkpoint_loop);

struct doors_out;
struct sender_loop {
    struct loop loop;
    struct doors_out *doors; /* by which webhooks of `door:NAME` go */
    struct mailbox *in, *out;
    const struct world *world;
    struct sv database;
    struct master_key master;
};
/* Ends at once when told to stop; calls in flight are cut (and reconciled after the next start). */
void *sender_loop_run(void *sender_loop);

struct core_loop {
    struct loop loop;
    struct core *core;
    struct core_mail mail;
    const struct world *world;
    atomic_bool drain;
    atomic_bool idle; /* draining, and nothing is left to wait for */
};
void *core_loop_run(void *core_loop);

MUST_USE bool loop_start(struct loop *l, void *(*run)(void *), void *arg, const char *name, struct err *e);

#endif
