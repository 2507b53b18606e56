/* channel: by what a message reaches a person. Stored as numbers: append only. */
#ifndef HY_MODEL_CHANNEL_H
#define HY_MODEL_CHANNEL_H

#include "base/err.h"
#include "base/sv.h"

enum channel {
    CHANNEL_SMS = 0,      /* to an E.164 number */
    CHANNEL_VOICE = 1,    /* a call that speaks, to an E.164 number */
    CHANNEL_EMAIL = 2,    /* to an address of RFC 5321 */
    CHANNEL_PUSH = 3,     /* to a device: KIND:TOKEN, such as fcm:... or apns:... */
    CHANNEL_WHATSAPP = 4, /* to an E.164 number */
    CHANNEL_CHAT = 5, /* to a robot of a team chat, which mostly knows itself where to: a word, or nothing */
    CHANNEL_COUNT
};

const char *channel_name(enum channel c); /* "sms", "voice", "email", "push", "whatsapp", "chat" */
MUST_USE bool channel_find(struct sv name, enum channel *out);
/* Whether its addresses are telephone numbers. */
bool channel_has_numbers(enum channel c);

#endif
