/* The Twilio-compatible API, black box: forms in, Twilio's JSON and error codes out, on the real core and
 * journal. The vendor's own SDKs are in tests/blackbox/twilio_sdk. */
#include "twilio_client.h"

#include "api/twilio.h"
#include "base/clock.h"
#include "notify/owed.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SERVICE "MG0123456789abcdef0123456789ABCDEF"
#define TO "To=%2B8613800138000"

static int setup(void **state) {
    *state = gate_open(64, false);
    return 0;
}

static int setup_lane(void **state) {
    *state = gate_open(64, true);
    return 0;
}

static int setup_small(void **state) {
    *state = gate_open(1, false);
    return 0;
}

static int teardown(void **state) {
    gate_close(*state);
    return 0;
}

static void assert_member(struct gate *g, const char *name, const char *want) {
    char value[MEMBER_BYTES];
    gate_member(g, name, value);
    assert_string_equal(value, want);
}

static void assert_header(struct gate *g, const char *name, const char *want) {
    char value[MEMBER_BYTES];
    gate_header(g, name, value);
    assert_string_equal(value, want);
}

static void assert_code(struct gate *g, int status, int code) {
    json_t *j = client_answer(g);
    char more[64];
    snprintf(more, sizeof more, "https://www.twilio.com/docs/errors/%d", code);
    if (g->status != status || json_integer_value(json_object_get(j, "code")) != code)
        fail_msg("wanted %d %d: %s", status, code, g->reply);
    assert_int_equal(json_integer_value(json_object_get(j, "status")), status);
    assert_string_equal(client_text(j, "more_info"), more);
    assert_true(strlen(client_text(j, "message")) > 3);
    assert_int_equal(json_object_size(j), 4);
    json_decref(j);
}

/* ---- creating ---- */

static void test_create__the_answer_has_every_field_of_twilios_and_no_other(void **state) {
    static const char *const fields[] = {
        "account_sid",   "api_version",  "body",      "date_created",
        "date_sent",     "date_updated", "direction", "error_code",
        "error_message", "from",         "to",        "messaging_service_sid",
        "num_media",     "num_segments", "price",     "price_unit",
        "sid",           "status",       "uri",       "subresource_uris"};
    struct gate *g = *state;
    client_create(g, TO "&From=Acme&Body=hello%20world&Unknown=ignored");
    json_t *j = client_answer(g);
    size_t n = sizeof fields / sizeof fields[0];
    for (size_t i = 0; i < n; i++)
        if (!json_object_get(j, fields[i]))
            fail_msg("no %s", fields[i]);
    assert_int_equal(json_object_size(j), n);
    assert_string_equal(client_text(j, "account_sid"), g->account.sid.text);
    assert_string_equal(client_text(j, "api_version"), "2010-04-01");
    assert_string_equal(client_text(j, "body"), "hello world");
    assert_string_equal(client_text(j, "direction"), "outbound-api");
    assert_string_equal(client_text(j, "from"), "Acme");
    assert_string_equal(client_text(j, "to"), "+8613800138000");
    assert_string_equal(client_text(j, "num_media"), "0");
    assert_string_equal(client_text(j, "num_segments"), "1");
    assert_string_equal(client_text(j, "status"), "queued");
    assert_true(client_is_null(j, "date_sent") && client_is_null(j, "error_code") &&
                client_is_null(j, "error_message") && client_is_null(j, "price") &&
                client_is_null(j, "messaging_service_sid"));
    const char *date = client_text(j, "date_created");
    assert_true(strlen(date) == 31 && strcmp(date + 25, " +0000") == 0);
    json_decref(j);
}

static void test_create__a_message_is_found_as_it_was_answered(void **state) {
    struct gate *g = *state;
    client_create(g, TO "&Body=%E4%BD%A0%E5%A5%BD&From=%2B15017250604");
    json_t *made = client_answer(g);
    assert_int_equal(client_get(g, client_place(g).text), 200);
    json_t *found = client_answer(g);
    assert_true(json_equal(made, found));
    json_decref(made);
    json_decref(found);
}

