/* What a case file cannot say of e-mail: settings, and what a message costs. */
#include "../base/check.h"

#include "base/clock.h"
#include "provider/mime.h"
#include "provider/smtp.h"
#include "provider/smtp_errors.h"

#include <string.h>

static struct lane_config make_lane(void) {
    struct lane_config lane = {
        .name = "mail", .adapter = &smtp_adapter, .from = SV("Example <noreply@example.com>")};
    lane.fields[SMTP_HOST] = SV("smtp.example.com");
    return lane;
}

static void test_smtp__a_field_that_cannot_be_right_is_refused(void **state) {
    (void)state;
    static const struct {
        enum smtp_field field;
        const char *value;
        bool good;
    } rows[] = {
        {SMTP_HOST, "smtp.example.com", true},
        {SMTP_HOST, "[::1]", true},
        {SMTP_HOST, "127.0.0.1", true},
        {SMTP_HOST, "", false},
        {SMTP_HOST, "smtp.example.com:587", false},
        {SMTP_HOST, "smtp://smtp.example.com", false},
        {SMTP_HOST, "user@smtp.example.com", false},
        {SMTP_HOST, "smtp.example.com\r\nX", false},
        {SMTP_PORT, "587", true},
        {SMTP_PORT, "0", false},
        {SMTP_PORT, "65536", false},
        {SMTP_PORT, "smtp", false},
        {SMTP_TLS, "starttls", true},
        {SMTP_TLS, "implicit", true},
        {SMTP_TLS, "off", true},
        {SMTP_TLS, "yes", false},
        {SMTP_EHLO, "gw.example.com", true},
        {SMTP_EHLO, "gw.example.com/x", false},
        {SMTP_REPLY_TO, "help@example.com", true},
        {SMTP_REPLY_TO, "Help <help@example.com>", false},
        {SMTP_BOUNCE, "bounce@example.com", true},
        {SMTP_BOUNCE, "a-bounce-address-that-is-far-too-long@example.com", false},
        {SMTP_UNSUBSCRIBE, "yes", true},
        {SMTP_UNSUBSCRIBE, "maybe", false},
        {SMTP_CALLBACK_TOKEN, "0123456789abcdef", true},
        {SMTP_CALLBACK_TOKEN, "short", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = ERR_INIT;
        bool good = smtp_adapter.fields[rows[i].field].check(sv_of(rows[i].value), &e);
        if (good != rows[i].good)
            fail_msg("%s: %s", rows[i].value, e.text);
        assert_true(good || e.text[0]);
    }
}

static void test_smtp__settings_that_do_not_go_together_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *tls, *user, *password, *unsubscribe, *token, *from, *wrong;
    } rows[] = {
        {"", "", "", "", "", "Example <noreply@example.com>", NULL},
        {"", "u", "p", "", "", "noreply@example.com", NULL},
        {"implicit", "u", "p", "yes", "0123456789abcdef", "noreply@example.com", NULL},
        {"off", "", "", "", "", "noreply@example.com", NULL},
        {"off", "u", "p", "", "", "noreply@example.com", "tls"},
        {"opportunistic", "u", "p", "", "", "noreply@example.com", "tls"},
        {"", "u", "", "", "", "noreply@example.com", "password"},
        {"", "", "p", "", "", "noreply@example.com", "user"},
        {"", "", "", "yes", "", "noreply@example.com", "callback_token"},
        {"", "", "", "", "", "", "from"},
        {"", "", "", "", "", "+14155550100", "from"},
        {"", "", "", "", "", "Example <noreply@example.com", "from"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lane_config lane = make_lane();
        struct err e = ERR_INIT;
        lane.from = sv_of(rows[i].from);
        lane.fields[SMTP_TLS] = sv_of(rows[i].tls);
        lane.fields[SMTP_USER] = sv_of(rows[i].user);
        lane.fields[SMTP_PASSWORD] = sv_of(rows[i].password);
        lane.fields[SMTP_UNSUBSCRIBE] = sv_of(rows[i].unsubscribe);
        lane.fields[SMTP_CALLBACK_TOKEN] = sv_of(rows[i].token);
        assert_int_equal(smtp_adapter.check_all(&lane, &e), rows[i].wrong == NULL);
        assert_string_equal(e.field, rows[i].wrong ? rows[i].wrong : "");
    }
}

