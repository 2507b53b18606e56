/* generic: the adapter `http`: a provider whose API is described in the lane's settings, not in C.
 *
 * Address, headers and body of a request are templates (text/template); whether an answer means "taken", the
 * provider's id and its error code are expressions of the same language; two small tables turn error codes
 * and status words into ours. All are compiled once, by generic_prepare, into lane->prepared, which never
 * changes after that and is shared by all threads. A preset is a set of such settings for a provider many
 * have; what the lane says itself goes before it.
 *
 * An expression that cannot be evaluated on an answer (a member of something that is not there) counts as
 * not saying anything: then the answer is not a success, the code not known. What cannot be told stays
 * FATE_UNKNOWN.
 *
 * This header is shared by the adapter's parts; the rest of the program sees only generic_adapter.
 */
#ifndef HY_PROVIDER_GENERIC_H
#define HY_PROVIDER_GENERIC_H

#include "base/codec.h"
#include "provider/kit.h"
#include "text/template/template.h"

extern const struct adapter generic_adapter;

/* Indexes into lane->fields, in the order of the adapter's table. */
enum generic_field {
    GENERIC_PRESET,
    GENERIC_METHOD,
    GENERIC_URL,
    GENERIC_HEADERS,
    GENERIC_BODY,
    GENERIC_USER,
    GENERIC_TOKEN,
    GENERIC_SECRET,
    GENERIC_KIND,
    GENERIC_SUCCESS,
    GENERIC_ID,
    GENERIC_ERROR_CODE,
    GENERIC_ERROR_TEXT,
    GENERIC_ERRORS,
    GENERIC_RETRY_AFTER,
    GENERIC_CALLBACK_TOKEN,
    GENERIC_CALLBACK_SECRET,
    GENERIC_CALLBACK_HMAC,
    GENERIC_CALLBACK_SIGNED,
    GENERIC_CALLBACK_REPLY,
    GENERIC_RECEIPTS,
    GENERIC_RECEIPT_STATUS,
    GENERIC_RECEIPT_ID,
    GENERIC_RECEIPT_TOKEN,
    GENERIC_RECEIPT_NUMBER,
    GENERIC_RECEIPT_CODE,
    GENERIC_STATUSES,
    GENERIC_INBOUNDS,
    GENERIC_INBOUND_FROM,
    GENERIC_INBOUND_TO,
    GENERIC_INBOUND_BODY,
    GENERIC_INBOUND_ID,
    GENERIC_LOOKUP_URL,
    GENERIC_LOOKUP_BODY,
    GENERIC_LOOKUP_FOUND,
    GENERIC_LOOKUP_ABSENT,
    GENERIC_LOOKUP_ID,
    GENERIC_LOOKUP_STATUS,
    GENERIC_PROBE_URL,
    GENERIC_PROBE_SUCCESS,
    GENERIC_FIELDS
};

enum { GENERIC_HEADERS_MAX = 12, GENERIC_BODY_BYTES_MAX = 128 * 1024, GENERIC_URL_BYTES_MAX = 4096 };

/* What a provider many have needs: a base address and the settings that go with it. */
struct generic_preset {
    const char *name, *url;
    enum channel channel;
    const char *kind; /* of push addresses; NULL: none */
    const char *values[GENERIC_FIELDS];
};
const struct generic_preset *generic_preset_find(struct sv name); /* NULL: there is none */
const char *generic_preset_names(void);                           /* for people */

/* One row of `errors`. */
struct generic_error {
    struct sv code; /* "*": every code that has no row */
    enum fate fate;
    enum lane_hint hint;
    enum reason reason;
    int32_t pause_ms;
};
/* One row of `statuses`. */
struct generic_status {
    struct sv word;
    enum state state;
    enum reason reason;
};

/* The variables a request's templates may name. */
enum generic_variable {
    VARIABLE_TO,
    VARIABLE_TO_KIND,
    VARIABLE_ADDRESS,
    VARIABLE_FROM,
    VARIABLE_BODY,
    VARIABLE_TITLE,
    VARIABLE_HTML,
    VARIABLE_LANGUAGE,
    VARIABLE_CODE,
    VARIABLE_TOKEN,
    VARIABLE_STATUS_URL,
    VARIABLE_CHANNEL,
    VARIABLE_ATTEMPT,
    VARIABLE_NOW,
    VARIABLE_NOW_MS,
    VARIABLE_TIME,
    VARIABLE_NONCE,
    VARIABLE_EXPIRES_S,
    VARIABLE_LANE,
    VARIABLES
};
extern const char *const generic_variable_names[VARIABLES];

