/* What a case file cannot say of Aliyun's adapter: the order of its table, what an OutId of a batch can be
 * asked, that the largest batch fits, which settings are refused, and what a call costs. */
#include "../base/check.h"

#include "base/clock.h"
#include "provider/aliyun.h"
#include "provider/aliyun_errors.h"

#include <string.h>
#include <time.h>

enum { OUT_ID_BYTES_MAX = 255, SENDER_ARENA_BYTES = 1024 * 1024, LONG_BYTES = 1500 };
#define NOW INT64_C(1767323045000000)

static struct lane_config make_lane(void) {
    struct lane_config lane = {.name = "test", .adapter = &aliyun_adapter};
    lane.fields[ALIYUN_KEY_ID] = SV("LTAI5tSimulatorKey01");
    lane.fields[ALIYUN_KEY_SECRET] = SV("simulated-secret-0123456789abc");
    lane.fields[ALIYUN_SIGN_NAME] = SV("阿里云");
    lane.fields[ALIYUN_TEMPLATE_CODE] = SV("SMS_100000001");
    lane.fields[ALIYUN_TEMPLATE_PARAM] = SV("content");
    return lane;
}

static void test_errors__are_in_order_and_found_by_name_or_beginning(void **state) {
    (void)state;
    struct adapter_code row, before = {{0}};
    size_t n = 0;
    for (; aliyun_code(n, &row); n++) {
        struct sv code = sv_of(row.code);
        if (sv_ends(code, SV("*")))
            continue;
        assert_true(sv_cmp(sv_of(before.code), code) < 0);
        assert_string_equal(aliyun_error_find(code)->code, row.code);
        before = row;
    }
    assert_true(n > 60);
    assert_string_equal(aliyun_error_find(SV("isv.SMS_SIGN_OF_THE_FUTURE"))->code, "isv.SMS_SIGN*");
    assert_string_equal(aliyun_error_find(SV("isv.FUTURE"))->code, "isv.*");
    assert_null(aliyun_error_find(SV("Future")));
    assert_null(aliyun_error_find(SV_NONE));
}

/* Attempts whose tokens are made as the gateway's are: an id, a number, and what nobody can guess. */
static void fill(struct attempt_view *a, char (*tokens)[40], size_t n, uint64_t seed) {
    for (size_t i = 0; i < n; i++) {
        uint64_t mac = (seed + i) * 0x9E3779B97F4A7C15u;
        mac ^= mac >> 29;
        mac *= 0xBF58476D1CE4E5B9u;
        snprintf(tokens[i], sizeof tokens[i], "%016zx0001%016llx", i, (unsigned long long)(mac ^ mac >> 32));
        a[i] = (struct attempt_view){.number = 1,
                                     .to = SV("+8613800138000"),
                                     .body = SV("您的验证码是 314159"),
                                     .token = sv_of(tokens[i])};
    }
}

static void test_out_id__of_a_batch_knows_its_own_and_no_other(void **state) {
    (void)state;
    static struct attempt_view ours[ALIYUN_BATCH_MAX], others[10000];
    static char tokens[ALIYUN_BATCH_MAX][40], other_tokens[10000][40];
    struct buf BUF_AUTO out_id = BUF_INIT(OUT_ID_BYTES_MAX);
    bool foreign = true;
    fill(ours, tokens, ALIYUN_BATCH_MAX, 1);
    fill(others, other_tokens, 10000, 1000);
    aliyun_batch_out_id(ours, ALIYUN_BATCH_MAX, &out_id);
    assert_false(out_id.overflow);
    assert_true(aliyun_is_batch_out_id(buf_sv(&out_id), &foreign));
    assert_false(foreign);
    for (size_t i = 0; i < ALIYUN_BATCH_MAX; i++)
        assert_true(aliyun_is_out_id_of(buf_sv(&out_id), &ours[i]));
    for (size_t i = 0; i < 10000; i++)
        assert_false(aliyun_is_out_id_of(buf_sv(&out_id), &others[i]));
    assert_true(aliyun_is_out_id_of(ours[0].token, &ours[0]));
    assert_false(aliyun_is_out_id_of(SV_NONE, &(struct attempt_view){.token = SV_NONE}));
}

static void test_batch__of_the_longest_texts_fits(void **state) {
    (void)state;
    static struct attempt_view a[ALIYUN_BATCH_MAX];
    static char tokens[ALIYUN_BATCH_MAX][40], text[LONG_BYTES + 1];
    struct lane_config lane = make_lane();
    struct http_request rq;
    struct err e = ERR_INIT;
    for (size_t i = 0; i < LONG_BYTES; i++)
        text[i] = '\1'; /* JSON makes six bytes of it, the form eight */
    for (int v1 = 0; v1 < 2; v1++) {
        struct arena ARENA_AUTO mem;
        arena_init(&mem, SENDER_ARENA_BYTES);
        lane.fields[ALIYUN_SIGNATURE] = v1 ? SV("v1") : SV("v3");
        fill(a, tokens, ALIYUN_BATCH_MAX, 7);
        for (size_t i = 0; i < ALIYUN_BATCH_MAX; i++) {
            a[i].body = sv_make(text, LONG_BYTES);
            assert_true(i == 0 || aliyun_joins(&lane, &a[0], &a[i]));
        }
        assert_true(aliyun_build_batch(&lane, a, ALIYUN_BATCH_MAX, NOW, 1, &mem, &rq, &e));
    }
    a[1].body = sv_make(text, LONG_BYTES + 1);
    assert_false(aliyun_joins(&lane, &a[0], &a[1]));
}

