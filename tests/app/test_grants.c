/* grants: when a token is fetched, by whom, and what serves meanwhile. */
#include "app/grants.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const int64_t minute = 60 * US_PER_S;

static const struct adapter adapter = {.name = "test"};

struct setup {
    struct grants grants;
    struct lane_config lane;
};

static struct grant_entry *give(struct setup *s, int64_t now, int64_t life, const char *text) {
    struct grant_entry *e = grants_of(&s->grants, &s->lane, now);
    e->fetching = true;
    snprintf(e->step.text, sizeof e->step.text, "%s", text);
    e->step.expires_at = now + life;
    grant_take(e, now);
    return e;
}

static void begin(struct setup *s) {
    *s = (struct setup){.lane = {.adapter = &adapter}};
    grants_init(&s->grants);
}

static void test_token__serves_until_a_minute_before_its_end(void **state) {
    (void)state;
    struct setup s;
    begin(&s);
    give(&s, 0, 60 * minute, "one");
    assert_true(grants_of(&s.grants, &s.lane, 59 * minute)->ready);
    assert_false(grants_of(&s.grants, &s.lane, 59 * minute + 1)->ready);
    grants_done(&s.grants);
}

static void test_next_token__is_due_for_one_call_some_minutes_ahead(void **state) {
    (void)state;
    struct setup s;
    begin(&s);
    struct grant_entry *e = give(&s, 0, 60 * minute, "one");
    assert_false(grant_is_due(e, 55 * minute - 1));
    assert_true(grant_is_due(e, 55 * minute));
    e->fetching = true; /* by the call that asked */
    assert_false(grant_is_due(e, 55 * minute + 1));
    assert_string_equal(grants_of(&s.grants, &s.lane, 56 * minute)->held.text, "one");
    give(&s, 56 * minute, 60 * minute, "two");
    assert_string_equal(e->held.text, "two");
    assert_false(grant_is_due(e, 57 * minute));
    grants_done(&s.grants);
}

static void test_short_life__is_renewed_in_its_last_quarter(void **state) {
    (void)state;
    struct setup s;
    begin(&s);
    struct grant_entry *e = give(&s, 0, 5 * minute, "one");
    assert_false(grant_is_due(e, 3 * minute - 1));
    assert_true(grant_is_due(e, 3 * minute));
    grants_done(&s.grants);
}

static void test_renewal_that_fails__leaves_the_token_and_is_tried_again_later(void **state) {
    (void)state;
    struct setup s;
    begin(&s);
    struct grant_entry *e = give(&s, 0, 60 * minute, "one");
    e->fetching = true;
    assert_true(grant_failed(e, 56 * minute));
    assert_string_equal(e->held.text, "one");
    assert_false(grant_is_due(e, 56 * minute + minute / 4));
    assert_true(grant_is_due(e, 57 * minute));
    e->fetching = true;
    assert_false(grants_of(&s.grants, &s.lane, 60 * minute)->ready);
    assert_false(grant_failed(e, 60 * minute)); /* nothing is left */
    grants_done(&s.grants);
}

static bool mint(const struct lane_config *lane, int64_t now, struct grant *out, struct err *e) {
    (void)lane;
    (void)e;
    *out = (struct grant){.expires_at = now + 60 * minute};
    return true;
}

static void test_lanes__of_other_credentials_have_another_token(void **state) {
    (void)state;
    static const struct adapter_field field = {"secret", "Secret", "", .secret = true};
    static const struct adapter with_field = {.name = "test", .fields = &field, .n_fields = 1, .mint = mint};
    struct err e = ERR_INIT;
    struct setup s;
    begin(&s);
    s.lane = (struct lane_config){.adapter = &with_field, .fields = {SV("first")}};
    assert_true(lane_prepare(&s.lane, &e));
    give(&s, 0, 60 * minute, "one");
    s.lane.fields[0] = SV("second");
    assert_true(lane_prepare(&s.lane, &e));
    assert_false(grants_of(&s.grants, &s.lane, 1)->ready);
    s.lane.fields[0] = SV("first");
    assert_true(lane_prepare(&s.lane, &e));
    assert_true(grants_of(&s.grants, &s.lane, 1)->ready);
    grants_done(&s.grants);
}

static void test_refused_token__is_replaced_once_by_all_the_calls_that_carried_it(void **state) {
    (void)state;
    struct setup s;
    begin(&s);
    struct grant_entry *e = give(&s, 0, 60 * minute, "one");
    uint32_t first = e->number;
    assert_true(grant_refused(e, first, 1));
    assert_false(e->ready);
    give(&s, 2, 60 * minute, "two");
    assert_true(grant_refused(e, first, 3)); /* the answer to another call with the first one */
    assert_true(e->ready);
    assert_string_equal(e->held.text, "two");
    grants_done(&s.grants);
}

static void test_refused_token__stays_while_the_provider_takes_no_newer_one(void **state) {
    (void)state;
    struct setup s;
    begin(&s);
    struct grant_entry *e = give(&s, 0, 60 * minute, "one");
    e->held.renewable_at = 20 * minute;
    assert_false(grant_refused(e, e->number, 20 * minute - 1));
    assert_true(e->ready);
    assert_true(grant_refused(e, e->number, 20 * minute));
    assert_false(e->ready);
    grants_done(&s.grants);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token__serves_until_a_minute_before_its_end),
        cmocka_unit_test(test_next_token__is_due_for_one_call_some_minutes_ahead),
        cmocka_unit_test(test_short_life__is_renewed_in_its_last_quarter),
        cmocka_unit_test(test_renewal_that_fails__leaves_the_token_and_is_tried_again_later),
        cmocka_unit_test(test_refused_token__is_replaced_once_by_all_the_calls_that_carried_it),
        cmocka_unit_test(test_refused_token__stays_while_the_provider_takes_no_newer_one),
        cmocka_unit_test(test_lanes__of_other_credentials_have_another_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
