/* country_rule: to which countries one account may send: one line of `fraud.account_countries`, as data:
 * `shop: CN, HK`, where shop is the account's name.
 */
#ifndef HY_MODEL_COUNTRY_RULE_H
#define HY_MODEL_COUNTRY_RULE_H

#include "base/err.h"
#include "base/sv.h"
#include "model/region_set.h"

struct country_rule {
    struct sv account;   /* a view of the text, as is */
    struct sv countries; /* "CN, HK" */
};

/* ERR_INVALID ("must be ...") when it is no such line. */
MUST_USE bool country_rule_parse(struct sv text, struct country_rule *out, struct err *e);
/* To which countries the settings let an account send: its own line of rules, where there is one, stands
 * instead of all (two capitals each). Empty: everywhere. Lines that are none count for nothing. */
struct region_set country_rules_of(const struct sv_list *rules, const struct sv_list *all, struct sv account);

#endif
