/* The gateway's threads, from the first to the last, and what the main thread does meanwhile. */
#include "app/gateway_parts.h"

#include "base/clock.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

enum { WATCHDOG_STALL_US = 30 * 1000 * 1000 };

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

bool gateway_start_puller(struct gateway *g, struct err *e) {
    return !g->puller || puller_loop(g->puller)->thread ||
           loop_start(puller_loop(g->puller), puller_run, g->puller, "puller", e);
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
    return ok && doors_start(g->doors, e) && gateway_start_puller(g, e);
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

/* systemd's watchdog is fed only while the threads go round that every message needs. */
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
    gateway_reloaded(g);
    if (g->reload_again && !g->reloading)
        gateway_reload(g);
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
        gateway_reload(g);
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
