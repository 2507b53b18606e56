/* How the routes stand, and the lanes on trial on them. */
#include "api/native.h"

#include "base/json.h"

#include <math.h>

const struct api_field route_side_shape[] = {
    {"attempts", FIELD_INT, "In the window of ten to twenty minutes.", .required = true, .max = UINT32_MAX},
    {"failed", FIELD_INT, "Of these: not taken, of unknown outcome, or reported undelivered.",
     .required = true, .max = UINT32_MAX},
    {"call_ms", FIELD_INT, "The geometric mean of how long calls took; null: none was timed.",
     .max = INT32_MAX},
    {0},
};

const struct api_field route_canary_shape[] = {
    {"lane", FIELD_TEXT, "The lane on trial.", .required = true},
    {"permille", FIELD_INT, "Its share of the route's recipients.", .required = true,
     .max = ROUTE_CANARY_ALL},
    {"out", FIELD_BOOL, "It was taken out: it was significantly worse than the others.", .required = true},
    {"own", FIELD_REF, "What was counted of it.", .required = true, .ref = "RouteSide"},
    {"others", FIELD_REF, "And of the route's other lanes.", .required = true, .ref = "RouteSide"},
    {0},
};

const struct api_field route_report_shape[] = {
    {"name", FIELD_TEXT, "As it is configured.", .required = true},
    {"canary", FIELD_REF, "The lane on trial; null: none.", .ref = "RouteCanary"},
    {0},
};

const struct api_field route_list_shape[] = {
    {"data", FIELD_LIST, "In the order of the settings.", .required = true, .ref = "Route"},
    {0},
};

static void print_side(const char *key, const struct canary_sample *s, struct buf *out) {
    json_key(out, key);
    buf_addc(out, '{');
    json_pair_i64(out, "attempts", s->n);
    json_pair_i64(out, "failed", s->failed);
    json_key(out, "call_ms");
    if (s->timed)
        buf_add_i64(out, (int64_t)exp(s->log_sum / s->timed));
    else
        buf_adds(out, "null");
    buf_addc(out, '}');
}

static void print(const struct route_report *r, struct buf *out) {
    buf_addc(out, '{');
    json_pair(out, "name", sv_of(r->name));
    json_key(out, "canary");
    if (!r->canary[0]) {
        buf_adds(out, "null}");
        return;
    }
    buf_addc(out, '{');
    json_pair(out, "lane", sv_of(r->canary));
    json_pair_i64(out, "permille", r->permille);
    json_pair_bool(out, "out", r->out);
    print_side("own", &r->own, out);
    print_side("others", &r->others, out);
    buf_adds(out, "}}");
}

static void listed(struct api_request *rq, struct ask *a) {
    if (a->result != ASK_DONE) {
        api_fail(rq, &a->err);
        return;
    }
    struct buf *out = native_open_page(rq);
    for (size_t i = 0; i < a->n_routes; i++) {
        buf_adds(out, i ? "," : "");
        print(&a->routes[i], out);
    }
    buf_adds(out, "]}");
    api_answer_json(rq, 200, buf_sv(out));
}

void native_route_list(struct api_request *rq) {
    struct ask *a = api_new_ask(rq, ASK_ROUTES);
    a->routes_max = api_settings(rq)->n_routes;
    a->routes = arena_zalloc(&rq->x->arena, (a->routes_max + 1) * sizeof *a->routes);
    ASSERT(a->routes);
    api_ask(rq, a, listed);
}
