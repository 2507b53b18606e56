#include "wire.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

int wire_connect(const struct server *s) {
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(server_port(s)),
                             .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

/* One turn of the server: waits for it, or for events on fd (-1: none), at most ms. */
static void turn(struct server *s, int fd, short events, int ms) {
    int wait = server_timeout_ms(s);
    struct pollfd p[] = {{.fd = server_fd(s), .events = POLLIN}, {.fd = fd, .events = events}};
    (void)poll(p, 2, wait < 0 || wait > ms ? ms : wait);
    server_run(s);
}

bool wire_send(struct server *s, int fd, struct sv v) {
    while (v.n) {
        ssize_t n = send(fd, v.p, v.n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0)
            v = sv_from(v, (size_t)n);
        else if (errno == EAGAIN)
            turn(s, -1, 0, 10);
        else
            return false;
    }
    return true;
}

/* -1: closed, 0: nothing now, 1: something */
static int take(int fd, struct buf *out) {
    char some[4096];
    ssize_t n = recv(fd, some, sizeof some, MSG_DONTWAIT);
    if (n > 0) {
        ASSERT(buf_add(out, sv_make(some, (size_t)n)));
        return 1;
    }
    return n == 0 || errno != EAGAIN ? -1 : 0;
}

bool wire_read_to_end(struct server *s, int fd, struct buf *out, int ms) {
    int64_t end_us = clock_monotonic_us() + ms * US_PER_MS;
    while (clock_monotonic_us() < end_us) {
        int got = take(fd, out);
        if (got < 0)
            return true;
        if (got == 0)
            turn(s, fd, POLLIN, 20);
    }
    return false;
}

unsigned wire_count(struct sv text, struct sv needle) {
    unsigned n = 0;
    for (size_t at; (at = sv_find(text, needle)) != SIZE_MAX; n++)
        text = sv_from(text, at + needle.n);
    return n;
}

bool wire_read_until(struct server *s, int fd, struct buf *out, struct sv needle, unsigned n, int ms) {
    int64_t end_us = clock_monotonic_us() + ms * US_PER_MS;
    while (clock_monotonic_us() < end_us) {
        if (wire_count(buf_sv(out), needle) >= n)
            return true;
        int got = take(fd, out);
        if (got < 0)
            return wire_count(buf_sv(out), needle) >= n;
        if (got == 0)
            turn(s, fd, POLLIN, 20);
    }
    return false;
}

void wire_run(struct server *s, int ms) {
    int64_t end_us = clock_monotonic_us() + ms * US_PER_MS;
    for (int64_t now_us; (now_us = clock_monotonic_us()) < end_us;)
        turn(s, -1, 0, (int)((end_us - now_us + 999) / US_PER_MS));
}

void wire_turn(struct server *s, int ms) {
    turn(s, -1, 0, ms);
}
