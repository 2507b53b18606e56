/* tallies: which caps and duplicate windows apply to a message, and what the journal is to count for it: the
 * rules of model/tally with hashes and windows worked out. Pure but for the clocks it remembers; one owner,
 * one thread.
 */
#ifndef HY_POLICY_TALLIES_H
#define HY_POLICY_TALLIES_H

#include "base/codec.h"
#include "model/tally.h"

struct tallies;

/* rules stay the caller's. fallback: the zone of recipients whose own cannot be told. */
struct tallies *tallies_new(const struct tally_rule *rules, uint32_t n, struct sv fallback,
                            struct sip_key key);
void tallies_free(struct tallies *t);

struct tally_subject {
    struct message_facts facts;
    int64_t account_id;
    struct sv to, body, template;
    struct sv zone; /* the recipient's, as its caller said; empty: not said */
};

/* What is to be counted for it, sent at `at`; only_text: of duplicates alone. NULL: no rule is for it. The
 * caller's, to be freed with free(). A recipient of several zones has the days of the first. */
struct tally *tallies_of(struct tallies *t, const struct tally_subject *s, int64_t at, bool only_text);

#endif
