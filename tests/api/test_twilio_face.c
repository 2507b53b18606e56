/* The Twilio-compatible API, black box: forms in, Twilio's JSON and error codes out, on the real core and
 * journal. The vendor's own SDKs are in tests/blackbox/twilio_sdk. */
#include "gate.h"

#include "api/twilio.h"
#include "base/clock.h"

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

/* ---- the client ---- */

static char *path(const struct gate *g, const char *rest) {
    static char out[512];
    snprintf(out, sizeof out, "/2010-04-01/Accounts/%s%s", g->account.sid.text, rest);
    return out;
}

static int post_with(struct gate *g, const char *rest, const char *head, const char *form) {
    BUF_AUTO struct buf h = BUF_INIT(4096);
    buf_addf(&h, "%sContent-Type: application/x-www-form-urlencoded\r\n%s", g->basic, head);
    return gate_send(g, "POST", path(g, rest), h.p, form);
}

static int post(struct gate *g, const char *rest, const char *form) {
    return post_with(g, rest, "", form);
}

static int get(struct gate *g, const char *rest) {
    return gate_send(g, "GET", path(g, rest), g->basic, NULL);
}

/* The latest answer; the caller's. */
static json_t *answer(const struct gate *g) {
    json_t *j = json_loads(g->body, JSON_REJECT_DUPLICATES, NULL);
    if (!j)
        fail_msg("not JSON: %s", g->reply);
    return j;
}

static const char *text_of(const json_t *j, const char *name) {
    const char *v = json_string_value(json_object_get(j, name));
    return v ? v : "(none)";
}

