#include "app/door_in.h"

#include "base/clock.h"
#include "model/door_meters.h"
#include "net/inlet.h"
#include "net/server.h"

#include <jansson.h>
#include <string.h>

enum {
    ARENA_BYTES_MAX = 32 * 1024 * 1024,
    ARENA_PER_BODY_BYTE = 8,
    BYTES_KEPT_MAX = 64 * 1024,
    WORDS_BYTES_MAX = 4096,
    KEY_BYTES_MAX = 256,
    FROM_BYTES_MAX = 8192,
    AGAIN_FIRST_US = 20 * 1000,
    AGAIN_MAX_US = 5 * 1000 * 1000,
    RECONNECT_FIRST_US = 200 * 1000,
    RECONNECT_MAX_US = 10 * 1000 * 1000,
    LAG_EVERY_US = 5 * 1000 * 1000,
    WAIT_MS = 200,
};

enum stage {
    FREE,
    ASKED,  /* with the front */
    WAITS,  /* to be tried again at again_at */
    BROKEN, /* to be put aside */
    ASIDE,  /* on its way to the dead letters */
    DONE,   /* to be acknowledged */
};

/* One entry. */
struct slot {
    struct exchange x; /* first */
    struct door_in *of;
    enum stage stage;
    bool stale; /* of a connection that is lost: nobody waits for it */
    struct inlet_entry entry;
    struct buf words, body; /* what its views point to */
    char key[KEY_BYTES_MAX + 1], former_key[KEY_BYTES_MAX + 1];
    unsigned tries;
    int64_t again_at;
    char problem[DOOR_PROBLEM_NAME_MAX + 1 + 16], field[ERR_FIELD_MAX], detail[ERR_TEXT_MAX];
    int status;
    struct slot *before, *next; /* by tag; of free ones: next */
};

struct door_in {
    struct loop loop;
    const struct door *door;
    const struct world *world;
    struct door_meters *meters;
    struct front *front;
    struct inlet *inlet;
    size_t body_bytes_max;
    char host[DOOR_HOST_MAX + 8]; /* and port; empty: its queues are known by their names alone */
    char path[DOOR_PATH_MAX + 1];
    bool may_be_former; /* there are keys of the former kind */
    struct slot *first, *last, *free;
    unsigned n_slots, n_asked, n_waits, n_broken, n_done;
    int64_t next_again_at;
    int64_t reconnect_at, lag_at;
    unsigned failures; /* to connect, in a row */
    atomic_bool drain, idle;
};

/* ---- slots ---- */

static void count(struct door_in *d, enum stage s, int by) {
    unsigned *n = s == ASKED    ? &d->n_asked
                  : s == WAITS  ? &d->n_waits
                  : s == BROKEN ? &d->n_broken
                  : s == DONE   ? &d->n_done
                                : NULL;
    if (n)
        *n += (unsigned)by;
}

static void move(struct slot *s, enum stage to) {
    count(s->of, s->stage, -1);
    s->stage = to;
    count(s->of, to, 1);
}

static struct slot *slot_take(struct door_in *d) {
    struct slot *s = d->free;
    if (s) {
        d->free = s->next;
    } else {
        s = calloc(1, sizeof *s);
        ASSERT(s);
        s->of = d;
        buf_init(&s->words, WORDS_BYTES_MAX);
        buf_init(&s->body, d->body_bytes_max);
        arena_init(&s->x.arena, d->body_bytes_max * ARENA_PER_BODY_BYTE + ARENA_BYTES_MAX);
    }
    s->next = NULL;
    s->before = d->last;
    if (d->last)
        d->last->next = s;
    else
        d->first = s;
    d->last = s;
    s->tries = 0;
    s->stale = false;
    d->n_slots++;
    return s;
}

static void slot_drop(struct slot *s) {
    struct door_in *d = s->of;
    move(s, FREE);
    if (s->before)
        s->before->next = s->next;
    else
        d->first = s->next;
    if (s->next)
        s->next->before = s->before;
    else
        d->last = s->before;
    if (s->body.cap > BYTES_KEPT_MAX)
        buf_done(&s->body);
    if (s->x.arena.used > BYTES_KEPT_MAX)
        arena_done(&s->x.arena);
    arena_reset(&s->x.arena);
    s->next = d->free;
    s->before = NULL;
    d->free = s;
    d->n_slots--;
}

