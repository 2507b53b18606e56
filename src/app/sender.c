#include "app/threads.h"

#include "base/clock.h"
#include "net/client.h"
#include "pipeline/call.h"
#include "provider/adapter.h"

#include <string.h>

enum {
    TAKE_MAX = 256,
    ARENA_MAX_BYTES = 256 * 1024,
    ANSWER_MAX_BYTES = 1024 * 1024,
    IDLE_MS = 1000,
    CONNECTIONS_MAX = 2048,
};

struct sender;

/* One call in flight: its request's memory. Kept and used again. */
struct flight {
    struct flight *next_free;
    struct sender *sender;
    struct call *call;
    struct http_request request;
    struct arena mem;
};

struct sender {
    struct sender_loop *loop;
    struct client *client;
    struct db *db;
    struct directory *directory;
    struct flight *free;
    void *done[TAKE_MAX]; /* judged, to be handed back */
    size_t n_done;
};

static void flush_done(struct sender *s) {
    size_t took = mailbox_put(s->loop->out, s->done, s->n_done);
    ASSERT(took == s->n_done); /* the core counts its calls: there is room for all of them */
    s->n_done = 0;
}

static void hand_back(struct sender *s, struct call *c) {
    s->done[s->n_done++] = c;
    if (s->n_done == TAKE_MAX)
        flush_done(s);
}

static bool account_of(void *ctx, int64_t id, struct sv *sid, struct sv *token) {
    struct sender *s = ctx;
    const struct account *a = directory_account(s->directory, id);
    if (!a)
        return false;
    *sid = sid_sv(&a->sid);
    *token = sv_of(a->auth_token);
    return true;
}

static void release(struct flight *f) {
    arena_reset(&f->mem);
    f->next_free = f->sender->free;
    f->sender->free = f;
}

static void on_done(void *ctx, const struct http_response *r) {
    struct flight *f = ctx;
    struct sender *s = f->sender;
    call_judge(f->call, s->loop->world, r);
    hand_back(s, f->call);
    release(f);
}

static struct flight *take_flight(struct sender *s) {
    struct flight *f = s->free;
    if (f) {
        s->free = f->next_free;
        return f;
    }
    f = calloc(1, sizeof *f);
    ASSERT(f);
    f->sender = s;
    arena_init(&f->mem, ARENA_MAX_BYTES);
    return f;
}

static struct client_call settings_of(const struct call *c) {
    if (c->kind == CALL_CALLBACK)
        return (struct client_call){.timeout_ms = c->settings->callbacks.timeout_ms,
                                    .connect_timeout_ms = c->settings->callbacks.timeout_ms,
                                    .body_bytes_max = ANSWER_MAX_BYTES,
                                    .allow_private = c->settings->callbacks.allow_private};
    return (struct client_call){.timeout_ms = c->lane->timeout_ms,
                                .connect_timeout_ms = c->lane->connect_timeout_ms,
                                .body_bytes_max = ANSWER_MAX_BYTES,
                                .allow_private = c->lane->allow_private};
}

static void start(struct sender *s, struct call *c) {
    struct flight *f = take_flight(s);
    struct signer signer = {.account = account_of, .ctx = s};
    f->call = c;
    if (!call_build(c, s->loop->world, &signer, &f->mem, &f->request)) {
        hand_back(s, c);
        release(f);
        return;
    }
    struct client_call how = settings_of(c);
    how.request = &f->request;
    how.done = on_done;
    how.ctx = f;
    struct err e = ERR_INIT;
    if (client_start(s->client, &how, &e))
        return;
    struct http_response not_sent = {.transport = HTTP_NOT_SENT, .error = sv_of(e.text)};
    on_done(f, &not_sent);
}

static bool open_sender(struct sender *s, struct err *e) {
    struct client_options o = {.connections_max = CONNECTIONS_MAX, .user_agent = "hongyan"};
    s->client = client_open(&o, e);
    s->db = s->client ? db_open(s->loop->database, DB_READER, e) : NULL;
    s->directory = s->db ? directory_open(s->db, &s->loop->master, e) : NULL;
    return s->directory != NULL;
}

static void close_sender(struct sender *s) {
    client_close(s->client); /* ends calls in flight by on_done */
    flush_done(s);
    for (struct flight *f = s->free; f;) {
        struct flight *next = f->next_free;
        arena_done(&f->mem);
        free(f);
        f = next;
    }
    directory_close(s->directory);
    db_close(s->db);
    free(s);
}

static void count_connections(struct sender *s, uint64_t *calls, uint64_t *connections) {
    uint64_t calls_now, connections_now;
    client_counts(s->client, &calls_now, &connections_now);
    meter_add(s->loop->world->meters, COUNT_PROVIDER_CALLS, calls_now - *calls);
    meter_add(s->loop->world->meters, COUNT_PROVIDER_CONNECTIONS, connections_now - *connections);
    *calls = calls_now;
    *connections = connections_now;
}

void *sender_loop_run(void *arg) {
    struct sender_loop *loop = arg;
    struct sender *s = calloc(1, sizeof *s);
    ASSERT(s);
    s->loop = loop;
    struct err e = ERR_INIT;
    if (!open_sender(s, &e)) { /* the same files and limits served a moment ago at start */
        log_error(loop->world->log, "sender.failed", kv_cstr("error", e.text));
        abort();
    }
    uint64_t calls = 0, connections = 0;
    while (!atomic_load(&loop->loop.stop)) {
        int64_t now = clock_monotonic_us();
        atomic_store_explicit(&loop->loop.beat, now, memory_order_relaxed);
        directory_refresh(s->directory, now);
        void *items[TAKE_MAX];
        size_t n = mailbox_take(loop->in, items, TAKE_MAX);
        for (size_t i = 0; i < n; i++)
            start(s, items[i]);
        bool sleep = n == 0 && mailbox_may_sleep(loop->in);
        client_run(s->client, sleep ? IDLE_MS : 0, mailbox_fd(loop->in));
        if (sleep || n == 0)
            mailbox_awake(loop->in);
        flush_done(s);
        count_connections(s, &calls, &connections);
    }
    close_sender(s);
    return NULL;
}
