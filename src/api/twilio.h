/* twilio: the face for programs written against Twilio's messaging API (version 2010-04-01): an unmodified
 * Twilio SDK with another base address sends, fetches, lists, cancels, redacts and deletes messages here.
 *
 * Shapes are those of Twilio's OpenAPI document (twilio-oai, twilio_api_v2010.json) and errors carry the
 * codes of its error dictionary (twilio.com/docs/api/errors). What differs, on purpose:
 * - With and without `.json` the answer is JSON; Twilio answers XML without.
 * - From may be left out: the lane's own sender is used. MessagingServiceSid does not choose a sender either,
 *   as it names something at Twilio and the message may go through another provider; it is kept in the
 *   message's metadata and given back. A lane of Twilio's has a messaging_service_sid of its own.
 * - whatsapp:+... in To is channel whatsapp; a lane that carries it sends it.
 * - ContentSid names a template of ours, ContentVariables are its variables.
 * - Scheduling needs no MessagingServiceSid, and takes any time up to a year ahead.
 * - Media is refused rather than left away. Unknown parameters are ignored, as Twilio does.
 * - An `Idempotency-Key` header works as in the native API; `I-Twilio-Idempotency-Token` is the same.
 * - price is what the lanes' own `prices` say, below nought as Twilio shows charges; null where they have
 * none. MaxPrice is heeded where lanes have prices, and in their currency. DateSent compares the time a
 * message was created.
 * - The account resource does not show the auth token.
 */
#ifndef HY_API_TWILIO_H
#define HY_API_TWILIO_H

#include "api/api.h"

extern const struct api_face twilio_face;

/* ---- errors (twilio_codes.c) ---- */

struct twilio_code {
    int32_t code;
    int status;        /* HTTP, where it answers a request */
    const char *title; /* the dictionary's, without full stop */
};
/* NULL when the table does not have it. By rising code. */
const struct twilio_code *twilio_code_find(int32_t code);
const struct twilio_code *twilio_code_table(size_t *n);
/* The code for what admission or this face's own reading refused: by field name and kind; 0: none of its
 * own. */
int32_t twilio_code_of_field(const char *field, enum err_kind kind);
void twilio_refuse(struct api_request *rq, enum problem p, const struct err *e);

/* ---- messages (twilio_message.c) ---- */

/* What the Message resource says, from a stored message or from the answer to a new one. */
struct twilio_message {
    struct sid sid;
    const struct sid *account;
    struct sv body, to, from;
    enum channel channel;
    struct sv service; /* MessagingServiceSid, or empty */
    const char *status;
    int32_t error_code;   /* 0: null */
    struct sv error_text; /* what is said behind the code's title */
    enum direction direction;
    unsigned segments;
    int64_t created_at, updated_at, sent_at; /* sent_at 0: null */
    int64_t cost;                            /* in micro-units of */
    struct sv currency;                      /* empty: nothing is known of it */
};
void twilio_print_message(const struct twilio_message *m, struct buf *out);
/* Views point into m. */
struct twilio_message twilio_message_of(const struct api_request *rq, const struct message *m);
/* The status a new message answers with: Twilio's says `accepted` with a Messaging Service, else `queued`. */
const char *twilio_first_status(enum state s, bool service);
/* MG and 32 hex digits. */
bool twilio_is_service(struct sv v);
/* The metadata that keeps a MessagingServiceSid; and what it keeps, empty if none. */
void twilio_keep_service(struct sv service, struct buf *out);
struct sv twilio_kept_service(const struct message *m);

/* ---- lists (twilio_list.c) ---- */

enum { TWILIO_PAGE_DEFAULT = 50, TWILIO_PAGE_MAX = 1000 };

struct twilio_query {
    struct message_filter filter;
    uint64_t page; /* only what the caller counted: the place is the token's */
};
/* A page's place: after (next page: PA) or before (previous page: PB) a message, whose sid has a check in
 * it. */
struct twilio_token {
    char text[2 + SID_BYTES + 1];
};
struct twilio_token twilio_token_of(struct sip_key key, bool back, int64_t id);

/* ERR_INVALID naming the parameter; ERR_UNPROCESSABLE on PageSize: over the maximum. Views are of the form or
 * in mem. */
MUST_USE bool twilio_read_query(struct sip_key key, const struct form *f, struct arena *mem,
                                struct twilio_query *out, struct err *e);

/* ---- handlers ---- */

/* As api_form and api_query, but an error names no field: a parameter that cannot be read is an invalid
 * parameter, whatever its own code would say. */
MUST_USE bool twilio_form(struct api_request *rq, struct form *out, struct err *e);
MUST_USE bool twilio_url_query(struct api_request *rq, struct form *out, struct err *e);
/* True when the path's account is the caller's; else answered as if it did not exist. */
MUST_USE bool twilio_own_account(struct api_request *rq);

void twilio_create(struct api_request *rq);
void twilio_update(struct api_request *rq);
void twilio_fetch(struct api_request *rq);
void twilio_delete(struct api_request *rq);
void twilio_list(struct api_request *rq);
void twilio_media(struct api_request *rq);
void twilio_account(struct api_request *rq);

#endif
