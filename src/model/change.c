#include "model/change.h"

struct change change_of(const struct message *m) {
    return (struct change){.next = m->head};
}

void change_note(struct change *c, enum state said, enum reason reason, int32_t code, int64_t now) {
    ASSERT(c->n_events < CHANGE_EVENTS_MAX);
    c->next.events++;
    c->next.updated_at = now;
    c->events[c->n_events++] = (struct event){.number = c->next.events,
                                              .at = now,
                                              .state = said,
                                              .reason = reason,
                                              .attempt = c->next.attempts,
                                              .code = code,
                                              .note = true};
}

void change_unmove(struct change *c, enum state from) {
    ASSERT(c->n_events && !c->events[c->n_events - 1].note);
    c->n_events--;
    c->next.events--;
    c->next.state = from;
    for (unsigned i = 0; i < c->n_events; i++)
        if (!c->events[i].note)
            c->next.state = c->events[i].state;
}

void change_move(struct change *c, enum state to, enum reason reason, int64_t now) {
    ASSERT(state_may_move(c->next.state, to));
    c->next.state = to;
    c->next.reason = reason;
    c->next.due_at = 0;
    if (to == STATE_SENT)
        c->next.sent_at = now;
    if (to == STATE_DELIVERED && c->next.sent_at == 0)
        c->next.sent_at = now;
    if (state_is_terminal(to))
        c->next.done_at = now;
    change_note(c, to, reason, c->next.code, now);
    c->events[c->n_events - 1].note = false;
}
