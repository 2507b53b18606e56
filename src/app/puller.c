#include "app/puller.h"

#include "base/clock.h"
#include "net/client.h"
#include "net/server.h"
#include "provider/adapter.h"

#include <string.h>

enum {
    CONNECTIONS_MAX = 8,
    ANSWER_BYTES_MAX = 1024 * 1024,
    REQUEST_ARENA_BYTES = 64 * 1024,
    SERVE_ARENA_BYTES = 32 * 1024 * 1024,
    FULL_US = 100 * 1000,       /* between answers that are full */
    AGAIN_FIRST_US = 50 * 1000, /* served again, while the database does not take it */
    AGAIN_MAX_US = 2 * 1000 * 1000,
    REFUSED_MAX_US = 300 * 1000 * 1000, /* between fetches that are refused */
    WAIT_MS = 200,
    BUSY_WAIT_MS = 20,
};

enum stage {
    RESTS,   /* until at */
    FETCHES, /* with the provider */
    HAS,     /* handed out, to be served at `at` */
    SERVED,  /* with the front */
};

/* One kind of one lane. */
struct haul {
    struct exchange x; /* first */
    struct puller *of;
    struct haul *next;
    char lane_name[LANE_NAME_MAX + 1];
    const struct lane_config *lane;  /* of the settings in use; NULL: no longer fetched */
    const struct lane_config *asked; /* of those when it was fetched; settings stay until the end */
    enum pull what;
    enum stage stage;
    int64_t at; /* monotonic */
    unsigned failures, tries;
    bool more;
    size_t n;
    struct buf body, path;
    struct arena mem;
    struct http_request request;
};

struct puller {
    struct loop loop;
    const struct world *world;
    struct front *front;
    struct client *client;
    const struct settings *settings; /* that hauls are of */
    struct haul *hauls;
    atomic_bool drain, idle;
};

static const char *const kind_names[PULL_KINDS] = {[PULL_REPLIES] = "replies", [PULL_RECEIPTS] = "receipts"};
static const char *const doors[PULL_KINDS] = {[PULL_REPLIES] = "inbound", [PULL_RECEIPTS] = "status"};

bool puller_wanted(const struct settings *s) {
    for (size_t i = 0; i < s->n_lanes; i++)
        for (int k = 0; k < PULL_KINDS; k++)
            if (lane_pulls(&s->lanes[i], (enum pull)k))
                return true;
    return false;
}

/* ---- which lanes ---- */

static struct haul *haul_of(struct puller *p, const struct lane_config *lane, enum pull what) {
    for (struct haul *h = p->hauls; h; h = h->next)
        if (h->what == what && strcmp(h->lane_name, lane->name) == 0)
            return h;
    struct haul *h = calloc(1, sizeof *h);
    ASSERT(h);
    h->of = p;
    h->what = what;
    memcpy(h->lane_name, lane->name, sizeof h->lane_name);
    buf_init(&h->body, ANSWER_BYTES_MAX);
    buf_init(&h->path, 128);
    buf_addf(&h->path, "/hooks/%s/%s", lane->name, doors[what]);
    arena_init(&h->mem, REQUEST_ARENA_BYTES);
    arena_init(&h->x.arena, SERVE_ARENA_BYTES);
    h->next = p->hauls;
    p->hauls = h;
    return h;
}

/* A lane that has gone keeps what was handed out for it: the front says then that there is no such lane. */
static void take_settings(struct puller *p) {
    const struct settings *s = front_settings(p->front);
    if (s == p->settings)
        return;
    p->settings = s;
    for (struct haul *h = p->hauls; h; h = h->next)
        h->lane = NULL;
    for (size_t i = 0; i < s->n_lanes; i++)
        for (int k = 0; k < PULL_KINDS; k++)
            if (lane_pulls(&s->lanes[i], (enum pull)k))
                haul_of(p, &s->lanes[i], (enum pull)k)->lane = &s->lanes[i];
}

/* ---- fetching ---- */