static void test_create__without_json_in_the_path_is_the_same(void **state) {
    struct gate *g = *state;
    assert_int_equal(client_post(g, "/Messages", TO "&Body=x"), 201);
    assert_int_equal(client_get(g, client_place(g).text), 200);
    assert_int_equal(client_get(g, "/Messages"), 200);
    assert_int_equal(client_get(g, ""), 200);
}

static void test_create__the_sender_may_be_left_out(void **state) {
    struct gate *g = *state;
    client_create(g, TO "&Body=x");
    json_t *j = client_answer(g);
    assert_true(client_is_null(j, "from"));
    json_decref(j);
}

static void test_create__a_messaging_service_is_kept_and_given_back(void **state) {
    struct gate *g = *state;
    client_create(g, TO "&Body=x&MessagingServiceSid=" SERVICE);
    assert_member(g, "status", "accepted");
    assert_member(g, "messaging_service_sid", SERVICE);
    assert_int_equal(client_get(g, client_place(g).text), 200);
    assert_member(g, "messaging_service_sid", SERVICE);
}

static void test_create__a_message_that_goes_at_once_says_queued(void **state) {
    struct gate *g = *state;
    client_create(g, TO "&Body=x");
    assert_member(g, "status", "queued");
    assert_int_equal(client_get(g, client_place(g).text), 200);
    assert_member(g, "status", "sending");
}

static void test_create__a_content_sid_names_a_template(void **state) {
    struct gate *g = *state;
    client_create(g, TO "&ContentSid=hello&ContentVariables=%7B%22name%22%3A%22Li%22%7D");
    assert_member(g, "body", "Hello Li");
}

static void test_create__scheduled_can_be_canceled(void **state) {
    struct gate *g = *state;
    BUF_AUTO struct buf form = BUF_INIT(512);
    buf_adds(&form, TO "&Body=later&ScheduleType=fixed&SendAt=");
    clock_add_rfc3339(&form, clock_system_us() + 3600 * US_PER_S);
    struct place at = client_create(g, form.p);
    assert_member(g, "status", "scheduled");
    assert_int_equal(client_post(g, at.text, "Status=canceled"), 200);
    assert_member(g, "status", "canceled");
    assert_true(strstr(g->body, "\"error_code\":null") != NULL);
    assert_int_equal(client_post(g, at.text, "Status=canceled"), 200); /* a repeated request */
    assert_member(g, "status", "canceled");
}

static void test_create__an_idempotency_key_makes_one_message(void **state) {
    static const char *const heads[] = {"Idempotency-Key: k1\r\n", "I-Twilio-Idempotency-Token: k2\r\n"};
    struct gate *g = *state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(client_post_with(g, "/Messages.json", heads[i], TO "&Body=x"), 201);
        struct place first = client_place(g);
        assert_int_equal(client_post_with(g, "/Messages.json", heads[i], TO "&Body=x"), 201);
        assert_string_equal(client_place(g).text, first.text);
        assert_header(g, "Idempotency-Replayed", "true");
        client_post_with(g, "/Messages.json", heads[i], TO "&Body=y");
        assert_code(g, 400, 20422);
    }
}

static void test_create__the_status_callbacks_fragment_is_dropped(void **state) {
    struct gate *g = *state;
    struct place at =
        client_create(g, TO "&Body=x&StatusCallback=https%3A%2F%2Fa.example%2Fhook%3Fq%3D1%23rc%3D2");
    BUF_AUTO struct buf target = BUF_INIT(128);
    buf_addf(&target, "/v1/messages%s", strrchr(at.text, '/'));
    assert_int_equal(gate_get(g, target.p), 200);
    assert_member(g, "status_callback", "https://a.example/hook?q=1");
}

