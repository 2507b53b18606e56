/* The other nodes of the database. The core looks around a few times a second: that renews this node's lease
 * (every transaction of its journal does), takes over from those whose lease has ended, moves their rows here
 * a chunk at a time, and brings the parcels: what came to another node and is this one's to do, and what came
 * of those it sent. A lone gateway has nothing of this. */
#include "pipeline/core_parts.h"

#include "base/clock.h"

enum {
    LOOK_EVERY_US = 200 * 1000,
    LOOK_ALONE_US = 1000 * 1000,
    ANSWER_WITHIN_US = 5 * 1000 * 1000, /* that a command waits for the node it went to */
    JOBS_MAX = 10000,                   /* uncommitted work at which parcels wait on disk */
};

/* A command that another node is to do. */
struct sent {
    struct ask *ask;
    int64_t until;
};

/* Attempts under way at a node that is gone may still reach their provider: what was sent by its clock ends
 * by ours, which may be ahead. */
int64_t core_longest_us(const struct core *c) {
    int64_t longest_us = 0;
    for (size_t i = 0; i < c->n_lanes; i++) {
        int64_t us = settle_lease_us(c->lanes[i]->config);
        longest_us = us > longest_us ? us : longest_us;
    }
    return longest_us;
}

static int64_t sending_until(const struct core *c) {
    return c->now + core_longest_us(c);
}

void core_nodes_load(struct core *c, struct work *w) {
    if (c->world->node)
        w->job.sending_until = sending_until(c);
}

bool core_nodes_keeps(const struct core *c) {
    return !c->world->node || c->nodes.keeper;
}

static void give_up_waiting(struct core *c) {
    enum { AT_ONCE = 64 };
    uint64_t late[AT_ONCE];
    size_t n = 0;
    for (size_t i = 0; i < c->nodes.sent.cap && n < AT_ONCE; i++) {
        struct sent *s = c->nodes.sent.slots[i].value;
        if (s && c->now >= s->until)
            late[n++] = c->nodes.sent.slots[i].key;
    }
    while (n) {
        struct sent *s = map_take(&c->nodes.sent, late[--n]);
        err_set(&s->ask->err, ERR_BUSY,
                "the node that has this message has not answered: look at the message, then try again");
        core_answer(c, s->ask, ASK_FAILED);
        free(s);
    }
}

void core_nodes_turn(struct core *c) {
    if (!c->world->node || c->nodes.looking || c->now < c->nodes.look_at)
        return;
    give_up_waiting(c);
    c->nodes.looking = true;
    struct work *w = core_work(c, FOR_NODES, JOB_NODES, NULL);
    w->job.sending_until = sending_until(c);
    w->job.limit = PARCELS_PAGE + (unsigned)c->nodes.doing.n; /* those in memory are among the rows */
    core_record(c, w);
}

/* ---- parcels out ---- */

static bool kind_of(enum ask_kind ask, enum parcel_kind *out) {
    switch ((int)ask) {
    case ASK_RECEIPT: *out = PARCEL_RECEIPT; return true;
    case ASK_CANCEL: *out = PARCEL_CANCEL; return true;
    case ASK_DELETE: *out = PARCEL_DELETE; return true;
    case ASK_REDACT: *out = PARCEL_REDACT; return true;
    case ASK_RELEASE: *out = PARCEL_RELEASE; return true;
    case ASK_DROP: *out = PARCEL_DROP; return true;
    default: return false;
    }
}

void core_parcel_send(struct core *c, struct ask *a, int64_t message_id, unsigned to) {
    struct parcel *p = calloc(1, sizeof *p);
    ASSERT(p);
    *p = (struct parcel){.id = id_next(&c->ids, c->now),
                         .to = to,
                         .from = c->world->node,
                         .message_id = message_id,
                         .account_id = a->account_id,
                         .attempt = a->attempt,
                         .receipt = a->receipt};
    bool known = kind_of(a->kind, &p->kind);
    ASSERT(known);
    struct work *w = core_work(c, FOR_PARCEL, JOB_PARCEL, NULL);
    w->ask = a;
    w->own = w->job.parcel = p;
    meter_add(c->world->meters, COUNT_PARCELS, 1);
    core_record(c, w);
}

/* A receipt is done with it: the other node has it for sure. A command's sender wants to know what came of
 * it. */
void core_parcel_sent(struct core *c, struct work *w) {
    struct ask *a = w->ask;
    if (w->job.result != JOB_DONE || a->kind == ASK_RECEIPT) {
        a->err = w->job.err;
        core_answer(c, a, w->job.result == JOB_DONE ? ASK_DONE : ASK_FAILED);
        return;
    }
    struct sent *s = calloc(1, sizeof *s);
    ASSERT(s);
    *s = (struct sent){.ask = a, .until = c->now + ANSWER_WITHIN_US};
    map_put(&c->nodes.sent, (uint64_t)w->job.parcel->id, s);
}

static enum ask_result result_of(enum parcel_result r) {
    switch (r) {
    case PARCEL_DONE: return ASK_DONE;
    case PARCEL_ABSENT: return ASK_ABSENT;
    case PARCEL_REFUSED: return ASK_REFUSED;
    case PARCEL_FAILED: break;
    }
    return ASK_FAILED;
}

static void parcel_job(struct core *c, enum job_kind kind, const struct parcel *p) {
    struct work *w = core_work(c, FOR_PARCEL_END, kind, NULL);
    struct parcel *copy = malloc(sizeof *copy);
    ASSERT(copy);
    *copy = *p;
    w->own = w->job.parcel = copy;
    core_record(c, w);
}

