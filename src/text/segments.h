/* segments: how many messages a text becomes on the air, and why.
 *
 * Pure, one pass, owns nothing. Counts by greedy fill as a telephone network does (3GPP TS 23.038, 23.040):
 * an escaped septet pair or a surrogate pair is never split over two segments, so a segment may hold one unit
 * less than its size. Grapheme clusters may be split: carriers do. Does not normalise; bring text to NFC
 * before (a lone U+0301 turns a whole message to UCS-2). What is counted must be the very bytes that are
 * sent.
 */
#ifndef HY_TEXT_SEGMENTS_H
#define HY_TEXT_SEGMENTS_H

#include "base/sv.h"

enum sms_encoding { SMS_GSM7, SMS_UCS2 };

enum segments_rule {
    /* GSM-7 when every character is in its alphabet: 160, then 153 septets a segment; else UCS-2: 70,
       then 67. */
    SEGMENTS_INTERNATIONAL,
    /* Mainland China's domestic routes: always 70, then 67 UTF-16 units, pure ASCII too. The signature
     * 【...】 counts: hand in signature and body as one text. */
    SEGMENTS_CHINA,
};

enum {
    SEGMENT_GSM7_ALONE = 160,
    SEGMENT_GSM7_PART = 153,
    SEGMENT_UCS2_ALONE = 70,
    SEGMENT_UCS2_PART = 67,
    SEGMENTS_CULPRITS_MAX = 4,
};

/* A character that forced UCS-2. */
struct segments_culprit {
    uint32_t code_point;
    size_t offset; /* in bytes */
};

struct segments {
    enum sms_encoding encoding;
    size_t units;      /* septets (an escaped character is 2), or UTF-16 units */
    size_t segments;   /* at least 1, also for the empty text */
    size_t units_left; /* room in the last segment */

    /* Characters outside the GSM-7 alphabet: how many, and the first few. None under SEGMENTS_CHINA. */
    size_t culprits_n;
    struct segments_culprit
        culprits[SEGMENTS_CULPRITS_MAX]; /* min(culprits_n, SEGMENTS_CULPRITS_MAX) of them */
    /* What the text would cost in GSM-7 if each culprit were a one-septet character. */
    size_t gsm7_units;
    size_t gsm7_segments;
};

/* Precondition: utf8 is well-formed (sv_is_utf8). */
struct segments segments_count(struct sv utf8, enum segments_rule rule);

const char *
sms_encoding_name(enum sms_encoding encoding); /* "GSM-7", "UCS-2": the words of Twilio's console */

#endif
