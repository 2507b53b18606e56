/* rules: the rules of accounts on disk, as JSON documents in versions.
 *
 * As templates (store/templates.h): a version is written once and never changed; numbers rise and are not
 * given twice while the rule is there; at most one version is published, and a rule without one does nothing.
 * Each change of what is published is told by a number (rules_generation). What a document means is not known
 * here: it was compiled before (ingest/rule.h).
 */
#ifndef HY_STORE_RULES_H
#define HY_STORE_RULES_H

#include "base/arena.h"
#include "store/write.h"

enum { RULES_PER_ACCOUNT_MAX = 1000, RULE_NAME_BYTES_MAX = 64, RULE_DOC_BYTES_MAX = 32 * 1024 };

enum rule_act {
    RULE_ADD,     /* a new version, and the rule if there is none of that name */
    RULE_PUBLISH, /* use this version from now on */
    RULE_DISABLE, /* use none */
    RULE_DELETE,  /* forget it, with all its versions and counters; messages it made stay */
};

enum rule_outcome {
    RULE_DONE,
    RULE_SAME,   /* ADD: the newest version says the same: nothing was written. Else: it was so already */
    RULE_ABSENT, /* no such rule or version of this account */
    RULE_FULL,   /* ADD: the account has RULES_PER_ACCOUNT_MAX rules */
};

struct rule_write {
    struct store_write write; /* its run is rules_write_run */
    enum rule_act act;
    bool publish; /* ADD: at once; also when the newest version says the same */
    int64_t account_id;
    struct sv name;
    struct sv doc;   /* ADD */
    uint32_t number; /* PUBLISH; ADD sets it */

    enum rule_outcome outcome;
    bool changed; /* what is published has: readers must look */
};

/* Precondition: a transaction is open. False when the database fails: the caller rolls back. */
MUST_USE bool rules_write_run(struct db *db, struct store_write *w, int64_t now, struct err *e);

struct rule_head {
    struct sv name;
    uint32_t latest, published; /* 0: none */
    int64_t created_at, updated_at;
};

struct rule_version {
    uint32_t number;
    int64_t created_at, published_at;
    struct sv doc;
};

/* Changes whenever what is published changes, of any account. */
MUST_USE bool rules_generation(struct db *db, int64_t *out, struct err *e);
/* ERR_NOT_FOUND if the account has no such rule. */
MUST_USE bool rules_head(struct db *db, int64_t account_id, struct sv name, struct arena *a,
                         struct rule_head *out, struct err *e);
/* All, by name; out has room for RULES_PER_ACCOUNT_MAX. */
MUST_USE bool rules_list(struct db *db, int64_t account_id, struct arena *a, struct rule_head *out, size_t *n,
                         struct err *e);
/* Newest first, without documents, at most limit. */
MUST_USE bool rules_versions(struct db *db, int64_t account_id, struct sv name, unsigned limit,
                             struct rule_version *out, size_t *n, struct err *e);
/* One version; number 0: the published one, else the latest. ERR_NOT_FOUND if there is none. */
MUST_USE bool rules_load(struct db *db, int64_t account_id, struct sv name, uint32_t number, struct arena *a,
                         struct rule_version *out, struct err *e);
/* Every published document of the account, by name, one call of each for each; each stops at false. */
MUST_USE bool rules_published(struct db *db, int64_t account_id,
                              bool (*each)(void *ctx, struct sv name, uint32_t number, struct sv doc),
                              void *ctx, struct err *e);

#endif
