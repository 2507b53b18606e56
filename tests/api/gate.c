#include "gate.h"

#include "base/clock.h"
#include "provider/adapter.h"
#include "store/migrate.h"
#include "text/mask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int64_t now(void *ctx) {
    (void)ctx;
    return clock_system_us();
}

static uint64_t draw(void *ctx) {
    struct gate *g = ctx;
    g->random = g->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return g->random >> 1;
}

static struct mailbox *box(size_t n) {
    struct err e = ERR_INIT;
    struct mailbox *m = mailbox_new(n, &e);
    ASSERT(m);
    return m;
}

static void settle(struct gate *g, bool lane) {
    struct settings *s = &g->settings;
    s->database = sv_of(g->url);
    s->listen = SV("127.0.0.1:0");
    s->public_url = SV("http://gateway.test");
    s->limits.connections_max = 256;
    s->limits.request_ms_max = 5000;
    s->limits.idle_s = 10;
    s->limits.request_bytes_max = 256 * 1024;
    s->limits.body_chars_max = 1600;
    s->limits.live_max = 1000;
    s->limits.journal_batch_max = 100;
    s->defaults.region = SV("CN");
    s->defaults.validity_s = 3600;
    s->defaults.idempotency_s = 3600;
    s->defaults.priority = PRIORITY_TRANSACTIONAL;
    s->retry.first_ms = 500;
    s->retry.max_ms = 1000;
    s->retry.attempts_max = 3;
    s->templates.dir = sv_of(g->dir);
    if (!lane)
        return;
    struct lane_config *l = &s->lanes[s->n_lanes++];
    *l = (struct lane_config){.name = "main",
                              .adapter = adapter_find(SV("twilio")),
                              .in_flight_max = 1000,
                              .timeout_ms = 5000,
                              .connect_timeout_ms = 1000,
                              .receipt_window_s = 600,
                              .lookup_after_ms = 4000,
                              .lookups_max = 3};
    l->fields[adapter_field_index(l->adapter, SV("account_sid"))] = SV("AC00000000000000000000000000000001");
    l->fields[adapter_field_index(l->adapter, SV("auth_token"))] = SV("0123456789abcdef0123456789abcdef");
}

static void key_of(struct gate *g, const struct account *a, unsigned scopes, char out[160]) {
    struct api_key key;
    char secret[SECRET_CHARS + 1];
    struct err e = ERR_INIT;
    ASSERT(api_key_create(g->db, a->id, SV("test"), scopes, clock_system_us(), &key, secret, &e));
    snprintf(out, 160, "Authorization: Bearer %s.%s\r\n", key.sid.text, secret);
}

static void people(struct gate *g) {
    struct err e = ERR_INIT;
    bool made;
    ASSERT(account_ensure(g->db, &g->master, SV("first"), clock_system_us(), &g->account, &made, &e) && made);
    ASSERT(account_ensure(g->db, &g->master, SV("second"), clock_system_us(), &g->other, &made, &e) && made);
    key_of(g, &g->account, SCOPE_ALL, g->bearer);
    key_of(g, &g->account, SCOPE_READ, g->bearer_read);
    key_of(g, &g->other, SCOPE_ALL, g->bearer_other);
    BUF_AUTO struct buf plain = BUF_INIT(256), coded = BUF_INIT(256);
    buf_addf(&plain, "%s:%s", g->account.sid.text, g->account.auth_token);
    base64_add(&coded, plain.p, plain.n);
    snprintf(g->basic, sizeof g->basic, "Authorization: Basic %s\r\n", coded.p);
}

static void write_template(struct gate *g) {
    char path[128];
    snprintf(path, sizeof path, "%s/hello.txt", g->dir);
    FILE *f = fopen(path, "w");
    ASSERT(f && fputs("Hello {{ name }}", f) >= 0 && fclose(f) == 0);
}

struct gate *gate_open(size_t asks_max, bool lane) {
    return gate_open_narrow(asks_max, 512, lane);
}

struct gate *gate_open_narrow(size_t asks_max, size_t replies_max, bool lane) {
    struct gate *g = calloc(1, sizeof *g);
    struct err e = ERR_INIT;
    int from, to;
    int64_t last_id, backlog;
    ASSERT(g);
    snprintf(g->dir, sizeof g->dir, "/tmp/hongyan-api-XXXXXX");
    ASSERT(mkdtemp(g->dir));
    snprintf(g->url, sizeof g->url, "sqlite:%s/test.db", g->dir);
    write_template(g);
    g->random = 42;
    g->log = (struct log){
        .fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .level = LOG_DEBUG, .now_us = now, .mask = mask_text};
    for (size_t i = 0; i < MASTER_KEY_BYTES; i++)
        g->master.bytes[i] = (uint8_t)i;
    g->world = (struct world){.now_us = now,
                              .random = draw,
                              .ctx = g,
                              .log = &g->log,
                              .meters = &g->meters,
                              .id_key = master_key_ids(&g->master),
                              .vault = master_key_vault(&g->master)};
    settle(g, lane);
    g->texts = texts_load(&g->settings, &e);
    ASSERT(g->texts);
    g->db = db_open(sv_of(g->url), DB_WRITER, &e);
    ASSERT(g->db && migrate(g->db, &from, &to, &e));
    people(g);
    g->mail = (struct core_mail){.asks = box(asks_max),
                                 .receipts = box(asks_max),
                                 .committed = box(CORE_JOBS_MAX),
                                 .called = box(CORE_CALLS_MAX),
                                 .journal = box(256),
                                 .senders = {box(256)},
                                 .n_senders = 1};
    g->replies = box(replies_max);
    g->journal = journal_new(g->db, &e);
    ASSERT(g->journal && reader_totals(g->db, 0, &last_id, &backlog, &e));
    g->core = core_new(&g->world, &g->settings, &g->mail, last_id, backlog, &e);
    ASSERT(g->core);
    meter_set(&g->meters, GAUGE_JOURNAL_HEALTHY, 1);
    struct front_parts parts = {.settings = &g->settings,
                                .texts = g->texts,
                                .world = &g->world,
                                .master = &g->master,
                                .asks = g->mail.asks,
                                .receipts = g->mail.receipts,
                                .replies = g->replies};
    g->front = front_open(&parts, "127.0.0.1", 0, false, &e);
    ASSERT(g->front);
    for (int i = 0; i < 20; i++) /* until the core has looked through the database */
        gate_turn(g);
    return g;
}

