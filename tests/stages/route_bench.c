/* What one decision costs: a thousand routes with conditions of every kind, numbers of many countries.
 *
 *   route_bench [ROUTES]
 *
 * One line: nanoseconds of CPU a message for the route and for the order of its lanes, and for the table
 * itself.
 */
#include "base/clock.h"
#include "policy/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TIMES = 2000000, ROUTES = 1000, QUERIES = 4096 };

/* Of this process: others on the machine do not count. */
static int64_t cpu_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

static struct sv text(const char *fmt, unsigned n) {
    char *out = malloc(32);
    ASSERT(out);
    int len = snprintf(out, 32, fmt, n);
    return sv_make(out, (size_t)len);
}

static struct sv_list one(struct sv v) {
    struct sv *at = malloc(sizeof *at);
    ASSERT(at);
    *at = v;
    return (struct sv_list){.at = at, .n = 1};
}

int main(int argc, char **argv) {
    unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : ROUTES;
    static const char *const countries[] = {"CN", "US", "GB", "HK", "DE", "JP", "FR", "SG"};
    struct route_rule *routes = calloc(n, sizeof *routes);
    ASSERT(routes);
    for (unsigned i = 0; i < n; i++) {
        struct route_rule *r = &routes[i];
        snprintf(r->name, sizeof r->name, "r%u", i);
        r->when[ROUTE_TOPIC] = one(text("topic-%u", i / 4));
        if (i % 4 == 0)
            r->when[ROUTE_COUNTRY] = one(sv_of(countries[i / 4 % 8]));
        if (i % 4 == 1)
            r->when[ROUTE_PREFIX] = one(text("86%u", 130 + i % 70));
        if (i % 4 == 2)
            r->when[ROUTE_ACCOUNT] = one(text("account-%u", i));
        if (i % 8 == 3)
            r->when[ROUTE_TEMPLATE] = one(text("template-%u", i));
        r->n_lanes = 3;
        for (uint32_t k = 0; k < 3; k++)
            r->lanes[k] = (struct route_lane){.lane = k, .name = text("lane-%u", k), .weight = 10 + k};
    }
    const struct sip_key key = {.k0 = 1};
    int64_t began = cpu_us();
    struct route_table *t = route_table_new(routes, n, key);
    ASSERT(t);
    int64_t compiled = cpu_us() - began;
    static struct route_query queries[QUERIES];
    for (unsigned i = 0; i < QUERIES; i++)
        queries[i] = (struct route_query){.to = i % 3 ? text("+86138%08u", i) : text("+1212555%04u", i),
                                          .topic = text("topic-%u", i * 7 % (n / 4 + 1)),
                                          .account = text("account-%u", i * 3 % n),
                                          .template = text("template-%u", i)};
    unsigned found = 0, first = 0;
    began = cpu_us();
    for (unsigned i = 0; i < TIMES; i++) {
        const struct route_query *q = &queries[i % QUERIES];
        const struct route_rule *r = route_find(t, q);
        struct route_order o;
        found += r != NULL;
        if (r) {
            route_order(t, r, q->to, false, &o);
            first += o.lanes[0];
        }
    }
    int64_t took = cpu_us() - began;
    printf("%u routes: %.0f ns a message (%u%% have one), compiled in %.1f ms%s\n", n,
           (double)took * 1000 / TIMES, found / (TIMES / 100), (double)compiled / 1000, first ? "" : " ");
    return 0;
}
