/* world: the real core, queue, dispatch, receipt and journal code in one thread, from one seed: a virtual
 * clock, a seeded scheduler, a lying provider, a database that fails, mailboxes that are too small, and a
 * crash between any two steps. One seed, one trace.
 */
#ifndef HY_TESTS_WORLD_WORLD_H
#define HY_TESTS_WORLD_WORLD_H

#include "model/settings.h"
#include "model/world.h"
#include "pipeline/ask.h"
#include "pipeline/call.h"
#include "pipeline/core.h"
#include "provider.h"
#include "store/journal.h"

enum { PROMISES_MAX = 2000, FLYING_MAX = 512, KEYS_MAX = 64 };

/* What a client was told with a 2xx. */
struct promise {
    int64_t id;
    enum delivery delivery;
    int key; /* index of its idempotency key, or -1 */
    char body[64];
};

/* A call at a sender: its request has not reached the provider yet, or has. */
struct flying {
    struct call *call;
    struct http_request request;
    struct arena mem;
};

struct sim {
    uint64_t seed, state;
    int64_t now;
    uint64_t trace; /* hash of all that happened */
    bool print;
    struct log log;
    struct meters meters;
    struct world world;
    struct settings settings;

    struct db *db; /* survives crashes */
    struct journal *journal;
    struct core *core;
    struct core_mail mail;
    struct mailbox *replies;
    struct flying flying[FLYING_MAX];
    size_t n_flying;
    struct provider provider;

    bool db_fails; /* now */
    unsigned fail_percent;
    int64_t core_wants_at;

    struct promise promises[PROMISES_MAX];
    size_t n_promises;
    int64_t key_ids[KEYS_MAX]; /* the message each key made; 0: none yet */
    unsigned submitted, crashes, serial;
    char failure[400]; /* the first broken invariant, or "" */
};

void sim_open(struct sim *s, uint64_t seed, bool print);
void sim_close(struct sim *s);
uint64_t sim_random(void *sim);
bool sim_chance(struct sim *s, unsigned percent);
/* A line of the trace. */
void sim_say(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Invariant id is broken. */
void sim_broken(struct sim *s, const char *id, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* steps.c: what may happen next. */
void sim_step(struct sim *s);
void sim_settle(struct sim *s); /* no more trouble: run until nothing is due any more */
void sim_crash(struct sim *s);

/* oracle.c: looks into the database. */
void oracle_call(struct sim *s, const struct call *c); /* before the provider sees it: I3, I4 */
void oracle_end(struct sim *s);                        /* I1, I2, I5, I6, I9, I10, I11 */

#endif
