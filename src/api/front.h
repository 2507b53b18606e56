/* front: everything one thread that serves HTTP owns: a server, a read connection, a copy of the accounts,
 * the working memory of admission. It authenticates, checks and renders; the core decides, and its answers
 * come back by the replies mailbox.
 *
 * The thread's loop is front_wait, front_run, again. Functions are for that thread unless said otherwise.
 * Several fronts may share one port (reuse_port), each with a replies mailbox of its own.
 *
 * Always: an answer of 2xx to a new message means that it is on disk; what the core has no room for is
 * answered 503 with Retry-After; no more asks are out than the replies mailbox holds.
 */
#ifndef HY_API_FRONT_H
#define HY_API_FRONT_H

#include "ingest/admit.h"
#include "model/http.h"
#include "model/world.h"
#include "store/account.h"

struct front;

/* Borrowed; all of it outlives the front, but settings and texts only until others were taken over. */
struct front_parts {
    const struct settings *settings; /* database, limits, threads.front, public_url, lanes, ... */
    const struct texts *texts;
    const struct world *world; /* its clock, log and meters are used from this thread */
    const struct master_key *master;
    struct mailbox *asks;     /* out: struct ask, to the core */
    struct mailbox *receipts; /* out: struct ask, providers' reports and inbound texts, to the core */
    struct papers *papers;    /* certificates of those who sign their posts */
    struct mailbox
        *replies; /* in: the asks come back; this front's alone; as many as it may have connections, better
                     twice that, since a provider's post may carry several receipts */
    /* The console's files by name (NULL: none of that name); NULL: there is no console. */
    const struct http_file *(*console_file)(struct sv name);
};

/* Opens the server on address:port (port 0: any free one, see front_port), the database as a reader, and the
 * directory. The database must have been migrated. ERR_OUTSIDE with what failed. */
/* address NULL: no server; what comes is handed over by front_take. */
MUST_USE struct front *front_open(const struct front_parts *parts, const char *address, uint16_t port,
                                  bool reuse_port, struct err *e);
/* Exchanges not yet answered are cut. No ask of this front may still be with the core, or the core must be
 * gone: asks live in the memory of their exchanges. */
void front_close(struct front *f);
uint16_t front_port(const struct front *f);

/* A request that came by another way (x->way, its owner's until it is answered), for the account of that
 * name, as with a key of scope `send`. Without such an account it is answered 503. No name: for nobody, as
 * what providers post is; such a one to /hooks/LANE/... is what was pulled (adapter.h). */
struct exchange;
void front_take(struct front *f, struct exchange *x, struct sv account);

/* Has that account any idempotency key that begins so? Reads the database; true where it cannot be said. */
bool front_has_keys(struct front *f, struct sv account, struct sv beginning);

/* Sleeps until there is something to do, or `also` (or -1) is readable, ms_max at most (-1: no limit but the
 * front's own, below one second).
 */
void front_wait(struct front *f, int also, int ms_max);
/* Does what there is to do: replies, requests, housekeeping. Never blocks but for reads of the database. */
void front_run(struct front *f);

/* ---- any thread ---- */

/* The front takes these over at its next run; both outlive it or the next ones taken over. */
MUST_USE bool front_offer(struct front *f, const struct settings *s, const struct texts *t, struct err *e);
/* Those in use; the front's own thread. */
const struct settings *front_settings(const struct front *f);
/* True once the settings offered were taken over: the ones before may be freed. */
bool front_has_taken(const struct front *f, const struct settings *s);
/* From its next run on the front takes no connections, answers new messages 503, and closes each connection
 * behind its answer. */
void front_drain(struct front *f);
/* Nothing asked of the core is unanswered, and no answer waits to be written; meaningful once drained. */
bool front_is_idle(const struct front *f);
/* Ends front_wait. */
void front_wake(struct front *f);

/* The OpenAPI 3.1 document, as GET /openapi.json answers it; for docs and tests. */
void front_print_openapi(struct sv public_url, struct buf *out);

#endif