static void slots_free(struct door_in *d) {
    while (d->first) /* what was asked is void with the front */
        slot_drop(d->first);
    for (struct slot *s = d->free, *next; s; s = next) {
        next = s->next;
        buf_done(&s->words);
        buf_done(&s->body);
        arena_done(&s->x.arena);
        free(s);
    }
}

static struct sv keep(struct slot *s, struct sv v) {
    size_t at = s->words.n;
    return v.n && buf_add(&s->words, v) ? sv_make(s->words.p + at, v.n) : SV_NONE;
}

/* ---- the connection ---- */

static void lose(struct door_in *d, const struct err *e) {
    int64_t wait = RECONNECT_FIRST_US;
    for (unsigned i = 0; i < d->failures && wait < RECONNECT_MAX_US; i++)
        wait *= 2;
    if (wait > RECONNECT_MAX_US)
        wait = RECONNECT_MAX_US;
    wait = wait / 2 + (int64_t)(d->world->random(d->world->ctx) % (uint64_t)(wait / 2));
    d->reconnect_at = clock_monotonic_us() + wait;
    door_meter_add(d->meters, DOOR_COUNT_LOST, 1);
    door_meter_set(d->meters, DOOR_GAUGE_CONNECTED, 0);
    door_meter_set(d->meters, DOOR_GAUGE_LAG, -1);
    log_warn(d->world->log, d->inlet ? "door.lost" : "door.unreachable", kv_name("door", d->door->name),
             kv_word("url", d->door->url), kv_cstr("error", e->text),
             kv_int("failures", (int64_t)d->failures + 1), kv_int("again_in_ms", wait / US_PER_MS));
    d->failures++;
    inlet_close(d->inlet);
    d->inlet = NULL;
    for (struct slot *s = d->first, *next; s; s = next) {
        next = s->next;
        if (s->stage == ASKED)
            s->stale = true; /* it may yet be stored, and then comes again to find that */
        else
            slot_drop(s);
    }
}

/* Doors used to tell their entries by their own name. */
static struct sv former_beginning(const struct door_in *d, struct buf *out) {
    buf_addf(out, "door:%s:", d->door->name);
    return buf_sv(out);
}

static void connect_door(struct door_in *d) {
    struct err e = ERR_INIT;
    struct buf BUF_AUTO beginning = BUF_INIT(KEY_BYTES_MAX);
    const struct inlet_options o = {.door = d->door, .body_bytes_max = d->body_bytes_max};
    d->inlet = inlet_open(&o, &e);
    if (!d->inlet) {
        lose(d, &e);
        return;
    }
    d->failures = 0;
    d->lag_at = 0;
    d->may_be_former = front_has_keys(d->front, d->door->account, former_beginning(d, &beginning));
    door_meter_add(d->meters, DOOR_COUNT_OPENED, 1);
    door_meter_set(d->meters, DOOR_GAUGE_CONNECTED, 1);
    log_info(d->world->log, "door.open", kv_name("door", d->door->name), kv_word("url", d->door->url),
             kv_word("queue", d->door->queue));
}

/* ---- what the API says to an entry ---- */

static struct sv header(const struct exchange *x, const char *name) {
    const struct slot *s = (const struct slot *)x;
    struct sv n = sv_of(name);
    if (sv_eq_nocase(n, SV("Idempotency-Key")))
        return s->key[0] ? sv_of(s->key) : SV_NONE;
    if (sv_eq_nocase(n, SV("Content-Type")))
        return s->entry.content_type;
    return sv_eq_nocase(n, SV("traceparent")) ? s->entry.traceparent : SV_NONE;
}

static struct sv text_of(const json_t *o, const char *key) {
    const json_t *v = json_object_get(o, key);
    return json_is_string(v) ? sv_make(json_string_value(v), json_string_length(v)) : SV_NONE;
}

static void put(char *out, size_t size, struct sv text) {
    snprintf(out, size, "%.*s", SV_FMT(text));
}

static void refuse(struct slot *s, int status, struct sv problem, struct sv detail, struct sv field) {
    s->status = status;
    put(s->problem, sizeof s->problem, problem);
    put(s->detail, sizeof s->detail, detail);
    put(s->field, sizeof s->field, field);
    move(s, BROKEN);
}

