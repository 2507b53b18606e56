#include "../base/check.h"

#include "model/sender_kind.h"

static void test_sender_kind__is_told_by_how_it_is_written(void **state) {
    static const struct {
        const char *sender;
        enum sender_kind kind;
    } cases[] = {
        {"Shop", SENDER_NAME},
        {"4ever", SENDER_NAME},
        {"+49 30", SENDER_NAME},
        {"", SENDER_NAME},
        {"+", SENDER_NAME},
        {"12345", SENDER_SHORT},
        {"12345678", SENDER_SHORT},
        {"123456789", SENDER_NUMBER},
        {"+15005550006", SENDER_NUMBER},
        {"15005550006", SENDER_NUMBER},
        {"+18005550100", SENDER_TOLL_FREE},
        {"18885550100", SENDER_TOLL_FREE},
        {"+448005550100", SENDER_NUMBER},
        {"+8613800138000", SENDER_NUMBER},
        {"+18105550100", SENDER_NUMBER},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(sender_kind_name(sender_kind_of(sv_of(cases[i].sender))),
                            sender_kind_name(cases[i].kind));
}

static void test_sender_kind__fits_where_networks_take_it(void **state) {
    static const struct {
        const char *sender, *region;
        bool fits;
    } cases[] = {
        {"Shop", "GB", true},          {"Shop", "US", false},
        {"Shop", "BR", false},         {"Shop", "", true},
        {"+15005550006", "US", true},  {"+447400123456", "US", false},
        {"+447400123456", "GB", true}, {"+15005550006", "GB", true},
        {"+447400123456", "BR", true}, {"+18005550100", "US", true},
        {"+18005550100", "CA", true},  {"+18005550100", "GB", false},
        {"12345", "US", false},        {"12345", "GB", false},
        {"15005550006", "CA", true},   {"447400123456", "CA", false},
        {"Shop", "ZZ", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(sender_kind_fits(sv_of(cases[i].sender), sv_of(cases[i].region)), cases[i].fits);
}

static void test_sender_countries__stand_in_order_and_take_something(void **state) {
    (void)state;
    assert_true(sender_countries_n > 20);
    for (size_t i = 0; i < sender_countries_n; i++) {
        assert_true(i == 0 ||
                    sv_cmp(sv_of(sender_countries[i - 1].region), sv_of(sender_countries[i].region)) < 0);
        assert_true(sender_countries[i].takes && !(sender_countries[i].takes & SENDER_TAKES_NAME));
        assert_int_equal(sender_countries[i].calling[0], '+');
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sender_kind__is_told_by_how_it_is_written),
        cmocka_unit_test(test_sender_kind__fits_where_networks_take_it),
        cmocka_unit_test(test_sender_countries__stand_in_order_and_take_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
