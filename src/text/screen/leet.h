/* leet: digits and signs that stand in for letters ("v1agr@").
 *
 * leet_skeleton makes look-alikes equal byte by byte (0 and o; 1, !, |, l and i; ...), so that one look-up
 * finds the candidates and positions stay; leet_stands then tells whether a byte of the text may stand for a
 * letter of the word, which the skeleton alone cannot ("fall" and "fail" share one). Works on folded text;
 * bytes above 7F stay.
 */
#ifndef HY_TEXT_SCREEN_LEET_H
#define HY_TEXT_SCREEN_LEET_H

#include "base/sv.h"

/* Precondition: out has room for n bytes. */
void leet_skeleton(const char *folded, size_t n, char *out);
/* May byte seen of a text stand for the letter meant of a word? False when they are equal: nothing stands in.
 */
bool leet_stands(char seen, char meant);

#endif
