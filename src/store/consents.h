/* consents: who agreed to be written to, or withdrew that, and how it is known: a history for each number and
 * topic that is only added to. What it says last decides for topics that need a consent
 * (consent.required_topics); what stands against writing at all is the suppression list's to say.
 *
 * Writing and asking are for the journal's connection, inside a transaction of the caller's; reading is for
 * any. Every question carries the account. A word for every topic (the empty one) counts for each.
 */
#ifndef HY_STORE_CONSENTS_H
#define HY_STORE_CONSENTS_H

#include "store/suppression.h"
#include "store/write.h"

/* Stored as numbers: append only. */
enum consent_act {
    CONSENT_GRANTED = 1,
    CONSENT_WITHDRAWN = 2,
    CONSENT_RELEASED = 3,  /* somebody took an opt-out off the list: it says nothing about a consent */
    CONSENT_REQUESTED = 4, /* a text asks them to confirm one: no consent before they do */
    CONSENT_ACTS
};

const char *consent_act_name(enum consent_act a); /* "granted", "withdrawn", "released", "requested" */

enum {
    CONSENT_METHOD_BYTES_MAX = 64,
    CONSENT_TEXT_BYTES_MAX = 2000,
    CONSENT_IP_BYTES_MAX = 64,
    CONSENT_URL_BYTES_MAX = 2048,
    CONSENT_NOTE_BYTES_MAX = 500,
    CONSENT_BYTES_MAX = 6000, /* of all texts of one */
    CONSENT_WORDS_MAX = 5000, /* of one number that applications may bring */
};

/* Views are borrowed. */
struct consent {
    int64_t id; /* read only */
    int64_t account_id;
    struct sv number, topic; /* as in struct suppression */
    enum consent_act act;
    enum suppression_source source;
    int64_t at;
    int64_t created_at; /* read only */
    int64_t message_id;
    int64_t expires_at; /* REQUESTED: the answer counts until then; else 0 */
    struct sv by, method, text, ip, url, note;
};

/* Adds to the history. */
MUST_USE bool consents_add(struct db *db, const struct consent *c, int64_t now, struct err *e);
/* What a write to the suppression list says of consents, added to the history: an opt-out is a withdrawal,
 * one taken off a release, or a consent where the recipient asked for it by a text. Imports keep their proof
 * in the list alone. */
MUST_USE bool consents_follow(struct db *db, const struct suppression *row, bool added, int64_t now,
                              struct err *e);
/* A text, message_id, asks for a consent that somebody said to have (c, with its proof and expires_at): added
 * to the history as requested. */
MUST_USE bool consents_request(struct db *db, const struct consent *c, int64_t message_id, int64_t now,
                               struct err *e);
/* The number has answered yes, by the text `by` with that word. Is there a request that still waits, the one
 * whose text is in_reply_to, or else the latest? Then it is granted, with the request's proof; `topic` gets
 * which. */
struct consent_answer {
    int64_t account_id, message_id, in_reply_to;
    struct sv number, word;
};
MUST_USE bool consents_confirm(struct db *db, const struct consent_answer *a, int64_t now, bool *granted,
                               char topic[SUPPRESSION_TOPIC_BYTES_MAX + 1], struct err *e);
/* A person is erased: the history of a number, or address, goes. */
MUST_USE bool consents_erase(struct db *db, int64_t account_id, struct sv number, size_t *n, struct err *e);
/* Does the latest word about that address, for the topic or for all, grant it? */
MUST_USE bool consents_ask(struct db *db, int64_t account_id, struct sv address, struct sv topic,
                           bool *granted, struct err *e);
/* Has the number CONSENT_WORDS_MAX words or more? What asks about one of them may read all. For any
 * connection, and no more exact than that others may add some meanwhile; false where the database cannot
 * say. */
MUST_USE bool consents_are_full(struct db *db, int64_t account_id, struct sv number);
/* The history of a number, latest first, up to max; texts live in the arena. topic.p == NULL: of every topic;
 * else of that one and of words for all. */
MUST_USE bool consents_of(struct db *db, int64_t account_id, struct sv number, struct sv topic,
                          struct arena *mem, struct consent *out, size_t max, size_t *n, struct err *e);

/* Is that very word in the history: number, topic, act and time? */
MUST_USE bool consents_has(struct db *db, const struct consent *c, bool *there, struct err *e);
/* The account's whole history, by number and time: the next rows behind the place, which moves on; fewer than
 * max: those were the last. Texts live in the arena. */
struct consents_place {
    char number[SUPPRESSION_NUMBER_BYTES_MAX + 1];
    int64_t at, id;
};
MUST_USE bool consents_list(struct db *db, int64_t account_id, struct consents_place *after,
                            struct arena *mem, struct consent *out, size_t max, size_t *n, struct err *e);

/* A word as an application brings it, with its proof: added to the history, and followed by the suppression
 * list unless something said later, there or in the history, says otherwise. */
struct consent_write {
    struct store_write write; /* first; consent_write_run */
    struct consent consent;
};
MUST_USE bool consent_write_run(struct db *db, struct store_write *w, int64_t now, struct err *e);
/* The same of any act as a file has it, once: *there, it is in the history already (consents_has), and
 * nothing was written. Words that are neither a consent nor a withdrawal change no list. */
MUST_USE bool consents_bring(struct db *db, const struct consent *c, int64_t now, bool *there, struct err *e);

#endif
