/* The native API, black box: requests on a socket, answers checked, against the real core and journal. */
#include "gate.h"

#include "base/clock.h"
#include "model/twilio_sign.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define JSON_HEAD "Content-Type: application/json\r\n"
static const char simple[] = "{\"to\":\"+8613800138000\",\"body\":\"hello\"}";

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

static int setup_few_replies(void **state) {
    *state = gate_open_narrow(64, 1, false);
    return 0;
}

static int teardown(void **state) {
    gate_close(*state);
    return 0;
}

static bool says(const struct gate *g, const char *part) {
    if (strstr(g->body, part))
        return true;
    print_message("# no `%s` in: %s\n", part, g->reply);
    return false;
}

static bool is_json(const struct gate *g) {
    json_t *j = json_loads(g->body, JSON_REJECT_DUPLICATES, NULL);
    bool ok = j != NULL;
    json_decref(j);
    if (!ok)
        print_message("# not JSON: %s\n", g->body);
    return ok;
}

/* ---- refusals, by table ---- */

enum who { NOBODY, CALLER, READER, STRANGER, TOKEN };

struct refusal {
    const char *name, *method, *target;
    enum who who;
    const char *head, *body;
    int status;
    const char *says;
};

static const struct refusal refusals[] = {
    {"no credentials", "POST", "/v1/messages", NOBODY, JSON_HEAD, simple, 401, "/problems/unauthenticated"},
    {"wrong secret", "GET", "/v1/whoami", NOBODY,
     "Authorization: Bearer "
     "SK00000000000000000000000000000000."
     "0000000000000000000000000000000000000000000000000000000000000000\r\n",
     NULL, 401, "not known"},
    {"broken basic", "GET", "/v1/whoami", NOBODY, "Authorization: Basic %%%\r\n", NULL, 401, "not known"},
    {"scope", "POST", "/v1/messages", READER, JSON_HEAD, simple, 403, "`send`"},
    {"no route", "GET", "/v1/nothing", CALLER, "", NULL, 404, "/problems/no-such-address"},
    {"trailing slash", "GET", "/v1/messages/", CALLER, "", NULL, 404, "/problems/no-such-address"},
    {"no method", "PUT", "/v1/messages", CALLER, JSON_HEAD, simple, 405, "POST, GET, HEAD"},
    {"broken escape", "GET", "/v1/messages/SM%zz", CALLER, "", NULL, 400, "%-escape"},
    {"bad id", "GET", "/v1/messages/SM00000000000000000000000000000001", CALLER, "", NULL, 404, "check"},
    {"form", "POST", "/v1/messages", CALLER, "Content-Type: application/x-www-form-urlencoded\r\n", "to=1",
     415, "unsupported-media-type"},
    {"empty", "POST", "/v1/messages", CALLER, JSON_HEAD, "", 400, "the body is empty"},
    {"not JSON", "POST", "/v1/messages", CALLER, JSON_HEAD, "{\"to\":", 400, "syntax error"},
    {"list", "POST", "/v1/messages", CALLER, JSON_HEAD, "[]", 400, "must be a JSON object"},
    {"twice", "POST", "/v1/messages", CALLER, JSON_HEAD, "{\"to\":\"1\",\"to\":\"2\"}", 400, "twice"},
    {"not UTF-8", "POST", "/v1/messages", CALLER, JSON_HEAD, "{\"to\":\"\xff\"}", 400, "UTF-8"},
    {"NUL", "POST", "/v1/messages", CALLER, JSON_HEAD, "{\"to\":\"+8613800138000\",\"body\":\"a\\u0000b\"}",
     400, "NUL"},
    {"deep", "POST", "/v1/messages", CALLER, JSON_HEAD,
     "{\"vars\":{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}", 400,
     "deeper than 32"},
    {"slip", "POST", "/v1/messages", CALLER, JSON_HEAD, "{\"to\":\"+8613800138000\",\"bdoy\":\"x\"}", 400,
     "did you mean `body`?"},
    {"case", "POST", "/v1/messages", CALLER, JSON_HEAD, "{\"To\":\"+8613800138000\",\"body\":\"x\"}", 400,
     "did you mean `to`?"},
    {"unknown", "POST", "/v1/messages", CALLER, JSON_HEAD, "{\"quetzalcoatl\":1}", 400,
     "/problems/unknown-field"},
    {"no to", "POST", "/v1/messages", CALLER, JSON_HEAD, "{\"body\":\"x\"}", 400, "\"field\":\"to\""},
    {"no text", "POST", "/v1/messages", CALLER, JSON_HEAD, "{\"to\":\"+8613800138000\"}", 400,
     "\"field\":\"body\""},
    {"empty text", "POST", "/v1/messages", CALLER, JSON_HEAD, "{\"to\":\"+8613800138000\",\"body\":\"\"}",
     400, "\"field\":\"body\""},
    {"type", "POST", "/v1/messages", CALLER, JSON_HEAD, "{\"to\":8613800138000,\"body\":\"x\"}", 400,
     "`to` must be a string"},
    {"number", "POST", "/v1/messages", CALLER, JSON_HEAD, "{\"to\":\"+86138\",\"body\":\"x\"}", 422,
     "\"field\":\"to\""},
    {"priority", "POST", "/v1/messages", CALLER, JSON_HEAD,
     "{\"to\":\"+8613800138000\",\"body\":\"x\",\"priority\":\"high\"}", 400,
     "otp, transactional, marketing"},
    {"validity", "POST", "/v1/messages", CALLER, JSON_HEAD,
     "{\"to\":\"+8613800138000\",\"body\":\"x\",\"validity_s\":604801}", 400, "from 1 to 604800"},
    {"time", "POST", "/v1/messages", CALLER, JSON_HEAD,
     "{\"to\":\"+8613800138000\",\"body\":\"x\",\"send_at\":\"tomorrow\"}", 400, "RFC 3339"},
    {"past", "POST", "/v1/messages", CALLER, JSON_HEAD,
     "{\"to\":\"+8613800138000\",\"body\":\"x\",\"send_at\":\"2020-01-01T00:00:00Z\"}", 400, "passed"},
    {"far", "POST", "/v1/messages", CALLER, JSON_HEAD,
     "{\"to\":\"+8613800138000\",\"body\":\"x\",\"send_at\":\"2099-01-01T00:00:00Z\"}", 400, "a year ahead"},
    {"callback scheme", "POST", "/v1/messages", CALLER, JSON_HEAD,
     "{\"to\":\"+8613800138000\",\"body\":\"x\",\"status_callback\":\"ftp://a.example/\"}", 400,
     "status_callback"},
    {"callback inside", "POST", "/v1/messages", CALLER, JSON_HEAD,
     "{\"to\":\"+8613800138000\",\"body\":\"x\",\"status_callback\":\"http://127.0.0.1/\"}", 400, "private"},
    {"callback metadata service", "POST", "/v1/messages", CALLER, JSON_HEAD,
     "{\"to\":\"+8613800138000\",\"body\":\"x\",\"status_callback\":\"http://169.254.169.254/latest\"}", 400,
     "private"},
    {"callback hex address", "POST", "/v1/messages", CALLER, JSON_HEAD,
     "{\"to\":\"+8613800138000\",\"body\":\"x\",\"status_callback\":\"http://0x7f000001/\"}", 400, "private"},
    {"callback v6", "POST", "/v1/messages", CALLER, JSON_HEAD,
     "{\"to\":\"+8613800138000\",\"body\":\"x\",\"status_callback\":\"http://[::1]:80/\"}", 400, "private"},
    {"callback password", "POST", "/v1/messages", CALLER, JSON_HEAD,
     "{\"to\":\"+8613800138000\",\"body\":\"x\",\"status_callback\":\"http://a:b@c.example/\"}", 400,
     "password"},
    {"both", "POST", "/v1/messages", CALLER, JSON_HEAD,
     "{\"to\":\"+8613800138000\",\"body\":\"x\",\"template\":\"hello\"}", 400, "not both"},
    {"key", "POST", "/v1/messages", CALLER, JSON_HEAD "Idempotency-Key: in main SM1\r\n", simple, 400,
     "\"field\":\"Idempotency-Key\""},
    {"empty key", "POST", "/v1/messages", CALLER, JSON_HEAD "Idempotency-Key: \r\n", simple, 400,
     "\"field\":\"Idempotency-Key\""},
    {"list filter", "GET", "/v1/messages?stauts=sent", CALLER, "", NULL, 400, "did you mean `status`?"},
    {"list state", "GET", "/v1/messages?status=lost", CALLER, "", NULL, 400, "is one of"},
    {"list limit", "GET", "/v1/messages?limit=1001", CALLER, "", NULL, 400, "from 1 to 1000"},
    {"list cursor", "GET", "/v1/messages?cursor=SM12", CALLER, "", NULL, 400, "cursor"},
    {"list twice", "GET", "/v1/messages?limit=1&limit=2", CALLER, "", NULL, 400, "twice"},
    {"preview both", "POST", "/v1/templates/preview", CALLER, JSON_HEAD, "{}", 400, "either"},
    {"preview absent", "POST", "/v1/templates/preview", CALLER, JSON_HEAD, "{\"template\":\"nope\"}", 422,
     "nope"},
    {"send from afar", "POST", "/send", NOBODY, JSON_HEAD "X-Forwarded-For: 1.2.3.4\r\n",
     "{\"to\":\"+8613800138000\",\"message\":\"x\"}", 401, "unauthenticated"},
    {"send from a web page", "POST", "/send", NOBODY,
     "Content-Type: application/x-www-form-urlencoded\r\nOrigin: http://evil.example\r\n",
     "to=%2B8613800138000&message=x", 401, "unauthenticated"},
    {"send field", "POST", "/send", CALLER, JSON_HEAD, "{\"to\":\"+8613800138000\",\"body\":\"x\"}", 400,
     "unknown-field"},
    {"hook lane", "POST", "/hooks/nolane/status", NOBODY, "", "a=b", 404, "/hooks/LANE/status"},
    {"problem", "GET", "/problems/nothing", NOBODY, "", NULL, 404, "/problems/not-found"},
};

