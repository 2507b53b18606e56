/* mood_english: one word of a text in Latin letters. Owns nothing; reads each byte a bounded number of times.
 */
#ifndef HY_TEXT_MOOD_MOOD_ENGLISH_H
#define HY_TEXT_MOOD_MOOD_ENGLISH_H

#include "text/mood/mood_score.h"

/* True when a word can begin here: a Latin letter or a digit. Precondition: p < end. */
bool mood_english_begins(const unsigned char *p, const unsigned char *end);

/* Reads the word at p into the score and returns where it ends, behind p. shouts: a word all in capitals is
 * shouted (the text is not). Precondition: mood_english_begins. */
const unsigned char *mood_english_word(const unsigned char *p, const unsigned char *end, bool shouts,
                                       struct mood_score *score);

#endif
