/* journal: the only writer. It takes jobs in batches, does each batch in one transaction, and hands every job
 * back with its result once that transaction is committed (or is sure to have failed). Reads that decisions
 * need (loads, scans) are jobs too, so that they see everything handed over before them.
 *
 * When a transaction fails (disk full, I/O error), jobs that may be refused come back JOB_FAILED and nothing
 * of them is stored; jobs marked `must` (outcomes of calls already made) are kept and tried again until they
 * are on disk. A batch whose commit was sent to a server and not answered (db.h, DB_UNSETTLED) is kept whole
 * until it is known what became of it: what was stored is not done twice, and nobody is told before.
 *
 * A job is owned by the core; the journal has it between taking and handing back, and reads its message's
 * unchanging part.
 */
#ifndef HY_STORE_JOURNAL_H
#define HY_STORE_JOURNAL_H

#include "model/change.h"
#include "model/link.h"
#include "model/tally.h"
#include "store/account.h"
#include "store/db.h"
#include "store/deliveries.h"
#include "store/events.h"
#include "store/nodes.h"
#include "store/parcels.h"
#include "store/replies.h"
#include "store/suppression.h"
#include "store/templates.h"
#include "store/verifications.h"
#include "store/write.h"

enum job_kind {
    JOB_PUT,            /* a new message with its change */
    JOB_MOVE,           /* a change of a stored message */
    JOB_REDACT,         /* empty its body, with a change */
    JOB_DELETE,         /* forget a terminal message, its events, attempts and callbacks */
    JOB_LOAD,           /* one message by id (and account, unless 0), with its latest attempt */
    JOB_SCAN,           /* due messages of one priority, after a cursor */
    JOB_SWEEP,          /* messages past their validity that are due but were not got to */
    JOB_CALLBACK_SCAN,  /* due status callbacks */
    JOB_CALLBACK_END,   /* taken, or given up */
    JOB_CALLBACK_AGAIN, /* one more try, later */
    JOB_KEY,            /* DUPLICATE or ABSENT: is the message's idempotency key taken? nothing is stored */
    JOB_LANE_STATE,     /* keep how its breaker stands */
    JOB_LANE_USE,       /* what a lane began to send lately */
    JOB_PRUNE,          /* idempotency keys and marks of deleted messages past their time */
    JOB_ACCOUNTS,       /* the names of all accounts */
    JOB_WRITE,          /* what a front wants written (store/write.h) */
    JOB_HOOK,           /* a write to an account's webhooks */
    JOB_HOOKS,          /* all webhooks */
    JOB_HOOK_SCAN,      /* what one of them is owed and due */
    JOB_HOOK_TRIED,     /* what came of a delivery */
    JOB_HOOK_REPLAY,    /* the next stretch of a webhook's replay */
    JOB_HOOK_PRUNE,     /* deliveries older than due_at are forgotten */
    JOB_VERIFY,         /* a one-time code is tried, or withdrawn */
    JOB_EVENT,          /* a business event with all its parts, which are PUTs */
    JOB_NODES,          /* a look around among the nodes of this database */
    JOB_PARCEL,         /* what is another node's to do */
    JOB_PARCEL_ANSWER,  /* what came of one */
    JOB_PARCEL_FORGET,  /* its answer was read */
    JOB_CONSENT_NEWS,   /* webhooks hear of opt-outs and opt-ins that somebody wrote */
};

enum job_result {
    JOB_DONE,
    JOB_FAILED,     /* not stored; err says why */
    JOB_DUPLICATE,  /* PUT: its idempotency key is taken; dup_* say by what */
    JOB_CLAIMED,    /* MOVE with claim: another message has that provider id already; nothing stored */
    JOB_AMBIGUOUS,  /* MOVE with claim: the id may as well be that of another message with the same number and
                       text */
    JOB_ABSENT,     /* LOAD: no such message; MOVE, REDACT: it was deleted meanwhile */
    JOB_SUPPRESSED, /* PUT that leaves something to do, MOVE that begins an attempt: why says what forbids it;
                       nothing stored */
    JOB_POSTPONED,  /* likewise: over a frequency cap, or its account's ceiling, until */
    JOB_ELSEWHERE,  /* LOAD: it is of another live node, which owner_node says */
};

/* A status callback that is due. */
struct callback {
    int64_t message_id;
    uint16_t event;
    uint16_t tries;
    enum state state;
    enum reason reason;
    int32_t code;
    int64_t at; /* when the event happened */
    int64_t due_at;
    struct message *message; /* owned by the callback */
};