static bool is_null(const json_t *j, const char *name) {
    return json_is_null(json_object_get(j, name));
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

/* Where a message is, below the account: "/Messages/SM...". */
struct place {
    char text[MEMBER_BYTES + 16];
};

static struct place place_of(struct gate *g) {
    char sid[MEMBER_BYTES];
    struct place p;
    gate_member(g, "sid", sid);
    snprintf(p.text, sizeof p.text, "/Messages/%s", sid);
    return p;
}

static struct place create(struct gate *g, const char *form) {
    if (post(g, "/Messages.json", form) != 201)
        fail_msg("%s", g->reply);
    return place_of(g);
}

static void assert_code(struct gate *g, int status, int code) {
    json_t *j = answer(g);
    char more[64];
    snprintf(more, sizeof more, "https://www.twilio.com/docs/errors/%d", code);
    if (g->status != status || json_integer_value(json_object_get(j, "code")) != code)
        fail_msg("wanted %d %d: %s", status, code, g->reply);
    assert_int_equal(json_integer_value(json_object_get(j, "status")), status);
    assert_string_equal(text_of(j, "more_info"), more);
    assert_true(strlen(text_of(j, "message")) > 3);
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
    create(g, TO "&From=Acme&Body=hello%20world&Unknown=ignored");
    json_t *j = answer(g);
    size_t n = sizeof fields / sizeof fields[0];
    for (size_t i = 0; i < n; i++)
        if (!json_object_get(j, fields[i]))
            fail_msg("no %s", fields[i]);
    assert_int_equal(json_object_size(j), n);
    assert_string_equal(text_of(j, "account_sid"), g->account.sid.text);
    assert_string_equal(text_of(j, "api_version"), "2010-04-01");
    assert_string_equal(text_of(j, "body"), "hello world");
    assert_string_equal(text_of(j, "direction"), "outbound-api");
    assert_string_equal(text_of(j, "from"), "Acme");
    assert_string_equal(text_of(j, "to"), "+8613800138000");
    assert_string_equal(text_of(j, "num_media"), "0");
    assert_string_equal(text_of(j, "num_segments"), "1");
    assert_string_equal(text_of(j, "status"), "queued");
    assert_true(is_null(j, "date_sent") && is_null(j, "error_code") && is_null(j, "error_message") &&
                is_null(j, "price") && is_null(j, "messaging_service_sid"));
    const char *date = text_of(j, "date_created");
    assert_true(strlen(date) == 31 && strcmp(date + 25, " +0000") == 0);
    json_decref(j);
}

static void test_create__a_message_is_found_as_it_was_answered(void **state) {
    struct gate *g = *state;
    create(g, TO "&Body=%E4%BD%A0%E5%A5%BD&From=%2B15017250604");
    json_t *made = answer(g);
    assert_int_equal(get(g, place_of(g).text), 200);
    json_t *found = answer(g);
    assert_true(json_equal(made, found));
    json_decref(made);
    json_decref(found);
}

static void test_create__without_json_in_the_path_is_the_same(void **state) {
    struct gate *g = *state;
    assert_int_equal(post(g, "/Messages", TO "&Body=x"), 201);
    assert_int_equal(get(g, place_of(g).text), 200);
    assert_int_equal(get(g, "/Messages"), 200);
    assert_int_equal(get(g, ""), 200);
}

static void test_create__the_sender_may_be_left_out(void **state) {
    struct gate *g = *state;
    create(g, TO "&Body=x");
    json_t *j = answer(g);
    assert_true(is_null(j, "from"));
    json_decref(j);
}

static void test_create__a_messaging_service_is_kept_and_given_back(void **state) {
    struct gate *g = *state;
    create(g, TO "&Body=x&MessagingServiceSid=" SERVICE);
    assert_member(g, "status", "accepted");
    assert_member(g, "messaging_service_sid", SERVICE);
    assert_int_equal(get(g, place_of(g).text), 200);
    assert_member(g, "messaging_service_sid", SERVICE);
}

static void test_create__a_message_that_goes_at_once_says_queued(void **state) {
    struct gate *g = *state;
    create(g, TO "&Body=x");
    assert_member(g, "status", "queued");
    assert_int_equal(get(g, place_of(g).text), 200);
    assert_member(g, "status", "sending");
}

static void test_create__a_content_sid_names_a_template(void **state) {
    struct gate *g = *state;
    create(g, TO "&ContentSid=hello&ContentVariables=%7B%22name%22%3A%22Li%22%7D");
    assert_member(g, "body", "Hello Li");
}

static void test_create__scheduled_can_be_canceled(void **state) {
    struct gate *g = *state;
    BUF_AUTO struct buf form = BUF_INIT(512);
    buf_adds(&form, TO "&Body=later&ScheduleType=fixed&SendAt=");
    clock_add_rfc3339(&form, clock_system_us() + 3600 * US_PER_S);
    struct place at = create(g, form.p);
    assert_member(g, "status", "scheduled");
    assert_int_equal(post(g, at.text, "Status=canceled"), 200);
    assert_member(g, "status", "canceled");
    assert_true(strstr(g->body, "\"error_code\":null") != NULL);
    assert_int_equal(post(g, at.text, "Status=canceled"), 200); /* a repeated request */
    assert_member(g, "status", "canceled");
}

static void test_create__an_idempotency_key_makes_one_message(void **state) {
    static const char *const heads[] = {"Idempotency-Key: k1\r\n", "I-Twilio-Idempotency-Token: k2\r\n"};
    struct gate *g = *state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(post_with(g, "/Messages.json", heads[i], TO "&Body=x"), 201);
        struct place first = place_of(g);
        assert_int_equal(post_with(g, "/Messages.json", heads[i], TO "&Body=x"), 201);
        assert_string_equal(place_of(g).text, first.text);
        assert_header(g, "Idempotency-Replayed", "true");
        post_with(g, "/Messages.json", heads[i], TO "&Body=y");
        assert_code(g, 400, 20422);
    }
}