static void wait_for(struct slot *s, int64_t least_us) {
    struct door_in *d = s->of;
    int64_t wait = AGAIN_FIRST_US;
    for (unsigned i = 0; i < s->tries && wait < AGAIN_MAX_US; i++)
        wait *= 2;
    wait = wait < AGAIN_MAX_US ? wait : AGAIN_MAX_US;
    wait = wait > least_us ? wait : least_us;
    s->tries++;
    s->again_at = clock_monotonic_us() + wait;
    if (d->next_again_at == 0 || s->again_at < d->next_again_at)
        d->next_again_at = s->again_at;
    door_meter_add(d->meters, DOOR_COUNT_RETRIED, 1);
    move(s, WAITS);
}

/* A list of events of which some were refused: those taken are taken, and known when the list comes again. */
static void judge_list(struct slot *s, const json_t *refused) {
    const json_t *worst = NULL;
    size_t i;
    json_t *one;
    json_array_foreach(refused, i, one) {
        if (json_is_true(json_object_get(one, "retry"))) {
            wait_for(s, 0);
            return;
        }
        if (!worst)
            worst = one;
    }
    struct buf BUF_AUTO detail = BUF_INIT(ERR_TEXT_MAX);
    buf_addf(&detail, "%zu of its events were refused; the first, number %lld: ", json_array_size(refused),
             (long long)json_integer_value(json_object_get(worst, "line")));
    buf_add(&detail, text_of(worst, "detail"));
    refuse(s, 422, SV("/problems/unprocessable"), buf_sv(&detail), text_of(worst, "field"));
}

static void judge(struct slot *s, const struct answer *a) {
    struct door_in *d = s->of;
    json_t *body = a->body.n ? json_loadb(a->body.p, a->body.n, 0, NULL) : NULL;
    const json_t *refused = json_object_get(body, "refused");
    uint64_t retry_after_s = 0;
    (void)sv_to_u64(http_find_header(a->headers, a->n_headers, SV("Retry-After")), &retry_after_s);
    if (a->status < 300 && json_array_size(refused)) {
        judge_list(s, refused);
    } else if (a->status < 300) {
        door_meter_add(d->meters, DOOR_COUNT_TAKEN, 1);
        if (http_find_header(a->headers, a->n_headers, SV("Idempotency-Replayed")).n)
            door_meter_add(d->meters, DOOR_COUNT_REPEATED, 1);
        move(s, DONE);
    } else if (a->status == 429) {
        wait_for(s, (int64_t)retry_after_s * US_PER_S);
    } else if (a->status >= 500 || sv_eq(text_of(body, "type"), SV("/problems/idempotency-key-in-flight"))) {
        wait_for(s, 0); /* the gateway's trouble, not the entry's */
    } else {
        refuse(s, a->status, text_of(body, "type"), text_of(body, "detail"), text_of(body, "field"));
    }
    json_decref(body);
}

static void answered(struct exchange *x, const struct answer *a) {
    struct slot *s = (struct slot *)x;
    if (s->stale) {
        slot_drop(s);
        return;
    }
    judge(s, a);
    arena_reset(&s->x.arena);
}

static const struct exchange_way way = {.header = header, .answer = answered};

/* ---- entries ---- */

static bool is_event(const struct slot *s) {
    struct sv type = s->entry.type;
    if (sv_eq(type, SV("event")) || sv_eq(type, SV("message")))
        return sv_eq(type, SV("event"));
    return s->of->door->takes == DOOR_EVENTS;
}

static void hash_to(struct sv text, struct buf *out) {
    uint8_t hash[SHA256_BYTES];
    sha256(text, hash);
    hex_add(out, hash, SHA256_BYTES);
}

static void make_former_key(struct slot *s) {
    struct buf BUF_AUTO text = BUF_INIT(KEY_BYTES_MAX);
    former_beginning(s->of, &text);
    hash_to(s->entry.id, &text);
    put(s->former_key, sizeof s->former_key, buf_sv(&text));
}

/* The same whenever it comes, by whatever door, and of another queue's entry never. */
static void make_key(struct slot *s) {
    const struct door_in *d = s->of;
    struct buf BUF_AUTO text = BUF_INIT(KEY_BYTES_MAX), from = BUF_INIT(FROM_BYTES_MAX);
    s->key[0] = s->former_key[0] = '\0';
    if (s->entry.key.n) {
        put(s->key, sizeof s->key, s->entry.key); /* as its sender would give it to POST */
        return;
    }
    if (!s->entry.id.n)
        return;
    const struct sv parts[] = {d->door->kind == DOOR_AMQP ? SV("amqp") : SV("redis"), sv_of(d->host),
                               sv_of(d->path), d->door->queue, s->entry.id};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        buf_addf(&from, "%zu:", parts[i].n);
        buf_add(&from, parts[i]);
    }
    ASSERT(!from.overflow);
    buf_adds(&text, "queue:");
    hash_to(buf_sv(&from), &text);
    put(s->key, sizeof s->key, buf_sv(&text));
    if (d->may_be_former || is_event(s))
        make_former_key(s);
}

