#include "world.h"

#include "base/clock.h"
#include "model/id.h"
#include "store/migrate.h"
#include "store/reader.h"

#include <stdarg.h>
#include <string.h>

enum { LEASE_US = 2 * 1000 * 1000 };

/* 2026-01-01T00:00:00Z */
static const int64_t start_at = INT64_C(1767225600) * US_PER_S;

uint64_t sim_random(void *sim) { /* xorshift64* */
    struct sim *s = sim;
    s->state ^= s->state >> 12;
    s->state ^= s->state << 25;
    s->state ^= s->state >> 27;
    return (s->state * 0x2545F4914F6CDD1Du) >> 11;
}

bool sim_chance(struct sim *s, unsigned percent) {
    return sim_random(s) % 100 < percent;
}

static int64_t sim_now(void *sim) {
    return ((struct sim *)sim)->now;
}

static int64_t proc_now(void *proc) {
    const struct proc *p = proc;
    return p->sim->now + p->skew_us;
}

static uint64_t proc_random(void *proc) {
    return sim_random(((struct proc *)proc)->sim);
}

void sim_turn_to(struct sim *s, unsigned i) {
    s->p = &s->procs[i];
}

bool sim_is_paused(const struct sim *s) {
    return s->now < s->p->paused_until;
}

static bool sim_allow(void *sim) {
    struct sim *s = sim;
    if (s->calm)
        return true;
    return !s->p->cut && (!s->db_fails || !sim_chance(s, s->fail_percent));
}

void sim_say(struct sim *s, const char *fmt, ...) {
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    s->trace = siphash((struct sip_key){s->trace, 1}, sv_make(line, (size_t)n));
    if (s->print)
        printf("# %lld.%06lld %s\n", (long long)((s->now - start_at) / US_PER_S),
               (long long)((s->now - start_at) % US_PER_S), line);
}

void sim_broken(struct sim *s, const char *id, const char *fmt, ...) {
    if (s->failure[0])
        return;
    va_list ap;
    va_start(ap, fmt);
    int n = snprintf(s->failure, sizeof s->failure, "%s: ", id);
    vsnprintf(s->failure + n, sizeof s->failure - (size_t)n, fmt, ap);
    va_end(ap);
    sim_say(s, "BROKEN %s", s->failure);
}

static void lies_of(struct sim *s) {
    struct lies *l = &s->provider.lies;
    if (sim_chance(s, 10))
        return; /* an honest one, for once */
    *l = (struct lies){.lost_request = (unsigned)(sim_random(s) % 10),
                       .lost_answer = (unsigned)(sim_random(s) % 20),
                       .garbage = (unsigned)(sim_random(s) % 5),
                       .server_error = (unsigned)(sim_random(s) % 10),
                       .throttle = (unsigned)(sim_random(s) % 10),
                       .refuse_number = (unsigned)(sim_random(s) % 5),
                       .no_receipt = (unsigned)(sim_random(s) % 30),
                       .early_receipt = (unsigned)(sim_random(s) % 40),
                       .twice = (unsigned)(sim_random(s) % 30),
                       .backwards = (unsigned)(sim_random(s) % 30),
                       .undelivered = (unsigned)(sim_random(s) % 20),
                       .refuse_connection = (unsigned)(sim_random(s) % 10),
                       .short_list = (unsigned)(sim_random(s) % 30)};
}

static struct mailbox *box(size_t capacity) {
    struct err e;
    struct mailbox *m = mailbox_new(capacity, &e);
    ASSERT(m);
    return m;
}

