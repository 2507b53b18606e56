/* rulebook: one front's copies of the rules at work: those of files, and the published ones of each account,
 * compiled and indexed by the types of events they are for. So an event whose type no rule names costs a few
 * comparisons, however many rules there are.
 *
 * An account's rules are read when its first event comes, and again when the store says that something was
 * published (rulebook_refresh). A stored rule that does not compile any more is left out and told.
 */
#ifndef HY_INGEST_RULEBOOK_H
#define HY_INGEST_RULEBOOK_H

#include "ingest/admit.h"
#include "ingest/rule.h"
#include "store/db.h"

struct rulebook;

/* db: a reader of this thread's; it outlives the book. */
MUST_USE struct rulebook *rulebook_new(struct db *db, struct err *e);
void rulebook_free(struct rulebook *b); /* NULL is fine */

/* Looks whether rules were published: when a second has passed (now: any monotonic microseconds), and at once
 * when `published` (COUNT_RULES_PUBLISHED) is not what it was; and takes other files when texts are others.
 */
void rulebook_refresh(struct rulebook *b, const struct texts *texts, int64_t now, uint64_t published);

/* The account's rules, valid until the next refresh. */
struct rule_page;
MUST_USE bool rulebook_page(struct rulebook *b, int64_t account_id, struct sv account_name,
                            const struct rule_page **out, struct err *e);
/* All of them, by place, those switched off too. */
size_t rule_page_rules(const struct rule_page *p, const struct rule *const **rules);
/* By name; NULL: none is at work. */
const struct rule *rule_page_find(const struct rule_page *p, struct sv name);

/* The rules at work for that type of event, in order of their names, in out (room for
 * 2 * RULES_PER_ACCOUNT_MAX): those it makes fire, or those whose messages it withdraws. */
enum rule_side { RULE_SIDE_ON, RULE_SIDE_CANCEL };
size_t rule_page_match(const struct rule_page *p, enum rule_side side, struct sv type,
                       const struct rule **out);

/* Rules as the files have them; of texts, which own them. */
const struct rule_set *texts_rules(const struct texts *t);

#endif
