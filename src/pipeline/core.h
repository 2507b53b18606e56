/* core: owns all live state, decides everything, and writes nothing itself. Read this first.
 *
 * Each turn: gather what has arrived (what is committed, what calls brought, receipts, requests; each
 * capped), decide (state + input + now -> a change and the effects that wait for it), record (changes go to
 * the journal as a batch), act (effects of changes that are committed: answers, calls). So a 2xx answer means
 * on disk, no byte goes to a provider before its attempt row is committed, and a crash at any point is the
 * same as a lost lease.
 *
 * What always holds:
 *  - a message has at most one uncommitted change; inputs for it wait meanwhile, so every decision sees
 * committed state only;
 *  - a message has at most one call in flight;
 *  - what cannot be stored did not happen: a refused change leaves the message as it was on disk;
 *  - a full mailbox keeps things here, and stops taking new requests first.
 *
 * One owner, one thread; all it shares are mailboxes. The seeded world drives the same code from one thread.
 */
#ifndef HY_PIPELINE_CORE_H
#define HY_PIPELINE_CORE_H

#include "base/mailbox.h"
#include "model/settings.h"
#include "model/world.h"

enum { CORE_SENDERS_MAX = 8 };

/* The mailboxes are the caller's; inboxes are read by the core alone. */
struct core_mail {
    struct mailbox *asks;      /* in: struct ask, from fronts */
    struct mailbox *receipts;  /* in: struct ask of kind ASK_RECEIPT, and inbound texts */
    struct mailbox *committed; /* in: struct job, from the journal; must hold CORE_JOBS_MAX */
    struct mailbox *called;    /* in: struct call, from senders; must hold CORE_CALLS_MAX */
    struct mailbox *journal;   /* out: struct job */
    /* What gateways count together; both NULL: this one counts alone. */
    struct mailbox *shared;      /* out: struct shared_call, the core's; must hold CORE_SHARED_MAX */
    struct mailbox *shared_back; /* in: the same, done; likewise */
    struct mailbox *senders[CORE_SENDERS_MAX]; /* out: struct call */
    unsigned n_senders;
};

enum { CORE_JOBS_MAX = 16384, CORE_CALLS_MAX = 6000, CORE_SHARED_MAX = 8192 };

struct core;

/* world, settings and the mailboxes outlive the core. last_id: the greatest id in the database, so that ids
 * rise over restarts whatever the clock does; backlog: rows in it with something still to be done. */
MUST_USE struct core *core_new(const struct world *w, const struct settings *s, const struct core_mail *mail,
                               int64_t last_id, int64_t backlog, struct err *e);
/* Frees all live state, and what it asked of others who count with it, as a crash would; what is committed is
 * on disk. Jobs and calls still with others must have come back, or be freed by core_forget_job and
 * core_forget_call, before. */
void core_free(struct core *c);
struct job;
struct call;
void core_forget_job(struct job *j);
void core_forget_call(struct call *call);

/* One turn. Returns when it wants the next one at the latest (clock time), or now if there is more to do at
 * once. */
int64_t core_turn(struct core *c);

/* No new messages from now on (503), no new attempts; calls in flight end. */
void core_drain(struct core *c);
/* Nothing in flight and nothing uncommitted. */
bool core_is_idle(const struct core *c);

struct core_stats {
    size_t live, ready, in_flight, jobs, callbacks;
};
struct core_stats core_stats(const struct core *c);

#endif
