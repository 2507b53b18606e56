#include "queue/flow.h"

#include "base/err.h"

#include <stdlib.h>

struct queue_group *flow_find_group(const struct queue_lane *l, const struct queue_item *i) {
    return map_get(&l->groups[i->kind], i->lanes);
}

struct queue_flow *flow_find(const struct queue_group *g, int64_t account) {
    return g ? map_get(&g->flows, (uint64_t)account) : NULL;
}

struct queue_group *flow_make_group(struct queue_lane *l, const struct queue_item *i) {
    struct queue_group *g = calloc(1, sizeof *g);
    ASSERT(g);
    *g = (struct queue_group){.priority = i->priority, .kind = i->kind, .lanes = i->lanes};
    g->next = g->before = g;
    if (l->turn) { /* last in the ring */
        g->next = l->turn;
        g->before = l->turn->before;
        g->next->before = g->before->next = g;
    } else {
        l->turn = g;
    }
    map_put(&l->groups[i->kind], i->lanes, g);
    return g;
}

struct queue_flow *flow_make(struct queue_lane *l, struct queue_group *g, int64_t account) {
    struct queue_flow *f = calloc(1, sizeof *f);
    ASSERT(f);
    *f = (struct queue_flow){.group = g, .account = account, .mark = g->mark};
    l->n_missing += f->mark.missing;
    f->next = f->before = f;
    if (g->turn) {
        f->next = g->turn;
        f->before = g->turn->before;
        f->next->before = f->before->next = f;
    } else {
        g->turn = f;
    }
    map_put(&g->flows, (uint64_t)account, f);
    return f;
}

void flow_append(struct queue *q, struct queue_flow *f, struct queue_item *i) {
    i->next = NULL;
    i->queued = true;
    i->flow = f;
    if (f->last)
        f->last->next = i;
    else
        f->first = i;
    f->last = i;
    f->n++;
    f->group->n++;
    q->lanes[f->group->priority].n++;
    q->n++;
}

void flow_unlink(struct queue *q, struct queue_flow *f, struct queue_item *before, struct queue_item *i) {
    struct queue_lane *l = &q->lanes[f->group->priority];
    if (before)
        before->next = i->next;
    else
        f->first = i->next;
    if (f->last == i)
        f->last = before;
    i->queued = false;
    i->next = NULL;
    i->flow = NULL;
    f->n--;
    f->group->n--;
    l->n--;
    q->n--;
    flow_tidy(l, f);
}

void flow_tidy(struct queue_lane *l, struct queue_flow *f) {
    struct queue_group *g = f->group;
    if (f->n || f->mark.missing)
        return;
    if (g->turn == f)
        g->turn = f->next == f ? NULL : f->next;
    f->next->before = f->before;
    f->before->next = f->next;
    map_take(&g->flows, (uint64_t)f->account);
    free(f);
    flow_tidy_group(l, g);
}

void flow_tidy_group(struct queue_lane *l, struct queue_group *g) {
    if (g->turn || g->mark.missing)
        return;
    if (l->turn == g)
        l->turn = g->next == g ? NULL : g->next;
    g->next->before = g->before;
    g->before->next = g->next;
    map_take(&l->groups[g->kind], g->lanes);
    map_done(&g->flows);
    free(g);
}

static void free_group(struct queue_group *g) {
    for (size_t i = 0; i < g->flows.cap; i++)
        free(g->flows.slots[i].value);
    map_done(&g->flows);
    free(g);
}

void flow_free_all(struct queue_lane *l) {
    for (int k = 0; k < QUEUE_KINDS; k++) {
        for (size_t i = 0; i < l->groups[k].cap; i++)
            if (l->groups[k].slots[i].value)
                free_group(l->groups[k].slots[i].value);
        map_done(&l->groups[k]);
        map_init(&l->groups[k]);
    }
    l->turn = NULL;
    l->n = l->n_missing = 0;
}
