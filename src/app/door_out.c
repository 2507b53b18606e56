#include "app/door_out.h"

#include "base/clock.h"
#include "model/door_meters.h"
#include "net/outlet.h"
#include "notify/hook_post.h"
#include "pipeline/call.h"
#include "store/hooks.h"
#include "store/nodes.h"
#include "store/seal.h"

#include <poll.h>
#include <string.h>

enum {
    BOX = 2048,
    AT_ONCE = 256,
    ARENA_BYTES_MAX = 1024 * 1024,
    RECONNECT_FIRST_US = 200 * 1000,
    RECONNECT_MAX_US = 10 * 1000 * 1000,
    WAIT_MS = 200,
    SECRET_BYTES = 32,
    LISTS_BYTES_MAX = 16 * 1024,
};

/* A call at the broker. */
struct told {
    struct call *call;
    int64_t begun_at; /* monotonic */
    struct told *before, *next;
};

struct door_out {
    struct loop loop;
    const struct door *door;
    const struct world *world;
    struct door_meters *meters;
    struct mailbox *in, *back;
    struct outlet *outlet;
    struct told *first, *last;
    unsigned n_told;
    atomic_bool idle;
    int64_t reconnect_at;
    unsigned failures;
    char why[ERR_TEXT_MAX]; /* it is not connected */
};

static struct sv prefix(void) {
    return SV("door:");
}

/* ---- calls ---- */

static void hand_back(const struct door_out *d, struct call *c, enum http_transport transport, int status,
                      int64_t elapsed_us, const char *error) {
    const struct http_response r = {
        .transport = transport, .status = status, .elapsed_us = elapsed_us, .error = sv_of(error)};
    call_judge(c, d->world, &r);
    door_meter_add(d->meters, c->taken ? DOOR_COUNT_TOLD : DOOR_COUNT_NOT_TOLD, 1);
    void *item = c;
    size_t took = mailbox_put(d->back, &item, 1);
    ASSERT(took == 1); /* the core counts its calls: there is room for all of them */
}

static bool take(struct doors_out *doors, struct sv name, struct call *c) {
    for (unsigned i = 0; i < doors->n; i++) {
        struct door_out *d = doors->at[i];
        void *item = c;
        if (!sv_eq(name, sv_of(d->door->name)))
            continue;
        if (mailbox_put(d->in, &item, 1) == 0)
            hand_back(d, c, HTTP_NOT_SENT, 0, 0, "the door has no room");
        return true;
    }
    return false; /* the client says that this is no address */
}

bool doors_out_take(struct doors_out *doors, struct call *c) {
    struct sv url = c->target->url;
    if (!doors || !sv_starts(url, prefix()))
        return false;
    pthread_mutex_lock(&doors->lock);
    bool taken = take(doors, sv_from(url, prefix().n), c);
    pthread_mutex_unlock(&doors->lock);
    return taken;
}

static void untie(struct door_out *d, struct told *t) {
    if (t->before)
        t->before->next = t->next;
    else
        d->first = t->next;
    if (t->next)
        t->next->before = t->before;
    else
        d->last = t->before;
    d->n_told--;
}

static void end(struct door_out *d, struct told *t, bool kept, const char *why) {
    int64_t elapsed_us = clock_monotonic_us() - t->begun_at;
    untie(d, t);
    hand_back(d, t->call, kept ? HTTP_ANSWERED : HTTP_CUT, kept ? 200 : 0, elapsed_us, why);
    free(t);
}

static void lose(struct door_out *d, const struct err *e) {
    int64_t wait = RECONNECT_FIRST_US;
    for (unsigned i = 0; i < d->failures && wait < RECONNECT_MAX_US; i++)
        wait *= 2;
    wait = wait < RECONNECT_MAX_US ? wait : RECONNECT_MAX_US;
    wait = wait / 2 + (int64_t)(d->world->random(d->world->ctx) % (uint64_t)(wait / 2));
    d->reconnect_at = clock_monotonic_us() + wait;
    d->failures++;
    snprintf(d->why, sizeof d->why, "%s", e->text);
    door_meter_add(d->meters, DOOR_COUNT_LOST, 1);
    door_meter_set(d->meters, DOOR_GAUGE_CONNECTED, 0);
    log_warn(d->world->log, d->outlet ? "door.lost" : "door.unreachable", kv_name("door", d->door->name),
             kv_word("url", d->door->url), kv_cstr("error", e->text), kv_int("failures", d->failures),
             kv_int("again_in_ms", wait / US_PER_MS));
    outlet_close(d->outlet);
    d->outlet = NULL;
    while (d->first)
        end(d, d->first, false, d->why);
}

