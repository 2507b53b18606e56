/* Twilio's error codes: which one says what we have to say. */
#include "api/twilio.h"

#include "base/json.h"

#include <string.h>

/* Titles: the error dictionary, twilio.com/docs/api/errors. A title may be followed by our own words. */
static const struct twilio_code codes[] = {
    {20003, 401, "Authenticate"},
    {20004, 405, "Method not allowed"},
    {20007, 400, "Page size too large"},
    {20009, 409, "Cannot delete this resource before it is complete"},
    {20403, 403, "Forbidden"},
    {20404, 404, "Not Found"},
    {20409, 409, "Conflict"},
    {20413, 413, "Request Entity Too Large"},
    {20422, 400, "Invalid Parameter"},
    {20429, 429, "Too Many Requests"},
    {20500, 500, "Internal Server Error"},
    {20503, 503, "Service unavailable"},
    {21211, 400, "Invalid 'To' Phone Number"},
    {21212, 400, "Invalid From Number (caller ID)"},
    {21602, 400, "Message body is required"},
    {21604, 400, "The destination 'To' phone number is required to send an SMS"},
    {21606, 400,
     "The 'From' phone number provided is not a valid message-capable phone number for this destination"},
    {21609, 400, "Invalid 'StatusCallback'"},
    {21610, 400, "Attempt to send to unsubscribed recipient"},
    {21611, 400, "This 'From' number has exceeded the maximum number of queued messages"},
    {21612, 400, "The 'To' phone number is not currently reachable via SMS"},
    {21614, 400, "'To' number is not a valid mobile number"},
    {21617, 400, "The concatenated message body exceeds the 1600 character limit"},
    {21620, 400, "Invalid media URL(s)"},
    {21624, 400, "Invalid validity period value"},
    {21654, 400, "ContentSid Required"},
    {21655, 400, "The ContentSid is Invalid"},
    {21656, 400, "The ContentVariables Parameter is invalid"},
    {21701, 400, "The Messaging Service does not exist"},
    {30001, 400, "Queue overflow"},
    {30002, 400, "Account suspended"},
    {30003, 400, "Unreachable destination handset"},
    {30004, 400, "Message blocked"},
    {30005, 400, "Unknown destination handset"},
    {30006, 400, "Landline or unreachable carrier"},
    {30007, 400, "Message filtered"},
    {30008, 400, "Unknown error"},
    {30017, 400, "Carrier network congestion"},
    {30036, 400, "Validity Period Expired"},
    {30409, 409, "This message cannot be canceled"},
    {30410, 400, "Provider Timeout Error"},
    {30450, 400, "Message delivery blocked"},
    {35111, 400, "SendAt timestamp is missing"},
    {35114, 400, "Scheduling does not support this timestamp"},
    {35126, 400, "The ScheduleType value provided is not supported for this channel"},
    {63007, 400, "Twilio could not find a Channel with the specified From address"},
};

const struct twilio_code *twilio_code_table(size_t *n) {
    *n = sizeof codes / sizeof codes[0];
    return codes;
}

const struct twilio_code *twilio_code_find(int32_t code) {
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].code == code)
            return &codes[i];
    return NULL;
}

/* ERR_NONE: whatever the kind. `template` and `vars` are admission's own names. */
static const struct {
    const char *field;
    enum err_kind kind;
    int32_t code;
} fields[] = {
    {"To", ERR_INVALID, 21604},
    {"To", ERR_NONE, 21211},
    {"From", ERR_NONE, 21212},
    {"MessagingServiceSid", ERR_NONE, 21701},
    {"channel", ERR_NONE, 63007},
    {"Body", ERR_INVALID, 21602},
    {"Body", ERR_NONE, 21617},
    {"MediaUrl", ERR_NONE, 21620},
    {"StatusCallback", ERR_NONE, 21609},
    {"ValidityPeriod", ERR_NONE, 21624},
    {"SendAt", ERR_UNPROCESSABLE, 35111},
    {"SendAt", ERR_NONE, 35114},
    {"ScheduleType", ERR_NONE, 35126},
    {"ContentSid", ERR_INVALID, 21654},
    {"ContentSid", ERR_NONE, 21655},
    {"ContentVariables", ERR_NONE, 21656},
    {"template", ERR_NONE, 21655},
    {"vars", ERR_NONE, 21656},
    {"PageSize", ERR_UNPROCESSABLE, 20007},
};

