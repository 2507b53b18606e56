/* Lists of the Twilio-compatible API: filters, pages, and the tokens between them. */
#include "twilio_client.h"

#include "api/twilio.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define TO "To=%2B8613800138000"

static int setup(void **state) {
    *state = gate_open(64, false);
    return 0;
}

static int teardown(void **state) {
    gate_close(*state);
    return 0;
}

static size_t count(const json_t *page) {
    return json_array_size(json_object_get(page, "messages"));
}

static const char *body_at(const json_t *page, size_t i) {
    return client_text(json_array_get(json_object_get(page, "messages"), i), "body");
}

static json_t *follow(struct gate *g, const char *uri) {
    assert_int_equal(gate_send(g, "GET", uri, g->basic, NULL), 200);
    return client_answer(g);
}

static void make_five(struct gate *g) {
    for (int i = 0; i < 5; i++) {
        char form[64];
        snprintf(form, sizeof form, "%s&Body=m%d", TO, i);
        client_create(g, form);
    }
}

static void test_list__pages_go_forth_and_back_newest_first(void **state) {
    struct gate *g = *state;
    make_five(g);
    client_create(g, "To=%2B8613900139000&Body=other");
    json_t *first = follow(g, client_path(g, "/Messages.json?PageSize=2&" TO).text);
    assert_int_equal(count(first), 2);
    assert_string_equal(body_at(first, 0), "m4");
    assert_true(client_is_null(first, "previous_page_uri"));
    assert_non_null(
        strstr(client_text(first, "first_page_uri"), "Messages.json?PageSize=2&To=%2B8613800138000&Page=0"));
    json_t *second = follow(g, client_text(first, "next_page_uri"));
    assert_string_equal(body_at(second, 0), "m2");
    assert_int_equal(json_integer_value(json_object_get(second, "page")), 1);
    assert_int_equal(json_integer_value(json_object_get(second, "page_size")), 2);
    assert_int_equal(json_integer_value(json_object_get(second, "start")), 2);
    assert_int_equal(json_integer_value(json_object_get(second, "end")), 3);
    json_t *third = follow(g, client_text(second, "next_page_uri"));
    assert_int_equal(count(third), 1);
    assert_true(client_is_null(third, "next_page_uri"));
    json_t *back = follow(g, client_text(third, "previous_page_uri"));
    assert_string_equal(body_at(back, 0), "m2");
    assert_string_equal(body_at(back, 1), "m1");
    json_t *start = follow(g, client_text(back, "previous_page_uri"));
    assert_string_equal(body_at(start, 0), "m4");
    assert_true(client_is_null(start, "previous_page_uri"));
    json_t *again = follow(g, client_text(start, "next_page_uri"));
    assert_string_equal(body_at(again, 0), "m2");
    json_t *all[] = {first, second, third, back, start, again};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        json_decref(all[i]);
}

static void test_list__an_empty_one_has_no_next_page(void **state) {
    struct gate *g = *state;
    json_t *page = follow(g, client_path(g, "/Messages.json").text);
    assert_int_equal(count(page), 0);
    assert_int_equal(json_integer_value(json_object_get(page, "page_size")), 50);
    assert_int_equal(json_integer_value(json_object_get(page, "end")), 0);
    assert_true(client_is_null(page, "next_page_uri") && client_is_null(page, "previous_page_uri"));
    json_decref(page);
}

static void test_list__filters_by_number_sender_and_day(void **state) {
    struct gate *g = *state;
    client_create(g, TO "&From=Acme&Body=a");
    client_create(g, "To=%2B8613900139000&Body=b");
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
        json_t *page = follow(g, client_path(g, query).text);
        if (count(page) != cases[i].n)
            fail_msg("%s: %zu", query, count(page));
        json_decref(page);
    }
}

static bool read_query(const char *text, struct twilio_query *q) {
    struct form f;
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
        cmocka_unit_test_setup_teardown(test_list__pages_go_forth_and_back_newest_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list__an_empty_one_has_no_next_page, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list__filters_by_number_sender_and_day, setup, teardown),
        cmocka_unit_test(test_query__days_and_instants_become_half_open_spans),
        cmocka_unit_test(test_token__is_read_back_and_no_other_is),
    };
    return cmocka_run_group_tests_name("twilio lists", tests, NULL, NULL);
}