static void test_create__the_status_callbacks_fragment_is_dropped(void **state) {
    struct gate *g = *state;
    struct place at = create(g, TO "&Body=x&StatusCallback=https%3A%2F%2Fa.example%2Fhook%3Fq%3D1%23rc%3D2");
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
    int first = gate_begin(g, "POST", path(g, "/Messages.json"), head.p, TO "&Body=x");
    for (int i = 0; i < 20; i++)
        gate_turn(g);
    assert_int_equal(post(g, "/Messages.json", TO "&Body=y"), 503);
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
    {"POST", "/Messages.json", "To=whatsapp%3A%2B8613800138000&Body=x", 400, 21211, "Invalid 'To'"},
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
        gate_send(g, r->method, path(g, r->rest), head.p, r->form);
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
    post(g, "/Messages.json", form.p);
    assert_code(g, 400, 21617);
}

static void test_refusals__json_in_place_of_a_form(void **state) {
    struct gate *g = *state;
    BUF_AUTO struct buf head = BUF_INIT(1024);
    buf_addf(&head, "%sContent-Type: application/json\r\n", g->basic);
    gate_send(g, "POST", path(g, "/Messages.json"), head.p, "{\"To\":\"+8613800138000\"}");
    assert_code(g, 400, 20422);
    assert_non_null(strstr(g->body, "x-www-form-urlencoded"));
}

static void test_refusals__strangers_and_other_accounts(void **state) {
    struct gate *g = *state;
    struct place at = create(g, TO "&Body=secret");
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
    gate_send(g, "POST", path(g, "/Messages.json"), g->bearer_read, TO "&Body=x");
    assert_code(g, 403, 20403);
    assert_int_equal(gate_send(g, "GET", path(g, "/Messages.json"), g->bearer_read, NULL), 200);
}

/* ---- one that is there ---- */

static void test_message__is_redacted_and_deleted_once_it_is_over(void **state) {
    struct gate *g = *state;
    struct place at = create(g, TO "&Body=secret");
    post(g, at.text, "Body=");
    assert_code(g, 409, 20009);
    gate_send(g, "DELETE", path(g, at.text), g->basic, NULL);
    assert_code(g, 409, 20009);
    assert_int_equal(post(g, at.text, "Status=canceled"), 200);
    assert_int_equal(post(g, at.text, "Body="), 200);
    assert_member(g, "body", "");
    assert_null(strstr(g->body, "secret"));
    assert_int_equal(gate_send(g, "DELETE", path(g, at.text), g->basic, NULL), 204);
    get(g, at.text);
    assert_code(g, 404, 20404);
}

static void test_message__that_is_being_sent_cannot_be_canceled(void **state) {
    struct gate *g = *state;
    struct place at = create(g, TO "&Body=x");
    post(g, at.text, "Status=canceled");
    assert_code(g, 409, 30409);
}

static void test_message__has_an_empty_list_of_media(void **state) {
    struct gate *g = *state;
    struct place at = create(g, TO "&Body=x");
    assert_int_equal(get(g, strcat(at.text, "/Media.json")), 200);
    assert_non_null(strstr(g->body, "\"media_list\":[]"));
}

static void test_account__is_shown_without_its_secret(void **state) {
    struct gate *g = *state;
    assert_int_equal(get(g, ".json"), 200);
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
    struct place at = create(g, TO "&Body=x");
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        const struct outcome *o = &outcomes[i];
        struct db_stmt *s = db_stmt(g->db, sql, &e);
        assert_non_null(s);
        db_int(s, o->state);
        db_int(s, o->reason);
        db_int(s, o->code);
        db_text(s, sv_of(o->lane));
        assert_true(db_run(s, &e));
        assert_int_equal(get(g, at.text), 200);
        json_t *j = answer(g);
        assert_string_equal(text_of(j, "status"), o->status);
        assert_int_equal(json_integer_value(json_object_get(j, "error_code")), o->error_code);
        if (o->says ? !strstr(text_of(j, "error_message"), o->says) : !is_null(j, "error_message"))
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
        int32_t code = twilio_code_of_reason((enum reason)r);
        assert_true(code == 0 || twilio_code_find(code));
    }
}

/* ---- lists ---- */

