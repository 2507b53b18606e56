/* world_test: runs seeds and says which broke an invariant. world_test [FIRST LAST] [--trials | --rates]
 * [--trace]: a failing seed is run again with --trace; --trials and --rates are campaigns of their own. */
#include "campaign.h"

#include <string.h>

enum { STEPS = 3000, SEEDS_A_LINE = 50, BY_CHANCE_PERCENT = 3 };

static struct campaign_end world_run(struct sim *s, uint64_t seed, bool print) {
    sim_open(s, seed, print);
    for (unsigned i = 0; i < STEPS * s->n_procs && !s->failure[0]; i++)
        sim_step(s);
    if (!s->failure[0])
        sim_settle(s);
    if (!s->failure[0])
        oracle_end(s);
    if (print)
        printf("# seed %llu: %u submitted, %zu promised, %u calls, %u lookups, %zu taken, %u crashes, %u "
               "stops, %u reloads, %llu polls found; %u nodes, %u lost, %u left, %u pauses, %u cuts; %u "
               "batches\n",
               (unsigned long long)seed, s->submitted, s->n_promises, s->provider.calls, s->provider.lookups,
               s->provider.n_taken, s->crashes, s->stops, s->reloads,
               (unsigned long long)atomic_load(&s->procs[0].meters.counters[COUNT_POLLS_FOUND]), s->n_procs,
               s->lost, s->left, s->pauses, s->cuts, s->joined);
    struct campaign_end end = {.trace = s->trace};
    sim_close(s);
    return end;
}

struct kind {
    const char *option, *promise;
    struct campaign_end (*run)(struct sim *s, uint64_t seed, bool print);
};

static const struct kind kinds[] = {
    {"", "the world holds", world_run},
    {"--trials", "a bad lane on trial is out soon, a good one stays", trial_run},
    {"--rates", "a lane finds out what its provider takes", rates_run},
};

int main(int argc, char **argv) {
    static struct sim s;
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t last = argc > 2 ? strtoull(argv[2], NULL, 10) : first + 99;
    bool print = strcmp(argv[argc - 1], "--trace") == 0;
    const struct kind *kind = &kinds[0];
    for (size_t i = 1; i < sizeof kinds / sizeof kinds[0]; i++)
        if (argc > 3 && strcmp(argv[3], kinds[i].option) == 0)
            kind = &kinds[i];
    unsigned line = 0, bad = 0, good = 0, by_chance = 0;
    for (uint64_t seed = first; seed <= last;) {
        uint64_t from = seed, broken = 0;
        char failure[400] = "";
        for (; seed <= last && seed < from + SEEDS_A_LINE; seed++) {
            struct campaign_end end = kind->run(&s, seed, print);
            good += end.good;
            by_chance += end.by_chance;
            if (seed % 25 == 0 && !s.failure[0] && kind->run(&s, seed, false).trace != end.trace)
                snprintf(s.failure, sizeof s.failure, "I14: the same seed gave another trace");
            if (s.failure[0] && !broken) {
                broken = seed;
                memcpy(failure, s.failure, sizeof failure);
            }
        }
        line++;
        bad += broken != 0;
        printf("%s %u - %s for seeds %llu to %llu\n", broken ? "not ok" : "ok", line, kind->promise,
               (unsigned long long)from, (unsigned long long)seed - 1);
        if (broken)
            printf("# seed %llu: %s (again: world_test %llu %llu %s --trace)\n", (unsigned long long)broken,
                   failure, (unsigned long long)broken, (unsigned long long)broken, kind->option);
        fflush(stdout);
    }
    if (good) {
        bool few = by_chance <= 1 + good * BY_CHANCE_PERCENT / 100;
        bad += !few;
        printf("%s %u - %u of %u good lanes on trial were taken out by chance\n", few ? "ok" : "not ok",
               ++line, by_chance, good);
    }
    printf("1..%u\n", line);
    return bad ? 1 : 0;
}