static void test_mime__an_address_is_what_smtp_can_carry(void **state) {
    (void)state;
    static const char *const good[] = {
        "a@b",          "zoe.o'neil+x=y@mail.example.org",  "user%host@example.org", "0@1.2",
        "zo\xc3\xab@c", "\xe6\x9d\x8e@\xe4\xbe\x8b.example"};
    static const char *const bad[] = {"",          "a",         "@b",       "a@",          "a@b@c", "a b@c",
                                      "a@b c",     "a..b@c",    ".a@c",     "a.@c",        "a@.c",  "a@c.",
                                      "\"a b\"@c", "a@[1.2.3]", "zo\xc3@c", "a@b\r\nX: y", "<a@b>", "a,b@c"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(mime_is_address(sv_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(mime_is_address(sv_of(bad[i])));
    char longest[300];
    memset(longest, 'a', sizeof longest);
    longest[65] = '@';
    assert_false(mime_is_address(sv_make(longest, 100)));
    longest[65] = 'a';
    longest[64] = '@';
    assert_true(mime_is_address(sv_make(longest, 100)));
    assert_false(mime_is_address(sv_make(longest, 255)));
}

/* Reads what mime_text wrote: quoted-printable alone, enough to get the text back. */
static void test_mime__every_text_comes_out_in_short_ascii_lines(void **state) {
    (void)state;
    uint64_t seed = 1;
    for (int round = 0; round < 2000; round++) {
        char text[400];
        size_t n = (size_t)(seed % sizeof text);
        for (size_t i = 0; i < n; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            text[i] = (char)(seed >> 33 & (round % 2 ? 0xff : 0x7f));
        }
        struct buf BUF_AUTO out = BUF_INIT(8192);
        mime_text(&out, "plain", sv_make(text, n));
        size_t width = 0;
        for (size_t i = 0; i < out.n; i++) {
            char c = out.p[i];
            assert_true(c == '\r' || c == '\n' || c == '\t' || (c >= ' ' && c <= '~'));
            assert_true((c == '\n') == (i > 0 && out.p[i - 1] == '\r'));
            width = c == '\r' || c == '\n' ? 0 : width + 1;
            assert_true(width <= 76);
        }
        assert_true(sv_ends(buf_sv(&out), SV("\r\n")));
        seed = seed * 31 + (uint64_t)round;
    }
}

static void test_smtp_errors__a_status_is_read_only_where_there_is_one(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int class, subject, detail;
    } rows[] = {
        {"5.1.1 no such user", 5, 1, 1},
        {"4.7.26\nx", 4, 7, 26},
        {"2.0.0", 2, 0, 0},
        {" 5.7.1 (delivery)", 5, 7, 1},
        {"5.1", 0, 0, 0},
        {"127.0.0.1 is listed", 0, 0, 0},
        {"3.1.1 x", 0, 0, 0},
        {"5.1.1.1 x", 0, 0, 0},
        {"5.1111.1 x", 0, 0, 0},
        {"", 0, 0, 0},
        {"Queued 5.1.1", 0, 0, 0},
        {"5.1.1x", 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct smtp_status s = smtp_status_of(sv_of(rows[i].text));
        assert_int_equal(s.class, rows[i].class);
        assert_int_equal(s.class ? s.subject : 0, rows[i].subject);
        assert_int_equal(s.class ? s.detail : 0, rows[i].detail);
    }
}

/* A refusal surely did not take the message, so it may never be "unknown", and never "sent". */
static void test_smtp_errors__every_refusal_is_retried_or_final(void **state) {
    (void)state;
    for (int command = SMTP_CONNECT; command <= SMTP_MESSAGE; command++)
        for (int code = 400; code < 600; code++)
            for (int subject = 0; subject < 9; subject++)
                for (int detail = 0; detail < 32; detail++) {
                    struct verdict v = {0};
                    struct smtp_status s = {detail ? code / 100 : 0, subject, detail};
                    smtp_refusal((enum smtp_command)command, code, s, &v);
                    assert_true(v.fate == FATE_RETRY || v.fate == FATE_REJECTED);
                    assert_true(v.reason != REASON_NONE);
                    assert_true(code < 500 ? v.fate == FATE_RETRY
                                           : v.fate == FATE_REJECTED || v.hint != LANE_FINE);
                }
}

static void test_smtp__a_message_costs_little(void **state) {
    (void)state;
    enum { ROUNDS = 20000 };
    struct lane_config lane = make_lane();
    const struct attempt_view a = {
        .to = SV("zoe@example.org"),
        .title = SV("您的验证码"),
        .body = SV("您的验证码是 123456,5 分钟内有效。请勿告诉他人。"),
        .html = SV("<html><body><p>您的验证码是 <b>123456</b>,5 分钟内有效。</p></body></html>"),
        .token = SV("00060b7a4d2c80010001a1b2c3d4e5f60718"),
        .channel = CHANNEL_EMAIL};
    const struct http_header command = {SV("Command"), SV("MESSAGE")};
    const struct http_response sent = {
        .status = 250, .headers = &command, .n_headers = 1, .body = SV("2.0.0 Ok: queued as 4dJ5zq1xYz")};
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 20);
    int64_t began = clock_monotonic_us();
    for (int i = 0; i < ROUNDS; i++) {
        struct http_request rq;
        struct err e = ERR_INIT;
        assert_true(smtp_adapter.build(&lane, &a, 1767323045000000, 1, &mem, &rq, &e));
        assert_int_equal(smtp_adapter.judge(&lane, &sent).fate, FATE_SENT);
        arena_reset(&mem);
    }
    double us = (double)(clock_monotonic_us() - began) / ROUNDS;
    print_message("build and judge: %.2f us\n", us);
    assert_true(us < 300); /* about 10 on one core; sanitizers and busy machines take more */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smtp__a_field_that_cannot_be_right_is_refused),
        cmocka_unit_test(test_smtp__settings_that_do_not_go_together_are_refused),
        cmocka_unit_test(test_mime__an_address_is_what_smtp_can_carry),
        cmocka_unit_test(test_mime__every_text_comes_out_in_short_ascii_lines),
        cmocka_unit_test(test_smtp_errors__a_status_is_read_only_where_there_is_one),
        cmocka_unit_test(test_smtp_errors__every_refusal_is_retried_or_final),
        cmocka_unit_test(test_smtp__a_message_costs_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
