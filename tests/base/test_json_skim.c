#include "check.h"

#include "base/json_skim.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Skims for three members and compares with jansson, the judge. */
static void compare(const char *text, size_t n) {
    struct json_member m[] = {{.name = "sid"}, {.name = "status"}, {.name = "code"}};
    bool ok = json_skim(sv_make(text, n), m, 3);
    json_t *tree = json_loadb(text, n, 0, NULL);
    bool right = json_is_object(tree);
    if (right && !ok) {
        /* what jansson takes and the skim may refuse: nesting past its depth */
        size_t deep = 0, most = 0;
        for (size_t i = 0; i < n; i++) {
            deep += text[i] == '[' || text[i] == '{';
            most = deep > most ? deep : most;
            deep -= deep && (text[i] == ']' || text[i] == '}');
        }
        assert_true(most > JSON_SKIM_DEPTH_MAX);
    }
    for (size_t i = 0; right && ok && i < 3; i++) {
        const json_t *v = json_object_get(tree, m[i].name);
        assert_int_equal(m[i].kind == JSON_MISSING, v == NULL);
        if (m[i].kind == JSON_PLAIN_STRING) {
            assert_true(json_is_string(v));
            assert_true(sv_eq(m[i].text, sv_make(json_string_value(v), json_string_length(v))));
        } else if (m[i].kind == JSON_ESCAPED_STRING) {
            assert_true(json_is_string(v));
        } else if (m[i].kind == JSON_NUMERAL) {
            assert_true(json_is_number(v));
        } else if (m[i].kind == JSON_NESTED) {
            assert_true(json_is_object(v) || json_is_array(v));
        }
    }
    json_decref(tree);
}

static const char *const seeds[] = {
    "{}",
    "{\"sid\":\"SM1\",\"status\":\"queued\",\"code\":null}",
    " { \"sid\" : \"a\\u00e9\\n\" , \"x\" : [ 1, -2.5e+3, {\"sid\":\"inner\"} ], \"code\" : 21211 } ",
    "{\"sid\":\"first\",\"sid\":\"last\",\"status\":{\"deep\":[[[[]]]]},\"code\":\"0\"}",
    "{\"status\":\"\xe4\xb8\xad\xe6\x96\x87\",\"code\":1.5,\"t\":true,\"f\":false}",
    "[1,2]",
    "\"no object\"",
    "",
};

static void test_json_skim__reads_what_jansson_reads(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++)
        compare(seeds[i], strlen(seeds[i]));
}

/* Numbers jansson refuses (out of its range) are the one thing the skim takes and it does not; mutations here
 * stay short of them. */
static void test_json_skim__agrees_on_mutated_documents(void **state) {
    (void)state;
    static const char bytes[] = "{}[]\",:\\ue0123-+.tfn \n\x01\x80\xe4";
    uint64_t x = 88172645463325252u;
    for (int round = 0; round < 200000; round++) {
        char text[256];
        const char *seed = seeds[(size_t)round % 5];
        size_t n = strlen(seed);
        memcpy(text, seed, n);
        for (int k = 0; k < 3; k++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            if (n)
                text[x % n] = bytes[(x >> 20) % (sizeof bytes - 1)];
        }
        compare(text, n);
    }
}

static void test_json_skim__deep_nesting_is_refused(void **state) {
    (void)state;
    char text[10001];
    memset(text, '[', 10000);
    memcpy(text, "{\"a\":", 5);
    assert_false(json_skim(sv_make(text, 10000), NULL, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_skim__reads_what_jansson_reads),
        cmocka_unit_test(test_json_skim__agrees_on_mutated_documents),
        cmocka_unit_test(test_json_skim__deep_nesting_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
