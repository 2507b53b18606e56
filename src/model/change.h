/* change: what one decision does to one message: its next head, the events that say so, and what happens to
 * its attempt row and status callbacks. A change is stored whole in one transaction or not at all.
 *
 * change_move is the one function that moves a message. It checks the transition table, appends the event,
 * and keeps the times right; nothing else writes head.state.
 */
#ifndef HY_MODEL_CHANGE_H
#define HY_MODEL_CHANGE_H

#include "model/message.h"
#include "model/saving.h"

enum { CHANGE_EVENTS_MAX = 8, CHANGE_SAVINGS_MAX = 2 };

struct change {
    struct head next;
    struct event events[CHANGE_EVENTS_MAX];
    unsigned n_events;
    bool attempt_begins;    /* insert the attempt's row */
    bool attempt_ends;      /* write its outcome */
    bool attempt_was_taken; /* ... which is that the provider took it; that is why the message is `sent` */
    struct attempt attempt;
    struct saving saved[CHANGE_SAVINGS_MAX]; /* thanks to it, or by it */
    unsigned n_saved;
    /* Events (by index) whose status callback is owed to the caller: bit i for events[i]. */
    uint32_t callbacks;
    int64_t
        callback_due_at; /* when the callbacks' first try is due, or its lease ends if it is made at once */
};

/* A change that does nothing yet. */
struct change change_of(const struct message *m);
/* Moves to `to` for `reason`, effective now, with nothing due (set next.due_at after, unless terminal).
 * ASSERTs the table. */
void change_move(struct change *c, enum state to, enum reason reason, int64_t now);
/* Takes the latest move back, which must be the latest event; from: the state the message had before the
 * change. */
void change_unmove(struct change *c, enum state from);
/* Appends an event that leaves the state as it is: a late receipt, a lookup, the end of the receipt window.
 */
void change_note(struct change *c, enum state said, enum reason reason, int32_t code, int64_t now);

#endif
