#include "app/threads.h"

#include "app/door_out.h"
#include "app/grants.h"
#include "base/clock.h"
#include "ingest/file.h"
#include "net/client.h"
#include "pipeline/call.h"
#include "provider/adapter.h"
#include "store/seal.h"

#include <string.h>

enum {
    TAKE_MAX = 256,
    ANSWER_MAX_BYTES = 1024 * 1024,
    HOOK_ANSWER_MAX_BYTES = 16 * 1024, /* nobody reads it */
    IDLE_MS = 1000,
    OPEN_AGAIN_MS = 200,
    CONNECTIONS_MAX = 2048,
};

struct sender;

/* One request in flight and its memory. Kept and used again. */
struct flight {
    struct flight *next_free;
    struct sender *sender;
    struct call *call;              /* and what is joined to it; NULL: it fetches a grant */
    struct grant_entry *grant;      /* of the call's lane, or NULL */
    uint32_t grant_number;          /* of the token that the request carries */
    const struct lane_config *lane; /* whose grant is fetched */
    struct http_request request;
    struct arena mem;
};

struct sender {
    struct sender_loop *loop;
    struct client *client;
    struct db *db;
    struct directory *directory;
    struct flight *free;
    struct grants grants;
    void *done[TAKE_MAX]; /* judged, to be handed back */
    size_t n_done;
};

static void flush_done(struct sender *s) {
    size_t took = mailbox_put(s->loop->out, s->done, s->n_done);
    ASSERT(took == s->n_done); /* the core counts its calls: there is room for all of them */
    s->n_done = 0;
}

