/* The queue against a naive model: a table of rows on disk, all in one array, and a core that scans it. */
#include "../base/check.h"
#include "queue/queue.h"

#include <stdlib.h>

enum { ROWS_MAX = 4000, STEPS = 60000, PAGE = 7, LOW_WATER = 5, WINDOW = 12 };

struct row {
    struct queue_item item; /* first */
    int64_t id, due_at;
    enum priority priority;
    bool held; /* in memory: queued, or popped and not yet done */
    bool done;
    int64_t pushed; /* order of pushing */
};

struct model {
    struct queue q;
    struct row rows[ROWS_MAX];
    size_t n, held, done;
    int64_t now, pushes;
    uint64_t seed;
    struct queue_scan asked[PRIORITY_COUNT];
    bool is_asked[PRIORITY_COUNT];
};

static uint64_t draw(struct model *m, uint64_t bound) {
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return m->seed % bound;
}

static void hold(struct model *m, struct row *r) {
    r->held = true;
    r->item.priority = r->priority;
    r->pushed = ++m->pushes;
    m->held++;
    queue_push(&m->q, &r->item);
}

/* A new row: held at once when it is due and nothing older waits on disk, as the core does. */
static void arrive(struct model *m) {
    if (m->n == ROWS_MAX)
        return;
    struct row *r = &m->rows[m->n++];
    r->id = (int64_t)m->n;
    r->priority = (enum priority)draw(m, PRIORITY_COUNT);
    r->due_at = m->now + (draw(m, 3) ? 0 : (int64_t)draw(m, 200));
    if (r->due_at <= m->now && m->held < WINDOW && queue_is_caught_up(&m->q, r->priority)) {
        /* caught up: no row waits on disk but those that became due since the queue was last asked */
        int64_t next_at = m->q.lanes[r->priority].next_due_at;
        for (size_t i = 0; i + 1 < m->n; i++) {
            const struct row *o = &m->rows[i];
            if (o->priority == r->priority && !o->held && !o->done && o->due_at <= m->now &&
                (next_at == 0 || o->due_at < next_at))
                fail_msg("caught up, but row %lld waits", (long long)o->id);
        }
        hold(m, r);
        return;
    }
    queue_note_due(&m->q, r->priority, r->due_at, m->now);
}

static void take(struct model *m) {
    struct queue_item *i = queue_pop(&m->q);
    if (!i)
        return;
    struct row *r = (struct row *)i;
    assert_true(r->held && !r->done);
    for (size_t k = 0; k < m->n; k++) { /* the oldest of the most urgent */
        const struct row *o = &m->rows[k];
        if (!o->item.queued)
            continue;
        assert_true(o->priority >= r->priority);
        assert_true(o->priority != r->priority || o->pushed > r->pushed);
    }
    r->held = false;
    m->held--;
    if (draw(m, 4)) {
        r->done = true;
        m->done++;
        return;
    }
    r->due_at = m->now + (int64_t)draw(m, 100); /* tried in vain: later */
    queue_note_due(&m->q, r->priority, r->due_at, m->now);
}

static void cancel(struct model *m) {
    struct row *r = &m->rows[draw(m, m->n)];
    if (!r->item.queued)
        return;
    queue_remove(&m->q, &r->item);
    assert_false(r->item.queued);
    r->held = false;
    r->done = true;
    m->held--;
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
        m->held--;
        m->done++;
    }
    assert_int_equal(n, there < max ? there : max);
}

static void ask(struct model *m) {
    struct queue_scan s;
    while (m->held < WINDOW && queue_wants_scan(&m->q, m->now, LOW_WATER, &s)) {
        assert_false(m->is_asked[s.priority]);
        m->asked[s.priority] = s;
        m->is_asked[s.priority] = true;
    }
}

static bool behind_cursor(const struct row *r, const struct queue_scan *s) {
    return r->due_at < s->after_due_at || (r->due_at == s->after_due_at && r->id <= s->after_id);
}

/* The row with the least key after the cursor; NULL: none is due. */
static struct row *next_row(struct model *m, const struct queue_scan *s) {
    struct row *best = NULL;
    for (size_t i = 0; i < m->n; i++) {
        struct row *r = &m->rows[i];
        if (r->done || r->priority != s->priority || r->due_at > m->now || behind_cursor(r, s))
            continue;
        if (!best || r->due_at < best->due_at || (r->due_at == best->due_at && r->id < best->id))
            best = r;
    }
    return best;
}

static int64_t next_due(const struct model *m, enum priority p) {
    int64_t at = 0;
    for (size_t i = 0; i < m->n; i++) {
        const struct row *r = &m->rows[i];
        if (!r->done && r->priority == p && r->due_at > m->now && (at == 0 || r->due_at < at))
            at = r->due_at;
    }
    return at;
}

