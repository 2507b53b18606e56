/* inlet: the network side of a door in: takes entries out of a queue of another system, acknowledges them,
 * and puts aside those that can never be taken. RabbitMQ: inlet_rabbit.c; Redis Streams:
 * inlet_redis.c.
 *
 * One inlet is one connection's life, and one thread's: what is lost is opened anew. An entry that was not
 * acknowledged when it ends comes again, to whoever asks then. No more than `prefetch` entries are out; of an
 * entry's body no more than body_bytes_max is ever in memory.
 */
#ifndef HY_NET_INLET_H
#define HY_NET_INLET_H

#include "base/err.h"
#include "model/door.h"

struct inlet;

/* Views are void at the next call. */
struct inlet_entry {
    uint64_t tag;  /* names it while the inlet lives; rises */
    struct sv id;  /* that its sender or its queue gave it, the same whenever it comes; or empty */
    struct sv key; /* an idempotency key that it carries; or empty */
    struct sv type, content_type, traceparent, body;
    bool again; /* it may have come before */
    bool large; /* over body_bytes_max: it has no body here, and is being put aside already */
};

/* Why an entry is put aside: what the API answered. */
struct inlet_refusal {
    struct sv problem, detail, field; /* "/problems/NAME", words, member; may be empty */
    int status;
};

enum inlet_got {
    INLET_NOTHING,
    INLET_CAME,
    INLET_ASIDE,     /* the entry with that tag is safe in the dead-letter place: it can be acknowledged */
    INLET_NOT_ASIDE, /* it is not: e says why; it can be tried again */
    INLET_LOST,      /* the connection is of no use any more: e says why */
};

struct inlet_options {
    const struct door *door; /* outlives the inlet */
    size_t body_bytes_max;
};

/* Connects, blocking for seconds at most; makes what is not there. ERR_AUTH when the credentials are refused;
 * ERR_OUTSIDE with what failed. */
MUST_USE struct inlet *inlet_open(const struct inlet_options *o, struct err *e);
void inlet_close(struct inlet *in); /* NULL is fine */
/* Connects and goes again: whether that can be done, for `hongyan doctor`. */
MUST_USE bool inlet_probe(const struct door *door, struct err *e);
/* To be polled for reading; it may change with any call. */
int inlet_fd(const struct inlet *in);
/* What has come, without waiting. To be called a few times a second in any case: it keeps the connection
 * alive. */
enum inlet_got inlet_next(struct inlet *in, struct inlet_entry *out, struct err *e);
/* all: and every entry before. Goes out with inlet_flush at the latest. False: lost. */
MUST_USE bool inlet_acknowledge(struct inlet *in, uint64_t tag, bool all, struct err *e);
MUST_USE bool inlet_put_aside(struct inlet *in, const struct inlet_entry *entry,
                              const struct inlet_refusal *why, struct err *e);
MUST_USE bool inlet_flush(struct inlet *in, struct err *e);
/* How many entries wait in the queue; -1: not known. Asks, blocking for seconds at most. */
int64_t inlet_lag(struct inlet *in);

/* ---- what a kind of inlet is ---- */

struct inlet_kind {
    struct inlet *(*open)(const struct inlet_options *o, struct err *e);
    bool (*probe)(const struct door *door, struct err *e);
    void (*close)(struct inlet *in);
    int (*fd)(const struct inlet *in);
    enum inlet_got (*next)(struct inlet *in, struct inlet_entry *out, struct err *e);
    bool (*acknowledge)(struct inlet *in, uint64_t tag, bool all, struct err *e);
    bool (*put_aside)(struct inlet *in, const struct inlet_entry *entry, const struct inlet_refusal *why,
                      struct err *e);
    bool (*flush)(struct inlet *in, struct err *e);
    int64_t (*lag)(struct inlet *in);
};
/* Each kind's own struct begins with it. */
struct inlet {
    const struct inlet_kind *kind;
};
extern const struct inlet_kind inlet_rabbit, inlet_redis;

#endif