int32_t twilio_code_of_field(const char *field, enum err_kind kind) {
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(fields[i].field, field) == 0 && (fields[i].kind == kind || fields[i].kind == ERR_NONE))
            return fields[i].code;
    return 0;
}

static const int32_t problem_codes[PROBLEM_COUNT] = {
    [PROBLEM_INVALID] = 20422,       [PROBLEM_UNAUTHENTICATED] = 20003, [PROBLEM_FORBIDDEN] = 20403,
    [PROBLEM_NOT_FOUND] = 20404,     [PROBLEM_CONFLICT] = 20409,        [PROBLEM_TOO_LARGE] = 20413,
    [PROBLEM_UNPROCESSABLE] = 20422, [PROBLEM_RATE_LIMITED] = 20429,    [PROBLEM_BUSY] = 20503,
    [PROBLEM_UNAVAILABLE] = 20503,   [PROBLEM_INTERNAL] = 20500,        [PROBLEM_NO_ROUTE] = 20404,
    [PROBLEM_METHOD] = 20004,        [PROBLEM_MEDIA_TYPE] = 20422,      [PROBLEM_UNKNOWN_FIELD] = 20422,
    [PROBLEM_KEY_MISMATCH] = 20422,  [PROBLEM_KEY_IN_FLIGHT] = 20409,   [PROBLEM_TOO_LATE] = 20009,
    [PROBLEM_FORGED] = 20403,
};

/* ---- answering ---- */

enum { SHOWN_PATH_BYTES_MAX = 200 };

static bool asked_to_cancel(struct api_request *rq) {
    struct form f;
    return rq->route && rq->route->method == HTTP_POST && api_form(rq, &f, NULL) &&
           form_get(&f, SV("Status")).n;
}

static int32_t choose(struct api_request *rq, enum problem p, const struct err *e) {
    int32_t code = 0;
    if (p == PROBLEM_TOO_LATE && asked_to_cancel(rq))
        return 30409;
    if (p == PROBLEM_INVALID || p == PROBLEM_UNPROCESSABLE || p == PROBLEM_TOO_LARGE)
        code = twilio_code_of_field(e->field, e->kind);
    return code ? code : problem_codes[p];
}

static void add_message(const struct api_request *rq, const struct twilio_code *c, const struct err *e,
                        struct buf *out) {
    if (c->code == 20404) { /* in Twilio's own words */
        buf_adds(out, "The requested resource ");
        buf_add(out, sv_sub(rq->x->path, 0, SHOWN_PATH_BYTES_MAX));
        buf_adds(out, " was not found");
        return;
    }
    buf_adds(out, c->title);
    bool ours = c->status >= 500; /* what failed outside is told to the operator, not to the caller */
    if (!e->text[0] || ours)
        return;
    buf_adds(out, ": ");
    if (e->field[0] && !twilio_code_of_field(e->field, e->kind))
        buf_addf(out, "%s: ", e->field);
    buf_adds(out, e->text);
}

static void add_header(struct answer *a, struct sv name, struct sv value) {
    a->headers[a->n_headers++] = (struct http_header){name, value};
}

void twilio_refuse(struct api_request *rq, enum problem p, const struct err *e) {
    const struct twilio_code *c = twilio_code_find(choose(rq, p, e));
    ASSERT(c);
    BUF_AUTO struct buf message = BUF_INIT(2048), out = BUF_INIT(16 * 1024);
    add_message(rq, c, e, &message);
    buf_addc(&out, '{');
    json_pair_i64(&out, "code", c->code);
    json_pair(&out, "message", buf_sv(&message));
    json_key(&out, "more_info");
    buf_addf(&out, "\"https://www.twilio.com/docs/errors/%d\"", c->code);
    json_pair_i64(&out, "status", c->status);
    buf_addc(&out, '}');
    struct answer a = {.status = c->status, .content_type = "application/json", .body = buf_sv(&out)};
    if (a.status == 401)
        add_header(&a, SV("WWW-Authenticate"), sv_of(rq->face->realm));
    if (a.status == 405 && rq->allow)
        add_header(&a, SV("Allow"), sv_of(rq->allow));
    api_answer(rq, &a);
}
