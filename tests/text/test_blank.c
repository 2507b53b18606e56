/* What shows nothing, held against ICU's own character database. */
#include "text/blank.h"
#include "text/utf8.h"

#include "../base/check.h"

#include <unicode/uchar.h>

static bool alone(uint32_t cp) {
    BUF_AUTO struct buf text = BUF_INIT(8);
    assert_true(utf8_add(&text, cp));
    return text_is_blank(buf_sv(&text));
}

/* Cf with a glyph of their own: signs that stand above or below digits, and joiners of hieroglyphs. */
static bool is_visible_format(uint32_t cp) {
    return u_charType((UChar32)cp) == U_FORMAT_CHAR &&
           !u_hasBinaryProperty((UChar32)cp, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) &&
           !(cp >= 0xFFF9 && cp <= 0xFFFB);
}

static void test_blank__is_what_unicode_shows_nothing_for(void **state) {
    (void)state;
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        if (cp >= 0xD800 && cp < 0xE000)
            continue;
        int8_t type = u_charType((UChar32)cp);
        bool invisible = u_hasBinaryProperty((UChar32)cp, UCHAR_WHITE_SPACE) ||
                         u_hasBinaryProperty((UChar32)cp, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ||
                         type == U_CONTROL_CHAR || (type == U_FORMAT_CHAR && !is_visible_format(cp)) ||
                         cp == 0x2800;
        if (alone(cp) != invisible)
            fail_msg("U+%04X: blank %d, ICU says %d", cp, alone(cp), invisible);
    }
}

static void test_blank__one_visible_character_is_enough(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool blank;
    } met[] = {
        {"", true},
        {" \t\r\n", true},
        {"\xe2\x80\x8b\xef\xbb\xbf\xe3\x80\x80", true}, /* U+200B U+FEFF U+3000 */
        {"\xe2\x80\x8b.", false},
        {"  \xe4\xb8\xad  ", false},
        {"*", false},
        {"\xcc\x81", false}, /* a lone accent is drawn, if oddly */
    };
    for (size_t i = 0; i < sizeof met / sizeof met[0]; i++)
        if (text_is_blank(sv_of(met[i].text)) != met[i].blank)
            fail_msg("row %zu", i);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blank__is_what_unicode_shows_nothing_for),
        cmocka_unit_test(test_blank__one_visible_character_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
