/* core_parts: the inside of the core, shared by its files only: core.c (the turn), core_live.c (a message in
 * memory), core_house.c (pages and what is past), core_submit.c (new messages), core_asks.c (what is asked of
 * stored ones, settings), core_early.c (receipts without a token), core_queue.c (whose turn it is),
 * core_receipt.c (receipts that do not come), core_send.c (claims, outcomes, look-ups), core_route.c
 * (routes), core_price.c (what they cost), core_savings.c (what is saved), core_trials.c (their canaries),
 * core_time.c (quiet hours), core_lanes.c (what is told of lanes), core_expect.c and core_explain.c (what is
 * told of messages), core_owed.c (status callbacks), core_hooks.c (webhooks), core_guard.c (the fraud guard),
 * core_verify.c (one-time codes), core_events.c (business events), core_nodes.c (the other nodes),
 * core_gossip.c (what they count), core_shared.c (what gateways count together), core_retention.c (what is
 * old).
 */
#ifndef HY_PIPELINE_CORE_PARTS_H
#define HY_PIPELINE_CORE_PARTS_H

#include "base/map.h"
#include "dispatch/lane.h"
#include "dispatch/settle.h"
#include "pipeline/ask.h"
#include "pipeline/call.h"
#include "pipeline/core.h"
#include "policy/canary.h"
#include "policy/guard.h"
#include "policy/quiet_hours.h"
#include "policy/route.h"
#include "policy/shared.h"
#include "policy/tallies.h"
#include "queue/queue.h"
#include "store/gossip.h"

#include <string.h>

/* Something for a message that had to wait for its uncommitted change, or for its row to be loaded. */
struct parked {
    struct parked *next;
    struct ask *ask;   /* or */
    struct call *call; /* a call's result */
};

/* A message held in memory. */
struct live {
    struct queue_item item; /* first: the queue hands these back */
    int64_t id;
    struct message *m;      /* NULL while the row is being loaded */
    struct attempt attempt; /* the latest, as committed */
    struct work *work;      /* the uncommitted change (or load), NULL if none */
    struct call *call;      /* the call in flight, NULL if none */
    struct lane *lane;      /* of that call, or of the claim under way */
    struct lane_load load;  /* that claim's */
    int64_t reserved_at;
    bool held;    /* new, and to be held by the fraud guard */
    uint32_t far; /* its row is due far, in that epoch, less one (core_far.c); 0: it is not */
    bool covered; /* its row waits on disk, and the queue knows: it need not be told */
    struct parked *first, *last;
};

/* What a job is for: what to do once it is committed. */
enum purpose {
    FOR_PUT,     /* a new message */
    FOR_LOAD,    /* a row that something is parked for */
    FOR_FIND,    /* a receipt's message, by number and provider id */
    FOR_CLAIM,   /* queued -> sending */
    FOR_OUTCOME, /* of an attempt */
    FOR_LOOKUP,  /* outcome of a look-up */
    FOR_HOUSE,   /* expiry, orphan, closed window: nobody waits for it */
    FOR_COMMAND, /* cancel, delete, redact: answers ask */
    FOR_RECEIPT, /* answers ask */
    FOR_SCAN,
    FOR_SWEEP,
    FOR_OWED_SCAN,
    FOR_OWED, /* a callback's end or next try */
    FOR_LANE_USE,
    FOR_LANE_STATE,
    FOR_KEY, /* a request over a rate: is it a repeat of one that was taken? */
    FOR_PRUNE,
    FOR_ACCOUNTS,
    FOR_WRITE, /* answers ask */
    FOR_HOOK,  /* a write to webhooks: answers ask, if there is one */
    FOR_HOOKS, /* the list of them */
    FOR_HOOK_SCAN,
    FOR_HOOK_TRIED, /* what came of a delivery */
    FOR_HOOK_REPLAY,
    FOR_HOOK_PRUNE,
    FOR_VERIFY, /* answers ask */
    FOR_TRIAL,  /* what is kept of lanes on trial */
    FOR_GUARD,  /* what the fraud guard keeps: answers ask, if there is one */
    FOR_EVENT,  /* answers ask; its parts are works of their own, FOR_PUT */
    FOR_NODES,  /* a look around among the nodes */
    FOR_PARCEL, /* what is another node's to do: answers ask, or has it wait */
    FOR_PARCEL_END,
    FOR_GOSSIP,       /* what other nodes counted */
    FOR_RETENTION,    /* messages that are old enough to go */
    FOR_FAR,          /* the mark below attempts that are due far */
    FOR_CONSENT_NEWS, /* what recipients said by API or import is told to webhooks */
};

