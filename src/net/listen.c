#include "net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
    socklen_t n;
};

static bool address_parse(const char *text, uint16_t port, struct address *a) {
    *a = (struct address){0};
    if (inet_pton(AF_INET, text, &a->v4.sin_addr) == 1) {
        a->v4.sin_family = AF_INET;
        a->v4.sin_port = htons(port);
        a->n = sizeof a->v4;
        return true;
    }
    if (inet_pton(AF_INET6, text, &a->v6.sin6_addr) == 1) {
        a->v6.sin6_family = AF_INET6;
        a->v6.sin6_port = htons(port);
        a->n = sizeof a->v6;
        return true;
    }
    return false;
}

static bool refused(struct err *e, const char *address, uint16_t port, int why) {
    bool v6 = strchr(address, ':') != NULL;
    const char *l = v6 ? "[" : "", *r = v6 ? "]" : "";
    switch (why) {
    case EADDRINUSE:
        return err_set_field(
            e, ERR_OUTSIDE, "listen",
            "address %s%s%s:%u is taken by another program: stop it or change the setting listen", l, address,
            r, port);
    case EACCES:
        return err_set_field(e, ERR_OUTSIDE, "listen",
                             "address %s%s%s:%u needs a right this program lacks (ports below 1024 do): "
                             "change the setting listen or grant CAP_NET_BIND_SERVICE",
                             l, address, r, port);
    case EADDRNOTAVAIL:
        return err_set_field(e, ERR_OUTSIDE, "listen",
                             "address %s%s%s:%u is not an address of this machine: change the setting listen",
                             l, address, r, port);
    default:
        return err_set_field(e, ERR_OUTSIDE, "listen", "cannot listen on %s%s%s:%u: %s", l, address, r, port,
                             strerror(why));
    }
}

int listen_open(const char *address, uint16_t port, bool reuse_port, struct err *e) {
    struct address a;
    if (!address_parse(address, port, &a)) {
        err_set_field(e, ERR_INVALID, "listen", "\"%s\" is not a numeric IPv4 or IPv6 address", address);
        return -1;
    }
    int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (!reuse_port || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
        bind(fd, &a.any, a.n) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    if (fd >= 0)
        close(fd);
    refused(e, address, port, why);
    return -1;
}

uint16_t listen_port(int fd) {
    struct address a = {.n = sizeof(struct sockaddr_in6)};
    if (getsockname(fd, &a.any, &a.n) != 0)
        return 0;
    return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

void listen_peer_text(const struct sockaddr *peer, char out[INET6_ADDRSTRLEN]) {
    out[0] = '\0';
    if (peer && peer->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, peer, sizeof v4);
        inet_ntop(AF_INET, &v4.sin_addr, out, INET6_ADDRSTRLEN);
    } else if (peer && peer->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, peer, sizeof v6);
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
            inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], out, INET6_ADDRSTRLEN);
        else
            inet_ntop(AF_INET6, &v6.sin6_addr, out, INET6_ADDRSTRLEN);
    }
}

void listen_lift_files(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}
