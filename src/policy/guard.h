/* guard: is somebody pumping texts? Artificial traffic goes to ranges of numbers that share its revenue: many
 * texts to one prefix out of nowhere, and codes that nobody gives back.
 *
 * Counted are, for each account apart, texts by prefix of the number: the country code and 4 to 7 digits, in
 * a sliding window of two halves, beside a memory that fades by half a day. A prefix bursts when its window
 * has at least burst_min texts, at least four times what its share of the account's earlier texts would make
 * of the account's window, and that difference has z > 6 in a one-sided, pooled two-proportion z-test. While
 * the account has fewer than 200 earlier texts there is nothing to compare with: then a prefix bursts when it
 * has at least burst_min texts and half of all. So a campaign of a shop, however large, does not: every
 * prefix keeps its share. Of the prefixes that burst the longest is flagged: the fewest innocents.
 *
 * Conversion: of the codes that ended, how many were approved, over the last hour. A prefix falls when at
 * least 20 of its ended, its share is at least 20 percentage points below its own earlier one (or, while that
 * has fewer than 50, the account's other prefixes'), and z > 3.5 in the same test.
 *
 * Memory is bounded: a fixed table in sets of eight; where a set is full the least of it makes room, and the
 * newcomer takes over its count as its past (as space-saving does), which errs on the side of no alarm. Flags
 * are what matters over a restart: they are handed out and in; counts begin anew. Pure: the time is handed
 * in. One owner, one thread.
 */
#ifndef HY_POLICY_GUARD_H
#define HY_POLICY_GUARD_H

#include "base/codec.h"
#include "base/err.h"

enum { GUARD_PREFIX_MAX = 12, GUARD_FLAGS_MAX = 4096 };

/* Stored as numbers: append only. */
enum guard_why { GUARD_FINE = 0, GUARD_BURST = 1, GUARD_CONVERSION = 2, GUARD_WHYS };
const char *guard_why_name(enum guard_why w);

struct guard_rules {
    uint32_t burst_min; /* 0: bursts are not looked for */
    int64_t window_us;
    bool conversion;
    int64_t flag_us; /* how long a prefix stays flagged */
};

struct guard_flag {
    int64_t account_id, since, until;
    enum guard_why why;
    char prefix[GUARD_PREFIX_MAX + 1]; /* "+861380" */
};

struct guard;
/* NULL when memory is short. Some 5 MB. */
MUST_USE struct guard *guard_new(struct sip_key key);
void guard_free(struct guard *g);

/* A new text. True: its prefix is flagged, out says how; *fresh: by this very text. number: E.164; what is
 * none is never flagged. */
bool guard_text(struct guard *g, const struct guard_rules *r, int64_t account_id, struct sv number,
                int64_t now, struct guard_flag *out, bool *fresh);
/* What guard_text would find already flagged, and nothing is counted. */
bool guard_is_flagged(struct guard *g, int64_t account_id, struct sv number, int64_t now,
                      struct guard_flag *out);
/* A code ended, approved or not. True: that flagged its prefix. */
bool guard_ended(struct guard *g, const struct guard_rules *r, int64_t account_id, struct sv number,
                 bool approved, int64_t now, struct guard_flag *out);
/* Puts back what was flagged before, or by hand. */
void guard_put(struct guard *g, const struct guard_flag *f);
/* Takes a flag away: until then the prefix is let pass, and not counted. False: there was none. */
bool guard_release(struct guard *g, int64_t account_id, struct sv prefix, int64_t now, int64_t until);
size_t guard_flags(const struct guard *g);

/* ---- several that count the same accounts' texts ---- */

struct guard_count { /* what was counted of a prefix, or of a whole account, by the name it has in the table
                      */
    uint64_t key;
    bool codes, whole;
    float n, good;
};
/* How many count, this one among them; 0: not known yet. With 1 nothing is noted for others, and what was is
 * forgotten. */
void guard_share(struct guard *g, uint32_t parts);
/* What was counted here and is to be told to the others, each once: of texts what grew by a quarter of one
 * part of burst_min in half a window (so that what is never told is less than half of burst_min), of codes
 * and whole accounts all. Returns how many of at most max. */
size_t guard_untold(struct guard *g, const struct guard_rules *r, int64_t now, struct guard_count *out,
                    size_t max);
/* What another has told. Flags nothing: the next text of that prefix is judged by it. */
void guard_hear(struct guard *g, const struct guard_rules *r, const struct guard_count *heard, int64_t now);
/* A flag, or a prefix that is let pass (GUARD_FINE), as another has set it: taken over unless what is here is
 * as new. */
void guard_learn(struct guard *g, const struct guard_flag *f, int64_t now);
size_t guard_bytes(void);

#endif
