/* What one front gathers of opened links: handed over once a second, kept while it cannot be stored, bounded.
 */
#include "../base/check.h"
#include "api/clicks.h"
#include "base/clock.h"

#include <string.h>

struct desk {
    struct clickbook book;
    struct meters meters;
};

static struct desk *desk_open(void) {
    struct desk *d = calloc(1, sizeof *d);
    ASSERT(d);
    clickbook_init(&d->book);
    return d;
}

static void desk_close(struct desk *d) {
    clickbook_done(&d->book);
    free(d);
}

static void add(struct desk *d, int64_t code, int64_t now) {
    clickbook_add(&d->book, code, now, &d->meters);
}

static void back(struct desk *d, enum ask_result result) {
    d->book.ask.result = result;
    clickbook_back(&d->book, &d->meters);
}

static void test_clicks__are_handed_over_once_a_second_a_row_a_link(void **state) {
    (void)state;
    struct desk *d = desk_open();
    assert_null(clickbook_take(&d->book, NULL, 10 * US_PER_S, true)); /* nothing yet */
    add(d, 5, 100);
    add(d, 6, 110);
    add(d, 5, 120);
    struct ask *a = clickbook_take(&d->book, NULL, 10 * US_PER_S, false);
    assert_non_null(a);
    assert_int_equal(a->kind, ASK_WRITE);
    assert_int_equal(d->book.clicked.n, 2);
    assert_int_equal(d->book.clicked.clicks[0].code, 5);
    assert_int_equal(d->book.clicked.clicks[0].n, 2);
    assert_int_equal(d->book.clicked.clicks[0].first_at, 100);
    assert_int_equal(d->book.clicked.clicks[0].last_at, 120);
    add(d, 5, 130);                                                   /* while they are away */
    assert_null(clickbook_take(&d->book, NULL, 20 * US_PER_S, true)); /* one batch at a time */
    back(d, ASK_DONE);
    assert_false(clickbook_is_idle(&d->book));
    assert_null(clickbook_take(&d->book, NULL, 10 * US_PER_S + 1, false)); /* too early */
    a = clickbook_take(&d->book, NULL, 10 * US_PER_S + 1, true);           /* but not when stopping */
    assert_int_equal(d->book.clicked.n, 1);
    assert_int_equal(d->book.clicked.clicks[0].n, 1);
    back(d, ASK_DONE);
    assert_true(clickbook_is_idle(&d->book));
    desk_close(d);
}

static void test_clicks__what_was_not_stored_is_tried_again(void **state) {
    (void)state;
    struct desk *d = desk_open();
    add(d, 5, 100);
    assert_non_null(clickbook_take(&d->book, NULL, 10 * US_PER_S, false));
    add(d, 7, 200);
    back(d, ASK_FAILED);
    assert_true(clickbook_is_idle(&d->book)); /* a stop does not wait for a disk that fails */
    assert_null(clickbook_take(&d->book, NULL, 10 * US_PER_S + 1, true));
    assert_non_null(clickbook_take(&d->book, NULL, 11 * US_PER_S, false));
    assert_int_equal(d->book.clicked.n, 1);
    assert_int_equal(d->book.clicked.clicks[0].code, 5);
    back(d, ASK_DONE);
    assert_non_null(clickbook_take(&d->book, NULL, 12 * US_PER_S, false));
    assert_int_equal(d->book.clicked.n, 1);
    assert_int_equal(d->book.clicked.clicks[0].code, 7);
    desk_close(d);
}

static void test_clicks__more_links_than_fit_are_handed_over_at_once_or_counted_as_lost(void **state) {
    (void)state;
    struct desk *d = desk_open();
    add(d, 1, 1);
    assert_non_null(clickbook_take(&d->book, NULL, 10 * US_PER_S, false));
    for (int64_t code = 0; code < CLICKS_MAX + 3; code++)
        add(d, code, 100);
    add(d, 0, 101); /* one that is there already has room */
    assert_int_equal(atomic_load(&d->meters.counters[COUNT_CLICKS_LOST]), 3);
    back(d, ASK_DONE);
    struct ask *a = clickbook_take(&d->book, NULL, 10 * US_PER_S + 1, false);
    assert_non_null(a);
    assert_int_equal(d->book.clicked.n, CLICKS_MAX);
    assert_int_equal(d->book.clicked.clicks[0].n, 2);
    desk_close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clicks__are_handed_over_once_a_second_a_row_a_link),
        cmocka_unit_test(test_clicks__what_was_not_stored_is_tried_again),
        cmocka_unit_test(test_clicks__more_links_than_fit_are_handed_over_at_once_or_counted_as_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