/* Sometimes it is known that the process before is gone, and this one goes on in its place. */
static void join(struct sim *s) {
    struct proc *p = s->p;
    struct err e = ERR_INIT;
    const struct node_self before = p->self;
    const struct node_row card = {.name = "node", .version = "1", .address = "here"};
    p->lease = (struct lease){.mono_us = sim_now, .ctx = s};
    p->self = (struct node_self){.incarnation = (int64_t)(sim_random(s) | 1),
                                 .lease_us = LEASE_US,
                                 .lease = &p->lease,
                                 .db_clock = sim_now,
                                 .db_clock_ctx = s};
    bool ok = nodes_join(s->db, &p->self, &card, sim_chance(s, 50) ? &before : NULL, &e);
    ASSERT(ok);
    p->world.node = p->self.id;
    p->world.lease = &p->lease;
    p->cut = false;
    p->paused_until = 0;
    sim_say(s, "node %u joins", p->self.id);
}

static void open_process(struct sim *s) {
    struct err e = ERR_INIT;
    int64_t last_id, backlog;
    s->p->mail = (struct core_mail){.asks = box(1 + sim_random(s) % 30),
                                    .receipts = box(1 + sim_random(s) % 30),
                                    .committed = box(CORE_JOBS_MAX),
                                    .called = box(CORE_CALLS_MAX),
                                    .journal = box(1 + sim_random(s) % 40),
                                    .senders = {box(1 + sim_random(s) % 20), box(1 + sim_random(s) % 20)},
                                    .n_senders = 2};
    s->p->replies = box(1024);
    shared_open(s);
    s->calm = true;
    if (s->n_procs > 1)
        join(s);
    s->p->journal = journal_new(s->db, &e);
    ASSERT(s->p->journal && reader_totals(s->db, s->p->self.id, &last_id, &backlog, &e));
    if (s->n_procs > 1)
        journal_join(s->p->journal, &s->p->self);
    s->p->core = core_new(&s->p->world, lanes_settings(s), &s->p->mail, last_id, backlog, &e);
    ASSERT(s->p->core);
    memset(s->p->breakers, 0, sizeof s->p->breakers);
    s->p->core_wants_at = s->now;
    s->p->opened_at = s->now + s->p->skew_us;
    s->p->draining = false;
    memset(s->p->key_open, 0, sizeof s->p->key_open);
    s->p->drained_for = 0;
    s->calm = false;
}

static void close_process(struct sim *s) {
    void *item;
    struct mailbox *asks[] = {s->p->mail.asks, s->p->mail.receipts};
    for (int i = 0; i < 2; i++)
        while (mailbox_take(asks[i], &item, 1)) {
            struct ask *a = item;
            ask_drop_messages(a);
            client_forget(a);
        }
    while (mailbox_take(s->p->replies, &item, 1))
        client_forget(item);
    while (mailbox_take(s->p->mail.journal, &item, 1) || mailbox_take(s->p->mail.committed, &item, 1))
        core_forget_job(item);
    journal_abandon(s->p->journal, core_forget_job);
    for (unsigned i = 0; i < s->p->mail.n_senders; i++)
        while (mailbox_take(s->p->mail.senders[i], &item, 1))
            core_forget_call(item);
    while (mailbox_take(s->p->mail.called, &item, 1))
        core_forget_call(item);
    for (size_t i = 0; i < s->p->n_flying; i++) {
        for (struct call *c = s->p->flying[i].call, *next; c; c = next) {
            next = c->joined;
            core_forget_call(c);
        }
        arena_done(&s->p->flying[i].mem);
    }
    s->p->n_flying = 0;
    core_free(s->p->core);
    journal_free(s->p->journal);
    mailbox_free(s->p->mail.asks);
    mailbox_free(s->p->mail.receipts);
    mailbox_free(s->p->mail.committed);
    mailbox_free(s->p->mail.called);
    mailbox_free(s->p->mail.journal);
    mailbox_free(s->p->mail.senders[0]);
    mailbox_free(s->p->mail.senders[1]);
    mailbox_free(s->p->replies);
    shared_close(s);
}

void sim_restart(struct sim *s, const char *how) {
    sim_say(s, "%s", how);
    close_process(s);
    db_rollback(s->db);
    lanes_forget_old(s);
    open_process(s);
}

