#include "app/sharing.h"

#include "base/clock.h"

#include <poll.h>

enum { IDLE_MS = 1000 };

struct shared *sharing_open(const struct settings *s, struct meters *meters, struct err *e) {
    struct redis_where where = {.url = s->redis.url,
                                .user = s->redis.user,
                                .password = s->redis.password,
                                .ca_file = s->redis.ca_file,
                                .timeout_ms = s->redis.timeout_ms};
    struct err why = ERR_INIT;
    struct shared *opened = shared_new(&where, s->redis.prefix, meters, &why);
    if (!opened)
        err_set_field(e, why.kind, "redis", "redis: %s", why.text);
    return opened;
}

static void note_health(const struct sharing_loop *l, struct err *known) {
    const struct err *now = shared_trouble(l->shared);
    if (now->kind == known->kind)
        return;
    if (now->kind != ERR_NONE)
        log_warn(l->world->log, "redis.away", kv_cstr("error", now->text));
    else
        log_info(l->world->log, "redis.there");
    *known = *now;
}

void *sharing_loop_run(void *arg) {
    struct sharing_loop *l = arg;
    void *calls[SHARED_BATCH_MAX];
    struct err known = *shared_trouble(l->shared);
    known.kind = ERR_BUSY; /* the first answer is told, whatever it is */
    while (!atomic_load(&l->loop.stop)) {
        atomic_store_explicit(&l->loop.beat, clock_monotonic_us(), memory_order_relaxed);
        size_t n = mailbox_take(l->in, calls, SHARED_BATCH_MAX);
        if (n) {
            shared_run(l->shared, (struct shared_call **)calls, n);
            size_t took = mailbox_put(l->out, calls, n);
            ASSERT(took == n); /* the core counts what it hands out: there is room for all of it */
            note_health(l, &known);
            continue;
        }
        if (mailbox_may_sleep(l->in)) {
            struct pollfd p = {.fd = mailbox_fd(l->in), .events = POLLIN};
            poll(&p, 1, IDLE_MS);
        }
        mailbox_awake(l->in);
    }
    return NULL;
}
