/* model/price: money in micro-units, and tables by prefix and country. */
#include "model/price.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static int64_t parsed(const char *text) {
    int64_t micro = -1;
    return price_parse(sv_of(text), &micro, NULL) ? micro : -1;
}

static void test_price__money_is_whole_millionths_and_back(void **state) {
    (void)state;
    static const char *const good[] = {"0", "0.0075", "12.5", "1000000", "0.000001", "7"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct buf BUF_AUTO out = BUF_INIT(64);
        price_print(parsed(good[i]), &out);
        assert_true(sv_eq(buf_sv(&out), sv_of(good[i])));
    }
    static const char *const bad[] = {
        "", ".", "1.", ".5", "1,5", "-1", "0.0000001", "1e3", "1000001", "1.2.3", "99999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(parsed(bad[i]), -1);
}

static void test_price__the_longest_prefix_goes_before_the_country_and_that_before_all_else(void **state) {
    (void)state;
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 20);
    struct sv lines[] = {SV("* 1"), SV("CN 2"), SV("+86138 3"), SV("8613800 4"), SV("CN 5")};
    const struct price_table *t =
        price_table_make(&mem, lines, 5, SV("prefix,price\r\n+86138,9\r\nUS, 6 \n#,\n"), NULL);
    int64_t micro = 0;
    assert_non_null(t);
    static const struct {
        const char *to, *region;
        int64_t units;
    } cases[] = {{"+8613800138000", "CN", 4}, {"+8613810138000", "CN", 3}, {"+8613910138000", "CN", 5},
                 {"+14155550123", "US", 6},   {"+447700900000", "GB", 1},  {"li@example.com", "", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(price_find(t, sv_of(cases[i].to), sv_of(cases[i].region), &micro));
        assert_int_equal(micro, cases[i].units * PRICE_MICRO);
    }
    const struct price_table *none = price_table_make(&mem, lines + 2, 1, SV_NONE, NULL);
    assert_false(price_find(none, SV("+14155550123"), SV("US"), &micro));
}

static void test_price__faults_of_a_file_have_their_line(void **state) {
    (void)state;
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 20);
    struct err e = ERR_INIT;
    assert_null(price_table_make(&mem, NULL, 0, SV("a,b\n+86,1\nnowhere,1\n"), &e));
    assert_int_equal(e.line, 3);
    assert_null(price_table_make(&mem, NULL, 0, SV("CN,1\nUS,dear"), &e));
    assert_int_equal(e.line, 2);
    assert_false(price_check_line(SV("CN"), NULL));
    assert_false(price_check_line(SV("+8613800138000000 1"), NULL));
}

/* Against a search that looks at every row; and how long it takes with ten thousand. */
static void test_price__a_table_of_ten_thousand_says_what_a_plain_search_says(void **state) {
    (void)state;
    enum { N = 10000, ASKED = 2000 };
    static char csv[N * 24];
    static uint64_t prefixes[N];
    size_t at = 0;
    uint64_t x = 1;
    for (int i = 0; i < N; i++) {
        x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
        prefixes[i] = 1 + (x >> 33) % (i % 3 == 0 ? 999 : i % 3 == 1 ? 99999 : 9999999);
        at +=
            (size_t)snprintf(csv + at, sizeof csv - at, "%llu,%d\n", (unsigned long long)prefixes[i], i + 1);
    }
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 20);
    const struct price_table *t = price_table_make(&mem, NULL, 0, sv_make(csv, at), NULL);
    assert_non_null(t);
    struct timespec a, b;
    for (int k = 0; k < ASKED; k++) {
        char to[24];
        x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
        snprintf(to, sizeof to, "+%llu",
                 (unsigned long long)(UINT64_C(100000000000) + (x >> 20) % UINT64_C(899999999999)));
        int64_t want = -1, micro = -1;
        size_t longest = 0;
        for (int i = 0; i < N; i++) {
            char text[24];
            size_t n = (size_t)snprintf(text, sizeof text, "%llu", (unsigned long long)prefixes[i]);
            if (strncmp(to + 1, text, n) == 0 && n >= longest) {
                longest = n;
                want = (int64_t)(i + 1) * PRICE_MICRO;
            }
        }
        bool found = price_find(t, sv_of(to), SV_NONE, &micro);
        assert_int_equal(found, want >= 0);
        assert_int_equal(micro, want);
    }
    /* Of calls together: to read the clock takes longer than one of them. */
    int64_t sum = 0, micro = 0;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    for (int k = 0; k < ASKED; k++) {
        char to[16] = "+100000000000";
        to[1 + k % 9] = (char)('1' + k % 7);
        to[4] = (char)('0' + k % 10);
        sum += price_find(t, sv_of(to), SV_NONE, &micro) ? micro : 0;
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
    int64_t spent_ns = (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec;
    print_message("# %lld ns for each of %d prefixes (%lld)\n", (long long)(spent_ns / ASKED), N,
                  (long long)sum);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_price__money_is_whole_millionths_and_back),
        cmocka_unit_test(test_price__the_longest_prefix_goes_before_the_country_and_that_before_all_else),
        cmocka_unit_test(test_price__faults_of_a_file_have_their_line),
        cmocka_unit_test(test_price__a_table_of_ten_thousand_says_what_a_plain_search_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
