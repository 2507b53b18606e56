#include "api/events.h"
#include "api/front_parts.h"

#include "base/clock.h"
#include "ingest/stock.h"

#include <poll.h>
#include <stdlib.h>

enum {
    SCRATCH_BYTES_MAX = 32 * 1024 * 1024,
    SCRATCH_BYTES_KEPT_MAX = 1024 * 1024,
    HEADER_BYTES_MAX = 8 * 1024,
    REPLIES_AT_ONCE = 256,
};

static struct server_options options_of(const struct settings *s, const char *address, uint16_t port,
                                        bool reuse_port) {
    uint32_t fronts = s->threads.front ? s->threads.front : 1;
    uint32_t share = s->limits.connections_max / fronts;
    return (struct server_options){
        .address = address,
        .port = port,
        .reuse_port = reuse_port,
        .body_bytes_max = s->limits.request_bytes_max,
        .connections_max = share ? share : 1,
        .idle_s = s->limits.idle_s,
        .request_ms_max = s->limits.request_ms_max,
        .header_bytes_max = HEADER_BYTES_MAX,
    };
}

static bool outbox_open(struct outbox *o, struct mailbox *to, size_t max) {
    *o =
        (struct outbox){.to = to, .asks = calloc(max, sizeof *o->asks), .away = calloc(max, sizeof *o->away)};
    return o->asks && o->away;
}

static void outbox_close(struct outbox *o) {
    free(o->asks);
    free(o->away);
}

static bool open_all(struct front *f, const char *address, uint16_t port, bool reuse_port, struct err *e) {
    const struct front_parts *p = &f->parts;
    f->asks_out_max = mailbox_capacity(p->replies);
    if (!outbox_open(&f->asks, p->asks, f->asks_out_max) ||
        !outbox_open(&f->receipts, p->receipts, f->asks_out_max))
        return err_set(e, ERR_OUTSIDE, "out of memory for a front thread");
    f->db = db_open(f->settings->database, DB_READER, e);
    if (!f->db)
        return false;
    f->stock = stock_new(f->db, p->world->id_key, e);
    if (!f->stock)
        return false;
    f->rules = rulebook_new(f->db, e);
    f->digester = f->rules ? digester_new(e) : NULL;
    if (!f->digester)
        return false;
    f->admitter = admitter_new(f->stock, p->world, e);
    if (!f->admitter)
        return false;
    f->directory = directory_open(f->db, p->master, e);
    if (!f->directory)
        return false;
    if (!address)
        return true;
    struct server_options o = options_of(f->settings, address, port, reuse_port);
    f->server = server_open(&o, front_handle, f, e);
    return f->server != NULL;
}

struct front *front_open(const struct front_parts *parts, const char *address, uint16_t port, bool reuse_port,
                         struct err *e) {
    struct front *f = calloc(1, sizeof *f);
    if (!f) {
        err_set(e, ERR_OUTSIDE, "out of memory for a front thread");
        return NULL;
    }
    f->parts = *parts;
    f->settings = parts->settings;
    f->texts = parts->texts;
    f->ids = parts->world->random(parts->world->ctx);
    atomic_init(&f->offered, NULL);
    atomic_init(&f->settings_taken, f->settings);
    atomic_init(&f->drain_asked, false);
    atomic_init(&f->idle, true);
    buf_init(&f->scratch, SCRATCH_BYTES_MAX);
    clickbook_init(&f->clicks);
    if (!open_all(f, address, port, reuse_port, e)) {
        front_close(f);
        return NULL;
    }
    return f;
}

void front_close(struct front *f) {
    if (!f)
        return;
    if (f->server)
        atomic_fetch_sub(&f->parts.world->meters->gauges[GAUGE_CONNECTIONS], f->connections_told);
    for (size_t i = 0; i < f->asks.n; i++) /* not put yet: their messages are still ours */
        ask_drop_messages(f->asks.asks[i]);
    for (size_t i = 0; i < f->receipts.n; i++)
        message_free(((struct ask *)f->receipts.asks[i])->message);
    server_close(f->server);
    directory_close(f->directory);
    admitter_free(f->admitter);
    digester_free(f->digester);
    rulebook_free(f->rules);
    stock_free(f->stock);
    db_close(f->db);
    outbox_close(&f->asks);
    outbox_close(&f->receipts);
    free(atomic_load(&f->offered));
    buf_done(&f->scratch);
    clickbook_done(&f->clicks);
    free(f);
}

