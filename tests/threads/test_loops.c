/* The program's own journal and core loops in their threads, with real mailboxes and a database in a file.
 * The test's main thread is the front; a thread of the test's own stands for sender and provider. Meant for
 * the sanitizers: what it checks itself is that every promise is kept.
 */
#include "../base/check.h"
#include "app/threads.h"
#include "base/clock.h"
#include "model/id.h"
#include "pipeline/ask.h"
#include "pipeline/call.h"
#include "provider/adapter.h"
#include "store/migrate.h"
#include "store/reader.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

enum { MESSAGES = 3000, MESSAGES_CUT = 1500, TAKE_MAX = 64, END_S = 120 };

struct house {
    char dir[64], url[96];
    struct meters meters;
    struct log log;
    struct world world;
    uint64_t seed; /* drawn from by the core's thread alone */
    struct settings settings;
    struct db *db;
    struct journal_loop journal;
    struct core_loop core;
    struct mailbox *replies;

    pthread_t sender;
    atomic_bool sender_stop;
    _Atomic unsigned receipts_out; /* put and not come back */

    int64_t ids[MESSAGES]; /* answered with ASK_DONE */
    unsigned n_ids, asked, failed;
};

static int64_t now(void *ctx) {
    (void)ctx;
    return clock_system_us();
}

static uint64_t draw(void *ctx) {
    struct house *h = ctx;
    h->seed = h->seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return h->seed >> 1;
}

static struct mailbox *box(struct mailbox *beside, size_t n) {
    struct err e = ERR_INIT;
    struct mailbox *m = beside ? mailbox_new_beside(beside, n, &e) : mailbox_new(n, &e);
    ASSERT(m);
    return m;
}

/* ---- sender and provider ---- */

static void put(struct mailbox *m, void *item) {
    while (mailbox_put(m, &item, 1) == 0)
        usleep(100);
}

static void lost_receipt(struct ask *a) {
    free(a);
}

static void receipt(struct house *h, const struct call *c) {
    struct ask *a = calloc(1, sizeof *a);
    ASSERT(a);
    a->kind = ASK_RECEIPT;
    a->reply_to = h->replies;
    a->lost = lost_receipt;
    a->id = c->message->id;
    a->attempt = c->attempt;
    a->receipt.state = STATE_DELIVERED;
    snprintf(a->receipt.provider_id, sizeof a->receipt.provider_id, "PR%lld-%u", (long long)a->id,
             c->attempt);
    atomic_fetch_add(&h->receipts_out, 1);
    put(h->core.mail.receipts, a);
}

/* First attempts: some are refused for now, of some the answer is lost; the rest is taken and delivered, and
 * the receipt is sometimes faster than the answer. */
static void attempt(struct house *h, struct call *c) {
    int64_t id = c->message->id;
    struct verdict *v = &c->verdict;
    if (c->attempt == 1 && id % 5 == 0) {
        *v = (struct verdict){.fate = FATE_RETRY, .reason = REASON_THROTTLED};
        put(h->core.mail.called, c);
        return;
    }
    if (c->attempt == 1 && id % 7 == 0) {
        *v = (struct verdict){.fate = FATE_UNKNOWN, .reason = REASON_OUTCOME_UNKNOWN};
        put(h->core.mail.called, c);
        return;
    }
    *v = (struct verdict){.fate = FATE_SENT, .http_status = 201};
    snprintf(v->provider_id, sizeof v->provider_id, "PR%lld-%u", (long long)id, c->attempt);
    struct call copy = *c;
    struct message told = {.id = id}; /* the call and its message are the core's again once it is put */
    copy.message = &told;
    if (id % 3 == 0)
        receipt(h, &copy);
    put(h->core.mail.called, c);
    if (id % 3 != 0)
        receipt(h, &copy);
}

static void lookup(struct house *h, struct call *c) {
    int64_t id = c->message->id;
    c->answer = (struct lookup_answer){.found = FOUND_ABSENT};
    if (id % 2) {
        c->answer = (struct lookup_answer){.found = FOUND_YES, .n = 1};
        c->answer.candidates[0].state = STATE_DELIVERED;
        snprintf(c->answer.candidates[0].provider_id, PROVIDER_ID_MAX, "PR%lld-%u", (long long)id,
                 c->attempt);
    }
    put(h->core.mail.called, c);
}

