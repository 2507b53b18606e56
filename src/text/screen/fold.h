/* fold: the form in which texts and words are compared.
 *
 * A fold_table gives for each code point what it becomes: NFKC_Casefold (Unicode Standard Annex 44:
 * compatibility forms such as full-width, case, default-ignorable characters such as zero-width ones), then
 * combining marks off, then traditional to simplified (ICU's Hant-Hans), all computed once when the table is
 * made, so that folding a text calls no ICU function but to join a lone kana or jamo mark to its base. It
 * never changes and is shared by threads.
 *
 * fold_text also drops separators (spaces, controls, dots, dashes, stars, ...) that stand between two Chinese
 * characters, and makes each run of white space one space. It keeps where each byte came from only when asked
 * to, because only texts with a hit need it. Folding what is folded changes nothing.
 */
#ifndef HY_TEXT_SCREEN_FOLD_H
#define HY_TEXT_SCREEN_FOLD_H

#include "base/err.h"
#include "base/sv.h"

/* An entry: the difference to the folded code point in the low 21 bits (for FOLD_MANY: where in many[] it
 * is), and what the folded character is. */
enum {
    FOLD_DELTA = (1 << 21) - 1,
    FOLD_HAN = 1 << 21,  /* Chinese character */
    FOLD_SEP = 1 << 22,  /* dropped between Chinese characters */
    FOLD_WORD = 1 << 23, /* letter or digit of a script that puts spaces between words */
    FOLD_DROP = 1 << 24, /* becomes nothing */
    FOLD_MARK = 1 << 25, /* becomes nothing, and belongs to the character before it */
    FOLD_JOIN = 1 << 26, /* may compose with the character before it */
    FOLD_MANY = 1 << 27, /* several code points, or one with more bytes than the original */
};

struct fold_table; /* opaque: fold_table.c */

/* NULL and ERR_INTERNAL when memory is short or ICU lacks its data. The first of a process takes some tens of
 * milliseconds; others are the same table, until the last of them is freed. */
MUST_USE struct fold_table *fold_table_new(struct err *e);
void fold_table_free(struct fold_table *t);
/* The entry of a code point up to 10FFFF. */
uint32_t fold_entry(const struct fold_table *t, uint32_t cp);

struct folded {
    char *p; /* owned; FOLD_PAD zero bytes stand behind n */
    size_t n;
    size_t cap;
    bool identity;  /* byte i is made from byte i of the text (it was ASCII); from and to are not filled */
    uint32_t *from; /* owned; with a map: byte i comes from [from[i], to[i]) of the text */
    uint32_t *to;
    size_t map_cap;
};
#define FOLD_PAD 16

void folded_done(struct folded *f);
/* Precondition: text is UTF-8 of at most UINT32_MAX / 16 bytes. False when memory is short. */
MUST_USE bool fold_text(const struct fold_table *t, struct sv text, bool map, struct folded *f);
/* The part of the text that bytes [start, start + len) of a fold with a map came from. Precondition: len > 0.
 */
struct sv folded_origin(const struct folded *f, struct sv text, size_t start, size_t len);

/* Is the character that ends before, begins at, byte i of p a FOLD_WORD one? False at the borders of the
 * text. */
bool fold_word_before(const struct fold_table *t, struct sv folded, size_t i);
bool fold_word_at(const struct fold_table *t, struct sv folded, size_t i);

/* Decodes the well-formed character at p into *cp and returns its length; aborts when it would pass end. */
size_t fold_decode(const char *p, const char *end, uint32_t *cp);
/* Writes cp and returns its length, 1 to 4. */
size_t fold_encode(char *p, uint32_t cp);

#endif
