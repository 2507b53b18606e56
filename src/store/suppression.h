/* suppression: the numbers that must not be written to, and who said so.
 *
 * A row is an account (0: every account), a number or address, a topic (empty: every topic) and a kind: an
 * opt-out by the recipient, a block by an operator, or a number that a provider calls invalid, which ends by
 * itself. It keeps its proof: where it came from, who or what said it, when, and by which text. A number may
 * have several rows.
 *
 * Writing and asking about a message are for the journal's connection (or that of a command), inside a
 * transaction of the caller's: so what was written before an attempt begins is seen when it begins. Asking
 * about a number without rows costs one seek, however many rows there are: in store/numbers, or where that
 * cannot say in a tree of hashes; two numbers with one hash cost time, nothing else. Reading is for any
 * connection and carries the account.
 */
#ifndef HY_STORE_SUPPRESSION_H
#define HY_STORE_SUPPRESSION_H

#include "base/arena.h"
#include "model/message.h"
#include "store/write.h"

/* Stored as numbers: append only. */
enum suppression_kind {
    SUPPRESSION_ANY = 0, /* RELEASE and filters only */
    SUPPRESSION_OPT_OUT = 1,
    SUPPRESSION_BLOCK = 2,
    SUPPRESSION_INVALID = 3,
    SUPPRESSION_KINDS
};
enum suppression_source {
    SUPPRESSION_BY_API = 1,
    SUPPRESSION_BY_REPLY = 2,
    SUPPRESSION_BY_PROVIDER = 3,
    SUPPRESSION_BY_IMPORT = 4,
    SUPPRESSION_BY_CONSOLE = 5,
    SUPPRESSION_SOURCES
};

const char *suppression_kind_name(enum suppression_kind k); /* "opt_out", "block", "invalid" */
bool suppression_kind_parse(struct sv name, enum suppression_kind *out);
const char *suppression_source_name(enum suppression_source s);
bool suppression_source_parse(struct sv name, enum suppression_source *out);

enum {
    SUPPRESSION_NUMBER_BYTES_MAX = 254, /* an e-mail address (RFC 5321, 4.5.3.1.3) is the longest there is */
    SUPPRESSION_TOPIC_BYTES_MAX = 64,
    SUPPRESSION_NOTE_BYTES_MAX = 200,
};

/* Views are borrowed. */
struct suppression {
    int64_t account_id;
    struct sv number; /* as messages have it in TEXT_TO; addresses with @ in small letters */
    struct sv topic;
    enum suppression_kind kind;
    enum suppression_source source;
    struct sv by, note;
    int64_t message_id;
    int64_t created_at, updated_at; /* read only: when it was first and last said */
    int64_t expires_at;             /* 0: never */
};

/* ---- writing ---- */

enum suppression_act { SUPPRESSION_ADD, SUPPRESSION_RELEASE };

struct suppression_write {
    struct store_write write; /* first; run: suppression_run */
    enum suppression_act act;
    /* ADD: rows to be there; one that is there is said anew, and keeps when it was said first. RELEASE: rows
     * to go: kind SUPPRESSION_ANY is any kind, a topic with p == NULL any topic. */
    const struct suppression *rows;
    size_t n;
    bool told; /* the history of consents (store/consents.h) has it already */

    size_t added, renewed, released; /* what came of it */
};

/* Precondition: a transaction is open. False when the database fails: the caller rolls back. */
MUST_USE bool suppression_write(struct db *db, struct suppression_write *w, int64_t now, struct err *e);
/* The same, for store_write.run. */
MUST_USE bool suppression_run(struct db *db, struct store_write *write, int64_t now, struct err *e);
/* What a provider's refusal of m, on the step of its plan that it is on, teaches: nothing, unless reason is
 * OPTED_OUT (an opt-out) or INVALID_NUMBER (until invalid_until; 0: not kept). *learned: a row was written.
 */
