/* bench: how fast the server and the client are, alone.
 *
 *   net_bench server [later]   no-op handler on port 18080 (later: answers after the turn, as the gateway
 *                              does); then e.g. wrk -t1 -c64 -d5 -s post.lua http://127.0.0.1:18080/
 *   net_bench client N C       N POSTs, C at a time, to that server; prints rate and CPU per call
 *   net_bench idle N           N idle connections to that server after one request each; prints the
 *                              memory of this process' server, which it then runs itself
 */
#include "base/clock.h"
#include "net/client.h"
#include "net/listen.h"
#include "net/server.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT = 18080, HELD_MAX = 4096 };

static volatile sig_atomic_t stop;

static void on_signal(int sig) {
    (void)sig;
    stop = 1;
}

struct served {
    bool later;
    struct exchange *held[HELD_MAX];
    size_t n;
};

static const struct answer answer = {
    .status = 201,
    .content_type = "application/json",
    .body = {"{\"id\":\"SM0123456789abcdef0123456789abcdef\",\"status\":\"queued\"}", 61}};

static void on_exchange(void *ctx, struct exchange *x) {
    struct served *d = ctx;
    if (d->later && d->n < HELD_MAX)
        d->held[d->n++] = x;
    else
        server_answer(x, &answer);
}

static struct server *open_server(struct served *d) {
    struct err e = ERR_INIT;
    struct server *s = server_open(&(struct server_options){.address = "127.0.0.1",
                                                            .port = PORT,
                                                            .body_bytes_max = 1 << 20,
                                                            .connections_max = 20000,
                                                            .idle_s = 60,
                                                            .request_ms_max = 10000,
                                                            .header_bytes_max = 8192},
                                   on_exchange, d, &e);
    if (!s) {
        fprintf(stderr, "%s\n", e.text);
        exit(EXIT_FAILURE);
    }
    return s;
}

static double cpu_us(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void serve_turn(struct server *s, struct served *d) {
    struct pollfd p = {.fd = server_fd(s), .events = POLLIN};
    (void)poll(&p, 1, server_timeout_ms(s));
    server_run(s);
    for (size_t i = 0; i < d->n; i++)
        server_answer(d->held[i], &answer);
    d->n = 0;
}

static void serve(bool later) {
    static struct served d;
    d.later = later;
    struct server *s = open_server(&d);
    while (!stop)
        serve_turn(s, &d);
    server_close(s);
}

struct calls {
    struct client *client;
    struct client_call call;
    unsigned left, good;
};

static void start(struct calls *k) {
    struct err e = ERR_INIT;
    k->left--;
    ASSERT(client_start(k->client, &k->call, &e));
}

static void on_done(void *ctx, const struct http_response *r) {
    struct calls *k = ctx;
    k->good += r->transport == HTTP_ANSWERED && r->status == 201;
    if (k->left)
        start(k);
}

static void call(unsigned n, unsigned at_once) {
    struct err e = ERR_INIT;
    struct http_request rq = {.method = HTTP_POST,
                              .url = SV("http://127.0.0.1:18080/2010-04-01/Accounts/AC/Messages.json"),
                              .body = SV("To=%2B15005550006&From=%2B15005550001&Body=hello")};
    http_add_header(&rq, SV("Authorization"), SV("Basic QUM6c2VjcmV0"));
    http_add_header(&rq, SV("Content-Type"), SV("application/x-www-form-urlencoded"));
    struct calls k = {.client = client_open(&(struct client_options){.connections_max = at_once}, &e),
                      .left = n};
    k.call = (struct client_call){.request = &rq,
                                  .timeout_ms = 10000,
                                  .connect_timeout_ms = 5000,
                                  .body_bytes_max = 65536,
                                  .allow_private = true,
                                  .done = on_done,
                                  .ctx = &k};
    int64_t start_us = clock_monotonic_us();
    double cpu = cpu_us();
    for (unsigned i = 0; i < at_once && k.left; i++)
        start(&k);
    while (client_in_flight(k.client))
        client_run(k.client, 100, -1);
    uint64_t calls, connections;
    client_counts(k.client, &calls, &connections);
    printf("%u calls, %u good, %llu connections: %.0f calls/s, %.1f us CPU each\n", n, k.good,
           (unsigned long long)connections, n * 1e6 / (double)(clock_monotonic_us() - start_us),
           (cpu_us() - cpu) / n);
    client_close(k.client);
}

static size_t rss_kib(void) {
    size_t total = 0, rss = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%zu %zu", &total, &rss) != 2)
        rss = 0;
    if (f)
        fclose(f);
    return rss * 4;
}

static void idle(unsigned n, bool used) {
    static struct served d;
    struct server *s = open_server(&d);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    size_t before = rss_kib();
    for (unsigned i = 0; i < n; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
            break;
        struct sv rq = SV("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        if (used)
            ASSERT(send(fd, rq.p, rq.n, 0) == (ssize_t)rq.n);
        for (int k = 0; k < 4; k++)
            server_run(s);
    }
    printf("%u connections: %.1f KiB each\n", server_connections(s),
           (double)(rss_kib() - before) / server_connections(s));
    double cpu = cpu_us();
    unsigned turns = 0;
    for (int64_t end_us = clock_monotonic_us() + 10 * US_PER_S; clock_monotonic_us() < end_us; turns++)
        serve_turn(s, &d);
    printf("idle for 10 s: %u turns, %.1f ms of CPU\n", turns, (cpu_us() - cpu) / 1000);
    server_close(s);
}

int main(int argc, char **argv) {
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "server") == 0)
        serve(argc > 2);
    else if (strcmp(what, "client") == 0 && argc == 4)
        call((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
    else if (strcmp(what, "idle") == 0 && argc >= 3)
        idle((unsigned)atoi(argv[2]), argc > 3);
    else
        return EXIT_FAILURE;
    return EXIT_SUCCESS;
}
