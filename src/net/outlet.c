#include "net/outlet.h"

static const struct outlet_kind *const kinds[] = {[DOOR_AMQP] = &outlet_rabbit, [DOOR_REDIS] = &outlet_redis};

struct outlet *outlet_open(const struct door *door, struct err *e) {
    const struct outlet_kind *kind = kinds[door->kind];
    struct outlet *o = kind->open(door, e);
    if (o)
        o->kind = kind;
    return o;
}

void outlet_close(struct outlet *o) {
    if (o)
        o->kind->close(o);
}

int outlet_fd(const struct outlet *o) {
    return o->kind->fd(o);
}

bool outlet_give(struct outlet *o, const struct outlet_event *ev, struct err *e) {
    return o->kind->give(o, ev, e);
}

enum outlet_got outlet_next(struct outlet *o, void **ctx, struct err *e) {
    return o->kind->next(o, ctx, e);
}
