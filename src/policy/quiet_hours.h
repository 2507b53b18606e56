/* quiet_hours: is a message to be held back now, and until when? The rules of model/quiet, with the wall
 * clocks of the zones they are judged in. A message is quiet as long as any rule that is for it says so in
 * any of the zones its recipient may be in; what counts is what those clocks show, so that an hour which
 * passes twice is quiet twice, and an end that a clock skips is when it was skipped. Pure but for the clocks
 * it remembers; one owner, one thread.
 */
#ifndef HY_POLICY_QUIET_HOURS_H
#define HY_POLICY_QUIET_HOURS_H

#include "model/quiet.h"

struct quiet_hours;

/* rules stay the caller's, and their calendars; fallback: the zone of recipients whose own cannot be told. */
struct quiet_hours *quiet_hours_new(const struct quiet_rule *rules, uint32_t n, struct sv fallback);
void quiet_hours_free(struct quiet_hours *q);

struct quiet_subject {
    struct message_facts facts;
    struct sv to;   /* its zones are those of this number */
    struct sv zone; /* or this one, if it is known; empty: not said */
};

struct quiet_answer {
    int64_t until;                 /* 0: not quiet. Else when it will not be any more, or when to ask again */
    const struct quiet_rule *rule; /* the one that holds it longest */
    const struct calendar *calendar_ended; /* a calendar that was asked about a date beyond it; or NULL */
};

struct quiet_answer quiet_hours_ask(struct quiet_hours *q, const struct quiet_subject *s, int64_t at);

#endif
