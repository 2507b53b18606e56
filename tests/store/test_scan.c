/* Scans page by keyset, without gap or repeat; the sweep finds exactly what is past its validity. */
#include "../base/check.h"
#include "kit.h"

enum { ROWS_MAX = 70000, BATCH = 1000 };

struct row {
    int64_t due_at, expires_at;
    enum priority priority;
    bool seen;
};

struct shelf {
    struct db *db;
    struct journal *journal;
    struct row *rows; /* by id - 1 */
    size_t n;
};

static int open_shelf(void **state) {
    struct shelf *s = calloc(1, sizeof *s);
    struct err e = ERR_INIT;
    ASSERT(s);
    s->db = kit_db();
    s->journal = journal_new(s->db, &e);
    s->rows = calloc(ROWS_MAX, sizeof *s->rows);
    ASSERT(s->journal && s->rows);
    *state = s;
    return 0;
}

static int close_shelf(void **state) {
    struct shelf *s = *state;
    journal_free(s->journal);
    db_close(s->db);
    free(s->rows);
    free(s);
    return 0;
}

static void store(struct shelf *s, size_t from) {
    static struct job jobs[BATCH], *handed[BATCH], *done[BATCH];
    for (size_t i = from; i < s->n;) {
        size_t k = 0;
        for (; k < BATCH && i < s->n; i++, k++) {
            struct message *m = kit_message((int64_t)i + 1, "x", "");
            m->priority = s->rows[i].priority;
            m->expires_at = s->rows[i].expires_at;
            jobs[k] = kit_put(m, STATE_QUEUED, s->rows[i].due_at);
            handed[k] = &jobs[k];
        }
        assert_int_equal(journal_apply(s->journal, handed, k, done), k);
        for (size_t d = 0; d < k; d++) {
            assert_int_equal(jobs[d].result, JOB_DONE);
            message_free(jobs[d].message);
        }
    }
}

static void see(struct shelf *s, const struct message *m) {
    size_t i = (size_t)m->id - 1;
    assert_in_range(i, 0, s->n - 1);
    assert_false(s->rows[i].seen);
    s->rows[i].seen = true;
    assert_int_equal(m->head.due_at, s->rows[i].due_at);
    assert_int_equal(m->priority, s->rows[i].priority);
}

/* One pass over priority p; *pages: how many it took; the last page's next_due_at. */
static int64_t scan(struct shelf *s, enum priority p, int64_t now, unsigned limit, int *pages) {
    struct job j = {.kind = JOB_SCAN, .priority = p, .now = now, .limit = limit};
    for (*pages = 0;; (*pages)++) {
        assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
        for (unsigned i = 0; i < j.n_rows; i++) {
            const struct message *m = j.rows[i];
            assert_true(m->head.due_at > j.after_due_at ||
                        (m->head.due_at == j.after_due_at && m->id > j.after_id));
            j.after_due_at = m->head.due_at;
            j.after_id = m->id;
            see(s, m);
        }
        assert_true(!j.more || j.n_rows == limit);
        bool more = j.more;
        kit_forget(&j);
        j.more = false;
        if (!more)
            break;
    }
    (*pages)++;
    return j.next_due_at;
}

static void test_scan__five_thousand_rows_of_one_moment_come_once_each(void **state) {
    struct shelf *s = *state;
    s->n = 5000;
    for (size_t i = 0; i < s->n; i++)
        s->rows[i] = (struct row){KIT_NOW, KIT_NOW + US_PER_S, PRIORITY_TRANSACTIONAL, false};
    store(s, 0);
    int pages;
    assert_int_equal(scan(s, PRIORITY_TRANSACTIONAL, KIT_NOW, 137, &pages), 0);
    assert_int_equal(pages, 37);
    for (size_t i = 0; i < s->n; i++) {
        assert_true(s->rows[i].seen);
        s->rows[i].seen = false;
    }
    scan(s, PRIORITY_TRANSACTIONAL, KIT_NOW, 1000, &pages); /* a multiple: no empty last page */
    assert_int_equal(pages, 5);
    scan(s, PRIORITY_OTP, KIT_NOW, 1000, &pages);
    assert_int_equal(pages, 1);
}

