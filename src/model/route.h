/* route: which messages go by which lanes, and under which sender: one item of `routes`, as data. Filled by
 * app/config, compiled by policy/route; immutable, its strings and arrays live in the settings' arena.
 *
 * Conditions of different kinds must all hold; of the values of one kind any may. A route without conditions
 * is for every message. Lanes with weights share the recipients among themselves; those without follow in
 * their order. A lane is named by its index in settings.lanes.
 */
#ifndef HY_MODEL_ROUTE_H
#define HY_MODEL_ROUTE_H

#include "base/err.h"
#include "model/lane.h"
#include "model/sender_id.h"

enum route_by {
    ROUTE_COUNTRY,  /* ISO 3166 region of the recipient's number */
    ROUTE_TYPE,     /* of that number: phone_type_name */
    ROUTE_PREFIX,   /* digits that number begins with, country code first */
    ROUTE_TOPIC,    /* as the message says */
    ROUTE_TEMPLATE, /* name of the template it was rendered from */
    ROUTE_ACCOUNT,  /* name */
    ROUTE_SENDER,   /* the sender it asks for */
    ROUTE_CHANNEL,  /* channel_name */
    ROUTE_BYS
};

/* The YAML key: "country", "number_type", "prefix" ... */
const char *route_by_name(enum route_by by);

struct route_lane {
    uint32_t lane;
    struct sv name;  /* its name: shares go by it, so that they stay when lanes come and go */
    uint32_t weight; /* 0: none, it stands in order */
};

enum { ROUTES_MAX = 2000, ROUTE_LANES_MAX = 16, ROUTE_WEIGHT_MAX = 10000, ROUTE_CANARY_ALL = 1000 };

struct route_rule {
    char name[LANE_NAME_MAX + 1];
    struct sv_list when[ROUTE_BYS];           /* empty: whatever it is */
    struct sv_list lane_texts;                /* as they were written */
    struct sv canary_text;                    /* likewise; empty: none */
    struct sender_id_list senders;            /* empty: the lane's own */
    struct route_lane lanes[ROUTE_LANES_MAX]; /* at least one; weighted ones first, each lane once */
    uint32_t n_lanes;
    uint32_t cheapest;        /* 1: its lanes by price, the cheapest first */
    uint32_t health_floor;    /* percent: then those below stand behind the others */
    struct sv max_price_text; /* as it was written; empty: none */
    int64_t max_price;        /* a message may cost, in micro-units; 0: whatever it costs */
    uint32_t canary;          /* its lane, when canary_permille is not 0; none of lanes */
    uint32_t canary_permille; /* of the recipients */
};

/* `NAME` or `NAME WEIGHT`; weight is 0 when none is written. ERR_INVALID ("must be ..."). */
MUST_USE bool route_lane_parse(struct sv text, struct sv *name, uint32_t *weight, struct err *e);
/* `NAME 5%`, from 0.1% to 50%. ERR_INVALID likewise. */
MUST_USE bool route_canary_parse(struct sv text, struct sv *name, uint32_t *permille, struct err *e);

#endif
