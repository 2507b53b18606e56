/* limits: the rules of `limits.rates`, counted for every account, recipient, source ... apart.
 *
 * A message counts in all rules that apply to it, or, when one of them is used up, in none. A rule applies
 * when the message has all that the rule counts by. Memory is bounded: beyond keys_max counters the ones
 * soonest empty are dropped (and counted as dropped). Counters live in memory alone: a restart forgets them.
 * One owner, one thread.
 */
#ifndef HY_POLICY_LIMITS_H
#define HY_POLICY_LIMITS_H

#include "base/codec.h"
#include "model/rate.h"

struct limits;

/* NULL when memory is short. */
MUST_USE struct limits *limits_new(struct sip_key key, size_t keys_max);
void limits_free(struct limits *l);

/* What a message is counted by; empty: it has none. */
struct limit_subject {
    struct sv parts[RATE_SCOPES];
};

struct limit_answer {
    const struct rate *rate; /* the tightest rule that applies; NULL: none does */
    uint32_t left;           /* of it, after this message */
    int64_t wait_us;         /* until more of it comes free */
};

/* False: a rule is used up; out tells the one that takes longest. */
bool limits_take(struct limits *l, const struct rate *rates, size_t n, const struct limit_subject *s,
                 int64_t now, struct limit_answer *out);
/* What limits_take would find for one rule, and nothing is counted: false when the rule does not apply. */
bool limits_look(const struct limits *l, const struct rate *rate, const struct limit_subject *s, int64_t now,
                 struct limit_answer *out);
/* The message that was counted at `then` did not come to be. */
void limits_give_back(struct limits *l, const struct rate *rates, size_t n, const struct limit_subject *s,
                      int64_t then);

/* A new bound, which holds from the next new counter on. */
void limits_bound(struct limits *l, size_t keys_max);
size_t limits_keys(const struct limits *l);
uint64_t limits_dropped(const struct limits *l);

#endif
