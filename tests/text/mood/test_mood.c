#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "text/mood/mood.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double polarity(const char *text) {
    return mood_of(sv_of(text)).polarity;
}

struct reply {
    const char *text;
    enum mood_label label;
};

static const struct reply replies[] = {
    /* English */
    {"Great, thank you!", MOOD_POSITIVE},
    {"thanks :)", MOOD_POSITIVE},
    {"Perfect, see you there", MOOD_POSITIVE},
    {"That was quick, I love it", MOOD_POSITIVE},
    {"no problem", MOOD_POSITIVE},
    {"This is terrible.", MOOD_NEGATIVE},
    {"Worst service ever", MOOD_NEGATIVE},
    {"I am not happy with this", MOOD_NEGATIVE},
    {"I'm not happy with this", MOOD_NEGATIVE},
    {"Stop sending me this crap!!", MOOD_NEGATIVE},
    {"You are scammers 😡", MOOD_NEGATIVE},
    {"I hate waiting", MOOD_NEGATIVE},
    {"sooooo baaaad", MOOD_NEGATIVE},
    {"yes", MOOD_POSITIVE},
    {"Y", MOOD_NEUTRAL},
    {"STOP", MOOD_NEUTRAL},
    {"Can you come at 5 instead?", MOOD_NEUTRAL},
    {"1", MOOD_NEUTRAL},
    /* Chinese */
    {"收到，谢谢", MOOD_POSITIVE},
    {"非常满意！", MOOD_POSITIVE},
    {"很好", MOOD_POSITIVE},
    {"太好了", MOOD_POSITIVE},
    {"服务不错，很开心", MOOD_POSITIVE},
    {"没问题", MOOD_POSITIVE},
    {"太差了", MOOD_NEGATIVE},
    {"骗子", MOOD_NEGATIVE},
    {"一点都不好", MOOD_NEGATIVE},
    {"服务态度恶劣，我要投诉", MOOD_NEGATIVE},
    {"烦死了！", MOOD_NEGATIVE},
    {"非常失望", MOOD_NEGATIVE},
    {"我不满意", MOOD_NEGATIVE},
    {"质量好，谢谢", MOOD_POSITIVE},
    {"服务态度差", MOOD_NEGATIVE},
    {"真麻烦", MOOD_NEGATIVE},
    {"麻烦您改到明天", MOOD_NEUTRAL},
    {"你好，请问几点开门", MOOD_NEUTRAL},
    {"辛苦了", MOOD_NEUTRAL},
    {"银行卡", MOOD_NEUTRAL},
    {"取消", MOOD_NEUTRAL},
    {"明天下午三点可以吗？", MOOD_NEUTRAL},
    {"好像是在大家那里", MOOD_NEUTRAL},
    /* both, and neither */
    {"谢谢, great service", MOOD_POSITIVE},
    {"this app 太差了", MOOD_NEGATIVE},
    {"👍", MOOD_POSITIVE},
    {"👎🏻", MOOD_NEGATIVE},
    {"❤️", MOOD_POSITIVE},
    {"", MOOD_NEUTRAL},
    {"Спасибо", MOOD_NEUTRAL},
    {"https://example.com/love/great?best=hate", MOOD_NEUTRAL},
    {"at 12:30 (gate 8), see http://example.com/", MOOD_NEUTRAL},
};

static void test_mood__replies_are_labelled(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        struct mood m = mood_of(sv_of(replies[i].text));
        if (m.label != replies[i].label)
            fail_msg("'%s' is %s (%+.2f, %zu words), not %s", replies[i].text, mood_label_name(m.label),
                     m.polarity, m.words, mood_label_name(replies[i].label));
    }
}

