/* The queue against a naive model: a table of rows on disk, all in one array, and a core that scans it, with
 * lanes that open and close. */
#include "../base/check.h"
#include "queue/flow.h"
#include "queue/queue.h"

#include <stdlib.h>

enum { ROWS_MAX = 3000, STEPS = 60000, PAGE = 7, WINDOW = 24, LANES = 3, ACCOUNTS = 5 };

struct row {
    struct queue_item item; /* first */
    int64_t id, due_at;
    bool held; /* in memory: queued, or popped and not yet done */
    bool done;
    int64_t pushed; /* order of pushing */
};

struct model {
    struct queue q;
    struct row rows[ROWS_MAX];
    size_t n, done;
    int64_t now, pushes;
    uint64_t seed, open; /* lanes */
    struct queue_scan asked[PRIORITY_COUNT];
    bool is_asked[PRIORITY_COUNT];
    struct row *page[PRIORITY_COUNT][PAGE]; /* as the disk was when it was asked */
    struct queue_key keys[PRIORITY_COUNT][PAGE];
    size_t n_page[PRIORITY_COUNT];
    bool more[PRIORITY_COUNT];
    int64_t next_due[PRIORITY_COUNT];
    unsigned starved; /* steps in which a row could have gone and did not */
};

static uint64_t draw(struct model *m, uint64_t bound) {
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return m->seed % bound;
}

static struct queue_key key_of(const struct row *r) {
    return (struct queue_key){.due_at = r->due_at, .id = r->id};
}

static bool key_less(struct queue_key a, struct queue_key b) {
    return a.due_at < b.due_at || (a.due_at == b.due_at && a.id < b.id);
}

static bool same_flow(const struct row *a, const struct row *b) {
    return a->item.priority == b->item.priority && a->item.kind == b->item.kind &&
           a->item.lanes == b->item.lanes && a->item.account == b->item.account;
}

static bool offer(struct model *m, struct row *r) {
    r->held = queue_offer(&m->q, &r->item, key_of(r));
    if (r->held)
        r->pushed = ++m->pushes;
    return r->held;
}

static struct row *new_row(struct model *m) {
    struct row *r = &m->rows[m->n++];
    static const uint64_t sets[] = {1, 2, 4, 3, 7, 1, 1, 0};
    *r = (struct row){.id = (int64_t)m->n};
    r->item.priority = (enum priority)draw(m, PRIORITY_COUNT);
    r->item.lanes = sets[draw(m, 8)];
    r->item.kind =
        r->item.lanes && draw(m, 10) == 0 ? (enum queue_kind)(QUEUE_LOOKUP + draw(m, 2)) : QUEUE_ATTEMPT;
    r->item.account = (int64_t)(draw(m, 2) ? 0 : draw(m, ACCOUNTS)); /* one has most */
    return r;
}

/* No older row of its flow waits on disk, but those that became due since the queue was last asked. */
static void check_not_overtaking(const struct model *m, const struct row *r) {
    int64_t next_at = m->q.lanes[r->item.priority].next_due_at;
    for (size_t i = 0; i < m->n; i++) {
        const struct row *o = &m->rows[i];
        if (o != r && same_flow(o, r) && !o->held && !o->done && key_less(key_of(o), key_of(r)) &&
            (next_at == 0 || o->due_at < next_at))
            fail_msg("row %lld overtakes row %lld, which waits", (long long)r->id, (long long)o->id);
    }
}

/* Held at once when it is due and nothing older of its flow waits on disk, as the core does. */
static void arrive(struct model *m) {
    if (m->n == ROWS_MAX)
        return;
    struct row *r = new_row(m);
    r->due_at = m->now + (draw(m, 3) ? 0 : (int64_t)draw(m, 200));
    if (r->due_at > m->now || queue_is_behind(&m->q, r->item.priority))
        queue_note_due(&m->q, r->item.priority, key_of(r), m->now);
    else if (offer(m, r))
        check_not_overtaking(m, r);
}

static bool may(const struct queue_item *i, void *ctx) {
    return (i->lanes & ((struct model *)ctx)->open) != 0;
}

static void finish(struct model *m, struct row *r) {
    r->held = false;
    if (draw(m, 4)) {
        r->done = true;
        m->done++;
        return;
    }
    if (draw(m, 3))                                 /* else it could not be stored: as it was */
        r->due_at = m->now + (int64_t)draw(m, 100); /* tried in vain: later */
    queue_note_due(&m->q, r->item.priority, key_of(r), m->now);
}

