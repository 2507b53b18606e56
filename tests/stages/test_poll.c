/* dispatch/poll: when a provider is asked after a receipt that does not come, and what its answer does. */
#include "base/clock.h"
#include "dispatch/poll.h"
#include "provider/adapter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct adapter asks = {.name = "asks", .can_lookup = true}, deaf = {.name = "deaf"};
static const struct lane_config lane = {.name = "lane",
                                        .adapter = &asks,
                                        .receipt_window_s = 1000,
                                        .receipt_poll_after_s = 100,
                                        .receipt_polls_max = 3};
static const int64_t sent_at = INT64_C(1700000000) * US_PER_S;

static struct message sent(unsigned lookups) {
    struct message m = {.expires_at = sent_at + 600 * US_PER_S};
    m.head =
        (struct head){.state = STATE_SENT, .sent_at = sent_at, .lookups = (uint16_t)lookups, .attempts = 1};
    strcpy(m.head.provider_id, "SM1");
    return m;
}

static int64_t at(int s) {
    return sent_at + (int64_t)s * US_PER_S;
}

static void test_poll__gaps_double_until_the_window_closes(void **state) {
    (void)state;
    int64_t due = 0;
    struct message m = sent(0);
    assert_int_equal(poll_first_us(&lane), 100 * US_PER_S);
    assert_int_equal(poll_when(&m, &lane, at(99), &due), POLL_LATER);
    assert_int_equal(due, at(100));
    assert_int_equal(poll_when(&m, &lane, at(100), &due), POLL_ASK);
    m = sent(1);
    assert_int_equal(poll_when(&m, &lane, at(101), &due), POLL_LATER);
    assert_int_equal(due, at(300));
    m = sent(2);
    assert_int_equal(poll_when(&m, &lane, at(700), &due), POLL_ASK);
    m = sent(3);
    assert_int_equal(poll_when(&m, &lane, at(999), &due), POLL_LATER);
    assert_int_equal(due, at(1000));
    assert_int_equal(poll_when(&m, &lane, at(1000), &due), POLL_CLOSE);
}

static void test_poll__who_cannot_be_asked_is_not(void **state) {
    (void)state;
    struct lane_config no = lane;
    struct message m = sent(0);
    int64_t due = 0;
    no.adapter = &deaf;
    assert_int_equal(poll_first_us(&no), 1000 * US_PER_S);
    assert_int_equal(poll_when(&m, &no, at(500), &due), POLL_LATER);
    assert_int_equal(due, at(1000));
    no = lane;
    no.receipt_poll_after_s = 0;
    assert_int_equal(poll_when(&m, &no, at(500), &due), POLL_LATER);
    assert_int_equal(poll_first_us(NULL), 0);
    assert_int_equal(poll_when(&m, NULL, at(1), &due), POLL_CLOSE);
}

static struct lookup_answer answer(const char *id, enum state s, bool surely) {
    struct lookup_answer a = {.found = FOUND_YES, .n = 1};
    a.candidates[0] = (struct receipt){.state = s, .surely = surely};
    strcpy(a.candidates[0].provider_id, id);
    return a;
}

static void test_poll__only_its_own_end_counts(void **state) {
    (void)state;
    struct message m = sent(0);
    struct receipt r;
    struct change c = change_of(&m);
    struct lookup_answer own = answer("SM1", STATE_DELIVERED, false),
                         others = answer("SM2", STATE_DELIVERED, false),
                         named = answer("", STATE_UNDELIVERED, true), open = answer("SM1", STATE_SENT, true);
    assert_true(poll_answered(&m, &lane, &own, at(100), &r, &c));
    assert_int_equal(r.state, STATE_DELIVERED);
    assert_true(poll_answered(&m, &lane, &named, at(100), &r, &c));
    assert_string_equal(r.provider_id, "SM1");
    assert_int_equal(c.next.lookups, 0);
    assert_false(poll_answered(&m, &lane, &others, at(100), &r, &c));
    assert_int_equal(c.next.lookups, 1);
    assert_int_equal(c.next.due_at, at(300));
    c = change_of(&m);
    assert_false(poll_answered(&m, &lane, &open, at(100), &r, &c));
}

static void test_poll__late_questions_do_not_come_in_a_burst(void **state) {
    (void)state;
    struct message m = sent(0);
    struct receipt r;
    struct change c = change_of(&m);
    struct lookup_answer none = {.found = FOUND_CANNOT_TELL};
    assert_false(poll_answered(&m, &lane, &none, at(900), &r, &c));
    assert_int_equal(c.next.due_at, at(1000)); /* 300 s and 700 s are past: the next comes a gap later */
}

static void test_poll__a_plan_that_goes_on_before_the_next_question_is_not_held_up(void **state) {
    (void)state;
    int64_t due = 0;
    struct message m = sent(1);
    m.n_plan = 1;
    m.text[TEXT_CONTENT] =
        SV("{\"wait_s\":150,\"plan\":[{\"channel\":\"voice\",\"to\":\"+8613800138000\"}]}");
    assert_int_equal(poll_when(&m, &lane, at(120), &due), POLL_LATER);
    assert_int_equal(due, at(150));
    assert_int_equal(poll_when(&m, &lane, at(150), &due), POLL_LATER);
    assert_int_equal(due, at(300));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_poll__gaps_double_until_the_window_closes),
        cmocka_unit_test(test_poll__who_cannot_be_asked_is_not),
        cmocka_unit_test(test_poll__only_its_own_end_counts),
        cmocka_unit_test(test_poll__late_questions_do_not_come_in_a_burst),
        cmocka_unit_test(test_poll__a_plan_that_goes_on_before_the_next_question_is_not_held_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
