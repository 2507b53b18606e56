/* provider: a provider that costs next to nothing, so that a measurement shows the gateway and not the
 * simulator.
 *
 *   provider PORT LATENCY_MS
 *
 * It speaks as much HTTP as the gateway's Twilio lane needs: every request with a Content-Length, on a
 * connection that is kept, is answered LATENCY_MS later with 201 and a message resource of Twilio's size and
 * a sid of its own. It keeps nothing and checks nothing; what must be right is shown against `hongyan
 * simulator`.
 */
#include "post.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS_MAX = 8192, BYTES_MAX = 8192, EVENTS_MAX = 256 };

struct line {
    size_t n;
    char bytes[BYTES_MAX];
};

/* Answers not yet given, in the order in which they are due: all take the same time. */
struct due {
    int64_t at_ns;
    int fd;
};

static struct line *lines[FDS_MAX];
static struct due dues[FDS_MAX];
static size_t first_due, n_due;
static unsigned long long served;

static void answer(int fd) {
    static const char head[] = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: ";
    char body[1024], text[1400];
    int n = snprintf(
        body, sizeof body,
        "{\"account_sid\": \"AC00000000000000000000000000000001\", \"api_version\": \"2010-04-01\", "
        "\"body\": \"Hi Li Wei, order A-10372 is on its way and comes on Monday.\", \"date_created\": "
        "\"Fri, 02 Jan 2026 03:04:05 +0000\", \"date_sent\": null, \"direction\": \"outbound-api\", "
        "\"error_code\": null, \"error_message\": null, \"from\": \"+15005550006\", \"num_media\": \"0\", "
        "\"num_segments\": \"1\", \"price\": null, \"sid\": \"SM%032llx\", \"status\": \"queued\"}",
        ++served);
    n = snprintf(text, sizeof text, "%s%d\r\n\r\n%s", head, n, body);
    if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
        shutdown(fd, SHUT_RDWR);
}

static void begin(int fd, int64_t latency_ns, int64_t now_ns) {
    if (latency_ns == 0) {
        answer(fd);
        return;
    }
    dues[(first_due + n_due++) % FDS_MAX] = (struct due){.at_ns = now_ns + latency_ns, .fd = fd};
}

static void hear(int fd, int64_t latency_ns, int64_t now_ns) {
    struct line *l = lines[fd];
    ssize_t got = recv(fd, l->bytes + l->n, BYTES_MAX - l->n, MSG_DONTWAIT);
    if (got <= 0) {
        if (got < 0 && errno == EAGAIN)
            return;
        close(fd);
        l->n = 0;
        return;
    }
    l->n += (size_t)got;
    for (size_t n; (n = post_whole(l->bytes, l->n)) != 0;) {
        memmove(l->bytes, l->bytes + n, l->n - n);
        l->n -= n;
        begin(fd, latency_ns, now_ns);
    }
}

static void greet(int epoll, int listener) {
    int one = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (fd >= FDS_MAX)
        post_die("too many connections");
    if (!lines[fd] && !(lines[fd] = calloc(1, sizeof **lines)))
        post_die("out of memory");
    lines[fd]->n = 0;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
        post_die("epoll_ctl");
}

static int wait_ms(int64_t now_ns) {
    if (n_due == 0)
        return -1;
    int64_t left = dues[first_due].at_ns - now_ns;
    return left <= 0 ? 0 : (int)((left + 999999) / 1000000);
}

int main(int argc, char **argv) {
    if (argc != 3)
        post_die("usage: provider PORT LATENCY_MS");
    struct rlimit files = {FDS_MAX, FDS_MAX};
    (void)setrlimit(RLIMIT_NOFILE, &files);
    int64_t latency_ns = atoll(argv[2]) * 1000000;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(argv[1])),
                             .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 1024) != 0)
        post_die("listen");
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = listener};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &ev) != 0)
        post_die("epoll");
    for (;;) {
        struct epoll_event got[EVENTS_MAX];
        int n = epoll_wait(epoll, got, EVENTS_MAX, wait_ms(post_now_ns()));
        int64_t now_ns = post_now_ns();
        for (int i = 0; i < n; i++) {
            if (got[i].data.fd == listener)
                greet(epoll, listener);
            else
                hear(got[i].data.fd, latency_ns, now_ns);
        }
        for (; n_due && dues[first_due].at_ns <= now_ns; n_due--) {
            answer(dues[first_due].fd);
            first_due = (first_due + 1) % FDS_MAX;
        }
    }
}
