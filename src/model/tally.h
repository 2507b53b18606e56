/* tally: how often one recipient gets what: one rule of `limits.caps` or `limits.duplicates`, as data; and
 * what the journal is asked to count for one message.
 *
 * Caps are written `3/7d for topic=marketing` (in every interval of that length) or `1/calendar-day in
 * Asia/Shanghai`; `else wait` behind that puts off what is over the cap instead of suppressing it. Duplicates
 * are written `10min for topic=orders`: the same text to the same recipient within that time is suppressed;
 * `1d by template` looks at the template's name instead of the text.
 */
#ifndef HY_MODEL_TALLY_H
#define HY_MODEL_TALLY_H

#include "model/message_kind.h"

enum { TALLY_RULES_MAX = 64, TALLY_KEPT_DAYS = 62 };

enum tally_window { TALLY_SLIDING, TALLY_DAY, TALLY_WEEK };
enum tally_by { TALLY_ALL, TALLY_TEXT, TALLY_TEMPLATE };

struct tally_rule {
    struct sv text; /* as it was written */
    uint32_t max;
    enum tally_window window;
    int64_t period_us; /* of a sliding window */
    struct sv zone;    /* whose days; empty: the recipient's */
    enum tally_by by;
    bool waits;          /* else what is over it is suppressed */
    struct sv kind_text; /* the conditions as written: rules with the same ones share their counts */
    struct message_kind kind;
};

/* One rule, as it applies to one message at one moment. */
struct tally_ask {
    int64_t hash; /* of whom and what is counted */
    uint32_t max;
    int64_t since_at;  /* what began later counts */
    int64_t period_us; /* of a sliding window; 0: what counts now does until ends_at */
    int64_t ends_at;
    bool waits, duplicate;
};

/* All of them, for one job of the journal. */
struct tally {
    bool check, record, begun; /* is it over one? count it; an attempt of it begins */
    bool release;              /* it ended without having reached anybody: it does not count */
    int64_t at;                /* when it is sent */
    unsigned n;
    struct tally_ask asks[]; /* n */
};

/* Views of text are kept in out. ERR_INVALID ("must be ..."). */
MUST_USE bool tally_parse_cap(struct sv text, struct tally_rule *out, struct err *e);
MUST_USE bool tally_parse_duplicate(struct sv text, struct tally_rule *out, struct err *e);

#endif
