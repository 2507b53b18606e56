/* grants: the tokens a sender thread holds for its lanes (adapter.h: grant), and the calls that wait for one.
 *
 * A token belongs to the values of the lane's fields, not to its name: after a reload with other credentials
 * it is another lane's. One owner, one thread; no network in here. Calls are the caller's; they wait in the
 * order they came.
 */
#ifndef HY_APP_GRANTS_H
#define HY_APP_GRANTS_H

#include "base/map.h"
#include "pipeline/call.h"
#include "provider/adapter.h"

struct grant_entry {
    struct grant held; /* the token, when ready */
    struct grant step; /* while fetching: what the last step on the way to the next one gave */
    bool ready;
    bool fetching;
    int64_t renew_at; /* ready: another is to be fetched from here on, by one call; others use this one */
    uint32_t number;  /* of the token: 1 for the first */
    struct call *first, *last; /* waiting, by call->waits_behind */
};

struct grants {
    struct map by_lane; /* hash of provider and fields -> struct grant_entry, owned */
};

void grants_init(struct grants *g);
/* Forgets the tokens. Precondition: no call waits. */
void grants_done(struct grants *g);
/* The lane's entry; made when there is none. A token that ends within a minute is not ready any more. */
struct grant_entry *grants_of(struct grants *g, const struct lane_config *lane, int64_t now);
void grant_wait(struct grant_entry *e, struct call *c);
/* Whether this call shall fetch the next token, although there is one: some minutes before its end. */
bool grant_is_due(const struct grant_entry *e, int64_t now);
/* The last step gave the token. */
void grant_take(struct grant_entry *e, int64_t now);
/* None was given. True: the one that is held serves on, and another is asked for after a while. */
MUST_USE bool grant_failed(struct grant_entry *e, int64_t now);
/* Takes out the call that waited longest; NULL: none. */
struct call *grant_next(struct grant_entry *e);
/* The provider refused that token: the next call has another. False: it takes no newer one yet, so that the
 * same would be used again. A token that was replaced meanwhile is another already. */
bool grant_refused(struct grant_entry *e, uint32_t number, int64_t now);
void grant_forget(struct grant_entry *e);

#endif
