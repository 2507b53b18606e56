/* What need not be paid for: reckoned when it happens, kept with the change it belongs to. */
#include "pipeline/core_parts.h"

#include "provider/view.h"

/* The lane that stands first among those which could carry m and have a price for it: what it would have cost
 * without the saving is not known, so this is what is reckoned with. NULL: none has one. */
static const struct lane_config *usual_lane(struct core *c, const struct message *m, int64_t *price) {
    struct choice choice;
    char region[3];
    core_choose(c, m, &choice);
    size_t n = choice.all ? c->n_lanes : choice.order.n;
    for (size_t k = 0; k < n; k++) {
        const struct lane_config *lane = c->lanes[choice.all ? k : choice.order.lanes[k]]->config;
        if (view_refused(m, lane) == REASON_NONE && core_price(c, lane, m, price, region))
            return lane;
    }
    return NULL;
}

static void add(struct change *ch, const struct saving *v) {
    ASSERT(ch->n_saved < CHANGE_SAVINGS_MAX);
    ch->saved[ch->n_saved++] = *v;
}

/* Of what so many messages, or segments of m, would have cost. */
static void add_at_usual_price(struct core *c, const struct message *m, struct saving v, struct change *ch) {
    int64_t price;
    const struct lane_config *lane = usual_lane(c, m, &price);
    if (lane) {
        bool by_segment = lane->price_per == 0 && m->segments;
        v.cost = by_segment ? price / m->segments * v.segments : price * v.messages;
        snprintf(v.currency, sizeof v.currency, "%.*s", SV_FMT(lane->currency));
    }
    add(ch, &v);
}

void core_save_unsent(struct core *c, const struct message *m, struct change *ch) {
    bool twice = ch->next.reason == REASON_DUPLICATE, dead = ch->next.reason == REASON_KNOWN_INVALID;
    if (ch->next.state != STATE_SUPPRESSED || !(twice || dead))
        return;
    const struct saving v = {
        .by = twice ? SAVED_BY_DUPLICATES : SAVED_BY_DEAD_NUMBERS, .messages = 1, .segments = m->segments};
    add_at_usual_price(c, m, v, ch);
}

/* Each of those events would have been a text of one segment at least. */
static void save_merged(struct core *c, const struct message *m, unsigned merged, struct change *ch) {
    struct saving v = {.by = SAVED_BY_DIGESTS, .messages = merged - 1};
    v.segments = m->segments && merged > m->segments ? merged - m->segments : 0;
    add_at_usual_price(c, m, v, ch);
}

void core_save_new(struct core *c, const struct ask *a, const struct message *m, struct change *ch) {
    if (ch->next.state == STATE_SUPPRESSED) {
        core_save_unsent(c, m, ch);
        return;
    }
    if (a->merged > 1)
        save_merged(c, m, a->merged, ch);
    if (m->saved_segments)
        add_at_usual_price(c, m, (struct saving){.by = SAVED_BY_ENCODING, .segments = m->saved_segments}, ch);
}

/* As it stands in the settings, with a price: who would have had it without `order: cheapest`. */
static bool first_price(const struct core *c, const struct route_rule *r, const struct message *m,
                        int64_t *price) {
    char region[3];
    for (uint32_t i = 0; i < r->n_lanes; i++)
        if (core_price(c, c->lanes[r->lanes[i].lane]->config, m, price, region))
            return true;
    return false;
}

/* It was not known before that it was taken. */
static bool is_taken(const struct attempt *was, const struct change *ch) {
    bool open = was->ended_at == 0 || was->fate == FATE_UNKNOWN;
    return ch->attempt_ends && ch->attempt.fate == FATE_SENT && open;
}

void core_save_route(struct core *c, const struct live *l, struct change *ch) {
    const struct attempt *a = &ch->attempt;
    struct choice choice;
    int64_t price;
    if (!a->currency[0] || !is_taken(&l->attempt, ch))
        return;
    core_choose(c, l->m, &choice);
    const struct route_rule *r = choice.route;
    if (!r || !r->cheapest || !first_price(c, r, l->m, &price) || price <= a->price)
        return;
    struct saving v = {.by = SAVED_BY_ROUTE, .cost = price - a->price};
    memcpy(v.currency, a->currency, sizeof v.currency);
    add(ch, &v);
}
