#include "app/gateway.h"

#include "api/front.h"
#include "app/config.h"
#include "app/doors.h"
#include "app/membership.h"
#include "app/puller.h"
#include "app/real_world.h"
#include "app/sharing.h"
#include "app/threads.h"
#include "base/clock.h"
#include "console/console.h"
#include "net/listen.h"
#include "net/papers.h"
#include "pipeline/ask.h"
#include "store/migrate.h"
#include "store/reader.h"
#include "store/seal.h"
#include "text/mask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum {
    FRONTS_MAX = 16,
    RETIRED_MAX = 1024,
    ASKS_BOX = 8192,
    RECEIPTS_BOX = 8192,
    JOURNAL_BOX = 4096,
    SENDER_BOX = 2048,
    REPLIES_BOX_MIN = 4096,
    WATCHDOG_STALL_US = 30 * 1000 * 1000,
    START_PATIENCE_MS = 15000, /* busy nodes on the same file of SQLite may keep it for a while */
};

struct front_loop {
    struct loop loop;
    struct front *front;
};

struct papers_loop {
    struct loop loop;
    struct papers *papers;
};

struct retired {
    struct settings *settings;
    struct texts *texts;
};

struct gateway {
    struct settings_source source;
    struct settings *settings;
    struct texts *texts;
    struct retired retired[RETIRED_MAX]; /* calls in flight may still name them: kept to the end */
    size_t n_retired;

    struct real_clock clock;
    struct log log;
    struct meters meters;
    struct world world;
    struct master_key master;
    int lock_fd, signal_fd;

    struct db *db;
    struct membership member;
    struct core_mail mail;
    struct mailbox *replies[FRONTS_MAX], *reloaded, *pull_replies;
    struct core *core;

    struct journal_loop journal;
    struct checkpoint_loop checkpoint;
    struct sender_loop senders[CORE_SENDERS_MAX];
    struct core_loop core_loop;
    struct front_loop fronts[FRONTS_MAX];
    struct doors *doors;
    struct puller *puller; /* where a lane has something fetched */
    struct papers *papers;
    struct papers_loop papers_loop;
    struct sharing_loop sharing; /* without a Redis: nothing */
    unsigned n_fronts, n_senders;
    struct ask reload;
    bool reloading, reload_again; /* again: asked for while it was under way */
    bool clock_told;
};

/* ---- opening ---- */