static void connect_door(struct door_out *d) {
    struct err e = ERR_INIT;
    d->outlet = outlet_open(d->door, &e);
    if (!d->outlet) {
        lose(d, &e);
        return;
    }
    d->failures = 0;
    door_meter_add(d->meters, DOOR_COUNT_OPENED, 1);
    door_meter_set(d->meters, DOOR_GAUGE_CONNECTED, 1);
    log_info(d->world->log, "door.open", kv_name("door", d->door->name), kv_word("url", d->door->url),
             kv_word("queue", d->door->queue));
}

/* False: lost; the call has come back with the others. */
static bool give(struct door_out *d, struct call *c, struct err *e) {
    struct arena ARENA_AUTO mem;
    struct http_request post;
    struct err why = ERR_INIT;
    const char *type = hook_type_name(c->delivery->type);
    arena_init(&mem, ARENA_BYTES_MAX);
    /* What a webhook would be posted; who may read the queue needs no signature. */
    const struct hook_post p = {.delivery = c->delivery, .url = c->target->url};
    if (!hook_post_build(d->world, &p, &mem, &post, &why)) {
        hand_back(d, c, HTTP_NOT_SENT, 0, 0, why.text);
        return true;
    }
    struct told *t = calloc(1, sizeof *t);
    ASSERT(t);
    *t = (struct told){.call = c, .begun_at = clock_monotonic_us(), .before = d->last};
    if (d->last)
        d->last->next = t;
    else
        d->first = t;
    d->last = t;
    d->n_told++;
    const struct outlet_event ev = {.id = http_find_header(post.headers, post.n_headers, SV("webhook-id")),
                                    .type = sv_of(type ? type : "unknown"),
                                    .body = post.body,
                                    .traceparent =
                                        http_find_header(post.headers, post.n_headers, SV("traceparent")),
                                    .at = c->delivery->at,
                                    .ctx = t};
    return outlet_give(d->outlet, &ev, e);
}

static bool give_some(struct door_out *d, struct err *e) {
    void *items[AT_ONCE];
    size_t most = OUTLET_WAITING_MAX - 1 - d->n_told;
    size_t n = mailbox_take(d->in, items, most < AT_ONCE ? most : AT_ONCE);
    for (size_t i = 0; i < n; i++) {
        if (!d->outlet) {
            hand_back(d, items[i], HTTP_NOT_SENT, 0, 0, d->why);
        } else if (!give(d, items[i], e)) {
            lose(d, e);
        }
    }
    return d->outlet != NULL;
}

static bool read_outlet(struct door_out *d, struct err *e) {
    for (;;) {
        void *ctx = NULL;
        struct err why = ERR_INIT;
        switch (outlet_next(d->outlet, &ctx, &why)) {
        case OUTLET_NOTHING: return true;
        case OUTLET_KEPT: end(d, ctx, true, ""); break;
        case OUTLET_NOT_KEPT: end(d, ctx, false, why.text); break;
        case OUTLET_LOST: *e = why; return false;
        }
    }
}

/* A broker that neither confirms nor goes away. */
static bool is_stuck(const struct door_out *d, int64_t now, struct err *e) {
    if (!d->first ||
        now - d->first->begun_at < (int64_t)d->first->call->settings->webhooks.timeout_ms * US_PER_MS)
        return false;
    return !err_set(e, ERR_OUTSIDE, "no confirmation in %u ms",
                    d->first->call->settings->webhooks.timeout_ms);
}

static void wait_for(struct door_out *d) {
    struct pollfd fds[] = {{.fd = mailbox_fd(d->in), .events = POLLIN},
                           {.fd = d->outlet ? outlet_fd(d->outlet) : -1, .events = POLLIN}};
    if (mailbox_may_sleep(d->in))
        poll(fds, 2, WAIT_MS);
    mailbox_awake(d->in);
}

void *door_out_run(void *arg) {
    struct door_out *d = arg;
    while (!atomic_load(&d->loop.stop)) {
        struct err e = ERR_INIT;
        int64_t now = clock_monotonic_us();
        atomic_store_explicit(&d->loop.beat, now, memory_order_relaxed);
        if (!d->outlet && now >= d->reconnect_at)
            connect_door(d);
        if (give_some(d, &e) && (!read_outlet(d, &e) || is_stuck(d, now, &e)))
            lose(d, &e);
        atomic_store(&d->idle, d->n_told == 0 && mailbox_fill(d->in) == 0);
        wait_for(d);
    }
    outlet_close(d->outlet); /* what it has not confirmed stays due, and goes out under the same id */
    d->outlet = NULL;
    while (d->first)
        end(d, d->first, false, "the gateway stops");
    return NULL;
}