enum { FAR_EPOCHS = 64 };

struct work {
    struct job job; /* first: the journal hands these back */
    enum purpose purpose;
    struct live *live;
    struct ask *ask;
    struct owing *owing;
    struct hook_event *hook_event; /* FOR_HOOK_TRIED */
    void *own;                     /* owned: what its job writes, where that is nobody else's */
    struct lane *lane;             /* FOR_LANE_USE */
    struct lookup_answer *answer;  /* FOR_LOOKUP: the candidates not tried yet */
    size_t candidate;
    struct work *next_out;
};

/* Something asked of those who count with us. */
struct asking {
    struct shared_call call; /* first: it is handed back */
    struct ask *ask;         /* TAKE: whose message; NULL: nobody waits any more */
    struct ask *whole;       /* TAKE: the event that ask is a part of, or NULL */
    const struct settings *settings;
    struct limits *limits;        /* OWED: whose; NULL: a lane's quotas */
    char lane[LANE_NAME_MAX + 1]; /* TAKE of a slice, OWED of quotas */
    int64_t asked_at;
    struct asking *older, *newer;
};

struct askings {
    struct asking *oldest, *newest;
    size_t n;
};

/* A status callback held in memory. */
struct owing {
    struct callback callback; /* owns its message */
    struct call call;
};

struct core {
    const struct world *world;
    const struct settings *settings;
    struct core_mail mail;
    struct id_maker ids;
    int64_t now; /* of this turn */

    struct map live;  /* id -> struct live */
    struct map owing; /* message and event -> struct owing */
    struct map keys;  /* siphash of account and idempotency key -> struct work whose PUT is not committed */
    struct queue queue;
    struct limits *limits;                  /* owned */
    struct guard *guard;                    /* owned; NULL: nothing it watches is configured */
    struct limits *code_limits;             /* owned: those of texts with one-time codes */
    struct limits *lane_limits;             /* owned: what lanes began, where others are to know of it */
    struct lane *lanes[SETTINGS_LANES_MAX]; /* owned */
    size_t n_lanes;
    struct route_table *routes;           /* owned; NULL: every message may take every lane */
    struct canary *canaries;              /* owned: one for each route, whether it has one or not */
    bool route_canaries;                  /* some route has one */
    bool route_senders;                   /* some route has a pool of senders */
    struct tallies *tallies;              /* owned; NULL: no cap and no duplicate window is configured */
    struct quiet_hours *quiet;            /* owned; NULL: no rule is configured */
    const struct calendar *calendar_told; /* that it ended was said last of this one */
    struct {
        struct map names; /* account id -> name, owned: all that have something in memory */
        bool unread, reading;
        bool news; /* a name has been learned */
        int64_t ask_at;
    } accounts;
    struct { /* lanes on trial that were taken out before this process */
        bool unread, reading;
        int64_t ask_at;
    } trials;
    struct { /* the other nodes of the database; a lone gateway has none */
        bool looking, keeper;
        int64_t look_at, hooks_version;
        unsigned alive;
        bool all_see_far; /* none is of a version that would not find attempts due far */
        struct map doing; /* parcel id -> struct parcel: came from others */
        struct map sent;  /* parcel id -> struct sent, owned: commands that others do */
    } nodes;
    struct { /* what they have counted */
        bool asking, begun;
        int64_t at;
        unsigned slot, rounds;
        int64_t heard[GOSSIP_NODES]; /* of each node, until then */
    } gossip;
    struct { /* the walk over old messages */
        bool walking;
        int64_t at, after_id;
    } retention;
    struct map gone; /* lanes no longer configured, owned: calls may still name them */

    size_t n_jobs; /* handed out or waiting to be, not yet back */
    size_t n_calls;
    struct work *out_first, *out_last; /* jobs the journal's mailbox had no room for */
    struct call **out_calls;           /* likewise */
    size_t n_out_calls;
    unsigned next_sender;

