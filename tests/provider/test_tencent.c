/* What a case file cannot say of Tencent's adapter: the vendor's own example of a signature, the table of
 * errors, what a SessionContext can be asked, and what a call costs. */
#include "../base/check.h"

#include "base/clock.h"
#include "provider/tc3.h"
#include "provider/tencent.h"
#include "provider/tencent_errors.h"

#include <time.h>

static struct lane_config make_lane(void) {
    struct lane_config lane = {.name = "test", .adapter = &tencent_adapter};
    lane.fields[TENCENT_SECRET_ID] = SV("AKIDEXAMPLE0000000000000000000000000");
    lane.fields[TENCENT_SECRET_KEY] = SV("SecretKeyExample00000000000000000");
    lane.fields[TENCENT_SDK_APP_ID] = SV("1400006666");
    lane.fields[TENCENT_TEMPLATE_ID] = SV("449739");
    lane.fields[TENCENT_SIGN_NAME] = SV("腾讯云");
    return lane;
}

static void expect_signature(const char *body, const char *signature) {
    struct tc3_request rq = {.secret_id = SV("AKIDEXAMPLE0000000000000000000000000"),
                             .secret_key = SV("SecretKeyExample00000000000000000"),
                             .service = SV("sms"),
                             .host = SV("sms.tencentcloudapi.com"),
                             .path = SV("/"),
                             .content_type = SV("application/json"),
                             .body = sv_of(body),
                             .at_s = 1767323045};
    struct buf BUF_AUTO out = BUF_INIT(1024);
    tc3_authorization(&rq, &out);
    assert_true(sv_starts(buf_sv(&out), SV("TC3-HMAC-SHA256 Credential=AKIDEXAMPLE0000000000000000000000000/"
                                           "2026-01-02/sms/tc3_request, SignedHeaders=content-type;host, "
                                           "Signature=")));
    assert_sv(sv_from(buf_sv(&out), out.n - 64), signature);
}

/* Made with Sign.sign3 of tencentcloud-sdk-nodejs-common. */
static void test_tc3__signs_as_the_vendors_sdk_does(void **state) {
    (void)state;
    expect_signature(
        "{\"PhoneNumberSet\":[\"+8613711112222\",\"+8613811112222\"],\"SmsSdkAppId\":\"1400006666\","
        "\"TemplateId\":\"449739\",\"SignName\":\"腾讯云\",\"TemplateParamSet\":[\"12345\",\"5\"],"
        "\"SessionContext\":\"m-1\"}",
        "c8458a9a87e0fb19d0c015a57c95325c97a524b161bdcca196fe6b7fd9724551");
    expect_signature(
        "{\"PhoneNumberSet\":[\"+8613711112222\"],\"SmsSdkAppId\":\"1400006666\",\"TemplateId\":"
        "\"449739\",\"SignName\":\"测试\",\"TemplateParamSet\":[\"a\\\"b\\\\c/é 👋\"],\"SenderId\":\"\","
        "\"ExtendCode\":\"\",\"SessionContext\":\"\"}",
        "c771408d88fe3cc7c5a6552f07157563956f1d25c628e19095258df707846b33");
    expect_signature("{\"Limit\":10,\"SmsSdkAppId\":\"1400006666\"}",
                     "a29ce6f4e0f9b123165af4d431230a530987b89413cd03bc560ba482687df6b9");
}

static void test_errors__are_in_order_and_found_by_name_prefix_and_number(void **state) {
    (void)state;
    size_t n;
    const struct tencent_error *rows = tencent_error_table(&n);
    for (size_t i = 0; i < n; i++) {
        if (i && rows[i].name)
            assert_true(rows[i - 1].name && sv_cmp(sv_of(rows[i - 1].name), sv_of(rows[i].name)) < 0);
        if (rows[i].name)
            assert_ptr_equal(tencent_error_named(sv_of(rows[i].name)), &rows[i]);
        if (rows[i].code)
            assert_ptr_equal(tencent_error_numbered(rows[i].code), &rows[i]);
        assert_true(rows[i].name || rows[i].code);
    }
    assert_string_equal(tencent_error_named(SV("AuthFailure.OfTheFuture"))->name, "AuthFailure");
    assert_null(tencent_error_named(SV("Future.AuthFailure")));
    assert_null(tencent_error_named(SV_NONE));
    assert_null(tencent_error_numbered(0));
}

enum { MANY = 200, TOKEN_TEXT = 40 };

