#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "text/mask.h"

#include <string.h>
#include <time.h>

struct masked {
    const char *text, *shown;
};

static void assert_masks(void (*mask)(struct sv, struct buf *), const struct masked *cases, size_t n) {
    for (size_t i = 0; i < n; i++) {
        BUF_AUTO struct buf out = BUF_INIT(1000);
        buf_adds(&out, "");
        mask(sv_of(cases[i].text), &out);
        if (strcmp(out.p, cases[i].shown) != 0)
            fail_msg("'%s' shows as '%s', not as '%s'", cases[i].text, out.p, cases[i].shown);
    }
}

static const struct masked numbers[] = {
    {"", ""},
    {"+8613800138000", "+86*******8000"},
    {"+14155552671", "+1******2671"},
    {"+85251234567", "+852*****567"},
    {"+2901234", "+290****"},
    {"13800138000", "*******8000"},
    {"10086", "***86"},
    {"+", "+"},
    {"whatsapp:+8613800138000", "wh***"},
};

static void test_mask__a_number_keeps_country_code_and_last_digits(void **state) {
    (void)state;
    assert_masks(mask_phone, numbers, sizeof numbers / sizeof numbers[0]);
}

#define HEX32 "0123456789abcdef0123456789ABCDEF"

static const struct masked texts[] = {
    {"", ""},
    {"no secrets here, 12 of 345", "no secrets here, 12 of 345"},
    /* codes */
    {"１２３４５６a", "******a"},
    {"您的验证码是123456，5分钟内有效", "您的验证码是******，5分钟内有效"},
    {"验证码１２３４５６。", "验证码******。"},
    {"code=1234", "code=***"},
    {"Your code is 1234.", "Your code is ****."},
    /* figures that are no codes */
    {"the answer's body is over 1048576 bytes", "the answer's body is over 1048576 bytes"},
    {"no confirmation in 30000 ms", "no confirmation in 30000 ms"},
    {"13800138000 bytes, 123456 byteswap", "*******8000 bytes, ****** byteswap"},
    {"is failing (SQLite 2067); SQLite 2067", "is failing (SQLite 2067); SQLite ****"},
    {"postgres://db.example.com:5432/x, http://127.0.0.1:8080",
     "postgres://db.example.com:5432/x, http://127.0.0.1:8080"},
    {"code:12345 it is:12345 ://:1234", "code:*** it is:***** ://:****"},
    {"G-123456 is your code", "G-****** is your code"},
    {"code1234 x", "code*** x"},
    {"123-456 and 12 34 56", "***-*** and ** ** **"},
    {"otp: A1B2C3", "otp: ***"},
    {"\"code\": \"9381\"", "\"code\": \"***\""},
    {"Code: isv.BUSINESS_LIMIT_CONTROL", "Code: isv.BUSINESS_LIMIT_CONTROL"},
    /* numbers */
    {"to 13800138000!", "to *******8000!"},
    {"to +8613800138000", "to +86*******8000"},
    {"+86 138 0013 8000 failed", "+86 *** **** 8000 failed"},
    {"call (415) 555-2671 now", "call (***) ***-2671 now"},
    {"+1 (415) 555-2671", "+1 (***) ***-2671"},
    {"手机13800138000无效", "手机*******8000无效"},
    {"phone13800138000", "phone***"},
    /* not numbers */
    {"2026-11-21T07:22:15.123456Z up", "2026-11-21T07:22:15.123456Z up"},
    {"on 2026-11-21", "on 2026-11-21"},
    {"peer 192.168.100.200:80", "peer 192.168.100.200:80"},
    {"template SMS_154950909 E30007", "template SMS_154950909 E30007"},
    {"id 550e8400-e29b-41d4-a716-446655440000", "id 550e8400-e29b-41d4-a716-446655440000"},
    {"took 350 ms", "took 350 ms"},
    /* mail */
    {"to zhang.san+sms@example.com, ok", "to z***@example.com, ok"},
    {"<a@b.cn>", "<a***@b.cn>"},
    {"smtp://user:hunter2@mail.example.com", "smtp://user:***@mail.example.com"},
    {"@home", "@home"},
    /* credentials */
    {"Authorization: Bearer abc.DEF-123", "Authorization: ***"},
    {"got Bearer abc.DEF_123 back", "got Bearer *** back"},
    {"got Basic dXNlcjpwYXNzd29yZA==", "got Basic ***"},
    {"basic authentication failed", "basic authentication failed"},
    {"AC" HEX32 ":" HEX32, "AC" HEX32 ":***"},
    {"AC" HEX32 ":hunter2 x", "AC" HEX32 ":*** x"},
    {"sid SM" HEX32, "sid SM" HEX32},
    {"key SK" HEX32, "key SK***"},
    {"token " HEX32, "token ***"},
    {"AKIAIOSFODNN7EXAMPLE", "AKIA***"},
    {"key SG.aBcDeFgHiJkLmNoPqRsTuV.x-y_z", "key SG.***"},
    {"ya29.a0AfH6SMBexampleExample x", "ya29.*** x"},
    {"jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcDEF-_x.", "jwt eyJ***."},
    {"sk_live_abcdefgh1234", "sk_live_***"},
    {"xoxb-123456789012-abcdef", "xoxb-***"},
    {"ghp_abcdefghijklmnopqrst0123", "ghp_***"},
    {"api:key-3ax6xnjp29jd6fds4gc373sgvjxteol0", "api:key-***"},
    {"key-value pairs, sk-ip, SG.x, eyJ", "key-value pairs, sk-ip, SG.x, eyJ"},
    {"https://x/y?a=1&sign=q-q&sig=zz", "https://x/y?a=1&sign=***&sig=***"},
    {"design=blue", "design=blue"},
    {"LTAI5tExampleKeyId123456", "LTAI***"},
    {"AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "AKID***"},
    {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEK1Y", "***"},
    {"password=hunter2&x=1", "password=***&x=1"},
    {"\"auth_token\":\"a\\\"b\",\"n\":1", "\"auth_token\":\"***\",\"n\":1"},
    {"X-Api-Key: abc", "X-Api-Key: ***"},
    {"AccessKeySecret = 'x y'", "AccessKeySecret = '***'"},
    {"Signature=abc%3D&Action=SendSms", "Signature=***&Action=SendSms"},
};

static void test_mask__free_text_hides_codes_numbers_and_credentials(void **state) {
    (void)state;
    assert_masks(mask_text, texts, sizeof texts / sizeof texts[0]);
}

static void test_mask__output_is_bounded_and_any_bytes_are_taken(void **state) {
    (void)state;
    static const char alphabet[] = "0123456789 +-.()@:=\"'\\abcAKID_Bearer \xEF\xBC\x90\xFF\x00/%,";
    uint64_t random = 3;
    for (int round = 0; round < 20000; round++) {
        char text[120];
        size_t n = (size_t)round % sizeof text;
        for (size_t i = 0; i < n; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            text[i] = alphabet[(random >> 33) % (sizeof alphabet - 1)];
        }
        BUF_AUTO struct buf out = BUF_INIT(1000);
        mask_text(sv_make(text, n), &out);
        assert_false(out.overflow);
        assert_true(out.n <= 3 * n + 3);
    }
    BUF_AUTO struct buf small = BUF_INIT(8);
    mask_text(SV("some text longer than eight bytes 1234"), &small);
    assert_true(small.overflow);
    assert_true(small.n <= 8);
}

/* Texts made to bring a scanner that looks ahead to its knees: 1 MiB each, which a linear one reads in a
 * blink. */
static void test_mask__hostile_texts_take_linear_time(void **state) {
    (void)state;
    static const char *const pieces[] = {
        "a-", "a中",    "code:", "１", "basic ",  "a/",          "1 ",       "(1", "code:\"",   "+1", "a.b",
        "\"", "pwd=\"", "::  ",  "1a", "token=x", "AKIAAAAAAAA", "bearer中", "a@", "2026-11-21"};
    enum { BYTES = 1 << 20 };
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        BUF_AUTO struct buf text = BUF_INIT(BYTES), out = BUF_INIT(3 * BYTES + 3);
        while (buf_adds(&text, pieces[i]))
            ;
        clock_t start = clock();
        mask_text(buf_sv(&text), &out);
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        assert_false(out.overflow);
        if (seconds > 5) /* quadratic would be minutes; sanitizers are slow */
            fail_msg("'%s' repeated takes %.1f s", pieces[i], seconds);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mask__a_number_keeps_country_code_and_last_digits),
        cmocka_unit_test(test_mask__free_text_hides_codes_numbers_and_credentials),
        cmocka_unit_test(test_mask__hostile_texts_take_linear_time),
        cmocka_unit_test(test_mask__output_is_bounded_and_any_bytes_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
