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

enum call_kind { CALL_ATTEMPT, CALL_LOOKUP, CALL_CALLBACK };

struct call {
    enum call_kind kind;
    void *owner; /* the core's own */
    const struct settings *settings;
    const struct lane_config *lane; /* ATTEMPT, LOOKUP */
    const struct message *message;  /* borrowed: its unchanging part */
    unsigned attempt;
    unsigned step; /* of its plan */
    int64_t started_at;
    struct callback callback; /* CALLBACK; its message is `message` */

    int64_t elapsed_us;
    struct verdict verdict;      /* ATTEMPT */
    struct lookup_answer answer; /* LOOKUP */
    bool taken;                  /* CALLBACK: answered 2xx */
    int status;                  /* CALLBACK */
};

/* Who signs callbacks: the account's sid and token. */
struct signer {
    bool (*account)(void *ctx, int64_t account_id, struct sv *sid, struct sv *token);
    void *ctx;
};

/* Builds the request in mem. False: it cannot be built, and the call has been judged accordingly (as not
 * sent). */
MUST_USE bool call_build(struct call *c, const struct world *w, const struct signer *s, struct arena *mem,
                         struct http_request *out);
/* Judges what came back. */
void call_judge(struct call *c, const struct world *w, const struct http_response *r);

#endif
