/* Meant to run under ThreadSanitizer as well. */
#include "check.h"

#include "base/mailbox.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>

enum { WRITERS = 4, EACH = 20000, BATCH = 7 };

static void *item(uintptr_t writer, uintptr_t n) {
    return (void *)(writer << 32 | (n + 1));
}

struct writer {
    struct mailbox *m;
    uintptr_t id;
    size_t refused; /* puts that a full mailbox cut short */
};

static void *write_all_items(void *arg) {
    struct writer *w = arg;
    for (uintptr_t n = 0; n < EACH;) {
        void *batch[BATCH];
        size_t k = 0;
        for (; k < BATCH && n + k < EACH; k++)
            batch[k] = item(w->id, n + k);
        size_t put = mailbox_put(w->m, batch, k);
        n += put;
        if (put < k) {
            w->refused++;
            sched_yield();
        }
    }
    return NULL;
}

/* Sleeps as a reader should; a wake-up that got lost shows as the test's time-out. */
static void wait_for_items(struct mailbox *const *boxes, size_t n) {
    bool sleep = true;
    for (size_t i = 0; i < n; i++)
        sleep = mailbox_may_sleep(boxes[i]) && sleep;
    if (sleep) {
        struct pollfd p = {.fd = mailbox_fd(boxes[0]), .events = POLLIN};
        if (poll(&p, 1, 20000) != 1)
            fail_msg("the reader sleeps on, though there is something to take");
    }
    mailbox_awake(boxes[0]);
}

static void nothing_is_lost(size_t capacity, size_t n_boxes) {
    struct mailbox *boxes[2];
    struct err e = ERR_INIT;
    boxes[0] = mailbox_new(capacity, &e);
    assert_non_null(boxes[0]);
    boxes[1] = n_boxes == 2 ? mailbox_new_beside(boxes[0], capacity, &e) : NULL;
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    uintptr_t next[WRITERS] = {0};
    for (uintptr_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.m = boxes[i % n_boxes], .id = i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_all_items, &writers[i]), 0);
    }
    size_t got = 0;
    while (got < (size_t)WRITERS * EACH) {
        void *items[64];
        size_t k = 0;
        for (size_t b = 0; b < n_boxes; b++) {
            size_t taken = mailbox_take(boxes[b], items, 64);
            for (size_t i = 0; i < taken; i++) {
                uintptr_t x = (uintptr_t)items[i], w = x >> 32;
                assert_true(w < WRITERS);
                assert_int_equal((x & 0xffffffff) - 1, next[w]); /* each writer's own order */
                next[w]++;
            }
            k += taken;
        }
        got += k;
        if (k == 0)
            wait_for_items(boxes, n_boxes);
    }
    size_t refused = 0;
    for (size_t i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(next[i], EACH);
        refused += writers[i].refused;
    }
    if (capacity < BATCH)
        assert_true(refused > 0);
    for (size_t b = n_boxes; b-- > 0;) {
        assert_int_equal(mailbox_fill(boxes[b]), 0);
        mailbox_free(boxes[b]);
    }
}

static void test_mailbox__nothing_is_lost_and_each_writers_order_stays(void **state) {
    (void)state;
    nothing_is_lost(256, 1);
}

static void test_mailbox__a_tiny_one_refuses_and_still_loses_nothing(void **state) {
    (void)state;
    nothing_is_lost(3, 1);
}

static void test_mailbox__two_beside_each_other_share_one_wake_up(void **state) {
    (void)state;
    nothing_is_lost(16, 2);
}

static void test_mailbox__a_full_one_takes_what_fits_and_says_so(void **state) {
    (void)state;
    struct err e = ERR_INIT;
    struct mailbox *m = mailbox_new(4, &e);
    void *in[6], *out[6];
    for (uintptr_t i = 0; i < 6; i++)
        in[i] = item(0, i);
    assert_int_equal(mailbox_capacity(m), 4);
    assert_int_equal(mailbox_put(m, in, 6), 4);
    assert_int_equal(mailbox_put(m, in, 1), 0);
    assert_int_equal(mailbox_put(m, in, 0), 0);
    assert_int_equal(mailbox_take(m, out, 2), 2);
    assert_int_equal(mailbox_put(m, in + 4, 2), 2); /* around the end of the ring */
    assert_int_equal(mailbox_fill(m), 4);
    assert_int_equal(mailbox_take(m, out + 2, 6), 4);
    assert_memory_equal(in, out, sizeof in);
    assert_int_equal(mailbox_take(m, out, 6), 0);
    mailbox_free(m);
    mailbox_free(NULL);
}

static bool readable(struct mailbox *m) {
    struct pollfd p = {.fd = mailbox_fd(m), .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void test_mailbox__a_wake_up_is_paid_for_only_when_the_reader_sleeps(void **state) {
    (void)state;
    struct err e = ERR_INIT;
    struct mailbox *m = mailbox_new(4, &e);
    void *one = item(0, 0);
    assert_int_equal(mailbox_put(m, &one, 1), 1);
    assert_false(readable(m));
    assert_false(mailbox_may_sleep(m)); /* there is something to take */
    mailbox_awake(m);
    assert_int_equal(mailbox_take(m, &one, 1), 1);
    assert_true(mailbox_may_sleep(m));
    assert_false(readable(m));
    assert_int_equal(mailbox_put(m, &one, 1), 1);
    assert_true(readable(m));
    mailbox_awake(m);
    assert_false(readable(m));
    mailbox_wake(m); /* by hand: no item needed */
    assert_true(readable(m));
    mailbox_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mailbox__nothing_is_lost_and_each_writers_order_stays),
        cmocka_unit_test(test_mailbox__a_tiny_one_refuses_and_still_loses_nothing),
        cmocka_unit_test(test_mailbox__two_beside_each_other_share_one_wake_up),
        cmocka_unit_test(test_mailbox__a_full_one_takes_what_fits_and_says_so),
        cmocka_unit_test(test_mailbox__a_wake_up_is_paid_for_only_when_the_reader_sleeps),
    };
    return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