static void test_refusals__each_names_what_is_wrong(void **state) {
    struct gate *g = *state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *r = &refusals[i];
        const char *const whose[] = {[NOBODY] = "",
                                     [CALLER] = g->bearer,
                                     [READER] = g->bearer_read,
                                     [STRANGER] = g->bearer_other,
                                     [TOKEN] = g->basic};
        BUF_AUTO struct buf head = BUF_INIT(2048);
        char type[MEMBER_BYTES], id[MEMBER_BYTES], instance[MEMBER_BYTES];
        buf_addf(&head, "%s%s", whose[r->who], r->head);
        int status = gate_send(g, r->method, r->target, head.p ? head.p : "", r->body);
        if (status != r->status)
            print_message("# %s: %s\n", r->name, g->reply);
        assert_int_equal(status, r->status);
        assert_true(says(g, r->says) && is_json(g));
        gate_header(g, "Content-Type", type);
        gate_header(g, "X-Request-Id", id);
        gate_member(g, "instance", instance);
        assert_string_equal(type, "application/problem+json");
        assert_string_equal(id, instance);
    }
    assert_int_equal(gate_get(g, "/v1/messages"), 200);
    assert_string_equal(g->body, "{\"data\":[],\"next_cursor\":null}");
}

static void test_refusals__a_401_says_how_and_a_405_what_instead(void **state) {
    struct gate *g = *state;
    char value[MEMBER_BYTES];
    gate_send(g, "GET", "/v1/whoami", "", NULL);
    gate_header(g, "WWW-Authenticate", value);
    assert_string_equal(value, "Bearer realm=\"hongyan\", Basic realm=\"hongyan\"");
    gate_send(g, "PATCH", "/v1/messages/x", "", NULL);
    gate_header(g, "Allow", value);
    assert_int_equal(g->status, 405);
    assert_string_equal(value, "GET, HEAD, DELETE");
}