/* Left has the larger polarity. */
static const struct {
    const char *more, *less;
} orders[] = {
    {"very good", "good"},
    {"good", "slightly good"},
    {"bad", "very bad"},
    {"slightly bad", "bad"},
    {"good!", "good"},
    {"bad", "bad!!!"},
    {"this is GOOD", "this is good"},
    {"The food was bad but the room was great", "The food was great but the room was bad"},
    {"not bad", "bad"},
    {"not good", "not good. bad"},
    {"I don’t like it. Great", "I don’t like it"},
    {"非常满意", "满意"},
    {"满意", "有点满意"},
    {"失望", "非常失望"},
    {"有点失望", "失望"},
    {"满意", "不满意"},
    {"好极了", "好"},
    {"满意！", "满意"},
    {"价格贵但是服务很好", "服务很好但是太差了"},
    {"满意", "不是很满意"},
    {"很開心", "不開心"},
    {"好笑", "不好笑"},
};

static void test_mood__degree_negation_and_but_move_it_the_right_way(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        if (polarity(orders[i].more) <= polarity(orders[i].less))
            fail_msg("'%s' %+.3f is not above '%s' %+.3f", orders[i].more, polarity(orders[i].more),
                     orders[i].less, polarity(orders[i].less));
}

static void test_mood__a_negator_turns_either_way_alike(void **state) {
    (void)state;
    static const char *const words[] = {"good", "bad", "great", "terrible", "happy", "angry", "love", "hate"};
    static const char *const negators[] = {"not", "never", "isn't", "don’t", "cannot"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (size_t j = 0; j < sizeof negators / sizeof negators[0]; j++) {
            char text[64];
            snprintf(text, sizeof text, "%s %s", negators[j], words[i]);
            double plain = polarity(words[i]), turned = polarity(text);
            if (plain * turned >= 0 || fabs(turned) >= fabs(plain))
                fail_msg("'%s' %+.3f, '%s' %+.3f", words[i], plain, text, turned);
            /* what turns good into so much bad turns bad into as much good: the sums differ by the factor
             * alone */
            double sum = plain / sqrt(1 - plain * plain), other = turned / sqrt(1 - turned * turned);
            assert_true(fabs(other / sum + 0.74) <= 0.001);
        }
}

static void test_mood__two_negators_undo_each_other(void **state) {
    (void)state;
    assert_true(polarity("I can't not love it") > 0);
    assert_true(polarity("never not angry") < 0);
}

static void test_mood__no_negator_crosses_a_pause(void **state) {
    (void)state;
    assert_true(fabs(polarity("not this, great") - polarity("this, great")) < 1e-9);
    assert_true(polarity("没有。满意") > 0);
    assert_true(polarity("没收到，谢谢") > 0);
}

static void test_mood__upper_and_lower_case_mean_the_same_when_all_is_in_one(void **state) {
    (void)state;
    assert_true(fabs(polarity("THIS IS TERRIBLE") - polarity("this is terrible")) < 1e-9);
    assert_true(fabs(polarity("I’M HAPPY") - polarity("i'm happy")) < 1e-9);
}

static void test_mood__a_single_character_counts_only_as_a_word(void **state) {
    (void)state;
    static const char *const none[] = {"好像", "大家好久没来", "好几个人", "好比"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_true(fabs(polarity(none[i])) < 0.25);
    assert_true(polarity("很好") > 0.3);
    assert_true(polarity("好。") > 0.3);
}

static void test_mood__words_tell_unknown_from_balanced(void **state) {
    (void)state;
    assert_int_equal(mood_of(SV("qwertz uiop")).words, 0);
    assert_int_equal(mood_of(SV("good and bad")).words, 2);
}

static void test_mood__the_limits_are_the_articles(void **state) {
    (void)state;
    assert_true(fabs(MOOD_NEGATIVE_BELOW + 0.5) <= 0);
    assert_true(fabs(MOOD_POSITIVE_ABOVE - 0.3) <= 0);
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        struct mood m = mood_of(sv_of(replies[i].text));
        assert_int_equal(m.label == MOOD_NEGATIVE, m.polarity < -0.5);
        assert_int_equal(m.label == MOOD_POSITIVE, m.polarity > 0.3);
    }
}

static uint64_t random_next(uint64_t *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* Random joins of pieces that mean something to the reader, cut anywhere: UTF-8 breaks, words meet words. */
static void test_mood__any_bytes_have_an_answer_in_range(void **state) {
    (void)state;
    static const char *const pieces[] = {
        "not ",     "good", "bad",     "very ", "but ", "!",    "n't", "’",    "-",  ":)",   ":",
        "不",       "好",   "很",      "满意",  "但是", "极了", "了",  "！",   "，", "😡",    "\xF0\x9F",
        "\xE5\xA5", "\xFF", "http://", "www.",  "",     "\n",   " ",   "AAAA", "8",  "\xC3", "é"};
    uint64_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        BUF_AUTO struct buf text = BUF_INIT(4096);
        for (uint64_t n = random_next(&seed) % 30; n > 0; n--)
            buf_adds(&text, pieces[random_next(&seed) % (sizeof pieces / sizeof pieces[0])]);
        size_t from = text.n ? random_next(&seed) % text.n : 0;
        struct mood m = mood_of(sv_from(buf_sv(&text), from));
        assert_true(m.polarity >= -1 && m.polarity <= 1);
        assert_true(m.words <= text.n);
    }
}

static double seconds_of(struct sv text) {
    clock_t begun = clock();
    struct mood m = mood_of(text);
    assert_true(m.polarity >= -1 && m.polarity <= 1);
    return (double)(clock() - begun) / CLOCKS_PER_SEC;
}

static void test_mood__a_megabyte_of_anything_is_read_in_linear_time(void **state) {
    (void)state;
    static const char *const shapes[] = {"a-",
                                         "a",
                                         "a'",
                                         "good ",
                                         "not ",
                                         "0",
                                         "不",
                                         "好",
                                         "不好像",
                                         ":",
                                         "(-",
                                         "=:;",
                                         "http://",
                                         "😡",
                                         "\xE5\xA5",
                                         "\xFF",
                                         "but ",
                                         "极了",
                                         "!",
                                         "\xC3\xA9",
                                         "’",
                                         "aab-",
                                         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa-"};
    enum { BYTES = 1 << 20 };
    uint64_t seed = 11;
    for (size_t i = 0; i <= sizeof shapes / sizeof shapes[0]; i++) {
        BUF_AUTO struct buf text = BUF_INIT(BYTES);
        if (i < sizeof shapes / sizeof shapes[0])
            while (text.n + strlen(shapes[i]) <= BYTES)
                buf_adds(&text, shapes[i]);
        else
            while (text.n < BYTES)
                buf_addc(&text, (char)random_next(&seed));
        double s = seconds_of(buf_sv(&text));
        if (s > 2) /* 0.1 in a plain build; what is quadratic takes hours */
            fail_msg("a megabyte of '%s' takes %.1f s",
                     i < sizeof shapes / sizeof shapes[0] ? shapes[i] : "random bytes", s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mood__replies_are_labelled),
        cmocka_unit_test(test_mood__degree_negation_and_but_move_it_the_right_way),
        cmocka_unit_test(test_mood__a_negator_turns_either_way_alike),
        cmocka_unit_test(test_mood__two_negators_undo_each_other),
        cmocka_unit_test(test_mood__no_negator_crosses_a_pause),
        cmocka_unit_test(test_mood__upper_and_lower_case_mean_the_same_when_all_is_in_one),
        cmocka_unit_test(test_mood__a_single_character_counts_only_as_a_word),
        cmocka_unit_test(test_mood__words_tell_unknown_from_balanced),
        cmocka_unit_test(test_mood__the_limits_are_the_articles),
        cmocka_unit_test(test_mood__any_bytes_have_an_answer_in_range),
        cmocka_unit_test(test_mood__a_megabyte_of_anything_is_read_in_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