static void rest(struct haul *h) {
    int64_t us = (int64_t)(h->lane ? lane_pulls(h->lane, h->what) : 1) * US_PER_S;
    for (unsigned i = 0; i < h->failures && us < REFUSED_MAX_US; i++)
        us = us * 2 < REFUSED_MAX_US ? us * 2 : REFUSED_MAX_US;
    h->stage = RESTS;
    h->at = clock_monotonic_us() + (h->more && us > FULL_US ? FULL_US : us);
    h->more = false;
}

static void failed(struct haul *h, const struct err *e) {
    const struct world *w = h->of->world;
    h->more = false;
    h->failures++;
    meter_add(w->meters, COUNT_PULLS_FAILED, 1);
    rest(h);
    log_warn(w->log, "pull.failed", kv_name("lane", h->lane_name), kv_name("kind", kind_names[h->what]),
             kv_cstr("error", e->text), kv_int("failures", h->failures),
             kv_int("again_in_ms", (h->at - clock_monotonic_us()) / US_PER_MS));
}

static void on_answer(void *ctx, const struct http_response *r) {
    struct haul *h = ctx;
    const struct world *w = h->of->world;
    struct err e = ERR_INIT;
    arena_reset(&h->mem);
    if (!h->asked->adapter->judge_pull(h->asked, h->what, r, &h->n, &h->more, &e)) {
        failed(h, &e);
        return;
    }
    h->failures = h->tries = 0;
    if (h->n == 0) {
        rest(h);
        return;
    }
    meter_add(w->meters, COUNT_PULLED, h->n);
    buf_reset(&h->body);
    buf_add(&h->body, r->body);
    ASSERT(!h->body.overflow); /* the client holds the same limit */
    h->stage = HAS;
    h->at = 0;
}

static void fetch(struct haul *h) {
    struct puller *p = h->of;
    const struct lane_config *lane = h->lane;
    struct err e = ERR_INIT;
    struct client_call call = {.request = &h->request,
                               .timeout_ms = lane->timeout_ms,
                               .connect_timeout_ms = lane->connect_timeout_ms,
                               .body_bytes_max = ANSWER_BYTES_MAX,
                               .allow_private = lane->allow_private,
                               .done = on_answer,
                               .ctx = h};
    meter_add(p->world->meters, COUNT_PULLS, 1);
    h->stage = FETCHES;
    h->asked = lane;
    if (!lane->adapter->pull(lane, h->what, world_now(p->world), &h->mem, &h->request, &e) ||
        !client_start(p->client, &call, &e)) {
        arena_reset(&h->mem);
        failed(h, &e);
    }
}

/* ---- serving ---- */

static struct sv header(const struct exchange *x, const char *name) {
    (void)x;
    return sv_eq_nocase(sv_of(name), SV("Content-Type")) ? SV("application/json") : SV_NONE;
}

static void answered(struct exchange *x, const struct answer *a) {
    struct haul *h = (struct haul *)x;
    const struct log *log = h->of->world->log;
    bool kept = a->status < 300, again = a->status >= 500 || a->status == 429;
    if (again) {
        int64_t us = AGAIN_FIRST_US << (h->tries < 6 ? h->tries : 6);
        h->stage = HAS;
        h->at = clock_monotonic_us() + (us < AGAIN_MAX_US ? us : AGAIN_MAX_US);
        if (h->tries++ == 0)
            log_warn(log, "pull.waits", kv_name("lane", h->lane_name), kv_name("kind", kind_names[h->what]),
                     kv_int("items", (int64_t)h->n),
                     kv_name("meaning", "the database does not take what was fetched: it is kept here"));
    } else {
        if (kept) {
            log_info(log, "pull.done", kv_name("lane", h->lane_name), kv_name("kind", kind_names[h->what]),
                     kv_int("items", (int64_t)h->n));
        } else {
            meter_add(h->of->world->meters, COUNT_PULLS_FAILED, 1);
            h->failures++;
            h->more = false;
            log_error(log, "pull.lost", kv_name("lane", h->lane_name), kv_name("kind", kind_names[h->what]),
                      kv_int("items", (int64_t)h->n), kv_int("status", a->status));
        }
        rest(h);
    }
    arena_reset(&h->x.arena);
}

