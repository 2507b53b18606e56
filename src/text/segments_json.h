/* segments_json: a count of segments as members of a JSON object, alike in the command and the API.
 *
 * Pure; owns nothing.
 */
#ifndef HY_TEXT_SEGMENTS_JSON_H
#define HY_TEXT_SEGMENTS_JSON_H

#include "base/buf.h"
#include "text/segments.h"

/* Appends "encoding", "segments", "units", "units_left", "forced_ucs2" (the first characters outside the
 * GSM-7 alphabet) and, when there are such, "gsm7_segments" and "gsm7_units": what the text would take with
 * GSM-7 characters in their place. text is what was counted. */
void segments_add_json(const struct segments *n, struct sv text, struct buf *out);

#endif
