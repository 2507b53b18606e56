#include "net/outlet.h"
#include "net/redis.h"

#include "base/clock.h"

#include <hiredis/hiredis.h>

enum { TIMEOUT_MS = 5000 };

struct redis_outlet {
    struct outlet outlet; /* first */
    const struct door *door;
    struct redis *redis;
    void *waiting[OUTLET_WAITING_MAX]; /* a ring: replies come in the order of commands */
    size_t first, n;
};

static struct redis_outlet *of(struct outlet *o) {
    return (struct redis_outlet *)o;
}

static void redis_outlet_close(struct outlet *outlet) {
    redis_free(of(outlet)->redis);
    free(outlet);
}

static struct outlet *redis_outlet_open(const struct door *d, struct err *e) {
    struct redis_outlet *o = calloc(1, sizeof *o);
    ASSERT(o);
    const struct redis_where where = {.url = d->url,
                                      .user = d->user,
                                      .password = d->password,
                                      .ca_file = d->ca_file,
                                      .timeout_ms = TIMEOUT_MS};
    o->door = d;
    o->redis = redis_new(&where, e);
    if (o->redis && redis_connect(o->redis, e))
        return &o->outlet;
    redis_outlet_close(&o->outlet);
    return NULL;
}

static int redis_outlet_fd(const struct outlet *outlet) {
    return redis_fd(((const struct redis_outlet *)outlet)->redis);
}

static bool redis_outlet_give(struct outlet *outlet, const struct outlet_event *ev, struct err *e) {
    struct redis_outlet *o = of(outlet);
    char most[24];
    struct sv words[14] = {SV("XADD"), o->door->queue, SV("MAXLEN"), SV("~")};
    size_t n = 4;
    words[n++] = sv_make(most, (size_t)snprintf(most, sizeof most, "%u", o->door->keep_max));
    words[n++] = SV("*");
    const struct sv fields[][2] = {{SV("id"), ev->id},
                                   {SV("type"), ev->type},
                                   {SV("json"), ev->body},
                                   {SV("traceparent"), ev->traceparent}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (!fields[i][1].n)
            continue;
        words[n++] = fields[i][0];
        words[n++] = fields[i][1];
    }
    ASSERT(o->n < OUTLET_WAITING_MAX);
    o->waiting[(o->first + o->n++) % OUTLET_WAITING_MAX] = ev->ctx;
    redis_add(o->redis, words, n);
    return redis_flush(o->redis, clock_monotonic_us() + TIMEOUT_MS * US_PER_MS, e);
}

static enum outlet_got redis_outlet_next(struct outlet *outlet, void **ctx, struct err *e) {
    struct redis_outlet *o = of(outlet);
    struct redisReply *reply;
    if (o->n == 0 || !redis_may_answer(o->redis))
        return OUTLET_NOTHING;
    if (!redis_next(o->redis, clock_monotonic_us() + TIMEOUT_MS * US_PER_MS, &reply, e))
        return OUTLET_LOST;
    *ctx = o->waiting[o->first];
    o->first = (o->first + 1) % OUTLET_WAITING_MAX;
    o->n--;
    bool kept = reply->type != REDIS_REPLY_ERROR || redis_refused(reply, e);
    freeReplyObject(reply);
    return kept ? OUTLET_KEPT : OUTLET_NOT_KEPT;
}

const struct outlet_kind outlet_redis = {.open = redis_outlet_open,
                                         .close = redis_outlet_close,
                                         .fd = redis_outlet_fd,
                                         .give = redis_outlet_give,
                                         .next = redis_outlet_next};