/* ---- creating and reading ---- */

static void test_create__the_answer_names_the_stored_message(void **state) {
    struct gate *g = *state;
    char id[MEMBER_BYTES], location[MEMBER_BYTES], want[512], created[MEMBER_BYTES], expires[MEMBER_BYTES];
    assert_int_equal(
        gate_post(
            g, "/v1/messages",
            "{\"to\":\"138 0013 8000\",\"from\":\"Hongyan\",\"body\":\"你好\",\"priority\":\"otp\",\"topic\":"
            "\"login\",\"metadata\":{\"order\":7,\"名\":\"值\"},\"status_callback\":\"https://a.example/cb\","
            "\"delivery\":\"at_least_once\",\"validity_s\":60,\"send_at\":null}"),
        202);
    assert_true(is_json(g) && says(g, "\"status\":\"queued\",\"reason\":\"no_lane\""));
    assert_true(
        says(g, "\"to\":\"+8613800138000\",\"from\":\"Hongyan\",\"encoding\":\"UCS-2\",\"segments\":1"));
    gate_member(g, "id", id);
    gate_member(g, "created_at", created);
    gate_member(g, "expires_at", expires);
    gate_header(g, "Location", location);
    snprintf(want, sizeof want, "/v1/messages/%s", id);
    assert_string_equal(location, want);
    assert_int_equal(gate_get(g, location), 200);
    assert_true(is_json(g) && says(g, id) && says(g, created) && says(g, expires));
    assert_true(says(g, "\"metadata\":{\"order\":7,\"名\":\"值\"}") && says(g, "\"body\":\"你好\""));
    assert_true(says(g, "\"priority\":\"otp\"") && says(g, "\"delivery\":\"at_least_once\"") &&
                says(g, "\"topic\":\"login\""));
    assert_true(says(g, "\"waiting_for\":\"lane\"") &&
                says(g, "\"status_callback\":\"https://a.example/cb\""));
}

static void test_create__a_time_ahead_moves_the_end_of_validity(void **state) {
    struct gate *g = *state;
    char body[256], location[MEMBER_BYTES], expires[MEMBER_BYTES];
    BUF_AUTO struct buf at = BUF_INIT(64);
    int64_t send_at = clock_system_us() / US_PER_S * US_PER_S + 3600 * US_PER_S;
    clock_add_rfc3339(&at, send_at);
    snprintf(body, sizeof body,
             "{\"to\":\"+8613800138000\",\"body\":\"x\",\"send_at\":\"%s\",\"validity_s\":60}", at.p);
    assert_int_equal(gate_post(g, "/v1/messages", body), 202);
    assert_true(says(g, "\"status\":\"scheduled\""));
    gate_member(g, "expires_at", expires);
    int64_t end;
    assert_true(clock_parse_rfc3339(sv_of(expires), &end));
    assert_in_range(end, send_at + 59 * US_PER_S, send_at + 61 * US_PER_S);
    gate_header(g, "Location", location);
    gate_get(g, location);
    assert_true(says(g, expires) && says(g, "\"waiting_for\":\"send_at\""));
}

