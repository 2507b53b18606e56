/* What a message would cost on a lane, and what follows from that. */
#include "pipeline/core_parts.h"

#include "policy/cheapest.h"
#include "provider/view.h"

bool core_price(const struct core *c, const struct lane_config *lane, const struct message *m, int64_t *price,
                char region[3]) {
    region[0] = '\0';
    if (!lane->price_table)
        return false;
    struct route_query q = core_route_query(c, m);
    struct route_number number = route_number_of(&q);
    memcpy(region, number.region, sizeof number.region);
    if (!price_find(lane->price_table, q.to, sv_of(region), price))
        return false;
    if (lane->price_per == 0 && m->segments)
        *price *= m->segments;
    return true;
}

int64_t core_max_price(const struct route_rule *route, const struct message *m) {
    int64_t max = route ? route->max_price : 0;
    return m->max_price && (!max || m->max_price < max) ? m->max_price : max;
}

enum reason core_refused(const struct core *c, const struct route_rule *route, const struct message *m,
                         const struct lane_config *lane) {
    enum reason why = view_refused(m, lane);
    int64_t price;
    char region[3];
    int64_t max = core_max_price(route, m);
    if (why != REASON_NONE || !max)
        return why;
    bool affordable = core_price(c, lane, m, &price, region) && price <= max;
    return affordable ? REASON_NONE : REASON_PRICE_CEILING;
}

void core_order_by_price(const struct core *c, const struct message *m, struct choice *choice) {
    struct cheapest_lane of[ROUTE_LANES_MAX + 1];
    struct route_order *o = &choice->order;
    char region[3];
    for (uint32_t i = 0; i < o->n; i++) {
        struct lane *lane = c->lanes[o->lanes[i]];
        of[i].healthy = lane_health(lane) * 100 >= choice->route->health_floor;
        of[i].priced = core_price(c, lane->config, m, &of[i].price, region);
    }
    cheapest_order(o, of);
}

int64_t core_note_price(const struct core *c, const struct lane_config *lane, const struct message *m,
                        struct attempt *a) {
    const struct sv_list *rules = &c->settings->limits.spend;
    if (!core_price(c, lane, m, &a->price, a->country))
        return 0;
    snprintf(a->currency, sizeof a->currency, "%.*s", SV_FMT(lane->currency));
    return rules->n ? spend_max(rules, core_account_name(c, m->account_id), lane->currency) : 0;
}
