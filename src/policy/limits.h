/* limits: the rules of `limits.rates`, counted for every account, recipient, source ... apart.
 *
 * A message counts in all rules that apply to it, or, when one of them is used up, in none. A rule applies
 * when the message has all that the rule counts by. Memory is bounded: beyond keys_max counters the ones
 * soonest empty are dropped (and counted as dropped). Counters live in memory alone: a restart forgets them.
 * One owner, one thread.
 *
 * Where several gateways count together (policy/shared) these are this one's own counts: what the others do
 * not know of yet is owed to them, and told as debts.
 */
#ifndef HY_POLICY_LIMITS_H
#define HY_POLICY_LIMITS_H

#include "base/codec.h"
#include "base/window.h"
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

/* ---- together with others ---- */

/* The counters of the rules that apply, and which those are; room for n. Returns how many. */
size_t limits_counters(const struct limits *l, const struct rate *rates, size_t n,
                       const struct limit_subject *s, uint64_t *counters, uint32_t *rules);
/* The others were asked, and have counted it: so it counts here, too. */
void limits_note(struct limits *l, const struct rate *rates, size_t n, const struct limit_subject *s,
                 int64_t now);
/* limits_take without the others, who are as many with us as `nodes`: of each rule one part in so many, and
 * at least one. What is counted is owed to them. */
bool limits_take_part(struct limits *l, const struct rate *rates, size_t n, const struct limit_subject *s,
                      int64_t now, uint32_t nodes, struct limit_answer *out);

/* A counter that is not of these rules: units, owed or not. */
void limits_add(struct limits *l, uint64_t counter, int64_t period_us, uint32_t units, int64_t now,
                bool owed);
void limits_remove(struct limits *l, uint64_t counter, int64_t period_us, uint32_t units, int64_t then);

/* What one counter owes, by how many slots of its period ago it was counted. */
struct limit_debt {
    uint64_t counter;
    int64_t period_us;
    int64_t at;     /* as of */
    uint32_t round; /* of the limits */
    uint32_t by_age[WINDOW_SLOTS];
};

/* The others have lost all that they were told: everything is owed anew. */
void limits_owe_all(struct limits *l);
/* Counters that may owe something. */
size_t limits_owing(const struct limits *l);
/* The next debt, which is owed no more; false: there is none. */
bool limits_next_debt(struct limits *l, int64_t now, struct limit_debt *out);
/* They could not be told of it. */
void limits_owe_again(struct limits *l, const struct limit_debt *d);

/* A new bound, which holds from the next new counter on. */
void limits_bound(struct limits *l, size_t keys_max);
size_t limits_keys(const struct limits *l);
uint64_t limits_dropped(const struct limits *l);

#endif
