#include "base/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
    pthread_mutex_t lock; /* guards ring, head, n */
    void **ring;
    size_t capacity, head, n;
    struct mailbox *waker; /* itself, or the mailbox whose descriptor is shared */
    int fd;                /* the waker's own eventfd; -1 where shared */
    atomic_bool asleep;    /* on the waker: the reader waits on fd, or is about to */
};

static struct mailbox *make(struct mailbox *waker, size_t capacity, struct err *e) {
    struct mailbox *m = calloc(1, sizeof *m);
    void **ring = calloc(capacity, sizeof *ring);
    if (!m || !ring) {
        free(m);
        free(ring);
        err_set(e, ERR_OUTSIDE, "out of memory for a mailbox of %zu", capacity);
        return NULL;
    }
    m->ring = ring;
    m->capacity = capacity;
    m->fd = -1;
    m->waker = waker ? waker : m;
    pthread_mutex_init(&m->lock, NULL);
    if (!waker) {
        m->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (m->fd < 0) {
            err_set(e, ERR_OUTSIDE, "eventfd: %s", strerror(errno));
            mailbox_free(m);
            return NULL;
        }
    }
    return m;
}

struct mailbox *mailbox_new(size_t capacity, struct err *e) {
    return make(NULL, capacity, e);
}

struct mailbox *mailbox_new_beside(struct mailbox *waker, size_t capacity, struct err *e) {
    return make(waker->waker, capacity, e);
}

void mailbox_free(struct mailbox *m) {
    if (!m)
        return;
    if (m->fd >= 0)
        close(m->fd);
    pthread_mutex_destroy(&m->lock);
    free(m->ring);
    free(m);
}

size_t mailbox_put(struct mailbox *m, void *const *items, size_t n) {
    pthread_mutex_lock(&m->lock);
    size_t room = m->capacity - m->n;
    size_t k = n < room ? n : room;
    for (size_t i = 0; i < k; i++)
        m->ring[(m->head + m->n + i) % m->capacity] = items[i];
    m->n += k;
    pthread_mutex_unlock(&m->lock);
    if (k && atomic_exchange(&m->waker->asleep, false))
        mailbox_wake(m);
    return k;
}

size_t mailbox_take(struct mailbox *m, void **items, size_t max) {
    pthread_mutex_lock(&m->lock);
    size_t k = m->n < max ? m->n : max;
    for (size_t i = 0; i < k; i++)
        items[i] = m->ring[(m->head + i) % m->capacity];
    m->head = (m->head + k) % m->capacity;
    m->n -= k;
    pthread_mutex_unlock(&m->lock);
    return k;
}

bool mailbox_may_sleep(struct mailbox *m) {
    /* Announce first, look second: a writer that puts after the look sees the announcement. */
    atomic_store(&m->waker->asleep, true);
    return mailbox_fill(m) == 0;
}

void mailbox_awake(struct mailbox *m) {
    atomic_store(&m->waker->asleep, false);
    uint64_t drained;
    ssize_t ignored = read(m->waker->fd, &drained, sizeof drained);
    (void)ignored; /* nothing to read is fine: the fd is non-blocking */
}

int mailbox_fd(const struct mailbox *m) {
    return m->waker->fd;
}

void mailbox_wake(struct mailbox *m) {
    uint64_t one = 1;
    ssize_t ignored = write(m->waker->fd, &one, sizeof one);
    (void)ignored; /* a full eventfd is readable already */
}

size_t mailbox_fill(struct mailbox *m) {
    pthread_mutex_lock(&m->lock);
    size_t n = m->n;
    pthread_mutex_unlock(&m->lock);
    return n;
}

size_t mailbox_capacity(const struct mailbox *m) {
    return m->capacity;
}
