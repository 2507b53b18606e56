/* The items of `routes:`: conditions by the table, lanes and canary by the lanes of the file; and what no
 * single item shows: names given twice, and routes that no message can reach. */
#include "app/config_load.h"

#include "app/config_near.h"
#include "policy/route.h"

#include <string.h>

struct route_reading {
    struct config_loading *l;
    const struct config_node *node;
    struct route_rule *route;
    char prefix[32]; /* "routes[3]." */
    bool faulty;
};

static void problem(struct route_reading *r, unsigned line, const char *key, const char *text) {
    config_problem_add(r->l->problems, r->l->path, line, "`%s%s` %s", r->prefix, key, text);
    r->faulty = true;
}

static void unknown_key(struct route_reading *r, const struct config_node *n) {
    struct config_near near = config_near_of(n->key);
    int words = n->key.n < CONFIG_NEAR_MAX ? (int)n->key.n : CONFIG_NEAR_MAX;
    for (const struct config_row *row = config_route_rows; row->key; row++)
        config_near_try(&near, sv_of(row->key));
    r->faulty = true;
    config_problem_add(r->l->problems, r->l->path, n->line,
                       near.best.n ? "unknown key `%s%.*s`; did you mean `%.*s`?"
                                   : "unknown key `%s%.*s`; `hongyan config explain routes` lists the known "
                                     "ones%.*s",
                       r->prefix, words, n->key.p, SV_FMT(near.best));
}

static void read_key(struct route_reading *r, const struct config_node *n) {
    const struct config_row *row = config_row_find(config_route_rows, n->key);
    char key[CONFIG_KEY_MAX];
    if (!row) {
        unknown_key(r, n);
        return;
    }
    snprintf(key, sizeof key, "%s%s", r->prefix, row->key);
    if (n->kind == CONFIG_NODE_LIST && !n->first)
        problem(r, n->line, row->key, "is an empty list: leave the key out, or name something");
    else if (!config_read_row(r->l, row, key, n, r->route))
        r->faulty |= !config_node_is_null(n);
}

/* Index of the lane of that name; -1 with a problem. */
static int lane_of(struct route_reading *r, const char *key, struct sv name, unsigned line) {
    const struct settings *s = r->l->settings;
    struct config_near near = config_near_of(name);
    for (uint32_t i = 0; i < s->n_lanes; i++) {
        if (sv_eq(name, sv_of(s->lanes[i].name)))
            return (int)i;
        config_near_try(&near, sv_of(s->lanes[i].name));
    }
    char text[ERR_TEXT_MAX];
    int words = name.n < CONFIG_NEAR_MAX ? (int)name.n : CONFIG_NEAR_MAX;
    snprintf(text, sizeof text, "names `%.*s`, which is no lane of `lanes:`%s%.*s%s", words, name.p,
             near.best.n ? "; did you mean `" : "", SV_FMT(near.best), near.best.n ? "`?" : "");
    problem(r, line, key, text);
    return -1;
}

static bool has_lane(const struct route_rule *route, uint32_t lane) {
    for (uint32_t i = 0; i < route->n_lanes; i++)
        if (route->lanes[i].lane == lane)
            return true;
    return false;
}

static void read_lane(struct route_reading *r, struct sv text, unsigned line) {
    struct route_rule *route = r->route;
    struct sv name;
    uint32_t weight;
    struct err e = ERR_INIT;
    if (!route_lane_parse(text, &name, &weight, &e)) {
        problem(r, line, "lanes", e.text);
        return;
    }
    int lane = lane_of(r, "lanes", name, line);
    if (lane < 0)
        return;
    if (has_lane(route, (uint32_t)lane))
        problem(r, line, "lanes", "names a lane twice");
    else if (weight && route->n_lanes && route->lanes[route->n_lanes - 1].weight == 0)
        problem(r, line, "lanes",
                "has a lane with a weight behind one without: put those with weights first");
    else
        route->lanes[route->n_lanes++] = (struct route_lane){
            .lane = (uint32_t)lane, .name = sv_of(r->l->settings->lanes[lane].name), .weight = weight};
}

