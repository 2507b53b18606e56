/* store: the messages the simulated provider has accepted: the newest `keep` of them, oldest forgotten first.
 *
 * Compact: a row of fixed size a message, its text in large blocks that are freed when all of their messages
 * are forgotten. Two indexes of buckets lead from a number, and from a number with its text, to the newest
 * such row and from each row to the next older one. A row that is forgotten needs no unlinking: a link that
 * points past the oldest row is the end of its chain.
 *
 * A message's sequence number starts at 1 and always rises, also over store_reset; its sid is made from it by
 * a key drawn at start, so no index of sids is needed and the sids of two runs differ.
 *
 * Status is not stored but follows from the time: first, then sent, then final (store_status).
 * One owner, one thread.
 */
#ifndef HY_SIMULATOR_SIM_STORE_H
#define HY_SIMULATOR_SIM_STORE_H

#include "base/codec.h"
#include "base/err.h"
#include "model/id.h"
#include "simulator/sim_words.h"

enum sim_status {
    SIM_QUEUED,
    SIM_ACCEPTED,
    SIM_SCHEDULED,
    SIM_SENT,
    SIM_DELIVERED,
    SIM_UNDELIVERED,
    SIM_FAILED,
    SIM_CANCELED,
};

/* In sent_ms and final_ms: it never comes to that. */
#define SIM_NEVER UINT32_MAX

struct sim_message {
    uint64_t number;    /* the digits of To, or sim_address_number of an address */
    uint64_t text_hash; /* of To and Body */
    int64_t created_at;
    int64_t first_at;           /* created_at of the first with the same To, From and Body */
    const char *text;           /* body, traceparent, reference, address, extra; in a block */
    uint32_t older_number_link; /* low 32 bits of a sequence number, 0: none */
    uint32_t older_text_link;
    uint32_t sent_ms, final_ms; /* after created_at, or SIM_NEVER */
    uint32_t times;             /* how often To, From and Body were accepted, up to this one */
    int32_t error_code;         /* with the final status; 0: none */
    uint16_t from, service;     /* words */
    uint16_t error_word;        /* a word, where the code is a text; 0: none */
    uint16_t account;           /* the caller's own number for it */
    uint16_t group_place;       /* 0.. among the messages of its call, whose numbers follow one another */
    uint16_t body_n, extra_n;
    uint8_t traceparent_n, reference_n, address_n;
    uint8_t provider; /* the place of its face in sim_faces */
    uint8_t segments;
    uint8_t first, final; /* enum sim_status */
    bool deleted, redacted;
    bool superseded; /* a newer row has the same To, From and Body */
    bool sent_before_answer;
    bool handed_out; /* its report was asked for, where reports are kept and given out once */
};

struct store_block;

struct store {
    struct sim_message *rows;      /* owned: row of seq at seq % keep */
    uint32_t *by_number, *by_text; /* owned: buckets */
    size_t keep, buckets;
    uint64_t first, next; /* rows [first, next) are kept */
    struct store_block *oldest, *newest;
    struct words words;
    struct sip_key key;
};

/* keep > 0. ERR_OUTSIDE when memory is short. */
MUST_USE bool store_init(struct store *s, size_t keep, struct sip_key key, struct err *e);
void store_done(struct store *s);
/* Forgets all messages. */
void store_reset(struct store *s);

/* What is to be stored; views are copied. */
struct sim_draft {
    uint64_t number;
    struct sv body, traceparent; /* at most 65535 and 255 bytes */
    struct sv reference;         /* what the caller gave to know it by (OutId ...); at most 255 */
    struct sv address;           /* To, where that is no number: an e-mail address, a device; at most 255 */
    struct sv extra;             /* what else was said, as a JSON object, or empty; at most 65535 */
    struct sim_message row;      /* the fields that the store does not make itself */
};
/* Stores it and forgets the oldest message when `keep` are there. Returns its sequence number, 0 when memory
 * is short. *fresh: no kept message has the same To and Body. */
uint64_t store_add(struct store *s, const struct sim_draft *d, int64_t now, bool *fresh);

/* Another body in place of its own, of which it is still a copy or not; false when memory is short. */
MUST_USE bool store_retell(struct store *s, uint64_t seq, struct sv body);

/* NULL when it is forgotten or never was. */
struct sim_message *store_get(const struct store *s, uint64_t seq);
struct sid store_sid(const struct store *s, uint64_t seq);
/* 0 when it is no sid of this run. */
uint64_t store_seq(const struct store *s, struct sv sid);

/* The newest row of that number older than seq (0: the newest of all); 0 when there is none. */
uint64_t store_older_of(const struct store *s, uint64_t number, uint64_t seq);
/* The next older row with the same To, From and Body; 0 when there is none. */
uint64_t store_older_copy(const struct store *s, uint64_t seq);

struct sv store_body(const struct sim_message *m);
struct sv store_traceparent(const struct sim_message *m);
struct sv store_reference(const struct sim_message *m);
struct sv store_address(const struct sim_message *m);
struct sv store_extra(const struct sim_message *m);
enum sim_status store_status(const struct sim_message *m, int64_t now);
const char *sim_status_name(enum sim_status s);
/* "+" and digits <-> the number; false unless + and 7 to 15 digits, the first not 0. */
bool sim_number_parse(struct sv e164, uint64_t *out);
void sim_number_add(struct buf *out, uint64_t number);
/* What stands for an address in `number`: no number is so large. */
uint64_t sim_address_number(struct sv address);
/* To, whichever it is. */
void sim_to_add(struct buf *out, const struct sim_message *m);

#endif
