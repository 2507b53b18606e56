/* rule_run: what one rule makes of one event: whether it matches, to whom, when, with what. Pure but for the
 * memory handed in; nothing is looked up and nothing is sent. Expressions see the members of the event's data
 * by their names, `data` (all of it), and `event` (id, type, source, time, subject, data).
 */
#ifndef HY_INGEST_RULE_RUN_H
#define HY_INGEST_RULE_RUN_H

#include "ingest/rule.h"

enum rule_verdict {
    RULE_FIRES,
    RULE_PASSES,  /* `when` is false */
    RULE_IS_LATE, /* its moment has passed */
    RULE_FAILS,   /* err says why, its field which member of the rule */
    RULE_IS_LEFT, /* the event's steps were used up before it was judged */
};

enum {
    EVENT_STEPS_MAX = 500000, /* of all rules and texts of one event; some 50 ms */
    RULE_RECIPIENTS_MAX = 100,
};

struct rule_run {
    enum rule_verdict verdict;
    struct err err;
    const struct sv *whom; /* addresses; or, of a rule with `contact`, ids; no two alike */
    size_t n_whom;
    struct sv to, contact;           /* the one of them that rule_run_choose chose; the other is empty */
    struct sv language, key, dedupe; /* in the memory, as all texts; empty: none */
    int64_t send_at;                 /* 0: at once */
    json_t *vars;                    /* what the template sees; the caller's to free */
};

/* The variables of an event: an object, the caller's. data: an object (or anything else, which then has no
 * members); event: an object with what else is known of it. */
json_t *rule_vars(const json_t *event, const json_t *data);
/* The event matched its `on` already. steps: what is left for the event (EVENT_STEPS_MAX at first); what this
 * takes is taken off. mem: 64 KiB are ample. */
void rule_run(const struct rule *r, const json_t *vars, int64_t now, struct arena *mem, uint64_t *steps,
              struct rule_run *out);
void rule_run_choose(const struct rule *r, struct rule_run *run, size_t i);
/* The key under which an event that its cancel_on matches withdraws; with *steps 0 after a failure, they were
 * used up. */
MUST_USE bool rule_run_cancel_key(const struct rule *r, const json_t *vars, struct arena *mem,
                                  uint64_t *steps, struct sv *key, struct err *e);
/* For a dry run: the values of the names that `when` reads, as a JSON object appended to out. */
void rule_explain_when(const struct rule *r, const json_t *vars, struct buf *out);

#endif
