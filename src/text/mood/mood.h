/* mood: how a reply sounds, as one number. For English, Chinese and texts that mix them.
 *
 * A lexicon method: each known word brings its value; negators turn it, degree words strengthen or weaken it,
 * what follows "but" counts more than what stood before. Emoticons, emoji, capitals and exclamation marks
 * count as well. The words are a table made at build time from packages (docs/decisions/0014), so the answer
 * depends on the text alone.
 *
 * Pure; owns nothing; allocates nothing; time is linear in the text; any number of threads at once. It knows
 * no irony and no context: a text without known words is neutral with no words, which is not the same as a
 * text that was understood to be neutral.
 */
#ifndef HY_TEXT_MOOD_MOOD_H
#define HY_TEXT_MOOD_MOOD_H

#include "base/sv.h"

enum mood_label { MOOD_NEGATIVE, MOOD_NEUTRAL, MOOD_POSITIVE };

struct mood {
    double polarity; /* -1 to 1 */
    enum mood_label label;
    size_t words; /* how many words, emoticons and emoji with a mood were found */
};

/* The limits the article sets: below -0.5 is negative, above 0.3 is positive. Complaints are so only called
 * when they are clear; a negative label may alarm somebody. */
#define MOOD_NEGATIVE_BELOW (-0.5)
#define MOOD_POSITIVE_ABOVE 0.3

/* False: this program was built without word lists, and every text is neutral. */
bool mood_has_words(void);

/* The mood of a text. UTF-8; a byte that is not counts as white space, so every input has an answer. */
struct mood mood_of(struct sv text);

/* "negative", "neutral", "positive". */
const char *mood_label_name(enum mood_label label);

#endif
