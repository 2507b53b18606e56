/* stock: one thread's compiled copies of the accounts' stored templates.
 *
 * A version never changes, so it is read and compiled once and kept; which version is published is asked
 * again when the store says that something was published (stock_refresh). It holds a bounded number of texts
 * and drops all of them when there are more. A template that includes others finds those its account has
 * published, in the same language, channel and part (else their text message), and after them the files of
 * the folder.
 */
#ifndef HY_INGEST_STOCK_H
#define HY_INGEST_STOCK_H

#include "ingest/admit.h"
#include "model/id.h"
#include "model/template_doc.h"
#include "store/db.h"
#include "text/template/template.h"

struct stock;

/* db: a reader of this thread's; it outlives the stock. key spreads names that strangers choose. */
MUST_USE struct stock *stock_new(struct db *db, struct sip_key key, struct err *e);
void stock_free(struct stock *s); /* NULL is fine */

/* Looks whether something was published: when a second has passed (now: any monotonic microseconds), and at
 * once when `published` (COUNT_TEMPLATES_PUBLISHED) is not what it was. Costs two comparisons otherwise. */
void stock_refresh(struct stock *s, int64_t now, uint64_t published);

struct stock_want {
    int64_t account_id;
    struct sv name;
    uint32_t version; /* 0: the published one; drafts and archived ones have to be named */
    struct language language;
    enum channel channel;
    enum template_part part;
};

struct stock_text {
    const struct template *compiled;
    uint32_t version;
    struct sv language;             /* of the text that was found */
    const struct template_doc *doc; /* the whole version */
};

/* out->version is 0 when the account has no such template, or none of it is published: that is no error, as a
 * file may serve. out->compiled is NULL when the version has no text for that channel and part.
 * ERR_NOT_FOUND: not the version asked for. ERR_OUTSIDE: the database. What out shows is valid until the
 * next call; texts must outlive the render. */
MUST_USE bool stock_find(struct stock *s, const struct settings *settings, const struct texts *texts,
                         const struct stock_want *w, struct stock_text *out, struct err *e);
/* From now on includes are looked for as those of w's would be: for texts that are not stored. As stock_find
 * does by itself; voids what it showed. */
void stock_begin(struct stock *s, const struct settings *settings, const struct texts *texts,
                 const struct stock_want *w);
/* How such a text is to be compiled: with these includes. */
struct template_options stock_options(const struct stock *s);
/* Why an include of the latest text could not be looked for; kind ERR_NONE if it could. */
const struct err *stock_trouble(const struct stock *s);

#endif