static void serve(struct slot *s) {
    struct arena mem = s->x.arena;
    struct sv path = is_event(s) ? SV("/v1/events") : SV("/v1/messages");
    arena_reset(&mem);
    s->x = (struct exchange){.method = HTTP_POST,
                             .method_name = SV("POST"),
                             .path = path,
                             .target = path,
                             .body = s->entry.body,
                             .client = sv_of(s->of->door->name),
                             .arrived_us = clock_monotonic_us(),
                             .arena = mem,
                             .way = &way,
                             .must_be_named = !s->of->door->unnamed,
                             .former_key = sv_of(s->former_key)};
    move(s, ASKED);
    front_take(s->of->front, &s->x, s->of->door->account);
}

static void take(struct door_in *d, const struct inlet_entry *came) {
    struct slot *s = slot_take(d);
    buf_reset(&s->words);
    buf_reset(&s->body);
    s->entry = *came;
    s->entry.id = keep(s, came->id);
    s->entry.key = keep(s, came->key);
    s->entry.type = keep(s, came->type);
    s->entry.content_type = keep(s, came->content_type);
    s->entry.traceparent = keep(s, came->traceparent);
    buf_add(&s->body, came->body);
    s->entry.body = buf_sv(&s->body);
    if (came->again)
        door_meter_add(d->meters, DOOR_COUNT_AGAIN, 1);
    if (came->large) {
        put(s->problem, sizeof s->problem, SV("/problems/too-large"));
        move(s, ASIDE);
        return;
    }
    make_key(s);
    serve(s);
}

static struct slot *slot_of(struct door_in *d, uint64_t tag) {
    for (struct slot *s = d->first; s; s = s->next)
        if (s->entry.tag == tag && !s->stale)
            return s;
    return NULL;
}

static void set_aside(struct door_in *d, uint64_t tag) {
    struct slot *s = slot_of(d, tag);
    if (!s || s->stage != ASIDE)
        return;
    door_meter_refused(d->meters, sv_of(s->problem));
    log_warn(d->world->log, "door.dead_letter", kv_name("door", d->door->name), kv_int("status", s->status),
             kv_name("problem", s->problem), kv_cstr("detail", s->detail), kv_name("field", s->field),
             kv_word("to", d->door->dead_letters));
    move(s, DONE);
}

/* Takes what has come. False: the connection is lost. */
static bool read_inlet(struct door_in *d, struct err *e) {
    for (;;) {
        struct inlet_entry entry;
        struct err why = ERR_INIT;
        switch (inlet_next(d->inlet, &entry, &why)) {
        case INLET_NOTHING: return true;
        case INLET_CAME: take(d, &entry); break;
        case INLET_ASIDE: set_aside(d, entry.tag); break;
        case INLET_NOT_ASIDE: {
            struct slot *s = slot_of(d, entry.tag);
            log_warn(d->world->log, "door.not_aside", kv_name("door", d->door->name),
                     kv_cstr("error", why.text));
            if (s && s->entry.large) { /* its body is not here: it must come again */
                *e = why;
                return false;
            }
            if (s)
                wait_for(s, US_PER_S);
            break;
        }
        case INLET_LOST: *e = why; return false;
        }
    }
}

static bool put_aside(struct door_in *d, struct err *e) {
    for (struct slot *s = d->first; d->n_broken && s; s = s->next) {
        if (s->stage != BROKEN)
            continue;
        const struct inlet_refusal why = {.problem = sv_of(s->problem),
                                          .detail = sv_of(s->detail),
                                          .field = sv_of(s->field),
                                          .status = s->status};
        move(s, ASIDE);
        if (!inlet_put_aside(d->inlet, &s->entry, &why, e))
            return false;
    }
    return true;
}

/* Those at the front of the line all at once, others each by itself. */
static bool acknowledge(struct door_in *d, struct err *e) {
    uint64_t up_to = 0;
    if (!d->n_done)
        return true;
    while (d->first && d->first->stage == DONE) {
        up_to = d->first->entry.tag;
        slot_drop(d->first);
    }
    if (up_to && !inlet_acknowledge(d->inlet, up_to, true, e))
        return false;
    for (struct slot *s = d->first, *next; d->n_done && s; s = next) {
        next = s->next;
        if (s->stage != DONE)
            continue;
        uint64_t tag = s->entry.tag;
        slot_drop(s);
        if (!inlet_acknowledge(d->inlet, tag, false, e))
            return false;
    }
    return inlet_flush(d->inlet, e);
}

