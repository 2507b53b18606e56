/* keyword: is a whole text one of a few words? For replies such as STOP and 退订.
 *
 * Text and words are folded alike (fold.h: full width, case, traditional Chinese, marks), what is no letter
 * or digit at either end goes, and any run of it between becomes one space. The whole text must be the word:
 * "No, N street" is not N. Immutable once made, shared by threads; asking allocates a little memory for each
 * text of up to KEYWORD_TEXT_BYTES_MAX bytes, and none for longer ones, which are no keyword.
 */
#ifndef HY_TEXT_SCREEN_KEYWORD_H
#define HY_TEXT_SCREEN_KEYWORD_H

#include "base/buf.h"
#include "text/screen/fold.h"

enum { KEYWORD_TEXT_BYTES_MAX = 256, KEYWORDS_MAX = 4096 };

struct keywords;

/* NULL and ERR_OUTSIDE or ERR_INTERNAL when memory is short or ICU lacks its data. */
MUST_USE struct keywords *keywords_new(struct err *e);
void keywords_free(struct keywords *k); /* NULL is fine */
/* Adds a word with the caller's number. ERR_INVALID when nothing of it is a letter or digit, or it is too
 * long. */
MUST_USE bool keywords_add(struct keywords *k, struct sv word, unsigned number, struct err *e);
/* The number of the next word that the text is, from place *at on, which starts at 0 and is moved on; false:
 * no more. In the order they were added. */
bool keywords_next(const struct keywords *k, struct sv folded, size_t *at, unsigned *number);
/* The form in which texts are compared; empty when the text is none. */
MUST_USE bool keywords_fold(const struct keywords *k, struct sv text, struct buf *out);

#endif