static void test_create__templates_are_rendered(void **state) {
    struct gate *g = *state;
    char location[MEMBER_BYTES];
    assert_int_equal(
        gate_post(g, "/v1/messages",
                  "{\"to\":\"+8613800138000\",\"template\":\"hello\",\"vars\":{\"name\":\"Li\"}}"),
        202);
    gate_header(g, "Location", location);
    gate_get(g, location);
    assert_true(says(g, "\"body\":\"Hello Li\",\"template\":\"hello\""));
    assert_int_equal(
        gate_post(g, "/v1/templates/preview", "{\"template\":\"hello\",\"vars\":{\"name\":\"Li\"}}"), 200);
    assert_true(says(g, "{\"text\":\"Hello Li\"") &&
                says(g, "\"encoding\":\"GSM-7\",\"segments\":1,\"units\":8,\"units_left\":152,"
                        "\"forced_ucs2\":[],"));
    assert_int_equal(
        gate_post(g, "/v1/templates/preview", "{\"source\":\"Hi {{ name }}\",\"vars\":{\"name\":\"李\"}}"),
        200);
    assert_true(says(g, "{\"text\":\"Hi 李\"") &&
                says(g, "\"encoding\":\"UCS-2\",\"segments\":1,\"units\":4,\"units_left\":66,"
                        "\"forced_ucs2\":[\"李\"],\"gsm7_segments\":1,\"gsm7_units\":4,"));
}

static int post_keyed(struct gate *g, const char *key, const char *json) {
    BUF_AUTO struct buf head = BUF_INIT(1024);
    buf_addf(&head, "%s" JSON_HEAD "Idempotency-Key: %s\r\n", g->bearer, key);
    return gate_send(g, "POST", "/v1/messages", head.p, json);
}

static void test_create__a_trace_context_is_kept_when_it_is_one(void **state) {
    static const struct {
        const char *given, *kept; /* NULL: null */
    } cases[] = {
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
         "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
        {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-new",
         "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-new", NULL},
        {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", NULL},
        {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", NULL},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", NULL},
        {"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", NULL},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", NULL},
        {"-", NULL},
    };
    struct gate *g = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BUF_AUTO struct buf head = BUF_INIT(1024), want = BUF_INIT(256);
        char location[MEMBER_BYTES];
        buf_addf(&head, "%s" JSON_HEAD "traceparent: %s\r\n", g->bearer, cases[i].given);
        assert_int_equal(gate_send(g, "POST", "/v1/messages", head.p, simple), 202);
        gate_header(g, "Location", location);
        gate_get(g, location);
        const char *quote = cases[i].kept ? "\"" : "";
        buf_addf(&want, "\"traceparent\":%s%s%s,", quote, cases[i].kept ? cases[i].kept : "null", quote);
        assert_true(says(g, want.p));
    }
}

static void test_idempotency__one_key_makes_one_message(void **state) {
    struct gate *g = *state;
    char first[MEMBER_BYTES], again[MEMBER_BYTES], replayed[MEMBER_BYTES];
    assert_int_equal(post_keyed(g, "k1", simple), 202);
    gate_member(g, "id", first);
    BUF_AUTO struct buf body = BUF_INIT(4096);
    buf_adds(&body, g->body);
    gate_header(g, "Idempotency-Replayed", replayed);
    assert_string_equal(replayed, "");
    assert_int_equal(post_keyed(g, "k1", simple), 202);
    gate_member(g, "id", again);
    gate_header(g, "Idempotency-Replayed", replayed);
    assert_string_equal(again, first);
    assert_string_equal(replayed, "true");
    assert_string_equal(g->body, body.p);
    assert_int_equal(post_keyed(g, "k1", "{\"to\":\"+8613800138000\",\"body\":\"other\"}"), 422);
    assert_true(says(g, "/problems/idempotency-key-reused"));
    assert_int_equal(g->meters.counters[COUNT_IDEMPOTENT_REPLAYS], 1);
}

static void test_idempotency__a_key_in_flight_is_a_conflict(void **state) {
    struct gate *g = *state;
    BUF_AUTO struct buf head = BUF_INIT(1024);
    buf_addf(&head, "%s" JSON_HEAD "Idempotency-Key: k2\r\n", g->bearer);
    g->journal_stands = true;
    int slow = gate_begin(g, "POST", "/v1/messages", head.p, simple);
    for (int i = 0; i < 20; i++)
        gate_turn(g);
    assert_int_equal(post_keyed(g, "k2", simple), 409);
    assert_true(says(g, "/problems/idempotency-key-in-flight"));
    g->journal_stands = false;
    assert_int_equal(gate_receive(g, slow), 202);
}

static void test_list__pages_go_newest_first_without_gap_or_repeat(void **state) {
    struct gate *g = *state;
    char cursor[MEMBER_BYTES], target[512];
    for (int i = 0; i < 5; i++) {
        char json[128];
        snprintf(json, sizeof json, "{\"to\":\"+861380013800%d\",\"body\":\"n%d\"}", i % 2, i);
        assert_int_equal(gate_post(g, "/v1/messages", json), 202);
    }
    assert_int_equal(gate_get(g, "/v1/messages?limit=2"), 200);
    assert_true(is_json(g) && says(g, "\"n4\"") && says(g, "\"n3\""));
    gate_member(g, "next_cursor", cursor);
    snprintf(target, sizeof target, "/v1/messages?limit=2&cursor=%s", cursor);
    assert_int_equal(gate_get(g, target), 200);
    assert_true(says(g, "\"n2\"") && says(g, "\"n1\""));
    gate_member(g, "next_cursor", cursor);
    snprintf(target, sizeof target, "/v1/messages?limit=2&cursor=%s", cursor);
    assert_int_equal(gate_get(g, target), 200);
    assert_true(says(g, "\"n0\"") && says(g, "\"next_cursor\":null"));
    /* A + that was not escaped reads as a space. */
    gate_get(
        g,
        "/v1/messages?to=+8613800138001&status=queued&direction=outbound&created_from=2020-01-01T00:00:00Z");
    assert_true(says(g, "\"n1\"") && says(g, "\"n3\"") && !strstr(g->body, "\"n2\""));
    gate_get(g, "/v1/messages?created_until=2020-01-01T00:00:00Z");
    assert_string_equal(g->body, "{\"data\":[],\"next_cursor\":null}");
}

