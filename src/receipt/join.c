#include "receipt/join.h"

#include <string.h>

/* A provider that repeats itself must not grow a message's history without end. */
enum { EVENTS_MAX = 64, STRAYS_MAX = 16 };

static enum state target(const struct receipt *r) {
    switch ((int)r->state) {
    case STATE_DELIVERED:
    case STATE_UNDELIVERED:
    case STATE_FAILED: return r->state;
    default: return STATE_SENT; /* queued, sending, sent: the provider has it */
    }
}

static enum joined note(const struct receipt *r, enum state to, int64_t now, struct change *c) {
    if (c->next.events >= EVENTS_MAX)
        return JOINED_NOTHING_NEW;
    change_note(c, to, r->reason, r->code, now);
    return JOINED_CHANGE;
}

/* Not believed, but told: nothing a provider reports disappears without a trace. */
static enum joined stray(const struct receipt *r, enum state to, int64_t now, struct change *c) {
    if (c->next.events >= STRAYS_MAX)
        return JOINED_NOTHING_NEW;
    change_note(c, to, REASON_OTHER_PROVIDER_ID, r->code, now);
    return JOINED_CHANGE;
}

/* The process that made the call may be gone, or its answer lost: then this is all that will ever be known of
 * it. A report on another attempt, or on who knows which, says nothing of the latest, whose outcome stays
 * open for good. */
static void end_attempt(const struct receipt *r, unsigned number, const struct attempt *latest, int64_t now,
                        struct change *c) {
    bool open = latest->ended_at == 0 || latest->fate == FATE_UNKNOWN;
    if (latest->number == 0 || latest->number != c->next.attempts || !open)
        return;
    c->attempt = *latest;
    c->attempt_ends = true;
    if (c->attempt.ended_at == 0)
        c->attempt.ended_at = now;
    bool surely = number == latest->number || (number == 0 && latest->number == 1);
    if (!surely) {
        c->attempt.fate = FATE_UNKNOWN;
        c->attempt.reason = REASON_OUTCOME_UNKNOWN;
        return;
    }
    c->attempt.fate = FATE_SENT;
    c->attempt.code = r->code;
    memcpy(c->attempt.provider_id, r->provider_id, sizeof r->provider_id);
}

enum joined join_receipt(const struct message *m, const struct receipt *r, unsigned number,
                         const struct attempt *latest, int64_t window_us, int64_t now, struct change *c) {
    enum state from = m->head.state;
    bool over =
        state_is_terminal(from) || m->head.done_at != 0; /* `sent` is over once its window has closed */
    enum state to = target(r);
    bool earlier = number != 0 && number < m->head.attempts;
    bool bad_news = to == STATE_UNDELIVERED || to == STATE_FAILED;
    bool fills_id = !m->head.provider_id[0] && r->provider_id[0] && !earlier;

    /* The address says this message, the provider's id another one: nothing to be believed. */
    bool latest_one = number == 0 || number == m->head.attempts;
    if (latest_one && m->head.provider_id[0] && r->provider_id[0] &&
        strcmp(m->head.provider_id, r->provider_id) != 0)
        return stray(r, to, now, c);

    if (from == to || (to == STATE_SENT && over)) {
        if (!fills_id)
            return JOINED_NOTHING_NEW;
        memcpy(c->next.provider_id, r->provider_id, sizeof r->provider_id);
        c->next.updated_at = now;
        return JOINED_CHANGE;
    }
    /* An earlier attempt that failed says nothing about the one that counts now; of a channel that was left
     * behind only its delivery counts. */
    bool left = number != 0 && number <= m->head.step_from && to != STATE_DELIVERED;
    if (over || left || (earlier && bad_news) || !state_may_move(from, to))
        return note(r, to, now, c);

    if (r->provider_id[0])
        memcpy(c->next.provider_id, r->provider_id, sizeof r->provider_id);
    c->next.code = r->code;
    end_attempt(r, number, latest, now, c);
    change_move(c, to, r->reason, now);
    if (to == STATE_SENT) {
        c->next.due_at = now + window_us;
        c->next.lookups = 0;
    }
    return JOINED_CHANGE;
}

void join_window_closed(const struct message *m, int64_t now, struct change *c) {
    ASSERT(m->head.state == STATE_SENT);
    c->next.due_at = 0;
    c->next.done_at = now;
    c->next.reason = REASON_NO_RECEIPT;
    change_note(c, STATE_SENT, REASON_NO_RECEIPT, 0, now);
}