static void fill(struct attempt_view a[MANY], char tokens[MANY][TOKEN_TEXT], const char *what) {
    for (size_t i = 0; i < MANY; i++) {
        snprintf(tokens[i], TOKEN_TEXT, "%s%032zx", what, i);
        a[i] = (struct attempt_view){
            .to = SV("+8618511122233"), .body = SV("Your code is 314159"), .token = sv_of(tokens[i])};
    }
}

static void test_context__of_two_hundred_knows_them_and_hardly_another(void **state) {
    (void)state;
    struct attempt_view ours[MANY], others[MANY];
    static char tokens[MANY][TOKEN_TEXT], other_tokens[MANY][TOKEN_TEXT];
    fill(ours, tokens, "aaaa");
    fill(others, other_tokens, "bbbb");
    struct buf BUF_AUTO context = BUF_INIT(TENCENT_CONTEXT_MAX);
    tencent_context_add(&context, ours, MANY);
    assert_false(context.overflow);
    size_t wrong = 0;
    for (size_t i = 0; i < MANY; i++) {
        assert_true(tencent_context_has(buf_sv(&context), ours[i].token));
        wrong += tencent_context_has(buf_sv(&context), others[i].token);
    }
    assert_true(wrong <= 2); /* 0.13 are to be expected */
    assert_false(tencent_context_has(buf_sv(&context), SV_NONE));
    assert_false(tencent_context_has(SV_NONE, SV_NONE));
    assert_true(tencent_context_has(ours[0].token, ours[0].token));
    assert_false(tencent_context_has(ours[0].token, ours[1].token));
}

static void answer_for(struct buf *out, size_t n) {
    buf_adds(out, "{\"Response\":{\"SendStatusSet\":[");
    for (size_t i = 0; i < n; i++)
        buf_addf(out,
                 "%s{\"SerialNo\":\"5000:%028zu\",\"PhoneNumber\":\"+86185111%05zu\",\"Fee\":1,"
                 "\"SessionContext\":\"x\",\"Code\":\"Ok\",\"Message\":\"send success\",\"IsoCode\":\"CN\"}",
                 i ? "," : "", i, i);
    buf_adds(out, "],\"RequestId\":\"a0aabda6-cf91-4f3e-a81f-9198114a2279\"}}");
}

static double cpu_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Bodies are escaped, requests signed and answers read within these bounds; a build with checks is given ten
 * times as much. */
static void test_speed__a_call_costs_little(void **state) {
    (void)state;
    enum { ROUNDS = 2000, ONE_US_MAX = 150 };
    struct lane_config lane = make_lane();
    struct attempt_view a[MANY];
    static char tokens[MANY][TOKEN_TEXT], numbers[MANY][24];
    struct verdict v[MANY];
    fill(a, tokens, "aaaa");
    for (size_t i = 0; i < MANY; i++) {
        snprintf(numbers[i], sizeof numbers[i], "+86185111%05zu", i);
        a[i].to = sv_of(numbers[i]);
    }
    for (size_t n = 1; n <= MANY; n += MANY - 1) {
        struct arena ARENA_AUTO mem;
        arena_init(&mem, 1024 * 1024);
        struct buf BUF_AUTO body = BUF_INIT(1024 * 1024);
        answer_for(&body, n);
        struct http_response r = {.transport = HTTP_ANSWERED, .status = 200, .body = buf_sv(&body)};
        size_t rounds = n == 1 ? ROUNDS : ROUNDS / 100;
        double begun = cpu_us();
        for (size_t i = 0; i < rounds; i++) {
            struct http_request rq;
            struct err e = ERR_INIT;
            assert_true(tencent_adapter.build_batch(&lane, a, n, 1767323045 * US_PER_S, i, &mem, &rq, &e));
            if (n == 1)
                v[0] = tencent_adapter.judge(&lane, &r);
            else
                tencent_adapter.judge_batch(&lane, a, n, &r, v);
            arena_reset(&mem);
        }
        double us = (cpu_us() - begun) / (double)(rounds * n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(v[i].fate, FATE_SENT);
        print_message("# tencent: build and judge, %zu in a call: %.2f us each\n", n, us);
        assert_true(us < ONE_US_MAX);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tc3__signs_as_the_vendors_sdk_does),
        cmocka_unit_test(test_errors__are_in_order_and_found_by_name_prefix_and_number),
        cmocka_unit_test(test_context__of_two_hundred_knows_them_and_hardly_another),
        cmocka_unit_test(test_speed__a_call_costs_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