    struct {
        bool behind, scanning;
        int64_t next_due_at;
    } owed;
    struct {
        struct map endpoints;          /* webhook id -> struct endpoint, owned; they stay as long as this */
        struct map events;             /* webhook and message -> struct hook_event, owned */
        struct endpoint *first, *last; /* those to be looked at */
        size_t n_calls;                /* of theirs under way */
        bool unread, reading, pruning; /* unread: the list has changed */
        bool telling;                  /* of consents */
        int64_t next_at, reread_at, retry_at, prune_at, tell_at;
    } hooks;
    struct {
        int64_t next_at; /* the next stretch is looked at then */
        enum priority priority;
        int64_t after_due_at, after_id;
    } sweep;
    struct { /* receipts whose message is not found yet, by when they are looked for again */
        struct ask *first, *last;
        size_t n;
    } early;
    struct {                    /* all zero: nobody counts with us */
        struct askings takes;   /* owned: messages that wait to be judged */
        struct askings others;  /* owned: all else that was asked and has not come back */
        int64_t epoch;          /* the server's, as of the latest hello; 0: away */
        int64_t told_epoch;     /* in which it was told what we counted */
        bool settled, together; /* the epoch takes calls; we are in it */
        bool greeting;
        int64_t hello_at;
    } shared;
    struct { /* attempts whose message is due far */
        struct far_epoch {
            int64_t first_id;     /* the lowest of its messages */
            unsigned begun, open; /* open: without an outcome on disk */
        } epochs[FAR_EPOCHS];
        uint32_t oldest, newest; /* their numbers; those between are kept */
        int64_t mark, last_id;   /* on disk, or on its way there; the greatest id when this process began */
        int64_t at;              /* not written before */
        bool open, writing;      /* open: what was before is seen to, and the mark is on disk */
        bool moved;              /* an epoch is over */
    } far;
    int64_t prune_at;
    int64_t use_at;        /* what lanes began before is not asked for earlier: it could not be read */
    int64_t scores_at;     /* the lanes' health is published then */
    int64_t sift_at;       /* the queue in memory is looked through for what has expired then */
    int64_t oldest_due_at; /* in memory, when it was looked through last; 0: none */
    int64_t backlog;       /* messages on disk with something still to be done */
    bool draining;
    bool more; /* this turn left something undone that needs no outside event */
};

/* core.c */
struct work *core_work(struct core *c, enum purpose purpose, enum job_kind kind, struct live *l);
void core_free_work(struct work *w);
void core_record(struct core *c, struct work *w); /* hands the job over at the end of the turn */
/* A write of the core's own, which is freed with its work. a: who is answered behind it, or NULL. */
void core_write(struct core *c, enum purpose purpose, struct store_write *own, struct ask *a);
void core_answer(struct core *c, struct ask *a, enum ask_result result);
struct settle core_settle(struct core *c);
/* Do opt-outs not stop this message? */
bool core_is_exempt(const struct core *c, const struct message *m);
/* Does it go only to whoever granted it? */
bool core_needs_consent(const struct core *c, const struct message *m);
/* A lane's runtime state by name; NULL if it is not configured (any more). */
struct lane *core_lane(struct core *c, const char *name);
void core_lane_free(struct lane *l);

/* core_live.c: a message in memory. */
struct live *core_live_new(struct core *c, int64_t id, struct message *m);
void core_live_free(struct live *l);
/* The live message, loading its row if need be: then m is NULL and the input must be parked. */
struct live *core_live_get(struct core *c, int64_t id);
void core_park(struct live *l, struct ask *a, struct call *call);
/* A change was adopted, or nothing was done: go on with what is parked; forget the message when nothing is
 * left. */
void core_settled(struct core *c, struct live *l);
/* The message is no longer on disk: nothing that is parked for it can be done. */
void core_parked_absent(struct core *c, struct live *l);
/* Whether it is cannot be said: who asked is told why, and may ask again. Commands and receipts only. */
void core_parked_failed(struct core *c, struct live *l, const struct err *why);
/* A change of l is on disk: take over the new head, count, log, and start the callbacks it owes. */
void core_adopt(struct core *c, struct live *l, const struct change *ch);
void core_load_done(struct core *c, struct work *w);

/* core_far.c: attempts whose message is due far. Begins and ends are told; may: it can be, now. */
void core_far_turn(struct core *c);
void core_far_written(struct core *c, struct work *w);
bool core_far_may(const struct core *c, const struct live *l);
void core_far_begin(struct core *c, struct live *l);
void core_far_end(struct core *c, struct live *l);
/* The longest that an attempt on any lane may take. */
int64_t core_longest_us(const struct core *c);
void core_house_done(struct core *c, struct work *w);

