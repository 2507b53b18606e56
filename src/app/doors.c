#include "app/doors.h"

#include "app/door_in.h"
#include "base/clock.h"
#include "model/door_meters.h"
#include "store/db.h"

#include <string.h>

enum { IN_MAX = 2 * DOORS_MAX, OUT_MAX = 2 * DOORS_MAX, REPLIES_MIN = 1024 };

struct entry { /* of a door in */
    struct door_in *door;
    const struct door *of;
    bool host_counts; /* as it was opened */
    struct mailbox *replies;
    int64_t leaves_at; /* monotonic, since when; 0: it stays */
};

struct leaver {
    struct door_out *door;
    int64_t since;
};

struct doors {
    struct doors_parts parts;
    const struct settings *settings;
    struct sv database;      /* of the settings at the start: that does not change */
    struct entry in[IN_MAX]; /* door: NULL where there is none */
    struct doors_out out;
    struct leaver leaving[OUT_MAX];
    bool unsettled, told; /* told: that one could not be opened */
    int64_t again_at;
};

struct doors *doors_new(const struct doors_parts *parts) {
    struct doors *d = calloc(1, sizeof *d);
    ASSERT(d);
    d->parts = *parts;
    pthread_mutex_init(&d->out.lock, NULL);
    return d;
}

struct doors_out *doors_outs(struct doors *d) {
    return &d->out;
}

/* ---- one of them ---- */

/* The one that stays, or else one that leaves; NULL: neither. */
static struct entry *entry_of(struct doors *d, const char *name) {
    struct entry *found = NULL;
    for (unsigned i = 0; i < IN_MAX; i++)
        if (d->in[i].door && strcmp(d->in[i].of->name, name) == 0 && (!found || !d->in[i].leaves_at))
            found = &d->in[i];
    return found;
}

static struct entry *free_entry(struct doors *d) {
    for (unsigned i = 0; i < IN_MAX; i++)
        if (!d->in[i].door)
            return &d->in[i];
    return NULL;
}

static void close_in(struct entry *x) {
    door_in_close(x->door);
    mailbox_free(x->replies);
    memset(x, 0, sizeof *x);
}

/* Does another door take from a queue that only its host tells from this one's? */
static bool host_counts(const struct settings *s, const struct door *door) {
    struct door_address own, other;
    struct err e = ERR_INIT;
    bool sound = door_address_of(door->kind, door->url, &own, &e);
    ASSERT(sound); /* the settings have been checked */
    for (uint32_t i = 0; i < s->n_doors; i++) {
        const struct door *x = &s->doors[i];
        if (x->direction != DOOR_IN || x->kind != door->kind || !sv_eq(x->queue, door->queue) ||
            !sv_eq(x->account, door->account))
            continue;
        sound = door_address_of(x->kind, x->url, &other, &e);
        ASSERT(sound);
        if (strcmp(own.path, other.path) == 0 &&
            (strcmp(own.host, other.host) != 0 || own.port != other.port))
            return true;
    }
    return false;
}

/* What is asked for one entry is one ask, or as many as a list of events has and what they withdraw: the rest
 * is turned away, and comes again. */
static struct entry *open_in(struct doors *d, const struct door *door, struct err *e) {
    struct entry *x = free_entry(d);
    size_t asks = (size_t)door->prefetch * 2;
    if (!x) {
        err_set(e, ERR_BUSY, "doors that were closed are not done yet");
        return NULL;
    }
    x->replies = mailbox_new(asks > REPLIES_MIN ? asks : REPLIES_MIN, e);
    if (!x->replies)
        return NULL;
    struct front_parts parts = d->parts.front(d->parts.ctx, x->replies);
    x->of = door;
    x->host_counts = host_counts(d->settings, door);
    x->door = door_in_open(door, x->host_counts, &parts, e);
    if (x->door)
        return x;
    mailbox_free(x->replies);
    memset(x, 0, sizeof *x);
    return NULL;
}

static bool open_out(struct doors *d, const struct door *door, struct db *db, int64_t *last_id,
                     struct err *e) {
    if (!door_out_enlist(db, door, d->parts.world, d->parts.master, last_id, e))
        return false;
    struct door_out *opened = door_out_open(door, d->parts.world, d->parts.back, e);
    if (!opened)
        return false;
    pthread_mutex_lock(&d->out.lock);
    ASSERT(d->out.n < DOORS_MAX);
    d->out.at[d->out.n++] = opened;
    pthread_mutex_unlock(&d->out.lock);
    return true;
}

static bool start_in(struct entry *x, struct err *e) {
    return loop_start(door_in_loop(x->door), door_in_run, x->door, "door", e);
}