/* One seed in five has two or three nodes; in some of these their clocks differ by up to 54 s: a provider is
 * asked for what it took a minute before, at most. Drawn apart, so that the other seeds stay what they were.
 */
static void draw_procs(struct sim *s) {
    uint64_t dice = siphash((struct sip_key){.k0 = s->seed, .k1 = 11}, SV("nodes"));
    s->n_procs = dice % 5 == 0 ? 2 + (unsigned)(dice >> 8) % 2 : 1;
    s->skewed = s->n_procs > 1 && (dice >> 16) % 3 == 0;
    for (unsigned i = 0; i < s->n_procs; i++) {
        struct proc *p = &s->procs[i];
        p->sim = s;
        p->skew_us = s->skewed ? (int64_t)((dice >> (20 + 8 * i)) % 55) * US_PER_S : 0;
        p->world = (struct world){.now_us = proc_now,
                                  .random = proc_random,
                                  .ctx = p,
                                  .log = &s->log,
                                  .meters = &p->meters,
                                  .id_key = {s->seed, 42}};
    }
    s->p = &s->procs[0];
}

static void begin(struct sim *s, uint64_t seed, bool print) {
    memset(s, 0, sizeof *s);
    s->seed = seed;
    s->state = seed * 0x9E3779B97F4A7C15u + 1;
    s->now = start_at;
    s->print = print;
    s->log = (struct log){
        .fd = 1, .level = (enum log_level)(print ? LOG_INFO : LOG_ERROR + 1), .now_us = sim_now, .ctx = s};
    draw_procs(s);
    map_init(&s->posts);
    map_init(&s->hook_posts);
}

static void open_database(struct sim *s) {
    struct err e = ERR_INIT;
    int from, to;
    s->db = db_open(SV_NONE, DB_MEMORY, &e);
    ASSERT(s->db && migrate(s->db, &from, &to, &e));
    struct db_stmt *st = db_stmt(
        s->db, "INSERT INTO account (id, sid, name, auth_token, created_at) VALUES (1, 'AC1', ?, x'00', 0)",
        &e);
    bool row;
    ASSERT(st);
    db_text(st, routes_account_name());
    ASSERT(db_next(st, &row, &e));
    db_inject(s->db, sim_allow, s);
}

void sim_open(struct sim *s, uint64_t seed, bool print) {
    begin(s, seed, print);
    lanes_init(s);
    provider_init(&s->provider, sim_random, s);
    s->client_fails = sim_chance(s, 50) ? (unsigned)(sim_random(s) % 60) : 0;
    lies_of(s);
    s->fail_percent = (unsigned)(1 + sim_random(s) % 20);
    open_database(s);
    hooks_open(s);
    sim_push_open(s);
    for (unsigned i = 0; i < s->n_procs; i++) {
        sim_turn_to(s, i);
        open_process(s);
    }
    sim_turn_to(s, 0);
}

void sim_open_plain(struct sim *s, uint64_t seed, bool print,
                    void (*make)(struct sim *s, struct settings *set)) {
    begin(s, seed, print);
    s->plain = true;
    s->n_procs = 1;
    s->skewed = false;
    s->procs[0].skew_us = 0;
    s->hosts = HOSTS;
    s->adapter = *adapter_find(SV("twilio"));
    for (unsigned i = 0; i < HOSTS; i++)
        s->windows[i] = FLYING_MAX / HOSTS;
    s->settings[s->n_settings++] = lanes_blank();
    make(s, s->settings[0]);
    provider_init(&s->provider, sim_random, s);
    open_database(s);
    open_process(s);
}

void sim_close(struct sim *s) {
    for (unsigned i = 0; i < s->n_procs; i++) {
        sim_turn_to(s, i);
        close_process(s);
    }
    lanes_done(s);
    map_done(&s->posts);
    map_done(&s->hook_posts);
    db_close(s->db);
    provider_done(&s->provider);
}
