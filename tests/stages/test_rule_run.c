/* What rules cost: each of a rule's expressions takes its steps off those of the event, whichever compiler it
 * was. */
#include "../base/check.h"
#include "base/clock.h"
#include "ingest/rule_run.h"

#include <string.h>

#define NOW (INT64_C(1767225600) * US_PER_S)

/* Thousands of steps, and then a text or a number. */
#define HEAVY "(range(3000) | list | length)"

static const struct {
    const char *member, *text;
} expressions[] = {
    {"when", HEAVY " > 0"},
    {"to", "'+1415555' ~ " HEAVY},
    {"language", HEAVY " and 'en'"},
    {"key", HEAVY " ~ 'k'"},
};

static uint64_t steps_of(const char *member, const char *text, uint64_t steps, enum rule_verdict *verdict) {
    struct arena ARENA_AUTO mem;
    struct err e = ERR_INIT;
    struct rule_run run;
    json_t *doc = json_pack("{s:s, s:s, s:s}", "on", "x", "to", "'+14155550100'", "template", "t");
    ASSERT(doc);
    if (member)
        json_object_set_new(doc, member, json_string(text));
    struct rule *r = rule_compile(doc, SV("r"), 0, &e);
    if (!r)
        fail_msg("%s: %s", e.field, e.text);
    json_t *event = json_object(), *vars = rule_vars(event, event);
    uint64_t left = steps;
    arena_init(&mem, 1 << 20);
    rule_run(r, vars, NOW, &mem, &left, &run);
    *verdict = run.verdict;
    json_decref(run.vars);
    json_decref(vars);
    json_decref(event);
    json_decref(doc);
    rule_free(r);
    return steps - left;
}

static void test_steps__every_expression_is_charged(void **state) {
    (void)state;
    enum rule_verdict verdict;
    uint64_t plain = steps_of(NULL, NULL, EVENT_STEPS_MAX, &verdict);
    assert_int_equal(verdict, RULE_FIRES);
    for (size_t i = 0; i < sizeof expressions / sizeof expressions[0]; i++) {
        uint64_t took = steps_of(expressions[i].member, expressions[i].text, EVENT_STEPS_MAX, &verdict);
        if (verdict != RULE_FIRES || took < plain + 3000)
            fail_msg("%s: %d, %llu steps, and %llu without", expressions[i].member, verdict,
                     (unsigned long long)took, (unsigned long long)plain);
    }
}

static void test_steps__one_that_needs_more_than_are_left_leaves_the_rule_unjudged(void **state) {
    (void)state;
    enum rule_verdict verdict;
    for (size_t i = 0; i < sizeof expressions / sizeof expressions[0]; i++) {
        assert_int_equal(steps_of(expressions[i].member, expressions[i].text, 1000, &verdict), 1000);
        assert_int_equal(verdict, RULE_IS_LEFT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps__every_expression_is_charged),
        cmocka_unit_test(test_steps__one_that_needs_more_than_are_left_leaves_the_rule_unjudged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