/* core_house.c: what nobody asks for: pages of the queue, what is past its time, what lanes began before. */
enum { RETRY_SCAN_US = 500 * 1000 }; /* what the disk refused is not asked for again before that */
void core_ask_for_pages(struct core *c);
void core_ask_for_use(struct core *c);
void core_pruned(struct core *c, struct work *w); /* what a prune brought */
void core_keep_house(struct core *c);
void core_scanned(struct core *c, struct work *w);
void core_swept(struct core *c, struct work *w);
void core_use_done(struct core *c, struct work *w);

/* core_queue.c: between the core and the queue. */
size_t core_window(const struct settings *s);
struct queue_key core_key(const struct live *l);
/* Fills in where l stands: priority, lanes, account. */
void core_set_item(struct core *c, struct live *l);
/* Puts it into the queue in memory, or leaves it on disk; then it may be settled. */
void core_enqueue(struct core *c, struct live *l);
/* A lane that may take new message l at once, before nobody's turn; NULL: none. */
struct lane *core_lane_at_once(struct core *c, struct live *l);
void core_claims(struct core *c);
/* Lanes or routes are about to change: empties the queue in memory. It is read again from disk. */
struct queue_item *core_unqueue_all(struct core *c);
void core_settle_all(struct core *c, struct queue_item *chain);

/* core_submit.c */
void core_submit(struct core *c, struct ask *a);
/* What limits count m by, which a asks for. */
struct limit_subject core_subject(const struct ask *a, const struct message *m);
bool core_within_limits(struct core *c, struct ask *a);
/* The rates have judged it, or have to be asked here. */
void core_submit_judged(struct core *c, struct ask *a, enum ask_judged judged);
/* Why no lane takes m now. */
enum reason core_why_waiting(struct core *c, const struct message *m);
/* Makes the new message of a come alive, with its id and the job that stores it, which is not handed over
 * yet. */
struct work *core_new_put(struct core *c, struct ask *a);
/* The same job again, for a message that may not be sent, or not yet, as w's result says. */
struct work *core_put_otherwise(struct core *c, struct work *w);
void core_put_done(struct core *c, struct work *w);
void core_key_done(struct core *c, struct work *w);

/* core_asks.c */
void core_ask(struct core *c, struct ask *a);
void core_ask_live(struct core *c, struct live *l, struct ask *a); /* l->m set, no work under way */
void core_about_stored(struct core *c, struct ask *a);
void core_command_done(struct core *c, struct work *w);
void core_write_done(struct core *c, struct work *w);

/* core_early.c */
/* A receipt without our token: finds its message, now or soon. */
void core_find(struct core *c, struct ask *a);
void core_find_done(struct core *c, struct work *w);
void core_find_again(struct core *c); /* those that waited long enough */
int64_t core_find_again_at(const struct core *c);
void core_find_lost(struct core *c); /* the core ends */

/* core_shared.c: what gateways count together. The core never waits for it: what is not answered in time is
 * judged by our part of each rate. */
void core_shared_turn(struct core *c);
int64_t core_shared_next_at(const struct core *c);
/* Asks whether a new message is within the rates; false: nobody is to be asked. Then core_submit_judged; of a
 * part of an event, core_event_judged of the whole when no part waits any more. */
bool core_shared_ask(struct core *c, struct ask *a, struct ask *whole);
/* What was counted together did not come to be. */
void core_shared_give_back(struct core *c, const struct ask *a, const struct message *m);
/* How many gateways share a rate while nobody counts for all: those seen in the database, or expected. */
uint32_t core_shared_parts(const struct core *c);
/* limits_take, or our part of it. */
bool core_shared_alone(struct core *c, struct limits *l, const struct rate *rates, size_t n,
                       const struct limit_subject *s, struct limit_answer *out);
void core_shared_lost(struct core *c); /* the core ends */
/* What a lane began, or did not begin after all, while nobody counted it for all. */
void core_shared_began(struct core *c, const struct lane *lane, uint32_t units);
void core_shared_began_not(struct core *c, const struct lane *lane, uint32_t units, int64_t then);

/* Inside core_shared.c and core_shared_lanes.c: */
struct asking *core_asking_new(const struct core *c, enum shared_kind kind);
void core_asking_free(struct asking *x);
/* False: there is no room; x is the caller's still. */
bool core_asking_hand_over(struct core *c, struct asking *x);
/* The lanes: slices asked for and given back, quotas told. */
void core_shared_lanes_turn(struct core *c);
/* A slice, or quotas that were told, came back; false: the server is away. */
bool core_shared_lane_back(struct core *c, const struct asking *x);