static void test_scan__random_rows_by_priority_up_to_now_and_tells_what_comes_next(void **state) {
    struct shelf *s = *state;
    uint64_t seed = 88172645463325252u;
    s->n = 3000;
    for (size_t i = 0; i < s->n; i++)
        s->rows[i] =
            (struct row){.due_at = kit_random(&seed) % 10 ? KIT_NOW + (int64_t)(kit_random(&seed) % 400) : 0,
                         .expires_at = KIT_NOW + US_PER_S,
                         .priority = (enum priority)(kit_random(&seed) % PRIORITY_COUNT)};
    store(s, 0);
    int64_t now = KIT_NOW + 200;
    for (int p = 0; p < PRIORITY_COUNT; p++) {
        int pages;
        int64_t next = scan(s, (enum priority)p, now, 1 + (unsigned)(kit_random(&seed) % 90), &pages),
                right = 0;
        for (size_t i = 0; i < s->n; i++) {
            const struct row *r = &s->rows[i];
            if (r->priority != (enum priority)p)
                continue;
            assert_int_equal(r->seen, r->due_at != 0 && r->due_at <= now);
            if (r->due_at > now && (right == 0 || r->due_at < right))
                right = r->due_at;
        }
        assert_int_equal(next, right);
    }
}

static void test_scan__brings_the_attempt_of_those_that_may_be_asked_about(void **state) {
    struct shelf *s = *state;
    static const enum state ends[] = {STATE_SENDING, STATE_UNKNOWN, STATE_SENT, STATE_QUEUED};
    for (int i = 0; i < 4; i++) {
        struct message *m = kit_message(i + 1, "x", "");
        struct job j = kit_put(m, STATE_SENDING, KIT_NOW + i);
        kit_begin(&j, "main", KIT_NOW + 10 + i);
        assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
        if (i) {
            j = kit_move(m, ends[i], KIT_NOW + i);
            assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
        }
        message_free(m);
    }
    struct job j = {.kind = JOB_SCAN, .priority = PRIORITY_TRANSACTIONAL, .now = KIT_NOW + 9, .limit = 10};
    assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
    assert_int_equal(j.n_rows, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(j.rows[i]->head.state, ends[i]);
        assert_int_equal(j.attempts[i].number, i < 3 ? 1 : 0);
        assert_int_equal(j.attempts[i].started_at, i < 3 ? KIT_NOW + 10 + i : 0);
    }
    kit_forget(&j);
}

/* One pass of the sweep over p; returns how many pages. */
static int sweep(struct shelf *s, enum priority p, int64_t now, unsigned limit) {
    struct job j = {.kind = JOB_SWEEP, .priority = p, .now = now, .limit = limit};
    for (int pages = 1;; pages++) {
        assert_int_equal(kit_do(s->journal, &j), JOB_DONE);
        for (unsigned i = 0; i < j.n_rows; i++)
            see(s, j.rows[i]);
        bool more = j.more;
        assert_true(!more || j.end_due_at > j.after_due_at ||
                    (j.end_due_at == j.after_due_at && j.end_id > j.after_id));
        j.after_due_at = j.end_due_at;
        j.after_id = j.end_id;
        kit_forget(&j);
        j.more = false;
        if (!more)
            return pages;
        assert_in_range(pages, 0, 2000);
    }
}

