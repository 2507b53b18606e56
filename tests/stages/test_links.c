/* Short links in texts: which a message has, and that they are counted as they are written. */
#include "../base/check.h"
#include "base/clock.h"
#include "ingest/admit.h"
#include "ingest/shorten.h"

#include <string.h>
#include <unistd.h>

#define NOW (INT64_C(1767225600) * US_PER_S)
#define BASE "https://s.example.com"

struct desk {
    char dir[64], path[128];
    struct settings settings;
    struct world world;
    uint64_t drawn;
    struct texts *texts;
    struct admitter *admitter;
    struct message *message; /* of the latest text */
};

static uint64_t draw(void *ctx) {
    uint64_t *n = ctx;
    *n += 1;
    return *n % 3 == 0 ? UINT64_MAX : *n; /* now and then one that must be drawn again */
}

static struct desk *desk_open(const char *source) {
    struct desk *d = calloc(1, sizeof *d);
    struct err e = ERR_INIT;
    ASSERT(d);
    snprintf(d->dir, sizeof d->dir, "/tmp/hongyan-test-links-XXXXXX");
    ASSERT(mkdtemp(d->dir));
    snprintf(d->path, sizeof d->path, "%s/t.txt", d->dir);
    FILE *f = fopen(d->path, "w");
    ASSERT(f && fputs(source, f) >= 0 && fclose(f) == 0);
    d->settings.defaults.validity_s = 3600;
    d->settings.limits.body_chars_max = 1600;
    d->settings.templates.dir = sv_of(d->dir);
    d->settings.links.base = SV(BASE);
    d->world = (struct world){.random = draw, .ctx = &d->drawn};
    d->texts = texts_load(&d->settings, &e);
    d->admitter = admitter_new(NULL, &d->world, &e);
    if (!d->texts || !d->admitter)
        fail_msg("%s", e.text);
    return d;
}

static void desk_close(struct desk *d) {
    unlink(d->path);
    rmdir(d->dir);
    message_free(d->message);
    texts_free(d->texts);
    admitter_free(d->admitter);
    free(d);
}

static bool make(struct desk *d, const char *vars, struct admitted *out, struct err *e) {
    json_t *json = json_loads(vars, 0, NULL);
    struct submission in = {.to = SV("+8613800138000"), .template = SV("t"), .vars = json};
    bool ok = admit(d->admitter, &d->settings, d->texts, &in, NOW, out, e);
    json_decref(json);
    message_free(d->message);
    d->message = ok ? out->message : NULL;
    return ok;
}

static struct admitted made(struct desk *d, const char *vars) {
    struct admitted out;
    struct err e = ERR_INIT;
    if (!make(d, vars, &out, &e))
        fail_msg("%s", e.text);
    return out;
}

static void test_links__an_address_has_one_link_a_message(void **state) {
    (void)state;
    struct desk *d = desk_open("{{ a|short_url }} {{ b|short_url }} {{ a|short_url }}");
    struct admitted out = made(d, "{\"a\": \"https://example.com/a\", \"b\": \"http://example.com/b\"}");
    assert_sv(d->message->text[TEXT_BODY], BASE "/l/0000000001 " BASE "/l/0000000002 " BASE "/l/0000000001");
    assert_int_equal(out.n_links, 2);
    assert_sv(out.links[0].target, "https://example.com/a");
    assert_sv(out.links[1].target, "http://example.com/b");
    assert_int_equal(out.links[0].code, 1);
    assert_int_equal(out.links[1].code, 2);
    made(d, "{\"a\": \"https://example.com/a\", \"b\": \"http://example.com/b\"}");
    assert_sv(d->message->text[TEXT_BODY], /* another message: others */
              BASE "/l/0000000004 " BASE "/l/0000000005 " BASE "/l/0000000004");
    desk_close(d);
}