static void take(struct model *m) {
    queue_begin_pass(&m->q);
    struct row *r = (struct row *)queue_next(&m->q, may, m);
    for (size_t k = 0; k < m->n; k++) { /* of the most urgent that may go, and the oldest of its flow */
        const struct row *o = &m->rows[k];
        if (!o->item.queued || !(o->item.lanes & m->open))
            continue;
        assert_non_null(r);
        assert_true(o->item.priority >= r->item.priority);
        assert_true(!same_flow(o, r) || o->pushed > r->pushed);
    }
    if (!r)
        return;
    assert_true(r->held && !r->done && (r->item.lanes & m->open));
    finish(m, r);
}

static void cancel(struct model *m) {
    struct row *r = &m->rows[draw(m, m->n)];
    if (!r->item.queued)
        return;
    queue_remove(&m->q, &r->item);
    assert_false(r->item.queued);
    r->held = false;
    r->done = true;
    m->done++;
}

static bool is_drawn(const struct queue_item *i, void *ctx) {
    const struct row *r = (const struct row *)i;
    return r->pushed % 3 == *(int64_t *)ctx;
}

/* Every third one expires where it stands. */
static void sift(struct model *m) {
    int64_t which = (int64_t)draw(m, 3);
    size_t max = 1 + draw(m, 4), n = 0, there = 0;
    for (size_t i = 0; i < m->n; i++)
        there += m->rows[i].item.queued && is_drawn(&m->rows[i].item, &which);
    struct queue_item *next;
    for (struct queue_item *i = queue_sift(&m->q, max, is_drawn, &which); i; i = next, n++) {
        struct row *r = (struct row *)i;
        next = i->next;
        assert_true(!i->queued && r->held && !r->done && is_drawn(i, &which));
        r->held = false;
        r->done = true;
        m->done++;
    }
    assert_int_equal(n, there < max ? there : max);
}

/* Routes change: everything goes back to disk, and may come again in other groups. */
static void clear(struct model *m) {
    struct queue_item *next;
    for (struct queue_item *i = queue_clear(&m->q); i; i = next) {
        struct row *r = (struct row *)i;
        next = i->next;
        assert_true(!i->queued && r->held);
        r->held = false;
        queue_note_due(&m->q, i->priority, key_of(r), m->now);
    }
    assert_int_equal(m->q.n, 0);
    for (size_t i = 0; i < m->n; i++)
        if (!m->rows[i].held && draw(m, 4) == 0)
            m->rows[i].item.lanes = 1 + draw(m, 7);
}

static bool behind_cursor(const struct row *r, struct queue_key at) {
    return !key_less(at, key_of(r));
}

/* The row with the least key after the cursor; NULL: none is due. */
static struct row *next_row(struct model *m, enum priority p, struct queue_key at) {
    struct row *best = NULL;
    for (size_t i = 0; i < m->n; i++) {
        struct row *r = &m->rows[i];
        if (r->done || r->item.priority != p || r->due_at > m->now || behind_cursor(r, at))
            continue;
        if (!best || key_less(key_of(r), key_of(best)))
            best = r;
    }
    return best;
}

static int64_t next_due(const struct model *m, enum priority p) {
    int64_t at = 0;
    for (size_t i = 0; i < m->n; i++) {
        const struct row *r = &m->rows[i];
        if (!r->done && r->item.priority == p && r->due_at > m->now && (at == 0 || r->due_at < at))
            at = r->due_at;
    }
    return at;
}

/* The page is what the disk has now; it is handed over later. */
static void ask(struct model *m) {
    struct queue_scan s;
    while (queue_wants_scan(&m->q, m->now, &s)) {
        enum priority p = s.priority;
        assert_false(m->is_asked[p]);
        m->asked[p] = s;
        m->is_asked[p] = true;
        struct queue_key at = s.after;
        m->n_page[p] = 0;
        for (struct row *r; m->n_page[p] < PAGE && (r = next_row(m, p, at)) != NULL; at = key_of(r)) {
            m->keys[p][m->n_page[p]] = key_of(r);
            m->page[p][m->n_page[p]++] = r;
        }
        m->more[p] = next_row(m, p, at) != NULL;
        m->next_due[p] = m->more[p] ? 0 : next_due(m, p);
    }
}

