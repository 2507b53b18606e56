/* hook: webhooks out to customers as data: the types of events that they may carry, patterns of them, and an
 * endpoint as it is stored.
 *
 * The table of types is append-only: their numbers are stored. docs/webhooks.md and the API are made from it
 * (or held against it). A type that follows a message's state has the same number as the state.
 */
#ifndef HY_MODEL_HOOK_H
#define HY_MODEL_HOOK_H

#include "base/err.h"
#include "model/state.h"

enum hook_type {
    HOOK_STATES_END = STATE_COUNT, /* below: message.STATE */
    HOOK_OPTED_OUT = 32,           /* a number does not want messages any more */
    HOOK_OPTED_IN = 33,            /* it wants them again */
    HOOK_TEST = 34,                /* asked for by the account */
    HOOK_DISABLED = 35,            /* another of the account's endpoints was disabled */
    HOOK_REPLY_NEGATIVE = 36,      /* a text from a handset sounds so: an alarm of its own */
    HOOK_TYPES_END
};
_Static_assert(STATE_COUNT <= 32 && HOOK_TYPES_END <= 64, "a set of types is one word");

/* NULL: there is none of this number. */
const char *hook_type_name(unsigned type);
const char *hook_type_meaning(unsigned type);

/* The types that a pattern stands for (bit 1 << type): a name, `message.*`, or `*`; 0: none. */
uint64_t hook_types_of(struct sv pattern);

enum {
    HOOKS_PER_ACCOUNT_MAX = 16,
    HOOK_URL_BYTES_MAX = 2048,
    HOOK_LIST_MAX = 32,         /* patterns, topics */
    HOOK_LIST_BYTES_MAX = 4096, /* all of them, one a line */
    HOOK_SECRET_BYTES_MAX = 64,
    HOOK_SEALED_BYTES_MAX = 28 + HOOK_SECRET_BYTES_MAX,
};

/* Stored as numbers: append only. */
enum hook_status {
    HOOK_ENABLED = 0,
    HOOK_BY_CALLER = 1, /* disabled: the account said so */
    HOOK_GONE = 2,      /* it answered 410 */
    HOOK_FAILING = 3,   /* nothing was taken for too long */
    HOOK_STATUSES,
    HOOK_DELETED = 9
};
const char *hook_status_name(enum hook_status s); /* "enabled", "by_caller", "gone", "failing" */

/* A secret under the master key (store/seal). */
struct hook_secret {
    uint8_t n; /* 0: none */
    uint8_t sealed[HOOK_SEALED_BYTES_MAX];
};

/* The texts are owned by whoever made it. */
struct webhook {
    int64_t id, account_id;
    unsigned node; /* that delivers what it is owed */
    struct sv url, description;
    struct sv types, topics; /* one a line; no topics: all */
    uint64_t type_bits;
    struct hook_secret secret, old_secret;
    int64_t old_until; /* the old secret signs as well, until then */
    enum hook_status status;
    int64_t status_since;
    int64_t failing_since; /* the first failure since something was taken last; 0: none */
    int64_t replay_since, replay_after, replay_until;
    int64_t created_at, updated_at;
};

/* Does it want events of this type and topic? Notices have no topic and pass any. */
bool hook_wants(const struct webhook *h, unsigned type, struct sv topic);

#endif
