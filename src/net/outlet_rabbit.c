/* A door out by RabbitMQ: a topic exchange, persistent, mandatory, confirmed. */
#include "net/outlet.h"
#include "net/rabbit.h"

#include "base/clock.h"

#include <amqp_framing.h>
#include <string.h>

enum { ID_MAX = 64 };

struct given {
    uint64_t seq; /* 0: free */
    void *ctx;
    char id[ID_MAX];
    bool returned;
};

struct rabbit_outlet {
    struct outlet outlet; /* first */
    struct rabbit *r;
    const struct door *door;
    struct given given[OUTLET_WAITING_MAX]; /* by seq modulo; no more are out */
    uint64_t first, seq;                    /* the oldest that may wait, the latest given */
    uint64_t settled;                       /* those from `first` to it are decided; 0: none */
    bool settled_one, kept;
};

static struct rabbit_outlet *of(struct outlet *o) {
    return (struct rabbit_outlet *)o;
}

static struct given *given_of(struct rabbit_outlet *o, uint64_t seq) {
    return &o->given[seq % OUTLET_WAITING_MAX];
}

/* One that is there stays as it is, whatever its type; it is looked for on a channel that a refusal may
 * close. */
static bool declare(struct rabbit_outlet *o, struct err *e) {
    amqp_connection_state_t c = rabbit_connection(o->r);
    amqp_bytes_t name = rabbit_bytes(o->door->queue);
    char what[300];
    snprintf(what, sizeof what, "declaring exchange %.*s", SV_FMT(o->door->queue));
    amqp_exchange_declare(c, RABBIT_TAKE, name, amqp_cstring_bytes("topic"), 1, 1, 0, 0, amqp_empty_table);
    amqp_rpc_reply_t seen = amqp_get_rpc_reply(c);
    if (seen.reply_type == AMQP_RESPONSE_NORMAL)
        return true;
    if (seen.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION || seen.reply.id != AMQP_CHANNEL_CLOSE_METHOD ||
        ((const amqp_channel_close_t *)seen.reply.decoded)->reply_code != AMQP_NOT_FOUND)
        return rabbit_failed(o->r, what, e);
    amqp_channel_close_ok_t closed = {0};
    if (!rabbit_ok(amqp_send_method(c, RABBIT_TAKE, AMQP_CHANNEL_CLOSE_OK_METHOD, &closed), what, e))
        return false;
    amqp_channel_open(c, RABBIT_TAKE);
    if (!rabbit_failed(o->r, what, e))
        return false;
    amqp_exchange_declare(c, RABBIT_TAKE, name, amqp_cstring_bytes("topic"), 0, 1, 0, 0, amqp_empty_table);
    return rabbit_failed(o->r, what, e);
}

static void rabbit_outlet_close(struct outlet *outlet) {
    rabbit_close(of(outlet)->r);
    free(outlet);
}

static struct outlet *rabbit_outlet_open(const struct door *d, struct err *e) {
    struct rabbit_outlet *o = calloc(1, sizeof *o);
    ASSERT(o);
    const struct rabbit_options options = {.door = d};
    o->door = d;
    o->first = 1;
    o->r = rabbit_open(&options, e);
    if (o->r && declare(o, e))
        return &o->outlet;
    rabbit_outlet_close(&o->outlet);
    return NULL;
}

static int rabbit_outlet_fd(const struct outlet *outlet) {
    return rabbit_fd(((const struct rabbit_outlet *)outlet)->r);
}

