/* prng: the simulator's dice, xorshift64* (Vigna 2016): the same seed throws the same. Not for secrets. */
#ifndef HY_SIMULATOR_SIM_PRNG_H
#define HY_SIMULATOR_SIM_PRNG_H

#include <stdint.h>

struct prng {
    uint64_t state; /* never 0 */
};

static inline void prng_init(struct prng *p, uint64_t seed) {
    uint64_t z = seed + 0x9E3779B97F4A7C15u; /* splitmix64, so that near seeds throw differently */
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    p->state = z ? z : 1;
}

static inline uint64_t prng_next(struct prng *p) {
    uint64_t x = p->state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    p->state = x;
    return x * 0x2545F4914F6CDD1Du;
}

/* In [0, 1). */
static inline double prng_unit(struct prng *p) {
    return (double)(prng_next(p) >> 11) * 0x1.0p-53;
}

#endif
