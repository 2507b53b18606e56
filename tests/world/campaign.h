/* campaign: long runs of the seeded world with one kind of trouble each, for what only thousands of messages
 * show. The core, its journal, its calls and their order are the world's; the provider takes its time
 * (virtual), and the process may be killed at any moment. What each promises is checked by itself:
 *
 * - trials.c: a lane on trial that is worse than the others is out of its route within
 *   TRIAL_TEXTS_MAX texts, and stays out; one that is as good stays; each recipient keeps its lane.
 * - rates.c: a lane finds out how much its provider takes, and less than one call in a hundred is refused.
 */
#ifndef HY_TESTS_WORLD_CAMPAIGN_H
#define HY_TESTS_WORLD_CAMPAIGN_H

#include "world.h"

/* Texts that a bad lane on trial may have begun before it is out, besides twice as many as it had sent well,
 * and what its provider has not reported on yet. */
enum { TRIAL_TEXTS_MAX = 100 };

struct campaign {
    /* What the provider answers to f; r->elapsed_us from now. */
    void (*answer)(struct sim *s, void *ctx, const struct flying *f, struct http_response *r);
    void *ctx;
};

struct campaign_end {
    uint64_t trace;
    bool by_chance; /* a lane on trial that was as good as the others was taken out */
    bool good;      /* there was one as good as the others */
    unsigned texts; /* that a bad one began */
};

/* One message, of the recipient of that number. False: the core has no room. */
bool campaign_submit(struct sim *s, unsigned recipient);
/* Everybody has a turn, and time goes on, no further than until. */
void campaign_step(struct sim *s, const struct campaign *c, int64_t until);
/* The process dies; what is at a provider comes back to nobody. */
void campaign_kill(struct sim *s);

struct campaign_end trial_run(struct sim *s, uint64_t seed, bool print);
struct campaign_end rates_run(struct sim *s, uint64_t seed, bool print);

#endif
