/* consent_news: words of recipients (store/consents) that came by API, import or console, told to the
 * account's webhooks. Whoever writes such a word, this process or another, leaves it marked where the account
 * has an endpoint; the journal looks for marks now and then and owes the notices in the transaction that
 * takes the marks away, so that each is told once.
 */
#ifndef HY_STORE_CONSENT_NEWS_H
#define HY_STORE_CONSENT_NEWS_H

#include "store/deliveries.h"

enum { CONSENT_NEWS_MAX = 100 }; /* told at once */

/* ids: those of the notices, `n` of them, at most CONSENT_NEWS_MAX. *more: there may be others. Precondition:
 * a transaction is open. */
MUST_USE bool consent_news_tell(struct db *db, const struct hook_list *l, const int64_t *ids, unsigned n,
                                int64_t now, struct hooked *out, bool *more, struct err *e);

#endif
