/* What holds for every adapter, and what a case file cannot say of Twilio's. */
#include "../base/check.h"

#include "provider/adapter.h"
#include "provider/twilio_errors.h"

static const char account[] = "AC0123456789abcdef0123456789abcdef";

static struct lane_config make_lane(void) {
    struct lane_config lane = {
        .name = "test", .adapter = adapter_find(SV("twilio")), .from = SV("+15017250604")};
    lane.fields[adapter_field_index(lane.adapter, SV("account_sid"))] = sv_of(account);
    lane.fields[adapter_field_index(lane.adapter, SV("auth_token"))] = SV("12345678901234567890123456789012");
    return lane;
}

static void test_adapters__are_complete_and_found_by_name(void **state) {
    (void)state;
    assert_non_null(adapters[0]);
    for (size_t i = 0; adapters[i]; i++) {
        const struct adapter *a = adapters[i];
        assert_ptr_equal(adapter_find(sv_of(a->name)), a);
        assert_true(a->build && a->judge && a->batch_max > 0 && a->n_fields <= LANE_FIELDS_MAX);
        assert_int_equal(a->can_lookup, a->lookup != NULL && a->judge_lookup != NULL);
        assert_int_equal(a->probe || a->probe_granted, a->judge_probe != NULL);
        assert_true(!a->grant || a->judge_grant);
        for (size_t f = 0; f < a->n_fields; f++) {
            assert_true(a->fields[f].name && a->fields[f].label && a->fields[f].label_zh);
            assert_int_equal(adapter_field_index(a, sv_of(a->fields[f].name)), f);
            /* A fallback must pass its own check. */
            struct err e = ERR_INIT;
            if (a->fields[f].fallback && a->fields[f].check)
                assert_true(a->fields[f].check(sv_of(a->fields[f].fallback), &e));
        }
    }
    assert_null(adapter_find(SV("Twilio")));
    assert_null(adapter_find(SV_NONE));
    assert_int_equal(adapter_field_index(adapters[0], SV("nothing")), -1);
}

static void test_twilio__a_field_that_cannot_be_right_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *field, *value;
        bool good;
    } rows[] = {
        {"account_sid", account, true},
        {"account_sid", "", false},
        {"account_sid", "AC0123456789abcdef0123456789abcde", false},
        {"account_sid", "AC0123456789abcdef0123456789abcdefa", false},
        {"account_sid", "AC0123456789abcdef0123456789abcdeg", false},
        {"account_sid", "SK0123456789abcdef0123456789abcdef", false},
        {"auth_token", "any other thing", true},
        {"auth_token", "copied with a line end\n", false},
        {"auth_token", " x", false},
        {"api_key", "", true},
        {"api_key", "SK0123456789ABCDEF0123456789abcdef", true},
        {"api_key", account, false},
        {"messaging_service_sid", "", true},
        {"messaging_service_sid", "MG0123456789abcdef0123456789abcdef", true},
        {"messaging_service_sid", "+15017250604", false},
        {"base_url", "https://api.twilio.com", true},
        {"base_url", "https://api.dublin.ie1.twilio.com", true},
        {"base_url", "http://127.0.0.1:8081", true},
        {"base_url", "http://[::1]:8081/twilio", true},
        {"base_url", "http://api.twilio.com", false}, /* credentials in the clear */
        {"base_url", "http://api.twilio.com:80/x", false},
        {"base_url", "https://api.twilio.com/", false},
        {"base_url", "https://", false},
        {"base_url", "https:///x", false},
        {"base_url", "api.twilio.com", false},
        {"base_url", "ftp://api.twilio.com", false},
        {"base_url", "https://user:pass@api.twilio.com", false},
        {"base_url", "https://api.twilio.com?x", false},
        {"base_url", "https://api.twilio.com#x", false},
        {"base_url", "https://api.twilio.com\r\nX: y", false},
        {"base_url", "https://api twilio.com", false},
    };
    const struct adapter *a = adapter_find(SV("twilio"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = ERR_INIT;
        const struct adapter_field *f = &a->fields[adapter_field_index(a, sv_of(rows[i].field))];
        if (f->check(sv_of(rows[i].value), &e) != rows[i].good)
            fail_msg("%s: \"%s\" should be %s", rows[i].field, rows[i].value,
                     rows[i].good ? "taken" : "refused");
        if (!rows[i].good) {
            assert_int_equal(e.kind, ERR_INVALID);
            if (f->secret)
                assert_null(strstr(e.text, rows[i].value));
        }
    }
}

