#include "app/threads.h"

#include "base/clock.h"
#include "store/move_mark.h"

#include <poll.h>
#include <string.h>

bool loop_start(struct loop *l, void *(*run)(void *), void *arg, const char *name, struct err *e) {
    atomic_store(&l->beat, clock_monotonic_us());
    int rc = pthread_create(&l->thread, NULL, run, arg);
    if (rc != 0)
        return err_set(e, ERR_OUTSIDE, "cannot start the %s thread: %s", name, strerror(rc));
    pthread_setname_np(l->thread, name);
    return true;
}

static void beat(struct loop *l) {
    atomic_store_explicit(&l->beat, clock_monotonic_us(), memory_order_relaxed);
}

static void wait_for(struct mailbox *m, int64_t timeout_us) {
    struct pollfd p = {.fd = mailbox_fd(m), .events = POLLIN};
    struct timespec ts = {.tv_sec = timeout_us / US_PER_S, .tv_nsec = timeout_us % US_PER_S * 1000};
    ppoll(&p, 1, &ts, NULL);
}

/* ---- journal ---- */

enum {
    JOURNAL_TAKE_MAX = 1024,
    JOURNAL_HELD_MAX = 8192,
    WAL_PAGES_MAX = 4096, /* 16 MB: then the journal finishes what the checkpoint thread has left */
    HELD_RETRY_US = 200 * 1000,
    IDLE_US = 1000 * 1000,
    SCRUB_MS = 20, /* how long readers may hold up the emptying of the log */
};

static void note_health(struct journal_loop *j, struct err *known) {
    const struct err *now = journal_trouble(j->journal);
    struct meters *m = j->world->meters;
    meter_set(m, GAUGE_JOURNAL_HEALTHY, now->kind == ERR_NONE);
    if (now->kind != ERR_NONE)
        meter_add(m, COUNT_JOURNAL_FAILURES, 1);
    if (now->kind == known->kind)
        return;
    if (now->kind != ERR_NONE)
        log_error(
            j->world->log, "journal.failing", kv_cstr("error", now->text),
            kv_cstr("meaning", "new messages are refused with 503 until the database takes writes again"));
    else
        log_info(j->world->log, "journal.recovered", kv_int("held", (int64_t)journal_held(j->journal)));
    *known = *now;
}

/* While it is on its way it may come back: only what is gone for good is worth a restart. */
static void look_where_it_is(struct journal_loop *j) {
    const struct err *why = journal_trouble(j->journal);
    struct move_mark mark;
    struct err e = ERR_INIT, ignored = ERR_INIT;
    if (why->kind == ERR_NONE || atomic_load(&j->moved) || !strstr(why->text, MOVE_SHUT_WORDS) ||
        !move_mark_read(j->db, &mark, &ignored) || mark.state != MOVE_GONE || move_allows(j->db, &e))
        return;
    j->where_to = e;
    atomic_store(&j->moved, true);
}

static size_t give_back(struct mailbox *out, struct job **done, size_t n) {
    size_t took = mailbox_put(out, (void *const *)done, n);
    ASSERT(took == n); /* the core counts what it hands out: there is room for all of it */
    return took;
}

void *journal_loop_run(void *arg) {
    struct journal_loop *j = arg;
    struct job *jobs[JOURNAL_TAKE_MAX], **done = calloc(JOURNAL_TAKE_MAX + JOURNAL_HELD_MAX, sizeof *done);
    ASSERT(done);
    struct err known = ERR_INIT;
    int64_t retry_at = 0;
    for (;;) {
        beat(&j->loop);
        size_t n = mailbox_take(j->in, (void **)jobs, JOURNAL_TAKE_MAX);
        int64_t begun = clock_monotonic_us();
        bool held = journal_held(j->journal) > 0;
        if (n || (held && begun >= retry_at)) {
            size_t n_done = journal_apply(j->journal, jobs, n, done);
            give_back(j->out, done, n_done);
            meter_add(j->world->meters, COUNT_JOBS, n_done);
            meter_add(j->world->meters, COUNT_COMMITS, 1);
            meter_time(j->world->meters, HIST_COMMIT, clock_monotonic_us() - begun);
            meter_set(j->world->meters, GAUGE_WAL_PAGES, db_wal_pages(j->db));
            note_health(j, &known);
            look_where_it_is(j);
            retry_at = begun + HELD_RETRY_US;
            struct err ignored = ERR_INIT; /* the next commit meets the same trouble, and tells */
            if (db_wal_pages(j->db) > WAL_PAGES_MAX)
                db_checkpoint(j->db, false, &ignored);
            if (journal_wants_scrub(j->journal))
                journal_scrub(j->journal, SCRUB_MS);
            continue;
        }
        if (atomic_load(&j->loop.stop))
            break;
        if (journal_wants_scrub(j->journal))
            journal_scrub(j->journal, SCRUB_MS);
        if (mailbox_may_sleep(j->in))
            wait_for(j->in, held ? HELD_RETRY_US : IDLE_US);
        mailbox_awake(j->in);
    }
    free(done);
    return NULL;
}