/* What a lane began to send in one minute. */
struct lane_use {
    int64_t minute_at; /* its beginning */
    uint32_t units;
};

/* How the breaker of a lane stands, and what is learned of its rate; all zero: it is closed, all is well. */
struct lane_state {
    bool broken;
    uint32_t downs;
    int64_t until;
    int64_t pace_good, pace_bad; /* what dispatch/pace has learned, in thousandths; 0: nothing */
    struct lane_standing standing;
};

enum { LANE_SENDER_MAX = 64, LANE_SENDERS_MAX = 4096, LANE_SENDER_KEPT_DAYS = 90 };

/* What one sender began to send on a lane: since when, and in the day of last_at. */
struct lane_sender {
    char sender[LANE_SENDER_MAX + 1];
    int64_t first_at, last_at;
    uint32_t units;
};

struct account_name {
    int64_t id;
    char name[NAME_CHARS_MAX + 1];
};

enum { SCAN_MAX = 4096, MINUTE_US = 60 * 1000 * 1000, LANE_USE_KEPT_MINUTES = 40 * 24 * 60 };

struct job {
    enum job_kind kind;
    bool must;
    void *owner; /* the core's own */
    /* PUT, MOVE, REDACT, DELETE: the message (borrowed); LOAD: id and account */
    struct message *message;
    int64_t id;
    int64_t account_id;
    struct sv find_number, find_provider_id; /* LOAD with id 0: only finds the id (borrowed) */
    struct change change;
    bool claim;            /* MOVE: refuse if another message holds change.next.provider_id */
    bool exempt;           /* PUT, MOVE: opt-outs do not stop this message */
    bool needs_consent;    /* PUT, MOVE: its topic is one of consent.required_topics */
    int64_t invalid_until; /* MOVE: how long a number that the provider calls invalid is kept so; 0: not */
    /* PUT, MOVE that begin an attempt: what it costs of its lane's rates and quotas; 0: not counted. Where
     * senders warm up: whose it is (borrowed), and when the lane's day began; 0: they do not. */
    uint32_t units;
    struct sv sender;
    int64_t day_at;
    int64_t
        spend_max; /* likewise: what its account may spend in a day, in the attempt's currency; 0: whatever */
    /* PUT with an idempotency key */
    int64_t idempotency_until;
    /* SCAN, SWEEP, CALLBACK_SCAN */
    int64_t now;
    enum priority priority;
    int64_t after_due_at, after_id; /* keyset cursor: rows strictly after it */
    unsigned limit;                 /* 1..SCAN_MAX */
    /* CALLBACK_* */
    uint16_t event;
    uint16_t tries;
    int64_t due_at;
    struct sv lane; /* LANE_USE: its name, borrowed */
    /* PUT: the short links in its text, good until then; borrowed */
    const struct link *links;
    size_t n_links;
    int64_t links_until;
    struct reply *reply;                     /* PUT of an inbound text: likewise */
    const struct consent *consent;           /* PUT of a text that asks for one: what it is to grant */
    struct verification_write *verification; /* PUT of a text with a one-time code; VERIFY: likewise */
    int64_t keep_from;                       /* PRUNE: verifications begun before are forgotten */
    struct store_write *write; /* WRITE, at `now`: borrowed; its outcome counts when the result is DONE */
    /* EVENT: borrowed; and its messages, jobs of kind PUT that the journal does with it and never hands back
     * by themselves. DUPLICATE: dup_id is the event that has its name. SUPPRESSED (which says also
     * POSTPONED), FAILED: a part came to that, and nothing is stored of any. ABSENT: its digest is another by
     * now. Else a part's result is DONE, or DUPLICATE when its rule's dedupe key was seen before. */
    struct event_write *business;
    struct job **parts;
    size_t n_parts;
    int64_t events_floor; /* PRUNE: events below this id are past */

    struct hook_write *hook;          /* HOOK: likewise */
    const int64_t *notice_ids;        /* CONSENT_NEWS: CONSENT_NEWS_MAX of them, borrowed */
    const struct delivery_try *tried; /* HOOK_TRIED: borrowed. HOOK_SCAN, HOOK_REPLAY: id is the webhook's */

    const struct tally *tally; /* PUT, MOVE: what caps and duplicate windows count for it; NULL: nothing */
    int64_t first_id;          /* PUT, MOVE: it is suppressed as a duplicate of that one; else 0 */
    int64_t until;             /* POSTPONED */

