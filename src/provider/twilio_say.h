/* twilio_say: what a call of Twilio's says, as TwiML: the text several times with pauses between, runs of
 * digits of a code one by one, in the text's language. Pure.
 *
 * Any key pressed meanwhile has the text said again. Twilio asks for that document in the middle of the
 * call, and the code must stand in nothing that is kept: so the text travels in the address that Twilio asks,
 * sealed (base/vault) with a key made of the account's token, and nothing has to be remembered for it.
 * Sources: Twilio's TwiML reference on <Say>, <Gather> and its `action`.
 */
#ifndef HY_PROVIDER_TWILIO_SAY_H
#define HY_PROVIDER_TWILIO_SAY_H

#include "provider/twilio.h"

/* Of a lane of twilio-voice, behind those that every adapter of Twilio's has. */
enum voice_field {
    VOICE_LANGUAGE = TWILIO_SHARED_FIELDS,
    VOICE_VOICE,
    VOICE_REPEAT,
    VOICE_KEYS,
    VOICE_RING_S,
    VOICE_MACHINE,
    VOICE_FIELDS
};

enum { TWIML_CHARS_MAX = 4000 }; /* error 32018 above */

/* Appends the document of a call. Fewer times when they do not all fit, and without keys where those do not;
 * false when once is too much. */
MUST_USE bool twilio_say(const struct lane_config *lane, const struct attempt_view *a, struct buf *out);
/* Whether Twilio asks what to do about a key. `query` is the post's. */
bool twilio_say_asked(const struct form *query);
/* The answer to that; the post is known to be Twilio's. ERR_INVALID: not an address of ours. */
MUST_USE bool twilio_say_again(const struct lane_config *lane, const struct hook_request *rq,
                               const struct form *query, struct arena *mem, struct hook_reply *reply,
                               struct err *e);

#endif
