/* mailbox: the only thing two threads share. A bounded queue of pointers, many writers, one reader, filled
 * and emptied in batches.
 *
 * A full mailbox takes nothing more and says so: the writer keeps what was not taken and pushes back in its
 * turn; it never drops and never blocks. Pointers given to mailbox_put belong to the reader from then on. The
 * reader sleeps on mailbox_fd (an eventfd, readable when there may be something to take); a wake-up costs a
 * system call only when the reader has said that it is about to sleep.
 */
#ifndef HY_BASE_MAILBOX_H
#define HY_BASE_MAILBOX_H

#include "base/err.h"

#include <stddef.h>

struct mailbox;

/* capacity > 0 pointers. NULL with ERR_OUTSIDE when the machine is out of memory or descriptors. */
MUST_USE struct mailbox *mailbox_new(size_t capacity, struct err *e);
/* As mailbox_new, but readers of several mailboxes may share one descriptor: wakes `waker`'s instead of its
 * own. */
MUST_USE struct mailbox *mailbox_new_beside(struct mailbox *waker, size_t capacity, struct err *e);
void mailbox_free(struct mailbox *m); /* NULL is fine; what is still inside is the caller's business */

/* Any thread: takes the first k of n items, in order, and returns k (0..n). */
MUST_USE size_t mailbox_put(struct mailbox *m, void *const *items, size_t n);
/* The reader: up to max items, in the order put; returns how many. */
size_t mailbox_take(struct mailbox *m, void **items, size_t max);

/* The reader, before it waits on mailbox_fd: returns true when it may sleep, false when there is something to
 * take (then do not wait). For a shared descriptor ask every mailbox. After waking call mailbox_awake. */
MUST_USE bool mailbox_may_sleep(struct mailbox *m);
void mailbox_awake(struct mailbox *m);
int mailbox_fd(const struct mailbox *m);
/* Makes the reader's wait end, without an item. Safe from a signal handler. */
void mailbox_wake(struct mailbox *m);

/* For metrics: how many are inside now, and the capacity. */
size_t mailbox_fill(struct mailbox *m);
size_t mailbox_capacity(const struct mailbox *m);

#endif
