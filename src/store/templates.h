/* templates: the templates of accounts on disk: names, versions, and what a version says.
 *
 * A version is written once and never changed: it is a draft, then published, then archived, and may be
 * published again; a draft may be deleted. At most one version of a template is published, and publishing one
 * archives the other in the same transaction. Numbers rise and are not given twice, so that a name and a
 * number mean one text for ever. Each change of what is published is told by a number (templates_generation).
 *
 * Writing is for the journal's connection (or that of a command), inside a transaction of the caller's; what
 * a caller asks in vain is an outcome, not an error, so that a batch of messages never fails with it. Reading
 * is for any connection. Every question carries the account.
 */
#ifndef HY_STORE_TEMPLATES_H
#define HY_STORE_TEMPLATES_H

#include "model/template_doc.h"
#include "store/write.h"

enum { TEMPLATES_PER_ACCOUNT_MAX = 10000, TEMPLATES_PAGE_MAX = 1000 };

/* ---- writing ---- */

enum template_act {
    TEMPLATE_ADD,     /* a new version, a draft; and the template itself, if there is none of that name */
    TEMPLATE_PUBLISH, /* a draft, or an archived one again */
    TEMPLATE_ARCHIVE,
    TEMPLATE_DELETE, /* a draft; a template without versions is not there any more */
};

enum template_outcome {
    TEMPLATE_DONE,
    TEMPLATE_SAME,   /* ADD: the newest version says the same; nothing was written. Else: it was so already */
    TEMPLATE_ABSENT, /* no such template or version of this account */
    TEMPLATE_REFUSED, /* the version's state does not allow it; state says which */
    TEMPLATE_FULL,    /* ADD: the account has TEMPLATES_PER_ACCOUNT_MAX templates */
};

struct template_write {
    struct store_write write; /* first; run: templates_run */
    enum template_act act;
    bool publish; /* ADD: publish it at once; also when the newest version says the same and is a draft */
    int64_t account_id;
    struct sv name;
    const struct template_doc *doc; /* ADD: sorted */
    uint32_t number;                /* PUBLISH, ARCHIVE, DELETE; ADD sets it */

    enum template_outcome outcome;
    enum template_state state; /* of the version afterwards */
    bool published;            /* what is published has changed: readers must look */
};

/* Precondition: a transaction is open. False when the database fails: the caller rolls back. */
MUST_USE bool templates_write(struct db *db, struct template_write *w, int64_t now, struct err *e);
/* The same, for store_write.run. */
MUST_USE bool templates_run(struct db *db, struct store_write *write, int64_t now, struct err *e);

/* ---- reading ---- */

struct template_head {
    char name[TEMPLATE_NAME_BYTES_MAX + 1];
    uint32_t latest, published; /* 0: none */
    int64_t created_at, updated_at;
};

struct template_version {
    uint32_t number;
    enum template_state state;
    int64_t created_at, published_at;
    uint8_t digest[SHA256_BYTES];
    struct sv note;
};

/* Changes whenever what is published changes, of any account. */
MUST_USE bool templates_generation(struct db *db, int64_t *out, struct err *e);
/* ERR_NOT_FOUND if the account has no such template. */
MUST_USE bool templates_head(struct db *db, int64_t account_id, struct sv name, struct template_head *out,
                             struct err *e);
/* By name, those behind `after` (empty: from the first); out has room for limit (1..TEMPLATES_PAGE_MAX). */
MUST_USE bool templates_list(struct db *db, int64_t account_id, struct sv after, unsigned limit,
                             struct template_head *out, size_t *n, bool *more, struct err *e);
/* Newest first, those with numbers below `before` (0: from the newest); notes live in the arena. */
MUST_USE bool templates_versions(struct db *db, int64_t account_id, struct sv name, uint32_t before,
                                 unsigned limit, struct arena *a, struct template_version *out, size_t *n,
                                 struct err *e);
/* The number of the published version; 0 and true when there is none, or no such template. */
MUST_USE bool templates_published(struct db *db, int64_t account_id, struct sv name, uint32_t *out,
                                  struct err *e);
/* One version and, unless doc is NULL, all it says, sorted, in the arena. ERR_NOT_FOUND if there is none. */
MUST_USE bool templates_load(struct db *db, int64_t account_id, struct sv name, uint32_t number,
                             struct arena *a, struct template_version *out, struct template_doc *doc,
                             struct err *e);

#endif