static void test_sweep__finds_exactly_the_expired_over_stretches_and_priorities(void **state) {
    struct shelf *s = *state;
    uint64_t seed = 1234567890123456789u;
    int64_t now = KIT_NOW + 1000 * US_PER_S;
    s->n = ROWS_MAX; /* the middle priority has three stretches of 20,000 */
    for (size_t i = 0; i < s->n; i++) {
        uint64_t r = kit_random(&seed) % 100;
        s->rows[i] = (struct row){
            .due_at = r == 0   ? 0
                      : r < 10 ? now + 1 + (int64_t)(kit_random(&seed) % 1000)
                               : now - (int64_t)(kit_random(&seed) % 5000) / 10 * 10, /* many of one moment */
            .expires_at = now - 20000 + (int64_t)(kit_random(&seed) % 1000000),
            .priority = r < 12   ? PRIORITY_OTP
                        : r < 14 ? PRIORITY_MARKETING
                                 : PRIORITY_TRANSACTIONAL,
        };
    }
    /* a run of expired ones longer than a page, and one expiring right now */
    for (size_t i = 100; i < 1500; i++)
        s->rows[i] = (struct row){now - 7, now - 1, PRIORITY_TRANSACTIONAL, false};
    s->rows[0] = (struct row){now, now, PRIORITY_MARKETING, false};
    s->rows[1] = (struct row){now, now + 1, PRIORITY_MARKETING, false};
    store(s, 0);
    int pages[PRIORITY_COUNT];
    for (int p = 0; p < PRIORITY_COUNT; p++)
        pages[p] = sweep(s, (enum priority)p, now, 256);
    assert_true(pages[PRIORITY_TRANSACTIONAL] >= 3);
    size_t expired = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct row *r = &s->rows[i];
        bool right = r->due_at != 0 && r->due_at <= now && r->expires_at <= now;
        if (r->seen != right)
            fail_msg("row %zu: due %lld, expires %lld", i, (long long)(r->due_at - now),
                     (long long)(r->expires_at - now));
        expired += right;
    }
    assert_in_range(expired, 1400, 5000);
    print_message("# %zu expired of %zu\n", expired, s->n);
}

static void test_sweep__finds_those_at_the_ends_of_stretches(void **state) {
    struct shelf *s = *state;
    static const size_t expired[] = {0, 19999, 20000, 20001, 39999, 40000, 40001, 40002, 44999};
    s->n = 45000;
    for (size_t i = 0; i < s->n; i++)
        s->rows[i] = (struct row){KIT_NOW - 50000 + (int64_t)i, KIT_NOW + 1, PRIORITY_OTP, false};
    for (size_t i = 0; i < sizeof expired / sizeof expired[0]; i++)
        s->rows[expired[i]].expires_at = KIT_NOW;
    store(s, 0);
    assert_int_equal(sweep(s, PRIORITY_OTP, KIT_NOW, 100), 3);
    for (size_t i = 0; i < s->n; i++)
        assert_int_equal(s->rows[i].seen, s->rows[i].expires_at == KIT_NOW);
}

static void test_sweep__a_page_as_long_as_what_is_expired_is_the_last(void **state) {
    struct shelf *s = *state;
    s->n = 40;
    for (size_t i = 0; i < s->n; i++)
        s->rows[i] = (struct row){KIT_NOW - 5, i < 10 ? KIT_NOW - 1 : KIT_NOW + 1, PRIORITY_OTP, false};
    store(s, 0);
    assert_int_equal(sweep(s, PRIORITY_OTP, KIT_NOW, 10), 1);
    assert_int_equal(sweep(s, PRIORITY_TRANSACTIONAL, KIT_NOW, 10), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_shelf, close_shelf)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_scan__five_thousand_rows_of_one_moment_come_once_each),
        TEST(test_scan__random_rows_by_priority_up_to_now_and_tells_what_comes_next),
        TEST(test_scan__brings_the_attempt_of_those_that_may_be_asked_about),
        TEST(test_sweep__finds_exactly_the_expired_over_stretches_and_priorities),
        TEST(test_sweep__finds_those_at_the_ends_of_stretches),
        TEST(test_sweep__a_page_as_long_as_what_is_expired_is_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
