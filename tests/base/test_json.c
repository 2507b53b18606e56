#include "check.h"

#include "base/json.h"

#include <jansson.h>

static void test_json__strings_are_escaped_as_the_standard_says(void **state) {
    (void)state;
    static const struct {
        struct sv text;
        const char *json;
    } rows[] = {
        {{"", 0}, "\"\""},
        {{"plain", 5}, "\"plain\""},
        {{"a\"b\\c/d", 7}, "\"a\\\"b\\\\c/d\""},
        {{"\n\r\t\b\x1f\x7f", 6}, "\"\\n\\r\\t\\u0008\\u001f\\u007f\""},
        {{"a\0b", 3}, "\"a\\u0000b\""},
        {{"世界👋", 10}, "\"世界👋\""},
        {{"ok\xff", 3}, "\"ok\\ufffd\""},
        {{"\xe4\xb8", 2}, "\"\\ufffd\\ufffd\""},
        {{"\xed\xa0\x80z", 4}, "\"\\ufffd\\ufffd\\ufffdz\""},
        {{"\xff世\"", 5}, "\"\\ufffd世\\\"\""}, /* good bytes behind a bad one stay */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf BUF_AUTO b = BUF_INIT(200);
        json_add_string(&b, rows[i].text);
        assert_sv(buf_sv(&b), rows[i].json);
    }
}

static void test_json__any_bytes_make_a_string_that_others_can_read(void **state) {
    (void)state;
    uint64_t s = 12345;
    for (int round = 0; round < 20000; round++) {
        char bytes[24];
        size_t n = (size_t)(round % 24);
        for (size_t i = 0; i < n; i++) {
            s = s * 6364136223846793005u + 1442695040888963407u;
            /* Half of the bytes from the lead and continuation range, to come near to valid UTF-8. */
            bytes[i] = (char)(s >> 63 ? s >> 40 : 0x80 | (s >> 40));
        }
        struct buf BUF_AUTO b = BUF_INIT(1000);
        json_add_string(&b, sv_make(bytes, n));
        json_t *read = json_loadb(b.p, b.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(read);
        if (sv_is_utf8(sv_make(bytes, n))) {
            assert_int_equal(json_string_length(read), n);
            assert_memory_equal(json_string_value(read), bytes, n);
        }
        json_decref(read);
    }
}

static void test_json__pairs_make_an_object(void **state) {
    (void)state;
    struct buf BUF_AUTO b = BUF_INIT(1000);
    buf_addc(&b, '{');
    json_pair(&b, "a", SV("x"));
    json_pair(&b, "empty", SV_NONE);
    json_pair_or_null(&b, "none", SV_NONE);
    json_pair_or_null(&b, "some", SV("{"));
    json_pair_i64(&b, "n", INT64_MIN);
    json_pair_bool(&b, "yes", true);
    json_pair_bool(&b, "no", false);
    json_pair_time(&b, "never", 0);
    json_pair_time(&b, "then", 1692853305678000);
    json_key(&b, "list");
    buf_adds(&b, "[{");
    json_pair(&b, "b", SV("y"));
    buf_adds(&b, "}]}");
    assert_sv(buf_sv(&b),
              "{\"a\":\"x\",\"empty\":\"\",\"none\":null,\"some\":\"{\",\"n\":-9223372036854775808,"
              "\"yes\":true,\"no\":false,\"never\":null,\"then\":\"2023-08-24T05:01:45.678Z\","
              "\"list\":[{\"b\":\"y\"}]}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json__strings_are_escaped_as_the_standard_says),
        cmocka_unit_test(test_json__any_bytes_make_a_string_that_others_can_read),
        cmocka_unit_test(test_json__pairs_make_an_object),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
