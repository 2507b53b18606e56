/* outlet: the network side of a door out: gives events to an exchange of RabbitMQ (outlet_rabbit.c) or a
 * stream of Redis (outlet_redis.c), and says of each whether it is safe there. One connection's life, and one
 * thread's. What was given and not told of when it is lost may be there or not: it is given again, under its
 * id.
 */
#ifndef HY_NET_OUTLET_H
#define HY_NET_OUTLET_H

#include "base/err.h"
#include "model/door.h"

struct outlet;

struct outlet_event {
    struct sv id; /* the same whenever it is given */
    struct sv type, body, traceparent;
    int64_t at; /* us */
    void *ctx;  /* names it to its owner */
};

enum outlet_got {
    OUTLET_NOTHING,
    OUTLET_KEPT,
    OUTLET_NOT_KEPT, /* e says why */
    OUTLET_LOST,     /* the connection is of no use any more: e says why */
};

enum { OUTLET_WAITING_MAX = 2048 }; /* given and not told of */

/* Connects, blocking for seconds at most; makes what is not there. */
MUST_USE struct outlet *outlet_open(const struct door *door, struct err *e);
void outlet_close(struct outlet *o); /* NULL is fine */
int outlet_fd(const struct outlet *o);
/* Precondition: fewer than OUTLET_WAITING_MAX wait. False: lost. */
MUST_USE bool outlet_give(struct outlet *o, const struct outlet_event *ev, struct err *e);
/* What has come, without waiting: *ctx of one event. To be called a few times a second in any case. */
enum outlet_got outlet_next(struct outlet *o, void **ctx, struct err *e);

struct outlet_kind {
    struct outlet *(*open)(const struct door *door, struct err *e);
    void (*close)(struct outlet *o);
    int (*fd)(const struct outlet *o);
    bool (*give)(struct outlet *o, const struct outlet_event *ev, struct err *e);
    enum outlet_got (*next)(struct outlet *o, void **ctx, struct err *e);
};
struct outlet {
    const struct outlet_kind *kind;
};
extern const struct outlet_kind outlet_rabbit, outlet_redis;

#endif
