/* recipient: where a message goes, by channel: a telephone number, an e-mail address, a device, a chat. For
 * this room.
 */
#ifndef HY_INGEST_RECIPIENT_H
#define HY_INGEST_RECIPIENT_H

#include "base/err.h"
#include "model/channel.h"
#include "text/phone.h"

enum {
    RECIPIENT_EMAIL_BYTES_MAX = 254, /* RFC 5321 4.5.3.1.3, less the angle brackets */
    RECIPIENT_DEVICE_BYTES_MAX = 4096,
    RECIPIENT_CHAT_BYTES_MAX = 256,
};

/* Checks and normalises: numbers to E.164 (`whatsapp:` before one is taken off), the domain of an e-mail
 * address and Apple's device tokens to small letters. *out is in mem, or text itself. Errors name `field`:
 * ERR_INVALID when it is missing or no such address, ERR_UNPROCESSABLE for numbers that cannot be reached so.
 */
MUST_USE bool recipient_check(enum channel c, struct sv text, struct sv region, const char *field,
                              struct phone *mem_number, char mem_email[RECIPIENT_EMAIL_BYTES_MAX + 1],
                              struct sv *out, struct err *e);

#endif