/* core_events.c: business events */
void core_event(struct core *c, struct ask *a);
void core_event_done(struct core *c, struct work *w);
void core_event_judged(struct core *c, struct ask *a);
void core_event_forget(struct work *w);

/* core_nodes.c: the other nodes */
void core_nodes_turn(struct core *c);
void core_nodes_looked(struct core *c, struct work *w);
/* w loads a row, which may be of a node that is gone. */
void core_nodes_load(struct core *c, struct work *w);
/* Jobs that must run once are this process' to do. */
bool core_nodes_keeps(const struct core *c);
/* a is about a message of another node. */
void core_parcel_send(struct core *c, struct ask *a, int64_t message_id, unsigned to);
void core_parcel_sent(struct core *c, struct work *w);
/* What came from another node is answered; frees a. */
void core_parcel_done(struct core *c, struct ask *a, enum ask_result result);
void core_nodes_done(struct core *c); /* the core ends */

/* core_gossip.c: what the nodes have counted */
void core_gossip_turn(struct core *c);
void core_gossip_done(struct core *c, struct work *w);

/* core_retention.c: messages that are older than they are kept */
int64_t core_retention_next_at(const struct core *c); /* 0: never */
void core_retention_turn(struct core *c);
void core_retention_done(struct core *c, struct work *w);

/* core_guard.c: the fraud guard */
void core_load_guard(struct core *c, const struct settings *s);
/* Why a new text must not be sent; *hold: it must wait for somebody. */
enum reason core_guard_text(struct core *c, const struct ask *a, const struct message *m, bool *hold);
/* Whether a's account may send to the country of m's number; nothing is counted. */
bool core_guard_allows(const struct core *c, const struct ask *a, const struct message *m);
/* Whether its prefix is flagged already, and what then becomes of m; nothing is counted. */
bool core_guard_flagged(struct core *c, const struct message *m, struct guard_flag *flag, bool *hold);
void core_guard_ended(struct core *c, int64_t account_id, struct sv number, bool approved);
void core_guard_settle(struct core *c, struct live *l, struct ask *a);
void core_guard_unflag(struct core *c, struct ask *a);
void core_guard_done(struct core *c, struct work *w);
/* Reads what other nodes have flagged and released. */
void core_guard_look(struct core *c);
/* So many nodes count. False: there is nothing to count. */
bool core_guard_tells(struct core *c, uint32_t parts);
size_t core_guard_untold(struct core *c, struct guard_count *out, size_t max);
void core_guard_hear(struct core *c, const struct guard_count *heard);

/* core_verify.c: one-time codes */
void core_verify(struct core *c, struct ask *a);
void core_verify_done(struct core *c, struct work *w);
/* Counts a new text with a code in verifications.rates; false: one is used up. */
struct limit_subject core_verify_subject(const struct ask *a, const struct message *m);
bool core_verify_counts(struct core *c, struct ask *a);
void core_verify_counts_not(struct core *c, const struct ask *a, const struct message *m);
/* Codes ran out. */
void core_verify_lapsed(struct core *c, struct work *w);
/* How far back verifications are kept. */
int64_t core_verify_keep_from(const struct core *c);

/* core_send.c */
/* A lane that may take m now (NULL: any message); NULL if none. */
struct lane *core_open_lane(struct core *c, const struct message *m);
/* The same among those of a set (1 << index). */
struct lane *core_open_lane_of(struct core *c, const struct message *m, uint64_t lanes);
/* Whom to ask about l's latest attempt. A lane that has another provider account by now would truly say that
 * it has no such message: NULL. */
struct lane *core_lane_to_ask(struct core *c, const struct live *l);
/* It has a further channel, and none of the lanes for the one it is on can be reckoned with: they are broken,
 * their providers down, or they cannot carry it. */
bool core_is_stuck(struct core *c, const struct message *m);
/* When m, which no lane takes now, is to be looked at again, where quotas and warm-ups are all it waits for;
 * 0: it waits for something that may end any moment. */
int64_t core_postponed_to(struct core *c, const struct message *m);
/* Takes a place among the calls and in the lane's window and rates for l; gives it back when there will be no
 * call after all. */
