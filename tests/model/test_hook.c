#include "../base/check.h"

#include "model/hook.h"

#include <string.h>

static uint64_t bit(unsigned type) {
    return UINT64_C(1) << type;
}

static void test_hook_types__a_type_follows_the_state_of_its_number(void **state) {
    (void)state;
    for (int s = STATE_ACCEPTED; s < STATE_COUNT; s++) {
        char name[64];
        snprintf(name, sizeof name, "message.%s", state_name((enum state)s));
        assert_string_equal(hook_type_name((unsigned)s), name);
        assert_non_null(hook_type_meaning((unsigned)s));
    }
    assert_null(hook_type_name(STATE_NONE));
    assert_null(hook_type_name(HOOK_TYPES_END));
    assert_null(hook_type_name(1000));
}

static void test_hook_types__a_pattern_is_a_name_a_group_or_all(void **state) {
    (void)state;
    uint64_t all = hook_types_of(SV("*")), messages = hook_types_of(SV("message.*"));
    assert_true(hook_types_of(SV("message.sent")) == bit(STATE_SENT));
    assert_true(hook_types_of(SV("consent.*")) == (bit(HOOK_OPTED_OUT) | bit(HOOK_OPTED_IN)));
    assert_true((messages & all) == messages && messages != all);
    assert_true(messages >> HOOK_OPTED_OUT == 0);
    static const struct sv none[] = {{"", 0},
                                     {".*", 2},
                                     {"message", 7},
                                     {"message.", 8},
                                     {"mess*", 5},
                                     {"message.s*", 10},
                                     {"**", 2},
                                     {"Message.sent", 12},
                                     {"message.sent ", 13},
                                     {"message.sent.*", 14}};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_true(hook_types_of(none[i]) == 0);
}

static void test_hook__topics_are_whole_lines_and_do_not_hold_back_notices(void **state) {
    (void)state;
    struct webhook h = {.type_bits = hook_types_of(SV("*")), .topics = SV("news\nold news")};
    assert_true(hook_wants(&h, STATE_SENT, SV("news")));
    assert_true(hook_wants(&h, STATE_SENT, SV("old news")));
    assert_false(hook_wants(&h, STATE_SENT, SV("new")));
    assert_false(hook_wants(&h, STATE_SENT, SV("old")));
    assert_false(hook_wants(&h, STATE_SENT, SV_NONE));
    assert_true(hook_wants(&h, HOOK_DISABLED, SV_NONE));
    h.topics = SV("");
    assert_true(hook_wants(&h, STATE_SENT, SV_NONE));
    h.type_bits = bit(STATE_FAILED);
    assert_false(hook_wants(&h, STATE_SENT, SV("news")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hook_types__a_type_follows_the_state_of_its_number),
        cmocka_unit_test(test_hook_types__a_pattern_is_a_name_a_group_or_all),
        cmocka_unit_test(test_hook__topics_are_whole_lines_and_do_not_hold_back_notices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