static void test_fields__that_cannot_be_right_are_refused(void **state) {
    (void)state;
    static const struct {
        enum aliyun_field field;
        const char *value;
        bool good;
    } rows[] = {
        {ALIYUN_KEY_ID, "LTAI5tABC", true},
        {ALIYUN_KEY_ID, "LTAI,x", false},
        {ALIYUN_KEY_SECRET, "abc", true},
        {ALIYUN_KEY_SECRET, " abc", false},
        {ALIYUN_SECURITY_TOKEN, "CAIS/+=", true},
        {ALIYUN_SECURITY_TOKEN, "a b", false},
        {ALIYUN_SIGN_NAME, "鸿雁", true},
        {ALIYUN_SIGN_NAME, "【鸿雁】", false},
        {ALIYUN_TEMPLATE_CODE, "SMS_1", true},
        {ALIYUN_TEMPLATE_CODE, "SMS 1", false},
        {ALIYUN_TEMPLATE_PARAM, "content", true},
        {ALIYUN_TEMPLATE_PARAM, "${content}", false},
        {ALIYUN_EXTEND_CODE, "8088", true},
        {ALIYUN_EXTEND_CODE, "80a", false},
        {ALIYUN_CALLBACK_TOKEN, "0123456789abcdef", true},
        {ALIYUN_CALLBACK_TOKEN, "short", false},
        {ALIYUN_SIGNATURE, "v1", true},
        {ALIYUN_SIGNATURE, "v2", false},
        {ALIYUN_GLOBAL_URL, "https://dysmsapi.ap-southeast-1.aliyuncs.com", true},
        {ALIYUN_GLOBAL_URL, "dysmsapi", false},
        {ALIYUN_BASE_URL, "http://dysmsapi.aliyuncs.com", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = ERR_INIT;
        assert_int_equal(aliyun_adapter.fields[rows[i].field].check(sv_of(rows[i].value), &e), rows[i].good);
        assert_true(rows[i].good || e.text[0]);
    }
    struct lane_config lane = make_lane();
    struct err e = ERR_INIT;
    assert_true(aliyun_adapter.check_all(&lane, &e));
    lane.fields[ALIYUN_TEMPLATE_PARAM] = SV_NONE;
    assert_false(aliyun_adapter.check_all(&lane, &e));
    assert_string_equal(e.field, "template_param");
    lane = make_lane();
    lane.fields[ALIYUN_SIGN_NAME] = SV_NONE;
    assert_false(aliyun_adapter.check_all(&lane, &e));
    assert_string_equal(e.field, "sign_name");
}

/* Generous: slow machines, sanitizers. */
enum { ROUNDS = 20000, COST_US_MAX = 300 };

static void test_speed__of_building_and_judging(void **state) {
    (void)state;
    struct lane_config lane = make_lane();
    struct attempt_view a;
    char token[1][40];
    struct arena ARENA_AUTO mem;
    struct http_response r = {
        .transport = HTTP_ANSWERED,
        .status = 200,
        .body = SV("{\"Message\":\"OK\",\"RequestId\":\"F655A8D5-B967-440B-8683-DAD6FF8DE990\","
                   "\"Code\":\"OK\",\"BizId\":\"9006197469364984400\"}")};
    arena_init(&mem, SENDER_ARENA_BYTES);
    fill(&a, token, 1, 1);
    for (int v1 = 0; v1 < 2; v1++) {
        lane.fields[ALIYUN_SIGNATURE] = v1 ? SV("v1") : SV("v3");
        clock_t start = clock();
        for (unsigned i = 0; i < ROUNDS; i++) {
            struct http_request rq;
            struct err e = ERR_INIT;
            arena_reset(&mem);
            assert_true(aliyun_adapter.build(&lane, &a, NOW, i, &mem, &rq, &e));
            assert_int_equal(aliyun_adapter.judge(&lane, &r).fate, FATE_SENT);
        }
        double us = (double)(clock() - start) * 1e6 / CLOCKS_PER_SEC / ROUNDS;
        print_message("# build and judge, %s: %.1f us\n", v1 ? "v1" : "v3", us);
        assert_true(us < COST_US_MAX);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors__are_in_order_and_found_by_name_or_beginning),
        cmocka_unit_test(test_out_id__of_a_batch_knows_its_own_and_no_other),
        cmocka_unit_test(test_batch__of_the_longest_texts_fits),
        cmocka_unit_test(test_fields__that_cannot_be_right_are_refused),
        cmocka_unit_test(test_speed__of_building_and_judging),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