/* A page that was asked for comes from the disk as it is now, held rows among it. */
static void answer(struct model *m) {
    enum priority p = (enum priority)draw(m, PRIORITY_COUNT);
    if (!m->is_asked[p])
        return;
    m->is_asked[p] = false;
    if (draw(m, 20) == 0) {
        queue_scan_failed(&m->q, p, m->now + 10);
        return;
    }
    struct queue_scan s = m->asked[p];
    struct row *page[PAGE], *r;
    size_t n = 0;
    while (n < PAGE && (r = next_row(m, &s))) {
        page[n++] = r;
        s.after_due_at = r->due_at;
        s.after_id = r->id;
    }
    bool more = next_row(m, &s) != NULL;
    queue_scanned(&m->q, p, n, s.after_due_at, s.after_id, more, more ? 0 : next_due(m, p));
    for (size_t i = 0; i < n; i++)
        if (!page[i]->held)
            hold(m, page[i]);
}

static void check_counts(const struct model *m) {
    size_t queued = 0, by_priority[PRIORITY_COUNT] = {0};
    for (size_t i = 0; i < m->n; i++) {
        queued += m->rows[i].item.queued;
        by_priority[m->rows[i].priority] += m->rows[i].item.queued;
    }
    assert_int_equal(m->q.n, queued);
    for (int p = 0; p < PRIORITY_COUNT; p++)
        assert_int_equal(m->q.lanes[p].n, by_priority[p]);
}

static void run(uint64_t seed) {
    struct model *m = calloc(1, sizeof *m);
    assert_non_null(m);
    m->seed = seed * 2654435761u + 88172645463325252u;
    m->now = 1000000;
    queue_init(&m->q);
    for (int p = 0; p < PRIORITY_COUNT; p++)
        assert_false(queue_is_caught_up(&m->q, (enum priority)p));
    for (size_t i = 0; i < 50; i++) { /* left by an earlier process: nobody is told of them */
        struct row *r = &m->rows[m->n++];
        *r = (struct row){.id = (int64_t)m->n,
                          .priority = (enum priority)draw(m, PRIORITY_COUNT),
                          .due_at = m->now - 100 + (int64_t)draw(m, 300)};
    }
    for (int step = 0; step < STEPS && m->n < ROWS_MAX; step++) {
        switch (draw(m, 6)) {
        case 0: arrive(m); break;
        case 1: take(m); break;
        case 2: ask(m); break;
        case 3: answer(m); break;
        case 4: m->now += (int64_t)draw(m, 12); break;
        default: draw(m, 30) ? (void)0 : draw(m, 2) ? cancel(m) : sift(m); break;
        }
        if (step % 500 == 0)
            check_counts(m);
    }
    /* No more arrivals; time moves only to where the queue says that something may happen: every row is seen.
     */
    for (int idle = 0; m->done < m->n && idle < 2000; idle++) {
        size_t before = m->done;
        for (int k = 0; k < 50; k++) {
            ask(m);
            answer(m);
            take(m);
        }
        bool asked = m->is_asked[0] || m->is_asked[1] || m->is_asked[2];
        int64_t at = queue_next_due_at(&m->q);
        if (m->done == before && m->q.n == 0 && !asked && at > m->now)
            m->now = at;
        if (m->done != before)
            idle = 0;
    }
    if (m->done != m->n)
        fail_msg("seed %llu: %zu of %zu rows seen", (unsigned long long)seed, m->done, m->n);
    free(m);
}

static void test_queue__every_row_is_seen_in_order_whatever_happens(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++)
        run(seed);
}

static void test_queue__pops_by_priority_then_first_in_first_out(void **state) {
    (void)state;
    struct queue q;
    queue_init(&q);
    struct queue_item items[6] = {{.priority = PRIORITY_MARKETING},     {.priority = PRIORITY_OTP},
                                  {.priority = PRIORITY_TRANSACTIONAL}, {.priority = PRIORITY_OTP},
                                  {.priority = PRIORITY_MARKETING},     {.priority = PRIORITY_OTP}};
    static const int order[] = {1, 5, 2, 0, 4};
    for (int i = 0; i < 6; i++)
        queue_push(&q, &items[i]);
    queue_remove(&q, &items[3]);
    for (size_t i = 0; i < 5; i++)
        assert_ptr_equal(queue_pop(&q), &items[order[i]]);
    assert_null(queue_pop(&q));
    queue_push(&q, &items[3]); /* the last one removed left a whole list */
    queue_remove(&q, &items[3]);
    queue_push(&q, &items[1]);
    assert_ptr_equal(queue_pop(&q), &items[1]);
    assert_int_equal(q.n, 0);
}

static void catch_up(struct queue *q, int64_t now) {
    struct queue_scan s;
    while (queue_wants_scan(q, now, 1, &s))
        queue_scanned(q, s.priority, 0, 0, 0, false, 0);
}