static void test_create__a_full_gateway_says_503_and_when_to_come_back(void **state) {
    struct gate *g = *state;
    g->core_stands = true;
    BUF_AUTO struct buf head = BUF_INIT(1024);
    buf_addf(&head, "%sContent-Type: application/x-www-form-urlencoded\r\n", g->basic);
    int first = gate_begin(g, "POST", client_path(g, "/Messages.json").text, head.p, TO "&Body=x");
    for (int i = 0; i < 20; i++)
        gate_turn(g);
    assert_int_equal(client_post(g, "/Messages.json", TO "&Body=y"), 503);
    assert_code(g, 503, 20503);
    assert_header(g, "Retry-After", "1");
    g->core_stands = false;
    assert_int_equal(gate_receive(g, first), 201);
}

/* ---- refusals, by table ---- */

static const struct refusal {
    const char *method, *rest, *form;
    int status, code;
    const char *says;
} refusals[] = {
    {"POST", "/Messages.json", "", 400, 21604, "'To'"},
    {"POST", "/Messages.json", "Body=x", 400, 21604, "+8613800138000"},
    {"POST", "/Messages.json", "To=&Body=x", 400, 21604, "'To'"},
    {"POST", "/Messages.json", "To=abc&Body=x", 400, 21211, "Invalid 'To' Phone Number: "},
    {"POST", "/Messages.json", "To=%2B86138&Body=x", 400, 21211, "Invalid 'To' Phone Number: "},
    {"POST", "/Messages.json", "To=whatsapp%3A%2B8613800138000&Body=x", 400, 63007,
     "no lane is for whatsapp"},
    {"POST", "/Messages.json", TO, 400, 21602, "Message body is required"},
    {"POST", "/Messages.json", TO "&Body=", 400, 21602, "Message body is required"},
    {"POST", "/Messages.json", TO "&Body=x&From=a%0Ab", 400, 21212, "control"},
    {"POST", "/Messages.json", TO "&Body=%FF", 400, 20422, "UTF-8"},
    {"POST", "/Messages.json", TO "&Body=%zz", 400, 20422, ""},
    {"POST", "/Messages.json", TO "&Body=x&MediaUrl=https%3A%2F%2Fa.example%2Fa.png", 400, 21620, "no media"},
    {"POST", "/Messages.json", TO "&Body=x&StatusCallback=a.example", 400, 21609, "Invalid 'StatusCallback'"},
    {"POST", "/Messages.json", TO "&Body=x&StatusCallback=http%3A%2F%2F127.0.0.1%2F", 400, 21609, "private"},
    {"POST", "/Messages.json", TO "&Body=x&ValidityPeriod=0", 400, 21624, "36000"},
    {"POST", "/Messages.json", TO "&Body=x&ValidityPeriod=36001", 400, 21624, "36000"},
    {"POST", "/Messages.json", TO "&Body=x&ValidityPeriod=ten", 400, 21624, "36000"},
    {"POST", "/Messages.json", TO "&Body=x&SmartEncoded=yes", 400, 20422,
     "SmartEncoded: either true or false"},
    {"POST", "/Messages.json", TO "&Body=x&MessagingServiceSid=MG1", 400, 21701, "not needed here"},
    {"POST", "/Messages.json", TO "&Body=x&ScheduleType=fixed", 400, 35111, "SendAt timestamp is missing"},
    {"POST", "/Messages.json", TO "&Body=x&SendAt=2030-01-01T00:00:00Z", 400, 35126, "`fixed`"},
    {"POST", "/Messages.json", TO "&Body=x&ScheduleType=daily&SendAt=2030-01-01T00:00:00Z", 400, 35126,
     "`fixed`"},
    {"POST", "/Messages.json", TO "&Body=x&ScheduleType=fixed&SendAt=soon", 400, 35114, "not a time"},
    {"POST", "/Messages.json", TO "&Body=x&ScheduleType=fixed&SendAt=2020-01-01T00:00:00Z", 400, 35114,
     "passed"},
    {"POST", "/Messages.json", TO "&Body=x&ScheduleType=fixed&SendAt=2099-01-01T00:00:00Z", 400, 35114,
     "year"},
    {"POST", "/Messages.json", TO "&ContentSid=HX0123456789abcdef0123456789abcdef", 400, 21655,
     "no template"},
    {"POST", "/Messages.json", TO "&ContentVariables=%7B%7D", 400, 21654, "ContentSid Required"},
    {"POST", "/Messages.json", TO "&ContentSid=hello&ContentVariables=%5B1%5D", 400, 21656, "JSON object"},
    {"POST", "/Messages.json", TO "&ContentSid=hello&ContentVariables=%7B", 400, 21656, "JSON object"},
    {"POST", "/Messages.json", TO "&ContentSid=hello&Body=x", 400, 20422, "not both"},
    {"POST", "/Messages/SM00000000000000000000000000000000.json", "Status=canceled", 404, 20404,
     "was not found"},
    {"POST", "/Messages/SM00000000000000000000000000000000.json", "Status=sent", 400, 20422, "canceled"},
    {"POST", "/Messages/SM00000000000000000000000000000000.json", "Body=new", 400, 20422, "emptied"},
    {"POST", "/Messages/SM00000000000000000000000000000000.json", "Body=&Status=canceled", 400, 20422, "two"},
    {"POST", "/Messages/SM00000000000000000000000000000000.json", "", 400, 20422, "give Status=canceled"},
    {"GET", "/Messages/SM00000000000000000000000000000000.json", NULL, 404, 20404, "Messages/SM0000"},
    {"GET", "/Messages/nonsense", NULL, 404, 20404, "was not found"},
    {"DELETE", "/Messages/SM00000000000000000000000000000000.json", NULL, 404, 20404, "was not found"},
    {"PUT", "/Messages.json", "", 405, 20004, "Method not allowed"},
    {"GET", "/Calls.json", NULL, 404, 20404, "Calls.json was not found"},
    {"GET", "/Balance.json", NULL, 404, 20404, "Balance.json"},
    {"GET", "/Messages.json?PageSize=1001", NULL, 400, 20007, "Page size too large"},
    {"GET", "/Messages.json?PageSize=0", NULL, 400, 20422, "PageSize"},
    {"GET", "/Messages.json?PageSize=-1", NULL, 400, 20422, "PageSize"},
    {"GET", "/Messages.json?PageToken=PASM1", NULL, 400, 20422, "PageToken"},
    {"GET", "/Messages.json?Page=1", NULL, 400, 20422, "next_page_uri"},
    {"GET", "/Messages.json?DateSent=today", NULL, 400, 20422, "DateSent"},
    {"GET", "/Messages.json?DateSent%3E=2026-13-01", NULL, 400, 20422, "DateSent"},
    {"GET", "/Messages.json?To=%FF", NULL, 400, 20422, "UTF-8"},
};