static void test_accounts__one_does_not_see_the_other(void **state) {
    struct gate *g = *state;
    char location[MEMBER_BYTES], target[512];
    gate_post(g, "/v1/messages", simple);
    gate_header(g, "Location", location);
    static const char *const parts[] = {"", "/events", "/attempts"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(target, sizeof target, "%s%s", location, parts[i]);
        assert_int_equal(gate_send(g, "GET", target, g->bearer_other, NULL), 404);
    }
    snprintf(target, sizeof target, "%s/cancel", location);
    assert_int_equal(gate_send(g, "POST", target, g->bearer_other, ""), 404);
    assert_int_equal(gate_send(g, "DELETE", location, g->bearer_other, NULL), 404);
    gate_send(g, "GET", "/v1/messages", g->bearer_other, NULL);
    assert_string_equal(g->body, "{\"data\":[],\"next_cursor\":null}");
    assert_int_equal(gate_get(g, location), 200);
}

static void test_commands__cancel_redact_delete(void **state) {
    struct gate *g = *state;
    char location[MEMBER_BYTES], target[512];
    gate_post(g, "/v1/messages", simple);
    gate_header(g, "Location", location);
    assert_int_equal(gate_send(g, "DELETE", location, g->bearer, NULL), 409);
    assert_true(says(g, "/problems/too-late") && says(g, "`queued`"));
    snprintf(target, sizeof target, "%s/cancel", location);
    assert_int_equal(gate_post(g, target, ""), 200);
    assert_true(is_json(g) && says(g, "\"status\":\"canceled\"") && says(g, "\"waiting_for\":null"));
    snprintf(target, sizeof target, "%s/events", location);
    assert_int_equal(gate_get(g, target), 200);
    assert_true(is_json(g) && says(g, "\"number\":1,") &&
                says(g, "\"status\":\"canceled\",\"reason\":\"canceled\""));
    snprintf(target, sizeof target, "%s/redact", location);
    assert_int_equal(gate_post(g, target, ""), 200);
    assert_true(says(g, "\"body\":\"\""));
    assert_int_equal(gate_send(g, "DELETE", location, g->bearer, NULL), 204);
    assert_int_equal(gate_get(g, location), 404);
}

/* ---- /send ---- */

#define TEXT(lit)                                                                                            \
    { .p = lit, .n = sizeof(lit) - 1 }
/* Settings, and which of them forbids a request without a key. */
static const struct {
    struct sv listen, public_url;
    const char *forbids;
} reaches[] = {
    {TEXT("127.0.0.1:8080"), TEXT(""), NULL},
    {TEXT("127.0.0.1:8080"), TEXT("http://127.0.0.1:8080"), NULL},
    {TEXT("[::1]:8080"), TEXT("http://[::1]:8080/gw"), NULL},
    {TEXT("127.0.0.2:80"), TEXT("https://LocalHost"), NULL},
    {TEXT("127.0.0.1:8080"), TEXT("https://sms.example.com"), "`public_url`"},
    {TEXT("127.0.0.1:8080"), TEXT("http://127.0.0.1.example.com"), "`public_url`"},
    {TEXT("127.0.0.1:8080"), TEXT("http://10.0.0.7:8080"), "`public_url`"},
    {TEXT("127.0.0.1:8080"), TEXT("http://example.com/127.0.0.1"), "`public_url`"},
    {TEXT("0.0.0.0:8080"), TEXT(""), "`listen`"},
    {TEXT("[::]:8080"), TEXT("http://127.0.0.1:8080"), "`listen`"},
    {TEXT("192.0.2.1:8080"), TEXT("http://127.0.0.1:8080"), "`listen`"},
};

static void test_send__needs_a_key_where_a_proxy_may_stand_in_front(void **state) {
    static const char body[] = "{\"to\":\"+8613800138000\",\"message\":\"x\"}";
    struct gate *g = *state;
    for (size_t i = 0; i < sizeof reaches / sizeof reaches[0]; i++) {
        g->settings.listen = reaches[i].listen;
        g->settings.public_url = reaches[i].public_url;
        if (gate_send(g, "POST", "/send", JSON_HEAD, body) != (reaches[i].forbids ? 401 : 202))
            fail_msg("%.*s, %.*s: %s", SV_FMT(reaches[i].listen), SV_FMT(reaches[i].public_url), g->reply);
        assert_true(!reaches[i].forbids || (says(g, reaches[i].forbids) && says(g, "hongyan key create")));
        assert_int_equal(gate_send(g, "POST", "/send", g->bearer, body), 202);
    }
}

