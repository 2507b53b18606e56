/* flow: the lists inside the queue: groups of a priority and flows of a group, each in a ring, made when they
 * are needed and gone when they hold and miss nothing. The inside of the queue, for this room.
 */
#ifndef HY_QUEUE_FLOW_H
#define HY_QUEUE_FLOW_H

#include "queue/queue.h"

/* What is on disk behind `after` is not held. */
struct queue_mark {
    bool missing;
    bool refused; /* a row was left out since the page under way was asked for: it covers that row */
    bool late;    /* rows came meanwhile that the page cannot have; the first is late_at */
    struct queue_key after, late_at;
};

struct queue_flow { /* one account in one group */
    struct queue_flow *next, *before;
    struct queue_group *group;
    int64_t account;
    struct queue_item *first, *last;
    size_t n;
    struct queue_mark mark;
};

struct queue_group { /* one set of lanes in one priority */
    struct queue_group *next, *before;
    enum priority priority;
    enum queue_kind kind;
    uint64_t lanes;
    struct map flows;        /* owned, by account */
    struct queue_flow *turn; /* in a ring; NULL: none */
    size_t n;
    uint64_t blocked;       /* the pass in which none of it may go */
    struct queue_mark mark; /* of accounts without a flow */
};

struct queue_group *flow_find_group(const struct queue_lane *l, const struct queue_item *i);
struct queue_flow *flow_find(const struct queue_group *g, int64_t account); /* g may be NULL */
struct queue_group *flow_make_group(struct queue_lane *l, const struct queue_item *i);
/* Misses what its group missed so far. */
struct queue_flow *flow_make(struct queue_lane *l, struct queue_group *g, int64_t account);
void flow_append(struct queue *q, struct queue_flow *f, struct queue_item *i);
/* before: the item in front of i; NULL: it is the first. f may be gone afterwards, and its group. */
void flow_unlink(struct queue *q, struct queue_flow *f, struct queue_item *before, struct queue_item *i);
/* Frees what holds and misses nothing. */
void flow_tidy(struct queue_lane *l, struct queue_flow *f);
void flow_tidy_group(struct queue_lane *l, struct queue_group *g);
/* Frees everything of a priority; the items are forgotten. */
void flow_free_all(struct queue_lane *l);

#endif
