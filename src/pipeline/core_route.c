#include "pipeline/core_parts.h"

#include "base/clock.h"
#include "model/content.h"
#include "provider/view.h"

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
}

static struct sv account_name(const struct core *c, int64_t id) {
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

/* ---- which lanes ---- */

void core_load_routes(struct core *c, const struct settings *s) {
    route_table_free(c->routes);
    c->routes = NULL;
    c->route_senders = false;
    if (!s->n_routes)
        return;
    c->routes = route_table_new(s->routes, s->n_routes, c->world->id_key);
    ASSERT(c->routes);
    for (uint32_t i = 0; i < s->n_routes; i++)
        c->route_senders |= s->routes[i].senders.n > 0;
    c->accounts.unread = route_table_needs_account(c->routes);
}

void core_routes_done(struct core *c) {
    route_table_free(c->routes);
    for (size_t i = 0; i < c->accounts.names.cap; i++)
        free(c->accounts.names.slots[i].value);
    map_done(&c->accounts.names);
}

struct route_query core_route_query(const struct core *c, const struct message *m) {
    struct route_query q = {.to = m->text[TEXT_TO],
                            .topic = m->text[TEXT_TOPIC],
                            .template = m->text[TEXT_TEMPLATE],
                            .account = account_name(c, m->account_id),
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
        route_order(c->routes, out->route, q.to, false, &out->order);
}

/* ---- senders ---- */

struct sv core_sender(const struct core *c, const struct lane_config *lane, const struct message *m) {
    const struct sender_id_list *pool = &lane->senders;
    if ((!pool->n && !c->route_senders) || m->text[TEXT_FROM].n)
        return SV_NONE;
    struct route_query q = core_route_query(c, m);
    const struct route_rule *route = c->route_senders ? route_find(c->routes, &q) : NULL;
    if (route && route->senders.n)
        pool = &route->senders;
    struct route_number number = route_number_of(&q);
    const struct sender_id *s = route_sender(c->world->id_key, pool, sv_of(number.region), q.to);
    return s ? s->name : SV_NONE;
}

struct lane_load core_load_of(const struct core *c, const struct lane_config *lane, const struct message *m) {
    struct lane_load load = lane_load_of(lane, m);
    struct sv pooled = core_sender(c, lane, m);
    if (pooled.n)
        load.sender = pooled;
    return load;
}
