/* cheapest: lanes of a route by price: those that serve well enough first, among them the cheapest, those
 * without a price last; what is equal stays as it was. Pure.
 */
#ifndef HY_POLICY_CHEAPEST_H
#define HY_POLICY_CHEAPEST_H

#include "policy/route.h"

struct cheapest_lane {
    bool priced, healthy; /* healthy: its health reaches the floor */
    int64_t price;        /* of the message, micro-units */
};

/* of[i] is what o->lanes[i] costs. A canary keeps its first place. */
void cheapest_order(struct route_order *o, struct cheapest_lane of[ROUTE_LANES_MAX + 1]);

#endif