static void test_queue__is_behind_from_a_due_row_on_disk_to_the_end_of_a_pass(void **state) {
    (void)state;
    struct queue q;
    struct queue_scan s;
    queue_init(&q);
    catch_up(&q, 100);
    assert_true(queue_is_caught_up(&q, PRIORITY_OTP));
    assert_int_equal(queue_next_due_at(&q), 0);
    assert_false(queue_wants_scan(&q, 100, 1, &s));

    queue_note_due(&q, PRIORITY_OTP, 200, 100); /* later: no reason to look now */
    queue_note_due(&q, PRIORITY_OTP, 150, 100);
    assert_true(queue_is_caught_up(&q, PRIORITY_OTP));
    assert_int_equal(queue_next_due_at(&q), 150);
    assert_false(queue_wants_scan(&q, 149, 1, &s));
    assert_true(queue_wants_scan(&q, 150, 1, &s));
    assert_false(queue_is_caught_up(&q, PRIORITY_OTP));
    assert_false(queue_wants_scan(&q, 150, 1, &s)); /* one page at a time */

    queue_scanned(&q, PRIORITY_OTP, 3, 150, 9, true, 0); /* there is more: go on behind it */
    assert_true(queue_wants_scan(&q, 150, 1, &s));
    assert_int_equal(s.after_due_at, 150);
    assert_int_equal(s.after_id, 9);
    queue_note_due(&q, PRIORITY_OTP, 120, 150); /* behind the cursor */
    queue_scanned(&q, PRIORITY_OTP, 1, 150, 10, false, 170);
    assert_false(queue_is_caught_up(&q, PRIORITY_OTP)); /* so a new pass, from the start */
    assert_true(queue_wants_scan(&q, 150, 1, &s));
    assert_int_equal(s.after_due_at, 0);
    queue_scanned(&q, PRIORITY_OTP, 0, 0, 0, false, 170);
    assert_true(queue_is_caught_up(&q, PRIORITY_OTP));
    assert_int_equal(queue_next_due_at(&q), 170);
}

static void test_queue__a_row_that_becomes_due_during_a_pass_starts_another(void **state) {
    (void)state;
    struct queue q;
    struct queue_scan s;
    for (int between = 0; between < 2; between++) { /* while the first page is read, or between two */
        queue_init(&q);
        catch_up(&q, 100);
        queue_note_due(&q, PRIORITY_OTP, 100, 100);
        assert_true(queue_wants_scan(&q, 100, 1, &s));
        if (between)
            queue_scanned(&q, PRIORITY_OTP, 1, 90, 1, true, 0);
        queue_note_due(&q, PRIORITY_OTP, 80, 100);
        if (between)
            assert_true(queue_wants_scan(&q, 100, 1, &s));
        queue_note_due(&q, PRIORITY_MARKETING, 120, 100);
        queue_scanned(&q, PRIORITY_OTP, 1, 100, 2, false, 0);
        assert_false(queue_is_caught_up(&q, PRIORITY_OTP));
        assert_true(queue_wants_scan(&q, 100, 1, &s));
        queue_note_due(&q, PRIORITY_OTP, 110, 100);
        queue_scanned(&q, PRIORITY_OTP, 0, 0, 0, false, 130); /* read before the row of 110 was stored */
        assert_int_equal(q.lanes[PRIORITY_OTP].next_due_at, 110);
    }
}

static void test_queue__a_failed_page_is_asked_again_later(void **state) {
    (void)state;
    struct queue q;
    struct queue_scan s;
    queue_init(&q);
    catch_up(&q, 100);
    queue_note_due(&q, PRIORITY_MARKETING, 100, 100);
    assert_true(queue_wants_scan(&q, 100, 1, &s));
    queue_scan_failed(&q, PRIORITY_MARKETING, 110);
    assert_int_equal(queue_next_due_at(&q), 110);
    assert_false(queue_wants_scan(&q, 109, 1, &s));
    assert_true(queue_wants_scan(&q, 110, 1, &s));
    assert_int_equal(s.priority, PRIORITY_MARKETING);
}

static void test_queue__a_full_window_wants_no_page(void **state) {
    (void)state;
    struct queue q;
    struct queue_scan s;
    struct queue_item items[2] = {{.priority = PRIORITY_OTP}, {.priority = PRIORITY_OTP}};
    queue_init(&q);
    queue_push(&q, &items[0]);
    queue_push(&q, &items[1]);
    assert_true(queue_wants_scan(&q, 1, 2, &s)); /* another priority may */
    assert_int_equal(s.priority, PRIORITY_TRANSACTIONAL);
    queue_pop(&q);
    assert_true(queue_wants_scan(&q, 1, 2, &s));
    assert_int_equal(s.priority, PRIORITY_OTP);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue__every_row_is_seen_in_order_whatever_happens),
        cmocka_unit_test(test_queue__pops_by_priority_then_first_in_first_out),
        cmocka_unit_test(test_queue__is_behind_from_a_due_row_on_disk_to_the_end_of_a_pass),
        cmocka_unit_test(test_queue__a_row_that_becomes_due_during_a_pass_starts_another),
        cmocka_unit_test(test_queue__a_failed_page_is_asked_again_later),
        cmocka_unit_test(test_queue__a_full_window_wants_no_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
