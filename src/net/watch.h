/* watch: the descriptors libcurl wants watched, in one epoll set.
 *
 * libcurl takes a connection off the list behind every answer and puts it back for the next request; a
 * connection of ours (watch_own) therefore stays in the set until it is closed or says something unasked,
 * which saves two system calls a request. Descriptors of libcurl's own (its resolver's) leave at once, since
 * their closing is not told.
 */
#ifndef HY_NET_WATCH_H
#define HY_NET_WATCH_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct watch_slot {
    uint8_t in_set; /* WATCH_ bits the epoll set has */
    uint8_t wanted;
    bool own;
    void *owner; /* who wanted it last */
};

enum { WATCH_IN = 1, WATCH_OUT = 2, WATCH_ERR = 4 };

struct watch {
    int epoll_fd;
    int wake_fd;              /* in the set, -1 if none */
    struct watch_slot *slots; /* owned, by descriptor */
    size_t n_slots;
};

MUST_USE bool watch_init(struct watch *w, struct err *e);
void watch_done(struct watch *w);

/* False when memory is short. */
MUST_USE bool watch_own(struct watch *w, int fd);
/* Before an own descriptor is closed. */
void watch_forget(struct watch *w, int fd);
void watch_want(struct watch *w, int fd, unsigned bits, void *owner);
void watch_wake_fd(struct watch *w, int fd);

struct watch_event {
    int fd;
    unsigned bits;
    void *owner;
};
/* Waits; up to max events of wanted descriptors. */
size_t watch_wait(struct watch *w, int timeout_ms, struct watch_event *events, size_t max);

#endif
