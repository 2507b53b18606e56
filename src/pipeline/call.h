/* call: one outgoing request the core decided on, and what came of it. The core makes it once everything it
 * stands for is committed; a sender thread builds the request, makes the call, judges the answer, and hands
 * the object back. Building and judging are pure and live here, so that the seeded world's sender is the real
 * one without a network.
 */
#ifndef HY_PIPELINE_CALL_H
#define HY_PIPELINE_CALL_H

#include "model/http.h"
#include "model/id.h"
#include "model/settings.h"
#include "model/world.h"
#include "store/journal.h"

/* What building may take of an arena, at most: a message with all its parts and its request, or those of a
 * batch. A batch that needs more goes apart. */
enum { CALL_ARENA_BYTES = 1024 * 1024 };

enum call_kind { CALL_ATTEMPT, CALL_LOOKUP, CALL_CALLBACK, CALL_HOOK };

/* Where a webhook's events go, as it stands now. */
struct hook_target {
    struct sv url;
    struct hook_secret secrets[2]; /* the second: n 0 for none */
};

struct call {
    enum call_kind kind;
    void *owner; /* the core's own */
    const struct settings *settings;
    const struct lane_config *lane; /* ATTEMPT, LOOKUP */
    const struct message *message;  /* borrowed: its unchanging part */
    unsigned attempt;
    unsigned step;                  /* of its plan */
    char from[SENDER_NAME_MAX + 1]; /* out of a pool, for a message that names none; or "" */
    int64_t started_at;
    struct callback callback; /* CALLBACK; its message is `message` */

    struct sv grant;     /* the token its lane has, where the adapter wants one; borrowed while building */
    struct call *joined; /* ATTEMPT: the next one that goes by the same request */
    struct call *waits_behind; /* the sender's own */
    bool renewed;              /* the sender's own: it went out anew with another token */

    int64_t elapsed_us;
    struct verdict verdict;              /* ATTEMPT */
    struct lookup_answer answer;         /* LOOKUP */
    bool taken;                          /* CALLBACK, HOOK: answered 2xx */
    int status;                          /* CALLBACK, HOOK */
    const struct hook_target *target;    /* HOOK */
    const struct delivery_due *delivery; /* HOOK */
    int64_t retry_after_s;               /* HOOK: as it asked, 0: it did not */
    char error[DELIVERY_ERROR_MAX + 1];  /* HOOK: why there was no answer, or "" */
};

/* Does it call a provider, and so has a lane? */
static inline bool call_has_lane(const struct call *c) {
    return c->kind == CALL_ATTEMPT || c->kind == CALL_LOOKUP;
}

/* Who signs callbacks: the account's sid and token; a webhook's secret out of its sealed form. */
struct signer {
    bool (*account)(void *ctx, int64_t account_id, struct sv *sid, struct sv *token);
    bool (*open)(void *ctx, struct sv sealed, char out[HOOK_SECRET_BYTES_MAX]);
    void *ctx;
};

/* Which of the others may go by first's request: they are chained to it by `joined` and replaced by NULL in
 * `others`. Both are attempts, first has none joined yet. Returns how many go by it, first included. */
size_t call_join(struct call *first, struct call **others, size_t n, const struct world *w,
                 struct arena *mem);
/* Builds the request in mem, for c and what is joined to it. False: it cannot be built, and the call has been
 * judged accordingly (as not sent); where others are joined to it none is judged: each may yet be built
 * alone.
 */
MUST_USE bool call_build(struct call *c, const struct world *w, const struct signer *s, struct arena *mem,
                         struct http_request *out);
/* Judges what came back, for c and what is joined to it. */
void call_judge(struct call *c, const struct world *w, const struct http_response *r);
/* The lane's token could not be fetched: nothing was sent. */
void call_judge_ungranted(struct call *c, const struct err *why);

#endif
