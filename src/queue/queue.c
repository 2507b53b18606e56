#include "queue/queue.h"

#include "base/err.h"
#include "queue/flow.h"

void queue_init(struct queue *q, size_t window) {
    *q = (struct queue){.window = window};
    for (int p = 0; p < PRIORITY_COUNT; p++)
        q->lanes[p].behind = true;
}

void queue_done(struct queue *q) {
    for (int p = 0; p < PRIORITY_COUNT; p++)
        flow_free_all(&q->lanes[p]);
    q->n = 0;
}

void queue_share(struct queue *q, unsigned urgent_run) {
    q->urgent_run = urgent_run;
}

void queue_bound(struct queue *q, size_t window) {
    q->window = window;
}

static size_t n_groups(const struct queue_lane *l) {
    size_t n = 0;
    for (int kind = 0; kind < QUEUE_KINDS; kind++)
        n += l->groups[kind].n;
    return n;
}

/* ---- room ---- */

static size_t less(size_t a, size_t b) {
    return a > b ? a - b : 0;
}

/* What a group may hold however full the window is: closed lanes cannot drain. */
static size_t guaranteed(const struct queue *q) {
    size_t n = q->window / 64;
    return n < 1 ? 1 : n > 16 ? 16 : n;
}

/* How many more items g may take: until it holds as much as is free, or what is guaranteed. */
static size_t left_for(const struct queue *q, const struct queue_lane *l, const struct queue_group *g) {
    size_t held = g ? g->n : 0, own = (less(less(q->window, l->n), held) + 1) / 2;
    size_t sure = less(guaranteed(q), held);
    return own > sure ? own : sure;
}

/* How many items a flow of g may hold. */
static size_t share(const struct queue *q, const struct queue_lane *l, const struct queue_group *g) {
    return 2 * left_for(q, l, g);
}

static bool has_room(const struct queue *q, const struct queue_lane *l, const struct queue_group *g,
                     const struct queue_flow *f) {
    return (f ? f->n : 0) < share(q, l, g);
}

/* ---- marks ---- */

static int compare(struct queue_key a, struct queue_key b) {
    if (a.due_at != b.due_at)
        return a.due_at < b.due_at ? -1 : 1;
    return (a.id > b.id) - (a.id < b.id);
}

static struct queue_key just_before(struct queue_key k) {
    return (struct queue_key){.due_at = k.due_at, .id = k.id - 1};
}

static void miss(struct queue_lane *l, struct queue_mark *m, struct queue_key key) {
    key = just_before(key);
    if (!m->missing || compare(key, m->after) < 0)
        m->after = key;
    l->n_missing += !m->missing;
    m->missing = true;
    m->refused = l->scanning;
}

static bool covers(const struct queue_mark *m, struct queue_key key) {
    return m->missing && compare(key, m->after) > 0;
}

/* Whether the page being handed over has all rows behind the mark, up to the one at hand. */
static bool reads_on(const struct queue_lane *l, const struct queue_mark *m) {
    return l->paging && !m->refused && compare(l->from, m->after) <= 0;
}

/* A row behind the mark that stays there. */
static void leave(struct queue_lane *l, struct queue_mark *m, struct queue_key key) {
    if (l->paging) {
        m->refused |= compare(l->from, m->after) <= 0;
    } else if (l->scanning) {
        if (!m->late || compare(key, m->late_at) < 0)
            m->late_at = key;
        m->late = true;
    }
}

static bool offer(struct queue *q, struct queue_lane *l, struct queue_item *i, struct queue_key key) {
    struct queue_group *g = flow_find_group(l, i);
    struct queue_flow *f = flow_find(g, i->account);
    struct queue_mark *m = f ? &f->mark : g ? &g->mark : NULL;
    bool covered = m && covers(m, key), room = has_room(q, l, g, f);
    if (covered && (!room || !reads_on(l, m))) {
        leave(l, m, key);
        return false;
    }
    if (!g)
        g = flow_make_group(l, i);
    if (!room) {
        miss(l, f ? &f->mark : &g->mark, key);
        return false;
    }
    if (!f)
        f = flow_make(l, g, i->account);
    if (covered)
        f->mark.after = key;
    flow_append(q, f, i);
    return true;
}

