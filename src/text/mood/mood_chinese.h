/* mood_chinese: one word of a text in Chinese characters, by longest match over the words mood knows. What
 * matches nothing is a word of one character. Owns nothing.
 */
#ifndef HY_TEXT_MOOD_MOOD_CHINESE_H
#define HY_TEXT_MOOD_MOOD_CHINESE_H

#include "text/mood/mood_score.h"

/* Bytes of the Chinese character at p, 0 when there is none. Precondition: p <= end. */
size_t mood_chinese_character(const unsigned char *p, const unsigned char *end);

/* What the character before belongs to. A single character has a mood only where it is surely a word of its
 * own (好 in 很好吃, 好。 and 太好了, not in 好像), which the word before it decides. */
enum mood_before { MOOD_BEFORE_EDGE, MOOD_BEFORE_DEGREE, MOOD_BEFORE_OTHER };

/* Reads the word at p into the score and returns where it ends, behind p. Precondition: a Chinese character
 * is at p. */
const unsigned char *mood_chinese_word(const unsigned char *p, const unsigned char *end,
                                       enum mood_before *before, struct mood_score *score);

#endif
