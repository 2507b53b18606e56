/* Which texts are a keyword, whatever they look like. */
#include "../../base/check.h"
#include "text/screen/keyword.h"

static const char *const words[] = {"STOP", "STOP ALL", "退订", "T", "arrêt", "수신거부", "取消"};

static int open_words(void **state) {
    struct err e = ERR_INIT;
    struct keywords *k = keywords_new(&e);
    assert_non_null(k);
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
        assert_true(keywords_add(k, sv_of(words[i]), i, &e));
    *state = k;
    return 0;
}

static int close_words(void **state) {
    keywords_free(*state);
    return 0;
}

/* The number of the first word that the text is; -1: none. */
static int first(const struct keywords *k, struct sv text) {
    struct buf BUF_AUTO folded = BUF_INIT(4096);
    size_t at = 0;
    unsigned number;
    assert_true(keywords_fold(k, text, &folded));
    return keywords_next(k, buf_sv(&folded), &at, &number) ? (int)number : -1;
}

static void test_keyword__a_text_is_a_word_in_any_dress(void **state) {
    static const struct {
        const char *text;
        int word;
    } rows[] = {
        {"STOP", 0},      {"stop", 0},         {"  Stop.\r\n", 0}, {"STOP", 0},
        {"\"stop\"", 0},  {"(STOP)!!", 0},     {"ｓｔｏｐ", 0},    {"stop 🙏", 0},
        {"*STOP*", 0},    {"st\xC2\xADop", 0}, {"stop all", 1},    {"STOP  -  ALL", 1},
        {"退订", 2},      {"退訂", 2},         {"退 订。", 2},     {"「退订」", 2},
        {"t", 3},         {"Ｔ", 3},           {"ARRET", 4},       {"Arrêt!", 4},
        {"수신거부", 5},  {"取消", 6},         {"取·消", 6},       {"", -1},
        {"...", -1},      {"st op", -1},       {"stop it", -1},    {"don't stop", -1},
        {"T恤", -1},      {"TT", -1},          {"取消订单", -1},   {"请退订", -1},
        {"stop1", -1},    {"1 stop", -1},      {"stopall", -1},    {"\xff\xfe", -1},
        {"s\xfftop", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (first(*state, sv_of(rows[i].text)) != rows[i].word)
            fail_msg("\"%s\" is %d, not %d", rows[i].text, first(*state, sv_of(rows[i].text)), rows[i].word);
}

static void test_keyword__long_texts_are_none(void **state) {
    char text[4096];
    memset(text, ' ', sizeof text);
    memcpy(text, "stop", 4);
    assert_int_equal(first(*state, sv_make(text, KEYWORD_TEXT_BYTES_MAX)), 0);
    assert_int_equal(first(*state, sv_make(text, KEYWORD_TEXT_BYTES_MAX + 1)), -1);
    assert_int_equal(first(*state, sv_make(text, sizeof text)), -1);
}

static void test_keyword__what_has_no_letter_cannot_be_one(void **state) {
    struct err e = ERR_INIT;
    assert_false(keywords_add(*state, SV("!!"), 9, &e));
    assert_int_equal(e.kind, ERR_INVALID);
    assert_false(keywords_add(*state, SV(""), 9, &e));
}

static void test_keyword__every_word_that_fits_is_told_in_order(void **state) {
    struct err e = ERR_INIT;
    assert_true(keywords_add(*state, SV("ｓtop"), 40, &e));
    struct buf BUF_AUTO folded = BUF_INIT(4096);
    size_t at = 0;
    unsigned number;
    assert_true(keywords_fold(*state, SV("Stop"), &folded));
    assert_true(keywords_next(*state, buf_sv(&folded), &at, &number) && number == 0);
    assert_true(keywords_next(*state, buf_sv(&folded), &at, &number) && number == 40);
    assert_false(keywords_next(*state, buf_sv(&folded), &at, &number));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keyword__a_text_is_a_word_in_any_dress),
        cmocka_unit_test(test_keyword__long_texts_are_none),
        cmocka_unit_test(test_keyword__what_has_no_letter_cannot_be_one),
        cmocka_unit_test(test_keyword__every_word_that_fits_is_told_in_order),
    };
    return cmocka_run_group_tests(tests, open_words, close_words);
}
