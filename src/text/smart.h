/* smart: smart encoding, which trades look-alikes (typographic quotes, dashes, full-width letters, invisible
 * characters) for characters of the GSM 7-bit alphabet, so that a text costs half the segments.
 *
 * Pure; owns nothing. All or nothing: a text that would stay UCS-2 anyway is never touched, so that Chinese
 * punctuation is not changed for no gain. The replacements are Twilio's
 * (twilio.com/docs/messaging/services/smart-encoding-char-list). Count and send the result, never the
 * original.
 */
#ifndef HY_TEXT_SMART_H
#define HY_TEXT_SMART_H

#include "base/buf.h"

/* Appends the replaced text and returns true when the text is not all GSM-7 but its replacement is. Otherwise
 * returns false and leaves out's content as it was: send the original. False with out->overflow when out is
 * too small. The result may be longer than the text in units (a tab becomes seven spaces). Precondition: utf8
 * is well-formed (sv_is_utf8). */
bool smart_encode(struct sv utf8, struct buf *out);

#endif
