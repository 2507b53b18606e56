/* problems: every refusal of the native API, by its stable name (RFC 9457). */
#include "api/native.h"

#include "base/json.h"

const struct problem_row problems[PROBLEM_COUNT] = {
    [PROBLEM_INVALID] =
        {"invalid-request", 400, "The request is malformed",
         "Something in the request has the wrong form. `detail` says what, `field` where. Sending it "
         "again unchanged will not help."},
    [PROBLEM_UNAUTHENTICATED] =
        {"unauthenticated", 401, "Who are you?",
         "Credentials are missing, wrong, or revoked. Send `Authorization: Bearer SK....SECRET`, "
         "or HTTP Basic with an API key's SK sid and its secret. `hongyan key create` makes one."},
    [PROBLEM_FORBIDDEN] = {"forbidden", 403, "This key may not do that",
                           "The key is good, but lacks the scope the address needs: send, read or admin."},
    [PROBLEM_NOT_FOUND] =
        {"not-found", 404, "There is no such thing",
         "It does not exist, was deleted, or belongs to another account; which of these is not told."},
    [PROBLEM_CONFLICT] = {"conflict", 409, "It clashes with what is there",
                          "The request contradicts something that exists already."},
    [PROBLEM_TOO_LARGE] = {"too-large", 413, "Too large",
                           "The request is over a limit, which `detail` names."},
    [PROBLEM_UNPROCESSABLE] =
        {"unprocessable", 422, "Understood, but it cannot be done",
         "The request is well-formed, but what it asks for is impossible: a number that cannot get "
         "texts, a template that fails, a text that is too long. `field` says where."},
    [PROBLEM_RATE_LIMITED] = {"rate-limited", 429, "Too many requests",
                              "A limit was reached. Retry-After says in how many seconds to try again."},
    [PROBLEM_BUSY] =
        {"busy", 503, "Too busy right now",
         "More is waiting than can be held, or the gateway is stopping. Nothing was stored. Try again after "
         "the seconds Retry-After names; with an Idempotency-Key that is always safe."},
    [PROBLEM_UNAVAILABLE] =
        {"unavailable", 503, "The gateway cannot do this right now",
         "The database or another part it depends on fails. Nothing is known to be stored. Try again "
         "after the seconds Retry-After names; with an Idempotency-Key that is always safe."},
    [PROBLEM_INTERNAL] = {"internal", 500, "The gateway is at fault",
                          "This should not happen. Please report it with the id in `instance`."},
    [PROBLEM_NO_ROUTE] = {"no-such-address", 404, "There is nothing at this address",
                          "The path is not one of this server's. /openapi.json lists them all."},
    [PROBLEM_METHOD] = {"method-not-allowed", 405, "Not by this method",
                        "The address exists, but not for this HTTP method. Allow lists those it takes."},
    [PROBLEM_MEDIA_TYPE] = {"unsupported-media-type", 415, "Not in this form",
                            "The body must be JSON, with Content-Type: application/json."},
    [PROBLEM_UNKNOWN_FIELD] =
        {"unknown-field", 400, "A field is not known",
         "The request names a field or parameter that does not exist, perhaps by a slip of the "
         "pen. It is refused rather than ignored, as what it asked for would not happen."},
    [PROBLEM_KEY_MISMATCH] =
        {"idempotency-key-reused", 422, "This Idempotency-Key stands for another request",
         "The key was used before with another body. Use a new key for each new message."},
    [PROBLEM_KEY_IN_FLIGHT] =
        {"idempotency-key-in-flight", 409, "The first request with this key is not finished",
         "Another request with the same Idempotency-Key is being worked on right now. Try again in "
         "a moment: you will get its result."},
    [PROBLEM_TOO_LATE] =
        {"too-late", 409, "The message's state does not allow it",
         "Only a message that waits can be canceled; only one that is finished can be deleted or "
         "redacted. `detail` names its state."},
    [PROBLEM_PRECONDITION] = {"changed-meanwhile", 412, "It is not as you expect it",
                              "If-Match names a version that is no longer the latest. Read it again, make "
                              "the change anew, and send "
                              "it with the new ETag."},
    [PROBLEM_FORGED] =
        {"forged-callback", 403, "This callback is not from the provider",
         "Its signature is missing or wrong. If the provider did send it, check the lane's credentials and "
         "public_url: both are part of what is signed."},
};

enum problem problem_of(enum err_kind kind) {
    switch (kind) {
    case ERR_INVALID: return PROBLEM_INVALID;
    case ERR_AUTH: return PROBLEM_UNAUTHENTICATED;
    case ERR_FORBIDDEN: return PROBLEM_FORBIDDEN;
    case ERR_NOT_FOUND: return PROBLEM_NOT_FOUND;
    case ERR_CONFLICT: return PROBLEM_CONFLICT;
    case ERR_TOO_LARGE: return PROBLEM_TOO_LARGE;
    case ERR_UNPROCESSABLE: return PROBLEM_UNPROCESSABLE;
    case ERR_LIMITED: return PROBLEM_RATE_LIMITED;
    case ERR_BUSY: return PROBLEM_BUSY;
    case ERR_OUTSIDE: return PROBLEM_UNAVAILABLE;
    case ERR_NONE:
    case ERR_INTERNAL: break;
    }
    return PROBLEM_INTERNAL;
}

bool problem_find(struct sv name, enum problem *out) {
    for (int i = 0; i < PROBLEM_COUNT; i++)
        if (sv_eq(name, sv_of(problems[i].name))) {
            *out = (enum problem)i;
            return true;
        }
    return false;
}

static void add_header(struct answer *a, struct sv name, struct sv value) {
    a->headers[a->n_headers++] = (struct http_header){name, value};
}

void native_refuse(struct api_request *rq, enum problem p, const struct err *e) {
    const struct problem_row *row = &problems[p];
    /* What failed outside is told to the operator (log), not to the caller. */
    bool ours = e->kind == ERR_OUTSIDE || e->kind == ERR_INTERNAL;
    BUF_AUTO struct buf out = BUF_INIT(8 * 1024);
    buf_adds(&out, "{\"type\":\"/problems/");
    buf_adds(&out, row->name);
    buf_addc(&out, '"');
    json_pair(&out, "title", sv_of(row->title));
    json_pair_i64(&out, "status", row->status);
    json_pair(&out, "detail", sv_of(e->text[0] && !ours ? e->text : row->meaning));
    if (e->field[0])
        json_pair(&out, "field", sv_of(e->field));
    if (e->line) {
        json_pair_i64(&out, "line", e->line);
        json_pair_i64(&out, "column", e->column);
    }
    json_pair(&out, "instance", sv_of(rq->id));
    buf_addc(&out, '}');
    struct answer a = {
        .status = row->status, .content_type = "application/problem+json", .body = buf_sv(&out)};
    if (row->status == 401)
        add_header(&a, SV("WWW-Authenticate"), SV("Bearer realm=\"hongyan\", Basic realm=\"hongyan\""));
    if (row->status == 405 && rq->allow)
        add_header(&a, SV("Allow"), sv_of(rq->allow));
    api_answer(rq, &a);
}
