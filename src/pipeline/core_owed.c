#include "pipeline/core_parts.h"

#include "base/clock.h"
#include "notify/owed.h"

enum { OWING_MAX = 2000, LEASE_MARGIN_MS = 3000, AGAIN_FIRST_MS = 1000, AGAIN_MAX_MS = 3600 * 1000 };

/* Two callbacks that share a key only make one wait for the next scan. */
static uint64_t owing_key(int64_t message_id, unsigned event) {
    return (uint64_t)message_id ^ ((uint64_t)event << 48);
}

static bool has_room(const struct core *c) {
    return c->owing.n < OWING_MAX && c->n_calls < CORE_CALLS_MAX && !c->draining;
}

static int64_t lease_until(const struct core *c) {
    return c->now + ((int64_t)c->settings->callbacks.timeout_ms + LEASE_MARGIN_MS) * US_PER_MS;
}

void core_owe(struct core *c, const struct message *m, struct change *ch) {
    if (owed_mark(m, ch))
        ch->callback_due_at = has_room(c) ? lease_until(c) : c->now;
}

static void start(struct core *c, const struct callback *cb) {
    struct owing *o = calloc(1, sizeof *o);
    ASSERT(o);
    o->callback = *cb;
    o->call = (struct call){
        .kind = CALL_CALLBACK, .owner = o, .settings = c->settings, .message = cb->message, .callback = *cb};
    map_put(&c->owing, owing_key(cb->message_id, cb->event), o);
    c->n_calls++;
    c->out_calls[c->n_out_calls++] = &o->call;
}

static struct message *copy_texts(const struct message *m) {
    struct message *copy = message_new(m->text);
    ASSERT(copy);
    copy->id = m->id;
    copy->account_id = m->account_id;
    copy->face = m->face;
    copy->channel = m->channel;
    return copy;
}

void core_owe_done(struct core *c, const struct message *m, const struct change *ch) {
    for (unsigned i = 0; i < ch->n_events; i++) {
        if (!(ch->callbacks & 1u << i))
            continue;
        const struct event *ev = &ch->events[i];
        if (!has_room(c) || ch->callback_due_at <= c->now) {
            c->owed.behind |= ch->callback_due_at <= c->now;
            if (c->owed.next_due_at == 0 || ch->callback_due_at < c->owed.next_due_at)
                c->owed.next_due_at = ch->callback_due_at;
            continue;
        }
        start(c, &(struct callback){.message_id = m->id,
                                    .event = ev->number,
                                    .state = ev->state,
                                    .reason = ev->reason,
                                    .code = ev->code,
                                    .at = ev->at,
                                    .message = copy_texts(m)});
    }
}

void core_owed_scan(struct core *c) {
    if (c->owed.next_due_at && c->now >= c->owed.next_due_at) {
        c->owed.next_due_at = 0;
        c->owed.behind = true;
    }
    if (!c->owed.behind || c->owed.scanning || c->owing.n >= OWING_MAX / 2 || c->draining)
        return;
    struct work *w = core_work(c, FOR_OWED_SCAN, JOB_CALLBACK_SCAN, NULL);
    w->job.limit = OWING_MAX; /* those in memory are among the rows: ask for more than them */
    c->owed.scanning = true;
    core_record(c, w);
}

void core_owed_scanned(struct core *c, struct work *w) {
    struct job *j = &w->job;
    c->owed.scanning = false;
    if (j->result != JOB_DONE) {
        c->owed.behind = false;
        c->owed.next_due_at = c->now + US_PER_S;
        return;
    }
    c->owed.behind = j->more;
    if (j->next_due_at && (c->owed.next_due_at == 0 || j->next_due_at < c->owed.next_due_at))
        c->owed.next_due_at = j->next_due_at;
    for (unsigned i = 0; i < j->n_callbacks; i++) {
        struct callback *cb = &j->callbacks[i];
        if (map_get(&c->owing, owing_key(cb->message_id, cb->event)))
            continue;
        if (!has_room(c)) {
            c->owed.behind = true;
            break;
        }
        start(c, cb);
        cb->message = NULL; /* the owing's now */
    }
}

void core_owed_called(struct core *c, struct call *call) {
    struct owing *o = call->owner;
    struct callback *cb = &o->callback;
    unsigned tries = cb->tries + 1u;
    bool give_up = !call->taken && tries >= c->settings->callbacks.attempts_max;
    struct meters *meters = c->world->meters;
    meter_add(meters, call->taken ? COUNT_CALLBACKS_OK : COUNT_CALLBACKS_FAILED, 1);
    struct work *w =
        core_work(c, FOR_OWED, call->taken || give_up ? JOB_CALLBACK_END : JOB_CALLBACK_AGAIN, NULL);
    w->owing = o;
    w->job.id = cb->message_id;
    w->job.event = cb->event;
    w->job.tries = (uint16_t)tries;
    w->job.due_at =
        c->now +
        (AGAIN_FIRST_MS + settle_backoff_ms(c->world, AGAIN_FIRST_MS, AGAIN_MAX_MS, tries)) * US_PER_MS;
    core_record(c, w);
    if (call->taken)
        return;
    struct sid sid = sid_message(c->world->id_key, cb->message_id);
    log_warn(c->world->log, give_up ? "callback.given_up" : "callback.failed", kv_word("id", sid_sv(&sid)),
             kv_int("status", call->status), kv_int("tries", tries));
    if (give_up)
        meter_add(meters, COUNT_CALLBACKS_GIVEN_UP, 1);
}

void core_owed_done(struct core *c, struct work *w) {
    struct owing *o = w->owing;
    bool again = w->job.kind == JOB_CALLBACK_AGAIN || w->job.result != JOB_DONE;
    int64_t due_at = w->job.result == JOB_DONE ? w->job.due_at : c->now + US_PER_S;
    if (again && (c->owed.next_due_at == 0 || due_at < c->owed.next_due_at))
        c->owed.next_due_at = due_at;
    map_take(&c->owing, owing_key(o->callback.message_id, o->callback.event));
    message_free(o->callback.message);
    free(o);
}