void *checkpoint_loop_run(void *arg) {
    struct checkpoint_loop *c = arg;
    enum { STEP_US = 50 * 1000, WAL_PAGES_MIN = 1000 };
    struct err e = ERR_INIT;
    struct db *db = db_open(c->database, DB_WRITER, &e);
    if (!db)
        log_warn(c->world->log, "checkpoint.off", kv_cstr("error", e.text));
    while (!atomic_load(&c->loop.stop)) {
        beat(&c->loop);
        struct timespec ts = {.tv_nsec = STEP_US * 1000};
        nanosleep(&ts, NULL);
        int64_t pages =
            atomic_load_explicit(&c->world->meters->gauges[GAUGE_WAL_PAGES], memory_order_relaxed);
        struct err ignored = ERR_INIT;
        if (db && pages > WAL_PAGES_MIN)
            db_checkpoint(db, false, &ignored);
    }
    db_close(db);
    return NULL;
}

/* ---- core ---- */

static void publish_fills(struct core_loop *c) {
    struct meters *m = c->world->meters;
    const struct {
        enum gauge gauge;
        struct mailbox *box;
    } boxes[] = {{GAUGE_CORE_MAILBOX, c->mail.asks},
                 {GAUGE_RECEIPT_MAILBOX, c->mail.receipts},
                 {GAUGE_JOURNAL_MAILBOX, c->mail.journal}};
    for (size_t i = 0; i < sizeof boxes / sizeof boxes[0]; i++)
        meter_set(m, boxes[i].gauge,
                  (int64_t)(mailbox_fill(boxes[i].box) * 100 / mailbox_capacity(boxes[i].box)));
    size_t fullest = 0;
    for (unsigned i = 0; i < c->mail.n_senders; i++) {
        size_t fill = mailbox_fill(c->mail.senders[i]) * 100 / mailbox_capacity(c->mail.senders[i]);
        fullest = fill > fullest ? fill : fullest;
    }
    meter_set(m, GAUGE_SENDER_MAILBOX, (int64_t)fullest);
}

static bool may_sleep(const struct core_mail *m) {
    /* Each must be asked: asking announces the sleep. */
    bool asks = mailbox_may_sleep(m->asks), receipts = mailbox_may_sleep(m->receipts);
    bool committed = mailbox_may_sleep(m->committed), called = mailbox_may_sleep(m->called);
    bool shared = !m->shared_back || mailbox_may_sleep(m->shared_back);
    return asks && receipts && committed && called && shared;
}

void *core_loop_run(void *arg) {
    struct core_loop *c = arg;
    int64_t publish_at = 0;
    while (!atomic_load(&c->loop.stop)) {
        beat(&c->loop);
        if (atomic_load(&c->drain))
            core_drain(c->core);
        int64_t next_at = core_turn(c->core);
        int64_t now = world_now(c->world);
        if (now >= publish_at) {
            publish_fills(c);
            publish_at = now + 100 * US_PER_MS;
        }
        if (atomic_load(&c->drain))
            atomic_store(&c->idle, core_is_idle(c->core) && mailbox_fill(c->mail.asks) == 0);
        int64_t wait_us = next_at - now;
        if (wait_us <= 0)
            continue;
        if (may_sleep(&c->mail))
            wait_for(c->mail.asks, wait_us < IDLE_US ? wait_us : IDLE_US);
        mailbox_awake(c->mail.asks);
    }
    return NULL;
}