void core_reserve(struct core *c, struct live *l, struct lane *lane, struct lane_load load);
void core_release(struct core *c, struct live *l);
/* Adds to w what begins an attempt on lane, its place included. The message must be about to be stored as
 * `sending`. */
void core_begin_attempt(struct core *c, struct live *l, struct lane *lane, struct work *w);
/* Stores a change nobody waits for. */
void core_house(struct core *c, struct live *l, const struct change *ch);
void core_send_call(struct core *c, struct live *l, enum call_kind kind);
/* Its turn has come: begins an attempt on lane, asks its provider, puts it off until `later`, or ends it. */
void core_turn_of(struct core *c, struct live *l, struct lane *lane, int64_t later);
/* A message that is due, just read from disk or pushed back: do what its state asks for. */
void core_due(struct core *c, struct live *l);
void core_called(struct core *c, struct call *call);
void core_called_live(struct core *c, struct live *l, struct call *call);
void core_claim_done(struct core *c, struct work *w);
void core_outcome_done(struct core *c, struct work *w);
void core_lookup_done(struct core *c, struct work *w);

/* core_receipt.c: receipts that do not come */
void core_due_receipt(struct core *c, struct live *l); /* l is `sent` and due */
void core_poll(struct core *c, struct live *l);        /* its turn to be asked about has come */
/* No question after it is due any more. */
bool core_is_past_receipts(struct core *c, const struct live *l);
void core_polled(struct core *c, struct live *l, const struct lookup_answer *answer);

/* Which lanes a message may take. */
struct choice {
    bool all;                       /* no routes are configured: every lane, in the order of the settings */
    const struct route_rule *route; /* else NULL: it fits none, and may take no lane */
    struct route_order order;
};

/* core_price.c */
/* What m costs on that lane, in micro-units of its currency, and the country of its number; false: the lane
 * has no price for it. */
bool core_price(const struct core *c, const struct lane_config *lane, const struct message *m, int64_t *price,
                char region[3]);
/* What m may cost on that route (NULL: none), the lower of both ceilings; 0: whatever it costs. */
int64_t core_max_price(const struct route_rule *route, const struct message *m);
/* Why that lane cannot take m at all, on that route (NULL: none); REASON_NONE: it can. */
enum reason core_refused(const struct core *c, const struct route_rule *route, const struct message *m,
                         const struct lane_config *lane);
void core_order_by_price(const struct core *c, const struct message *m, struct choice *choice);
/* Notes in a what it costs. What its account may spend in a day in that currency; 0: whatever. */
int64_t core_note_price(const struct core *c, const struct lane_config *lane, const struct message *m,
                        struct attempt *a);

/* core_savings.c: what need not be paid for */
/* Adds to the change of a new message, or of one that ends unsent, what that saves. */
void core_save_new(struct core *c, const struct ask *a, const struct message *m, struct change *ch);
void core_save_unsent(struct core *c, const struct message *m, struct change *ch);
/* Where it says that l's attempt was taken: what its lane saves beside the first of its route. */
void core_save_route(struct core *c, const struct live *l, struct change *ch);

/* core_trials.c: what is kept of lanes on trial */
/* Keeps its counts, now and then, and that it was taken out. */
void core_trial_keep(struct core *c, const struct route_rule *route);
void core_ask_for_trials(struct core *c);
void core_trial_done(struct core *c, struct work *w);
/* Reads, soon, what other nodes have taken out. */
void core_trials_look(struct core *c);
void core_report_routes(struct core *c, struct ask *a);

/* core_route.c */
void core_load_routes(struct core *c, const struct settings *s);
void core_routes_done(struct core *c);
/* What an attempt for m by lane costs, and by which sender it would go. */
struct lane_load core_load_of(const struct core *c, const struct lane_config *lane, const struct message *m);
/* The sender out of a pool that m goes by on lane; empty: its own, or the lane's `from`. */
struct sv core_sender(const struct core *c, const struct lane_config *lane, const struct message *m);
/* An attempt for m ended, or a receipt came for it: what that says of the canary of its route. */
void core_canary_attempt(struct core *c, const struct message *m, const struct call *call);
void core_canary_undelivered(struct core *c, const struct message *m);
/* Is a trial going on? */
bool core_trials_tell(const struct core *c);
/* What was counted of that route's trial and not told yet; and what another node has told. */
struct trial_count {
    uint64_t key; /* of the route and its canary */
    int which;    /* the others (0) or the canary (1) */
    struct canary_sample sample;
};
bool core_trial_untold(struct core *c, uint32_t route, int which, struct trial_count *out);
void core_trial_hear(struct core *c, const struct trial_count *heard);
struct route_query core_route_query(const struct core *c, const struct message *m);
void core_choose(const struct core *c, const struct message *m, struct choice *out);
/* Messages have their account's number, routes its name: read once the routes ask for it. */
void core_know_account(struct core *c, int64_t id, struct sv name);
void core_ask_for_accounts(struct core *c);
void core_accounts_done(struct core *c, struct work *w);
/* What was queued before its account's name was known may have got another route's lanes: it is read again.
 */
