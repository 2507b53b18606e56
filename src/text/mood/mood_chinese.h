/* mood_chinese: one word of a text in Chinese characters, by longest match over the words mood knows. What
 * matches nothing is a word of one character. Owns nothing.
 */
#ifndef HY_TEXT_MOOD_MOOD_CHINESE_H
#define HY_TEXT_MOOD_MOOD_CHINESE_H

#include "text/mood/mood_score.h"

/* Bytes of the Chinese character at p, 0 when there is none. Precondition: p <= end. */
size_t mood_chinese_character(const unsigned char *p, const unsigned char *end);

/* Reads the word at p into the score and returns where it ends, behind p. A single character has a mood only
 * where it is likely to be a word, or the last part of one (好 in 很好吃, 服务好。 and 太好了, not in 好像):
 * behind a degree word or negator, which after_degree says and is then told of this word; else in front of
 * what is no Chinese or a particle. Precondition: a Chinese character is at p. */
const unsigned char *mood_chinese_word(const unsigned char *p, const unsigned char *end, bool *after_degree,
                                       struct mood_score *score);

#endif