/* Whatever the size at which memory ends: an error, or the same request. */
static void test_twilio__build_survives_every_size_of_memory(void **state) {
    (void)state;
    struct lane_config lane = make_lane();
    struct attempt_view a = {.to = SV("+15558675310"),
                             .body = SV("Hello"),
                             .status_url = SV("https://gw.example.com/hooks/tw/status?t=1"),
                             .traceparent = SV("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")};
    bool built = false;
    for (size_t max = 0; !built; max += 16) {
        struct arena ARENA_AUTO mem;
        arena_init(&mem, max);
        struct http_request rq;
        struct err e = ERR_INIT;
        built = lane.adapter->build(&lane, &a, 0, 0, &mem, &rq, &e);
        assert_int_equal(e.kind, built ? ERR_NONE : ERR_TOO_LARGE);
        if (built) {
            assert_int_equal(rq.n_headers, 4);
            assert_sv(http_find_header(rq.headers, rq.n_headers, SV("traceparent")), a.traceparent.p);
        }
        assert_true(max < 4096);
    }
}

static void test_twilio__a_trace_context_cannot_break_out_of_its_header(void **state) {
    (void)state;
    struct lane_config lane = make_lane();
    struct attempt_view a = {.to = SV("+1"), .body = SV("x"), .traceparent = SV("00-a\r\nX-Evil: 1")};
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 16);
    struct http_request rq;
    struct err e = ERR_INIT;
    assert_true(lane.adapter->build(&lane, &a, 0, 0, &mem, &rq, &e));
    assert_null(http_find_header(rq.headers, rq.n_headers, SV("traceparent")).p);
}

static void test_twilio__a_body_beyond_any_message_is_an_error(void **state) {
    (void)state;
    static char big[40000];
    memset(big, '%', sizeof big);
    struct lane_config lane = make_lane();
    struct attempt_view a = {.to = SV("+1"), .body = sv_make(big, sizeof big)};
    struct arena ARENA_AUTO mem;
    arena_init(&mem, 1 << 20);
    struct http_request rq;
    struct err e = ERR_INIT;
    assert_false(lane.adapter->build(&lane, &a, 0, 0, &mem, &rq, &e));
    assert_int_equal(e.kind, ERR_TOO_LARGE);
}

static const char taken[] = "{\"sid\": \"SM1342fe1b2c904d1ab04f0fc7a58abca9\", \"status\": \"queued\", "
                            "\"num_segments\": \"1\", \"error_code\": null, \"error_message\": null}";

/* A connection may break after any byte. */
static void test_twilio__a_cut_answer_is_never_a_reason_to_send_again(void **state) {
    (void)state;
    struct lane_config lane = make_lane();
    for (size_t n = 0; n <= strlen(taken); n++) {
        struct http_response r = {.status = 201, .body = sv_make(taken, n)};
        struct verdict v = lane.adapter->judge(&lane, &r);
        assert_int_equal(v.fate, n == strlen(taken) ? FATE_SENT : FATE_UNKNOWN);
    }
}

/* Every status, with every code of the table, one without a row, and none. */
static void test_twilio__only_a_clear_refusal_allows_another_attempt(void **state) {
    (void)state;
    struct lane_config lane = make_lane();
    size_t n;
    const struct twilio_error *rows = twilio_error_table(&n);
    for (int status = 100; status < 600; status++)
        for (size_t i = 0; i < n + 2; i++) {
            int32_t code = i < n ? rows[i].code : i == n ? 29999 : 0;
            char body[64];
            snprintf(body, sizeof body, code ? "{\"code\": %d}" : "%d", (int)code);
            struct http_response r = {.status = status, .body = sv_of(body)};
            struct verdict v = lane.adapter->judge(&lane, &r);
            bool refused = (status >= 400 && status < 500 && status != 408) ||
                           (status >= 500 && code == TWILIO_TOO_MANY_REQUESTS) || (status == 408 && i < n);
            if (!refused)
                assert_int_equal(v.fate, FATE_UNKNOWN);
            else if (i >= n || rows[i].fate != FATE_UNKNOWN)
                assert_true(v.fate == FATE_RETRY || v.fate == FATE_REJECTED);
            assert_int_not_equal(v.reason, REASON_NONE);
            assert_int_equal(v.http_status, status);
            if (status >= 500 && code != TWILIO_TOO_MANY_REQUESTS)
                assert_int_equal(v.hint, LANE_DOWN);
        }
}

static void test_twilio__an_absurdly_large_answer_is_garbage(void **state) {
    (void)state;
    static char big[128 * 1024];
    memset(big, ' ', sizeof big);
    memcpy(big, taken, strlen(taken));
    struct lane_config lane = make_lane();
    struct http_response r = {.status = 201, .body = sv_make(big, sizeof big)};
    assert_int_equal(lane.adapter->judge(&lane, &r).fate, FATE_UNKNOWN);
}

/* The codes of Twilio's dictionary that concern a message, by what they mean to us. A code that is missing
 * from the table or has moved to another class fails here. */
