/* world_test: runs seeds and says which broke an invariant. world_test [FIRST LAST] [--trace]: a failing seed
 * is run again with --trace. */
#include "world.h"

#include <string.h>

enum { STEPS = 3000, SEEDS_A_LINE = 50 };

static uint64_t run(uint64_t seed, bool print, char failure[400]) {
    static struct sim s;
    sim_open(&s, seed, print);
    for (unsigned i = 0; i < STEPS * s.n_procs && !s.failure[0]; i++)
        sim_step(&s);
    if (!s.failure[0])
        sim_settle(&s);
    if (!s.failure[0])
        oracle_end(&s);
    memcpy(failure, s.failure, sizeof s.failure);
    if (print)
        printf("# seed %llu: %u submitted, %zu promised, %u calls, %u lookups, %zu taken, %u crashes, %u "
               "stops, %u reloads, %llu polls found; %u nodes, %u lost, %u left, %u pauses, %u cuts; %u "
               "batches\n",
               (unsigned long long)seed, s.submitted, s.n_promises, s.provider.calls, s.provider.lookups,
               s.provider.n_taken, s.crashes, s.stops, s.reloads,
               (unsigned long long)atomic_load(&s.procs[0].meters.counters[COUNT_POLLS_FOUND]), s.n_procs,
               s.lost, s.left, s.pauses, s.cuts, s.joined);
    uint64_t trace = s.trace;
    sim_close(&s);
    return trace;
}

int main(int argc, char **argv) {
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t last = argc > 2 ? strtoull(argv[2], NULL, 10) : first + 99;
    bool print = argc > 3 && strcmp(argv[3], "--trace") == 0;
    unsigned line = 0, bad = 0;
    for (uint64_t seed = first; seed <= last;) {
        uint64_t from = seed, broken = 0;
        char failure[400] = "";
        for (; seed <= last && seed < from + SEEDS_A_LINE; seed++) {
            char why[400];
            uint64_t trace = run(seed, print, why);
            if (seed % 25 == 0 && !why[0] && run(seed, false, why) != trace)
                snprintf(why, sizeof why, "I14: the same seed gave another trace");
            if (why[0] && !broken) {
                broken = seed;
                memcpy(failure, why, sizeof failure);
            }
        }
        line++;
        bad += broken != 0;
        printf("%s %u - the world holds for seeds %llu to %llu\n", broken ? "not ok" : "ok", line,
               (unsigned long long)from, (unsigned long long)seed - 1);
        if (broken)
            printf("# seed %llu: %s (again: world_test %llu %llu --trace)\n", (unsigned long long)broken,
                   failure, (unsigned long long)broken, (unsigned long long)broken);
        fflush(stdout);
    }
    printf("1..%u\n", line);
    return bad ? 1 : 0;
}
