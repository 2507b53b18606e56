/* state: where a message stands, the one transition table, and the reasons that go with it.
 *
 * Terminal states stay: a late receipt is recorded as an event's note, it never resurrects. `sent` is
 * terminal once its receipt window has closed (it stays `sent`, with reason no_receipt and no due time).
 */
#ifndef HY_MODEL_STATE_H
#define HY_MODEL_STATE_H

#include "base/sv.h"

/* Stored as numbers: append only. */
enum state {
    STATE_NONE = 0, /* not yet stored */
    STATE_ACCEPTED = 1,
    STATE_SCHEDULED = 2,
    STATE_QUEUED = 3,
    STATE_SENDING = 4,
    STATE_SENT = 5,
    STATE_DELIVERED = 6,
    STATE_UNDELIVERED = 7,
    STATE_FAILED = 8,
    STATE_EXPIRED = 9,
    STATE_CANCELED = 10,
    STATE_SUPPRESSED = 11,
    STATE_UNKNOWN = 12,
    STATE_RECEIVED = 13, /* inbound */
    STATE_COUNT
};

const char *state_name(enum state s);
bool state_parse(struct sv name, enum state *out);
/* True when the table has the move. Staying put is not a move. */
bool state_may_move(enum state from, enum state to);
bool state_is_terminal(enum state s);
/* One English line of what the state means (docs, OpenAPI). */
const char *state_meaning(enum state s);

/* Why: shown in the API, events, metrics and logs. Stored as numbers: append only. */
enum reason {
    REASON_NONE = 0,
    REASON_INVALID_NUMBER = 1,
    REASON_OPTED_OUT = 2,
    REASON_CONTENT_REJECTED = 3,
    REASON_SENDER_REJECTED = 4,
    REASON_CREDENTIALS = 5,
    REASON_QUOTA = 6,
    REASON_THROTTLED = 7,
    REASON_PROVIDER_DOWN = 8,
    REASON_UNREACHABLE = 9, /* the handset or its carrier */
    REASON_OUTCOME_UNKNOWN = 10,
    REASON_EXPIRED = 11,
    REASON_CANCELED = 12,
    REASON_NO_RECEIPT = 13,
    REASON_SCREENED = 14,
    REASON_BLOCKED = 15,
    REASON_DUPLICATE = 16,
    REASON_NO_LANE = 17,
    REASON_ATTEMPTS_EXHAUSTED = 18,
    REASON_REJECTED = 19,          /* the provider refused, and its code is not in the adapter's table */
    REASON_REQUEST_REJECTED = 20,  /* the provider calls our request malformed: a bug or a setting of ours */
    REASON_SCHEDULED = 21,         /* waiting for send_at */
    REASON_LANE_FULL = 22,         /* waiting for a free place in the lane's window */
    REASON_RECONCILING = 23,       /* asking the provider whether it has the message */
    REASON_LANE_RATE = 24,         /* waiting until the lane's rates let it go */
    REASON_OTHER_PROVIDER_ID = 25, /* a receipt came with another provider id than the attempt it names */
    REASON_NO_TEMPLATE_CODE =
        26,               /* the provider takes only templates it knows, and the message has none of them */
    REASON_NO_ROUTE = 27, /* no route of the settings is for it */
    REASON_KNOWN_INVALID = 28,       /* a provider said lately that the number is none */
    REASON_LANE_QUOTA = 29,          /* waiting for the lane's next day or month */
    REASON_WARM_UP = 30,             /* waiting for the next day of a lane's or sender's warm-up */
    REASON_NO_CONSENT = 31,          /* its topic needs a consent, and none is known */
    REASON_QUIET_HOURS = 32,         /* waiting for the end of quiet hours; or expired in them */
    REASON_CODE_USED = 33,           /* the one-time code in it came back: it has arrived */
    REASON_CODE_OVER = 34,           /* its one-time code is used, withdrawn or too old */
    REASON_FREQUENCY_CAP = 35,       /* its recipient got as many as limits.caps allows */
    REASON_COUNTRY_NOT_ALLOWED = 36, /* its account does not send there */
    REASON_PREFIX_BLOCKED = 37,      /* the fraud guard has flagged its number's prefix */
    REASON_FRAUD_HOLD = 38,          /* likewise: waits for somebody to release or drop it */
    REASON_RELEASED = 39,            /* somebody let it go */
    REASON_PRICE_CEILING = 40,       /* every lane costs more than its route allows */
    REASON_SPEND_CEILING = 41,       /* its account has spent what it may in a day */
    REASON_COUNT
};

const char *reason_name(enum reason r);
const char *reason_meaning(enum reason r);

enum delivery { DELIVERY_AT_MOST_ONCE = 0, DELIVERY_AT_LEAST_ONCE = 1 };
/* Lower goes first. Stored as numbers. */
enum priority { PRIORITY_OTP = 0, PRIORITY_TRANSACTIONAL = 1, PRIORITY_MARKETING = 2, PRIORITY_COUNT };
const char *priority_name(enum priority p);
bool priority_parse(struct sv name, enum priority *out);
const char *delivery_name(enum delivery d);
bool delivery_parse(struct sv name, enum delivery *out);

#endif
