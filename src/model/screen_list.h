/* screen_list: a file of words or patterns, what is done with a text that has one of them, and whose texts it
 * is for: one rule of `screen.lists`, as data.
 *
 * Written `block words FILE`, `flag patterns FILE for topic=marketing`, `replace words anywhere FILE for
 * account=acme,beta topic=promo`, `allow FILE for account=acme`: an action (allow: phrases in which a hit
 * does not count), what the file holds, and after `for` the accounts, by name, and the topics it is for; a
 * rule without them is for all. A path may have spaces in it.
 */
#ifndef HY_MODEL_SCREEN_LIST_H
#define HY_MODEL_SCREEN_LIST_H

#include "base/err.h"
#include "base/sv.h"

enum screen_list_action { SCREEN_LIST_BLOCK, SCREEN_LIST_FLAG, SCREEN_LIST_REPLACE, SCREEN_LIST_ALLOW };

struct screen_list_rule {
    enum screen_list_action action;
    bool patterns; /* regular expressions, not words */
    bool anywhere; /* words count inside longer Latin words, too */
    struct sv file;
    struct sv accounts; /* names with commas between; empty: all */
    struct sv topics;   /* likewise */
    struct sv text;     /* as it was written */
};

enum { SCREEN_LIST_RULES_MAX = 64 };

/* Views of text are kept in out. ERR_INVALID ("must be ...") when it is no rule. */
MUST_USE bool screen_list_parse(struct sv text, struct screen_list_rule *out, struct err *e);

/* Whether texts of that account and topic (either may be empty) are held against the rule's list. */
bool screen_list_is_for(const struct screen_list_rule *r, struct sv account, struct sv topic);

#endif
