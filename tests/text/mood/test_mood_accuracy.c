/* How often mood is right, on texts people labelled (labelled.py). The floors are a little below what was
 * measured; docs/decisions/0014 has the figures. A run with -v prints them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "text/mood/mood.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tally {
    size_t texts, right_side, decided, decided_rightly, negative, negative_rightly;
};

static struct tally count(const char *sets) {
    struct tally t = {0};
    FILE *file = fopen(getenv("HY_MOOD_LABELLED"), "re");
    assert_non_null(file);
    static char line[1 << 16];
    while (fgets(line, sizeof line, file)) {
        struct sv rest = sv_trim(sv_of(line)), set = sv_cut(&rest, '\t'), label = sv_cut(&rest, '\t');
        char name[32];
        snprintf(name, sizeof name, " %.*s ", SV_FMT(set));
        if (!strstr(sets, name))
            continue;
        bool positive = sv_eq(label, SV("positive"));
        struct mood m = mood_of(rest);
        t.texts++;
        t.right_side += positive ? m.polarity > 0 : m.polarity < 0;
        t.decided += m.label != MOOD_NEUTRAL;
        t.decided_rightly += m.label == (positive ? MOOD_POSITIVE : MOOD_NEGATIVE);
        t.negative += m.label == MOOD_NEGATIVE;
        t.negative_rightly += m.label == MOOD_NEGATIVE && !positive;
    }
    fclose(file);
    return t;
}

/* Shares in percent. side: texts on the right side of 0; decided: texts called positive or negative; rightly:
 * of those, as people did; negatives: of the texts called negative, those that people call so, which is what
 * an alarm is worth. */
struct shares {
    double side, decided, rightly, negatives;
};

static double percent(size_t part, size_t whole) {
    return 100 * (double)part / (double)whole;
}

static void assert_floors(const char *sets, size_t texts, struct shares floor) {
    struct tally t = count(sets);
    struct shares is = {.side = percent(t.right_side, t.texts),
                        .decided = percent(t.decided, t.texts),
                        .rightly = percent(t.decided_rightly, t.decided),
                        .negatives = percent(t.negative_rightly, t.negative)};
    print_message("%s: %zu texts, right side %.1f %%, decided %.1f %%, of those rightly %.1f %%, of the "
                  "negative ones %.1f %%\n",
                  sets, t.texts, is.side, is.decided, is.rightly, is.negatives);
    assert_true(t.texts >= texts);
    assert_true(is.side >= floor.side);
    assert_true(is.decided >= floor.decided);
    assert_true(is.rightly >= floor.rightly);
    assert_true(is.negatives >= floor.negatives);
}

static void test_accuracy__english_reviews(void **state) {
    (void)state;
    assert_floors(" amazon imdb yelp ", 3000,
                  (struct shares){.side = 67, .decided = 60, .rightly = 85, .negatives = 93});
}

static void test_accuracy__chinese_words_for_faces(void **state) {
    (void)state;
    assert_floors(" cldr-zh ", 100,
                  (struct shares){.side = 65, .decided = 60, .rightly = 85, .negatives = 88});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accuracy__english_reviews),
        cmocka_unit_test(test_accuracy__chinese_words_for_faces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