static void test_send__takes_json_and_form_without_a_key_from_this_machine(void **state) {
    struct gate *g = *state;
    g->settings.public_url = SV_NONE;
    assert_int_equal(
        gate_send(g, "POST", "/send", JSON_HEAD, "{\"to\":\"+8613800138000\",\"message\":\"one\"}"), 202);
    assert_true(says(g, "\"status\":\"queued\""));
    assert_int_equal(gate_send(g, "POST", "/send", "Content-Type: application/x-www-form-urlencoded\r\n",
                               "to=%2B8613800138000&message=two+words"),
                     202);
    gate_get(g, "/v1/messages");
    assert_true(says(g, "\"body\":\"one\"") && says(g, "\"body\":\"two words\""));
    assert_int_equal(
        gate_send(g, "POST", "/send", g->bearer_read, "{\"to\":\"+8613800138000\",\"message\":\"x\"}"), 403);
}

/* ---- full and stopping ---- */

static void test_full__what_finds_no_room_is_pushed_back_and_the_rest_goes_on(void **state) {
    struct gate *g = *state;
    BUF_AUTO struct buf head = BUF_INIT(1024);
    char retry[MEMBER_BYTES];
    buf_addf(&head, "%s" JSON_HEAD, g->bearer);
    g->core_stands = true;
    int first = gate_begin(g, "POST", "/v1/messages", head.p, simple);
    for (int i = 0; i < 20; i++)
        gate_turn(g);
    assert_int_equal(gate_send(g, "POST", "/v1/messages", head.p, simple), 503);
    gate_header(g, "Retry-After", retry);
    assert_true(says(g, "/problems/busy"));
    assert_string_equal(retry, "1");
    assert_int_equal(g->meters.counters[COUNT_PUSHED_BACK], 1);
    g->core_stands = false;
    assert_int_equal(gate_receive(g, first), 202);
}

static void test_full__no_more_is_asked_than_the_replies_have_room_for(void **state) {
    struct gate *g = *state;
    BUF_AUTO struct buf head = BUF_INIT(1024);
    buf_addf(&head, "%s" JSON_HEAD, g->bearer);
    g->core_stands = true;
    int first = gate_begin(g, "POST", "/v1/messages", head.p, simple);
    for (int i = 0; i < 20; i++)
        gate_turn(g);
    assert_int_equal(gate_send(g, "POST", "/v1/messages", head.p, simple), 503);
    assert_int_equal(mailbox_fill(g->mail.asks), 1);
    g->core_stands = false;
    assert_int_equal(gate_receive(g, first), 202);
}

/* What goes on after a refusal would do so with a request that is over: the sanitizers see it. */
static void test_full__a_patch_that_is_turned_away_is_over_at_once(void **state) {
    struct gate *g = *state;
    BUF_AUTO struct buf head = BUF_INIT(1024), body = BUF_INIT(16384);
    buf_addf(&head, "%s" JSON_HEAD, g->bearer);
    buf_addf(&body, "{\"attributes\":{\"long\":\"%06000d\"}}", 0); /* more than a block of its memory */
    assert_int_equal(gate_send(g, "PUT", "/v1/contacts/ann", head.p, body.p), 201);
    g->core_stands = true;
    int first = gate_begin(g, "POST", "/v1/messages", head.p, simple);
    for (int i = 0; i < 20; i++)
        gate_turn(g);
    assert_int_equal(gate_send(g, "PATCH", "/v1/contacts/ann", head.p, body.p), 503);
    g->core_stands = false;
    assert_int_equal(gate_receive(g, first), 202);
    assert_int_equal(gate_send(g, "PATCH", "/v1/contacts/ann", head.p, body.p), 200);
}

static void test_explain__an_answer_is_the_last_thing_done_with_its_request(void **state) {
    struct gate *g = *state;
    assert_int_equal(gate_post(g, "/v1/route/explain", simple), 200);
    assert_true(says(g, "\"decisions\":["));
    assert_int_equal(gate_post(g, "/v1/route/explain", "{\"to\":\"12\",\"body\":\"x\"}"), 200);
    assert_true(says(g, "\"outcome\":\"refused\""));
}

static void test_drain__new_messages_are_refused_and_connections_closed(void **state) {
    struct gate *g = *state;
    BUF_AUTO struct buf head = BUF_INIT(1024);
    char value[MEMBER_BYTES];
    buf_addf(&head, "%s" JSON_HEAD, g->bearer);
    g->core_stands = true;
    int held = gate_begin(g, "POST", "/v1/messages", head.p, simple);
    int late = gate_begin(g, "POST", "/v1/messages", "", NULL); /* connected before, asks after */
    for (int i = 0; i < 20; i++)
        gate_turn(g);
    (void)late;
    front_drain(g->front);
    assert_false(front_is_idle(g->front));
    for (int i = 0; i < 5; i++)
        gate_turn(g);
    assert_false(front_is_idle(g->front));
    g->core_stands = false;
    assert_int_equal(gate_receive(g, held), 202);
    gate_header(g, "Connection", value);
    assert_string_equal(value, "close");
    for (int i = 0; i < 20; i++)
        gate_turn(g);
    assert_true(front_is_idle(g->front));
    gate_receive(g, late);
}

static void test_settings__an_offer_is_taken_over_at_the_next_run(void **state) {
    struct gate *g = *state;
    struct settings other = g->settings;
    struct err e = ERR_INIT;
    other.limits.body_chars_max = 3;
    assert_true(front_offer(g->front, &other, g->texts, &e));
    assert_false(front_has_taken(g->front, &other));
    assert_int_equal(gate_post(g, "/v1/messages", simple), 422);
    assert_true(front_has_taken(g->front, &other));
    assert_true(front_offer(g->front, &g->settings, g->texts, &e));
    gate_turn(g);
}

