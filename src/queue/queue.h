/* queue: which messages are due, in memory, and when to look on disk for more. It owns no message: items are
 * embedded in the caller's structs.
 *
 * The queue on disk may hold millions; in memory stands a bounded window of it, one first-in-first-out list a
 * priority. The window is refilled by keyset scans: a pass goes from the oldest due row to the newest, a page
 * at a time. `behind` says that rows may be due on disk that memory does not know of; while it is set, a new
 * message of that priority waits its turn on disk too, so that it never overtakes older ones. Pure: the time
 * is handed in.
 */
#ifndef HY_QUEUE_QUEUE_H
#define HY_QUEUE_QUEUE_H

#include "model/state.h"

struct queue_item {
    struct queue_item *next;
    enum priority priority;
    bool queued;
};

struct queue_lane { /* one priority */
    struct queue_item *first, *last;
    size_t n;
    bool behind;
    bool scanning;                  /* a page has been asked for */
    bool disturbed;                 /* rows became due behind the cursor while a pass was under way */
    int64_t after_due_at, after_id; /* cursor of the pass; 0,0: at its start */
    int64_t next_due_at;            /* look again then; 0: nothing known to come */
    int64_t not_before;             /* the last page could not be read: wait until then */
};

struct queue {
    struct queue_lane lanes[PRIORITY_COUNT];
    size_t n;
};

void queue_init(struct queue *q); /* everything is behind: a new process knows nothing */

void queue_push(struct queue *q, struct queue_item *i);
/* The one that queue_pop would give. */
struct queue_item *queue_first(const struct queue *q);
/* The first item of the most urgent priority; NULL when empty. */
struct queue_item *queue_pop(struct queue *q);
/* Takes out an item that is queued, wherever it stands (cancel). Linear in the list's length. */
void queue_remove(struct queue *q, struct queue_item *i);

/* Takes out the items `wanted` says yes to, at most max of them, as a chain by `next`; NULL: none. Linear in
 * the queue's length. */
struct queue_item *queue_sift(struct queue *q, size_t max,
                              bool (*wanted)(const struct queue_item *i, void *ctx), void *ctx);

/* A row was stored that is due at `due_at` and is not held in memory. */
void queue_note_due(struct queue *q, enum priority p, int64_t due_at, int64_t now);
/* May a new message of priority p be held in memory (nothing older waits on disk)? */
bool queue_is_caught_up(const struct queue *q, enum priority p);

struct queue_scan {
    enum priority priority;
    int64_t after_due_at, after_id;
};
/* Is it time to ask for a page? Marks it asked. Called until false. */
bool queue_wants_scan(struct queue *q, int64_t now, size_t low_water, struct queue_scan *out);
/* The page came: last row's key (ignored when n is 0), whether there are more, the earliest due time after
 * it. */
void queue_scanned(struct queue *q, enum priority p, size_t n, int64_t last_due_at, int64_t last_id,
                   bool more, int64_t next_due_at);
/* The page could not be read: ask again at `again_at`. */
void queue_scan_failed(struct queue *q, enum priority p, int64_t again_at);
/* The earliest moment at which queue_wants_scan may say yes by time alone; 0: never. */
int64_t queue_next_due_at(const struct queue *q);
/* Reads no pages of p before `until`, or before the end of a longer pause: what would be done with the rows
 * cannot be done now. */
void queue_pause(struct queue *q, enum priority p, int64_t until);

#endif