static void test_refusals__carry_twilios_codes_and_form(void **state) {
    struct gate *g = *state;
    BUF_AUTO struct buf head = BUF_INIT(1024);
    buf_addf(&head, "%sContent-Type: application/x-www-form-urlencoded\r\n", g->basic);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *r = &refusals[i];
        gate_send(g, r->method, client_path(g, r->rest).text, head.p, r->form);
        print_message("# %s %s %s\n", r->method, r->rest, r->form ? r->form : "");
        assert_code(g, r->status, r->code);
        if (!strstr(g->body, r->says))
            fail_msg("no `%s` in %s", r->says, g->body);
    }
}

static void test_refusals__a_text_that_is_too_long(void **state) {
    struct gate *g = *state;
    BUF_AUTO struct buf form = BUF_INIT(8192);
    buf_adds(&form, TO "&Body=");
    for (int i = 0; i < 1601; i++)
        buf_addc(&form, 'a');
    client_post(g, "/Messages.json", form.p);
    assert_code(g, 400, 21617);
}

static void test_refusals__json_in_place_of_a_form(void **state) {
    struct gate *g = *state;
    BUF_AUTO struct buf head = BUF_INIT(1024);
    buf_addf(&head, "%sContent-Type: application/json\r\n", g->basic);
    gate_send(g, "POST", client_path(g, "/Messages.json").text, head.p, "{\"To\":\"+8613800138000\"}");
    assert_code(g, 400, 20422);
    assert_non_null(strstr(g->body, "x-www-form-urlencoded"));
}

