/* fraud: what the fraud guard has to know over a restart, and what several nodes have to know of each other:
 * which prefixes are flagged, and which somebody let pass; and the messages it
 * holds, which are rows like all others, found by an index of their own.
 *
 * Writing is for the journal (store/write.h), reading for any connection.
 */
#ifndef HY_STORE_FRAUD_H
#define HY_STORE_FRAUD_H

#include "model/message.h"
#include "store/write.h"

enum { FRAUD_PREFIX_MAX = 12, FRAUD_ROWS_MAX = 4096, FRAUD_PAGE_MAX = 500 };

struct fraud_flag {
    int64_t account_id, since, until;
    int why; /* of policy/guard; 0: it is let pass until then */
    char prefix[FRAUD_PREFIX_MAX + 1];
};

enum fraud_act { FRAUD_PUT, FRAUD_TAKE, FRAUD_READ };

struct fraud_write {
    struct store_write write; /* first; run: fraud_run */
    enum fraud_act act;
    struct fraud_flag
        flag;   /* PUT: nothing where that prefix is let pass. TAKE: it is let pass from `since` */
    bool there; /* TAKE: it was, and had not ended */
    size_t n;
    struct fraud_flag rows[]; /* READ: room for FRAUD_ROWS_MAX; those that have not ended */
};
MUST_USE bool fraud_run(struct db *db, struct store_write *w, int64_t now, struct err *e);

/* Those of an account that have not ended, by prefix. */
MUST_USE bool fraud_flags(struct db *db, int64_t account_id, int64_t now, struct fraud_flag *out, size_t max,
                          size_t *n, struct err *e);
/* The account's messages that are held, to numbers with that prefix (empty: all), newest first, from below
 * before_id (0: from the newest). */
MUST_USE bool fraud_holds(struct db *db, int64_t account_id, struct sv prefix, int64_t before_id,
                          unsigned limit, int64_t *ids, size_t *n, bool *more, struct err *e);

#endif
