/* Lists: every filter and page size over random rows, held against a loop over all of them. */
#include "../base/check.h"
#include "kit.h"
#include "store/history.h"
#include "store/reader.h"

enum { ROWS = 600, TRIALS = 1500 };

static const char *const numbers[] = {"+8613800138000", "+8613900139000", "+8613700137000"};
static const char *const senders[] = {"+15005550006", "Hongyan", ""};

struct row {
    int64_t id, account_id, created_at;
    int to, from;
    enum state state;
    enum direction direction;
};

struct shelf {
    struct db *db;
    struct row rows[ROWS]; /* by id */
};

static int open_shelf(void **state) {
    struct shelf *s = calloc(1, sizeof *s);
    struct err e = ERR_INIT;
    static const enum state states[] = {STATE_SCHEDULED, STATE_QUEUED, STATE_SENDING, STATE_SUPPRESSED};
    uint64_t seed = 42;
    ASSERT(s);
    s->db = kit_db();
    struct journal *j = journal_new(s->db, &e);
    ASSERT(j);
    for (int i = 0; i < ROWS; i++) {
        struct row *r = &s->rows[i];
        *r = (struct row){.id = (i ? s->rows[i - 1].id : 0) + 1 + (int64_t)(kit_random(&seed) % 3),
                          .account_id = 1 + (int64_t)(kit_random(&seed) % 2),
                          .created_at = KIT_NOW + i / 3,
                          .to = (int)(kit_random(&seed) % 3),
                          .from = (int)(kit_random(&seed) % 3),
                          .state = states[kit_random(&seed) % 4],
                          .direction = kit_random(&seed) % 5 ? DIRECTION_OUT : DIRECTION_IN};
        const struct sv text[TEXT_COUNT] = {
            [TEXT_TO] = sv_of(numbers[r->to]), [TEXT_FROM] = sv_of(senders[r->from]), [TEXT_BODY] = SV("x")};
        struct message *m = message_new(text);
        ASSERT(m);
        m->id = r->id;
        m->account_id = r->account_id;
        m->created_at = r->created_at;
        m->direction = r->direction;
        struct job put = kit_put(m, r->state, state_is_terminal(r->state) ? 0 : KIT_NOW);
        ASSERT(kit_do(j, &put) == JOB_DONE);
        message_free(m);
    }
    journal_free(j);
    *state = s;
    return 0;
}

static int close_shelf(void **state) {
    struct shelf *s = *state;
    db_close(s->db);
    free(s);
    return 0;
}

static bool fits(const struct row *r, const struct message_filter *f) {
    return r->account_id == f->account_id && (!f->to.n || sv_eq(f->to, sv_of(numbers[r->to]))) &&
           (!f->from.n || sv_eq(f->from, sv_of(senders[r->from]))) && r->created_at >= f->created_from &&
           (!f->created_until || r->created_at < f->created_until) &&
           (!f->by_state || r->state == f->state) && (f->any_direction || r->direction == f->direction) &&
           (!f->before_id || r->id < f->before_id) && r->id > f->after_id;
}

/* The ids that belong on the page, newest first; *more as reader_list tells it. */
static size_t naive(const struct shelf *s, const struct message_filter *f, int64_t *ids, bool *more) {
    size_t n = 0;
    *more = false;
    for (int k = 0; k < ROWS; k++) {
        const struct row *r = &s->rows[f->after_id ? k : ROWS - 1 - k];
        if (!fits(r, f))
            continue;
        if (n == f->limit) {
            *more = true;
            break;
        }
        ids[n++] = r->id;
    }
    for (size_t i = 0; f->after_id && i < n / 2; i++) {
        int64_t id = ids[i];
        ids[i] = ids[n - 1 - i];
        ids[n - 1 - i] = id;
    }
    return n;
}

static struct message_filter draw(const struct shelf *s, uint64_t *seed) {
    struct message_filter f = {.account_id = 1 + (int64_t)(kit_random(seed) % 3),
                               .limit = 1 + (unsigned)(kit_random(seed) % 60),
                               .any_direction = kit_random(seed) % 2,
                               .direction = kit_random(seed) % 2 ? DIRECTION_OUT : DIRECTION_IN,
                               .by_state = kit_random(seed) % 3 == 0,
                               .state = kit_random(seed) % 2 ? STATE_QUEUED : STATE_SUPPRESSED};
    if (kit_random(seed) % 2)
        f.to = kit_random(seed) % 9 ? sv_of(numbers[kit_random(seed) % 3]) : SV("+10000000000");
    if (kit_random(seed) % 3 == 0)
        f.from = sv_of(senders[kit_random(seed) % 2]);
    if (kit_random(seed) % 3 == 0)
        f.created_from = KIT_NOW + (int64_t)(kit_random(seed) % 200);
    if (kit_random(seed) % 3 == 0)
        f.created_until = KIT_NOW + (int64_t)(kit_random(seed) % 200);
    int64_t id = s->rows[kit_random(seed) % ROWS].id + (int64_t)(kit_random(seed) % 2);
    switch (kit_random(seed) % 4) {
    case 0: f.before_id = id; break;
    case 1: f.after_id = id; break;
    default: break;
    }
    return f;
}