static bool make_data_dir(struct gateway *g, struct err *e) {
    const char *dir = g->settings->data_dir.p;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return err_set(e, ERR_OUTSIDE, "data_dir: cannot make %s: %s", dir, strerror(errno));
    struct buf BUF_AUTO path = BUF_INIT(4096);
    buf_addf(&path, "%s/hongyan.lock", dir);
    g->lock_fd = path.overflow ? -1 : open(path.p, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (g->lock_fd < 0)
        return err_set(e, ERR_OUTSIDE, "data_dir: cannot write in %s: %s", dir, strerror(errno));
    if (flock(g->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return err_set(e, ERR_OUTSIDE,
                       "%s: another hongyan serves this folder: stop it, or give this one another data_dir",
                       path.p);
    return true;
}

static bool join_nodes(struct gateway *g, struct err *e) {
    if (!membership_wanted(g->settings))
        return true;
    if (!membership_join(&g->member, g->db, g->settings, &g->clock, &g->log, e))
        return false;
    g->world.node = g->member.self.id;
    g->world.lease = &g->member.lease;
    return true;
}

static bool open_store(struct gateway *g, int64_t *last_id, int64_t *backlog, struct err *e) {
    int from, to;
    if (!master_key_load(g->source.master_key_hex, g->settings->data_dir, &g->master, e))
        return false;
    g->db = db_open(g->settings->database, DB_WRITER, e);
    if (g->db)
        db_set_patience(g->db, START_PATIENCE_MS);
    if (!g->db || !migrate(g->db, &from, &to, e) || !master_key_fits(g->db, &g->master, e) ||
        !join_nodes(g, e) || !reader_totals(g->db, g->world.node, last_id, backlog, e))
        return false;
    if (*last_id)
        real_clock_at_least(&g->clock, id_time(*last_id));
    if (from != to)
        log_info(&g->log, "store.migrated", kv_int("from", from), kv_int("to", to));
    g->world.id_key = master_key_ids(&g->master);
    g->world.vault = master_key_vault(&g->master);
    g->journal.db = g->db;
    g->journal.journal = journal_new(g->db, e);
    if (g->journal.journal)
        journal_join(g->journal.journal, &g->member.self);
    return g->journal.journal != NULL;
}

static bool box(struct mailbox **m, struct mailbox *beside, size_t capacity, struct err *e) {
    *m = beside ? mailbox_new_beside(beside, capacity, e) : mailbox_new(capacity, e);
    return *m != NULL;
}

static bool open_boxes(struct gateway *g, struct err *e) {
    struct core_mail *m = &g->mail;
    bool ok = box(&m->asks, NULL, ASKS_BOX, e) && box(&m->receipts, m->asks, RECEIPTS_BOX, e) &&
              box(&m->committed, m->asks, CORE_JOBS_MAX, e) && box(&m->called, m->asks, CORE_CALLS_MAX, e) &&
              box(&m->journal, NULL, JOURNAL_BOX, e) && box(&g->reloaded, NULL, 1, e);
    if (g->settings->redis.url.n) {
        ok = ok && box(&m->shared, NULL, CORE_SHARED_MAX, e) &&
             box(&m->shared_back, m->asks, CORE_SHARED_MAX, e);
        g->sharing.shared = ok ? sharing_open(g->settings, &g->meters, e) : NULL;
        ok = g->sharing.shared != NULL;
    }
    g->n_senders = g->settings->threads.sender;
    g->n_fronts = g->settings->threads.front;
    ASSERT(g->n_senders >= 1 && g->n_senders <= CORE_SENDERS_MAX && g->n_fronts >= 1 &&
           g->n_fronts <= FRONTS_MAX);
    m->n_senders = g->n_senders;
    for (unsigned i = 0; ok && i < g->n_senders; i++)
        ok = box(&m->senders[i], NULL, SENDER_BOX, e);
    size_t replies = (size_t)g->settings->limits.connections_max * 2;
    for (unsigned i = 0; ok && i < g->n_fronts; i++)
        ok = box(&g->replies[i], NULL, replies > REPLIES_BOX_MIN ? replies : REPLIES_BOX_MIN, e);
    return ok;
}

static struct front_parts front_parts(struct gateway *g, struct mailbox *replies) {
    return (struct front_parts){.settings = g->settings,
                                .texts = g->texts,
                                .world = &g->world,
                                .master = &g->master,
                                .asks = g->mail.asks,
                                .receipts = g->mail.receipts,
                                .papers = g->papers,
                                .replies = replies,
                                .console_file = console_file};
}

static bool open_fronts(struct gateway *g, struct err *e) {
    char host[INET6_ADDRSTRLEN];
    uint16_t port;
    if (!config_split_listen(g->settings->listen, host, &port, e))
        return false;
    if (port &&
        g->n_fronts >
            1) { /* fronts share the port, which would let another gateway share it, too: look first */
        int fd = listen_open(host, port, false, e);
        if (fd < 0)
            return false;
        close(fd);
    }
    g->papers = papers_open(&g->log, e);
    if (!g->papers)
        return false;
    for (unsigned i = 0; i < g->n_fronts; i++) {
        struct front_parts parts = front_parts(g, g->replies[i]);
        g->fronts[i].front = front_open(&parts, host, port, g->n_fronts > 1, e);
        if (!g->fronts[i].front)
            return false;
        port = front_port(g->fronts[i].front); /* port 0: the others share what the first one got */
    }
    return true;
}

static struct front_parts door_front_parts(void *gateway, struct mailbox *replies) {
    return front_parts(gateway, replies);
}

static bool open_doors(struct gateway *g, int64_t *last_id, struct err *e) {
    const struct doors_parts parts = {.world = &g->world,
                                      .master = &g->master,
                                      .back = g->mail.called,
                                      .front = door_front_parts,
                                      .ctx = g};
    g->doors = doors_new(&parts);
    return doors_open(g->doors, g->settings, g->db, last_id, e);
}

/* From the first settings on that have something fetched. */
static bool open_puller(struct gateway *g, struct err *e) {
    if (g->puller || !puller_wanted(g->settings))
        return true;
    if (!g->pull_replies && !box(&g->pull_replies, NULL, REPLIES_BOX_MIN, e))
        return false;
    struct front_parts parts = front_parts(g, g->pull_replies);
    g->puller = puller_open(&parts, e);
    return g->puller != NULL;
}

static bool start_puller(struct gateway *g, struct err *e) {
    return !g->puller || puller_loop(g->puller)->thread ||
           loop_start(puller_loop(g->puller), puller_run, g->puller, "puller", e);
}

static bool block_signals(struct gateway *g, struct err *e) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its size limit is an error of that write, not the end of us */
    g->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return g->signal_fd >= 0 || err_set(e, ERR_OUTSIDE, "signalfd: %s", strerror(errno));
}

static bool open_all(struct gateway *g, struct err *e) {
    int64_t last_id, backlog;
    if (!block_signals(g, e) || !make_data_dir(g, e))
        return false;
    g->texts = texts_load(g->settings, e);
    if (!g->texts || !open_store(g, &last_id, &backlog, e) || !open_boxes(g, e) || !open_fronts(g, e) ||
        !open_doors(g, &last_id, e) || !open_puller(g, e))
        return false;
    g->core = core_new(&g->world, g->settings, &g->mail, last_id, backlog, e);
    if (!g->core)
        return false;
    meter_set(&g->meters, GAUGE_JOURNAL_HEALTHY, 1);
    log_info(&g->log, "gateway.open", kv_word("listen", g->settings->listen),
             kv_int("port", front_port(g->fronts[0].front)), kv_int("backlog", backlog),
             kv_int("lanes", g->settings->n_lanes));
    return true;
}

struct gateway *gateway_open(struct settings *settings, const struct settings_source *source, struct err *e) {
    struct gateway *g = calloc(1, sizeof *g);
    ASSERT(g);
    g->settings = settings;
    g->source = *source;
    g->lock_fd = g->signal_fd = -1;
    real_clock_init(&g->clock);
    g->log = (struct log){.fd = STDERR_FILENO,
                          .level = settings->log.level,
                          .format = settings->log.format,
                          .now_us = real_now_us,
                          .ctx = &g->clock,
                          .mask = mask_text};
    g->world = (struct world){
        .now_us = real_now_us, .random = real_random, .ctx = &g->clock, .log = &g->log, .meters = &g->meters};
    if (open_all(g, e))
        return g;
    gateway_close(g);
    return NULL;
}

/* ---- running ---- */

/* Where processors are short, what was accepted is sent before more is (docs/decisions/0061). Linux means
 * this thread alone (nice(2), "C library/kernel differences"). */
static void let_others_first(void) {
    enum { LESS_URGENT = 5 };
    int level = nice(LESS_URGENT); /* -1 may be a level, or that it must not: then all are as urgent */
    (void)level;
}

static void *front_loop_run(void *arg) {
    struct front_loop *f = arg;
    let_others_first();
    while (!atomic_load(&f->loop.stop)) {
        atomic_store_explicit(&f->loop.beat, clock_monotonic_us(), memory_order_relaxed);
        front_wait(f->front, -1, 500);
        front_run(f->front);
    }
    return NULL;
}

static void *papers_loop_run(void *arg) {
    struct papers_loop *l = arg;
    while (!atomic_load(&l->loop.stop)) {
        atomic_store_explicit(&l->loop.beat, clock_monotonic_us(), memory_order_relaxed);
        papers_run(l->papers, 1000);
    }
    return NULL;
}

static bool start_threads(struct gateway *g, struct err *e) {
    g->journal.in = g->mail.journal;
    g->journal.out = g->mail.committed;
    g->journal.world = &g->world;
    g->checkpoint.database = g->settings->database;
    g->checkpoint.world = &g->world;
    g->core_loop.core = g->core;
    g->core_loop.mail = g->mail;
    g->core_loop.world = &g->world;
    bool ok = loop_start(&g->journal.loop, journal_loop_run, &g->journal, "journal", e) &&
              loop_start(&g->checkpoint.loop, checkpoint_loop_run, &g->checkpoint, "checkpoint", e);
    for (unsigned i = 0; ok && i < g->n_senders; i++) {
        g->senders[i].in = g->mail.senders[i];
        g->senders[i].out = g->mail.called;
        g->senders[i].world = &g->world;
        g->senders[i].database = g->settings->database;
        g->senders[i].master = g->master;
        g->senders[i].doors = doors_outs(g->doors);
        ok = loop_start(&g->senders[i].loop, sender_loop_run, &g->senders[i], "sender", e);
    }
    g->sharing.in = g->mail.shared;
    g->sharing.out = g->mail.shared_back;
    g->sharing.world = &g->world;
    ok = ok &&
         (!g->sharing.shared || loop_start(&g->sharing.loop, sharing_loop_run, &g->sharing, "sharing", e));
    g->papers_loop.papers = g->papers;
    ok = ok && loop_start(&g->papers_loop.loop, papers_loop_run, &g->papers_loop, "papers", e) &&
         loop_start(&g->core_loop.loop, core_loop_run, &g->core_loop, "core", e);
    for (unsigned i = 0; ok && i < g->n_fronts; i++)
        ok = loop_start(&g->fronts[i].loop, front_loop_run, &g->fronts[i], "front", e);
    return ok && doors_start(g->doors, e) && start_puller(g, e);
}

static void stop_loop(struct loop *l, struct mailbox *wake) {
    if (!l->thread)
        return;
    atomic_store(&l->stop, true);
    if (wake)
        mailbox_wake(wake);
    pthread_join(l->thread, NULL);
    l->thread = 0;
}

static void stop_threads(struct gateway *g) {
    doors_stop_in(g->doors);
    if (g->puller)
        stop_loop(puller_loop(g->puller), g->pull_replies);
    for (unsigned i = 0; i < g->n_fronts; i++)
        stop_loop(&g->fronts[i].loop, g->replies[i]);
    stop_loop(&g->core_loop.loop, g->mail.asks);
    stop_loop(&g->sharing.loop, g->mail.shared);
    if (g->papers)
        papers_wake(g->papers);
    stop_loop(&g->papers_loop.loop, NULL);
    for (unsigned i = 0; i < g->n_senders; i++)
        stop_loop(&g->senders[i].loop, g->mail.senders[i]);
    doors_stop_out(g->doors);
    stop_loop(&g->journal.loop, g->mail.journal);
    stop_loop(&g->checkpoint.loop, NULL);
}

static bool same_redis(const struct settings *a, const struct settings *b) {
    return sv_eq(a->redis.url, b->redis.url) && sv_eq(a->redis.user, b->redis.user) &&
           sv_eq_secret(a->redis.password, b->redis.password) && sv_eq(a->redis.ca_file, b->redis.ca_file) &&
           sv_eq(a->redis.prefix, b->redis.prefix) && a->redis.timeout_ms == b->redis.timeout_ms;
}

/* What cannot change while running. */
static bool same_ground(const struct settings *a, const struct settings *b) {
    return sv_eq(a->listen, b->listen) && sv_eq(a->data_dir, b->data_dir) &&
           sv_eq(a->database, b->database) && sv_eq(a->node.name, b->node.name) &&
           sv_eq(a->node.shared, b->node.shared) && a->node.lease_ms == b->node.lease_ms &&
           a->threads.front == b->threads.front && a->threads.sender == b->threads.sender &&
           a->limits.connections_max == b->limits.connections_max &&
           a->limits.request_bytes_max == b->limits.request_bytes_max &&
           a->limits.request_ms_max == b->limits.request_ms_max && a->limits.idle_s == b->limits.idle_s &&
           a->log.format == b->log.format && same_redis(a, b);
}

static void reload(struct gateway *g) {
    struct err e = ERR_INIT;
    g->reload_again = g->reloading;
    if (g->reloading)
        return;
    if (g->n_retired == RETIRED_MAX) {
        log_warn(&g->log, "reload.refused", kv_name("why", "too many reloads: restart"));
        return;
    }
    struct settings *s = g->source.load(g->source.ctx);
    struct texts *t = s ? texts_load(s, &e) : NULL;
    if (!t) {
        log_error(&g->log, "reload.refused",
                  kv_cstr("error", s ? e.text : "the settings have errors (see above)"),
                  kv_name("meaning", "the old settings stay"));
        if (s)
            g->source.free(s);
        return;
    }
    if (!same_ground(g->settings, s))
        log_warn(&g->log, "reload.partial",
                 kv_name("meaning", "listen, data_dir, database, node, redis (but nodes_expected), threads, "
                                    "log.format and the limits of connections and requests change at "
                                    "restart only"));
    g->retired[g->n_retired++] = (struct retired){.settings = g->settings, .texts = g->texts};
    g->settings = s;
    g->texts = t;
    __atomic_store_n(&g->log.level, s->log.level, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < g->n_fronts; i++)
        if (!front_offer(g->fronts[i].front, s, t, &e))
            log_error(&g->log, "reload.failed", kv_cstr("error", e.text));
    doors_follow(g->doors, s, t);
    (void)doors_settle(g->doors);
    bool pulls = g->puller ? front_offer(puller_front(g->puller), s, t, &e)
                           : open_puller(g, &e) && start_puller(g, &e);
    if (!pulls)
        log_error(&g->log, "reload.failed", kv_cstr("error", e.text));
    g->reload = (struct ask){.kind = ASK_RELOAD, .reply_to = g->reloaded, .settings = s};
    void *item = &g->reload;
    g->reloading = mailbox_put(g->mail.asks, &item, 1) == 1;
    g->reload_again = !g->reloading; /* the core is busy: the fronts must not stay ahead of it */
}

static void reloaded(struct gateway *g) {
    void *item;
    if (mailbox_take(g->reloaded, &item, 1)) {
        g->reloading = false;
        log_info(&g->log, "reload.done", kv_int("lanes", g->settings->n_lanes));
    }
}

/* systemd's watchdog is fed only while every thread goes round. */
static bool all_alive(struct gateway *g) {
    int64_t oldest = clock_monotonic_us() - WATCHDOG_STALL_US;
    bool alive = atomic_load(&g->core_loop.loop.beat) > oldest && atomic_load(&g->journal.loop.beat) > oldest;
    for (unsigned i = 0; i < g->n_senders; i++)
        alive &= atomic_load(&g->senders[i].loop.beat) > oldest;
    for (unsigned i = 0; i < g->n_fronts; i++)
        alive &= atomic_load(&g->fronts[i].loop.beat) > oldest;
    return alive;
}

/* Waits for a signal; true when it is time to stop. */
static bool next_signal(struct gateway *g) {
    struct pollfd p[2] = {{.fd = g->signal_fd, .events = POLLIN},
                          {.fd = mailbox_fd(g->reloaded), .events = POLLIN}};
    bool soon = doors_settle(g->doors) || g->world.node;
    poll(p, 2, soon ? 100 : 1000);
    mailbox_awake(g->reloaded);
    reloaded(g);
    if (g->reload_again && !g->reloading)
        reload(g);
    if (all_alive(g))
        sd_notify(0, "WATCHDOG=1");
    if (atomic_load(&g->member.lease.lost) || atomic_load(&g->journal.moved))
        return true;
    if (g->world.node)
        membership_tell_clock(&g->member, &g->clock, &g->log);
    int64_t ahead_us = real_clock_ahead_us(&g->clock);
    bool set_back = ahead_us > US_PER_S;
    if (set_back && !g->clock_told)
        log_warn(&g->log, "clock.set_back", kv_int("by_ms", ahead_us / US_PER_MS),
                 kv_name("meaning", "times go on from before; a restart takes over the clock"));
    g->clock_told = set_back;
    struct signalfd_siginfo info;
    if (read(g->signal_fd, &info, sizeof info) != sizeof info)
        return false;
    if (info.ssi_signo == SIGHUP) {
        reload(g);
        return false;
    }
    return true;
}

static bool all_idle(struct gateway *g) {
    bool idle = atomic_load(&g->core_loop.idle);
    for (unsigned i = 0; i < g->n_fronts; i++)
        idle &= front_is_idle(g->fronts[i].front);
    return idle && doors_are_idle(g->doors) && (!g->puller || puller_is_idle(g->puller));
}

static bool drain(struct gateway *g) {
    int64_t begun = clock_monotonic_us();
    log_info(&g->log, "gateway.draining", kv_int("limit_ms", g->settings->drain_ms));
    sd_notify(0, "STOPPING=1");
    for (unsigned i = 0; i < g->n_fronts; i++)
        front_drain(g->fronts[i].front);
    doors_drain(g->doors);
    if (g->puller)
        puller_drain(g->puller);
    atomic_store(&g->core_loop.drain, true);
    mailbox_wake(g->mail.asks);
    while (!all_idle(g) && clock_monotonic_us() - begun < (int64_t)g->settings->drain_ms * US_PER_MS) {
        struct timespec ts = {.tv_nsec = 5 * 1000 * 1000};
        nanosleep(&ts, NULL);
        mailbox_wake(g->mail.asks);
    }
    return all_idle(g);
}

static const char lost_lease[] =
    "another gateway has taken over the work of node %u, whose lease had ended: this process was paused, or "
    "cut off from the database, for longer than node.lease_ms (%u). It ends so that nothing is sent twice; "
    "start it again";

bool gateway_run(struct gateway *g, struct err *e) {
    if (!start_threads(g, e)) {
        stop_threads(g);
        return false;
    }
    sd_notify(0, "READY=1");
    while (!next_signal(g)) {
    }
    if (atomic_load(&g->member.lease.lost)) {
        stop_threads(g);
        return err_set(e, ERR_OUTSIDE, lost_lease, g->member.self.id, g->settings->node.lease_ms);
    }
    if (atomic_load(&g->journal.moved)) { /* what is in flight is looked up in the new home */
        stop_threads(g);
        *e = g->journal.where_to;
        return false;
    }
    bool clean = drain(g);
    stop_threads(g);
    membership_leave(&g->member, g->db, &g->log);
    log_info(&g->log, "gateway.stopped",
             kv_name("in_flight", clean ? "none" : "some, to be reconciled at the next start"));
    return true;
}

/* ---- closing ---- */

static void forget_mail(struct gateway *g) {
    void *item;
    doors_hand_back(g->doors);
    struct mailbox *asks[] = {g->mail.asks, g->mail.receipts};
    for (size_t i = 0; i < 2; i++)
        while (asks[i] && mailbox_take(asks[i], &item, 1))
            ask_drop_messages(item); /* the ask itself is a front's, which is still there */
    struct mailbox *jobs[] = {g->mail.journal, g->mail.committed};
    for (size_t i = 0; i < 2; i++)
        while (jobs[i] && mailbox_take(jobs[i], &item, 1))
            core_forget_job(item);
    for (unsigned i = 0; i < g->mail.n_senders; i++)
        while (g->mail.senders[i] && mailbox_take(g->mail.senders[i], &item, 1))
            core_forget_call(item);
    while (g->mail.called && mailbox_take(g->mail.called, &item, 1))
        core_forget_call(item);
}

void gateway_close(struct gateway *g) {
    if (!g)
        return;
    forget_mail(g);
    if (g->journal.journal)
        journal_abandon(g->journal.journal, core_forget_job);
    core_free(g->core);
    for (unsigned i = 0; i < FRONTS_MAX; i++)
        if (g->fronts[i].front)
            front_close(g->fronts[i].front);
    doors_free(g->doors);
    puller_close(g->puller);
    papers_close(g->papers);
    shared_free(g->sharing.shared);
    journal_free(g->journal.journal);
    if (g->db) {
        struct err ignored = ERR_INIT;
        db_checkpoint(g->db, true, &ignored);
    }
    db_close(g->db);
    struct mailbox *boxes[] = {g->mail.asks,    g->mail.receipts, g->mail.committed, g->mail.called,
                               g->mail.journal, g->reloaded,      g->mail.shared,    g->mail.shared_back};
    for (size_t i = 0; i < sizeof boxes / sizeof boxes[0]; i++)
        mailbox_free(boxes[i]);
    for (unsigned i = 0; i < CORE_SENDERS_MAX; i++)
        mailbox_free(g->mail.senders[i]);
    for (unsigned i = 0; i < FRONTS_MAX; i++)
        mailbox_free(g->replies[i]);
    mailbox_free(g->pull_replies);
    for (size_t i = 0; i < g->n_retired; i++) {
        texts_free(g->retired[i].texts);
        g->source.free(g->retired[i].settings);
    }
    texts_free(g->texts);
    g->source.free(g->settings);
    if (g->lock_fd >= 0)
        close(g->lock_fd);
    if (g->signal_fd >= 0)
        close(g->signal_fd);
    free(g);
}