bool queue_offer(struct queue *q, struct queue_item *i, struct queue_key key) {
    ASSERT(!i->queued);
    struct queue_lane *l = &q->lanes[i->priority];
    bool held = offer(q, l, i, key);
    bool all_known = !l->paging && !l->behind && (!l->next_due_at || l->next_due_at > key.due_at);
    if (all_known && compare(l->frontier, key) < 0)
        l->frontier = key; /* held, or covered by a mark */
    return held;
}

bool queue_is_behind(const struct queue *q, enum priority p) {
    return q->lanes[p].behind;
}

bool queue_takes(const struct queue *q, enum priority p) {
    return q->lanes[p].paging || !q->lanes[p].behind;
}

uint64_t queue_free_lanes(const struct queue *q, const struct queue_item *i) {
    const struct queue_lane *own = &q->lanes[i->priority];
    if (own->behind)
        return 0;
    if (q->n == 0 && own->n_missing == 0)
        return i->lanes;
    const struct queue_group *g = flow_find_group(own, i);
    const struct queue_flow *f = flow_find(g, i->account);
    if ((f && f->mark.missing) || (!f && g && g->mark.missing))
        return 0;
    uint64_t lanes = i->lanes;
    for (int p = 0; p <= (int)i->priority; p++) {
        const struct queue_group *at = q->lanes[p].turn;
        for (size_t k = n_groups(&q->lanes[p]); k; k--, at = at->next)
            if (at->n && at->kind == QUEUE_ATTEMPT)
                lanes &= ~at->lanes;
    }
    return lanes;
}

/* ---- taking out ---- */

void queue_begin_pass(struct queue *q) {
    q->pass++;
}

/* The turn goes to the next flow, and to the next group. */
static struct queue_item *take_turn(struct queue *q, struct queue_lane *l, struct queue_group *g,
                                    struct queue_flow *f) {
    struct queue_item *i = f->first;
    g->turn = f->next;
    l->turn = g->next;
    flow_unlink(q, f, NULL, i);
    return i;
}

static struct queue_item *next_of(struct queue *q, struct queue_lane *l,
                                  bool (*may)(const struct queue_item *i, void *ctx), void *ctx) {
    struct queue_group *g = l->turn;
    for (size_t k = l->n ? n_groups(l) : 0; k; k--, g = g->next) {
        if (g->n == 0 || g->blocked == q->pass)
            continue;
        struct queue_flow *f = g->turn;
        while (!f->first) /* only misses rows; some other flow has one */
            f = f->next;
        if (may(f->first, ctx))
            return take_turn(q, l, g, f);
        g->blocked = q->pass;
    }
    return NULL;
}

/* One of a priority that was passed over long enough: the least urgent such first, since it is passed over by
 * all. */
static struct queue_item *next_overdue(struct queue *q, bool (*may)(const struct queue_item *i, void *ctx),
                                       void *ctx) {
    for (int p = PRIORITY_COUNT - 1; p > 0 && q->urgent_run; p--) {
        struct queue_lane *l = &q->lanes[p];
        struct queue_item *i = l->passed_over >= q->urgent_run ? next_of(q, l, may, ctx) : NULL;
        if (!i)
            continue;
        l->passed_over = 0;
        return i;
    }
    return NULL;
}

struct queue_item *queue_next(struct queue *q, bool (*may)(const struct queue_item *i, void *ctx),
                              void *ctx) {
    struct queue_item *i = next_overdue(q, may, ctx);
    for (int p = 0; p < PRIORITY_COUNT && !i; p++) {
        i = next_of(q, &q->lanes[p], may, ctx);
        if (i)
            q->lanes[p].passed_over = 0;
        for (int less = p + 1; i && less < PRIORITY_COUNT; less++)
            if (q->lanes[less].n)
                q->lanes[less].passed_over++;
    }
    return i;
}

void queue_remove(struct queue *q, struct queue_item *i) {
    ASSERT(i->queued);
    struct queue_item *before = NULL;
    for (struct queue_item *at = i->flow->first; at; before = at, at = at->next)
        if (at == i) {
            flow_unlink(q, i->flow, before, i);
            return;
        }
    BUG("a queued item stands in its flow");
}

