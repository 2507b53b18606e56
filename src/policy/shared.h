/* shared: what the gateways of one installation count together, in a Redis server.
 *
 * The same sliding slots as base/window, one key a counter, all counters of a message in one scripted call:
 * they count it together or not at all, by the server's clock. What the counters are called is a keyed hash;
 * no number, account or text is there.
 *
 * An epoch is the life of the server's data: it ends when the server is started anew, fails over or is
 * emptied. Its first SHARED_SETTLE_US seconds are for telling it what everybody remembers of their own counts
 * (SHARED_OWED): until then nobody counts there. What is asked in an epoch that is over is not done.
 *
 * One owner, one thread. Each call ends with a result within the server's time-out: what could not be asked,
 * or was not answered, is SHARED_AWAY, and may have been counted. Only SHARED_HELLO connects. Decides
 * nothing: what is done while the server is away is the core's business (pipeline/core_shared.c).
 */
#ifndef HY_POLICY_SHARED_H
#define HY_POLICY_SHARED_H

#include "model/meters.h"
#include "net/redis.h"
#include "policy/limits.h"

enum {
    SHARED_RULES_MAX = 2 * RATES_MAX,
    SHARED_DEBTS_MAX = 64,
    SHARED_SPANS_MAX = 2,
    SHARED_BATCH_MAX = 256,
    SHARED_SETTLE_US = 2 * 1000 * 1000, /* longer than a gateway takes to see it */
};

enum shared_kind {
    SHARED_HELLO,     /* is it there? connects if its time has come */
    SHARED_TAKE,      /* counts a message, or units, in all rules or in none */
    SHARED_GIVE_BACK, /* what was counted `at` did not come to be */
    SHARED_OWED,      /* what was counted without the server; of a span: by_age[0] more, and then at least
                         by_age[1] in all */
    SHARED_CLOSED,    /* one counter is the end of a pause: it is wait_us from now, if that is later; 0: only
                         asks */
};                    /* append only: scripts have these numbers */

enum shared_result {
    SHARED_DONE,
    SHARED_REFUSED, /* TAKE: a rule is used up */
    SHARED_AWAY,
};

/* Rules of group 0 are looked at first, and its tightest is told only if one is used up. */
struct shared_rule {
    uint64_t counter;
    int64_t period_us; /* 0: a span with an end, as a day: the counter's name says which */
    uint32_t max;
    uint32_t group; /* 0 or 1 */
    uint32_t rule;  /* the caller's */
};

struct shared_call {
    enum shared_kind kind;
    enum shared_result result;
    int64_t epoch;         /* in which it is to be done; HELLO: told, not 0 */
    bool settled;          /* HELLO: told: the epoch takes calls */
    int64_t now;           /* 0: the server's clock; else this, for tests */
    int64_t at;            /* TAKE: told: when it was counted; GIVE_BACK: given */
    uint32_t units, least; /* TAKE: up to units, if at least so many may be; 0: one. GIVE_BACK: units */
    uint32_t granted;      /* TAKE: told */
    int64_t span_used[SHARED_SPANS_MAX]; /* TAKE, OWED: told, if done: of the spans in their order */
    uint32_t tightest, left;  /* TAKE: told: which rule, n if none of group 1 applies; and how much of it */
    int64_t wait_us;          /* TAKE: told: until more of it comes free. CLOSED: told, too: what is left */
    struct limit_debt *debts; /* OWED: the caller's */
    size_t n;                 /* rules, or debts */
    struct shared_rule rules[SHARED_RULES_MAX]; /* TAKE, GIVE_BACK */
};

struct shared;
/* meters may be NULL. ERR_INVALID or ERR_OUTSIDE, as redis_new. */
MUST_USE struct shared *shared_new(const struct redis_where *where, struct sv prefix, struct meters *meters,
                                   struct err *e);
void shared_free(struct shared *s);

/* Does n calls, at most SHARED_BATCH_MAX, in their order and in one round trip where it can be. */
void shared_run(struct shared *s, struct shared_call **calls, size_t n);
/* Why it is away; ERR_NONE: it is there. */
const struct err *shared_trouble(const struct shared *s);

#endif
