/* A plan of channels goes on where it should, and nowhere else. */
#include "../base/check.h"
#include "base/clock.h"
#include "dispatch/plan.h"
#include "model/content.h"
#include "receipt/join.h"

#define NOW (INT64_C(1767225600) * US_PER_S)

/* sms, then voice, then an e-mail; sms waits 60 s for its receipt. */
static struct message *message_in(enum state s, unsigned step) {
    const struct sv text[TEXT_COUNT] = {
        [TEXT_TO] = SV("+8613800138000"),
        [TEXT_BODY] = SV("1234"),
        [TEXT_CONTENT] =
            SV("{\"wait_s\":60,\"plan\":[{\"channel\":\"voice\",\"to\":\"+8613800138000\",\"body\":"
               "\"one two\"},{\"channel\":\"email\",\"to\":\"a@b.c\",\"title\":\"Hi\",\"html\":\"<p>\"}]}"),
    };
    struct message *m = message_new(text);
    ASSERT(m);
    content_note_plan(m);
    m->id = 1;
    m->expires_at = NOW + 3600 * US_PER_S;
    m->head.state = s;
    m->head.step = (uint8_t)step;
    m->head.attempts = 2;
    m->head.events = 3;
    return m;
}

static void test_content__each_step_has_its_own_parts(void **state) {
    (void)state;
    struct arena ARENA_AUTO mem;
    struct content_step s;
    struct content_code code;
    arena_init(&mem, 1 << 16);
    struct message *m = message_in(STATE_QUEUED, 0);
    assert_int_equal(m->n_plan, 2);
    content_read(m, 0, "x", "y", &mem, &s, &code);
    assert_int_equal(s.channel, CHANNEL_SMS);
    assert_int_equal(s.wait_s, 60);
    assert_true(sv_eq(s.body, SV("1234")) && !s.title.n);
    content_read(m, 1, "x", "y", &mem, &s, &code);
    assert_int_equal(s.channel, CHANNEL_VOICE);
    assert_true(sv_eq(s.body, SV("one two")) && s.wait_s == 0);
    content_read(m, 2, "x", "y", &mem, &s, &code);
    assert_int_equal(s.channel, CHANNEL_EMAIL);
    assert_true(sv_eq(s.to, SV("a@b.c")) && sv_eq(s.title, SV("Hi")) && sv_eq(s.html, SV("<p>")));
    message_free(m);
}

static void test_failure__leads_to_the_next_channel_until_there_is_none(void **state) {
    (void)state;
    for (unsigned step = 0; step <= 2; step++) {
        struct message *m = message_in(STATE_SENDING, step);
        struct change c = change_of(m);
        change_move(&c, STATE_FAILED, REASON_UNREACHABLE, NOW);
        plan_apply(m, NOW, &c);
        assert_int_equal(c.next.state, step < 2 ? STATE_QUEUED : STATE_FAILED);
        assert_int_equal(c.next.step, step < 2 ? step + 1 : 2);
        assert_int_equal(c.next.step_from, step < 2 ? 2 : 0);
        assert_int_equal(c.next.due_at, step < 2 ? NOW : 0);
        assert_int_equal(c.next.done_at, step < 2 ? 0 : NOW);
        assert_int_equal(c.n_events, 1);
        assert_int_equal(c.events[0].number, 4);
        assert_int_equal(c.next.events, 4);
        assert_int_equal(c.events[0].state, c.next.state);
        assert_int_equal(c.events[0].reason, REASON_UNREACHABLE);
        message_free(m);
    }
}

static void test_failure__of_one_who_wants_nothing_leads_nowhere(void **state) {
    (void)state;
    static const enum reason ends[] = {REASON_OPTED_OUT, REASON_BLOCKED, REASON_SCREENED,
                                       REASON_OUTCOME_UNKNOWN};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct message *m = message_in(STATE_SENDING, 0);
        struct change c = change_of(m);
        change_move(&c, STATE_FAILED, ends[i], NOW);
        plan_apply(m, NOW, &c);
        assert_int_equal(c.next.state, STATE_FAILED);
        message_free(m);
    }
    struct message *m = message_in(STATE_SENDING, 0); /* and none after the validity */
    struct change c = change_of(m);
    change_move(&c, STATE_FAILED, REASON_UNREACHABLE, m->expires_at);
    plan_apply(m, m->expires_at, &c);
    assert_int_equal(c.next.state, STATE_FAILED);
    message_free(m);
}

