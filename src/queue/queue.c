#include "queue/queue.h"

#include "base/err.h"

void queue_init(struct queue *q) {
    *q = (struct queue){0};
    for (int p = 0; p < PRIORITY_COUNT; p++)
        q->lanes[p].behind = true;
}

void queue_push(struct queue *q, struct queue_item *i) {
    ASSERT(!i->queued);
    struct queue_lane *l = &q->lanes[i->priority];
    i->next = NULL;
    i->queued = true;
    if (l->last)
        l->last->next = i;
    else
        l->first = i;
    l->last = i;
    l->n++;
    q->n++;
}

static void unlink_item(struct queue *q, struct queue_lane *l, struct queue_item *before,
                        struct queue_item *i) {
    if (before)
        before->next = i->next;
    else
        l->first = i->next;
    if (l->last == i)
        l->last = before;
    i->queued = false;
    i->next = NULL;
    l->n--;
    q->n--;
}

struct queue_item *queue_first(const struct queue *q) {
    for (int p = 0; p < PRIORITY_COUNT; p++)
        if (q->lanes[p].first)
            return q->lanes[p].first;
    return NULL;
}

struct queue_item *queue_pop(struct queue *q) {
    struct queue_item *i = queue_first(q);
    if (i)
        unlink_item(q, &q->lanes[i->priority], NULL, i);
    return i;
}

void queue_remove(struct queue *q, struct queue_item *i) {
    ASSERT(i->queued);
    struct queue_lane *l = &q->lanes[i->priority];
    struct queue_item *before = NULL;
    for (struct queue_item *at = l->first; at; before = at, at = at->next)
        if (at == i) {
            unlink_item(q, l, before, i);
            return;
        }
    BUG("a queued item stands in its list");
}

struct queue_item *queue_sift(struct queue *q, size_t max,
                              bool (*wanted)(const struct queue_item *i, void *ctx), void *ctx) {
    struct queue_item *taken = NULL, **end = &taken;
    for (int p = 0; p < PRIORITY_COUNT; p++) {
        struct queue_lane *l = &q->lanes[p];
        struct queue_item *before = NULL, *next;
        for (struct queue_item *i = l->first; i && max; i = next) {
            next = i->next;
            if (!wanted(i, ctx)) {
                before = i;
                continue;
            }
            unlink_item(q, l, before, i);
            *end = i;
            end = &i->next;
            max--;
        }
    }
    return taken;
}

void queue_note_due(struct queue *q, enum priority p, int64_t due_at, int64_t now) {
    struct queue_lane *l = &q->lanes[p];
    if (due_at > now) {
        if (l->next_due_at == 0 || due_at < l->next_due_at)
            l->next_due_at = due_at;
        return;
    }
    l->behind = true;
    if (l->scanning || l->after_due_at != 0)
        l->disturbed = true;
}

bool queue_is_caught_up(const struct queue *q, enum priority p) {
    return !q->lanes[p].behind;
}

bool queue_wants_scan(struct queue *q, int64_t now, size_t low_water, struct queue_scan *out) {
    for (int p = 0; p < PRIORITY_COUNT; p++) {
        struct queue_lane *l = &q->lanes[p];
        if (l->next_due_at && now >= l->next_due_at) {
            l->next_due_at = 0;
            queue_note_due(q, (enum priority)p, now, now);
        }
        if (!l->behind || l->scanning || l->n >= low_water || now < l->not_before)
            continue;
        l->scanning = true;
        *out = (struct queue_scan){
            .priority = (enum priority)p, .after_due_at = l->after_due_at, .after_id = l->after_id};
        return true;
    }
    return false;
}

void queue_scanned(struct queue *q, enum priority p, size_t n, int64_t last_due_at, int64_t last_id,
                   bool more, int64_t next_due_at) {
    struct queue_lane *l = &q->lanes[p];
    ASSERT(l->scanning);
    l->scanning = false;
    if (more && n) {
        l->after_due_at = last_due_at;
        l->after_id = last_id;
        return;
    }
    l->after_due_at = 0; /* the pass is over */
    l->after_id = 0;
    l->behind = l->disturbed;
    l->disturbed = false;
    if (next_due_at && (l->next_due_at == 0 || next_due_at < l->next_due_at))
        l->next_due_at = next_due_at;
}

void queue_scan_failed(struct queue *q, enum priority p, int64_t again_at) {
    struct queue_lane *l = &q->lanes[p];
    ASSERT(l->scanning);
    l->scanning = false;
    queue_pause(q, p, again_at);
}

void queue_pause(struct queue *q, enum priority p, int64_t until) {
    if (q->lanes[p].not_before < until)
        q->lanes[p].not_before = until;
}

int64_t queue_next_due_at(const struct queue *q) {
    int64_t at = 0;
    for (int p = 0; p < PRIORITY_COUNT; p++) {
        const struct queue_lane *l = &q->lanes[p];
        int64_t due = l->behind ? l->not_before : l->next_due_at;
        if (due && (at == 0 || due < at))
            at = due;
    }
    return at;
}