static size_t count(const json_t *page) {
    return json_array_size(json_object_get(page, "messages"));
}

static const char *body_at(const json_t *page, size_t i) {
    return text_of(json_array_get(json_object_get(page, "messages"), i), "body");
}

static json_t *follow(struct gate *g, const char *uri) {
    assert_int_equal(gate_send(g, "GET", uri, g->basic, NULL), 200);
    return answer(g);
}

static void make_five(struct gate *g) {
    for (int i = 0; i < 5; i++) {
        char form[64];
        snprintf(form, sizeof form, "%s&Body=m%d", TO, i);
        create(g, form);
    }
}

static void test_list__pages_go_forth_and_back_newest_first(void **state) {
    struct gate *g = *state;
    make_five(g);
    create(g, "To=%2B8613900139000&Body=other");
    json_t *first = follow(g, path(g, "/Messages.json?PageSize=2&" TO));
    assert_int_equal(count(first), 2);
    assert_string_equal(body_at(first, 0), "m4");
    assert_true(is_null(first, "previous_page_uri"));
    assert_non_null(
        strstr(text_of(first, "first_page_uri"), "Messages.json?PageSize=2&To=%2B8613800138000&Page=0"));
    json_t *second = follow(g, text_of(first, "next_page_uri"));
    assert_string_equal(body_at(second, 0), "m2");
    assert_int_equal(json_integer_value(json_object_get(second, "page")), 1);
    assert_int_equal(json_integer_value(json_object_get(second, "page_size")), 2);
    assert_int_equal(json_integer_value(json_object_get(second, "start")), 2);
    assert_int_equal(json_integer_value(json_object_get(second, "end")), 3);
    json_t *third = follow(g, text_of(second, "next_page_uri"));
    assert_int_equal(count(third), 1);
    assert_true(is_null(third, "next_page_uri"));
    json_t *back = follow(g, text_of(third, "previous_page_uri"));
    assert_string_equal(body_at(back, 0), "m2");
    assert_string_equal(body_at(back, 1), "m1");
    json_t *start = follow(g, text_of(back, "previous_page_uri"));
    assert_string_equal(body_at(start, 0), "m4");
    assert_true(is_null(start, "previous_page_uri"));
    json_t *again = follow(g, text_of(start, "next_page_uri"));
    assert_string_equal(body_at(again, 0), "m2");
    json_t *all[] = {first, second, third, back, start, again};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        json_decref(all[i]);
}

static void test_list__an_empty_one_has_no_next_page(void **state) {
    struct gate *g = *state;
    json_t *page = follow(g, path(g, "/Messages.json"));
    assert_int_equal(count(page), 0);
    assert_int_equal(json_integer_value(json_object_get(page, "page_size")), 50);
    assert_int_equal(json_integer_value(json_object_get(page, "end")), 0);
    assert_true(is_null(page, "next_page_uri") && is_null(page, "previous_page_uri"));
    json_decref(page);
}