/* Forgotten before it is told: when that fails it is read again, and nobody waits for it. */
static void answered(struct core *c, const struct parcel *p) {
    struct sent *s = map_take(&c->nodes.sent, (uint64_t)p->id);
    parcel_job(c, JOB_PARCEL_FORGET, p);
    if (!s)
        return;
    s->ask->head.state = p->receipt.state;
    core_answer(c, s->ask, result_of(p->result));
    free(s);
}

/* ---- parcels in ---- */

static void lose_parcel(struct ask *a) {
    free(a->parcel);
    free(a);
}

static void take_in(struct core *c, const struct parcel *p) {
    static const enum ask_kind kinds[] = {
        [PARCEL_RECEIPT] = ASK_RECEIPT, [PARCEL_CANCEL] = ASK_CANCEL,   [PARCEL_DELETE] = ASK_DELETE,
        [PARCEL_REDACT] = ASK_REDACT,   [PARCEL_RELEASE] = ASK_RELEASE, [PARCEL_DROP] = ASK_DROP,
    };
    if (map_get(&c->nodes.doing, (uint64_t)p->id) || c->n_jobs >= JOBS_MAX)
        return;
    if ((size_t)p->kind >= sizeof kinds / sizeof kinds[0])
        return; /* of a newer program, which will take it over when this one is gone */
    struct ask *a = calloc(1, sizeof *a);
    struct parcel *own = malloc(sizeof *own);
    ASSERT(a && own);
    *own = *p;
    *a = (struct ask){.kind = kinds[p->kind],
                      .lost = lose_parcel,
                      .id = p->message_id,
                      .account_id = p->account_id,
                      .attempt = p->attempt,
                      .receipt = p->receipt,
                      .parcel = own};
    map_put(&c->nodes.doing, (uint64_t)p->id, own);
    core_ask(c, a);
}

void core_parcel_done(struct core *c, struct ask *a, enum ask_result result) {
    struct parcel *p = a->parcel;
    map_take(&c->nodes.doing, (uint64_t)p->id);
    p->result = result == ASK_DONE      ? PARCEL_DONE
                : result == ASK_REFUSED ? PARCEL_REFUSED
                : result == ASK_ABSENT  ? PARCEL_ABSENT
                                        : PARCEL_FAILED;
    p->receipt.state = a->head.state;
    if (p->result != PARCEL_FAILED) /* what could not be stored is read, and tried, again */
        parcel_job(c, JOB_PARCEL_ANSWER, p);
    lose_parcel(a);
}

/* ---- what a look around brought ---- */

static void tell(struct core *c, const struct node_news *n) {
    const struct log *log = c->world->log;
    for (unsigned i = 0; i < n->n_taken; i++) {
        meter_add(c->world->meters, COUNT_NODES_TAKEN, 1);
        log_warn(log, "node.taken", kv_int("node", n->taken[i]), kv_int("by", c->world->node),
                 kv_name("meaning", "its lease ended: the others do its work"));
    }
    if (n->messages) {
        meter_add(c->world->meters, COUNT_NODE_MESSAGES, (uint64_t)n->messages);
        log_info(log, "node.moved", kv_int("from", n->from), kv_int("to", c->world->node),
                 kv_int("messages", n->messages));
    }
    if (n->keeper && !c->nodes.keeper)
        log_info(log, "node.keeper", kv_int("node", c->world->node));
    meter_set(c->world->meters, GAUGE_NODES, n->alive);
}

static void read_all_again(struct core *c, const struct node_news *n) {
    c->backlog += n->messages;
    for (int p = 0; p < PRIORITY_COUNT; p++)
        queue_note_due(&c->queue, (enum priority)p, (struct queue_key){.due_at = 1}, c->now);
    c->owed.behind = true;
}

void core_nodes_looked(struct core *c, struct work *w) {
    const struct job *j = &w->job;
    c->nodes.looking = false;
    c->nodes.look_at = c->now + LOOK_EVERY_US;
    if (j->result != JOB_DONE)
        return;
    tell(c, &j->news);
    c->nodes.alive = j->news.alive;
    c->nodes.all_see_far = j->news.all_see_far;
    if (c->nodes.alive < 2)
        c->nodes.look_at = c->now + LOOK_ALONE_US;
    c->nodes.keeper = j->news.keeper;
    if (j->news.moved)
        read_all_again(c, &j->news);
    if (j->news.more && c->nodes.alive < 2)
        c->nodes.look_at = c->now; /* where others are, they take as much by the time of the next look */
    if (j->hooks_version != c->nodes.hooks_version || j->news.moved)
        c->hooks.unread = true;
    c->nodes.hooks_version = j->hooks_version;
    core_hooks_wake(c, j->woken, j->n_woken);
    for (unsigned i = 0; i < j->n_parcels; i++)
        take_in(c, &j->parcels[i]);
    for (unsigned i = 0; i < j->n_answers; i++)
        answered(c, &j->parcels[j->n_parcels + i]);
}

void core_nodes_done(struct core *c) {
    for (size_t i = 0; i < c->nodes.sent.cap; i++) {
        struct sent *s = c->nodes.sent.slots[i].value;
        if (s && s->ask->lost)
            s->ask->lost(s->ask);
        free(s);
    }
    map_done(&c->nodes.sent);
    map_done(&c->nodes.doing);
}