static void hand_back(struct sender *s, struct call *c) {
    for (struct call *next; c; c = next) {
        next = c->joined; /* it is the core's once it is flushed */
        s->done[s->n_done++] = c;
        if (s->n_done == TAKE_MAX)
            flush_done(s);
    }
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

static bool open_secret(void *ctx, struct sv sealed, char out[HOOK_SECRET_BYTES_MAX]) {
    struct sender *s = ctx;
    return sealed.n <= HOOK_SEALED_BYTES_MAX && unseal(&s->loop->master, sealed, out);
}

static void release(struct flight *f) {
    arena_reset(&f->mem);
    f->next_free = f->sender->free;
    f->sender->free = f;
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
    arena_init(&f->mem, CALL_ARENA_BYTES);
    return f;
}

static void start(struct sender *s, struct call *c);

/* A call whose token was refused goes out once more with another: the provider has not taken it. */
static void on_done(void *ctx, const struct http_response *r) {
    struct flight *f = ctx;
    struct sender *s = f->sender;
    struct call *c = f->call;
    call_judge(c, s->loop->world, r);
    bool refused = r->status == 401 || r->status == 403 ||
                   (c->kind == CALL_ATTEMPT && c->verdict.reason == REASON_CREDENTIALS);
    bool another = f->grant && refused && grant_refused(f->grant, f->grant_number, world_now(s->loop->world));
    release(f);
    if (another && c->kind == CALL_ATTEMPT && c->verdict.grant_refused && !c->renewed) {
        c->renewed = true;
        start(s, c);
    } else {
        hand_back(s, c);
    }
}

static struct client_call settings_of_lane(const struct lane_config *lane) {
    return (struct client_call){.timeout_ms = lane->timeout_ms,
                                .connect_timeout_ms = lane->connect_timeout_ms,
                                .body_bytes_max = ANSWER_MAX_BYTES,
                                .allow_private = lane->allow_private};
}

static struct client_call settings_of(const struct call *c) {
    if (c->kind == CALL_CALLBACK)
        return (struct client_call){.timeout_ms = c->settings->callbacks.timeout_ms,
                                    .connect_timeout_ms = c->settings->callbacks.timeout_ms,
                                    .body_bytes_max = ANSWER_MAX_BYTES,
                                    .allow_private = c->settings->callbacks.allow_private};
    if (c->kind == CALL_HOOK)
        return (struct client_call){.timeout_ms = c->settings->webhooks.timeout_ms,
                                    .connect_timeout_ms = c->settings->webhooks.timeout_ms,
                                    .body_bytes_max = HOOK_ANSWER_MAX_BYTES,
                                    .cut_body = true,
                                    .allow_private = c->settings->webhooks.allow_private};
    return settings_of_lane(c->lane);
}

/* Makes the flight's request; `ended` is called however it goes. */
static void fly(struct sender *s, struct flight *f, const struct client_call *given,
                void (*ended)(void *ctx, const struct http_response *r)) {
    struct client_call how = *given;
    struct err e = ERR_INIT;
    how.request = &f->request;
    how.done = ended;
    how.ctx = f;
    if (client_start(s->client, &how, &e))
        return;
    struct http_response not_sent = {.transport = HTTP_NOT_SENT, .error = sv_of(e.text)};
    ended(f, &not_sent);
}

static void send_off(struct sender *s, struct call *c, struct grant_entry *grant);

/* One of them does not go into a request, or not all go into one: each by its own. */
static void send_apart(struct sender *s, struct call *c, struct grant_entry *grant) {
    for (struct call *next; c; c = next) {
        next = c->joined;
        c->joined = NULL;
        send_off(s, c, grant);
    }
}

/* It had to wait for a token, and this node may not send any more, or not now. */
static void not_sent(struct sender *s, struct call *c) {
    const struct http_response r = {.transport = HTTP_NOT_SENT, .error = SV("this node's lease has ended")};
    call_judge(c, s->loop->world, &r);
    hand_back(s, c);
}

static void send_off(struct sender *s, struct call *c, struct grant_entry *grant) {
    if (!lease_holds(s->loop->world->lease)) {
        not_sent(s, c);
        return;
    }
    struct flight *f = take_flight(s);
    struct signer signer = {.account = account_of, .open = open_secret, .ctx = s};
    f->call = c;
    f->grant = grant;
    f->grant_number = grant ? grant->number : 0;
    c->grant = grant ? sv_of(grant->held.text) : SV_NONE;
    bool built = call_build(c, s->loop->world, &signer, &f->mem, &f->request);
    c->grant = SV_NONE;
    if (!built) {
        release(f);
        if (c->joined)
            send_apart(s, c, grant);
        else
            hand_back(s, c);
        return;
    }
    if (grant)
        meter_add(s->loop->world->meters, COUNT_TOKEN_CALLS, 1);
    struct client_call how = settings_of(c);
    fly(s, f, &how, on_done);
}

/* ---- grants ---- */

static void fetch(struct sender *s, struct grant_entry *entry, const struct lane_config *lane);

/* The token is there, or there will be none: those who waited go on. */
static void grant_ended(struct sender *s, struct grant_entry *entry, const struct err *failure) {
    int64_t now = world_now(s->loop->world);
    if (!failure) {
        grant_take(entry, now);
        meter_add(s->loop->world->meters, COUNT_TOKENS, 1);
    } else if (grant_failed(entry, now)) {
        failure = NULL;
    }
    for (struct call *c; (c = grant_next(entry)) != NULL;) {
        if (!failure) {
            send_off(s, c, entry);
            continue;
        }
        call_judge_ungranted(c, failure);
        hand_back(s, c);
    }
}

static void no_grant(struct sender *s, const struct lane_config *lane, int status, const struct err *e) {
    log_warn(s->loop->world->log, "lane.no_grant", kv_name("lane", lane->name), kv_int("status", status),
             kv_cstr("error", e->text));
}

static void on_grant(void *ctx, const struct http_response *r) {
    struct flight *f = ctx;
    struct sender *s = f->sender;
    struct grant_entry *entry = f->grant;
    const struct lane_config *lane = f->lane;
    struct grant got = {0};
    struct err e = ERR_INIT;
    bool ok =
        lane->adapter->judge_grant(lane, sv_of(entry->step.text), world_now(s->loop->world), r, &got, &e);
    release(f);
    if (!ok) {
        no_grant(s, lane, r->status, &e);
        grant_ended(s, entry, &e);
        return;
    }
    entry->step = got;
    explicit_bzero(&got, sizeof got);
    if (!entry->step.more)
        grant_ended(s, entry, NULL);
    else
        fetch(s, entry, lane);
}

/* What the first step begins with. */
static bool read_grant_file(const struct lane_config *lane, struct grant *out, struct err *e) {
    struct sv path = lane->adapter->grant_file ? lane->adapter->grant_file(lane) : SV_NONE;
    struct buf BUF_AUTO text = BUF_INIT(sizeof out->text - 1);
    if (!path.n)
        return true;
    bool ok = ingest_read_file(path.p, &text, e);
    if (ok)
        snprintf(out->text, sizeof out->text, "%.*s", SV_FMT(buf_sv(&text)));
    if (text.p)
        explicit_bzero(text.p, text.n);
    return ok;
}

/* Precondition: somebody waits, whose settings keep the lane. */
static void fetch(struct sender *s, struct grant_entry *entry, const struct lane_config *lane) {
    struct flight *f = take_flight(s);
    const struct world *w = s->loop->world;
    struct err e = ERR_INIT;
    *f = (struct flight){.sender = s, .grant = entry, .lane = lane, .mem = f->mem};
    bool first = !entry->fetching;
    entry->fetching = true;
    if ((first && !read_grant_file(lane, &entry->step, &e)) ||
        !lane->adapter->grant(lane, sv_of(entry->step.text), world_now(w), w->random(w->ctx), &f->mem,
                              &f->request, &e)) {
        no_grant(s, lane, 0, &e);
        release(f);
        grant_ended(s, entry, &e);
        return;
    }
    struct client_call how = settings_of_lane(lane);
    how.allow_private = how.allow_private || f->request.near;
    fly(s, f, &how, on_grant);
}

/* A token that the lane's key signs takes no call: nobody waits for it. */
static bool mint(struct sender *s, struct grant_entry *entry, const struct lane_config *lane, int64_t now,
                 struct err *e) {
    if (entry->ready && !grant_is_due(entry, now))
        return true;
    if (!lane->adapter->mint(lane, now, &entry->step, e))
        return grant_failed(entry, now);
    grant_take(entry, now);
    meter_add(s->loop->world->meters, COUNT_TOKENS, 1);
    return true;
}

static void start(struct sender *s, struct call *c) {
    if (c->kind == CALL_HOOK && doors_out_take(s->loop->doors, c))
        return;
    if (!call_has_lane(c) || !lane_needs_grant(c->lane)) {
        send_off(s, c, NULL);
        return;
    }
    struct err e = ERR_INIT;
    int64_t now = world_now(s->loop->world);
    struct grant_entry *entry = grants_of(&s->grants, c->lane, now);
    if (c->lane->adapter->mint && !mint(s, entry, c->lane, now, &e)) {
        call_judge_ungranted(c, &e);
        hand_back(s, c);
        return;
    }
    if (entry->ready && !grant_is_due(entry, now)) {
        send_off(s, c, entry);
        return;
    }
    grant_wait(entry, c);
    if (!entry->fetching)
        fetch(s, entry, c->lane);
}

/* Several attempts by one request, where the adapter can: those that came together, without waiting. */
static void start_all(struct sender *s, struct call **calls, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct call *c = calls[i];
        if (!c)
            continue;
        if (c->kind == CALL_ATTEMPT && c->lane->adapter->batch_max > 1 && i + 1 < n) {
            struct arena ARENA_AUTO mem;
            arena_init(&mem, CALL_ARENA_BYTES);
            call_join(c, calls + i + 1, n - i - 1, s->loop->world, &mem);
        }
        start(s, c);
    }
}