static void *sender_run(void *arg) {
    struct house *h = arg;
    struct mailbox *in = h->core.mail.senders[0];
    while (!atomic_load(&h->sender_stop)) {
        void *items[TAKE_MAX];
        size_t n = mailbox_take(in, items, TAKE_MAX);
        for (size_t i = 0; i < n; i++) {
            struct call *c = items[i];
            if (c->kind == CALL_ATTEMPT)
                attempt(h, c);
            else
                lookup(h, c);
        }
        struct pollfd p = {.fd = mailbox_fd(in), .events = POLLIN};
        if (n == 0 && mailbox_may_sleep(in))
            poll(&p, 1, 100);
        mailbox_awake(in);
    }
    return NULL;
}

/* ---- the house ---- */

static void settle(struct house *h) {
    struct settings *s = &h->settings;
    s->limits.live_max = 400;
    s->limits.journal_batch_max = 100;
    s->retry.first_ms = 5;
    s->retry.max_ms = 50;
    s->retry.attempts_max = 5;
    s->lanes[s->n_lanes++] = (struct lane_config){.name = "main",
                                                  .adapter = adapter_find(SV("twilio")),
                                                  .in_flight_max = 100,
                                                  .timeout_ms = 60000,
                                                  .receipt_window_s = 600,
                                                  .lookup_after_ms = 10,
                                                  .lookups_max = 3};
}

static struct house *house_open(void) {
    struct house *h = calloc(1, sizeof *h);
    struct err e = ERR_INIT;
    int from, to;
    ASSERT(h);
    snprintf(h->dir, sizeof h->dir, "/tmp/hongyan-test-loops-XXXXXX");
    ASSERT(mkdtemp(h->dir));
    snprintf(h->url, sizeof h->url, "sqlite:%s/h.db", h->dir);
    h->log = (struct log){.fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .level = LOG_DEBUG, .now_us = now};
    h->seed = 42;
    h->world = (struct world){
        .now_us = now, .random = draw, .ctx = h, .log = &h->log, .meters = &h->meters, .id_key = {1, 2}};
    settle(h);
    h->db = db_open(sv_of(h->url), DB_WRITER, &e);
    ASSERT(h->db && migrate(h->db, &from, &to, &e));
    h->replies = box(NULL, MESSAGES * 4);
    struct core_mail *mail = &h->core.mail;
    mail->asks = box(NULL, 64);
    mail->receipts = box(mail->asks, 32);
    mail->committed = box(mail->asks, CORE_JOBS_MAX);
    mail->called = box(mail->asks, CORE_CALLS_MAX);
    mail->journal = box(NULL, 48);
    mail->senders[mail->n_senders++] = box(NULL, 16);
    h->core.world = &h->world;
    h->core.core = core_new(&h->world, &h->settings, mail, 0, 0, &e);
    h->journal.world = &h->world;
    h->journal.db = h->db;
    h->journal.journal = journal_new(h->db, &e);
    h->journal.in = mail->journal;
    h->journal.out = mail->committed;
    ASSERT(h->core.core && h->journal.journal);
    ASSERT(loop_start(&h->journal.loop, journal_loop_run, &h->journal, "journal", &e));
    ASSERT(loop_start(&h->core.loop, core_loop_run, &h->core, "core", &e));
    ASSERT(pthread_create(&h->sender, NULL, sender_run, h) == 0);
    return h;
}

static void forget(struct mailbox *m, void (*drop)(void *)) {
    void *item;
    while (mailbox_take(m, &item, 1))
        drop(item);
    mailbox_free(m);
}

static void drop_job(void *job) {
    core_forget_job(job);
}

static void drop_call(void *call) {
    core_forget_call(call);
}

static void drop_ask(void *item) {
    struct ask *a = item;
    if (a->kind == ASK_SUBMIT)
        message_free(a->message);
    free(a);
}

/* Stops the threads one after the other, as they stand. */
static void house_stop(struct house *h) {
    atomic_store(&h->sender_stop, true);
    mailbox_wake(h->core.mail.senders[0]);
    /* its puts may wait for room that the core makes, so the core goes on until it is gone */
    pthread_join(h->sender, NULL);
    atomic_store(&h->core.loop.stop, true);
    mailbox_wake(h->core.mail.asks);
    pthread_join(h->core.loop.thread, NULL);
    atomic_store(&h->journal.loop.stop, true);
    mailbox_wake(h->journal.in);
    pthread_join(h->journal.loop.thread, NULL);
}

static void take_replies(struct house *h, int wait_ms);

static void lost(struct ask *a) {
    struct house *h = a->owner;
    h->failed++;
    free(a);
}

