#include "policy/cheapest.h"

static bool goes_before(const struct cheapest_lane *a, const struct cheapest_lane *b) {
    if (a->healthy != b->healthy)
        return a->healthy;
    if (a->priced != b->priced)
        return a->priced;
    return a->priced && a->price < b->price;
}

/* A handful: insertion. */
void cheapest_order(struct route_order *o, struct cheapest_lane of[ROUTE_LANES_MAX + 1]) {
    for (uint32_t i = o->canary ? 2 : 1; i < o->n; i++) {
        uint32_t lane = o->lanes[i], k = i;
        struct cheapest_lane own = of[i];
        for (; k > (o->canary ? 1u : 0u) && goes_before(&own, &of[k - 1]); k--) {
            o->lanes[k] = o->lanes[k - 1];
            of[k] = of[k - 1];
        }
        o->lanes[k] = lane;
        of[k] = own;
    }
}