static void test_wait__sent_is_due_when_it_is_over_and_then_goes_on(void **state) {
    (void)state;
    struct message *m = message_in(STATE_SENDING, 0);
    struct change c = change_of(m);
    change_move(&c, STATE_SENT, REASON_NONE, NOW);
    c.next.due_at = NOW + 86400 * US_PER_S;
    plan_apply(m, NOW, &c);
    assert_int_equal(c.next.due_at, NOW + 60 * US_PER_S);
    m->head = c.next;
    struct change early = change_of(m), late = change_of(m);
    assert_false(plan_waited(m, NOW + 59 * US_PER_S, &early));
    assert_true(plan_waited(m, NOW + 60 * US_PER_S, &late));
    assert_int_equal(late.next.state, STATE_QUEUED);
    assert_int_equal(late.next.reason, REASON_NO_RECEIPT);
    assert_int_equal(late.next.step, 1);
    message_free(m);
}

static void test_receipt__of_a_channel_left_behind_counts_only_if_it_delivered(void **state) {
    (void)state;
    static const struct {
        enum state said, then;
    } cases[] = {
        {STATE_SENT, STATE_QUEUED}, {STATE_UNDELIVERED, STATE_QUEUED}, {STATE_DELIVERED, STATE_DELIVERED}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct message *m = message_in(STATE_QUEUED, 1);
        m->head.step_from = 2;
        struct change c = change_of(m);
        const struct receipt r = {.state = cases[i].said, .provider_id = "SM1"};
        const struct attempt latest = {.number = 2, .ended_at = NOW};
        assert_int_equal(join_receipt(m, &r, 2, &latest, US_PER_S, NOW, &c), JOINED_CHANGE);
        assert_int_equal(c.next.state, cases[i].then);
        message_free(m);
    }
}

static void test_skip__goes_on_without_an_attempt(void **state) {
    (void)state;
    struct message *m = message_in(STATE_QUEUED, 1);
    struct change c = change_of(m);
    assert_true(plan_has_next(m, &m->head));
    plan_skip(m, REASON_NO_LANE, NOW, &c);
    assert_int_equal(c.next.state, STATE_QUEUED);
    assert_int_equal(c.next.step, 2);
    assert_false(plan_has_next(m, &c.next));
    assert_true(c.events[0].note);
    assert_int_equal(c.events[0].reason, REASON_NO_LANE);
    message_free(m);
}

static void test_pass__by_an_address_that_is_no_way_while_another_channel_is_to_come(void **state) {
    (void)state;
    const struct {
        enum reason why;
        unsigned step;
        bool passes;
    } cases[] = {
        {REASON_KNOWN_INVALID, 0, true}, {REASON_KNOWN_INVALID, 1, true}, {REASON_KNOWN_INVALID, 2, false},
        {REASON_NO_CONSENT, 0, true},    {REASON_NO_CONSENT, 2, false},   {REASON_OPTED_OUT, 0, false},
        {REASON_BLOCKED, 0, false},      {REASON_DUPLICATE, 0, false},    {REASON_FREQUENCY_CAP, 0, false},
        {REASON_CODE_OVER, 0, false},    {REASON_CANCELED, 0, false},     {REASON_NONE, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct message *m = message_in(STATE_QUEUED, cases[i].step);
        assert_int_equal(plan_passes_by(m, cases[i].why), cases[i].passes);
        message_free(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content__each_step_has_its_own_parts),
        cmocka_unit_test(test_failure__leads_to_the_next_channel_until_there_is_none),
        cmocka_unit_test(test_failure__of_one_who_wants_nothing_leads_nowhere),
        cmocka_unit_test(test_wait__sent_is_due_when_it_is_over_and_then_goes_on),
        cmocka_unit_test(test_receipt__of_a_channel_left_behind_counts_only_if_it_delivered),
        cmocka_unit_test(test_skip__goes_on_without_an_attempt),
        cmocka_unit_test(test_pass__by_an_address_that_is_no_way_while_another_channel_is_to_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
