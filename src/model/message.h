/* message: the stored row in memory. What was said at the start (texts, times, choices) never changes; what
 * happens to it is its head, and heads change only by a struct change (model/change), one uncommitted change
 * at a time.
 *
 * A message is one heap block (message_new): the struct and all its texts. It has one owner at a time: the
 * front thread that made it, then the core. Journal and sender threads read the unchanging part while the
 * core waits for them.
 */
#ifndef HY_MODEL_MESSAGE_H
#define HY_MODEL_MESSAGE_H

#include "base/err.h"
#include "model/channel.h"
#include "model/lane.h"
#include "model/verdict.h"

enum direction { DIRECTION_OUT = 0, DIRECTION_IN = 1 };
enum encoding { ENCODING_GSM7 = 0, ENCODING_UCS2 = 1 };
/* Which face the caller used: decides the form of its status callbacks. Stored as numbers. */
enum face {
    FACE_NATIVE = 0,
    FACE_TWILIO = 1,
    FACE_ANSWER = 2, /* none: the gateway answers a keyword. Sent to those who have opted out, too */
    FACE_RULE = 3,   /* none: a rule made it of a business event. A later event may withdraw it */
    FACE_COUNT
};

const char *encoding_name(enum encoding e);

/* What changes. */
struct head {
    enum state state;
    enum reason reason;
    uint16_t attempts;  /* made so far; the number of the latest */
    uint16_t lookups;   /* of the latest attempt */
    uint16_t events;    /* appended so far; the next event's number is events + 1 */
    uint8_t step;       /* channels of its plan left behind; 0: on its first */
    uint16_t step_from; /* attempts made before that step */
    uint16_t spared;    /* attempts since then that do not count: the lane was throttled or down */
    int32_t code;       /* the provider's latest error code */
    int64_t due_at;     /* when something is to be done; 0: nothing, ever (terminal) */
    int64_t updated_at;
    int64_t sent_at;              /* 0: not yet */
    int64_t done_at;              /* when it became terminal; 0: not yet */
    char lane[LANE_NAME_MAX + 1]; /* of the latest attempt */
    char provider_id[PROVIDER_ID_MAX];
};

enum {
    FINGERPRINT_BYTES = 16,
    PLAN_MAX = 5,
    ATTEMPT_LONGEST_S = 330, /* longer than any lane's lease: its time-out is 300 s at the most */
};

/* As due_at, for people: the outcome of an attempt under way comes, or is given up, well before a message
 * that is due far (dispatch/settle.h). */
int64_t head_expected_at(const struct head *h);

/* The texts of a message, in the order they stand in its block. */
enum message_text {
    TEXT_TO,
    TEXT_FROM,
    TEXT_BODY,
    TEXT_TOPIC,
    TEXT_METADATA,        /* a JSON object, or empty */
    TEXT_STATUS_CALLBACK, /* URL, or empty */
    TEXT_TRACEPARENT,
    TEXT_TEMPLATE, /* name of the template it was rendered from, or empty */
    TEXT_CONTENT,  /* what it carries besides: a JSON object of model/content, or empty */
    TEXT_IDEMPOTENCY_KEY,
    TEXT_COUNT
};

struct message {
    int64_t id;
    int64_t account_id;
    struct sv text[TEXT_COUNT];             /* NUL-terminated, in this block */
    uint8_t fingerprint[FINGERPRINT_BYTES]; /* of the request that came with the idempotency key */
    enum direction direction;
    enum priority priority;
    enum delivery delivery;
    enum encoding encoding;
    enum face face;
    enum channel channel;
    uint8_t n_plan, plan[PLAN_MAX]; /* channels to go on to (model/content) */
    bool sealed;                    /* its texts stand in it masked; what is sent is sealed (model/secret) */
    uint16_t segments;              /* 0: not a text message */
    uint16_t saved_segments;   /* of a new message: more were needed without smart encoding; not stored */
    uint32_t template_version; /* of TEXT_TEMPLATE, when it came from the store of templates; else 0 */
    int64_t created_at;
    int64_t send_at; /* 0: at once */
    int64_t expires_at;
    int64_t max_price; /* of the whole message, in micro-units of its lanes' currency; 0: whatever it costs */
    int64_t cost;      /* what its attempts came to, where store/reader read it */
    char currency[4];  /* of that; "": nothing, or not known */
    struct head head;
};

/* A zeroed message with copies of the texts. NULL when memory is short. */
MUST_USE struct message *message_new(const struct sv text[TEXT_COUNT]);
void message_free(struct message *m);

/* One call to one provider. Its row is committed before the call starts. */
struct attempt {
    int64_t message_id;
    uint16_t number; /* 1.. */
    char lane[LANE_NAME_MAX + 1];
    char sender[SENDER_NAME_MAX + 1]; /* out of a pool; "": the message's own, or the lane's */
    int64_t price;    /* it costs so many millionths of the currency's unit, where that is not empty */
    char currency[4]; /* ISO 4217; "": its lane has no prices */
    char country[3];  /* the recipient's, where it has a price; may be "" */
    int64_t account;  /* hash of the provider account it was made with; 0: not known */
    int64_t started_at;
    int64_t ended_at; /* 0: no outcome yet */
    enum fate fate;   /* meaningful once ended */
    enum lane_hint hint;
    enum reason reason;
    int32_t code;
    int16_t http_status;
    char provider_id[PROVIDER_ID_MAX];
    int64_t dead_since; /* as verdict.dead_since; not stored */
};

/* A fact that happened to a message: a state change, or a note that changes nothing (same state as before).
 */
struct event {
    uint16_t number; /* 1.. within the message: (message id, number) is the event's stable id */
    int64_t at;
    enum state state;
    enum reason reason;
    uint16_t attempt; /* 0: none */
    int32_t code;
    bool note; /* told, but the message's state stayed as it was */
};

/* What the provider's answer meant that this event tells of: the attempt it belongs to ended by an answer,
 * and at that moment. False: no answer made it. What an open outcome turned out to be later is in the attempt
 * alone.
 */
bool event_verdict(const struct event *ev, const struct attempt *a, enum fate *fate, enum lane_hint *hint);

#endif