static const struct exchange_way way = {.header = header, .answer = answered};

static void serve(struct haul *h) {
    struct arena mem = h->x.arena;
    arena_reset(&mem);
    h->x = (struct exchange){.method = HTTP_POST,
                             .method_name = SV("POST"),
                             .path = buf_sv(&h->path),
                             .target = buf_sv(&h->path),
                             .body = buf_sv(&h->body),
                             .client = sv_of(h->lane_name),
                             .arrived_us = clock_monotonic_us(),
                             .arena = mem,
                             .way = &way};
    h->stage = SERVED;
    front_take(h->of->front, &h->x, SV_NONE);
}

/* ---- the thread ---- */

static bool may_fetch(const struct puller *p) {
    const struct world *w = p->world;
    return !atomic_load(&p->drain) && lease_keeps(w->lease) &&
           atomic_load_explicit(&w->meters->gauges[GAUGE_JOURNAL_HEALTHY], memory_order_relaxed) == 1;
}

/* True: something is under way. */
static bool work(struct puller *p, int64_t now) {
    bool busy = false, may = may_fetch(p);
    for (struct haul *h = p->hauls; h; h = h->next) {
        if (h->stage == RESTS && may && h->lane && now >= h->at)
            fetch(h);
        else if (h->stage == HAS && now >= h->at)
            serve(h);
        busy |= h->stage != RESTS;
    }
    return busy;
}

void *puller_run(void *arg) {
    struct puller *p = arg;
    while (!atomic_load(&p->loop.stop)) {
        int64_t now = clock_monotonic_us();
        atomic_store_explicit(&p->loop.beat, now, memory_order_relaxed);
        front_run(p->front);
        take_settings(p);
        bool busy = work(p, now);
        front_run(p->front);
        client_run(p->client, 0, -1);
        atomic_store(&p->idle, atomic_load(&p->drain) && !busy && front_is_idle(p->front));
        if (client_in_flight(p->client))
            client_run(p->client, BUSY_WAIT_MS, -1);
        else
            front_wait(p->front, -1, busy ? BUSY_WAIT_MS : WAIT_MS);
    }
    for (const struct haul *h = p->hauls; h; h = h->next)
        if (h->stage == HAS || h->stage == SERVED)
            log_error(p->world->log, "pull.lost", kv_name("lane", h->lane_name),
                      kv_name("kind", kind_names[h->what]), kv_int("items", (int64_t)h->n),
                      kv_name("meaning", "the process ends before the database took it"));
    return NULL;
}

struct puller *puller_open(const struct front_parts *parts, struct err *e) {
    const struct client_options o = {.connections_max = CONNECTIONS_MAX, .user_agent = "hongyan"};
    struct puller *p = calloc(1, sizeof *p);
    ASSERT(p);
    p->world = parts->world;
    atomic_init(&p->drain, false);
    atomic_init(&p->idle, false);
    p->client = client_open(&o, e);
    p->front = p->client ? front_open(parts, NULL, 0, false, e) : NULL;
    if (p->front)
        return p;
    puller_close(p);
    return NULL;
}

void puller_close(struct puller *p) {
    if (!p)
        return;
    client_close(p->client);
    front_close(p->front);
    for (struct haul *h = p->hauls, *next; h; h = next) {
        next = h->next;
        buf_done(&h->body);
        buf_done(&h->path);
        arena_done(&h->mem);
        arena_done(&h->x.arena);
        free(h);
    }
    free(p);
}

struct front *puller_front(struct puller *p) {
    return p->front;
}

struct loop *puller_loop(struct puller *p) {
    return &p->loop;
}

void puller_drain(struct puller *p) {
    front_drain(p->front);
    atomic_store(&p->drain, true);
    front_wake(p->front);
}

bool puller_is_idle(const struct puller *p) {
    return atomic_load(&p->idle) && front_is_idle(p->front);
}
