/* rabbit: one connection to RabbitMQ (AMQP 0-9-1, by librabbitmq), driven by the one thread that owns it:
 * frames are read as they come and put together here, so that nothing waits inside the library but opening,
 * declaring and writing.
 *
 * Channel RABBIT_TAKE takes deliveries; on the others what is published is confirmed. Bodies over the limit
 * given are not gathered: they are handed on, piece by piece.
 */
#ifndef HY_NET_RABBIT_H
#define HY_NET_RABBIT_H

#include "base/buf.h"
#include "base/err.h"
#include "model/door.h"

#include <amqp.h>

enum { RABBIT_TAKE = 1, RABBIT_PUT = 2, RABBIT_PASS = 3 };

struct rabbit;

enum rabbit_got {
    RABBIT_NOTHING,
    RABBIT_DELIVERY,
    RABBIT_CONFIRMED, /* tag on channel, and with `multiple` all before */
    RABBIT_REFUSED,   /* the same: the broker could not keep it */
    RABBIT_RETURNED,  /* no queue takes it; its confirmation follows; id names it */
    RABBIT_LOST,
};

/* Views are void at the next call. */
struct rabbit_event {
    amqp_channel_t channel;
    uint64_t tag;
    bool multiple, again;
    bool large; /* a delivery that was handed on */
    struct sv id, key, type, content_type, traceparent, body;
};

struct rabbit_options {
    const struct door *door;
    size_t body_bytes_max;
    /* A delivery with a larger body begins: opens its way, to which header and pieces then go on channel
     * RABBIT_PASS. False: lost. */
    bool (*pass)(void *ctx, const struct rabbit_event *head, uint64_t bytes, struct err *e);
    void *ctx;
};

/* Connected and logged in, channel RABBIT_TAKE open, or with `put` those that publish, too. ERR_AUTH,
 * ERR_OUTSIDE. */
MUST_USE struct rabbit *rabbit_open(const struct rabbit_options *o, struct err *e);
void rabbit_close(struct rabbit *r);
amqp_connection_state_t rabbit_connection(struct rabbit *r);
int rabbit_fd(const struct rabbit *r);
enum rabbit_got rabbit_next(struct rabbit *r, struct rabbit_event *out, struct err *e);
/* The last call that waited for an answer went wrong: what it was told. what: "declaring queue X". */
bool rabbit_failed(struct rabbit *r, const char *what, struct err *e);
/* A status of the library's; false for all but OK. */
bool rabbit_ok(int status, const char *what, struct err *e);
amqp_bytes_t rabbit_bytes(struct sv v);

#endif
