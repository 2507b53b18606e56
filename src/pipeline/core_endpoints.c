#include "pipeline/core_hooks.h"

#include "base/clock.h"
#include "base/json.h"
#include "store/seal.h"

/* The endpoints of webhooks as they are stored: read anew after each change, and written to. */

enum { NOTICE_BYTES_MAX = 8192, DROP_MAX = 256 };

/* ---- endpoints ---- */

void core_hook_target_drop(struct target *t) {
    if (t && t->replaced && t->used == 0)
        free(t);
}

static struct target *target_of(const struct webhook *h, int64_t now) {
    struct target *t = calloc(1, sizeof *t + h->url.n + 1);
    ASSERT(t);
    char *url = (char *)(t + 1);
    memcpy(url, h->url.p, h->url.n);
    t->to = (struct hook_target){.url = sv_make(url, h->url.n), .secrets = {h->secret}};
    if (h->old_until > now)
        t->to.secrets[1] = h->old_secret;
    return t;
}

static void replace_target(struct endpoint *p, struct target *t) {
    struct target *old = p->target;
    p->target = t;
    if (!old)
        return;
    old->replaced = true;
    core_hook_target_drop(old);
}

/* Not read after all: its row stays due. */
static void forget_ready(struct core *c, struct endpoint *p) {
    while (p->ready) {
        struct hook_event *ev = p->ready;
        p->ready = ev->next;
        map_take(&c->hooks.events, core_hook_event_key(&ev->delivery.key));
        p->n_held--;
        core_hook_event_free(ev);
    }
    p->ready_last = NULL;
    p->n_ready = 0;
    p->from = 0;
}

static void adopt_hook(struct core *c, const struct webhook *h) {
    struct endpoint *p = map_get(&c->hooks.endpoints, (uint64_t)h->id);
    if (!p) {
        p = calloc(1, sizeof *p);
        ASSERT(p);
        p->id = h->id;
        p->account_id = h->account_id;
        p->status = HOOK_DELETED;
        map_put(&c->hooks.endpoints, (uint64_t)h->id, p);
    }
    p->seen = true;
    replace_target(p, target_of(h, c->now));
    if (h->old_until > c->now) { /* then it signs no more */
        if (c->hooks.reread_at == 0 || h->old_until < c->hooks.reread_at)
            c->hooks.reread_at = h->old_until;
    }
    if (h->status == HOOK_ENABLED && p->status != HOOK_ENABLED) {
        p->failures = 0;
        p->pause_until = p->from = 0;
        p->failing_since = h->failing_since;
        p->noted = h->failing_since != 0;
        p->disabling = false;
        p->behind = true;
    }
    p->status = h->status;
    p->replay_until = h->replay_until;
    if (p->status != HOOK_ENABLED)
        forget_ready(c, p);
    core_hook_busy(c, p);
}

/* Those that are gone stay until nothing of theirs is in memory. */
static void drop_unseen(struct core *c) {
    uint64_t idle[DROP_MAX];
    size_t n = 0;
    for (size_t i = 0; i < c->hooks.endpoints.cap; i++) {
        struct endpoint *p = c->hooks.endpoints.slots[i].value;
        if (!p || p->seen)
            continue;
        p->status = HOOK_DELETED;
        forget_ready(c, p);
        if (n < DROP_MAX && !p->n_held && !p->scanning && !p->replaying && !p->busy && !p->disabling)
            idle[n++] = (uint64_t)p->id;
    }
    while (n) {
        struct endpoint *p = map_take(&c->hooks.endpoints, idle[--n]);
        free(p->target);
        free(p);
    }
}

void core_hooks_listed(struct core *c, struct work *w) {
    c->hooks.reading = false;
    if (w->job.result != JOB_DONE) {
        c->hooks.unread = true;
        c->hooks.retry_at = c->now + RETRY_SCAN_US;
        return;
    }
    for (size_t i = 0; i < c->hooks.endpoints.cap; i++)
        if (c->hooks.endpoints.slots[i].value)
            ((struct endpoint *)c->hooks.endpoints.slots[i].value)->seen = false;
    c->hooks.reread_at = 0;
    const struct hook_list *l = w->job.hook_list;
    for (size_t i = 0; i < l->n; i++)
        if (l->at[i].node == c->world->node)
            adopt_hook(c, &l->at[i]);
    drop_unseen(c);
}

