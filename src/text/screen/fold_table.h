/* fold_table: the inside of text/screen/fold.h, for its two files only. Two levels: 256 code points a page,
 * equal pages kept once; most are, because an entry holds a difference. */
#ifndef HY_TEXT_SCREEN_FOLD_TABLE_H
#define HY_TEXT_SCREEN_FOLD_TABLE_H

#include "text/screen/fold.h"

#include <unicode/unorm2.h>

#define FOLD_PAGES 0x1100

/* Three bytes of UTF-8 that begin with E3 to EF. */
enum { FOLD_WIDE_BEGIN = 0x3000, FOLD_WIDE_END = 0x10000 };

struct fold_table {
    uint16_t page[FOLD_PAGES];
    uint32_t (*pages)[256]; /* owned */
    size_t n_pages;
    char *many; /* owned: a length byte, then that many bytes of UTF-8 */
    size_t n_many;
    const UNormalizer2 *nfc; /* ICU's own */
    /* What a character of three bytes becomes, where that is one of one or three bytes and there is nothing
     * more to it: Chinese ones, and the punctuation and letters that go with them; else 0. A table of its
     * own, as it is asked for nearly every character of a Chinese text. */
    uint16_t wide[FOLD_WIDE_END - FOLD_WIDE_BEGIN];
};

static inline uint32_t fold_look(const struct fold_table *t, uint32_t cp) {
    return t->pages[t->page[cp >> 8]][cp & 0xFF];
}

#endif
