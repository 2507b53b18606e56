#include "pipeline/core_parts.h"

#include "base/clock.h"

enum {
    SCAN_PAGE = 1024,
    SWEEP_PAGE = 512,
    SWEEP_STEP_US = 100 * 1000,
    SWEEP_REST_US = 3 * 1000 * 1000,
    PRUNE_EVERY_US = 60 * 1000 * 1000,
    PRUNE_STEP_US = 100 * 1000, /* while an erasure has more events to go through */
    SIFT_EVERY_US = 250 * 1000,
};

/* Rows from disk: those not in memory yet come alive and are seen to. */
static void adopt_rows(struct core *c, struct job *j) {
    for (unsigned i = 0; i < j->n_rows; i++) {
        struct message *m = j->rows[i];
        if (map_get(&c->live, (uint64_t)m->id)) {
            message_free(m); /* memory knows better */
            continue;
        }
        struct live *l = core_live_new(c, m->id, m);
        l->attempt = j->attempts[i];
        core_due(c, l);
    }
    free(j->rows);
    j->rows = NULL;
    j->n_rows = 0;
}

void core_scanned(struct core *c, struct work *w) {
    struct job *j = &w->job;
    if (j->result != JOB_DONE) {
        queue_scan_failed(&c->queue, j->priority, c->now + RETRY_SCAN_US);
        return;
    }
    unsigned n = j->n_rows;
    struct queue_key last = {0};
    if (n)
        last = (struct queue_key){.due_at = j->rows[n - 1]->head.due_at, .id = j->rows[n - 1]->id};
    queue_page(&c->queue, j->priority);
    adopt_rows(c, j);
    queue_scanned(&c->queue, j->priority, n, last, j->more, j->next_due_at);
}

void core_swept(struct core *c, struct work *w) {
    struct job *j = &w->job;
    if (j->result == JOB_DONE && j->more) {
        c->sweep.after_due_at = j->end_due_at;
        c->sweep.after_id = j->end_id;
        c->sweep.next_at = c->now + SWEEP_STEP_US;
    } else {
        c->sweep.after_due_at = c->sweep.after_id = 0;
        c->sweep.priority = (enum priority)((c->sweep.priority + 1) % PRIORITY_COUNT);
        c->sweep.next_at = c->now + SWEEP_REST_US;
    }
    adopt_rows(c, j);
}

/* What the lanes new here began to send before this process, or before they were taken away. */
void core_ask_for_use(struct core *c) {
    if (c->now < c->use_at)
        return;
    for (size_t i = 0; i < c->n_lanes; i++) {
        struct lane *l = c->lanes[i];
        if (!l->unread || l->reading)
            continue;
        l->reading = true;
        struct work *w = core_work(c, FOR_LANE_USE, JOB_LANE_USE, NULL);
        w->lane = l;
        w->job.lane = sv_of(l->config->name);
        core_record(c, w);
    }
}

void core_use_done(struct core *c, struct work *w) {
    struct lane *l = w->lane;
    l->reading = false;
    if (w->job.result != JOB_DONE) {
        c->use_at = c->now + RETRY_SCAN_US;
        return;
    }
    for (unsigned i = 0; i < w->job.n_use; i++) {
        const struct lane_use *u = &w->job.use[i];
        lane_recall(l, u->units, u->minute_at, c->now);
    }
    for (unsigned i = 0; i < w->job.n_senders; i++) {
        const struct lane_sender *s = &w->job.senders[i];
        lane_recall_sender(l, sv_of(s->sender), s->first_at, s->last_at, s->units);
    }
    const struct lane_state *st = &w->job.lane_state;
    lane_resume_standing(l, &st->standing, c->now);
    lane_resume(l, st->broken, st->downs, st->until, c->now);
    lane_resume_pace(l, st->pace_good, st->pace_bad);
    lane_read(l);
}

void core_ask_for_pages(struct core *c) {
    struct queue_scan s;
    if (c->accounts.unread)
        return; /* their route could not be told */
    while (!c->draining && queue_wants_scan(&c->queue, c->now, &s)) {
        struct work *w = core_work(c, FOR_SCAN, JOB_SCAN, NULL);
        w->job.priority = s.priority;
        w->job.after_due_at = s.after.due_at;
        w->job.after_id = s.after.id;
        w->job.limit = SCAN_PAGE;
        core_record(c, w);
    }
}

static bool is_past(const struct queue_item *i, void *ctx) {
    struct core *c = ctx;
    const struct message *m = ((const struct live *)i)->m;
    if (m->head.state == STATE_SENT) /* waits for a place to be asked about */
        return core_is_past_receipts(c, (const struct live *)i);
    return c->now >= m->expires_at || core_is_stuck(c, m);
}

/* No lane may come to them in their time: what stands in memory must end with its validity all the same, or
 * go on to its next channel. */
static void sift_expired(struct core *c) {
    if (c->n_jobs >= CORE_JOBS_MAX / 2)
        return;
    struct queue_item *i = queue_sift(&c->queue, CORE_JOBS_MAX / 2 - c->n_jobs, is_past, c);
    while (i) {
        struct queue_item *next = i->next;
        i->next = NULL;
        core_due(c, (struct live *)i);
        i = next;
    }
}

static void see_oldest(const struct queue_item *i, void *ctx) {
    struct core *c = ctx;
    int64_t due_at = ((const struct live *)i)->m->head.due_at;
    if (c->oldest_due_at == 0 || due_at < c->oldest_due_at)
        c->oldest_due_at = due_at;
}

void core_keep_house(struct core *c) {
    if (c->draining)
        return;
    if (c->queue.n && c->now >= c->sift_at) {
        c->sift_at = c->now + SIFT_EVERY_US;
        sift_expired(c);
        c->oldest_due_at = 0;
        queue_heads(&c->queue, see_oldest, c);
    }
    if (c->now >= c->sweep.next_at) {
        c->sweep.next_at = INT64_MAX; /* until this stretch is read */
        struct work *w = core_work(c, FOR_SWEEP, JOB_SWEEP, NULL);
        w->job.priority = c->sweep.priority;
        w->job.after_due_at = c->sweep.after_due_at;
        w->job.after_id = c->sweep.after_id;
        w->job.limit = SWEEP_PAGE;
        core_record(c, w);
    }
    if (c->now >= c->prune_at) {
        c->prune_at = c->now + PRUNE_EVERY_US;
        if (!core_nodes_keeps(c))
            return;
        struct work *w = core_work(c, FOR_PRUNE, JOB_PRUNE, NULL);
        w->job.limit = SCAN_MAX;
        w->job.keep_from = core_verify_keep_from(c);
        w->job.events_floor = id_floor(c->now - (int64_t)c->settings->events.keep_days * 86400 * US_PER_S);
        core_record(c, w);
    }
}

void core_pruned(struct core *c, struct work *w) {
    core_verify_lapsed(c, w);
    if (w->job.result == JOB_DONE && w->job.more && c->prune_at > c->now + PRUNE_STEP_US)
        c->prune_at = c->now + PRUNE_STEP_US;
}