static void test_list__filters_by_number_sender_and_day(void **state) {
    struct gate *g = *state;
    create(g, TO "&From=Acme&Body=a");
    create(g, "To=%2B8613900139000&Body=b");
    BUF_AUTO struct buf now = BUF_INIT(64);
    clock_add_rfc3339(&now, clock_system_us());
    char day[11], query[128];
    snprintf(day, sizeof day, "%.10s", now.p);
    const struct {
        const char *format;
        size_t n;
    } cases[] = {
        {"/Messages.json?To=%%2B8613900139000", 1},
        {"/Messages.json?To=+8613900139000", 1}, /* a + that was not escaped */
        {"/Messages.json?From=Acme", 1},
        {"/Messages.json?From=acme", 0},
        {"/Messages.json?DateSent=%s", 2},
        {"/Messages.json?DateSent=%sT00:00:00Z", 2},
        {"/Messages.json?DateSent%%3E=%s", 2},
        {"/Messages.json?DateSent>=%s", 2},
        {"/Messages.json?DateSent%%3C=%s", 2},
        {"/Messages.json?DateSent%%3C=2020-01-01", 0},
        {"/Messages.json?DateSent%%3E=2099-01-01", 0},
        {"/Messages.json?DateSent%%3E=2020-01-01T00%%3A00%%3A00Z&DateSent%%3C=2099-01-01", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(query, sizeof query, cases[i].format, day);
#pragma GCC diagnostic pop
        json_t *page = follow(g, path(g, query));
        if (count(page) != cases[i].n)
            fail_msg("%s: %zu", query, count(page));
        json_decref(page);
    }
}

static bool read_query(const char *text, struct twilio_query *q) {
    static struct form f;
    struct arena mem;
    struct err e = ERR_INIT;
    arena_init(&mem, 64 * 1024);
    bool ok =
        form_parse(sv_of(text), &mem, &f, &e) && twilio_read_query((struct sip_key){1, 2}, &f, &mem, q, &e);
    arena_done(&mem);
    return ok;
}

static void test_query__days_and_instants_become_half_open_spans(void **state) {
    (void)state;
    const int64_t day = clock_days_of(2026, 1, 2) * 86400 * US_PER_S, noon = day + 43200 * US_PER_S;
    static const struct {
        const char *query;
        int from, until; /* hours after that day's start; -1: open; 100+n: noon and n seconds */
    } cases[] = {
        {"", -1, -1},
        {"DateSent=2026-01-02", 0, 24},
        {"DateSent=2026-01-02T12%3A00%3A00Z", 0, 24},
        {"DateSent%3E=2026-01-02", 0, -1},
        {"DateSent%3C=2026-01-02", -1, 24},
        {"DateSent%3E=2026-01-02T12%3A00%3A00Z", 100, -1},
        {"DateSent%3C=2026-01-02T12%3A00%3A00Z", -1, 101},
        {"DateSent%3E=2026-01-02&DateSent%3C=2026-01-02", 0, 24},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct twilio_query q;
        int64_t want[2], hours[2] = {cases[i].from, cases[i].until};
        for (int j = 0; j < 2; j++)
            want[j] = hours[j] < 0      ? 0
                      : hours[j] >= 100 ? noon + (hours[j] - 100) * US_PER_S
                                        : day + hours[j] * 3600 * US_PER_S;
        assert_true(read_query(cases[i].query, &q));
        assert_int_equal(q.filter.created_from, want[0]);
        assert_int_equal(q.filter.created_until, want[1]);
    }
}

static void test_token__is_read_back_and_no_other_is(void **state) {
    (void)state;
    const struct sip_key key = {1, 2}, foreign = {3, 4};
    struct twilio_query q;
    char text[64];
    snprintf(text, sizeof text, "Page=3&PageToken=%s", twilio_token_of(key, false, 12345).text);
    assert_true(read_query(text, &q));
    assert_int_equal(q.filter.before_id, 12345);
    snprintf(text, sizeof text, "PageToken=%s", twilio_token_of(key, true, 12345).text);
    assert_true(read_query(text, &q));
    assert_int_equal(q.filter.after_id, 12345);
    snprintf(text, sizeof text, "PageToken=%s", twilio_token_of(foreign, false, 12345).text);
    assert_false(read_query(text, &q));
    assert_false(read_query("PageToken=PA", &q));
    assert_false(read_query("PageToken=P", &q));
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
        cmocka_unit_test_setup_teardown(test_list__pages_go_forth_and_back_newest_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list__an_empty_one_has_no_next_page, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list__filters_by_number_sender_and_day, setup, teardown),
        cmocka_unit_test(test_codes__each_stands_once_in_order_and_every_one_named_is_there),
        cmocka_unit_test(test_query__days_and_instants_become_half_open_spans),
        cmocka_unit_test(test_token__is_read_back_and_no_other_is),
    };
    return cmocka_run_group_tests_name("twilio face", tests, NULL, NULL);
}