struct door_out *door_out_open(const struct door *door, const struct world *w, struct mailbox *back,
                               struct err *e) {
    struct door_out *d = calloc(1, sizeof *d);
    ASSERT(d);
    d->door = door;
    d->world = w;
    d->back = back;
    d->meters = door_meters_of(&w->meters->doors, door->name);
    atomic_init(&d->idle, false);
    snprintf(d->why, sizeof d->why, "not connected yet");
    d->in = mailbox_new(BOX, e);
    if (d->in)
        return d;
    free(d);
    return NULL;
}

void door_out_close(struct door_out *d) {
    void *item;
    if (!d)
        return;
    while (mailbox_take(d->in, &item, 1))
        hand_back(d, item, HTTP_NOT_SENT, 0, 0, "the gateway stops");
    mailbox_free(d->in);
    free(d);
}

struct loop *door_out_loop(struct door_out *d) {
    return &d->loop;
}

struct mailbox *door_out_mailbox(struct door_out *d) {
    return d->in;
}

const struct door *door_out_of(const struct door_out *d) {
    return d->door;
}

bool door_out_is_idle(const struct door_out *d) {
    return atomic_load(&d->idle);
}

/* ---- its endpoint ---- */

static struct sv lines(const struct sv_list *list, const char *all, struct buf *out) {
    for (uint32_t i = 0; i < list->n; i++)
        buf_join(out, i ? SV("\n") : SV(""), list->at[i]);
    if (!list->n)
        buf_adds(out, all);
    return out->n ? buf_sv(out) : SV("");
}

static bool make_secret(const struct master_key *mk, struct hook_secret *out, struct err *e) {
    char bytes[SECRET_BYTES];
    out->n = SECRET_BYTES + SEAL_BYTES;
    bool ok = seal_random(bytes, sizeof bytes, e) && seal(mk, sv_make(bytes, sizeof bytes), out->sealed, e);
    explicit_bzero(bytes, sizeof bytes);
    return ok;
}

static bool write_hook(struct db *db, const struct door *door, struct hook_write *w,
                       const struct world *world, struct err *e) {
    if (!hooks_write(db, w, world_now(world), e) || (world->node && !nodes_hooks_changed(db, e)) ||
        !db_commit(db, e))
        return false;
    if (w->full || w->absent)
        log_warn(world->log, "door.no_endpoint", kv_name("door", door->name),
                 kv_name("why", w->full ? "its account has as many webhooks as it may" : "its id is taken"));
    return true;
}

bool door_out_enlist(struct db *db, const struct door *door, const struct world *world,
                     const struct master_key *mk, int64_t *last_id, struct err *e) {
    struct buf BUF_AUTO url = BUF_INIT(256), types = BUF_INIT(LISTS_BYTES_MAX),
                        topics = BUF_INIT(LISTS_BYTES_MAX);
    struct err absent = ERR_INIT;
    int64_t account_id, id;
    if (!account_find(db, door->account, &account_id, &absent)) {
        log_warn(world->log, "door.no_account", kv_name("door", door->name),
                 kv_word("account", door->account));
        return absent.kind == ERR_NOT_FOUND || err_set(e, absent.kind, "%s", absent.text);
    }
    buf_join(&url, prefix(), sv_of(door->name));
    struct hook_write w = {.act = HOOK_UPDATE,
                           .hook = {.account_id = account_id,
                                    .node = world->node,
                                    .types = lines(&door->events, "*", &types),
                                    .topics = lines(&door->topics, "", &topics)}};
    if (types.overflow || topics.overflow)
        return err_set(e, ERR_TOO_LARGE, "doors: the events or topics of door %s are too much text",
                       door->name);
    /* The same lock as for changes of the schema: of nodes that start at once one makes it, the others find
     * it. */
    bool ok = db_begin_schema(db, e) && hooks_find(db, account_id, buf_sv(&url), &id, e);
    if (ok && id) {
        w.hook.id = id;
        ok = write_hook(db, door, &w, world, e);
    } else if (ok) {
        struct id_maker ids = {.last = *last_id, .node = world->node};
        w.act = HOOK_CREATE;
        w.hook.url = buf_sv(&url);
        w.hook.description = SV("a door of the settings");
        w.hook.id = id_next(&ids, world_now(world));
        ok = make_secret(mk, &w.hook.secret, e) && write_hook(db, door, &w, world, e);
        *last_id = ids.last;
    }
    if (!ok)
        db_rollback(db);
    return ok;
}