static void read_lanes(struct route_reading *r) {
    const struct config_node *n = config_node_get(r->node, SV("lanes"));
    if (!n || config_node_is_null(n)) {
        problem(r, r->node->line, "lanes", "is missing: name at least one lane");
        return;
    }
    const struct config_node *item = n->first;
    for (uint32_t i = 0; i < r->route->lane_texts.n; i++, item = item ? item->next : NULL)
        read_lane(r, r->route->lane_texts.at[i], item ? item->line : n->line);
}

static void read_canary(struct route_reading *r) {
    struct route_rule *route = r->route;
    struct sv name;
    struct err e = ERR_INIT;
    if (!route->canary_text.n)
        return;
    unsigned line = config_node_get(r->node, SV("canary"))->line;
    if (!route_canary_parse(route->canary_text, &name, &route->canary_permille, &e)) {
        problem(r, line, "canary", e.text);
        return;
    }
    int lane = lane_of(r, "canary", name, line);
    route->canary = lane < 0 ? 0 : (uint32_t)lane;
    if (lane >= 0 && has_lane(route, route->canary))
        problem(r, line, "canary", "names a lane that is among the route's `lanes`, too");
}

/* Prices are compared, so they must be of one kind. */
static void read_price(struct route_reading *r) {
    struct route_rule *route = r->route;
    const struct settings *s = r->l->settings;
    struct err e = ERR_INIT;
    if (route->max_price_text.n && !price_parse(route->max_price_text, &route->max_price, &e))
        problem(r, config_node_get(r->node, SV("max_price"))->line, "max_price", e.text);
    for (uint32_t i = 1; (route->cheapest || route->max_price) && i < route->n_lanes; i++)
        if (!sv_eq(s->lanes[route->lanes[i].lane].currency, s->lanes[route->lanes[0].lane].currency)) {
            problem(r, r->node->line, "lanes", "have prices in several currencies, which cannot be compared");
            return;
        }
}

/* Against the routes before it. */
static void check_place(struct route_reading *r) {
    const struct settings *s = r->l->settings;
    size_t own = (size_t)(r->route - s->routes);
    for (size_t i = 0; i < own; i++)
        if (r->route->name[0] && strcmp(s->routes[i].name, r->route->name) == 0)
            problem(r, r->node->line, "name", "is the name of an earlier route, too");
    if (r->faulty)
        return;
    const struct route_rule *hides = route_hidden_by(s->routes, own);
    if (!hides)
        return;
    char text[ERR_TEXT_MAX];
    snprintf(text, sizeof text,
             "can never be reached: `%s` before it takes every message that it could; put it before that one",
             hides->name);
    config_problem_add(r->l->problems, r->l->path, r->node->line, "`routes[%zu]` (%s) %s", own,
                       r->route->name, text);
}

static void read_route(struct config_loading *l, const struct config_node *n, uint32_t index) {
    struct route_reading r = {.l = l, .node = n, .route = &l->settings->routes[index]};
    snprintf(r.prefix, sizeof r.prefix, "routes[%u].", index);
    config_put_defaults(l, config_route_rows, r.route);
    for (const struct config_node *k = n->first; k; k = k->next)
        read_key(&r, k);
    if (!config_node_get(n, SV("name")))
        problem(&r, n->line, "name", "is missing");
    read_lanes(&r);
    read_canary(&r);
    read_price(&r);
    check_place(&r);
    if (r.faulty)
        r.route->n_lanes = 0; /* so that it hides no other */
}

void config_read_routes(struct config_loading *l, const struct config_node *list) {
    struct settings *s = l->settings;
    size_t n = 0;
    if (list->kind != CONFIG_NODE_LIST || !list->first) {
        config_problem_add(
            l->problems, l->path, list->line,
            "`routes` must be a list of routes, each beginning with `-`; leave it out for none");
        return;
    }
    for (const struct config_node *i = list->first; i; i = i->next)
        n++;
    s->routes = n > ROUTES_MAX ? NULL : arena_zalloc(&s->arena, n * sizeof *s->routes);
    if (!s->routes) {
        config_problem_add(l->problems, l->path, list->line, "more than %d routes, or too much text",
                           ROUTES_MAX);
        return;
    }
    for (const struct config_node *i = list->first; i; i = i->next) {
        uint32_t index = s->n_routes++;
        if (i->kind == CONFIG_NODE_MAP)
            read_route(l, i, index);
        else
            config_problem_add(l->problems, l->path, i->line,
                               "`routes[%u]` must be `key: value` lines: name, conditions, lanes", index);
    }
}