/* Of one flow, which may be gone afterwards. */
static struct queue_item **sift_flow(struct queue *q, struct queue_flow *f, size_t *max,
                                     bool (*wanted)(const struct queue_item *i, void *ctx), void *ctx,
                                     struct queue_item **end) {
    struct queue_item *before = NULL, *next;
    for (struct queue_item *i = f->first; i && *max; i = next) {
        next = i->next;
        if (!wanted(i, ctx)) {
            before = i;
            continue;
        }
        flow_unlink(q, f, before, i);
        *end = i;
        end = &i->next;
        --*max;
    }
    return end;
}

struct queue_item *queue_sift(struct queue *q, size_t max,
                              bool (*wanted)(const struct queue_item *i, void *ctx), void *ctx) {
    struct queue_item *taken = NULL, **end = &taken;
    for (int p = 0; p < PRIORITY_COUNT; p++) {
        struct queue_lane *l = &q->lanes[p];
        struct queue_group *g = l->turn, *next_group;
        for (size_t k = n_groups(l); k && max; k--, g = next_group) {
            next_group = g->next;
            struct queue_flow *f = g->turn, *next_flow;
            for (size_t j = g->flows.n; j && max; j--, f = next_flow) {
                next_flow = f->next;
                end = sift_flow(q, f, &max, wanted, ctx, end);
            }
        }
    }
    return taken;
}

static bool all(const struct queue_item *i, void *ctx) {
    (void)i;
    (void)ctx;
    return true;
}

struct queue_item *queue_clear(struct queue *q) {
    struct queue_item *chain = queue_sift(q, SIZE_MAX, all, NULL);
    for (int p = 0; p < PRIORITY_COUNT; p++) {
        struct queue_lane *l = &q->lanes[p];
        flow_free_all(l);
        l->frontier = (struct queue_key){0};
        l->behind = true;
        l->noted = l->scanning;
        l->noted_at = l->frontier;
    }
    return chain;
}

void queue_heads(const struct queue *q, void (*see)(const struct queue_item *i, void *ctx), void *ctx) {
    for (int p = 0; p < PRIORITY_COUNT; p++) {
        const struct queue_lane *l = &q->lanes[p];
        const struct queue_group *g = l->turn;
        for (size_t k = n_groups(l); k; k--, g = g->next) {
            const struct queue_flow *f = g->turn;
            for (size_t j = g->flows.n; j; j--, f = f->next)
                if (f->first)
                    see(f->first, ctx);
        }
    }
}

/* ---- reading on from disk ---- */

void queue_note_due(struct queue *q, enum priority p, struct queue_key key, int64_t now) {
    struct queue_lane *l = &q->lanes[p];
    if (key.due_at > now) {
        if (l->next_due_at == 0 || key.due_at < l->next_due_at)
            l->next_due_at = key.due_at;
        return;
    }
    if (compare(key, l->frontier) <= 0)
        l->frontier = just_before(key);
    l->behind = true;
    if (l->scanning && (!l->noted || compare(key, l->noted_at) < 0))
        l->noted_at = key;
    l->noted = l->scanning;
}

/* The mark nearest to the start that somebody has room for again, and enough of it that a page is worth its
 * while; false: none. */
static bool hungriest(const struct queue *q, const struct queue_lane *l, struct queue_key *out) {
    bool found = false;
    const struct queue_group *g = l->turn;
    if (!l->n_missing)
        return false;
    for (size_t k = n_groups(l); k; k--, g = g->next) {
        if (g->mark.missing && g->n < 2 * left_for(q, l, g) && (!found || compare(g->mark.after, *out) < 0)) {
            *out = g->mark.after;
            found = true;
        }
        const struct queue_flow *f = g->turn;
        for (size_t j = g->flows.n, s = share(q, l, g); j; j--, f = f->next)
            if (f->mark.missing && f->n * 2 < s && (!found || compare(f->mark.after, *out) < 0)) {
                *out = f->mark.after;
                found = true;
            }
    }
    return found;
}

