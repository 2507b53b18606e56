#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "text/gsm7.h"
#include "text/segments.h"
#include "text/smart.h"
#include "text/utf8.h"

#include <stdlib.h>
#include <string.h>

static void assert_becomes(struct sv text, const char *expected) {
    BUF_AUTO struct buf out = BUF_INIT(256);
    buf_adds(&out, "<");
    bool changed = smart_encode(text, &out);
    assert_int_equal(changed, expected != NULL);
    assert_string_equal(out.p, expected ? expected : "<");
}

static void test_smart__look_alikes_become_gsm7(void **state) {
    (void)state;
    assert_becomes(SV("It’s “quoted” — ok…"), "<It's \"quoted\" - ok...");
    assert_becomes(SV("ＡＢＣ１２３"), "<ABC123");
    assert_becomes(SV("a\u200Bb"), "<ab");
    assert_becomes(SV("½ é"), "<1/2 é");
    assert_becomes(SV("a`b"), "<a'b");
}

static void test_smart__a_text_that_stays_ucs2_is_not_touched(void **state) {
    (void)state;
    assert_becomes(SV("您好，“验证码”：1234。"), NULL);
    assert_becomes(SV("ok — 👋"), NULL);
}

static void test_smart__a_gsm7_text_is_not_touched(void **state) {
    (void)state;
    assert_becomes(SV(""), NULL);
    assert_becomes(SV("plain {text} €"), NULL);
}

static void test_smart__too_small_a_buffer_overflows_and_keeps_its_content(void **state) {
    (void)state;
    BUF_AUTO struct buf out = BUF_INIT(6);
    buf_adds(&out, "<<");
    assert_false(smart_encode(SV("a…b…c…"), &out));
    assert_true(out.overflow);
    assert_string_equal(out.p, "<<");
}

static uint32_t code_point_of(const char **at) {
    assert_memory_equal(*at, "U+", 2);
    char *end;
    uint32_t cp = (uint32_t)strtoul(*at + 2, &end, 16);
    *at = end;
    return cp;
}

/* The file: U+from TAB U+to U+to ... TAB "text", under one line of headings. */
static void test_smart__the_table_is_twilios_with_single_spaces(void **state) {
    (void)state;
    FILE *f = fopen(getenv("HY_SMART_TSV"), "r");
    assert_non_null(f);
    char line[200];
    size_t rows = 0;
    assert_non_null(fgets(line, sizeof line, f));
    while (fgets(line, sizeof line, f)) {
        BUF_AUTO struct buf from = BUF_INIT(8), to = BUF_INIT(64), got = BUF_INIT(64);
        const char *at = line;
        utf8_add(&from, code_point_of(&at));
        for (at++; *at == 'U'; at += *at == ' ')
            utf8_add(&to, code_point_of(&at));
        if (sv_eq(buf_sv(&to), SV("  "))) {
            buf_reset(&to);
            buf_addc(&to, ' ');
        }
        assert_true(smart_encode(buf_sv(&from), &got));
        if (!sv_eq(buf_sv(&got), buf_sv(&to)))
            fail_msg("%.20s becomes '%.*s'", line, SV_FMT(buf_sv(&got)));
        rows++;
    }
    fclose(f);
    assert_int_equal(rows, 271);
    /* and nothing else has a replacement */
    size_t replaced = 0;
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        if (cp >= 0xD800 && cp < 0xE000)
            continue;
        BUF_AUTO struct buf from = BUF_INIT(8), got = BUF_INIT(64);
        utf8_add(&from, cp);
        if (smart_encode(buf_sv(&from), &got)) {
            replaced++;
            assert_int_equal(segments_count(buf_sv(&got), SEGMENTS_INTERNATIONAL).encoding, SMS_GSM7);
        }
    }
    assert_int_equal(replaced, rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smart__look_alikes_become_gsm7),
        cmocka_unit_test(test_smart__a_text_that_stays_ucs2_is_not_touched),
        cmocka_unit_test(test_smart__a_gsm7_text_is_not_touched),
        cmocka_unit_test(test_smart__too_small_a_buffer_overflows_and_keeps_its_content),
        cmocka_unit_test(test_smart__the_table_is_twilios_with_single_spaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