static void test_links__what_the_text_does_not_show_is_not_stored(void **state) {
    (void)state;
    struct desk *d =
        desk_open("{% set x = a|short_url %}{{ b|short_url|truncate(20, true) }} {{ c|short_url }}");
    struct admitted out = made(d, "{\"a\": \"https://a\", \"b\": \"https://b\", \"c\": \"https://c\"}");
    assert_int_equal(out.n_links, 1);
    assert_sv(out.links[0].target, "https://c");
    desk_close(d);
}

static void test_links__are_counted_as_they_are_written(void **state) {
    (void)state;
    struct desk *d = desk_open("{{ 'x' * 125 }}{{ a|short_url }}");
    struct admitted out =
        made(d, "{\"a\": \"https://example.com/so-long-that-it-takes-two-segments-by-itself\"}");
    assert_int_equal(d->message->text[TEXT_BODY].n, 125 + strlen(BASE) + 13);
    assert_int_equal(out.message->segments, 1);
    d->settings.links.base = SV_NONE; /* without a base it is as it was */
    out = made(d, "{\"a\": \"https://example.com/so-long-that-it-takes-two-segments-by-itself\"}");
    assert_int_equal(out.message->segments, 2);
    assert_int_equal(out.n_links, 0);
    desk_close(d);
}

static void test_links__a_link_of_ours_is_not_made_shorter(void **state) {
    (void)state;
    struct desk *d = desk_open("{{ a|short_url|short_url }} {{ '" BASE "/l/short'|short_url }}");
    struct admitted out = made(d, "{\"a\": \"https://a\"}");
    assert_sv(d->message->text[TEXT_BODY], BASE "/l/0000000001 " BASE "/l/0000000002");
    assert_int_equal(out.n_links, 2);
    assert_sv(out.links[1].target, BASE "/l/short");
    desk_close(d);
}

static void test_links__more_than_a_hundred_are_refused(void **state) {
    (void)state;
    struct desk *d =
        desk_open("{% for i in range(n) %}{% set x = ('https://a/' ~ i)|short_url %}{% endfor %}a");
    struct admitted out;
    struct err e = ERR_INIT;
    assert_true(make(d, "{\"n\": 100}", &out, &e));
    assert_false(make(d, "{\"n\": 101}", &out, &e));
    assert_int_equal(e.kind, ERR_UNPROCESSABLE);
    assert_string_equal(e.field, "vars");
    desk_close(d);
}

static void test_links__a_message_without_template_has_none(void **state) {
    (void)state;
    struct desk *d = desk_open("{{ a|short_url }}");
    made(d, "{\"a\": \"https://a\"}");
    struct submission in = {.to = SV("+8613800138000"), .body = SV("see " BASE "/l/0000000001")};
    struct admitted out;
    struct err e = ERR_INIT;
    assert_true(admit(d->admitter, &d->settings, d->texts, &in, NOW, &out, &e));
    assert_int_equal(out.n_links, 0);
    message_free(out.message);
    desk_close(d);
}

static void test_links__for_show_they_are_as_long_as_real_ones(void **state) {
    (void)state;
    struct settings s = {.links = {.base = SV(BASE)}};
    BUF_AUTO struct buf shown = BUF_INIT(200), real = BUF_INIT(200);
    link_print(s.links.base, 839299365868340223, &real);
    assert_sv(buf_sv(&real), BASE "/l/zzzzzzzzzz");
    assert_int_equal(shortener_sample(&s, &shown).n, real.n);
    assert_sv(buf_sv(&shown), BASE "/l/xxxxxxxxxx");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links__an_address_has_one_link_a_message),
        cmocka_unit_test(test_links__what_the_text_does_not_show_is_not_stored),
        cmocka_unit_test(test_links__are_counted_as_they_are_written),
        cmocka_unit_test(test_links__a_link_of_ours_is_not_made_shorter),
        cmocka_unit_test(test_links__more_than_a_hundred_are_refused),
        cmocka_unit_test(test_links__a_message_without_template_has_none),
        cmocka_unit_test(test_links__for_show_they_are_as_long_as_real_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
