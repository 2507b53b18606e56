/* api: what the parts of this room share: one request on its way through a front, the tables of routes, and
 * how to answer. The public door of the room is api/front.h.
 *
 * A face is a set of routes with one way of saying no: the native API, provider callbacks and pages in
 * native form (RFC 9457 problems), the Twilio-compatible API in Twilio's. The front finds the route, checks
 * who calls and what they may do, and calls route->run, which must end in exactly one of: api_answer (or one
 * of its short forms), api_fail, api_problem, or api_ask. All of it happens on the front's own thread;
 * nothing here may block.
 *
 * A request lives in its exchange's arena: no part of it needs freeing. It is void once answered.
 */
#ifndef HY_API_API_H
#define HY_API_API_H

#include "ingest/admit.h"
#include "model/form.h"
#include "model/world.h"
#include "net/server.h"
#include "pipeline/ask.h"
#include "store/account.h"
#include "store/reader.h"

struct front;
struct papers;
struct api_face;
struct api_field;
struct route;
struct api_request;

/* ---- saying no ---- */

/* Each has a stable name, which is part of its address: /problems/NAME. The table is problems.c. */
enum problem {
    PROBLEM_INVALID, /* the first ones stand for the error kinds of base/err.h */
    PROBLEM_UNAUTHENTICATED,
    PROBLEM_FORBIDDEN,
    PROBLEM_NOT_FOUND,
    PROBLEM_CONFLICT,
    PROBLEM_TOO_LARGE,
    PROBLEM_UNPROCESSABLE,
    PROBLEM_RATE_LIMITED,
    PROBLEM_BUSY,
    PROBLEM_UNAVAILABLE,
    PROBLEM_INTERNAL,
    PROBLEM_NO_ROUTE, /* and these say more than their kind */
    PROBLEM_METHOD,
    PROBLEM_MEDIA_TYPE,
    PROBLEM_UNKNOWN_FIELD,
    PROBLEM_KEY_MISMATCH,
    PROBLEM_KEY_IN_FLIGHT,
    PROBLEM_TOO_LATE,
    PROBLEM_FORGED,
    PROBLEM_PRECONDITION,
    PROBLEM_COUNT
};

struct problem_row {
    const char *name; /* kebab-case, never changes */
    int status;
    const char *title;
    const char *meaning; /* what it means and how to mend it, one or two sentences */
};
extern const struct problem_row problems[PROBLEM_COUNT];
enum problem problem_of(enum err_kind kind);
bool problem_find(struct sv name, enum problem *out);

/* ---- one request ---- */

enum { API_PARAMS_MAX = 3, REQUEST_ID_BYTES = 20 };

typedef void api_done(struct api_request *rq, struct ask *a);

/* The rate that a new message came closest to; max 0: none applies. */
struct api_limit {
    uint32_t max, left, reset_s;
};

struct api_request {
    struct exchange *x;
    struct front *front;
    const struct route *route;        /* NULL while none is found */
    const struct api_face *face;      /* whose way of saying no applies */
    struct sv params[API_PARAMS_MAX]; /* what stood for the pattern's {...}, percent-decoded, in order */
    int64_t now;                      /* the world's clock when the request was whole */
    char id[REQUEST_ID_BYTES + 1];    /* named in the answer, in problems and in the log */
    unsigned retry_after_s;           /* 0: nothing to say, or a second where the status calls for it */
    struct api_limit limit;
    const char *allow; /* with PROBLEM_METHOD: the methods there are */

    /* Who calls; copies, so that they hold when the answer comes later. 0 and 0 on open routes. */
    int64_t account_id;
    unsigned scopes;
    struct sid account_sid;
    struct sid key;

    unsigned asks_out; /* put and not come back */
    api_done *done;
    void *own; /* the handler's own */
};

/* ---- routes ---- */

enum api_check {
    CHECK_CALLER, /* needs credentials, and the scope */
    CHECK_OPEN,   /* anybody */
    CHECK_OWN,    /* the handler checks (signatures, loopback); api_authenticate helps */
};

struct api_response {
    int status;
    const char *schema; /* a name in openapi.c's components, or NULL: no body, or not JSON */
    const char *summary;
};
enum { ROUTE_RESPONSES_MAX = 8 };