static void test_twilio_errors__every_known_code_has_its_row(void **state) {
    (void)state;
    static const struct {
        enum fate fate;
        enum lane_hint hint;
        enum reason reason;
        int32_t codes[40];
    } classes[] = {
        {FATE_RETRY,
         LANE_BROKEN,
         REASON_CREDENTIALS,
         {20003, 20004, 20006, 20403, 20008, 20005, 10001, 30002}},
        {FATE_REJECTED, LANE_FINE, REASON_CREDENTIALS, {10002, 21607, 21608, 21219, 14111, 30044}},
        {FATE_RETRY, LANE_BROKEN, REASON_SENDER_REJECTED, {20404, 21701, 21702, 21704, 21705}},
        {FATE_RETRY, LANE_SLOW_DOWN, REASON_THROTTLED, {20429, 10004, 63017, 63018, 30022, 30001, 21611}},
        {FATE_RETRY, LANE_SLOW_DOWN, REASON_QUOTA, {63038, 30023, 30027}},
        {FATE_RETRY, LANE_FINE, REASON_THROTTLED, {14107}},
        {FATE_RETRY, LANE_FINE, REASON_BLOCKED, {30450}},
        {FATE_RETRY, LANE_FINE, REASON_UNREACHABLE, {30003, 30017}},
        {FATE_REJECTED, LANE_FINE, REASON_UNREACHABLE, {21612}},
        {FATE_UNKNOWN, LANE_DOWN, REASON_PROVIDER_DOWN, {20500, 503, 30500}},
        {FATE_UNKNOWN, LANE_FINE, REASON_UNREACHABLE, {30410, 30008}},
        {FATE_REJECTED, LANE_FINE, REASON_EXPIRED, {30036}},
        {FATE_REJECTED, LANE_FINE, REASON_BLOCKED, {30004, 13225, 21216}},
        {FATE_REJECTED, LANE_FINE, REASON_OPTED_OUT, {21610, 63014, 63033}},
        {FATE_REJECTED, LANE_FINE, REASON_REJECTED, {30009}},
        {FATE_REJECTED,
         LANE_FINE,
         REASON_INVALID_NUMBER,
         {13223, 13224, 21201, 21202, 30005, 30006, 21614, 21635, 21211, 21217, 21401, 21421, 21604, 21214,
          63003, 63024}},
        {FATE_REJECTED, LANE_FINE, REASON_CONTENT_REJECTED, {32018, 30007, 21602, 21619, 21605, 21617,
                                                             21658, 30019, 21618, 63005, 63013, 63021,
                                                             63026, 21620, 21623, 21621, 21622, 11751,
                                                             30011, 63019, 63016, 30010, 30038, 30039}},
        {FATE_REJECTED,
         LANE_FINE,
         REASON_REQUEST_REJECTED,
         {21205, 21206, 21207, 21208, 21209, 21218, 21220, 21234, 21262, 20001, 20422, 20423,
          21654, 21655, 21656, 21609, 21626, 21624, 30012, 30013, 21627, 35111, 35114, 35115,
          35117, 35118, 35125, 35126, 30409, 11200, 11205, 11210, 11220, 11750, 12300}},
        {FATE_REJECTED, LANE_FINE, REASON_SENDER_REJECTED, {13227, 21203, 21210, 21213, 21408, 21215, 21212,
                                                            21601, 21603, 21606, 21616, 21657, 21659, 21660,
                                                            14102, 14108, 30018, 30024, 30042, 30032, 30033,
                                                            30034, 30035, 21703, 21708, 21709, 21711}},
    };
    size_t n, told = 0;
    const struct twilio_error *rows = twilio_error_table(&n);
    for (size_t c = 0; c < sizeof classes / sizeof classes[0]; c++)
        for (size_t i = 0; i < 40 && classes[c].codes[i]; i++, told++) {
            const struct twilio_error *row = twilio_error_find(classes[c].codes[i]);
            if (!row || row->fate != classes[c].fate || row->hint != classes[c].hint ||
                row->reason != classes[c].reason)
                fail_msg("code %d is not in the class of %d", (int)classes[c].codes[i],
                         (int)classes[c].codes[0]);
        }
    assert_int_equal(told, n);
    for (size_t i = 0; i < n; i++) {
        assert_true(i == 0 || rows[i - 1].code < rows[i].code); /* searched by halves */
        assert_int_not_equal(rows[i].reason, REASON_NONE);
    }
    assert_null(twilio_error_find(0));
    assert_null(twilio_error_find(INT64_MAX));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adapters__are_complete_and_found_by_name),
        cmocka_unit_test(test_twilio__a_field_that_cannot_be_right_is_refused),
        cmocka_unit_test(test_twilio__build_survives_every_size_of_memory),
        cmocka_unit_test(test_twilio__a_trace_context_cannot_break_out_of_its_header),
        cmocka_unit_test(test_twilio__a_body_beyond_any_message_is_an_error),
        cmocka_unit_test(test_twilio__a_cut_answer_is_never_a_reason_to_send_again),
        cmocka_unit_test(test_twilio__only_a_clear_refusal_allows_another_attempt),
        cmocka_unit_test(test_twilio__an_absurdly_large_answer_is_garbage),
        cmocka_unit_test(test_twilio_errors__every_known_code_has_its_row),
    };
    return cmocka_run_group_tests_name("provider", tests, NULL, NULL);
}
