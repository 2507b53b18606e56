#include "net/watch.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS_MAX = 128, SLOTS_MIN = 256 };

bool watch_init(struct watch *w, struct err *e) {
    *w = (struct watch){.epoll_fd = epoll_create1(EPOLL_CLOEXEC), .wake_fd = -1};
    if (w->epoll_fd < 0)
        return err_set(e, ERR_OUTSIDE, "cannot make an epoll descriptor: %s", strerror(errno));
    return true;
}

void watch_done(struct watch *w) {
    close(w->epoll_fd);
    free(w->slots);
    *w = (struct watch){.epoll_fd = -1, .wake_fd = -1};
}

static struct watch_slot *slot_of(struct watch *w, int fd) {
    size_t i = (size_t)fd;
    if (i < w->n_slots)
        return &w->slots[i];
    size_t n = w->n_slots ? w->n_slots : SLOTS_MIN;
    while (n <= i)
        n *= 2;
    struct watch_slot *slots = realloc(w->slots, n * sizeof *slots);
    if (!slots)
        return NULL;
    memset(slots + w->n_slots, 0, (n - w->n_slots) * sizeof *slots);
    w->slots = slots;
    w->n_slots = n;
    return &w->slots[i];
}

static void set(struct watch *w, int fd, struct watch_slot *slot, unsigned bits) {
    if (slot->in_set == bits)
        return;
    struct epoll_event ev = {.data.fd = fd,
                             .events = (bits & WATCH_IN ? (uint32_t)EPOLLIN : 0) |
                                       (bits & WATCH_OUT ? (uint32_t)EPOLLOUT : 0)};
    int op = bits == 0 ? EPOLL_CTL_DEL : slot->in_set ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    /* A descriptor that was closed and opened again unseen is in the set or not against our books. */
    if (epoll_ctl(w->epoll_fd, op, fd, &ev) != 0 && bits)
        (void)epoll_ctl(w->epoll_fd, errno == EEXIST ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev);
    slot->in_set = (uint8_t)bits;
}

bool watch_own(struct watch *w, int fd) {
    struct watch_slot *slot = slot_of(w, fd);
    if (!slot)
        return false;
    *slot = (struct watch_slot){.own = true};
    return true;
}

void watch_forget(struct watch *w, int fd) {
    struct watch_slot *slot = slot_of(w, fd);
    if (slot)
        *slot = (struct watch_slot){0}; /* closing takes it out of the set */
}

void watch_want(struct watch *w, int fd, unsigned bits, void *owner) {
    struct watch_slot *slot = slot_of(w, fd);
    if (!slot)
        return;
    slot->wanted = (uint8_t)bits;
    slot->owner = owner;
    if (bits == 0 && slot->own && slot->in_set == WATCH_IN)
        return;
    set(w, fd, slot, bits);
}

void watch_wake_fd(struct watch *w, int fd) {
    if (fd == w->wake_fd)
        return;
    if (w->wake_fd >= 0)
        (void)epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, w->wake_fd, NULL);
    struct epoll_event ev = {.data.fd = fd, .events = EPOLLIN};
    if (fd >= 0 && epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0)
        ASSERT(errno == EEXIST);
    w->wake_fd = fd;
}

size_t watch_wait(struct watch *w, int timeout_ms, struct watch_event *events, size_t max) {
    struct epoll_event got[EVENTS_MAX];
    int n = epoll_wait(w->epoll_fd, got, (int)(max < EVENTS_MAX ? max : EVENTS_MAX), timeout_ms);
    size_t k = 0;
    for (int i = 0; i < n; i++) {
        int fd = got[i].data.fd;
        if (fd == w->wake_fd)
            continue;
        struct watch_slot *slot = slot_of(w, fd);
        if (!slot->wanted) {
            set(w, fd, slot, 0);
            continue;
        }
        unsigned bits = (got[i].events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP) ? (unsigned)WATCH_IN : 0) |
                        (got[i].events & EPOLLOUT ? (unsigned)WATCH_OUT : 0) |
                        (got[i].events & (EPOLLERR | EPOLLHUP) ? (unsigned)WATCH_ERR : 0);
        events[k++] = (struct watch_event){.fd = fd, .bits = bits, .owner = slot->owner};
    }
    return k;
}
