#include "app/gateway_parts.h"

#include "app/config.h"
#include "base/clock.h"
#include "console/console.h"
#include "net/listen.h"
#include "store/migrate.h"
#include "store/reader.h"
#include "store/seal.h"
#include "text/mask.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ASKS_BOX = 8192,
    RECEIPTS_BOX = 8192,
    JOURNAL_BOX = 4096,
    SENDER_BOX = 2048,
    REPLIES_BOX_MIN = 4096,
    START_PATIENCE_MS = 15000, /* busy nodes on the same file of SQLite may keep it for a while */
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

bool gateway_open_puller(struct gateway *g, struct err *e) {
    if (g->puller || !puller_wanted(g->settings))
        return true;
    if (!g->pull_replies && !box(&g->pull_replies, NULL, REPLIES_BOX_MIN, e))
        return false;
    struct front_parts parts = front_parts(g, g->pull_replies);
    g->puller = puller_open(&parts, e);
    return g->puller != NULL;
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
        !open_doors(g, &last_id, e) || !gateway_open_puller(g, e))
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
