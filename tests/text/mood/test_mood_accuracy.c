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
    size_t texts, right_side, decided, decided_rightly;
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
    }
    fclose(file);
    return t;
}

/* Shares in percent. side: texts on the right side of 0; decided: texts called positive or negative; of
 * those, rightly: as people did. */
static void assert_floors(const char *sets, size_t texts, double side, double decided, double rightly) {
    struct tally t = count(sets);
    double n = (double)t.texts;
    double is_side = 100 * (double)t.right_side / n, is_decided = 100 * (double)t.decided / n;
    double is_rightly = 100 * (double)t.decided_rightly / (double)t.decided;
    print_message("%s: %zu texts, right side %.1f %%, decided %.1f %%, of those rightly %.1f %%\n", sets,
                  t.texts, is_side, is_decided, is_rightly);
    assert_true(t.texts >= texts);
    assert_true(is_side >= side);
    assert_true(is_decided >= decided);
    assert_true(is_rightly >= rightly);
}

static void test_accuracy__english_reviews(void **state) {
    (void)state;
    assert_floors(" amazon imdb yelp ", 3000, 67, 60, 85);
}

static void test_accuracy__chinese_words_for_faces(void **state) {
    (void)state;
    assert_floors(" cldr-zh ", 100, 63, 60, 85);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accuracy__english_reviews),
        cmocka_unit_test(test_accuracy__chinese_words_for_faces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