static bool start_out(struct door_out *out, struct err *e) {
    return loop_start(door_out_loop(out), door_out_run, out, "door", e);
}

bool doors_open(struct doors *d, const struct settings *s, struct db *db, int64_t *last_id, struct err *e) {
    d->settings = s;
    d->database = s->database;
    for (uint32_t i = 0; i < s->n_doors; i++) {
        const struct door *door = &s->doors[i];
        if (!(door->direction == DOOR_IN ? open_in(d, door, e) != NULL : open_out(d, door, db, last_id, e)))
            return false;
    }
    return true;
}

bool doors_start(struct doors *d, struct err *e) {
    bool ok = true;
    for (unsigned i = 0; ok && i < IN_MAX; i++)
        ok = !d->in[i].door || start_in(&d->in[i], e);
    for (unsigned i = 0; ok && i < d->out.n; i++)
        ok = start_out(d->out.at[i], e);
    return ok;
}

/* ---- other settings ---- */

static const struct door *wanted(const struct settings *s, const struct door *door) {
    for (uint32_t i = 0; i < s->n_doors; i++)
        if (door_is_same(&s->doors[i], door))
            return &s->doors[i];
    return NULL;
}

/* Do the settings have a door out of that name? */
static bool has_out(const struct doors *d, const char *name) {
    for (uint32_t i = 0; i < d->settings->n_doors; i++)
        if (d->settings->doors[i].direction == DOOR_OUT && strcmp(d->settings->doors[i].name, name) == 0)
            return true;
    return false;
}

static void tell_closed(const struct doors *d, const struct door *door) {
    log_info(d->parts.world->log, "door.closed", kv_name("door", door->name), kv_word("url", door->url));
}

static bool take_out(struct doors *d, unsigned i) {
    for (unsigned k = 0; k < OUT_MAX; k++) {
        if (d->leaving[k].door)
            continue;
        d->leaving[k] = (struct leaver){.door = d->out.at[i], .since = clock_monotonic_us()};
        pthread_mutex_lock(&d->out.lock); /* no sender has it in its hands from now on */
        d->out.at[i] = d->out.at[--d->out.n];
        pthread_mutex_unlock(&d->out.lock);
        return true;
    }
    return false;
}

void doors_follow(struct doors *d, const struct settings *s, struct texts *t) {
    struct err e = ERR_INIT;
    d->settings = s;
    d->unsettled = true;
    d->again_at = 0;
    for (unsigned i = 0; i < IN_MAX; i++) {
        struct entry *x = &d->in[i];
        if (!x->door || x->leaves_at)
            continue;
        if (!wanted(s, x->of) || x->host_counts != host_counts(s, x->of)) {
            x->leaves_at = clock_monotonic_us();
            door_in_drain(x->door);
        } else if (!front_offer(door_in_front(x->door), s, t, &e)) {
            log_error(d->parts.world->log, "reload.failed", kv_cstr("error", e.text));
        }
    }
}

static bool is_late(int64_t since) {
    return clock_monotonic_us() - since > (int64_t)DOORS_PATIENCE_S * US_PER_S;
}

static void stop(struct loop *l, struct mailbox *wake) {
    if (!l->thread)
        return;
    atomic_store(&l->stop, true);
    mailbox_wake(wake);
    pthread_join(l->thread, NULL);
    l->thread = 0;
}

/* False: some are not done yet. A door in whose requests the core has not answered stays until it has. */
static bool close_leavers(struct doors *d) {
    bool done = true;
    for (unsigned i = 0; i < IN_MAX; i++) {
        struct entry *x = &d->in[i];
        if (!x->door || !x->leaves_at)
            continue;
        if (!door_in_is_idle(x->door)) {
            done = false;
            continue;
        }
        stop(door_in_loop(x->door), x->replies);
        tell_closed(d, x->of);
        close_in(x);
    }
    for (unsigned i = 0; i < OUT_MAX; i++) {
        struct leaver *x = &d->leaving[i];
        if (!x->door)
            continue;
        if (!door_out_is_idle(x->door) && !is_late(x->since)) {
            done = false;
            continue;
        }
        stop(door_out_loop(x->door), door_out_mailbox(x->door));
        const struct door *of = door_out_of(x->door);
        tell_closed(d, of);
        if (!has_out(d, of->name)) /* else the place is the new one's */
            door_meter_set(door_meters_of(&d->parts.world->meters->doors, of->name), DOOR_GAUGE_CONNECTED, 0);
        door_out_close(x->door);
        memset(x, 0, sizeof *x);
    }
    return done;
}