uint16_t front_port(const struct front *f) {
    return server_port(f->server);
}

/* ---- the loop ---- */

void front_wait(struct front *f, int also, int ms_max) {
    struct pollfd fds[] = {{.fd = f->server ? server_fd(f->server) : -1, .events = POLLIN},
                           {.fd = mailbox_fd(f->parts.replies), .events = POLLIN},
                           {.fd = also, .events = POLLIN}};
    int ms = f->server ? server_timeout_ms(f->server) : -1;
    if (ms < 0 || ms > (int)(US_PER_S / US_PER_MS))
        ms = (int)(US_PER_S / US_PER_MS); /* housekeeping */
    if (ms_max >= 0 && ms_max < ms)
        ms = ms_max;
    if (!mailbox_may_sleep(f->parts.replies))
        return;
    poll(fds, sizeof fds / sizeof fds[0], ms); /* a signal ends it too: the loop comes back here */
    mailbox_awake(f->parts.replies);
}

static void take_offer(struct front *f) {
    struct offer *o = atomic_exchange(&f->offered, NULL);
    if (!o)
        return;
    f->settings = o->settings;
    f->texts = o->texts;
    atomic_store(&f->settings_taken, f->settings);
    free(o);
}

static void take_replies(struct front *f) {
    void *items[REPLIES_AT_ONCE];
    /* No more than could have come before this run, so that requests get their turn. */
    for (size_t budget = f->asks_out; budget;) {
        size_t n = mailbox_take(f->parts.replies, items, REPLIES_AT_ONCE);
        for (size_t i = 0; i < n; i++)
            front_reply(f, items[i]);
        if (n < REPLIES_AT_ONCE)
            return;
        budget = budget > n ? budget - n : 0;
    }
}

static void keep_house(struct front *f) {
    int64_t now = clock_monotonic_us();
    if (now - f->housekept_at < US_PER_S)
        return;
    f->housekept_at = now;
    directory_refresh(f->directory, now);
    unsigned open = f->server ? server_connections(f->server) : 0;
    atomic_fetch_add(&f->parts.world->meters->gauges[GAUGE_CONNECTIONS], (int64_t)open - f->connections_told);
    f->connections_told = open;
    if (f->scratch.cap > SCRATCH_BYTES_KEPT_MAX)
        buf_done(&f->scratch);
}

void front_run(struct front *f) {
    take_offer(f);
    if (atomic_load(&f->drain_asked) && !f->draining) {
        f->draining = true;
        if (f->server)
            server_stop_listening(f->server);
    }
    take_replies(f);
    if (f->server)
        server_run(f->server);
    front_put_clicks(f);
    front_put_digest(f);
    front_flush(f);
    keep_house(f);
    atomic_store(&f->idle, f->asks_out == 0 && clickbook_is_idle(&f->clicks) &&
                               (!f->server || server_timeout_ms(f->server) != 0));
}

/* ---- any thread ---- */

bool front_offer(struct front *f, const struct settings *s, const struct texts *t, struct err *e) {
    struct offer *o = malloc(sizeof *o);
    if (!o)
        return err_set(e, ERR_OUTSIDE, "out of memory");
    *o = (struct offer){.settings = s, .texts = t};
    free(atomic_exchange(&f->offered, o)); /* one that was not taken yet never was */
    front_wake(f);
    return true;
}

const struct settings *front_settings(const struct front *f) {
    return f->settings;
}

bool front_has_taken(const struct front *f, const struct settings *s) {
    return atomic_load(&f->settings_taken) == s;
}

void front_drain(struct front *f) {
    atomic_store(&f->idle, false); /* until a run has looked */
    atomic_store(&f->drain_asked, true);
    front_wake(f);
}

bool front_is_idle(const struct front *f) {
    return atomic_load(&f->idle);
}

void front_wake(struct front *f) {
    mailbox_wake(f->parts.replies);
}