/* ---- providers' callbacks ---- */

static int hook(struct gate *g, const char *target, const char *body, bool forge) {
    BUF_AUTO struct buf url = BUF_INIT(1024), head = BUF_INIT(1024), sign = BUF_INIT(256);
    struct arena mem;
    struct form f;
    struct err e = ERR_INIT;
    arena_init(&mem, 65536);
    assert_true(form_parse(sv_of(body), &mem, &f, &e));
    buf_addf(&url, "http://gateway.test%s", target);
    twilio_sign(forge ? SV("0") : SV("0123456789abcdef0123456789abcdef"), buf_sv(&url), &f, &sign);
    buf_addf(&head, "Content-Type: application/x-www-form-urlencoded\r\nX-Twilio-Signature: %s\r\n", sign.p);
    arena_done(&mem);
    return gate_send(g, "POST", target, head.p, body);
}

#define SID "SM00000000000000000000000000000001"

static void test_hooks__a_receipt_moves_its_message_and_a_forged_one_does_not(void **state) {
    struct gate *g = *state;
    char location[MEMBER_BYTES], id[MEMBER_BYTES], target[256];
    int64_t number;
    gate_post(g, "/v1/messages", simple);
    assert_true(says(g, "\"status\":\"sending\""));
    gate_header(g, "Location", location);
    gate_member(g, "id", id);
    assert_true(sid_parse_message(g->world.id_key, sv_of(id), &number));
    struct attempt_token token = token_of(g->world.id_key, number, 1);
    snprintf(target, sizeof target, "/hooks/main/status?t=%s", token.text);
    const char form[] = "MessageSid=" SID "&MessageStatus=delivered&To=%2B8613800138000";
    assert_int_equal(hook(g, target, form, true), 403);
    assert_true(says(g, "/problems/forged-callback"));
    assert_int_equal(g->meters.counters[COUNT_RECEIPTS_REFUSED], 1);
    gate_get(g, location);
    assert_true(says(g, "\"status\":\"sending\""));
    assert_int_equal(g->meters.counters[COUNT_RECEIPTS], 0);
    assert_int_equal(hook(g, target, form, false), 204);
    gate_get(g, location);
    assert_true(says(g, "\"status\":\"delivered\"") && says(g, SID));
}

static void test_hooks__an_inbound_text_is_stored_once(void **state) {
    struct gate *g = *state;
    char type[MEMBER_BYTES];
    gate_send(g, "POST", "/v1/messages", g->bearer_other, simple); /* so a reply from that number is theirs */
    const char form[] = "MessageSid=" SID "&From=%2B8613800138000&To=%2B15005550006&Body=yes%20please";
    for (int i = 0; i < 2; i++) {
        assert_int_equal(hook(g, "/hooks/main/inbound", form, false), 200);
        gate_header(g, "Content-Type", type);
        assert_string_equal(type, "text/xml");
    }
    gate_get(g, "/v1/messages?direction=inbound");
    assert_string_equal(g->body, "{\"data\":[],\"next_cursor\":null}");
    gate_send(g, "GET", "/v1/messages?direction=inbound", g->bearer_other, NULL);
    assert_true(is_json(g) && says(g, "\"status\":\"received\"") && says(g, "\"from\":\"+8613800138000\""));
    assert_true(says(g, "\"body\":\"yes please\"") && says(g, "\"provider\":\"main\"") && says(g, SID));
    json_t *j = json_loads(g->body, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(j, "data")), 1);
    json_decref(j);
    assert_int_equal(hook(g, "/hooks/main/inbound", form, true), 403);
    assert_int_equal(hook(g, "/hooks/main/nonsense", form, false), 404);
}

static void test_hooks__a_receipt_without_room_is_asked_for_again(void **state) {
    struct gate *g = *state;
    const char form[] = "MessageSid=" SID "&MessageStatus=delivered&To=%2B8613800138000";
    assert_int_equal(hook(g, "/hooks/main/status", form, false), 204); /* about nothing of ours: heard */
    void *items[64] = {0};
    static struct ask stuck;
    for (size_t i = 0; i < 64; i++)
        items[i] = &stuck;
    g->core_stands = true;
    assert_int_equal(mailbox_put(g->mail.receipts, items, 64), 64);
    assert_int_equal(hook(g, "/hooks/main/status", form, false), 503);
    assert_int_equal(mailbox_take(g->mail.receipts, items, 64), 64);
    g->core_stands = false;
}

/* A status of the future. */
static void test_hooks__a_post_that_says_nothing_new_is_answered_once(void **state) {
    struct gate *g = *state;
    assert_int_equal(hook(g, "/hooks/main/status", "MessageSid=" SID "&MessageStatus=pondering", false), 204);
    assert_int_equal(g->meters.counters[COUNT_RECEIPTS], 0);
}

/* ---- pages ---- */

