/* By which rule segments are counted, by the lanes there are and the number. */
#include "../base/check.h"
#include "base/clock.h"
#include "ingest/admit.h"
#include "ingest/counting.h"
#include "provider/adapter.h"

#include <string.h>

static const char hundred[] = "0123456789012345678901234567890123456789012345678901234567890123456789"
                              "012345678901234567890123456789";

static struct settings *with_lanes(const char *a, const char *b) {
    const char *names[] = {a, b};
    struct settings *s = calloc(1, sizeof *s);
    ASSERT(s);
    for (size_t i = 0; i < 2; i++)
        if (names[i]) {
            s->lanes[s->n_lanes].adapter = adapter_find(sv_of(names[i]));
            ASSERT(s->lanes[s->n_lanes].adapter);
            s->n_lanes++;
        }
    s->defaults.validity_s = 3600;
    s->limits.body_chars_max = 1600;
    return s;
}

static void test_counting__chinas_rule_holds_where_all_lanes_and_the_number_are_chinese(void **state) {
    (void)state;
    static const struct {
        const char *a, *b, *to;
        const char *rule;
    } rows[] = {
        {NULL, NULL, "+8613800138000", "gsm"},
        {"twilio", NULL, "+8613800138000", "gsm"},
        {"aliyun", NULL, "+8613800138000", "china"},
        {"tencent", NULL, "+8613800138000", "china"},
        {"aliyun", "tencent", "+8613800138000", "china"},
        {"aliyun", "twilio", "+8613800138000", "gsm"},
        {"aliyun", NULL, "+14155550123", "gsm"},
        {"aliyun", NULL, "+886912345678", "gsm"},
        {"aliyun", NULL, "+85251234567", "gsm"},
        {"smtp", NULL, "+8613800138000", "gsm"},
        {"smtp", "aliyun", "+8613800138000", "china"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct settings *s = with_lanes(rows[i].a, rows[i].b);
        assert_string_equal(counting_rule_name(counting_rule(s, sv_of(rows[i].to))), rows[i].rule);
        free(s);
    }
}

static void test_counting__a_message_is_counted_by_its_rule(void **state) {
    (void)state;
    static const struct {
        const char *lane, *to;
        int segments, encoding;
    } rows[] = {{"aliyun", "+8613800138000", 2, ENCODING_UCS2},
                {"aliyun", "+14155550123", 1, ENCODING_GSM7},
                {"twilio", "+8613800138000", 1, ENCODING_GSM7}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct settings *s = with_lanes(rows[i].lane, NULL);
        struct err e = ERR_INIT;
        struct texts *t = texts_load(s, &e);
        struct admitter *a = admitter_new(NULL, NULL, &e);
        struct submission in = {.to = sv_of(rows[i].to), .body = sv_of(hundred)};
        struct admitted out;
        assert_true(t && a && admit(a, s, t, &in, INT64_C(1767225600) * US_PER_S, &out, &e));
        assert_int_equal(out.message->segments, rows[i].segments);
        assert_int_equal(out.message->encoding, rows[i].encoding);
        message_free(out.message);
        admitter_free(a);
        texts_free(t);
        free(s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counting__chinas_rule_holds_where_all_lanes_and_the_number_are_chinese),
        cmocka_unit_test(test_counting__a_message_is_counted_by_its_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