static void answer(struct model *m) {
    enum priority p = (enum priority)draw(m, PRIORITY_COUNT);
    if (!m->is_asked[p])
        return;
    m->is_asked[p] = false;
    if (draw(m, 20) == 0) {
        queue_scan_failed(&m->q, p, m->now + 10);
        return;
    }
    queue_page(&m->q, p);
    struct queue_key last = m->asked[p].after;
    for (size_t i = 0; i < m->n_page[p]; i++) {
        struct row *r = m->page[p][i];
        last = m->keys[p][i];
        if (!r->held && !r->done &&
            r->due_at == last.due_at) /* the core holds what it has changed meanwhile */
            (void)offer(m, r);
    }
    queue_scanned(&m->q, p, m->n_page[p], last, m->more[p], m->next_due[p]);
}

static void check_counts(const struct model *m) {
    size_t queued = 0, by_priority[PRIORITY_COUNT] = {0};
    for (size_t i = 0; i < m->n; i++) {
        queued += m->rows[i].item.queued;
        by_priority[m->rows[i].item.priority] += m->rows[i].item.queued;
    }
    assert_int_equal(m->q.n, queued);
    for (int p = 0; p < PRIORITY_COUNT; p++) {
        assert_int_equal(m->q.lanes[p].n, by_priority[p]);
        assert_true(by_priority[p] <= WINDOW + 2 * (1 << LANES));
    }
}

/* Time moves only to where the queue says that something may happen. */
static void rest(struct model *m) {
    bool asked = m->is_asked[0] || m->is_asked[1] || m->is_asked[2];
    int64_t at = queue_next_due_at(&m->q, m->now);
    if (!asked && at > m->now)
        m->now = at;
}

static size_t left(const struct model *m, uint64_t open) {
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += !m->rows[i].done && (m->rows[i].item.lanes & open);
    return n;
}

/* No more arrivals: every row that an open lane may take is seen, whatever stands before it. */
static void drain(struct model *m, uint64_t open, uint64_t seed) {
    m->open = open;
    size_t n = left(m, open);
    for (int idle = 0; n && idle < 2000; idle++) {
        for (int k = 0; k < 50; k++) {
            ask(m);
            answer(m);
            take(m);
        }
        size_t now = left(m, open);
        if (now != n)
            idle = 0;
        else
            rest(m);
        n = now;
        check_counts(m);
    }
    if (n)
        for (int p = 0; p < 3; p++) {
            struct queue_lane *l = &m->q.lanes[p];
            fprintf(stderr,
                    "prio %d n %zu missing %zu behind %d scanning %d from %ld frontier %ld now %ld next %ld "
                    "nb %ld\n",
                    p, l->n, l->n_missing, l->behind, l->scanning, l->from.due_at, l->frontier.due_at, m->now,
                    l->next_due_at, l->not_before);
            struct queue_group *g = l->turn;
            for (size_t k = l->groups[0].n + l->groups[1].n + l->groups[2].n; k; k--, g = g->next) {
                fprintf(stderr, "  group %lu lk %d n %zu mark %d after %ld,%ld\n", g->lanes, g->kind, g->n,
                        g->mark.missing, g->mark.after.due_at, g->mark.after.id);
                struct queue_flow *f = g->turn;
                for (size_t j = g->flows.n; j; j--, f = f->next)
                    fprintf(stderr, "     acc %ld n %zu mark %d after %ld,%ld\n", f->account, f->n,
                            f->mark.missing, f->mark.after.due_at, f->mark.after.id);
            }
            for (size_t i = 0; i < m->n; i++)
                if (!m->rows[i].done && (m->rows[i].item.lanes & open) && (int)m->rows[i].item.priority == p)
                    fprintf(stderr, "  row %ld due %ld lanes %lu acc %ld held %d lk %d\n", m->rows[i].id,
                            m->rows[i].due_at, m->rows[i].item.lanes, m->rows[i].item.account,
                            m->rows[i].held, m->rows[i].item.kind);
        }
    if (n)
        fail_msg("seed %llu: %zu rows for open lanes are not seen", (unsigned long long)seed, n);
}

