#include "pipeline/core_parts.h"

#include "base/clock.h"
#include "model/content.h"
#include "model/sender_kind.h"
#include "provider/view.h"
#include "store/trials.h"

struct known_account {
    size_t n;
    char name[];
};

/* ---- accounts: messages have their numbers, routes their names ---- */

void core_know_account(struct core *c, int64_t id, struct sv name) {
    struct known_account *known = map_get(&c->accounts.names, (uint64_t)id);
    if (!name.n || (known && sv_eq(sv_make(known->name, known->n), name)))
        return;
    free(known);
    known = malloc(sizeof *known + name.n);
    ASSERT(known);
    known->n = name.n;
    memcpy(known->name, name.p, name.n);
    map_put(&c->accounts.names, (uint64_t)id, known);
    c->accounts.news = true;
}

struct sv core_account_name(const struct core *c, int64_t id) {
    const struct known_account *known = map_get(&c->accounts.names, (uint64_t)id);
    return known ? sv_make(known->name, known->n) : SV_NONE;
}

/* Asked for once the routes want them: new ones come with their requests. */
void core_ask_for_accounts(struct core *c) {
    if (!c->accounts.unread || c->accounts.reading || c->now < c->accounts.ask_at)
        return;
    c->accounts.reading = true;
    core_record(c, core_work(c, FOR_ACCOUNTS, JOB_ACCOUNTS, NULL));
}

void core_accounts_done(struct core *c, struct work *w) {
    struct job *j = &w->job;
    c->accounts.reading = false;
    if (j->result != JOB_DONE) {
        c->accounts.ask_at = c->now + RETRY_SCAN_US;
        return;
    }
    for (unsigned i = 0; i < j->n_accounts; i++)
        core_know_account(c, j->accounts[i].id, sv_of(j->accounts[i].name));
    c->accounts.unread = false;
}

void core_accounts_news(struct core *c) {
    bool regroup = c->accounts.news && c->routes && route_table_needs_account(c->routes) && c->queue.n;
    c->accounts.news = false;
    if (regroup)
        core_settle_all(c, core_unqueue_all(c));
}

/* ---- which lanes ---- */

/* A trial goes on over a reload that leaves it as it was. */
static struct canary *keep_canaries(const struct core *c, const struct settings *s) {
    struct canary *kept = calloc(s->n_routes, sizeof *kept);
    ASSERT(kept);
    for (uint32_t i = 0; i < s->n_routes; i++)
        for (uint32_t k = 0; c->canaries && k < c->settings->n_routes; k++) {
            const struct route_rule *now = &s->routes[i], *old = &c->settings->routes[k];
            if (now->canary_permille && strcmp(now->name, old->name) == 0 &&
                sv_eq(now->canary_text, old->canary_text))
                kept[i] = c->canaries[k];
        }
    return kept;
}

void core_load_routes(struct core *c, const struct settings *s) {
    struct canary *canaries = s->n_routes ? keep_canaries(c, s) : NULL;
    free(c->canaries);
    c->canaries = canaries;
    route_table_free(c->routes);
    c->routes = NULL;
    c->route_senders = c->route_canaries = false;
    if (!s->n_routes)
        return;
    c->routes = route_table_new(s->routes, s->n_routes, c->world->id_key);
    ASSERT(c->routes);
    for (uint32_t i = 0; i < s->n_routes; i++) {
        c->route_senders |= s->routes[i].senders.n > 0;
        c->route_canaries |= s->routes[i].canary_permille > 0;
    }
    c->accounts.unread = route_table_needs_account(c->routes);
    c->trials.unread = true;
}

void core_routes_done(struct core *c) {
    route_table_free(c->routes);
    free(c->canaries);
    for (size_t i = 0; i < c->accounts.names.cap; i++)
        free(c->accounts.names.slots[i].value);
    map_done(&c->accounts.names);
}

struct route_query core_route_query(const struct core *c, const struct message *m) {
    struct route_query q = {.to = m->text[TEXT_TO],
                            .topic = m->text[TEXT_TOPIC],
                            .template = m->text[TEXT_TEMPLATE],
                            .account = core_account_name(c, m->account_id),
                            .sender = m->text[TEXT_FROM],
                            .channel = content_channel(m, m->head.step)};
    return q;
}

void core_choose(const struct core *c, const struct message *m, struct choice *out) {
    out->route = NULL;
    out->order.n = 0;
    if (!c->routes) {
        out->all = true;
        return;
    }
    out->all = false;
    struct route_query q = core_route_query(c, m);
    out->route = route_find(c->routes, &q);
    if (out->route)
        route_order(c->routes, out->route, q.to, c->canaries[out->route - c->settings->routes].out,
                    &out->order);
    if (out->route && out->route->cheapest)
        core_order_by_price(c, m, out);
}

/* ---- senders ---- */

/* What is not for that country's networks, while the lane's own sender is. Of a short code nobody knows whose
 * it is. */
static bool is_worse(const struct sender_id *s, const struct lane_config *lane, struct sv region) {
    return !s->countries.n && sender_kind_of(s->name) != SENDER_SHORT && !sender_kind_fits(s->name, region) &&
           lane->from.n && sender_kind_fits(lane->from, region);
}