static bool open_late_in(struct doors *d, const struct door *door, struct err *e) {
    struct entry *x = entry_of(d, door->name);
    if (x && !x->leaves_at)
        return true;
    if (x && !is_late(x->leaves_at))
        return true; /* first it goes */
    x = open_in(d, door, e);
    return x && start_in(x, e);
}

/* The old one of that name takes no more calls from the moment on at which the new one does. */
static bool open_late_out(struct doors *d, const struct door *door, struct err *e) {
    unsigned i = 0;
    while (i < d->out.n && strcmp(door_out_of(d->out.at[i])->name, door->name) != 0)
        i++;
    if (i < d->out.n && door_is_same(door_out_of(d->out.at[i]), door))
        return true;
    if (i < d->out.n && !take_out(d, i))
        return err_set(e, ERR_BUSY, "doors that were closed are not done yet");
    int64_t last_id = 0;
    struct db *db = db_open(d->database, DB_WRITER, e); /* the journal has its own */
    bool ok = db && open_out(d, door, db, &last_id, e);
    db_close(db);
    return ok && start_out(d->out.at[d->out.n - 1], e);
}

static bool open_missing(struct doors *d, struct err *e) {
    bool ok = true;
    for (uint32_t i = 0; i < d->settings->n_doors; i++) {
        const struct door *door = &d->settings->doors[i];
        ok &= door->direction == DOOR_IN ? open_late_in(d, door, e) : open_late_out(d, door, e);
    }
    return ok;
}

static void take_out_unwanted(struct doors *d) {
    for (unsigned i = d->out.n; i-- > 0;)
        if (!has_out(d, door_out_of(d->out.at[i])->name))
            (void)take_out(d, i);
}

static bool all_there(struct doors *d) {
    for (uint32_t i = 0; i < d->settings->n_doors; i++) {
        const struct entry *x = entry_of(d, d->settings->doors[i].name);
        if (d->settings->doors[i].direction == DOOR_IN && (!x || x->leaves_at))
            return false;
    }
    return true;
}

bool doors_settle(struct doors *d) {
    struct err e = ERR_INIT;
    if (!d->unsettled)
        return false;
    bool closed = close_leavers(d);
    if (clock_monotonic_us() < d->again_at)
        return true;
    take_out_unwanted(d);
    bool opened = open_missing(d, &e);
    if (!opened) {
        d->again_at = clock_monotonic_us() + US_PER_S;
        if (!d->told)
            log_error(d->parts.world->log, "door.not_opened", kv_cstr("error", e.text),
                      kv_name("meaning", "it is tried again each second"));
    }
    d->told = !opened;
    d->unsettled = !closed || !opened || !all_there(d);
    for (unsigned i = 0; i < OUT_MAX; i++)
        d->unsettled |= d->leaving[i].door != NULL;
    return d->unsettled;
}

/* ---- the end ---- */

void doors_drain(struct doors *d) {
    for (unsigned i = 0; i < IN_MAX; i++)
        if (d->in[i].door && !d->in[i].leaves_at)
            door_in_drain(d->in[i].door);
}

bool doors_are_idle(const struct doors *d) {
    bool idle = true;
    for (unsigned i = 0; i < IN_MAX; i++)
        idle &= !d->in[i].door || door_in_is_idle(d->in[i].door);
    return idle;
}

void doors_stop_in(struct doors *d) {
    for (unsigned i = 0; i < IN_MAX; i++)
        if (d->in[i].door)
            stop(door_in_loop(d->in[i].door), d->in[i].replies);
}

void doors_stop_out(struct doors *d) {
    for (unsigned i = 0; i < d->out.n; i++)
        stop(door_out_loop(d->out.at[i]), door_out_mailbox(d->out.at[i]));
    for (unsigned i = 0; i < OUT_MAX; i++)
        if (d->leaving[i].door)
            stop(door_out_loop(d->leaving[i].door), door_out_mailbox(d->leaving[i].door));
}

void doors_hand_back(struct doors *d) {
    if (!d)
        return;
    while (d->out.n)
        door_out_close(d->out.at[--d->out.n]);
    for (unsigned i = 0; i < OUT_MAX; i++) {
        door_out_close(d->leaving[i].door);
        d->leaving[i].door = NULL;
    }
}

void doors_free(struct doors *d) {
    if (!d)
        return;
    doors_hand_back(d);
    for (unsigned i = 0; i < IN_MAX; i++)
        if (d->in[i].door)
            close_in(&d->in[i]);
    pthread_mutex_destroy(&d->out.lock);
    free(d);
}
