/* The tables of model/state and model/verdict, and model/http's small ones. */
#include "../base/check.h"

#include "model/http.h"
#include "model/verdict.h"

/* The picture of the design, edge by edge: `sent` and what follows it only ever go forward. */
static void test_state__terminal_states_stay(void **state) {
    (void)state;
    static const enum state terminal[] = {STATE_DELIVERED, STATE_UNDELIVERED, STATE_FAILED,  STATE_EXPIRED,
                                          STATE_CANCELED,  STATE_SUPPRESSED,  STATE_RECEIVED};
    size_t n = 0;
    for (int s = STATE_NONE; s < STATE_COUNT; s++)
        n += state_is_terminal((enum state)s);
    assert_int_equal(n, sizeof terminal / sizeof terminal[0]);
    for (size_t i = 0; i < n; i++) {
        assert_true(state_is_terminal(terminal[i]));
        for (int to = STATE_NONE; to < STATE_COUNT; to++)
            assert_false(state_may_move(terminal[i], (enum state)to));
    }
}

static void test_state__no_move_is_no_move_and_nothing_goes_back_to_none(void **state) {
    (void)state;
    for (int s = STATE_NONE; s < STATE_COUNT; s++) {
        assert_false(state_may_move((enum state)s, (enum state)s));
        assert_false(state_may_move((enum state)s, STATE_NONE));
    }
}

static void test_state__each_is_reached_and_each_can_end(void **state) {
    (void)state;
    bool reached[STATE_COUNT] = {[STATE_NONE] = true}, ends[STATE_COUNT] = {false};
    for (int round = 0; round < STATE_COUNT; round++)
        for (int from = 0; from < STATE_COUNT; from++)
            for (int to = 0; to < STATE_COUNT; to++) {
                if (!state_may_move((enum state)from, (enum state)to))
                    continue;
                reached[to] = reached[to] || reached[from];
                ends[from] = ends[from] || ends[to] || state_is_terminal((enum state)to);
            }
    for (int s = 0; s < STATE_COUNT; s++) {
        assert_true(reached[s]);
        assert_true(ends[s] || state_is_terminal((enum state)s));
    }
}

static void test_state__what_was_handed_over_is_never_canceled_or_suppressed(void **state) {
    (void)state;
    static const enum state out[] = {STATE_SENDING, STATE_SENT, STATE_UNKNOWN};
    for (size_t i = 0; i < sizeof out / sizeof out[0]; i++) {
        assert_false(state_may_move(out[i], STATE_CANCELED));
        assert_false(state_may_move(out[i], STATE_SUPPRESSED));
        assert_false(state_may_move(out[i], STATE_ACCEPTED));
        assert_false(state_may_move(out[i], STATE_SCHEDULED));
    }
    assert_false(state_may_move(STATE_UNKNOWN, STATE_SENDING)); /* only by way of queued, once it was asked */
}

static void test_state__names_are_unique_and_read_back(void **state) {
    (void)state;
    for (int s = STATE_ACCEPTED; s < STATE_COUNT; s++) {
        enum state back = STATE_NONE;
        assert_true(state_parse(sv_of(state_name((enum state)s)), &back));
        assert_int_equal(back, s);
        assert_true(state_meaning((enum state)s)[0]);
    }
    enum state untouched = STATE_SENT;
    assert_false(state_parse(SV("none"), &untouched));
    assert_false(state_parse(SV("Sent"), &untouched));
    assert_false(state_parse(SV_NONE, &untouched));
    assert_int_equal(untouched, STATE_SENT);
    for (int r = REASON_NONE; r < REASON_COUNT; r++) {
        assert_non_null(reason_name((enum reason)r));
        assert_true(reason_meaning((enum reason)r)[0]);
        for (int other = REASON_NONE; other < r; other++)
            assert_string_not_equal(reason_name((enum reason)r), reason_name((enum reason)other));
    }
    for (int p = PRIORITY_OTP; p < PRIORITY_COUNT; p++) {
        enum priority back = PRIORITY_COUNT;
        assert_true(priority_parse(sv_of(priority_name((enum priority)p)), &back));
        assert_int_equal(back, p);
    }
    for (int d = DELIVERY_AT_MOST_ONCE; d <= DELIVERY_AT_LEAST_ONCE; d++) {
        enum delivery back = DELIVERY_AT_MOST_ONCE;
        assert_true(delivery_parse(sv_of(delivery_name((enum delivery)d)), &back));
        assert_int_equal(back, d);
    }
    assert_string_equal(fate_name(FATE_UNKNOWN), "unknown");
    assert_string_equal(lane_hint_name(LANE_BROKEN), "broken");
}

/* They are stored: a number that changes its meaning turns old rows into lies. */
static void test_state__stored_numbers_stay(void **state) {
    (void)state;
    static const char *const right[] = {"none",     "accepted",   "scheduled",   "queued",  "sending",
                                        "sent",     "delivered",  "undelivered", "failed",  "expired",
                                        "canceled", "suppressed", "unknown",     "received"};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        assert_string_equal(state_name((enum state)i), right[i]);
    assert_string_equal(reason_name((enum reason)1), "invalid_number");
    assert_string_equal(reason_name((enum reason)10), "outcome_unknown");
    assert_string_equal(reason_name((enum reason)20), "request_rejected");
    assert_string_equal(reason_name((enum reason)23), "reconciling");
    assert_string_equal(reason_name((enum reason)25), "other_provider_id");
    assert_string_equal(reason_name((enum reason)26), "no_template_code");
}

static void test_http__methods_and_headers(void **state) {
    (void)state;
    for (int m = HTTP_GET; m < HTTP_OTHER; m++)
        assert_int_equal(http_method_of(sv_of(http_method_name((enum http_method)m))), m);
    assert_int_equal(http_method_of(SV("get")), HTTP_OTHER);
    struct http_request rq = {0};
    for (int i = 0; i < HTTP_HEADERS_MAX; i++)
        assert_true(http_add_header(&rq, SV("X-A"), i ? SV("later") : SV("first")));
    assert_false(http_add_header(&rq, SV("X-A"), SV("too many")));
    assert_sv(http_find_header(rq.headers, rq.n_headers, SV("x-a")), "first");
    assert_null(http_find_header(rq.headers, rq.n_headers, SV("x-b")).p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state__terminal_states_stay),
        cmocka_unit_test(test_state__no_move_is_no_move_and_nothing_goes_back_to_none),
        cmocka_unit_test(test_state__each_is_reached_and_each_can_end),
        cmocka_unit_test(test_state__what_was_handed_over_is_never_canceled_or_suppressed),
        cmocka_unit_test(test_state__names_are_unique_and_read_back),
        cmocka_unit_test(test_state__stored_numbers_stay),
        cmocka_unit_test(test_http__methods_and_headers),
    };
    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
