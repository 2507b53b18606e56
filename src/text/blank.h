/* blank: does a text show anything at all? A message of spaces and invisible characters costs as much as
 * another one and says nothing; providers refuse it late, with codes of their own.
 *
 * Pure; owns nothing.
 */
#ifndef HY_TEXT_BLANK_H
#define HY_TEXT_BLANK_H

#include "base/sv.h"

/* True when every character is white space, a control character or invisible by itself (Unicode 15:
 * White_Space, Default_Ignorable_Code_Point, the general categories Cc and Cf, and the blank Braille
 * pattern); also for the empty text. Precondition: utf8 is well-formed (sv_is_utf8). Costs one step for a
 * text that begins with a visible character. */
bool text_is_blank(struct sv utf8);

#endif
