/* lone: how long one message alone takes from POST to provider. It is both ends: it posts to the gateway, and
 * plays the provider that the gateway's lane calls, so both times are of one clock.
 *
 *   KEY=... TAIL=... FIRST=... lone GATEWAY_PORT PROVIDER_PORT TIMES
 *
 * One message at a time, with a pause in between in which its outcome is stored. One line of JSON;
 * microseconds: arrive, from before the POST's first byte was handed to the kernel to the provider's first
 * byte read; answer, to the gateway's answer read.
 */
#include "post.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LINES_MAX = 16, BYTES_MAX = 16384, TIMES_MAX = 100000, PAUSE_MS = 10, WAIT_MS_MAX = 2000 };

struct line {
    int fd;
    size_t n;
    char bytes[BYTES_MAX];
};

struct lone {
    struct line api, provider[LINES_MAX];
    int listener;
    size_t n_provider;
    int64_t arrived_ns, answered_ns;
    int status;
    unsigned calls;
};

static int listen_at(uint16_t port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, LINES_MAX) != 0)
        post_die("listen");
    return fd;
}

/* Reads what is there. False when the other end closed. */
static bool fill(struct line *l) {
    ssize_t n = recv(l->fd, l->bytes + l->n, sizeof l->bytes - l->n, 0);
    if (n < 0 && errno == EAGAIN)
        return true;
    l->n += n > 0 ? (size_t)n : 0;
    return n > 0;
}

static void serve(struct lone *o, struct line *l) {
    bool begun = l->n > 0;
    if (!fill(l)) {
        close(l->fd);
        *l = o->provider[--o->n_provider];
        return;
    }
    if (!begun && !o->arrived_ns)
        o->arrived_ns = post_now_ns();
    if (!post_whole(l->bytes, l->n))
        return;
    char body[128], answer[512];
    int length = snprintf(body, sizeof body,
                          "{\"sid\":\"SM%032x\",\"status\":\"queued\",\"error_code\":null}", ++o->calls);
    int n = snprintf(answer, sizeof answer,
                     "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                     length, body);
    if (send(l->fd, answer, (size_t)n, MSG_NOSIGNAL) != n)
        post_die("the provider's answer");
    l->n = 0;
}

static void take_connection(struct lone *o) {
    int fd = accept4(o->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
    if (fd < 0)
        return;
    if (o->n_provider == LINES_MAX) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct line *l = &o->provider[o->n_provider++];
    l->fd = fd;
    l->n = 0;
}

static void take_answer(struct lone *o) {
    if (!fill(&o->api))
        post_die("the gateway closed the connection");
    if (!post_whole(o->api.bytes, o->api.n))
        return;
    o->answered_ns = post_now_ns();
    o->status = post_status(o->api.bytes, o->api.n);
    o->api.n = 0;
}

static void turn(struct lone *o, int wait_ms) {
    struct pollfd p[2 + LINES_MAX] = {{.fd = o->listener, .events = POLLIN},
                                      {.fd = o->api.fd, .events = POLLIN}};
    for (size_t i = 0; i < o->n_provider; i++)
        p[2 + i] = (struct pollfd){.fd = o->provider[i].fd, .events = POLLIN};
    size_t n = o->n_provider;
    if (poll(p, (nfds_t)(2 + n), wait_ms) < 0 && errno != EINTR)
        post_die("poll");
    for (size_t i = n; i-- > 0;) /* the last first: a closed one is replaced by the last */
        if (p[2 + i].revents)
            serve(o, &o->provider[i]);
    if (p[1].revents)
        take_answer(o);
    if (p[0].revents)
        take_connection(o);
}

static void run_until(struct lone *o, int64_t until_ns, bool both) {
    for (int64_t now = post_now_ns(); now < until_ns && !(both && o->arrived_ns && o->answered_ns);
         now = post_now_ns())
        turn(o, (int)((until_ns - now) / 1000000) + 1);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const char *name, double *us, size_t n, const char *after) {
    qsort(us, n, sizeof *us, by_size);
    printf("\"%s\": {\"p50\": %.0f, \"p90\": %.0f, \"p99\": %.0f, \"max\": %.0f}%s", name, us[n / 2],
           us[n * 9 / 10], us[n * 99 / 100], us[n - 1], after);
}

int main(int argc, char **argv) {
    const char *key = getenv("KEY"), *tail = getenv("TAIL"), *first = getenv("FIRST");
    int times = argc == 4 ? atoi(argv[3]) : 0;
    if (!key || !tail || !first || times < 1 || times > TIMES_MAX) {
        fprintf(stderr, "usage: KEY=... TAIL=... FIRST=... lone GATEWAY_PORT PROVIDER_PORT TIMES\n");
        return EXIT_FAILURE;
    }
    static struct lone o;
    o.listener = listen_at((uint16_t)atoi(argv[2]));
    o.api.fd = post_connect((uint16_t)atoi(argv[1]));
    double *arrive = calloc((size_t)times, sizeof *arrive), *answer = calloc((size_t)times, sizeof *answer);
    if (!arrive || !answer)
        post_die("memory");
    enum { WARM = 5 };
    size_t n = 0, lost = 0;
    for (int i = -WARM; i < times; i++) {
        char request[POST_BYTES_MAX];
        size_t size = post_request(request, key, tail, strtoull(first, NULL, 10) + (unsigned)(i + WARM));
        o.arrived_ns = o.answered_ns = 0;
        int64_t begun_ns = post_now_ns();
        if (send(o.api.fd, request, size, MSG_NOSIGNAL) != (ssize_t)size)
            post_die("send");
        run_until(&o, begun_ns + WAIT_MS_MAX * 1000000LL, true);
        bool good = o.arrived_ns && o.answered_ns && o.status >= 200 && o.status <= 299;
        if (good && i >= 0) {
            arrive[n] = (double)(o.arrived_ns - begun_ns) / 1e3;
            answer[n++] = (double)(o.answered_ns - begun_ns) / 1e3;
        }
        lost += !good && i >= 0;
        run_until(&o, post_now_ns() + PAUSE_MS * 1000000LL, false);
    }
    if (n == 0) {
        fprintf(stderr, "no message arrived; the last answer's status was %d\n", o.status);
        return EXIT_FAILURE;
    }
    printf("{\"times\": %zu, \"lost\": %zu, ", n, lost);
    print("arrive", arrive, n, ", ");
    print("answer", answer, n, "}\n");
    return EXIT_SUCCESS;
}