static void turn_journal(struct gate *g) {
    void *items[64];
    struct job *done[CORE_JOBS_MAX / 8];
    size_t n = mailbox_take(g->mail.journal, items, 64);
    struct job *jobs[64];
    for (size_t i = 0; i < n; i++)
        jobs[i] = items[i];
    size_t m = journal_apply(g->journal, jobs, n, done);
    for (size_t i = 0; i < m; i++) {
        void *item = done[i];
        ASSERT(mailbox_put(g->mail.committed, &item, 1) == 1);
    }
}

void gate_turn(struct gate *g) {
    front_wait(g->front, -1, 1);
    front_run(g->front);
    for (int i = 0; i < 3 && !g->core_stands; i++) {
        core_turn(g->core);
        if (!g->journal_stands)
            turn_journal(g);
    }
}

void gate_close(struct gate *g) {
    void *item;
    struct mailbox *asks[] = {g->mail.asks, g->mail.receipts};
    for (size_t i = 0; i < 2; i++)
        while (mailbox_take(asks[i], &item, 1))
            message_free(((struct ask *)item)->message);
    while (mailbox_take(g->mail.journal, &item, 1) || mailbox_take(g->mail.committed, &item, 1))
        core_forget_job(item);
    journal_abandon(g->journal, core_forget_job);
    while (mailbox_take(g->mail.senders[0], &item, 1))
        core_forget_call(item);
    core_free(g->core);
    front_close(g->front);
    journal_free(g->journal);
    db_close(g->db);
    texts_free(g->texts);
    mailbox_free(g->mail.asks);
    mailbox_free(g->mail.receipts);
    mailbox_free(g->mail.committed);
    mailbox_free(g->mail.called);
    mailbox_free(g->mail.journal);
    mailbox_free(g->mail.senders[0]);
    mailbox_free(g->replies);
    close(g->log.fd);
    static const char *const files[] = {"hello.txt", "test.db", "test.db-wal", "test.db-shm"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", g->dir, files[i]);
        unlink(path);
    }
    rmdir(g->dir);
    free(g);
}

/* ---- the client ---- */

int gate_begin(struct gate *g, const char *method, const char *target, const char *head, const char *body) {
    g->head_only = strcmp(method, "HEAD") == 0;
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(front_port(g->front)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    BUF_AUTO struct buf out = BUF_INIT(1024 * 1024);
    buf_addf(&out, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s", method, target, head);
    if (body)
        buf_addf(&out, "Content-Length: %zu\r\n", strlen(body));
    buf_addf(&out, "\r\n%s", body ? body : "");
    ASSERT(send(fd, out.p, out.n, MSG_NOSIGNAL) == (ssize_t)out.n);
    return fd;
}

static bool is_whole(struct gate *g, size_t n) {
    g->reply[n] = '\0';
    const char *end = strstr(g->reply, "\r\n\r\n");
    if (!end)
        return false;
    g->body = end + 4;
    const char *length = strcasestr(g->reply, "content-length:");
    size_t want = length && length < end && !g->head_only ? strtoul(length + 15, NULL, 10) : 0;
    return n - (size_t)(g->body - g->reply) >= want || strncmp(g->reply, "HTTP/1.1 204", 12) == 0;
}

int gate_receive(struct gate *g, int fd) {
    size_t n = 0;
    g->status = 0;
    for (int turns = 0; turns < 3000; turns++) {
        gate_turn(g);
        ssize_t got = recv(fd, g->reply + n, sizeof g->reply - 1 - n, MSG_DONTWAIT);
        if (got == 0)
            break;
        n += got > 0 ? (size_t)got : 0;
        if (is_whole(g, n)) {
            g->status = atoi(g->reply + 9);
            break;
        }
    }
    close(fd);
    return g->status;
}

int gate_send(struct gate *g, const char *method, const char *target, const char *head, const char *body) {
    return gate_receive(g, gate_begin(g, method, target, head, body));
}

int gate_post(struct gate *g, const char *target, const char *json) {
    BUF_AUTO struct buf head = BUF_INIT(1024);
    buf_addf(&head, "%sContent-Type: application/json\r\n", g->bearer);
    return gate_send(g, "POST", target, head.p, json);
}

int gate_get(struct gate *g, const char *target) {
    return gate_send(g, "GET", target, g->bearer, NULL);
}

void gate_member(struct gate *g, const char *name, char out[MEMBER_BYTES]) {
    json_t *j = json_loads(g->body, 0, NULL);
    const char *v = json_string_value(json_object_get(j, name));
    snprintf(out, MEMBER_BYTES, "%s", v ? v : "");
    json_decref(j);
}

void gate_header(struct gate *g, const char *name, char out[MEMBER_BYTES]) {
    BUF_AUTO struct buf key = BUF_INIT(128);
    buf_addf(&key, "\r\n%s: ", name);
    const char *at = strcasestr(g->reply, key.p);
    out[0] = '\0';
    if (at && at < g->body)
        snprintf(out, MEMBER_BYTES, "%.*s", (int)strcspn(at + key.n, "\r"), at + key.n);
}