/* ---- writes ---- */

void core_hooks_write(struct core *c, struct ask *a) {
    struct hook_write *h = a->hook;
    if (h->act == HOOK_CREATE)
        h->hook.id = id_next(&c->ids, c->now);
    if (h->act == HOOK_SEND_TEST)
        h->notice_id = id_next(&c->ids, c->now);
    if (h->act == HOOK_REPLAY)
        h->hook.replay_until = id_next(&c->ids, c->now);
    struct work *w = core_work(c, FOR_HOOK, JOB_HOOK, NULL);
    w->ask = a;
    w->job.hook = h;
    core_record(c, w);
}

void core_hooks_written(struct core *c, struct work *w) {
    struct ask *a = w->ask;
    const struct hook_write *h = w->job.hook;
    if (w->job.result == JOB_DONE && h->act != HOOK_NOTE_FAILING)
        c->hooks.unread = true;
    if (a) {
        a->err = w->job.err;
        core_answer(c, a,
                    w->job.result != JOB_DONE ? ASK_FAILED
                    : h->absent               ? ASK_ABSENT
                    : h->full || h->off       ? ASK_REFUSED
                                              : ASK_DONE);
        return;
    }
    if (w->job.result == JOB_DONE || h->act != HOOK_DISABLE)
        return;
    struct endpoint *p = map_get(&c->hooks.endpoints, (uint64_t)h->hook.id);
    if (p)
        p->disabling = false; /* at its next failure, then */
}

/* A write of our own: nobody waits for it. */
static struct hook_write *own_write(struct core *c, const struct endpoint *p, enum hook_act act) {
    struct work *w = core_work(c, FOR_HOOK, JOB_HOOK, NULL);
    struct hook_write *h = calloc(1, sizeof *h + NOTICE_BYTES_MAX);
    ASSERT(h);
    h->act = act;
    h->hook.id = p->id;
    h->hook.account_id = p->account_id;
    w->own = w->job.hook = h;
    core_record(c, w);
    return h;
}

void core_hook_note_failing(struct core *c, struct endpoint *p, int64_t since) {
    p->noted = since != 0;
    own_write(c, p, HOOK_NOTE_FAILING)->hook.failing_since = since;
}

void core_hook_disable(struct core *c, struct endpoint *p, enum hook_status why) {
    if (p->disabling)
        return;
    p->disabling = true;
    struct hook_write *w = own_write(c, p, HOOK_DISABLE);
    struct sid sid = sid_hook(c->world->id_key, p->id);
    w->hook.status = why;
    w->notice_id = id_next(&c->ids, c->now);
    struct buf BUF_AUTO data = BUF_INIT(NOTICE_BYTES_MAX);
    buf_addc(&data, '{');
    json_pair(&data, "webhook_id", sid_sv(&sid));
    json_pair(&data, "url", p->target->to.url);
    json_pair(&data, "reason", sv_of(hook_status_name(why)));
    json_pair_time(&data, "failing_since", p->failing_since);
    buf_addc(&data, '}');
    if (!data.overflow) {
        char *kept = (char *)(w + 1);
        memcpy(kept, data.p, data.n);
        w->data = sv_make(kept, data.n);
    } else {
        w->data = SV("{}");
    }
    meter_add(c->world->meters, COUNT_HOOKS_DISABLED, 1);
    log_warn(c->world->log, "webhook.disabled", kv_word("id", sid_sv(&sid)),
             kv_name("reason", hook_status_name(why)),
             kv_int("failing_s", p->failing_since ? (c->now - p->failing_since) / US_PER_S : 0));
}

void core_hook_read_list(struct core *c) {
    if (c->hooks.reread_at && c->now >= c->hooks.reread_at) {
        c->hooks.reread_at = 0;
        c->hooks.unread = true;
    }
    if (!c->hooks.unread || c->hooks.reading || c->now < c->hooks.retry_at)
        return;
    c->hooks.unread = false;
    c->hooks.reading = true;
    core_record(c, core_work(c, FOR_HOOKS, JOB_HOOKS, NULL));
}
