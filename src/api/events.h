/* events: business events on their way through a front: read from a request in any of the forms it may have,
 * run through the account's rules, and asked of the core as one. Shared by the files of this room that do so.
 */
#ifndef HY_API_EVENTS_H
#define HY_API_EVENTS_H

#include "api/native.h"
#include "ingest/rule_run.h"
#include "ingest/rulebook.h"

/* An event as it came; views live in the request's arena or in data. */
struct event_in {
    struct sv name; /* its sender's id; empty: none */
    struct sv source, type, subject;
    int64_t at;
    json_t *data; /* owned */
};
void event_in_done(struct event_in *in);

/* A native event or (it has `specversion`) a CloudEvent 1.0 as an object. in->data is then the caller's. */
MUST_USE bool event_read(struct api_request *rq, const json_t *object, struct event_in *in, struct err *e);
/* A CloudEvent in binary mode: attributes in ce- headers, the body its data. */
MUST_USE bool event_read_binary(struct api_request *rq, struct event_in *in, struct err *e);
/* JSON of a bounded depth and number of values; NULL with ERR_INVALID. */
json_t *event_parse(struct sv text, struct err *e);

/* An event with all that is to be stored with it; in the request's arena, but for the messages. */
struct event_post {
    struct event_write write;
    struct ask ask;
    size_t index;       /* in its batch */
    struct err refused; /* kind ERR_NONE: it was asked */
};
/* Runs the rules; NULL when memory is short, the database fails, or *steps, which the request has left for
 * the rules of its events, are fewer than one event may take: e says. in is used up. */
MUST_USE struct event_post *event_post_new(struct api_request *rq, struct event_in *in, uint64_t *steps,
                                           struct err *e);
void event_post_drop(struct event_post *p); /* it is not asked after all */

/* The account's rules, up to date. */
MUST_USE bool event_page(struct api_request *rq, const struct rule_page **out, struct err *e);
/* What expressions see of an event; the caller's. */
json_t *event_vars(const struct event_in *in);
/* Finds the contact the run has chosen, if one: to and vars of the run, and the submission, have it then, in
 * mem. */
MUST_USE bool event_contact(struct api_request *rq, struct arena *mem, const struct rule *r,
                            struct rule_run *run, struct submission *in, struct err *e);
/* The message a rule makes, as a submission; metadata in the arena. */
struct submission event_submission(struct api_request *rq, const struct rule *r, const struct rule_run *run,
                                   struct sv event_name);

/* An event's id as callers see it. */
struct sid event_sid(const struct api_request *rq, int64_t id);
bool event_parse_sid(const struct api_request *rq, struct sv text, int64_t *id);
/* As a JSON object: what is stored of it and what its rules did. */
void event_print(const struct api_request *rq, const struct event_row *row, struct buf *out);
/* Ends the request with the stored event of that id (native_event_read.c), or with PROBLEM_NOT_FOUND. */
void event_answer_stored(struct api_request *rq, int64_t id, int status);

/* Every way in ends here: reads the request's body in its form and answers. signed_as: the source that signed
 * it, and the id of its post; empty: an API key did. */
void event_take(struct api_request *rq, struct sv signed_as, struct sv post_id);

/* ---- digests (digests.c) ---- */

/* Looks for digests that are due and has their messages made, one at a time; called by a front's loop. */
struct digester;
MUST_USE struct digester *digester_new(struct err *e);
void digester_free(struct digester *d);
void front_put_digest(struct front *f);
void front_digest_done(struct front *f, struct ask *a);

#endif