static void house_close(struct house *h) {
    struct core_mail *mail = &h->core.mail;
    forget(mail->journal, drop_job);
    forget(mail->committed, drop_job);
    forget(mail->called, drop_call);
    forget(mail->senders[0], drop_call);
    core_free(h->core.core);
    take_replies(h, 0);
    forget(mail->receipts, drop_ask);
    forget(mail->asks, drop_ask);
    mailbox_free(h->replies);
    journal_free(h->journal.journal);
    db_close(h->db);
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/h.db%s", h->dir, ends[i]);
        unlink(path);
    }
    rmdir(h->dir);
    close(h->log.fd);
    free(h);
}

/* ---- the front ---- */

static struct ask *submission(struct house *h, unsigned n) {
    char to[24], body[32];
    snprintf(to, sizeof to, "+86138%08u", n);
    snprintf(body, sizeof body, "message %u", n);
    const struct sv text[TEXT_COUNT] = {[TEXT_TO] = sv_of(to), [TEXT_BODY] = sv_of(body)};
    struct message *m = message_new(text);
    struct ask *a = calloc(1, sizeof *a);
    ASSERT(m && a);
    m->account_id = 1;
    m->priority = (enum priority)(n % PRIORITY_COUNT);
    m->segments = 1;
    m->created_at = clock_system_us();
    m->expires_at = m->created_at + 3600 * US_PER_S;
    *a = (struct ask){.kind = ASK_SUBMIT, .reply_to = h->replies, .lost = lost, .owner = h, .message = m};
    return a;
}

static void take_replies(struct house *h, int wait_ms) {
    void *items[TAKE_MAX];
    size_t n;
    while ((n = mailbox_take(h->replies, items, TAKE_MAX)) > 0)
        for (size_t i = 0; i < n; i++) {
            struct ask *a = items[i];
            if (a->kind == ASK_RECEIPT)
                atomic_fetch_sub(&h->receipts_out, 1);
            else if (a->result == ASK_DONE)
                h->ids[h->n_ids++] = a->id;
            else
                h->failed++;
            free(a);
        }
    struct pollfd p = {.fd = mailbox_fd(h->replies), .events = POLLIN};
    if (wait_ms && mailbox_may_sleep(h->replies))
        poll(&p, 1, wait_ms);
    mailbox_awake(h->replies);
}

static void submit(struct house *h, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        void *item = submission(h, i);
        while (mailbox_put(h->core.mail.asks, &item, 1) == 0)
            take_replies(h, 1);
        h->asked++;
    }
}

static void test_loops__every_message_is_answered_and_delivered(void **state) {
    (void)state;
    struct house *h = house_open();
    struct err e = ERR_INIT;
    submit(h, MESSAGES);
    struct db *reader = db_open(sv_of(h->url), DB_READER, &e);
    assert_non_null(reader);
    int64_t last_id = 0, backlog = 1, end_at = clock_monotonic_us() + END_S * US_PER_S;
    while (clock_monotonic_us() < end_at) {
        take_replies(h, 20);
        if (h->n_ids + h->failed < h->asked || atomic_load(&h->receipts_out))
            continue;
        assert_true(reader_totals(reader, 0, &last_id, &backlog, &e));
        if (backlog == 0)
            break;
    }
    assert_int_equal(h->failed, 0);
    assert_int_equal(h->n_ids, MESSAGES);
    assert_int_equal(backlog, 0);
    for (unsigned i = 0; i < h->n_ids; i++) {
        struct message *m = reader_message(reader, 1, h->ids[i], &e);
        assert_non_null(m);
        assert_int_equal(m->head.state, STATE_DELIVERED);
        message_free(m);
    }
    db_close(reader);
    atomic_store(&h->core.drain, true);
    mailbox_wake(h->core.mail.asks);
    for (int i = 0; i < 10000 && !atomic_load(&h->core.idle); i++)
        usleep(5000);
    assert_true(atomic_load(&h->core.idle));
    house_stop(h);
    house_close(h);
}

static void test_loops__stopped_in_mid_flight_what_was_answered_is_on_disk(void **state) {
    (void)state;
    struct house *h = house_open();
    struct err e = ERR_INIT;
    submit(h, MESSAGES_CUT);
    house_stop(h);
    take_replies(h, 0);
    struct db *reader = db_open(sv_of(h->url), DB_READER, &e);
    assert_non_null(reader);
    for (unsigned i = 0; i < h->n_ids; i++) {
        struct message *m = reader_message(reader, 1, h->ids[i], &e);
        assert_non_null(m);
        message_free(m);
    }
    db_close(reader);
    print_message("# %u of %u were answered\n", h->n_ids, h->asked);
    house_close(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loops__every_message_is_answered_and_delivered),
        cmocka_unit_test(test_loops__stopped_in_mid_flight_what_was_answered_is_on_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