struct route {
    enum http_method method; /* HEAD is answered as GET */
    const char *path;        /* "/v1/messages/{id}/events"; a literal may follow a {}: "{sid}.json" */
    enum api_check check;
    unsigned scope; /* one SCOPE_ bit, with CHECK_CALLER */
    void (*run)(struct api_request *rq);
    bool creates;              /* takes new messages: refused while draining, timed as HIST_ACCEPT */
    bool unkeyed;              /* creates, but what comes is known by ids of its own: no Idempotency-Key */
    const char *name;          /* operationId; NULL: not shown in the OpenAPI document */
    const char *tag, *summary; /* for the document */
    const struct api_field *body, *query; /* ended by a field without name; NULL: none */
    const char *body_type;                /* NULL: application/json */
    const char *body_texts[2];            /* types of a body that is a text, instead of body */
    bool body_optional;
    struct api_response responses[ROUTE_RESPONSES_MAX];
};

struct route_table {
    const struct route *rows;
    size_t n;
};

struct api_face {
    const char *prefix; /* paths that begin so belong to this face; the first that fits */
    const struct route_table *const *tables;
    size_t n_tables;
    /* Answers in this face's form. e is never NULL; its kind may be ERR_NONE when the problem says it all. */
    void (*refuse)(struct api_request *rq, enum problem p, const struct err *e);
    const char *realm; /* WWW-Authenticate of a 401; NULL: the native one, Bearer and Basic */
};
/* All faces, in the order they are tried (routes.c). A new face is one line there. */
extern const struct api_face *const api_faces[];
extern const size_t api_faces_n;
extern const struct api_face native_face;

/* ---- what a handler may use; borrowed, valid during the call ---- */

const struct settings *api_settings(const struct api_request *rq);
const struct texts *api_texts(const struct api_request *rq);
const struct world *api_world(const struct api_request *rq);
struct admitter *api_admitter(const struct api_request *rq);
/* The front's copies of stored templates, up to date: what was published before this request came is seen. */
struct stock *api_stock(const struct api_request *rq);
/* The front's own read connection and its copy of the accounts. */
struct db *api_db(const struct api_request *rq);
struct directory *api_directory(const struct api_request *rq);
/* What secrets are kept under. */
const struct master_key *api_master(const struct api_request *rq);
struct papers *api_papers(const struct api_request *rq);
/* NULL: there is none of that name. */
const struct http_file *api_console_file(const struct api_request *rq, struct sv name);
bool api_is_draining(const struct api_request *rq);
/* Empty, the front's; for building one answer's body. Void at the next call. */
struct buf *api_scratch(const struct api_request *rq);

/* Fills the caller from the Authorization header (Bearer SK....secret; Basic SK or AC: secret). ERR_AUTH if
 * there is none or it is wrong. */
MUST_USE bool api_authenticate(struct api_request *rq, struct err *e);
/* The request acts for this account, without credentials. */
void api_act_for(struct api_request *rq, const struct account *a);
/* ERR_FORBIDDEN naming the scope. */
MUST_USE bool api_need_scope(const struct api_request *rq, unsigned scope, struct err *e);

/* The body as a form; memory from the arena. ERR_INVALID and ERR_TOO_LARGE as form_parse; also when a key or
 * value is not UTF-8 or has a NUL. The query likewise. */
MUST_USE bool api_form(struct api_request *rq, struct form *out, struct err *e);
MUST_USE bool api_query(struct api_request *rq, struct form *out, struct err *e);
/* True when the request's Content-Type is this type, whatever its parameters. */
bool api_content_is(const struct api_request *rq, struct sv type);
/* A header that must be short and printable ASCII without space; SV_NONE and true when absent. ERR_INVALID
 * naming it otherwise. */
MUST_USE bool api_token_header(const struct api_request *rq, const char *name, size_t max, struct sv *out,
                               struct err *e);
/* The traceparent header when it is well-formed (W3C Trace Context, section 3.2), else SV_NONE: the standard
 * says to go on without. */
struct sv api_traceparent(const struct api_request *rq);
/* Does any lane have prices? (prices.c) */
bool api_has_prices(const struct settings *s);
/* A ceiling in a request, in micro-units. ERR_INVALID, or ERR_UNPROCESSABLE where nothing has a price. */
MUST_USE bool api_read_max_price(const struct api_request *rq, const char *field, struct sv text,
                                 int64_t *micro, struct err *e);
/* ERR_INVALID naming the field unless url is an absolute http(s) URL without credentials, at most 2048 bytes,
 * whose host is not (literally) a private address, unless the settings allow those. */
MUST_USE bool api_check_callback(const struct api_request *rq, const char *field, struct sv url,
                                 struct err *e);

/* The same for any URL of a caller's; setting: the one that allows private addresses, and whether it does. */
MUST_USE bool api_check_outside(const char *field, struct sv url, bool allow_private, const char *setting,
                                struct err *e);

/* ---- answering ---- */