static void try_again(struct door_in *d, int64_t now) {
    if (!d->n_waits || now < d->next_again_at)
        return;
    d->next_again_at = 0;
    for (struct slot *s = d->first, *next; s; s = next) {
        next = s->next; /* one that is served may be answered at once, and stays in the line all the same */
        if (s->stage != WAITS)
            continue;
        if (s->again_at <= now)
            serve(s);
        else if (d->next_again_at == 0 || s->again_at < d->next_again_at)
            d->next_again_at = s->again_at;
    }
}

static void ask_lag(struct door_in *d, int64_t now) {
    door_meter_set(d->meters, DOOR_GAUGE_HELD, d->n_slots);
    if (now < d->lag_at)
        return;
    d->lag_at = now + LAG_EVERY_US;
    door_meter_set(d->meters, DOOR_GAUGE_LAG, inlet_lag(d->inlet));
}

/* ---- the thread ---- */

static void work(struct door_in *d, int64_t now) {
    struct err e = ERR_INIT;
    bool draining = atomic_load(&d->drain);
    if (!d->inlet) {
        if (!draining && !d->first && now >= d->reconnect_at)
            connect_door(d);
        return;
    }
    if (!draining)
        try_again(d, now);
    if ((!draining && !read_inlet(d, &e)) || !put_aside(d, &e) || !acknowledge(d, &e)) {
        lose(d, &e);
        return;
    }
    if (!draining)
        ask_lag(d, now);
}

static int wait_ms(const struct door_in *d, int64_t now) {
    int64_t ms = WAIT_MS;
    if (d->n_waits && d->next_again_at - now < ms * US_PER_MS)
        ms = (d->next_again_at - now) / US_PER_MS;
    return ms > 0 ? (int)ms : 0;
}

void *door_in_run(void *arg) {
    struct door_in *d = arg;
    while (!atomic_load(&d->loop.stop)) {
        int64_t now = clock_monotonic_us();
        atomic_store_explicit(&d->loop.beat, now, memory_order_relaxed);
        front_run(d->front); /* answers make slots ready, and what was asked goes to the core */
        work(d, now);
        front_run(d->front);
        bool quiet = atomic_load(&d->drain) && d->n_asked == 0 && d->n_done == 0;
        atomic_store(&d->idle, quiet && front_is_idle(d->front));
        if (d->n_done || d->n_broken)
            continue;
        front_wait(d->front, d->inlet ? inlet_fd(d->inlet) : -1, wait_ms(d, now));
    }
    inlet_close(d->inlet);
    d->inlet = NULL;
    door_meter_set(d->meters, DOOR_GAUGE_CONNECTED, 0);
    return NULL;
}

struct door_in *door_in_open(const struct door *door, bool host_counts, const struct front_parts *parts,
                             struct err *e) {
    struct door_address a;
    if (!door_address_of(door->kind, door->url, &a, e))
        return NULL;
    struct door_in *d = calloc(1, sizeof *d);
    ASSERT(d);
    memcpy(d->path, a.path, sizeof d->path);
    if (host_counts)
        snprintf(d->host, sizeof d->host, "%s:%u", a.host, a.port);
    d->door = door;
    d->world = parts->world;
    d->body_bytes_max = parts->settings->limits.request_bytes_max;
    d->meters = door_meters_of(&parts->world->meters->doors, door->name);
    atomic_init(&d->drain, false);
    atomic_init(&d->idle, false);
    d->front = front_open(parts, NULL, 0, false, e);
    if (d->front)
        return d;
    free(d);
    return NULL;
}

void door_in_close(struct door_in *d) {
    if (!d)
        return;
    front_close(d->front);
    slots_free(d);
    free(d);
}

struct front *door_in_front(struct door_in *d) {
    return d->front;
}

struct loop *door_in_loop(struct door_in *d) {
    return &d->loop;
}

void door_in_drain(struct door_in *d) {
    front_drain(d->front);
    atomic_store(&d->drain, true);
    front_wake(d->front);
}

bool door_in_is_idle(const struct door_in *d) {
    return atomic_load(&d->idle) && front_is_idle(d->front);
}