static void run(uint64_t seed) {
    struct model *m = calloc(1, sizeof *m);
    assert_non_null(m);
    m->seed = seed * 2654435761u + 88172645463325252u;
    m->now = 1000000;
    m->open = 7;
    queue_init(&m->q, WINDOW);
    for (int p = 0; p < PRIORITY_COUNT; p++)
        assert_true(queue_is_behind(&m->q, (enum priority)p));
    for (size_t i = 0; i < 50; i++) { /* left by an earlier process: nobody is told of them */
        struct row *r = new_row(m);
        r->due_at = m->now - 100 + (int64_t)draw(m, 300);
    }
    for (int step = 0; step < STEPS && m->n < ROWS_MAX; step++) {
        switch (draw(m, 6)) {
        case 0: arrive(m); break;
        case 1: take(m); break;
        case 2: ask(m); break;
        case 3: answer(m); break;
        case 4: m->now += (int64_t)draw(m, 12); break;
        default:
            if (draw(m, 30) == 0)
                m->open = draw(m, 8);
            else if (draw(m, 30) == 0)
                draw(m, 2) ? cancel(m) : sift(m);
            else if (draw(m, 2000) == 0)
                clear(m);
            break;
        }
        if (step % 500 == 0)
            check_counts(m);
    }
    drain(m, 4, seed);
    drain(m, 5, seed);
    drain(m, 7, seed);
    for (size_t i = 0; i < m->n; i++)
        m->rows[i].item.queued ? queue_remove(&m->q, &m->rows[i].item) : (void)0;
    queue_done(&m->q);
    free(m);
}

static void test_queue__every_row_is_seen_in_order_whatever_is_closed_and_whatever_happens(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++)
        run(seed);
}

static bool any(const struct queue_item *i, void *ctx) {
    (void)i;
    (void)ctx;
    return true;
}

static struct queue_item *pop(struct queue *q) {
    queue_begin_pass(q);
    return queue_next(q, any, NULL);
}

static void catch_up(struct queue *q, int64_t now) {
    struct queue_scan s;
    while (queue_wants_scan(q, now, &s))
        queue_scanned(q, s.priority, 0, s.after, false, 0);
}

static void push(struct queue *q, struct queue_item *i, int64_t id) {
    assert_true(queue_offer(q, i, (struct queue_key){.due_at = 1, .id = id}));
}

static void test_queue__pops_by_priority_then_first_in_first_out(void **state) {
    (void)state;
    struct queue q;
    queue_init(&q, 100);
    catch_up(&q, 100);
    struct queue_item items[6] = {{.priority = PRIORITY_MARKETING},     {.priority = PRIORITY_OTP},
                                  {.priority = PRIORITY_TRANSACTIONAL}, {.priority = PRIORITY_OTP},
                                  {.priority = PRIORITY_MARKETING},     {.priority = PRIORITY_OTP}};
    static const int order[] = {1, 5, 2, 0, 4};
    for (int i = 0; i < 6; i++)
        push(&q, &items[i], i + 1);
    queue_remove(&q, &items[3]);
    for (size_t i = 0; i < 5; i++)
        assert_ptr_equal(pop(&q), &items[order[i]]);
    assert_null(pop(&q));
    push(&q, &items[3], 9); /* the last one removed left a whole list */
    queue_remove(&q, &items[3]);
    push(&q, &items[1], 10);
    assert_ptr_equal(pop(&q), &items[1]);
    assert_int_equal(q.n, 0);
    queue_done(&q);
}

static void test_queue__urgent_ones_that_never_end_starve_nobody(void **state) {
    (void)state;
    struct queue q;
    queue_init(&q, 1000);
    queue_share(&q, 10);
    catch_up(&q, 100);
    static struct queue_item codes[400], orders[100], campaign[100];
    unsigned went[PRIORITY_COUNT] = {0};
    int id = 0;
    for (int i = 0; i < 100; i++) {
        orders[i] = (struct queue_item){.lanes = 1, .priority = PRIORITY_TRANSACTIONAL};
        campaign[i] = (struct queue_item){.lanes = 1, .priority = PRIORITY_MARKETING};
        push(&q, &campaign[i], ++id);
        push(&q, &orders[i], ++id);
    }
    unsigned since = 0, longest = 0; /* codes in a row that wait for another */
    for (int i = 0; i < 330; i++) {
        codes[i] = (struct queue_item){.lanes = 1, .priority = PRIORITY_OTP}; /* there is always one more */
        push(&q, &codes[i], ++id);
        const struct queue_item *next = pop(&q);
        went[next->priority]++;
        since = next->priority == PRIORITY_OTP ? 0 : since + 1;
        longest = since > longest ? since : longest;
    }
    assert_in_range(went[PRIORITY_MARKETING], 330 / 13, 330 / 11);
    assert_in_range(went[PRIORITY_TRANSACTIONAL], 330 / 13, 330 / 11 + 1);
    assert_int_equal(longest, 2); /* a code waits for one of each at most */
    struct queue_item *next;
    while ((next = pop(&q)) != NULL) /* and then the rest, by priority but for the shares */
        went[next->priority]++;
    assert_true(went[PRIORITY_MARKETING] == 100 && went[PRIORITY_TRANSACTIONAL] == 100);
    queue_done(&q);
}

