/* verdict: what a provider's answer means, on two axes: the fate of the message, and a hint for the lane.
 *
 * A verdict is a value, not an error: a refused number is as normal as a sent text. Adapters make them,
 * dispatch acts on them.
 */
#ifndef HY_MODEL_VERDICT_H
#define HY_MODEL_VERDICT_H

#include "model/state.h"

#include <stdint.h>

enum fate {
    FATE_SENT,     /* the provider took it: provider_id */
    FATE_REJECTED, /* never again: reason */
    FATE_RETRY,    /* not taken, may be tried again (after retry_after_ms, if given) */
    FATE_UNKNOWN,  /* may have been taken: reconcile, never resend silently */
};

enum lane_hint {
    LANE_FINE,
    LANE_SLOW_DOWN, /* quota or throttle: pause for pause_ms */
    LANE_DOWN,      /* the provider fails: open the breaker, use the next lane */
    LANE_BROKEN,    /* credentials, account: stop and tell a person */
};

enum { PROVIDER_ID_MAX = 64, VERDICT_TEXT_MAX = 120, UNKNOWN_CODE_MAX = 40 };

struct verdict {
    enum fate fate;
    enum lane_hint hint;
    enum reason reason;     /* REASON_NONE when sent */
    int32_t code;           /* the provider's own error code, 0 if none */
    int16_t http_status;    /* 0 when there was no answer */
    int32_t retry_after_ms; /* what the provider asked for; 0: nothing said */
    int16_t segments;       /* what the provider counted; 0: nothing said */
    bool grant_refused;     /* not the message but the lane's token: worth one more call with a new one */
    int64_t dead_since;     /* with REASON_INVALID_NUMBER: it was known to be so at that time; 0: now */
    char provider_id[PROVIDER_ID_MAX];
    char text[VERDICT_TEXT_MAX]; /* the provider's words, cut; masked before it is logged */
    /* The provider's code where the adapter's table has none such, judged by its HTTP class; else "". A word
     * of letters, digits, `.`, `-` and `_`. */
    char unknown_code[UNKNOWN_CODE_MAX + 1];
};

const char *fate_name(enum fate f);
const char *lane_hint_name(enum lane_hint h);

/* What a later report says of a message. rank orders them: a report never takes a message back. */
struct receipt {
    enum state state; /* STATE_QUEUED or STATE_SENDING (taken), STATE_SENT, DELIVERED, UNDELIVERED, FAILED */
    enum reason reason; /* for UNDELIVERED and FAILED */
    int32_t code;
    char provider_id[PROVIDER_ID_MAX];
    /* Which message: the token of the callback address, or else the provider's id (and number where ids are
     * shared). */
    struct sv token; /* borrowed from the request; may be empty */
    struct sv number;
    /* Of a look-up's candidate: it carries the attempt's own token, so that it is nobody else's. */
    bool surely;
};

/* The answer of a look-up of one attempt. */
enum found { FOUND_YES, FOUND_ABSENT, FOUND_CANNOT_TELL };

/* One candidate the provider named: several may match, and some may belong to other attempts of ours. */
enum { LOOKUP_CANDIDATES_MAX = 8 };
struct lookup_answer {
    enum found found; /* FOUND_YES: at least one candidate; ABSENT only when the provider's list is surely
                         complete */
    bool complete;    /* with FOUND_YES: all that was sent in the window is shown, so that "every candidate
                         belongs to    another message" means absent */
    size_t n;
    struct receipt candidates[LOOKUP_CANDIDATES_MAX];
    enum lane_hint hint;
    char text[VERDICT_TEXT_MAX];
};

/* A reply from a handset. Borrowed from the request. */
struct inbound {
    struct sv from, to, body, provider_id;
    struct sv opt_out; /* provider's own classification: "STOP", "START", "HELP" or empty */
    struct sv token;   /* of the attempt it answers, where it says so: its account and topic are meant */
};

#endif