    struct parcel *parcel; /* PARCEL, PARCEL_ANSWER, PARCEL_FORGET: borrowed */
    int64_t sending_until; /* NODES, LOAD: attempts of a node that is gone are open until then at least */
    struct node_news news; /* NODES */
    struct parcel
        *parcels; /* NODES: `limit` of what is to be done, then the answers; the receiver's to free */
    unsigned n_parcels, n_answers;
    int64_t *woken; /* NODES: own webhooks with something due; likewise */
    unsigned n_woken;
    int64_t hooks_version; /* NODES */
    unsigned owner_node;   /* LOAD: ELSEWHERE */
    bool adopted;          /* LOAD: it was another node's, which is gone */

    const struct node_self *self;  /* the journal's: who this process is; NULL: alone */
    bool heed;                     /* the journal's: the suppression list may have rows */
    const struct hook_list *hooks; /* the journal's; NULL: there are none */
    struct period_touch *touch;    /* the journal's: which period it touched last */
    bool rehook;                   /* the journal's: they are others now */
    bool wrote;                    /* the journal's: it has now */
    bool scrubs;                   /* the journal's: what it took away must go from the log, too */
    enum reason why;               /* SUPPRESSED */
    enum job_result result;
    struct err err;
    struct message *loaded;   /* LOAD; the receiver's to free */
    struct attempt attempt;   /* LOAD, SCAN does not: the latest attempt, number 0 if none */
    struct attempt *attempts; /* SCAN: beside rows, the latest attempt of those being sent, sent, or unknown
                                 (else zero) */
    struct message **rows;    /* SCAN, SWEEP; the receiver's to free, array and rows */
    unsigned n_rows;
    struct callback *callbacks; /* CALLBACK_SCAN; likewise */
    unsigned n_callbacks;
    struct hooked hooked;            /* PUT, MOVE, HOOK: whom the events are owed to */
    bool released;                   /* HOOK_TRIED: the message's next event is due now */
    struct hook_list *hook_list;     /* HOOKS; the receiver's to free */
    struct delivery_due *deliveries; /* HOOK_SCAN; likewise, with what they own */
    unsigned n_deliveries;
    struct lane_use *use; /* LANE_USE, oldest first; the receiver's to free */
    unsigned n_use;
    struct account_name *accounts; /* ACCOUNTS; the receiver's to free */
    unsigned n_accounts;
    struct lane_sender *senders; /* LANE_USE; likewise */
    unsigned n_senders;
    struct verification_lapsed *lapsed; /* PRUNE: whose codes ran out; likewise */
    unsigned n_lapsed;
    struct lane_state lane_state; /* LANE_STATE: to be kept; LANE_USE: as it was kept */
    int64_t end_due_at, end_id;   /* SWEEP: where the next page begins, while more */
    bool more;                    /* the scan stopped at its limit */
    int64_t next_due_at;          /* the earliest due time after now; 0: none */
    int64_t dup_id;
    bool dup_same; /* the same fingerprint */
};

struct journal;

/* db stays the caller's. */
MUST_USE struct journal *journal_new(struct db *db, struct err *e);
void journal_free(struct journal *j);
/* This process is a node of its database: self, which is borrowed, has joined. Each transaction is fenced and
 * the lease renewed by them; without jobs nobody renews it, so JOB_NODES must come often. When another node
 * has taken over, the lease says so, and nothing is stored any more. */
void journal_join(struct journal *j, const struct node_self *self);

/* Does the n jobs in one transaction; those finished (in any order) are written to done, which has room for n
 * + the jobs kept from before. Returns how many. Jobs kept back are tried again at the next call, which may
 * have n == 0. */
size_t journal_apply(struct journal *j, struct job **jobs, size_t n, struct job **done);
/* Gives up the jobs kept back, as a crash would: each is handed to forget. */
void journal_abandon(struct journal *j, void (*forget)(struct job *));
/* Whether somebody was erased (store/erasures.h) whose data may still stand in the log of the database; and
 * empties it, waiting for readers no longer than ms. */
bool journal_wants_scrub(const struct journal *j);
void journal_scrub(struct journal *j, int ms);
/* Jobs kept back because they must not be lost and the database fails. */
size_t journal_held(const struct journal *j);
/* Why the database failed last; kind ERR_NONE while it works. */
const struct err *journal_trouble(const struct journal *j);

#endif
