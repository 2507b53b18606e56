#include "net/inlet.h"

static const struct inlet_kind *const kinds[] = {[DOOR_AMQP] = &inlet_rabbit, [DOOR_REDIS] = &inlet_redis};

bool inlet_probe(const struct door *door, struct err *e) {
    return kinds[door->kind]->probe(door, e);
}

struct inlet *inlet_open(const struct inlet_options *o, struct err *e) {
    const struct inlet_kind *kind = kinds[o->door->kind];
    struct inlet *in = kind->open(o, e);
    if (in)
        in->kind = kind;
    return in;
}

void inlet_close(struct inlet *in) {
    if (in)
        in->kind->close(in);
}

int inlet_fd(const struct inlet *in) {
    return in->kind->fd(in);
}

enum inlet_got inlet_next(struct inlet *in, struct inlet_entry *out, struct err *e) {
    return in->kind->next(in, out, e);
}

bool inlet_acknowledge(struct inlet *in, uint64_t tag, bool all, struct err *e) {
    return in->kind->acknowledge(in, tag, all, e);
}

bool inlet_put_aside(struct inlet *in, const struct inlet_entry *entry, const struct inlet_refusal *why,
                     struct err *e) {
    return in->kind->put_aside(in, entry, why, e);
}

bool inlet_flush(struct inlet *in, struct err *e) {
    return in->kind->flush(in, e);
}

int64_t inlet_lag(struct inlet *in) {
    return in->kind->lag(in);
}
