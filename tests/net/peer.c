#include "peer.h"

#include "base/err.h"
#include "net/listen.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void peer_open(struct peer *p, const char *script) {
    struct err e = ERR_INIT;
    *p = (struct peer){.script = script, .listen_fd = listen_open("127.0.0.1", 0, false, &e)};
    ASSERT(p->listen_fd >= 0);
    p->port = listen_port(p->listen_fd);
    p->conns = calloc(PEER_CONNS_MAX, sizeof *p->conns);
    ASSERT(p->conns);
    for (int i = 0; i < PEER_CONNS_MAX; i++) {
        p->conns[i].fd = -1;
        buf_init(&p->conns[i].in, (size_t)1 << 24);
    }
}

static void hang_up(struct peer_conn *c) {
    close(c->fd);
    c->fd = -1;
}

void peer_done(struct peer *p) {
    close(p->listen_fd);
    for (int i = 0; i < PEER_CONNS_MAX; i++) {
        if (p->conns[i].fd >= 0)
            hang_up(&p->conns[i]);
        buf_done(&p->conns[i].in);
    }
    free(p->conns);
}

/* Length of the first whole request in v, 0 if none. */
static size_t whole(struct sv v) {
    size_t head = sv_find(v, SV("\r\n\r\n"));
    if (head == SIZE_MAX)
        return 0;
    head += 4;
    size_t at = sv_find(sv_sub(v, 0, head), SV("Content-Length: "));
    if (at == SIZE_MAX)
        return head;
    struct sv rest = sv_from(v, at + strlen("Content-Length: "));
    uint64_t n = 0;
    ASSERT(sv_to_u64(sv_sub(rest, 0, sv_find_char(rest, '\r')), &n));
    return v.n >= head + n ? head + n : 0;
}

static void say(struct peer_conn *c, struct sv v) {
    ASSERT(send(c->fd, v.p, v.n, MSG_NOSIGNAL) == (ssize_t)v.n);
}

static void say_body(struct peer_conn *c, struct sv body) {
    BUF_AUTO struct buf out = BUF_INIT((size_t)1 << 24);
    buf_addf(&out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", body.n);
    buf_add(&out, body);
    say(c, buf_sv(&out));
}

static void reset(struct peer_conn *c) {
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    hang_up(c);
}

static void act(struct peer *p, struct peer_conn *c, struct sv request) {
    static const char filler[5000];
    size_t last = strlen(p->script) - 1;
    char what = p->script[c->n_requests < last ? c->n_requests : last];
    c->n_requests++;
    p->requests++;
    switch (what) {
    case 'a': say_body(c, SV("ok")); break;
    case 'b': say_body(c, sv_make(filler, sizeof filler)); break;
    case 'e': say_body(c, request); break;
    case 'c': hang_up(c); break;
    case 'r': reset(c); break;
    case 'n': break;
    case 'h':
        say(c, SV("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"));
        hang_up(c);
        break;
    case 'x':
        say_body(c, SV("ok"));
        hang_up(c);
        break;
    case 'g': say(c, SV("220 mail.example ESMTP\r\n")); break;
    case '1':
        say(c, SV("HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\nHTTP/1.1 429 Slow\r\nRetry-After:  7 "
                  "\r\nX-Empty:\r\n"
                  "Content-Length: 0\r\n\r\n"));
        break;
    default: ASSERT(false);
    }
}

static void hear(struct peer *p, struct peer_conn *c) {
    char some[65536];
    ssize_t n = recv(c->fd, some, sizeof some, MSG_DONTWAIT);
    if (n == 0) {
        hang_up(c);
        return;
    }
    if (n < 0)
        return;
    ASSERT(buf_add(&c->in, sv_make(some, (size_t)n)));
    for (size_t k; c->fd >= 0 && (k = whole(buf_sv(&c->in))) > 0;) {
        act(p, c, sv_sub(buf_sv(&c->in), 0, k));
        memmove(c->in.p, c->in.p + k, c->in.n - k);
        c->in.n -= k;
    }
}

void peer_turn(struct peer *p) {
    for (int fd; (fd = accept4(p->listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0;) {
        int i = 0;
        while (i < PEER_CONNS_MAX && p->conns[i].fd >= 0)
            i++;
        ASSERT(i < PEER_CONNS_MAX);
        p->conns[i].fd = fd;
        p->conns[i].n_requests = 0;
        buf_reset(&p->conns[i].in);
        p->accepted++;
    }
    for (int i = 0; !p->deaf && i < PEER_CONNS_MAX; i++)
        if (p->conns[i].fd >= 0)
            hear(p, &p->conns[i]);
}