struct sv core_sender(const struct core *c, const struct lane_config *lane, const struct message *m) {
    const struct sender_id_list *pool = &lane->senders;
    if ((!pool->n && !c->route_senders) || m->text[TEXT_FROM].n)
        return SV_NONE;
    struct route_query q = core_route_query(c, m);
    const struct route_rule *route = c->route_senders ? route_find(c->routes, &q) : NULL;
    if (route && route->senders.n)
        pool = &route->senders;
    struct route_number number = route_number_of(&q);
    bool by_kind = lane->adapter->senders_by_country && q.channel == CHANNEL_SMS;
    struct sv region = sv_of(number.region);
    const struct sender_id *s = route_sender(c->world->id_key, pool, region, q.to, by_kind);
    return !s || (by_kind && is_worse(s, lane, region)) ? SV_NONE : s->name;
}

struct lane_load core_load_of(const struct core *c, const struct lane_config *lane, const struct message *m) {
    struct lane_load load = lane_load_of(lane, m);
    struct sv pooled = core_sender(c, lane, m);
    if (pooled.n)
        load.sender = pooled;
    return load;
}

/* ---- canaries ---- */

/* The trial that an attempt for m by that lane is part of, and on which side; NULL: none. */
static struct canary *trial_of(struct core *c, const struct message *m, const char *lane_name,
                               const struct route_rule **route, bool *of_canary) {
    if (!c->route_canaries)
        return NULL;
    struct route_query q = core_route_query(c, m);
    const struct route_rule *r = *route = route_find(c->routes, &q);
    if (!r || !r->canary_permille)
        return NULL;
    const struct lane *lane = core_lane(c, lane_name);
    bool known = false;
    *of_canary = lane && c->lanes[r->canary] == lane;
    for (uint32_t i = 0; i < r->n_lanes; i++)
        known |= lane && c->lanes[r->lanes[i].lane] == lane;
    struct canary *t = &c->canaries[r - c->settings->routes];
    return (known || *of_canary) && !t->out ? t : NULL;
}

static void judge_trial(struct core *c, struct canary *t, const struct route_rule *route) {
    enum canary_verdict v = canary_judge(t);
    if (v == CANARY_FINE)
        return;
    struct canary_sample own = canary_window(t, 1), other = canary_window(t, 0);
    t->out = true;
    core_trial_keep(c, route);
    meter_add(c->world->meters, COUNT_CANARIES_OUT, 1);
    log_error(c->world->log, "route.canary_out", kv_name("route", route->name),
              kv_name("lane", c->lanes[route->canary]->config->name),
              kv_name("why", v == CANARY_FAILS ? "fails" : "slow"), kv_int("attempts", own.n),
              kv_int("failed", own.failed), kv_int("others", other.n), kv_int("others_failed", other.failed));
}

/* ---- what the nodes have counted ---- */

static uint64_t trial_key(const struct core *c, const struct route_rule *r) {
    char name[LANE_NAME_MAX + 1 + TRIAL_CANARY_MAX + 1];
    int n = snprintf(name, sizeof name, "%s\n%.*s", r->name, SV_FMT(r->canary_text));
    return siphash(c->world->id_key, sv_make(name, (size_t)n < sizeof name ? (size_t)n : sizeof name - 1));
}

bool core_trials_tell(const struct core *c) {
    for (uint32_t i = 0; c->route_canaries && i < c->settings->n_routes; i++)
        if (c->settings->routes[i].canary_permille && !c->canaries[i].out)
            return true;
    return false;
}

bool core_trial_untold(struct core *c, uint32_t route, int which, struct trial_count *out) {
    const struct route_rule *r = &c->settings->routes[route];
    if (!r->canary_permille || !canary_untold(&c->canaries[route], which, &out->sample))
        return false;
    out->key = trial_key(c, r);
    out->which = which;
    return true;
}

void core_trial_hear(struct core *c, const struct trial_count *heard) {
    for (uint32_t i = 0; c->route_canaries && i < c->settings->n_routes; i++) {
        const struct route_rule *r = &c->settings->routes[i];
        if (!r->canary_permille || c->canaries[i].out || trial_key(c, r) != heard->key)
            continue;
        canary_hear(&c->canaries[i], heard->which, &heard->sample, c->now);
        judge_trial(c, &c->canaries[i], r);
    }
}

void core_canary_attempt(struct core *c, const struct message *m, const struct call *call) {
    const struct route_rule *route;
    bool of_canary;
    struct canary *t = trial_of(c, m, call->lane->name, &route, &of_canary);
    if (!t)
        return;
    bool sent = call->verdict.fate == FATE_SENT;
    canary_attempt(t, of_canary, !sent, sent ? call->elapsed_us : 0, c->now);
    judge_trial(c, t, route);
    if (!t->out)
        core_trial_keep(c, route);
}

void core_canary_undelivered(struct core *c, const struct message *m) {
    const struct route_rule *route;
    bool of_canary;
    struct canary *t = trial_of(c, m, m->head.lane, &route, &of_canary);
    if (!t)
        return;
    canary_undelivered(t, of_canary, c->now);
    judge_trial(c, t, route);
    if (!t->out)
        core_trial_keep(c, route);
}
