/* gsm7: the GSM 7-bit default alphabet and its extension table (3GPP TS 23.038 sections 6.2.1, 6.2.1.1).
 *
 * Pure; owns nothing. Septets are unpacked, one an octet, as SMPP carries data_coding 0; @ is octet 0x00, so
 * encoded text is never a C string. No national language shift tables: providers do not announce them.
 */
#ifndef HY_TEXT_GSM7_H
#define HY_TEXT_GSM7_H

#include "base/buf.h"
#include "base/err.h"

enum { GSM7_ESC = 0x1B };

/* The septets of a code point: 0 when it is not in the alphabet, 1, or 2 (escape and code). The codes go to
 * septets, which may be NULL. */
unsigned gsm7_of(uint32_t code_point, uint8_t septets[2]);

/* Appends the septets of UTF-8 text. Precondition: well-formed (sv_is_utf8). False when a character is not in
 * the alphabet (ERR_UNPROCESSABLE) or out is full (ERR_TOO_LARGE); out then holds the part before it. */
MUST_USE bool gsm7_encode(struct sv utf8, struct buf *out, struct err *e);

/* Appends the UTF-8 text of septets. As a telephone does (section 6.2.1.1): an unknown extension code shows
 * the default alphabet's character, a doubled or dangling escape shows a space. False with ERR_INVALID for an
 * octet over 0x7F, ERR_TOO_LARGE when out is full. */
MUST_USE bool gsm7_decode(struct sv septets, struct buf *out, struct err *e);

#endif
