/* message_kind: which messages a rule of the settings is for, as it is written behind its word `for`:
 * `topic=news,offers priority=marketing account=acme channel=sms`. Conditions of different kinds must all
 * hold; of the values of one kind any may. Pure; views of the rule's text.
 *
 * One-time codes are nobody's to hold back: a message of priority otp, or of the topic `otp`, is meant only
 * by a rule that says so itself.
 */
#ifndef HY_MODEL_MESSAGE_KIND_H
#define HY_MODEL_MESSAGE_KIND_H

#include "base/err.h"
#include "model/channel.h"
#include "model/state.h"

struct message_kind {
    struct sv topics, accounts;    /* names joined by commas; empty: all */
    unsigned priorities, channels; /* 1 << enum; 0: all */
};

/* What a rule may look at. */
struct message_facts {
    struct sv topic, account; /* its account's name */
    enum priority priority;
    enum channel channel;
};

/* `text` is what stands behind `for`, at least one condition. ERR_INVALID. */
MUST_USE bool message_kind_parse(struct sv text, struct message_kind *out, struct err *e);
bool message_kind_is(const struct message_kind *w, const struct message_facts *s);
/* Takes ` for CONDITIONS` off the end of a rule; it is for all messages without them. ERR_INVALID. */
MUST_USE bool message_kind_cut(struct sv *text, struct message_kind *out, struct err *e);

#endif