struct suppression_lesson {
    enum reason reason;
    const char *lane;
    int32_t code;
    int64_t invalid_until;
};
MUST_USE bool suppression_learn(struct db *db, const struct message *m, const struct suppression_lesson *l,
                                int64_t now, bool *learned, struct err *e);
/* Where a step of m's plan goes to; a view into m, or in mem. */
struct sv suppression_step_address(const struct message *m, unsigned step, struct arena *mem);
/* Deletes at most limit rows whose time is over. */
MUST_USE bool suppression_prune(struct db *db, int64_t now, unsigned limit, struct err *e);

/* What stands for an erased number in rows that are kept: nobody can read it, and whoever asks about the
 * number finds it. It is no secret: who has the list can try numbers out. */
/* The mark, the hash of store/numbers.h, and as many digits of another. */
enum { SUPPRESSION_PSEUDONYM_BYTES = 33, SUPPRESSION_PSEUDONYM_MARK = '~' };
struct suppression_pseudonym {
    char text[SUPPRESSION_PSEUDONYM_BYTES + 1];
};
struct suppression_pseudonym suppression_pseudonym(struct sv number);
/* A person is erased: the account's opt-outs and blocks of the number stay under its pseudonym, without note
 * and message; what providers said of it goes. *kept: how many rows. */
MUST_USE bool suppression_forget_number(struct db *db, int64_t account_id, struct sv number, size_t *kept,
                                        struct err *e);

/* ---- asking ---- */

/* Is there any row at all? */
MUST_USE bool suppression_any(struct db *db, bool *any, struct err *e);
/* What is asked before m is sent on a step of its plan. */
struct suppression_question {
    const struct message *m;
    unsigned step;
    bool list;    /* ask the list */
    bool exempt;  /* opt-outs do not count */
    bool consent; /* the address of that step must have given the consent that m's topic needs */
    bool begins;  /* it is to go now: else it is asked again then */
    int64_t now;
};
/* Why it must not be sent; REASON_NONE: it may. Behind the first step both the step's address and m's own
 * count, but that its own is invalid no longer does. A number known to be invalid stops no call; and while
 * there is another step to come, that and a consent that lacks count for what begins alone, which is passed
 * by then (dispatch/plan). A block says more than an opt-out, that more than an invalid number, and that more
 * than a consent that lacks. */
MUST_USE bool suppression_ask(struct db *db, const struct suppression_question *q, enum reason *why,
                              struct err *e);
/* An address as rows have it: in small letters if it has an @ (the domain is without case, and mailboxes are
 * in practice), a device's token that is longer than a row's number as its hash, else as it is. A view of v,
 * or of out. */
struct sv suppression_address(struct sv v, char out[SUPPRESSION_NUMBER_BYTES_MAX]);

/* ---- reading ---- */

enum { SUPPRESSION_PAGE_MAX = 1000 };

struct suppression_filter {
    int64_t account_id;
    enum suppression_kind kind;     /* or ANY */
    enum suppression_source source; /* or 0 */
    struct sv topic;                /* p == NULL: any */
    struct suppression after;       /* keyset cursor: number, topic, kind; empty number: from the first */
    unsigned limit;                 /* 1..SUPPRESSION_PAGE_MAX */
};
/* A row on the shelf of the caller's: texts live in the arena. By number, topic and kind. At most a bounded
 * number of rows is looked at: a page may be short, or empty, with *more set and *last to go on after. */
MUST_USE bool suppression_list(struct db *db, const struct suppression_filter *f, struct arena *mem,
                               struct suppression *out, size_t *n, bool *more, struct suppression *last,
                               struct err *e);
/* The rows of one number that hold for the account now, its own and those of every account, up to max. */
MUST_USE bool suppression_of(struct db *db, int64_t account_id, struct sv number, int64_t now,
                             struct arena *mem, struct suppression *out, size_t max, size_t *n,
                             struct err *e);

#endif