static void test_pages__health_ready_metrics_landing_problems(void **state) {
    struct gate *g = *state;
    assert_int_equal(gate_send(g, "GET", "/healthz", "", NULL), 200);
    assert_int_equal(gate_send(g, "HEAD", "/healthz", "", NULL), 200);
    assert_int_equal(gate_send(g, "GET", "/readyz", "", NULL), 200);
    meter_set(&g->meters, GAUGE_JOURNAL_HEALTHY, 0);
    assert_int_equal(gate_send(g, "GET", "/readyz", "", NULL), 503);
    assert_true(is_json(g) && says(g, "does not take writes"));
    assert_int_equal(gate_send(g, "GET", "/metrics", "", NULL), 200);
    assert_true(says(g, "sms_"));
    assert_int_equal(gate_send(g, "GET", "/", "", NULL), 200);
    assert_true(says(g, "短信网关"));
    assert_int_equal(gate_send(g, "GET", "/problems/busy", "", NULL), 200);
    assert_int_equal(gate_get(g, "/v1/whoami"), 200);
    assert_true(is_json(g) && says(g, "\"scopes\":\"send,read,admin\"") && says(g, g->account.sid.text));
    assert_int_equal(gate_send(g, "GET", "/v1/whoami", g->basic, NULL), 200);
}

/* Each member of an answer is in its schema, and each member the schema requires is in the answer. */
static void same_members(json_t *schemas, const char *name, json_t *object) {
    json_t *schema = json_object_get(schemas, name), *properties = json_object_get(schema, "properties");
    assert_non_null(properties);
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        if (!json_object_get(properties, key))
            fail_msg("%s: `%s` is not in the schema", name, key);
    }
    json_object_foreach(properties, key, value) {
        if (!json_object_get(object, key))
            fail_msg("%s: `%s` is not in the answer", name, key);
    }
}

static void test_openapi__says_what_the_answers_have(void **state) {
    struct gate *g = *state;
    char location[MEMBER_BYTES], target[512];
    assert_int_equal(gate_send(g, "GET", "/openapi.json", "", NULL), 200);
    json_t *doc = json_loads(g->body, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(doc);
    json_t *schemas = json_object_get(json_object_get(doc, "components"), "schemas");
    gate_post(g, "/v1/messages", simple);
    gate_header(g, "Location", location);
    static const struct {
        const char *suffix, *schema;
        bool list;
    } answers[] = {{"", "Message", false}, {"/events", "Event", true}, {"/attempts", "Attempt", true}};
    json_t *brief = json_loads(g->body, 0, NULL);
    same_members(schemas, "MessageBrief", brief);
    json_decref(brief);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        snprintf(target, sizeof target, "%s%s", location, answers[i].suffix);
        assert_int_equal(gate_get(g, target), 200);
        json_t *j = json_loads(g->body, 0, NULL);
        json_t *object = answers[i].list ? json_array_get(json_object_get(j, "data"), 0) : j;
        assert_non_null(object);
        same_members(schemas, answers[i].schema, object);
        json_decref(j);
    }
    gate_get(g, "/v1/whoami");
    json_t *who = json_loads(g->body, 0, NULL);
    same_members(schemas, "Whoami", who);
    json_decref(who);
    json_decref(doc);
}

int main(void) {
#define WITH(setup_, test) cmocka_unit_test_setup_teardown(test, setup_, teardown)
    const struct CMUnitTest tests[] = {
        WITH(setup, test_refusals__each_names_what_is_wrong),
        WITH(setup, test_refusals__a_401_says_how_and_a_405_what_instead),
        WITH(setup, test_create__the_answer_names_the_stored_message),
        WITH(setup, test_create__a_time_ahead_moves_the_end_of_validity),
        WITH(setup, test_create__templates_are_rendered),
        WITH(setup, test_create__a_trace_context_is_kept_when_it_is_one),
        WITH(setup, test_idempotency__one_key_makes_one_message),
        WITH(setup, test_idempotency__a_key_in_flight_is_a_conflict),
        WITH(setup, test_list__pages_go_newest_first_without_gap_or_repeat),
        WITH(setup, test_accounts__one_does_not_see_the_other),
        WITH(setup, test_commands__cancel_redact_delete),
        WITH(setup, test_send__needs_a_key_where_a_proxy_may_stand_in_front),
        WITH(setup, test_send__takes_json_and_form_without_a_key_from_this_machine),
        WITH(setup_small, test_full__what_finds_no_room_is_pushed_back_and_the_rest_goes_on),
        WITH(setup_few_replies, test_full__no_more_is_asked_than_the_replies_have_room_for),
        WITH(setup_few_replies, test_full__a_patch_that_is_turned_away_is_over_at_once),
        WITH(setup, test_explain__an_answer_is_the_last_thing_done_with_its_request),
        WITH(setup, test_drain__new_messages_are_refused_and_connections_closed),
        WITH(setup, test_settings__an_offer_is_taken_over_at_the_next_run),
        WITH(setup_lane, test_hooks__a_receipt_moves_its_message_and_a_forged_one_does_not),
        WITH(setup_lane, test_hooks__an_inbound_text_is_stored_once),
        WITH(setup_lane, test_hooks__a_receipt_without_room_is_asked_for_again),
        WITH(setup_lane, test_hooks__a_post_that_says_nothing_new_is_answered_once),
        WITH(setup, test_pages__health_ready_metrics_landing_problems),
        WITH(setup_lane, test_openapi__says_what_the_answers_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