static void test_refusals__strangers_and_other_accounts(void **state) {
    struct gate *g = *state;
    struct place at = client_create(g, TO "&Body=secret");
    char target[512];
    snprintf(target, sizeof target, "/2010-04-01/Accounts/%s%s.json", g->account.sid.text, at.text);
    gate_send(g, "GET", target, "", NULL);
    assert_code(g, 401, 20003);
    assert_header(g, "WWW-Authenticate", "Basic realm=\"Twilio API\"");
    gate_send(g, "GET", target, g->bearer_other, NULL); /* another account's key, this account's path */
    assert_code(g, 404, 20404);
    snprintf(target, sizeof target, "/2010-04-01/Accounts/%s%s.json", g->other.sid.text, at.text);
    gate_send(g, "GET", target, g->bearer_other, NULL); /* its own path, this account's message */
    assert_code(g, 404, 20404);
    gate_send(g, "DELETE", target, g->bearer_other, NULL);
    assert_code(g, 404, 20404);
    gate_send(g, "POST", client_path(g, "/Messages.json").text, g->bearer_read, TO "&Body=x");
    assert_code(g, 403, 20403);
    assert_int_equal(gate_send(g, "GET", client_path(g, "/Messages.json").text, g->bearer_read, NULL), 200);
}

/* ---- one that is there ---- */

static void test_message__is_redacted_and_deleted_once_it_is_over(void **state) {
    struct gate *g = *state;
    struct place at = client_create(g, TO "&Body=secret");
    client_post(g, at.text, "Body=");
    assert_code(g, 409, 20009);
    gate_send(g, "DELETE", client_path(g, at.text).text, g->basic, NULL);
    assert_code(g, 409, 20009);
    assert_int_equal(client_post(g, at.text, "Status=canceled"), 200);
    assert_int_equal(client_post(g, at.text, "Body="), 200);
    assert_member(g, "body", "");
    assert_null(strstr(g->body, "secret"));
    assert_int_equal(gate_send(g, "DELETE", client_path(g, at.text).text, g->basic, NULL), 204);
    client_get(g, at.text);
    assert_code(g, 404, 20404);
}

static void test_message__that_is_being_sent_cannot_be_canceled(void **state) {
    struct gate *g = *state;
    struct place at = client_create(g, TO "&Body=x");
    client_post(g, at.text, "Status=canceled");
    assert_code(g, 409, 30409);
}

static void test_message__has_an_empty_list_of_media(void **state) {
    struct gate *g = *state;
    struct place at = client_create(g, TO "&Body=x");
    assert_int_equal(client_get(g, strcat(at.text, "/Media.json")), 200);
    assert_non_null(strstr(g->body, "\"media_list\":[]"));
}

static void test_account__is_shown_without_its_secret(void **state) {
    struct gate *g = *state;
    assert_int_equal(client_get(g, ".json"), 200);
    assert_member(g, "sid", g->account.sid.text);
    assert_member(g, "status", "active");
    assert_null(strstr(g->body, g->account.auth_token));
}