bool queue_wants_scan(struct queue *q, int64_t now, struct queue_scan *out) {
    for (int p = 0; p < PRIORITY_COUNT; p++) {
        struct queue_lane *l = &q->lanes[p];
        struct queue_key hungry;
        if (l->next_due_at && now >= l->next_due_at) {
            queue_note_due(q, (enum priority)p, (struct queue_key){.due_at = l->next_due_at}, now);
            l->next_due_at = 0;
        }
        if (l->scanning || now < l->not_before)
            continue;
        bool back = hungriest(q, l, &hungry);
        if (!back && !l->behind)
            continue;
        l->forward = l->behind && !(back && l->forward); /* in turns when both are wanted */
        l->from = l->forward ? l->frontier : hungry;
        l->scanning = true;
        *out = (struct queue_scan){.priority = (enum priority)p, .after = l->from};
        return true;
    }
    return false;
}

void queue_page(struct queue *q, enum priority p) {
    ASSERT(q->lanes[p].scanning);
    q->lanes[p].paging = true;
}

/* The page is over: a mark whose rows it had goes to its end, or away when it had the last ones. */
static void move_on(struct queue_lane *l, struct queue_mark *m, struct queue_key end, bool more) {
    bool had = m->missing && !m->refused && compare(l->from, m->after) <= 0;
    if (had && m->late && compare(m->late_at, end) <= 0)
        end = just_before(m->late_at);
    if (had && compare(m->after, end) < 0)
        m->after = end;
    if (had && !more && !m->late) {
        m->missing = false;
        l->n_missing--;
    }
    m->refused = m->late = false;
}

static void move_all_on(struct queue_lane *l, struct queue_key end, bool more) {
    struct queue_group *g = l->turn, *next_group;
    for (size_t k = n_groups(l); k; k--, g = next_group) {
        next_group = g->next;
        move_on(l, &g->mark, end, more);
        struct queue_flow *f = g->turn, *next_flow;
        size_t n = g->flows.n;
        for (size_t j = n; j; j--, f = next_flow) {
            next_flow = f->next;
            move_on(l, &f->mark, end, more);
            flow_tidy(l, f); /* the group with it when it was the last */
        }
        if (n == 0)
            flow_tidy_group(l, g);
    }
}

void queue_scanned(struct queue *q, enum priority p, size_t n, struct queue_key last, bool more,
                   int64_t next_due_at) {
    struct queue_lane *l = &q->lanes[p];
    ASSERT(l->scanning && (n || !more));
    struct queue_key end = n ? last : l->from;
    if (l->n_missing)
        move_all_on(l, end, more);
    if (compare(l->from, l->frontier) <= 0) { /* else it was taken back meanwhile */
        if (compare(l->frontier, end) < 0)
            l->frontier = end;
        if (!more)
            l->behind = l->noted;
    }
    if (l->noted && compare(l->noted_at, l->frontier) <= 0)
        l->frontier = just_before(l->noted_at);
    l->scanning = l->paging = l->noted = false;
    if (next_due_at && (l->next_due_at == 0 || next_due_at < l->next_due_at))
        l->next_due_at = next_due_at;
}

void queue_scan_failed(struct queue *q, enum priority p, int64_t again_at) {
    struct queue_lane *l = &q->lanes[p];
    ASSERT(l->scanning);
    l->scanning = l->noted = false; /* the frontier stands where it stood */
    queue_pause(q, p, again_at);
    l->from = (struct queue_key){.due_at = INT64_MAX}; /* had none of the rows */
    move_all_on(l, l->from, true);
}

void queue_pause(struct queue *q, enum priority p, int64_t until) {
    if (q->lanes[p].not_before < until)
        q->lanes[p].not_before = until;
}

static void sooner(int64_t *at, int64_t due, int64_t now) {
    if (due > now && (*at == 0 || due < *at))
        *at = due;
}

int64_t queue_next_due_at(const struct queue *q, int64_t now) {
    int64_t at = 0;
    for (int p = 0; p < PRIORITY_COUNT; p++) {
        const struct queue_lane *l = &q->lanes[p];
        if (l->behind || l->n_missing)
            sooner(&at, l->not_before, now);
        sooner(&at, l->next_due_at, now);
    }
    return at;
}

size_t queue_turns_before(const struct queue *q, const struct queue_item *i) {
    const struct queue_group *g = flow_find_group(&q->lanes[i->priority], i);
    const struct queue_flow *f = flow_find(g, i->account);
    if (!g)
        return queue_is_behind(q, i->priority) ? SIZE_MAX : 0;
    if (g->mark.missing || (f && f->mark.missing))
        return SIZE_MAX;
    return ((f ? f->n : 0) + 1) * g->flows.n;
}
