/* route: the routes of the settings, compiled, and what they say of one message: which is its route, which
 * lanes it may take and in what order, and under which sender it goes.
 *
 * Compiled means: for each kind of condition and each value that some route names, the set of routes which
 * that value satisfies, as bits; number prefixes in a tree of digits. Finding a route is one look-up for each
 * kind in use and an AND of the sets, so that a thousand routes cost a microsecond, not a thousand
 * comparisons (tests/stages/route_bench.c). A table borrows the routes; it is read-only once made, and owned
 * by who made it.
 *
 * What is shared out (weights, canary, senders) goes by a hash of the recipient alone: the same number gets
 * the same lane and sender as long as the route says the same, over restarts too, and a lane or sender more
 * takes its part from all others alike and moves nobody else (highest random weight: Thaler and Ravishankar
 * 1998; with weights -w/ln u: Schindelhauer and Schomaker 2005).
 */
#ifndef HY_POLICY_ROUTE_H
#define HY_POLICY_ROUTE_H

#include "base/codec.h"
#include "model/channel.h"
#include "model/route.h"

struct route_table;

/* NULL when memory is short. key: keeps outsiders from choosing their lane; the same for the life of a
 * database. */
MUST_USE struct route_table *route_table_new(const struct route_rule *routes, size_t n, struct sip_key key);
void route_table_free(struct route_table *t);
/* Whether some route asks for the account: else the query need not have it. */
bool route_table_needs_account(const struct route_table *t);

/* What routes look at. Empty views are fine: they satisfy no condition. */
struct route_query {
    struct sv to; /* E.164 on channels with numbers */
    struct sv topic, template, account, sender;
    enum channel channel;
};

/* What the recipient's number says, once asked for. */
struct route_number {
    char region[3];
    const char *type; /* phone_type_name; "" when it is no number */
};
struct route_number route_number_of(const struct route_query *q);

/* The first route that fits; NULL: none does. */
const struct route_rule *route_find(const struct route_table *t, const struct route_query *q);
/* The kinds of conditions (1 << enum route_by) of route number i that q does not satisfy; 0: it fits. */
unsigned route_misfits(const struct route_table *t, size_t i, const struct route_query *q);

struct route_order {
    uint32_t lanes[ROUTE_LANES_MAX + 1]; /* indices into settings.lanes, the first to be tried first */
    uint32_t n;
    bool canary; /* the first is the route's canary */
};
/* The lanes of r for that recipient. without_canary: as if it had none. */
void route_order(const struct route_table *t, const struct route_rule *r, struct sv to, bool without_canary,
                 struct route_order *out);

/* One of the senders: of those named for the region if there are any, else of those for all; NULL: none.
 * by_kind: of these, one of a kind that the region's networks take (model/sender_kind) if there is any. */
const struct sender_id *route_sender(struct sip_key key, const struct sender_id_list *senders,
                                     struct sv region, struct sv to, bool by_kind);

/* The first route before number i that takes every message which i could take; NULL: none. Of single routes:
 * that several together hide one is not looked for. */
const struct route_rule *route_hidden_by(const struct route_rule *routes, size_t i);

#endif
