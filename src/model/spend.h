/* spend: how much an account may spend in a day (of UTC): one line of `limits.spend`, as data:
 * `100 USD/day`, or `20.5 USD/day for account=shop,mall`. Views of the text.
 */
#ifndef HY_MODEL_SPEND_H
#define HY_MODEL_SPEND_H

#include "base/err.h"
#include "base/sv.h"

enum { SPEND_RULES_MAX = 1000 };

struct spend_rule {
    int64_t max; /* micro-units, above nought */
    struct sv currency;
    struct sv accounts; /* names joined by commas; empty: each that no other line names */
};

/* ERR_INVALID ("must be ...") when it is no such line. */
MUST_USE bool spend_parse(struct sv text, struct spend_rule *out, struct err *e);
/* What these lines let the account spend in that currency; 0: as much as it likes. */
int64_t spend_max(const struct sv_list *lines, struct sv account, struct sv currency);

#endif
