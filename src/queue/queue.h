/* queue: which messages are due, in memory, and when to look on disk for more. It owns no message: items are
 * embedded in the caller's structs.
 *
 * In memory. Of each priority, messages stand in *groups*, one for each set of lanes that may take them, so
 * that those whose lanes are closed hold up nobody else; in a group each account has its own first-in-first-
 * out list, its *flow*. queue_next gives the most urgent priority's; among its groups, and in a group among
 * its accounts, each has its turn. So that nothing starves, a less urgent priority with an item has its turn
 * when urgent_run of more urgent ones went before it.
 *
 * From disk. The queue on disk may hold millions; in memory stands a bounded window of it. Pages are read in
 * the order of (due_at, id). Three kinds of mark say what memory does not know of:
 *  - the *frontier* of a priority: rows behind it may be due and were not looked at yet, while `behind` says
 * that there may be any;
 *  - a flow is *missing* rows: those of its account and group behind its mark were seen, but there was no
 * room for them;
 *  - a group is missing rows of accounts that have no flow in it, likewise.
 * Every due row is held, or behind a mark that covers it. When a flow or group gets hungry it is read on from
 * its own mark, so one account's campaign, or a closed lane's backlog, costs the others neither room nor
 * time. Room is shared by dynamic thresholds (Choudhury and Hahne 1998): a group may hold as much as is free,
 * and a flow twice what its group could still take, so that newcomers find some. Since what waits for closed
 * lanes does not drain, each group may have a few items however full the window is.
 *
 * A new message of a flow that misses rows waits its turn on disk too, so that it never overtakes older ones.
 * Pure: the time is handed in.
 */
#ifndef HY_QUEUE_QUEUE_H
#define HY_QUEUE_QUEUE_H

#include "base/err.h"
#include "base/map.h"
#include "model/state.h"

struct queue_flow;
struct queue_group;

/* What is to be done. What is no attempt costs nothing of a lane's rates; each kind stands apart. */
enum queue_kind { QUEUE_ATTEMPT, QUEUE_LOOKUP, QUEUE_POLL, QUEUE_KINDS };

struct queue_item {
    struct queue_item *next;
    enum priority priority;
    bool queued;
    enum queue_kind kind;
    uint64_t lanes;          /* any of them may take it: 1 << index; 0: none, for now */
    int64_t account;         /* whose turn it takes */
    struct queue_flow *flow; /* where it stands, while queued */
};

/* Where a row stands in the queue on disk. */
struct queue_key {
    int64_t due_at, id;
};

struct queue_lane {                 /* one priority */
    struct map groups[QUEUE_KINDS]; /* owned, by set of lanes */
    struct queue_group *turn;       /* whose it is; they stand in a ring; NULL: there is none */
    size_t n;                       /* items */
    size_t n_missing;               /* flows and groups that miss rows */
    unsigned passed_over;           /* more urgent ones that went while it had items */
    struct queue_key frontier;      /* all due rows up to here were looked at */
    bool behind;
    bool scanning; /* a page has been asked for, of rows after `from` */
    bool paging;   /* and is being handed over */
    bool noted;    /* meanwhile rows became due that it may not have; the first is noted_at */
    bool forward;  /* it was asked for at the frontier: the other kind is next */
    struct queue_key from, noted_at;
    int64_t next_due_at; /* look again then; 0: nothing known to come */
    int64_t not_before;  /* the last page could not be read: wait until then */
};

struct queue {
    struct queue_lane lanes[PRIORITY_COUNT];
    size_t n;
    size_t window;       /* items of one priority, but for what each group is sure of */
    unsigned urgent_run; /* 0: strictly the most urgent */
    uint64_t pass;
};

void queue_init(struct queue *q, size_t window); /* everything is behind: a new process knows nothing */
/* Forgets all items. */
void queue_done(struct queue *q);
void queue_bound(struct queue *q, size_t window);
void queue_share(struct queue *q, unsigned urgent_run);

/* Takes in a due message, whose row is at key; i says its priority, lanes and account. False: there is no
 * room, or older ones of its flow wait on disk: it stays there and will be read again in its turn. Either a
 * row of the page being handed over, or a message that is new or found by chance; of the latter, only while
 * queue_is_behind says no. */
MUST_USE bool queue_offer(struct queue *q, struct queue_item *i, struct queue_key key);
/* Rows of that priority may be due that were not looked at yet. */
bool queue_is_behind(const struct queue *q, enum priority p);
/* May something be offered: is a page being handed over, or nothing behind? */
bool queue_takes(const struct queue *q, enum priority p);
/* The lanes of i for which nobody of its priority or a more urgent one waits, if nothing older of its flow
 * waits on disk; else 0. */
uint64_t queue_free_lanes(const struct queue *q, const struct queue_item *i);

/* One pass over the queue gives each group's turn until `may` has said no to it. */
void queue_begin_pass(struct queue *q);
/* The next item that may go, taken out; NULL: no group has one in this pass. */
struct queue_item *queue_next(struct queue *q, bool (*may)(const struct queue_item *i, void *ctx), void *ctx);
/* Takes out an item that is queued, wherever it stands (cancel). Linear in its flow's length. */
void queue_remove(struct queue *q, struct queue_item *i);
/* Takes out the items `wanted` says yes to, at most max of them, as a chain by `next`; NULL: none. Linear in
 * the queue's length. */
struct queue_item *queue_sift(struct queue *q, size_t max,
                              bool (*wanted)(const struct queue_item *i, void *ctx), void *ctx);
/* Takes out all items, as a chain, and forgets all marks: everything is behind again (lanes and routes have
 * changed). */
struct queue_item *queue_clear(struct queue *q);
/* Shows the first item of every flow. */
void queue_heads(const struct queue *q, void (*see)(const struct queue_item *i, void *ctx), void *ctx);

/* How many turns at most pass before one that is put behind i's account's others has its own, as accounts
 * take turns in its group; SIZE_MAX: not known, rows of it wait on disk. */
size_t queue_turns_before(const struct queue *q, const struct queue_item *i);

/* A row is stored that is due at key.due_at and is not held in memory (any more). */
void queue_note_due(struct queue *q, enum priority p, struct queue_key key, int64_t now);

struct queue_scan {
    enum priority priority;
    struct queue_key after;
};
/* Is it time to ask for a page? Marks it asked. Called until false. */
bool queue_wants_scan(struct queue *q, int64_t now, struct queue_scan *out);
/* The page came. Its rows, but those held already, are offered between these two; last: the last row's key
 * (ignored when n is 0), more: there are more, next_due_at: the earliest due time after it. */
void queue_page(struct queue *q, enum priority p);
void queue_scanned(struct queue *q, enum priority p, size_t n, struct queue_key last, bool more,
                   int64_t next_due_at);
/* The page could not be read: ask again at `again_at`. */
void queue_scan_failed(struct queue *q, enum priority p, int64_t again_at);
/* The earliest moment after now at which queue_wants_scan may say yes by time alone; 0: never. */
int64_t queue_next_due_at(const struct queue *q, int64_t now);
/* Reads no pages of p before `until`, or before the end of a longer pause: what would be done with the rows
 * cannot be done now. */
void queue_pause(struct queue *q, enum priority p, int64_t until);

#endif
