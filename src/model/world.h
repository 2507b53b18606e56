/* world: everything the core does not decide itself, handed in as one struct: clock, randomness, log, meters,
 * and the key behind ids. The program hands in the real one, the seeded world of the tests another; no other
 * code reads a clock or draws a number.
 */
#ifndef HY_MODEL_WORLD_H
#define HY_MODEL_WORLD_H

#include "base/codec.h"
#include "base/log.h"
#include "base/vault.h"
#include "model/lease.h"
#include "model/meters.h"

#include <string.h>

struct world {
    int64_t (*now_us)(void *ctx); /* never steps back while the program runs */
    uint64_t (*random)(void *ctx);
    void *ctx;
    const struct log *log;
    struct meters *meters;
    struct sip_key id_key;     /* of message sids and attempt tokens; the same for the life of a database */
    unsigned node;             /* which of the processes that share the database this is; 0: the only one */
    const struct lease *lease; /* of that node; NULL: it needs none */
    struct vault_key vault; /* of what is kept sealed: one-time codes and the texts that say them; likewise */
};

static inline int64_t world_now(const struct world *w) {
    return w->now_us(w->ctx);
}

/* Evenly in 0..bound-1; 0 when bound is 0. */
static inline uint64_t world_random(const struct world *w, uint64_t bound) {
    return bound ? w->random(w->ctx) % bound : 0;
}

/* n bytes: a nonce, a salt. */
static inline void world_random_bytes(const struct world *w, uint8_t *out, size_t n) {
    for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
        uint64_t drawn = w->random(w->ctx);
        memcpy(out + i, &drawn, n - i < sizeof drawn ? n - i : sizeof drawn);
    }
}

#endif