static void test_queue__accounts_take_turns(void **state) {
    (void)state;
    struct queue q;
    queue_init(&q, 1000);
    catch_up(&q, 100);
    static struct queue_item campaign[100], others[3];
    for (int i = 0; i < 100; i++) {
        campaign[i] = (struct queue_item){.lanes = 1, .account = 1};
        push(&q, &campaign[i], i + 1);
    }
    for (int i = 0; i < 3; i++) {
        others[i] = (struct queue_item){.lanes = 1, .account = 2 + i % 2};
        push(&q, &others[i], 200 + i);
    }
    struct queue_item *right[] = {&campaign[0], &others[0],   &others[1],  &campaign[1],
                                  &others[2],   &campaign[2], &campaign[3]};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        assert_ptr_equal(pop(&q), right[i]);
    queue_done(&q);
}

static bool open_lane_two(const struct queue_item *i, void *ctx) {
    ++*(unsigned *)ctx;
    return i->lanes & 2;
}

static void test_queue__a_closed_group_is_asked_once_a_pass_and_holds_up_nobody(void **state) {
    (void)state;
    struct queue q;
    queue_init(&q, 1000);
    catch_up(&q, 100);
    static struct queue_item closed[50], open[3];
    unsigned asked = 0;
    for (int i = 0; i < 50; i++) {
        closed[i] = (struct queue_item){.lanes = 1, .account = i};
        push(&q, &closed[i], i + 1);
    }
    for (int i = 0; i < 3; i++) {
        open[i] = (struct queue_item){.lanes = 2, .priority = PRIORITY_MARKETING};
        push(&q, &open[i], 100 + i);
    }
    queue_begin_pass(&q);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(queue_next(&q, open_lane_two, &asked), &open[i]);
    assert_null(queue_next(&q, open_lane_two, &asked));
    assert_int_equal(asked, 4);
    queue_done(&q);
}

/* A backlog of rows 1..n of one account for a closed lane, as a page. */
static size_t hand_over(struct queue *q, struct queue_item *items, int64_t first, int64_t last, bool more) {
    size_t held = 0;
    queue_page(q, PRIORITY_OTP);
    for (int64_t id = first; id <= last; id++)
        held += queue_offer(q, &items[id], (struct queue_key){.due_at = id, .id = id});
    queue_scanned(q, PRIORITY_OTP, (size_t)(last - first + 1), (struct queue_key){.due_at = last, .id = last},
                  more, 0);
    return held;
}

static void test_queue__a_backlog_that_waits_leaves_room_and_is_read_on_from_where_it_stands(void **state) {
    (void)state;
    struct queue q;
    struct queue_scan s;
    static struct queue_item items[1001], other = {.lanes = 2, .account = 9};
    queue_init(&q, 100);
    for (int i = 0; i <= 1000; i++)
        items[i] = (struct queue_item){.lanes = 1, .account = 1};
    assert_true(queue_wants_scan(&q, 5000, &s));
    assert_int_equal(s.priority, PRIORITY_OTP);
    size_t held = hand_over(&q, items, 1, 500, true);
    assert_true(held > 20 && held < 50);
    assert_true(queue_wants_scan(&q, 5000, &s) && s.priority == PRIORITY_OTP && s.after.id == 500);
    assert_int_equal(hand_over(&q, items, 501, 1000, false), 0);
    assert_false(queue_is_behind(&q, PRIORITY_OTP));
    push(&q, &other, 2000); /* another account, another lane: at once */
    assert_int_equal(queue_free_lanes(&q, &items[1000]), 0);
    catch_up(&q, 5000);
    assert_false(queue_wants_scan(&q, 5000, &s)); /* full of what cannot go: nothing is read in vain */
    size_t taken = 0;
    while (!queue_wants_scan(&q, 5000, &s))
        taken += pop(&q) != NULL;
    assert_true(taken < held); /* before it runs dry */
    assert_int_equal(s.after.id, held);
    assert_true(hand_over(&q, items, (int64_t)held + 1, (int64_t)held + 100, true) > 0);
    queue_done(&q);
}