struct generic {
    struct arena mem;
    const struct generic_preset *preset;       /* or NULL */
    struct template *compiled[GENERIC_FIELDS]; /* templates and expressions; NULL: the setting is empty */
    struct {
        struct sv name;
        struct template *value;
    } headers[GENERIC_HEADERS_MAX];
    size_t n_headers;
    struct generic_error *errors;
    size_t n_errors;
    struct generic_status *statuses;
    size_t n_statuses;
    enum http_method method;
    struct sv kind;
    struct sv origin;        /* scheme://host[:port] of url, which no message may change */
    struct sv lookup_origin; /* of lookup_url; empty: none */
    struct {
        enum hash_kind hash;
        struct sv header, prefix;
        bool base64;
    } hmac;          /* header is empty: callbacks are not signed */
    uint32_t wanted; /* bits of enum generic_variable that some request template reads */
    json_t *lane;    /* the variable of that name */
};

MUST_USE bool generic_prepare(struct lane_config *lane, struct err *e);
void generic_release(void *prepared);
/* The lane's value of a setting, or its preset's; may be empty. */
struct sv generic_value(const struct lane_config *lane, enum generic_field f);

/* Reads `errors` and `statuses`: one row a line, or several with ';' between. False with e->line and the
 * field. */
MUST_USE bool generic_read_errors(struct sv text, struct generic *g, struct err *e);
MUST_USE bool generic_read_statuses(struct sv text, struct generic *g, struct err *e);
/* The row of a code, that of "*" when it has none, or NULL. An empty code has no row. */
const struct generic_error *generic_error_find(const struct generic *g, struct sv code);
/* False for a word that is not known. */
bool generic_status_find(const struct generic *g, struct sv word, enum state *state, enum reason *reason);

/* The value of an expression or template as text; empty when the setting is empty, or cannot be evaluated. */
void generic_text(const struct generic *g, enum generic_field f, const json_t *vars, struct buf *out);
/* The truth of an expression; fallback likewise. */
bool generic_truth(const struct generic *g, enum generic_field f, const json_t *vars, bool fallback);

/* The variables of a request; the caller's to json_decref. NULL when memory is short. */
json_t *generic_request_vars(const struct lane_config *lane, const struct attempt_view *a, int64_t now,
                             uint64_t nonce);
/* status, headers, json, text, lane. Likewise. */
json_t *generic_answer_vars(const struct lane_config *lane, const struct http_response *r);
/* A GET or POST as the templates of url and body say; body may be GENERIC_FIELDS: none. */
MUST_USE bool generic_request(const struct lane_config *lane, enum generic_field url, enum generic_field body,
                              enum http_method method, const json_t *vars, struct arena *mem,
                              struct http_request *out, struct err *e);
/* scheme://host[:port] of an absolute http(s) address that has nothing in it that an address may not have. */
MUST_USE bool generic_origin(struct sv url, struct sv *origin);

/* A provider's id as we keep it: as it is, or, when it is too long or has bytes that a line may not have, a
 * hash of it. Empty stays empty. */
void generic_put_id(char out[PROVIDER_ID_MAX], struct sv id);
/* JSON as text of any kind, or NULL. */
json_t *generic_parse(struct sv body);

bool generic_looks_up(const struct lane_config *lane);
bool generic_lookup(const struct lane_config *lane, const struct attempt_view *a, int64_t now, uint64_t nonce,
                    struct arena *mem, struct http_request *out, struct err *e);
struct lookup_answer generic_judge_lookup(const struct lane_config *lane, const struct attempt_view *a,
                                          int64_t now, const struct http_response *r);
const char *generic_hook_header(const struct lane_config *lane, size_t i);
bool generic_receipt(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                     struct receipt *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e);
bool generic_inbound(const struct lane_config *lane, const struct hook_request *rq, struct arena *mem,
                     struct inbound *out, size_t max, size_t *n, struct hook_reply *reply, struct err *e);

#endif
