/* verifications: one-time codes on disk: begun and sent anew with their message, tried, withdrawn, forgotten.
 *
 * Writing is for the journal, inside its transaction, one after the other. So a guess is counted before it is
 * judged, and judged before it is answered: a crash in between gives nobody another guess, and of two right
 * guesses at once one is approved. There is at most one pending verification for an account, number and
 * purpose: a new one withdraws the one before. Nothing here ever holds a code in plain.
 */
#ifndef HY_STORE_VERIFICATIONS_H
#define HY_STORE_VERIFICATIONS_H

#include "base/arena.h"
#include "model/code.h"
#include "model/message.h"
#include "store/db.h"

enum { PURPOSE_BYTES_MAX = 64, VERIFICATIONS_PAGE_MAX = 500 };

/* Stored as numbers: append only. */
enum verification_status {
    VERIFICATION_PENDING = 0,
    VERIFICATION_APPROVED = 1,
    VERIFICATION_EXPIRED = 2,
    VERIFICATION_CANCELED = 3,
    VERIFICATION_MAX_ATTEMPTS = 4,
    VERIFICATION_STATUSES
};
const char *verification_status_name(enum verification_status s);

struct verification {
    int64_t id, account_id, message_id;
    char to[32];
    char purpose[PURPOSE_BYTES_MAX + 1];
    enum verification_status status; /* as it is now: one past its time is expired */
    bool superseded;
    enum channel channel;
    uint32_t attempts, attempts_max, resends, resends_max;
    int64_t resend_us, created_at, sent_at, expires_at, done_at;
};

enum verification_act {
    VERIFICATION_BEGIN,  /* beside the message m that says its code: its id is m's */
    VERIFICATION_RESEND, /* m says the code of `id` once more */
    VERIFICATION_CHECK,
    VERIFICATION_CANCEL,
};

struct verification_write {
    enum verification_act act;
    int64_t account_id;
    int64_t id;            /* RESEND, CHECK, CANCEL; 0 with CHECK: the latest for to and purpose */
    struct sv to, purpose; /* BEGIN: purpose */
    const struct vault_key *key;
    /* BEGIN */
    uint8_t salt[CODE_SALT_BYTES], hash[SHA256_BYTES];
    struct sv sealed; /* may be empty: then it cannot be sent anew */
    uint32_t attempts_max, resends_max;
    int64_t resend_us, valid_us;
    int64_t before; /* verifications_admit: the pending one this one withdraws; 0: none */
    struct sv code; /* CHECK: as code_read made it */

    struct verification row; /* as it is after; id 0: there is none */
    bool valid;              /* CHECK: this very guess was right, for the first time */
    bool lapsed;             /* CHECK: this very guess was the last one allowed */
    int64_t wait_us;         /* BEGIN, RESEND refused with ERR_LIMITED: until it may be */
};

/* ---- writing: a transaction is open. False when the database fails ---- */

/* May the message be stored? *why: ERR_NOT_FOUND, ERR_CONFLICT or ERR_LIMITED when not. */
MUST_USE bool verifications_admit(struct db *db, const struct message *m, struct verification_write *w,
                                  int64_t now, struct err *why, struct err *e);
/* The message is stored: so is what it belongs to. */
MUST_USE bool verifications_put(struct db *db, const struct message *m, struct verification_write *w,
                                int64_t now, struct err *e);
/* CHECK and CANCEL. */
MUST_USE bool verifications_write(struct db *db, struct verification_write *w, int64_t now, struct err *e);
/* Is the code in that message of no use any more? */
MUST_USE bool verifications_over(struct db *db, int64_t message_id, int64_t now, bool *over, struct err *e);
/* Ends what is past its time, and forgets what ended before `keep_from`. lapsed gets the numbers of those
 * ended, up to max. */
struct verification_lapsed {
    int64_t account_id;
    char to[32];
};
MUST_USE bool verifications_prune(struct db *db, int64_t now, int64_t keep_from, unsigned limit,
                                  struct verification_lapsed *lapsed, unsigned *n_lapsed, struct err *e);

/* ---- reading ---- */

/* out->id is 0 when the account has none of that id. sealed (may be NULL) gets what BEGIN sealed. */
MUST_USE bool verifications_get(struct db *db, int64_t account_id, int64_t id, int64_t now,
                                struct verification *out, struct buf *sealed, struct err *e);
/* The id of the verification a message belongs to; 0: of none. */
MUST_USE bool verifications_of_message(struct db *db, int64_t message_id, int64_t *id, struct err *e);

struct verification_filter {
    int64_t account_id;
    struct sv to; /* exact; empty: any */
    bool by_status;
    enum verification_status status;
    int64_t before_id; /* keyset cursor; 0: from the newest */
    unsigned limit;    /* 1..VERIFICATIONS_PAGE_MAX */
};
/* Newest first; at most a bounded number of rows is looked at, so a page may be short with *more set;
 * *last_id: where the next begins. */
MUST_USE bool verifications_list(struct db *db, const struct verification_filter *f, int64_t now,
                                 struct verification *out, size_t *n, bool *more, int64_t *last_id,
                                 struct err *e);

#endif