/* Adds the request's id, Connection: close while draining; counts, times and logs. a may use 5 headers. */
void api_answer(struct api_request *rq, const struct answer *a);
void api_answer_json(struct api_request *rq, int status, struct sv body);
void api_answer_text(struct api_request *rq, int status, const char *content_type, struct sv body);
/* A line in the log for what went wrong; one a second at most, with the number of those left out. */
void api_warn(struct api_request *rq, const char *event, int status, const struct err *e);
/* In the form of the request's face; what is 5xx is logged. */
void api_problem(struct api_request *rq, enum problem p, const struct err *e);
void api_fail(struct api_request *rq, const struct err *e); /* problem_of(e->kind) */

/* ---- asking the core ---- */

/* A zeroed ask of this kind in the request's arena, with account_id set. Never NULL. */
struct ask *api_new_ask(struct api_request *rq, enum ask_kind kind);
/* Puts the ask into the core's mailbox (receipts and inbound texts: front.h's other one) after the handlers
 * of this run; done gets it back, exactly once, perhaps before this returns. The message of an ASK_SUBMIT is
 * taken over in any case. What could not be put comes back as ASK_FAILED with ERR_BUSY. One request may have
 * several out; its done is called for each and answers when rq->asks_out is 0. */
void api_ask(struct api_request *rq, struct ask *a, api_done *done);
void api_ask_urgent(struct api_request *rq, struct ask *a, api_done *done); /* by the receipts' mailbox */

/* What the answer to a new message says; copied before the message goes to the core. The views live in the
 * arena, or in the message it was made of. */
struct api_brief {
    int64_t id;
    enum state state;
    enum reason reason;
    enum direction direction;
    enum encoding encoding;
    enum priority priority;
    enum channel channel;
    uint16_t segments;
    struct sv to, from, body, status_callback;
    int64_t created_at, send_at, expires_at;
};
struct api_brief api_brief_of(const struct message *m);

typedef void api_submitted(struct api_request *rq, const struct api_brief *b, bool replayed);
/* From a checked submission to the answer: admit, ask, and then done(rq, brief, replayed) once the message is
 * on disk (or was before, under the same idempotency key). Everything that goes wrong is answered by
 * api_problem. in's views are used during the call only. keep_body: the brief's body and status_callback are
 * wanted for a new message too. */
void api_submit(struct api_request *rq, const struct submission *in, bool keep_body, api_submitted *done);
/* The same for a text that asks for a consent, which is stored as requested with it; lent until the answer.
 */
struct consent;
void api_submit_asking(struct api_request *rq, const struct submission *in, bool keep_body,
                       const struct consent *consent, api_submitted *done);
/* The first part of that: admits, and stores nothing. The message is the caller's to free. */
MUST_USE bool api_admit(struct api_request *rq, const struct submission *in, struct admitted *out,
                        struct err *e);
/* The same for a text that says a secret: `said` is sent; `shown`, alike but for the secret's mask, is what
 * anybody ever sees. v (the request's arena) goes with it. client_ip: whom it is for; may be empty. */
void api_submit_secret(struct api_request *rq, const struct submission *said, const struct submission *shown,
                       struct verification_write *v, struct sv client_ip, api_submitted *done);
/* The address of who calls, or of whom limits.proxies took the request from; in the request's arena.
 * (caller.c)
 */
struct sv api_caller(struct api_request *rq);
/* The short links in a text that was admitted, copied for its ask: they are the admitter's, which other
 * requests use before the answer comes. */
void api_lend_links(struct api_request *rq, const struct admitted *admitted, struct ask *a);
/* CANCEL, DELETE or REDACT of one message of the caller's; done only when it was done (head in the ask).
 * Absent: PROBLEM_NOT_FOUND; the state forbids it: PROBLEM_TOO_LATE. */
void api_command(struct api_request *rq, enum ask_kind kind, int64_t id, api_done *done);
/* The same of many messages of the account: done for each, as its answer comes; rq->asks_out is 0 at the
 * last. True: all were answered before it returned. n is API_ASKS_MAX at most. */
enum { API_ASKS_MAX = 50 };
bool api_ask_each(struct api_request *rq, enum ask_kind kind, const int64_t *ids, size_t n, api_done *done);

/* The stored message of that sid, the caller's; else NULL and the refusal is answered. Free it. */
struct message *api_find_message(struct api_request *rq, struct sv sid);
/* Its number; false and answered (PROBLEM_NOT_FOUND) when it is none of ours. */
MUST_USE bool api_parse_sid(struct api_request *rq, struct sv sid, int64_t *id);

#endif
