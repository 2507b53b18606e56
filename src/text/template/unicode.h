/* unicode: text by code point, as Python sees it.
 *
 * Views are expected to hold UTF-8; a byte that does not fit counts as one U+FFFD and is never read past the
 * end. Character classes and case come from ICU (Python 3.11 has Unicode 14, ICU 72 has 15: they differ only
 * in characters new in 15).
 */
#ifndef HY_TEXT_TEMPLATE_UNICODE_H
#define HY_TEXT_TEMPLATE_UNICODE_H

#include "base/buf.h"

/* Bytes of the first code point of v, which must not be empty; *cp is set. */
size_t u8_decode(struct sv v, uint32_t *cp);
size_t u8_encode(uint32_t cp, char out[4]);
void u8_add(struct buf *out, uint32_t cp);
size_t u8_count(struct sv v);
/* Byte offset of the code point with this index; v.n when there are fewer. */
size_t u8_offset(struct sv v, size_t index);
/* Byte offset of the last code point that begins before `end` (0 < end <= v.n). */
size_t u8_before(struct sv v, size_t end);

bool uc_is_space(uint32_t cp); /* str.isspace */
bool uc_is_print(uint32_t cp); /* str.isprintable */
bool uc_is_word(uint32_t cp);  /* \w */
bool uc_is_name_start(uint32_t cp);
bool uc_is_name(uint32_t cp);

/* Takes a line from the front of *rest, which is left behind its break: LF, CR, CR LF, VT, FF, U+001C-U+001E,
 * U+0085, U+2028 or U+2029, as str.splitlines breaks. False when no break ended it. */
bool u8_line(struct sv *rest, struct sv *line);

struct sv u8_strip_left(struct sv v);
struct sv u8_strip_right(struct sv v);

enum u8_case { U8_UPPER, U8_LOWER };
/* Appends v in upper or lower case, full mappings, no locale. */
void u8_add_case(struct buf *out, struct sv v, enum u8_case to);
/* str.title and str.capitalize. */
void u8_add_title(struct buf *out, struct sv v);
void u8_add_capitalized(struct buf *out, struct sv v);
bool u8_is_upper(struct sv v); /* str.isupper */
bool u8_is_lower(struct sv v);

#endif