void core_accounts_news(struct core *c);

/* The name of a message's account; empty while it is not known. */
struct sv core_account_name(const struct core *c, int64_t id);

/* core_time.c: when a message may go */
void core_load_times(struct core *c, const struct settings *s);
/* Until when m is held back by quiet hours that `at` lies in; 0: it is not. */
int64_t core_quiet_until(struct core *c, const struct message *m, int64_t at);
/* m comes with the default validity: it does not count quiet hours. */
void core_extend_validity(struct core *c, struct message *m);
/* m is new and waits for `why` until then. */
void core_place_held(struct core *c, const struct message *m, enum reason why, int64_t until,
                     struct change *ch);
/* Holds l back for `why`; told once. What would be too late is over, as `over` for that reason. */
void core_hold_until(struct core *c, struct live *l, enum reason why, int64_t until, enum state over);
/* What caps and duplicate windows would be asked for m, sent at `at`. NULL: nothing. To be freed with free().
 */
struct tally *core_tally_of(struct core *c, const struct message *m, int64_t at, bool only_text);
/* w's change is whole: what caps and duplicate windows count of it. */
void core_tally(struct core *c, struct work *w);
/* l is due, or its turn has come. True: it is held back, and a change is under way. */
bool core_hold(struct core *c, struct live *l);

/* core_lanes.c: what is told of lanes */
/* A call ended; closed: its hint closed the lane just now. */
void core_lane_said(struct core *c, struct lane *lane, const struct call *call, bool closed);
void core_lane_receipt(struct core *c, const struct message *m, const struct event *ev);
void core_publish_lanes(struct core *c);
/* A code that the lane's adapter does not know: counted by itself, and logged. */
void core_unknown_code(struct core *c, struct lane *lane, const char *code);
void core_report_lanes(struct core *c, struct ask *a);

/* core_expect.c: when a message that waits may expect to go */
struct expectation core_expect(struct core *c, const struct message *m, int64_t at, uint32_t ahead,
                               bool ahead_more);
struct expectation core_expect_of_lane(const struct lane *lane, struct lane_load load, int64_t at);
void core_answer_expect(struct core *c, struct ask *a);

/* core_explain.c: what would become of a message */
void core_explain(struct core *c, struct ask *a);

/* core_owed.c */
/* Marks what ch owes; call before core_record. */
void core_owe(struct core *c, const struct message *m, struct change *ch);
/* Starts the callbacks of a committed change. */
void core_owe_done(struct core *c, const struct message *m, const struct change *ch);
void core_owed_scan(struct core *c);
void core_owed_scanned(struct core *c, struct work *w);
void core_owed_called(struct core *c, struct call *call);
void core_owed_done(struct core *c, struct work *w);

/* core_hooks.c: webhooks out. */
void core_hooks_turn(struct core *c);
int64_t core_hooks_next_at(const struct core *c); /* 0: nothing is to come */
/* A committed change owes events to these. */
void core_hooks_owed(struct core *c, const struct hooked *h);
/* Something is due for these, whoever owed it. */
void core_hooks_wake(struct core *c, const int64_t *ids, unsigned n);
void core_hooks_write(struct core *c, struct ask *a);
void core_hooks_written(struct core *c, struct work *w);
void core_hooks_listed(struct core *c, struct work *w);
void core_hooks_scanned(struct core *c, struct work *w);
void core_hooks_replayed(struct core *c, struct work *w);
void core_hooks_pruned(struct core *c, struct work *w);
void core_consents_told(struct core *c, struct work *w);
void core_hook_called(struct core *c, struct call *call);
void core_hook_tried(struct core *c, struct work *w);
void core_hooks_done(struct core *c); /* the core ends; no call is with it any more */

#endif