static bool rabbit_outlet_give(struct outlet *outlet, const struct outlet_event *ev, struct err *e) {
    struct rabbit_outlet *o = of(outlet);
    amqp_table_entry_t trace = {.key = amqp_cstring_bytes("traceparent")};
    trace.value.kind = AMQP_FIELD_KIND_UTF8;
    trace.value.value.bytes = rabbit_bytes(ev->traceparent);
    amqp_basic_properties_t p = {
        ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_TYPE_FLAG |
                  AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_TIMESTAMP_FLAG,
        .delivery_mode = AMQP_DELIVERY_PERSISTENT,
        .message_id = rabbit_bytes(ev->id),
        .type = rabbit_bytes(ev->type),
        .content_type = amqp_cstring_bytes("application/json"),
        .timestamp = (uint64_t)(ev->at / US_PER_S),
    };
    if (ev->traceparent.n) {
        p._flags |= AMQP_BASIC_HEADERS_FLAG;
        p.headers = (amqp_table_t){.num_entries = 1, .entries = &trace};
    }
    struct given *g = given_of(o, ++o->seq);
    ASSERT(ev->id.n < ID_MAX);
    if (g->seq) /* as many were given since then */
        return err_set(e, ERR_OUTSIDE, "the broker does not confirm what it was given");
    *g = (struct given){.seq = o->seq, .ctx = ev->ctx};
    memcpy(g->id, ev->id.p, ev->id.n);
    return rabbit_ok(amqp_basic_publish(rabbit_connection(o->r), RABBIT_PUT, rabbit_bytes(o->door->queue),
                                        rabbit_bytes(ev->type), 1, 0, &p, rabbit_bytes(ev->body)),
                     "publishing", e);
}

static void note_returned(struct rabbit_outlet *o, struct sv id) {
    for (uint64_t seq = o->first; seq <= o->seq; seq++)
        if (given_of(o, seq)->seq == seq && sv_eq(id, sv_of(given_of(o, seq)->id)))
            given_of(o, seq)->returned = true;
}

/* One of those that the last confirmation is about. */
static struct given *take_settled(struct rabbit_outlet *o) {
    uint64_t from = o->settled_one ? o->settled : o->first;
    for (uint64_t seq = from; o->settled && seq <= o->settled; seq++) {
        struct given *g = given_of(o, seq);
        if (g->seq == seq)
            return g;
    }
    o->settled = 0;
    while (o->first <= o->seq && given_of(o, o->first)->seq != o->first)
        o->first++;
    return NULL;
}

static enum outlet_got judge(struct rabbit_outlet *o, struct given *g, void **ctx, struct err *e) {
    struct given was = *g;
    *g = (struct given){0};
    *ctx = was.ctx;
    if (!o->kept) {
        err_set(e, ERR_OUTSIDE, "the broker could not keep it");
        return OUTLET_NOT_KEPT;
    }
    if (!was.returned || o->door->unroutable == DOOR_DROP)
        return OUTLET_KEPT;
    err_set(e, ERR_OUTSIDE, "no queue is bound to exchange %.*s for it", SV_FMT(o->door->queue));
    return OUTLET_NOT_KEPT;
}

static enum outlet_got rabbit_outlet_next(struct outlet *outlet, void **ctx, struct err *e) {
    struct rabbit_outlet *o = of(outlet);
    struct rabbit_event ev;
    for (;;) {
        struct given *g = take_settled(o);
        if (g)
            return judge(o, g, ctx, e);
        enum rabbit_got got = rabbit_next(o->r, &ev, e);
        switch (got) {
        case RABBIT_NOTHING: return OUTLET_NOTHING;
        case RABBIT_LOST: return OUTLET_LOST;
        case RABBIT_DELIVERY: continue; /* none was asked for */
        case RABBIT_RETURNED: note_returned(o, ev.id); continue;
        case RABBIT_CONFIRMED:
        case RABBIT_REFUSED: break;
        }
        o->settled = ev.tag <= o->seq ? ev.tag : o->seq;
        o->settled_one = !ev.multiple;
        o->kept = got == RABBIT_CONFIRMED;
    }
}

const struct outlet_kind outlet_rabbit = {.open = rabbit_outlet_open,
                                          .close = rabbit_outlet_close,
                                          .fd = rabbit_outlet_fd,
                                          .give = rabbit_outlet_give,
                                          .next = rabbit_outlet_next};
