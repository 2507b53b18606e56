#include "net/multi.h"

#include "base/clock.h"
#include "net/address.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *unused) {
    (void)easy;
    (void)unused;
    struct multi *m = ctx;
    unsigned bits = 0;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        bits |= WATCH_IN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        bits |= WATCH_OUT;
    watch_want(m->watch, fd, bits, m->owner);
    return 0;
}

static int on_timer(CURLM *handle, long timeout_ms, void *ctx) {
    (void)handle;
    struct multi *m = ctx;
    m->timer_us = timeout_ms < 0 ? 0 : clock_monotonic_us() + timeout_ms * US_PER_MS;
    return 0;
}

bool multi_init(struct multi *m, struct watch *watch, void *owner, unsigned connections_max) {
    *m = (struct multi){.watch = watch, .owner = owner, .handle = curl_multi_init()};
    CURLM *h = m->handle;
    return h && curl_multi_setopt(h, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
           curl_multi_setopt(h, CURLMOPT_SOCKETDATA, m) == CURLM_OK &&
           curl_multi_setopt(h, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
           curl_multi_setopt(h, CURLMOPT_TIMERDATA, m) == CURLM_OK &&
           curl_multi_setopt(h, CURLMOPT_MAXCONNECTS, (long)connections_max) == CURLM_OK;
}

void multi_done(struct multi *m) {
    curl_multi_cleanup(m->handle);
    m->handle = NULL;
}

void multi_event(struct multi *m, int fd, unsigned bits) {
    int running;
    curl_multi_socket_action(m->handle, fd,
                             (bits & WATCH_IN ? CURL_CSELECT_IN : 0) |
                                 (bits & WATCH_OUT ? CURL_CSELECT_OUT : 0) |
                                 (bits & WATCH_ERR ? CURL_CSELECT_ERR : 0),
                             &running);
}

void multi_timer(struct multi *m, int64_t now_us) {
    int running;
    if (m->timer_us == 0 || m->timer_us > now_us)
        return;
    m->timer_us = 0;
    curl_multi_socket_action(m->handle, CURL_SOCKET_TIMEOUT, 0, &running);
}

curl_socket_t multi_open_socket(struct watch *watch, const struct curl_sockaddr *a, bool allow_private,
                                bool *refused) {
    if (!allow_private && address_is_private(&a->addr)) {
        *refused = true;
        return CURL_SOCKET_BAD;
    }
    int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    /* Also when the process is killed: undone by an orderly close (multi_close_socket). */
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    if (!watch_own(watch, fd)) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    return fd;
}

/* What the other end has not confirmed is dropped with the connection. The kernel would go on sending it for
 * minutes, and a call that was given up could arrive after its provider was asked about it, and had said no.
 */
int multi_close_socket(void *watch, curl_socket_t fd) {
    int unsent = 0;
    if (ioctl(fd, SIOCOUTQ, &unsent) == 0 && unsent == 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){0}, sizeof(struct linger));
    watch_forget(watch, fd);
    return close(fd);
}
