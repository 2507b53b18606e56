/* owed: status callbacks that a caller asked for with a message: which events owe one, and the request that
 * pays it.
 *
 * A callback is at least once and carries a stable id. Messages that came in by the Twilio-compatible API get
 * Twilio's form post with X-Twilio-Signature (twilio.com/docs/usage/security); the others a JSON post signed
 * by the Standard Webhooks scheme (standardwebhooks.com, version 1: webhook-id, webhook-timestamp,
 * webhook-signature). Both are signed with the account's auth token.
 */
#ifndef HY_NOTIFY_OWED_H
#define HY_NOTIFY_OWED_H

#include "base/arena.h"
#include "model/change.h"
#include "model/http.h"
#include "model/id.h"
#include "model/world.h"

/* Marks the events of c that owe a callback; true if any. */
bool owed_mark(const struct message *m, struct change *c);

struct owed {
    const struct message *message; /* its texts; head is not looked at */
    uint16_t event;
    enum state state;
    enum reason reason;
    int32_t code; /* the provider's, 0 if none */
    int64_t at;   /* when the event happened; us */
    struct sv account_sid;
    struct sv account_token; /* secret */
};
/* Builds the post in mem. ERR_TOO_LARGE when it does not fit. */
MUST_USE bool owed_build(const struct world *w, const struct owed *o, struct arena *mem,
                         struct http_request *out, struct err *e);

/* Twilio's word for a state, for callbacks and the Twilio-compatible API. */
const char *owed_twilio_status(enum state s);
/* Twilio's error code for a reason of ours, for messages the provider gave no code for; 0: none. */
int32_t owed_twilio_code(enum reason r);

#endif
