/* words: short texts that many messages share (senders, services), each kept once under a small number.
 *
 * Number 0 is the empty text. Never forgets, so the number of texts is bounded. One owner, one thread.
 */
#ifndef HY_SIMULATOR_SIM_WORDS_H
#define HY_SIMULATOR_SIM_WORDS_H

#include "base/map.h"
#include "base/sv.h"

enum { WORDS_MAX = 60000 };

struct words {
    char **texts; /* owned, NUL-terminated */
    size_t n, cap;
    struct map by_hash;
};

void words_done(struct words *w);
/* The number of v, a new one if needed; false when the table or memory is full. v has no NUL in it. */
bool words_put(struct words *w, struct sv v, uint16_t *out);
/* The number of v, or false if it was never put. */
bool words_find(const struct words *w, struct sv v, uint16_t *out);
struct sv words_get(const struct words *w, uint16_t number);

#endif