static void test_queue__is_behind_from_a_due_row_on_disk_until_it_was_read(void **state) {
    (void)state;
    struct queue q;
    struct queue_scan s;
    queue_init(&q, 10);
    catch_up(&q, 100);
    assert_false(queue_is_behind(&q, PRIORITY_OTP));
    assert_int_equal(queue_next_due_at(&q, 100), 0);
    assert_false(queue_wants_scan(&q, 100, &s));

    queue_note_due(&q, PRIORITY_OTP, (struct queue_key){200, 1}, 100); /* later: no reason to look now */
    queue_note_due(&q, PRIORITY_OTP, (struct queue_key){150, 2}, 100);
    assert_false(queue_is_behind(&q, PRIORITY_OTP));
    assert_int_equal(queue_next_due_at(&q, 100), 150);
    assert_false(queue_wants_scan(&q, 149, &s));
    assert_true(queue_wants_scan(&q, 150, &s));
    assert_true(queue_is_behind(&q, PRIORITY_OTP));
    assert_false(queue_wants_scan(&q, 150, &s)); /* one page at a time */

    queue_scanned(&q, PRIORITY_OTP, 3, (struct queue_key){150, 9}, true,
                  0); /* there is more: go on behind it */
    assert_true(queue_wants_scan(&q, 150, &s));
    assert_int_equal(s.after.due_at, 150);
    assert_int_equal(s.after.id, 9);
    queue_note_due(&q, PRIORITY_OTP, (struct queue_key){120, 3}, 150); /* behind the cursor */
    queue_scanned(&q, PRIORITY_OTP, 1, (struct queue_key){150, 10}, false, 170);
    assert_true(queue_is_behind(&q, PRIORITY_OTP)); /* so back to there */
    assert_true(queue_wants_scan(&q, 150, &s));
    assert_int_equal(s.after.due_at, 120);
    assert_int_equal(s.after.id, 2);
    queue_scanned(&q, PRIORITY_OTP, 0, s.after, false, 170);
    assert_false(queue_is_behind(&q, PRIORITY_OTP));
    assert_int_equal(queue_next_due_at(&q, 150), 170);
}

static void test_queue__a_failed_page_is_asked_again_later(void **state) {
    (void)state;
    struct queue q;
    struct queue_scan s;
    queue_init(&q, 10);
    catch_up(&q, 100);
    queue_note_due(&q, PRIORITY_MARKETING, (struct queue_key){100, 1}, 100);
    assert_true(queue_wants_scan(&q, 100, &s));
    queue_scan_failed(&q, PRIORITY_MARKETING, 110);
    assert_int_equal(queue_next_due_at(&q, 100), 110);
    assert_false(queue_wants_scan(&q, 109, &s));
    assert_true(queue_wants_scan(&q, 110, &s));
    assert_int_equal(s.priority, PRIORITY_MARKETING);
}

static void test_queue__who_waits_for_a_lane_goes_before_a_newcomer(void **state) {
    (void)state;
    struct queue q;
    queue_init(&q, 100);
    catch_up(&q, 100);
    struct queue_item waits = {.lanes = 1, .priority = PRIORITY_TRANSACTIONAL, .account = 1};
    struct queue_item looks_up = {.lanes = 4, .priority = PRIORITY_OTP, .kind = QUEUE_LOOKUP};
    struct queue_item otp = {.lanes = 3, .priority = PRIORITY_OTP, .account = 2};
    struct queue_item ad = {.lanes = 7, .priority = PRIORITY_MARKETING, .account = 2};
    push(&q, &waits, 1);
    push(&q, &looks_up, 2);
    assert_int_equal(queue_free_lanes(&q, &otp), 3);
    assert_int_equal(queue_free_lanes(&q, &ad), 6);
    queue_done(&q);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue__every_row_is_seen_in_order_whatever_is_closed_and_whatever_happens),
        cmocka_unit_test(test_queue__pops_by_priority_then_first_in_first_out),
        cmocka_unit_test(test_queue__urgent_ones_that_never_end_starve_nobody),
        cmocka_unit_test(test_queue__accounts_take_turns),
        cmocka_unit_test(test_queue__a_closed_group_is_asked_once_a_pass_and_holds_up_nobody),
        cmocka_unit_test(test_queue__a_backlog_that_waits_leaves_room_and_is_read_on_from_where_it_stands),
        cmocka_unit_test(test_queue__is_behind_from_a_due_row_on_disk_until_it_was_read),
        cmocka_unit_test(test_queue__a_failed_page_is_asked_again_later),
        cmocka_unit_test(test_queue__who_waits_for_a_lane_goes_before_a_newcomer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