static void test_list__every_filter_and_page_is_as_a_naive_loop_has_it(void **state) {
    struct shelf *s = *state;
    uint64_t seed = 7;
    size_t shown = 0;
    for (int t = 0; t < TRIALS; t++) {
        struct message_filter f = draw(s, &seed);
        int64_t ids[1000];
        bool right_more, more;
        struct message **rows;
        size_t right = naive(s, &f, ids, &right_more), n;
        struct err e = ERR_INIT;
        assert_true(reader_list(s->db, &f, &rows, &n, &more, &e));
        if (n != right || more != right_more)
            fail_msg("trial %d: %zu rows, more %d, not %zu, %d", t, n, more, right, right_more);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(rows[i]->id, ids[i]);
        shown += n;
        reader_free(rows, n);
    }
    print_message("# %zu rows in %d lists\n", shown, TRIALS);
}

static void test_list__paging_forth_and_back_shows_each_row_once(void **state) {
    struct shelf *s = *state;
    struct message_filter f = {.account_id = 1, .any_direction = true, .limit = 17};
    size_t total = 0, forth = 0, back = 0;
    for (int i = 0; i < ROWS; i++)
        total += s->rows[i].account_id == 1;
    int64_t last = 0;
    for (bool more = true; more;) {
        struct message **rows;
        size_t n;
        struct err e = ERR_INIT;
        assert_true(reader_list(s->db, &f, &rows, &n, &more, &e));
        for (size_t i = 0; i < n; i++) {
            assert_true(last == 0 || rows[i]->id < last);
            last = rows[i]->id;
        }
        forth += n;
        f.before_id = last;
        reader_free(rows, n);
    }
    assert_int_equal(forth, total);
    f.before_id = 0;
    f.after_id = last;
    back = 1;
    for (bool more = true; more;) {
        struct message **rows;
        size_t n;
        struct err e = ERR_INIT;
        assert_true(reader_list(s->db, &f, &rows, &n, &more, &e));
        back += n;
        f.after_id = n ? rows[0]->id : f.after_id;
        reader_free(rows, n);
    }
    assert_int_equal(back, total);
}

static void test_reader__another_accounts_message_is_not_there(void **state) {
    struct shelf *s = *state;
    for (int i = 0; i < 50; i++) {
        const struct row *r = &s->rows[i];
        for (int64_t account = 0; account < 4; account++) {
            struct err e = ERR_INIT;
            struct event *events;
            struct attempt attempts[4];
            size_t n_events, n_attempts;
            struct message *m = reader_message(s->db, account, r->id, &e);
            assert_int_equal(m != NULL, account == r->account_id);
            assert_int_equal(e.kind, m ? ERR_NONE : ERR_NOT_FOUND);
            message_free(m);
            assert_true(history_read(s->db, account, r->id, 4, &events, &n_events, &e));
            assert_int_equal(n_events, account == r->account_id);
            free(events);
            assert_true(reader_attempts(s->db, account, r->id, attempts, 4, &n_attempts, &e));
            assert_int_equal(n_attempts, 0);
        }
    }
}

static void test_reader__totals_are_those_of_the_rows(void **state) {
    struct shelf *s = *state;
    struct err e = ERR_INIT;
    int64_t last_id, backlog, right_backlog = 0;
    for (int i = 0; i < ROWS; i++)
        right_backlog += s->rows[i].state != STATE_SUPPRESSED;
    assert_true(reader_totals(s->db, 0, &last_id, &backlog, &e));
    assert_int_equal(last_id, s->rows[ROWS - 1].id);
    assert_int_equal(backlog, right_backlog);
}

static int calls, fail_at;
static bool allow(void *ctx) {
    (void)ctx;
    return ++calls != fail_at;
}

static void test_reader__a_failing_database_is_an_error_and_leaks_nothing(void **state) {
    struct shelf *s = *state;
    db_inject(s->db, allow, NULL);
    for (fail_at = 1; fail_at < 12; fail_at++) {
        struct message_filter f = {.account_id = 1, .any_direction = true, .limit = 20};
        struct message **rows;
        size_t n;
        bool more;
        struct err e = ERR_INIT;
        calls = 0;
        assert_false(reader_list(s->db, &f, &rows, &n, &more, &e));
        assert_int_equal(e.kind, ERR_OUTSIDE);
    }
    db_inject(s->db, NULL, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_shelf, close_shelf)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_list__every_filter_and_page_is_as_a_naive_loop_has_it),
        TEST(test_list__paging_forth_and_back_shows_each_row_once),
        TEST(test_reader__another_accounts_message_is_not_there),
        TEST(test_reader__totals_are_those_of_the_rows),
        TEST(test_reader__a_failing_database_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