/* What is open already stays. */
static bool open_sender(struct sender *s, struct err *e) {
    struct client_options o = {.connections_max = CONNECTIONS_MAX, .user_agent = "hongyan"};
    if (!s->client)
        s->client = client_open(&o, e);
    if (s->client && !s->db)
        s->db = db_open(s->loop->database, DB_READER, e);
    if (s->db && !s->directory)
        s->directory = directory_open(s->db, &s->loop->master, e);
    return s->directory != NULL;
}

/* The database was there a moment ago, when the gateway opened it; a server may be gone since. Calls wait in
 * the mailbox meanwhile. False: told to stop. */
static bool open_in_time(struct sender *s) {
    const struct sender_loop *loop = s->loop;
    for (bool told = false; !atomic_load(&loop->loop.stop); told = true) {
        struct err e = ERR_INIT;
        if (open_sender(s, &e))
            return true;
        if (!told)
            log_error(loop->world->log, "sender.waits", kv_cstr("error", e.text));
        atomic_store_explicit(&s->loop->loop.beat, clock_monotonic_us(), memory_order_relaxed);
        struct timespec ts = {.tv_nsec = OPEN_AGAIN_MS * 1000 * 1000};
        nanosleep(&ts, NULL);
    }
    return false;
}

static void close_sender(struct sender *s) {
    client_close(s->client); /* ends calls in flight by on_done and on_grant */
    grants_done(&s->grants);
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

/* Without a lease calls stay in the mailbox: another node may have their messages. A moment a time, so that
 * those under way go on. */
static bool wait_for_lease(const struct sender_loop *loop) {
    if (lease_holds(loop->world->lease))
        return true;
    struct timespec ts = {.tv_nsec = 5 * 1000 * 1000};
    nanosleep(&ts, NULL);
    return false;
}

void *sender_loop_run(void *arg) {
    struct sender_loop *loop = arg;
    struct sender *s = calloc(1, sizeof *s);
    ASSERT(s);
    s->loop = loop;
    grants_init(&s->grants);
    if (!open_in_time(s)) {
        close_sender(s);
        return NULL;
    }
    uint64_t calls = 0, connections = 0;
    while (!atomic_load(&loop->loop.stop)) {
        int64_t now = clock_monotonic_us();
        atomic_store_explicit(&loop->loop.beat, now, memory_order_relaxed);
        directory_refresh(s->directory, now);
        void *items[TAKE_MAX];
        bool may_send = wait_for_lease(loop);
        size_t n = may_send ? mailbox_take(loop->in, items, TAKE_MAX) : 0;
        struct call *taken[TAKE_MAX];
        for (size_t i = 0; i < n; i++)
            taken[i] = items[i];
        start_all(s, taken, n);
        bool sleep = n == 0 && may_send && mailbox_may_sleep(loop->in);
        client_run(s->client, sleep ? IDLE_MS : 0, mailbox_fd(loop->in));
        if (sleep || n == 0)
            mailbox_awake(loop->in);
        flush_done(s);
        count_connections(s, &calls, &connections);
    }
    close_sender(s);
    return NULL;
}
