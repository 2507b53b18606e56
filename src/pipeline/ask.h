/* ask: what a front thread wants of the core, and the core's answer, in one object that travels there and
 * back.
 *
 * The front makes it and frees it after the answer. The message of an ASK_SUBMIT belongs to the core from the
 * moment the ask is put into its mailbox. An answer of ASK_DONE means: on disk.
 */
#ifndef HY_PIPELINE_ASK_H
#define HY_PIPELINE_ASK_H

#include "base/mailbox.h"
#include "dispatch/lane_report.h"
#include "model/link.h"
#include "model/message.h"
#include "model/settings.h"
#include "pipeline/explain.h"
#include "pipeline/route_report.h"
#include "policy/limits.h"
#include "store/events.h"
#include "store/hooks.h"
#include "store/suppression.h"
#include "store/templates.h"
#include "store/verifications.h"

enum ask_kind {
    ASK_SUBMIT,  /* a new message, out or in */
    ASK_CANCEL,  /* withdraw it if it was not sent */
    ASK_DELETE,  /* forget a finished one */
    ASK_REDACT,  /* empty its body */
    ASK_RECEIPT, /* a provider's report */
    ASK_RELOAD,  /* new settings; answered at once */
    ASK_LANES,   /* how the lanes stand; answered at once */
    ASK_WRITE,   /* what the core has no part in (store/write.h); DONE: its outcome is on disk */
    ASK_EXPLAIN, /* what would become of a message; answered at once */
    ASK_EXPECT,  /* when a message that waits may expect to go; answered at once */
    ASK_HOOK,    /* a write to the account's webhooks; REFUSED: too many, or disabled */
    ASK_VERIFY,  /* a one-time code is tried, or withdrawn; DONE: what came of it is on disk */
    ASK_RELEASE, /* send what the fraud guard holds */
    ASK_DROP,    /* do not send it */
    ASK_UNFLAG,  /* let a flagged prefix pass; number is the prefix */
    ASK_EVENT,   /* a business event with what its rules make of it; DONE: all of it is on disk */
    ASK_DIGEST,  /* events that were gathered, as one message; likewise */
    ASK_ROUTES,  /* how the routes stand; answered at once */
    ASK_KINDS
};

enum ask_result {
    ASK_DONE,
    ASK_DUPLICATE, /* SUBMIT: the idempotency key was used before with the same request: dup_id; EVENT: it
                      came before: dup_id */
    ASK_MISMATCH,  /* SUBMIT: it was used with another request */
    ASK_IN_FLIGHT, /* SUBMIT: its first use is not finished */
    ASK_LIMITED,   /* SUBMIT: over a rate; limit says which */
    ASK_ABSENT,    /* no such message for this account; DIGEST: its events are others by now */
    ASK_REFUSED,   /* the message's state does not allow it; head says the state */
    ASK_FAILED,    /* not stored; err says why: try again */
};

struct ask {
    enum ask_kind kind;
    struct mailbox *reply_to;
    void *owner; /* the front's own */
    /* Called instead of an answer when the core ends with it; NULL: nothing to do. */
    void (*lost)(struct ask *a);

    struct message *message; /* SUBMIT; without id: the core gives it */
    enum reason suppress;    /* SUBMIT: not to be sent, for this reason */
    bool default_validity;   /* SUBMIT: its caller named none */
    bool flagged;            /* SUBMIT: to be sent, but somebody should look at its text */
    struct sv account_name;  /* SUBMIT: where routes are configured; borrowed */
    const struct region_set
        *countries;               /* SUBMIT, EXPLAIN: to which its account may send; NULL: all; borrowed */
    struct sv caller_key, source; /* SUBMIT: what limits may count by; borrowed */
    const struct link *links;     /* SUBMIT: those in its text; the front's, lent until the answer */
    size_t n_links;
    unsigned merged;                 /* SUBMIT of a digest: so many events are told by it */
    const struct settings *settings; /* RELOAD */
    int64_t id;                      /* CANCEL, DELETE, REDACT, RECEIPT (0: find by number and provider id) */
    int64_t account_id;              /* CANCEL, DELETE, REDACT */
    struct store_write *write;       /* WRITE: the front's, lent until the answer */
    unsigned attempt;                /* RECEIPT: 0 not known */
    struct hook_write *hook;         /* HOOK: likewise */
    struct lane_report *lanes;       /* LANES: room for lanes_max, likewise */
    size_t lanes_max, n_lanes;
    struct route_report *routes; /* ROUTES: room for routes_max, likewise */
    size_t routes_max, n_routes;
    struct reply *reply;          /* SUBMIT of an inbound text: likewise; its answer may be taken out */
    const struct message *about;  /* EXPLAIN, EXPECT: the front's, lent until the answer */
    struct explain *explain;      /* EXPLAIN: likewise */
    struct expectation *expected; /* EXPECT: likewise */
    uint32_t ahead;               /* EXPECT: messages in the queue before it, and whether there may be more */
    bool ahead_more;
    const struct consent *consent;           /* SUBMIT of a text that asks for one: likewise */
    struct verification_write *verification; /* SUBMIT of a text with a code, VERIFY: likewise */
    struct sv client_ip; /* SUBMIT of a text with a code: whom it is for, as the caller says; borrowed */
    /* EVENT, DIGEST: the front's, lent until the answer; and its messages: asks of kind SUBMIT without
     * reply_to, whose messages belong to the core as that of a SUBMIT does. */
    struct event_write *business;
    struct ask *parts;
    size_t n_parts;
    struct receipt receipt;
    char number[32];       /* RECEIPT with id 0 */
    struct parcel *parcel; /* the core's: it came from another node, which is told */
    struct ask *next;      /* the core's, of such a RECEIPT: those that wait to be looked for again */
    int64_t again_at;
    unsigned tries;

    enum ask_result result;
    struct err err;
    int64_t dup_id;
    enum reason held_for; /* the core's: SUBMIT is put off for that reason until then */
    int64_t held_until, first_id;
    bool passes; /* the core's: SUBMIT goes without these channels of its plan, for these reasons */
    enum reason passed[PLAN_MAX];
    int64_t expires_at;        /* SUBMIT: of the message, as the core counts it */
    struct head head;          /* of the message after what was asked */
    struct limit_answer limit; /* SUBMIT: the tightest rate that applies */
    int64_t shared_at;         /* the core's: when it was counted together with other gateways; 0: not */
    enum ask_judged {
        ASK_NOT_JUDGED, /* by the rates */
        ASK_WITHIN,
        ASK_OVER
    } judged;         /* the core's, of a part of an EVENT */
    size_t n_waiting; /* the core's, of an EVENT: parts not judged yet */
};

/* Frees the messages of an ask that did not get to the core. */
static inline void ask_drop_messages(struct ask *a) {
    message_free(a->message);
    a->message = NULL;
    for (size_t i = 0; i < a->n_parts; i++)
        ask_drop_messages(&a->parts[i]);
}

#endif