static const struct outcome {
    enum state state;
    enum reason reason;
    int code;
    const char *lane, *status;
    int error_code;
    const char *says;
} outcomes[] = {
    {STATE_DELIVERED, REASON_NONE, 0, "main", "delivered", 0, NULL},
    {STATE_UNDELIVERED, REASON_UNREACHABLE, 30003, "main", "undelivered", 30003,
     "Unreachable destination handset"},
    {STATE_UNDELIVERED, REASON_REJECTED, 30042, "main", "undelivered", 30042, "the provider refused"},
    {STATE_UNDELIVERED, REASON_UNREACHABLE, 4711, "other", "undelivered", 30003, "Unreachable"},
    {STATE_FAILED, REASON_INVALID_NUMBER, 0, "main", "failed", 30005, "Unknown destination handset"},
    {STATE_FAILED, REASON_OUTCOME_UNKNOWN, 0, "main", "failed", 30410, "could not be asked"},
    {STATE_EXPIRED, REASON_EXPIRED, 20429, "main", "failed", 30036, "Validity Period Expired"},
    {STATE_SUPPRESSED, REASON_OPTED_OUT, 0, "", "failed", 21610, "unsubscribed"},
    {STATE_SUPPRESSED, REASON_SCREENED, 0, "", "failed", 30007, "Message filtered: a word list"},
    {STATE_CANCELED, REASON_CANCELED, 0, "", "canceled", 0, NULL},
    {STATE_SENT, REASON_NO_RECEIPT, 0, "main", "sent", 0, NULL},
    {STATE_UNKNOWN, REASON_RECONCILING, 0, "main", "sending", 0, NULL},
    {STATE_QUEUED, REASON_THROTTLED, 20429, "main", "queued", 0, NULL},
};

static void test_message__outcomes_carry_twilios_words_and_codes(void **state) {
    static const char sql[] = "UPDATE message SET state=?, reason=?, code=?, lane=?";
    struct gate *g = *state;
    struct err e = ERR_INIT;
    struct place at = client_create(g, TO "&Body=x");
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        const struct outcome *o = &outcomes[i];
        struct db_stmt *s = db_stmt(g->db, sql, &e);
        assert_non_null(s);
        db_int(s, o->state);
        db_int(s, o->reason);
        db_int(s, o->code);
        db_text(s, sv_of(o->lane));
        assert_true(db_run(s, &e));
        assert_int_equal(client_get(g, at.text), 200);
        json_t *j = client_answer(g);
        assert_string_equal(client_text(j, "status"), o->status);
        assert_int_equal(json_integer_value(json_object_get(j, "error_code")), o->error_code);
        if (o->says ? !strstr(client_text(j, "error_message"), o->says) : !client_is_null(j, "error_message"))
            fail_msg("%s", g->body);
        json_decref(j);
    }
}

static void test_codes__each_stands_once_in_order_and_every_one_named_is_there(void **state) {
    (void)state;
    size_t n;
    const struct twilio_code *c = twilio_code_table(&n);
    for (size_t i = 1; i < n; i++)
        assert_true(c[i - 1].code < c[i].code);
    for (int r = 0; r < REASON_COUNT; r++) {
        int32_t code = owed_twilio_code((enum reason)r);
        assert_true(code == 0 || twilio_code_find(code));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_create__the_answer_has_every_field_of_twilios_and_no_other,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_create__a_message_is_found_as_it_was_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_create__without_json_in_the_path_is_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(test_create__the_sender_may_be_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_create__a_messaging_service_is_kept_and_given_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_create__a_message_that_goes_at_once_says_queued, setup_lane,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_create__a_content_sid_names_a_template, setup, teardown),
        cmocka_unit_test_setup_teardown(test_create__scheduled_can_be_canceled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_create__an_idempotency_key_makes_one_message, setup, teardown),
        cmocka_unit_test_setup_teardown(test_create__the_status_callbacks_fragment_is_dropped, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_create__a_full_gateway_says_503_and_when_to_come_back,
                                        setup_small, teardown),
        cmocka_unit_test_setup_teardown(test_refusals__carry_twilios_codes_and_form, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals__a_text_that_is_too_long, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals__json_in_place_of_a_form, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals__strangers_and_other_accounts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_message__is_redacted_and_deleted_once_it_is_over, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_message__that_is_being_sent_cannot_be_canceled, setup_lane,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_message__has_an_empty_list_of_media, setup, teardown),
        cmocka_unit_test_setup_teardown(test_message__outcomes_carry_twilios_words_and_codes, setup_lane,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_account__is_shown_without_its_secret, setup, teardown),
        cmocka_unit_test(test_codes__each_stands_once_in_order_and_every_one_named_is_there),
    };
    return cmocka_run_group_tests_name("twilio face", tests, NULL, NULL);
}
